//! Busy lamp fields: who watches whom, how each line stands, who is told what.
//!
//! [`board::Board`] is the machine; [`tracker::Tracker`] joins it to our own channels and
//! subscriptions, so that a worker drives one machine; [`reading`] says when lists are read. A lamp
//! that cannot be known is `unknown`: a wrong lamp costs more trust than a dark one.
//!
//! [`outbox`] holds notifications on their way to a receiver that may be away; [`requirements`] judges
//! what must be in place before any of it works.

pub mod board;
pub mod line;
pub mod list;
pub mod notice;
pub mod outbox;
pub mod reading;
pub mod requirements;
pub mod tracker;
pub mod view;
pub mod watcher;
