//! Xsi-Events: channels, subscriptions and events, decided by a machine, written on real time by
//! a desk. The XSPs' HTTP is `xsi::events`; what BroadWorks users do is told by the call engine
//! and by changes of the directory.
//!
//! The formats are written here by hand and shared with nothing: the daemon reads them with code
//! of its own, so that a mistake on either side shows.

mod call;
mod channels;
mod check;
pub mod command;
pub(in crate::lab::broadworks) mod contact;
mod delivery;
mod desk;
pub mod envelope;
pub mod faults;
mod feed;
pub mod ids;
mod machine;
mod markup;
pub mod package;
mod posting;
mod run;
mod service;
pub mod settings;
mod state;
pub mod stream;
mod subscriptions;
mod teller;
mod timers;
pub mod view;

#[cfg(test)]
mod tests;

pub(in crate::lab::broadworks) use desk::EventDesk;
pub use feed::EventFeed;
pub use machine::Events;
pub(in crate::lab::broadworks) use run::run;
