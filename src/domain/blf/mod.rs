//! Busy lamp fields: who watches whom, how each line stands, who is told what.
//!
//! [`board::Board`] is the machine; [`tracker::Tracker`] joins it to our own channels and
//! subscriptions, so that a worker drives one machine; [`reading`] says when lists are read. A lamp
//! that cannot be known is `unknown`: a wrong lamp costs more trust than a dark one.

pub mod board;
pub mod line;
pub mod list;
pub mod notice;
pub mod reading;
pub mod tracker;
pub mod view;
pub mod watcher;
