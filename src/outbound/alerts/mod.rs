//! Sinks: how people, and the systems that they look at, are told of alarms.
//!
//! A sink carries one [`Notice`] and says how that went. It keeps nothing and tries once: what is
//! to be told, in which order, and when again, is with `workers::alarm_desk`, which has the outbox.

mod error;

use futures_util::future::BoxFuture;

use crate::domain::alarms::Appetite;
use crate::domain::alarms::Notice;

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

    /// Tells it, once. Ends within the sink's time limit, whatever the other side does; may be
    /// dropped at any time, and told again: who gets a notice twice sees the same identifier.
    ///
    /// # Errors
    /// It was not told, or did not say that it was.
    fn deliver<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<(), SinkError>>;
}
