//! The relay of Xsi-Events.

use std::time::Duration;

/// Limits and habits of the relay of event channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Events {
    /// Channels open at once, in all.
    pub channels: usize,
    /// Channels that one user may have open.
    pub channels_per_user: usize,
    /// Channels that one application id may have open.
    pub channels_per_application: usize,
    /// Channels that one user may open in a minute; 0: any number.
    pub channel_opens_per_minute: u32,
    /// Shortest time between two heartbeats of one channel; zero: none.
    pub heartbeat_interval: Duration,
    /// How long the echo of an accepted heartbeat may take.
    pub heartbeat_echo_timeout: Duration,
    /// Longest silence on a stream, on either side.
    pub idle_timeout: Duration,
    /// How long a client may take nothing.
    pub write_timeout: Duration,
    /// Largest document that is looked into.
    pub document_bytes: usize,
    /// Events whose XSP is known at once.
    pub remembered_events: usize,
    /// How long the XSP of an event is known.
    pub remember_events: Duration,
    /// How long the XSP of a channel is known after its stream.
    pub remember_channels: Duration,
    /// Redirections by an XSP to another one that are followed for the client.
    pub redirects: u32,
    /// Streams cut in a second when the time of a drain is over.
    pub cuts_per_second: u32,
    /// Name of the pool with the other nodes, when they are asked.
    pub peers: Option<String>,
    /// How long the other nodes may take to answer.
    pub peer_timeout: Duration,
    /// Certificate identities, lower case, of nodes that may ask us.
    pub farm_identities: Vec<String>,
}
