//! Sinks: how people, and the systems that they look at, are told of alarms.
//!
//! A sink carries one [`Notice`] and says how that went. It keeps nothing and tries once: what is
//! to be told, in which order, and when again, is with `workers::alarm_desk`, which has the outbox.
//!
//! * [`AlertSink`] is the face of all; [`SinkBuilder`] makes those of a configuration.
//! * `bounded` holds time and concurrency, so that no sink needs to.
//! * `datagram` sends what nobody confirms.
//! * `snmp`, `syslog`, `email`, `webhook`, `webex`, `alertmanager`, `pagerduty`, `journal`: one kind
//!   each. `post` is what the four that speak HTTP share, `text` what all do.

mod alertmanager;
mod bounded;
mod build;
mod datagram;
mod email;
mod error;
mod journal;
mod pagerduty;
mod post;
pub mod snmp;
mod syslog;
#[cfg(test)]
mod tests;
mod text;
mod told;
mod webex;
mod webhook;

use futures_util::future::BoxFuture;

use crate::domain::alarms::Appetite;
use crate::domain::alarms::Notice;

pub use build::SetupError;
pub use build::SetupFault;
pub use build::SinkBuilder;
pub use error::Outlook;
pub use error::SinkError;

/// Somebody who is told.
pub trait AlertSink: Send + Sync {
    /// Its name in the configuration; stays the same over restarts, so an outbox is kept by it.
    fn name(&self) -> &str;

    /// The word of its kind: `snmp`, `syslog`, `email`, …
    fn kind(&self) -> &'static str;

    /// What it wants to be told, and when.
    fn appetite(&self) -> &Appetite;

    /// Whether an alarm seems to be over there when it is not told again for a while.
    fn fades(&self) -> bool;

    /// Whether it says that it took a notice; of the others it is only known that it was sent.
    fn confirms(&self) -> bool {
        true
    }

    /// Tells it, once. Ends within the sink's time limit, whatever the other side does; may be
    /// dropped at any time, and told again: who gets a notice twice sees the same identifier.
    ///
    /// # Errors
    /// It was not told, or did not say that it was.
    fn deliver<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<(), SinkError>>;
}

/// What a kind does; [`bounded::Bounded`] makes a sink of it.
trait Carrier: Send + Sync {
    /// As [`AlertSink::fades`].
    fn fades(&self) -> bool {
        false
    }

    /// As [`AlertSink::confirms`].
    fn confirms(&self) -> bool {
        true
    }

    /// Carries a notice, once, however long it takes.
    fn carry<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<(), SinkError>>;
}
