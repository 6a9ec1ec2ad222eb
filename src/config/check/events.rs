//! The relay of Xsi-Events.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::Events;
use crate::config::Pool;
use crate::config::Route;
use crate::config::check::at::At;
use crate::config::check::route::one_of;
use crate::config::check::rules::Bounds;
use crate::config::check::rules::count;
use crate::config::check::rules::time;
use crate::config::raw;
use crate::config::values::Wrong;
use crate::config::values::wrong;

/// As many as connections of a listener.
const CHANNELS: Bounds<u32> = count(20_000, 1, 1_000_000);
/// A few applications of one user, with a channel at each XSP.
const PER_USER: Bounds<u32> = count(32, 1, 1_000_000);
/// One application id may be that of every client of the site.
const PER_APPLICATION: Bounds<u32> = count(20_000, 1, 1_000_000);
/// A client opens one at each XSP, and tries again with growing pauses.
const OPENS: Bounds<u32> = count(10, 0, 60_000);
/// The fastest client seen sends one in 5 s.
const INTERVAL: Bounds<Duration> = time(1_000, 0, 60_000);
/// An echo comes within milliseconds; a hop that holds bytes back gives them at the next ones.
const ECHO: Bounds<Duration> = time(10_000, 50, 3_600_000);
/// Three times the XSP's usual `eventTimeout` of 30 s: by then it has cut a silent channel itself.
const IDLE: Bounds<Duration> = time(90_000, 50, 86_400_000);
/// A client that takes nothing for so long has missed its acknowledgements too.
const WRITE: Bounds<Duration> = time(30_000, 50, 3_600_000);
/// Events have some 2 KB; a resync of a call centre has more.
const DOCUMENT: Bounds<u64> = Bounds {
    default: 256 << 10,
    low: 1 << 10,
    high: 4 << 20,
};
/// Some 100 bytes each.
const EVENTS: Bounds<u32> = count(200_000, 1_000, 10_000_000);
/// The AS waits for an acknowledgement for 2 to 30 s, on each channel of a set in turn.
const EVENT_TIME: Bounds<Duration> = time(120_000, 1_000, 3_600_000);
/// Heartbeats that are under way as a stream ends still reach its XSP, which knows best.
const CHANNEL_TIME: Bounds<Duration> = time(60_000, 0, 3_600_000);
/// One is usual; more than a few are a loop.
const REDIRECTS: Bounds<u32> = count(3, 0, 10);
/// Clients come back at once, to the other nodes.
const CUTS: Bounds<u32> = count(200, 1, 100_000);
/// A heartbeat waits for it.
const PEER: Bounds<Duration> = time(500, 10, 10_000);

/// Longest identity.
const IDENTITY: usize = 253;

pub(super) fn events(
    at: &At<'_>,
    raw: Option<&raw::Events>,
    pools: &BTreeMap<String, Pool>,
) -> Events {
    let silent = raw::Events::default();
    let raw = raw.unwrap_or(&silent);
    let pool = |name: &str| {
        if pools.contains_key(name) {
            Ok(name.to_owned())
        } else {
            wrong("no pool has this name", one_of(pools.keys()))
        }
    };
    let number = |key, written, bounds| {
        usize::try_from(at.count(key, written, bounds)).unwrap_or(usize::MAX)
    };
    let document = at.size("document-bytes", raw.document_bytes.as_ref(), &DOCUMENT);
    let duration = |key, written: &Option<raw::DurationText>, bounds| {
        at.duration(key, written.as_ref(), bounds)
    };
    Events {
        channels: number("channels", raw.channels, &CHANNELS),
        channels_per_user: number("channels-per-user", raw.channels_per_user, &PER_USER),
        channels_per_application: number(
            "channels-per-application",
            raw.channels_per_application,
            &PER_APPLICATION,
        ),
        channel_opens_per_minute: at.count(
            "channel-opens-per-minute",
            raw.channel_opens_per_minute,
            &OPENS,
        ),
        heartbeat_interval: duration("heartbeat-interval", &raw.heartbeat_interval, &INTERVAL),
        heartbeat_echo_timeout: duration(
            "heartbeat-echo-timeout",
            &raw.heartbeat_echo_timeout,
            &ECHO,
        ),
        idle_timeout: duration("idle-timeout", &raw.idle_timeout, &IDLE),
        write_timeout: duration("write-timeout", &raw.write_timeout, &WRITE),
        document_bytes: usize::try_from(document).unwrap_or(usize::MAX),
        remembered_events: number("remembered-events", raw.remembered_events, &EVENTS),
        remember_events: duration("remember-events", &raw.remember_events, &EVENT_TIME),
        remember_channels: duration("remember-channels", &raw.remember_channels, &CHANNEL_TIME),
        redirects: at.count("redirects", raw.redirects, &REDIRECTS),
        cuts_per_second: at.count("cuts-per-second", raw.cuts_per_second, &CUTS),
        peers: at.text("peers", raw.peers.as_deref(), pool),
        peer_timeout: duration("peer-timeout", &raw.peer_timeout, &PEER),
        farm_identities: at.list("farm-identities", raw.farm_identities.as_deref(), identity),
    }
}

/// The pool of the other nodes is no pool for requests of clients.
pub(super) fn not_for_routes(at: &At<'_>, events: &Events, routes: &BTreeMap<String, Route>) {
    let Some(peers) = &events.peers else { return };
    if let Some(route) = routes.values().find(|route| route.pool == *peers) {
        let fault = Wrong {
            what: format!("the route {} sends its requests there", route.name),
            expected: "a pool of its own, whose upstreams are the other nodes".to_owned(),
        };
        at.key("peers").refuse_value(format!("{peers:?}"), fault);
    }
}

fn identity(text: &str) -> Result<String, Wrong> {
    let plain = |byte: u8| byte.is_ascii_graphic();
    if !text.is_empty() && text.len() <= IDENTITY && text.bytes().all(plain) {
        Ok(text.to_ascii_lowercase())
    } else {
        wrong(
            "not an identity",
            "a name in the certificate of another node",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_silent_stream_outlives_two_heartbeats_of_any_client() {
        assert!(IDLE.default >= 3 * 30 * SECOND);
        assert!(INTERVAL.default < 5 * SECOND);
    }
}
