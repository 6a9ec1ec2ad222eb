//! The relay of Xsi-Events as written.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::config::raw::DurationText;
use crate::config::raw::SizeText;

/// The relay of event channels.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Events {
    /// Channels open at once, in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<i64>,
    /// Channels that one user may have open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels_per_user: Option<i64>,
    /// Channels that one application id may have open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels_per_application: Option<i64>,
    /// Channels that one user may open in a minute; 0 lets any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel_opens_per_minute: Option<i64>,
    /// Shortest time between two heartbeats of one channel; 0s lets any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heartbeat_interval: Option<DurationText>,
    /// How long the echo of an accepted heartbeat may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heartbeat_echo_timeout: Option<DurationText>,
    /// Longest silence on a stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<DurationText>,
    /// How long a client may take nothing of its stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write_timeout: Option<DurationText>,
    /// Largest document of a stream that is looked into; larger ones are relayed all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_bytes: Option<SizeText>,
    /// Events whose XSP is known at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remembered_events: Option<i64>,
    /// How long the XSP of an event is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remember_events: Option<DurationText>,
    /// How long the XSP of a channel is known after its stream has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remember_channels: Option<DurationText>,
    /// Redirections to another XSP that are followed for the client; 0 passes them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirects: Option<i64>,
    /// Streams cut in a second when the time of a drain is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cuts_per_second: Option<i64>,
    /// Pool whose upstreams are the other nodes; without it none is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peers: Option<String>,
    /// How long the other nodes may take to answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_timeout: Option<DurationText>,
    /// Client certificate identities of nodes that may ask this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub farm_identities: Option<Vec<String>>,
}
