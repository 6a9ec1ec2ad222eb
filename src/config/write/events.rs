//! The relay of Xsi-Events, as written.

use crate::config;
use crate::config::raw;
use crate::config::write::number;
use crate::config::write::size;
use crate::config::write::time;

pub(super) fn events(events: &config::Events) -> raw::Events {
    let config::Events {
        channels,
        channels_per_user,
        channels_per_application,
        channel_opens_per_minute,
        heartbeat_interval,
        heartbeat_echo_timeout,
        idle_timeout,
        write_timeout,
        document_bytes,
        remembered_events,
        remember_events,
        remember_channels,
        redirects,
        cuts_per_second,
        peers,
        peer_timeout,
        farm_identities,
    } = events;
    raw::Events {
        channels: number(*channels),
        channels_per_user: number(*channels_per_user),
        channels_per_application: number(*channels_per_application),
        channel_opens_per_minute: number(*channel_opens_per_minute),
        heartbeat_interval: time(*heartbeat_interval),
        heartbeat_echo_timeout: time(*heartbeat_echo_timeout),
        idle_timeout: time(*idle_timeout),
        write_timeout: time(*write_timeout),
        document_bytes: u64::try_from(*document_bytes).ok().and_then(size),
        remembered_events: number(*remembered_events),
        remember_events: time(*remember_events),
        remember_channels: time(*remember_channels),
        redirects: number(*redirects),
        cuts_per_second: number(*cuts_per_second),
        peers: peers.clone(),
        peer_timeout: time(*peer_timeout),
        farm_identities: Some(farm_identities.clone()),
    }
}
