//! Times of the event service. The defaults are those of production where one is known; a test or
//! a person in a hurry shortens them over the lab's control endpoint.

use std::time::Duration;

/// Never expires, as clients and servers write it.
pub const NEVER: u32 = 2_147_483_647;

/// Times and counts that can be changed while the lab runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// A channel without a heartbeat for so long is cut (30 s in every published example).
    pub event_timeout: Duration,
    /// An event must be acknowledged in this time (2 to 30 s on an Application Server).
    pub notification_timeout: Duration,
    /// From the moment when no channel of a set acknowledges to the end of all (0 to 30 s there).
    pub unresponsive_grace: Duration,
    /// How long the subscriptions of a set without channels are kept (0 to 60 minutes there).
    pub stateful_expiration: Duration,
    /// The least that is granted to channels and subscriptions, seconds.
    pub least_expires: u32,
    /// The most that is granted to them, seconds.
    pub most_expires: u32,
    /// Channels of one set (1 to 100 there).
    pub channels_per_set: usize,
    /// Events kept for a set without channels; the oldest give way.
    pub backlog: usize,
    /// Between two attempts to reach an HTTP contact.
    pub contact_pause: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            event_timeout: Duration::from_secs(30),
            notification_timeout: Duration::from_secs(5),
            unresponsive_grace: Duration::from_secs(5),
            stateful_expiration: Duration::from_secs(600),
            least_expires: 3600,
            most_expires: NEVER,
            channels_per_set: 10,
            backlog: 200,
            contact_pause: Duration::from_secs(1),
        }
    }
}

/// Channels in all: as many as both XSPs take connections.
pub(super) const CHANNELS: usize = 8192;

/// Subscriptions in all: several for each user of a large lab.
pub(super) const SUBSCRIPTIONS: usize = 32_768;

/// Subscriptions with an HTTP contact: each may have a request under way.
pub(super) const CONTACTS: usize = 1024;

/// Events that wait for an acknowledgement or a channel, of one set. A client that takes events
/// and acknowledges none is cut before that by the time-out.
pub(super) const OUTSTANDING: usize = 4096;

/// Attempts to reach an HTTP contact with one event; no number is published.
pub(super) const ATTEMPTS: u32 = 3;

/// Sequence numbers begin anew behind this one.
pub(super) const LAST_SEQUENCE: u32 = 2_147_483_647;

/// The longest id that a client may choose (XSI schema).
pub const LONGEST_ID: usize = 256;
