//! Default and range of every number, with the reason.

use std::time::Duration;

/// Default, lowest and highest value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds<T> {
    pub(super) default: T,
    pub(super) low: T,
    pub(super) high: T,
}

/// In milliseconds.
pub(super) const fn time(default: u64, low: u64, high: u64) -> Bounds<Duration> {
    Bounds {
        default: Duration::from_millis(default),
        low: Duration::from_millis(low),
        high: Duration::from_millis(high),
    }
}

pub(super) const fn count(default: u32, low: u32, high: u32) -> Bounds<u32> {
    Bounds { default, low, high }
}

const fn bytes(default: u64, low: u64, high: u64) -> Bounds<u64> {
    Bounds { default, low, high }
}

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// Two health probes of a usual load balancer.
pub(super) const SETTLE: Bounds<Duration> = time(5 * SECOND, 0, 10 * MINUTE);
/// A slow action takes up to 30 s; systemd kills after 90 s.
pub(super) const DEADLINE: Bounds<Duration> = time(30 * SECOND, 0, HOUR);
/// Network file systems send no events; a minute is soon enough for a certificate.
pub(super) const POLL: Bounds<Duration> = time(MINUTE, 100, HOUR);
/// Key and chain of one renewal arrive within two seconds of each other.
pub(super) const DEBOUNCE: Bounds<Duration> = time(2 * SECOND, 10, MINUTE);

/// Comfortable over a satellite, short enough to shed silent clients.
pub(super) const HANDSHAKE_TIMEOUT: Bounds<Duration> = time(10 * SECOND, 50, 2 * MINUTE);
/// As the handshake.
pub(super) const HEADER_TIMEOUT: Bounds<Duration> = time(10 * SECOND, 50, 2 * MINUTE);
/// Bearer tokens reach 16 KiB (Xsi guide); hyper's buffer cannot be below 8 KiB.
pub(super) const HEADER_BYTES: Bounds<u64> = bytes(32 * KIB, 8 * KIB, 256 * KIB);
/// Clients send about 30.
pub(super) const HEADER_COUNT: Bounds<u32> = count(100, 16, 1_000);
/// A fax or a greeting has up to 30 MB.
pub(super) const BODY_BYTES: Bounds<u64> = bytes(32 * MIB, 1, GIB);
/// A body that pauses longer is stuck.
pub(super) const BODY_TIMEOUT: Bounds<Duration> = time(10 * SECOND, 50, 10 * MINUTE);
/// Webex reuses connections within seconds.
pub(super) const IDLE_TIMEOUT: Bounds<Duration> = time(MINUTE, 50, HOUR);
/// A CTI connection is quiet for as long as nobody calls, like an event channel.
pub(super) const PASSTHROUGH_IDLE_TIMEOUT: Bounds<Duration> = time(HOUR, 50, 24 * HOUR);
/// Two sockets for each relayed connection stay below systemd's usual 65,536 files.
pub(super) const CONNECTIONS: Bounds<u32> = count(20_000, 1, 1_000_000);
/// Webex's cloud calls from few addresses.
pub(super) const CONNECTIONS_PER_ADDRESS: Bounds<u32> = count(2_000, 1, 1_000_000);
/// A fifth of a pool: a body arrives within milliseconds, and nobody may hold every connection
/// to the XSPs by sending slowly.
pub(super) const UPLOADS_PER_ADDRESS: Bounds<u32> = count(200, 1, 1_000_000);
/// RFC 9113, section 6.5.2, recommends no less than 100.
pub(super) const HTTP2_STREAMS: Bounds<u32> = count(100, 1, 10_000);

/// A CTI session is quiet for as long as nobody calls.
pub(super) const BRIDGE_IDLE_TIMEOUT: Bounds<Duration> = time(HOUR, 50, 24 * HOUR);
/// Webex has long-lived sessions, a few for each XSP; this is room for all of its clusters.
pub(super) const BRIDGE_SESSIONS: Bounds<u32> = count(1_000, 1, 100_000);
/// Webex calls from few addresses, and a load balancer in front may make them one.
pub(super) const BRIDGE_SESSIONS_PER_ADDRESS: Bounds<u32> = count(200, 1, 100_000);
/// Webex connects again within a minute or two; five minutes without it are a fault.
pub(super) const BRIDGE_ABSENCE: Bounds<Duration> = time(5 * MINUTE, 50, 24 * HOUR);

/// One lost SYN (1 s) and its repetition (2 s) fit.
pub(super) const CONNECT_TIMEOUT: Bounds<Duration> = time(4 * SECOND, 10, 2 * MINUTE);
/// The XSP closes an idle connection after 4 s; we must be first.
pub(super) const KEEP_ALIVE: Bounds<Duration> = time(3 * SECOND, 0, HOUR);
/// Tomcat's usual worker threads of one XSP with room for event channels.
pub(super) const POOL_CONNECTIONS: Bounds<u32> = count(1_000, 1, 100_000);
/// With fall 3, a dead XSP is noticed within 15 s.
pub(super) const HEALTH_INTERVAL: Bounds<Duration> = time(5 * SECOND, 100, HOUR);
/// Below the interval, so that checks never pile up.
pub(super) const HEALTH_TIMEOUT: Bounds<Duration> = time(3 * SECOND, 10, 5 * MINUTE);
/// One answer may be luck.
pub(super) const RISE: Bounds<u32> = count(2, 1, 100);
/// One lost packet must not empty a pool.
pub(super) const FALL: Bounds<u32> = count(3, 1, 100);
/// 0 turns ejection off.
pub(super) const EJECTION_FAILURES: Bounds<u32> = count(5, 0, 1_000);
/// Two health checks.
pub(super) const EJECTION_TIME: Bounds<Duration> = time(10 * SECOND, 100, HOUR);

/// The core behind the XSP may be slow (Xsi guide, "calls/new").
pub(super) const RESPONSE_TIMEOUT: Bounds<Duration> = time(30 * SECOND, 50, HOUR);
/// An answer that pauses longer is stuck.
pub(super) const ANSWER_IDLE_TIMEOUT: Bounds<Duration> = time(MINUTE, 50, 24 * HOUR);
/// An event channel is quiet for as long as nobody calls; it has no total limit.
pub(super) const CHANNEL_IDLE_TIMEOUT: Bounds<Duration> = time(HOUR, 50, 24 * HOUR);

/// 0 turns it off; 100 wrong passwords a minute are no person.
pub(super) const GUESSING_FAILURES: Bounds<u32> = count(100, 0, 1_000_000);
/// Long enough to count slow guessing.
pub(super) const GUESSING_WINDOW: Bounds<Duration> = time(MINUTE, SECOND, 24 * HOUR);
/// Many users may share the address, so it must not last.
pub(super) const GUESSING_LOCKOUT: Bounds<Duration> = time(MINUTE, SECOND, 24 * HOUR);
/// What OCI-P may take of the Application Server; it serves the whole platform.
pub(super) const OCIP_RATE: Bounds<f64> = Bounds {
    default: 5.0,
    low: 0.1,
    high: 1_000.0,
};
/// Two seconds' worth.
pub(super) const OCIP_BURST: Bounds<u32> = count(10, 1, 100_000);
/// One lost SYN and its repetition fit.
pub(super) const OCIP_CONNECT_TIMEOUT: Bounds<Duration> = time(5 * SECOND, 10, 2 * MINUTE);
/// A user waits for the answer.
pub(super) const OCIP_RESPONSE_TIMEOUT: Bounds<Duration> = time(10 * SECOND, 50, 2 * MINUTE);
/// `tokenDurationInHours` (Solution Guide, "Deploy"): 30 days, at most half a year.
pub(super) const TOKEN_HOURS: Bounds<u32> = count(720, 1, 4_320);
/// A user is asked for once a minute, however many requests come.
pub(super) const REVOCATION_REFRESH: Bounds<Duration> = time(MINUTE, SECOND, HOUR);
/// A restart of the Application Server takes minutes; a revoked token must not outlive it long.
pub(super) const REVOCATION_STALE: Bounds<Duration> = time(15 * MINUTE, SECOND, 24 * HOUR);
/// The real life of a login token is unpublished, so it is taken for short.
pub(super) const LOGIN_TOKEN_CACHE: Bounds<Duration> = time(50 * SECOND, 0, 5 * MINUTE);
/// Some 200 bytes each.
pub(super) const LOGIN_TOKEN_USERS: Bounds<u32> = count(20_000, 1, 1_000_000);
/// `ciResponseBodyMaxSizeInBytes` (Solution Guide, "Deploy").
pub(super) const CI_RESPONSE_BYTES: Bounds<u32> = count(65_536, 1_024, 1 << 20);
/// `refreshPeriodInMinutes` (Solution Guide, "Deploy").
pub(super) const FEDERATION_MINUTES: Bounds<u32> = count(60, 1, 1_440);
/// One lost SYN and its repetition fit.
pub(super) const WEBEX_CONNECT_TIMEOUT: Bounds<Duration> = time(5 * SECOND, 10, 2 * MINUTE);
/// Webex says nothing about it; a create that makes an organisation takes seconds.
pub(super) const WEBEX_ANSWER_TIMEOUT: Bounds<Duration> = time(30 * SECOND, 50, 5 * MINUTE);
/// A list page of 100 subscribers has 100 KB.
pub(super) const WEBEX_TOTAL_TIMEOUT: Bounds<Duration> = time(MINUTE, 50, 10 * MINUTE);
/// Webex publishes no limit; enough for the rate at half a second each, with as much to spare.
pub(super) const WEBEX_IN_FLIGHT: Bounds<u32> = count(4, 1, 64);
/// Webex publishes no limit; its 429 slows us down when this is too much.
pub(super) const WEBEX_RATE: Bounds<f64> = Bounds {
    default: 5.0,
    low: 0.1,
    high: 100.0,
};
/// Let's Encrypt renews one certificate five times a week at most; each failed try counts too.
pub(super) const ACME_ORDERS: Bounds<u32> = count(5, 1, 50);
/// Burst of a token bucket.
pub(super) const BURST: Bounds<u32> = count(1, 1, 1_000_000);
/// Tokens per second of a bucket.
pub(super) const PER_SECOND: Bounds<f64> = Bounds {
    default: 1.0,
    low: 0.01,
    high: 1_000_000.0,
};

/// A changed list is seen within minutes; a thousand lists cost two requests a second.
pub(super) const BLF_LIST_REFRESH: Bounds<Duration> = time(10 * MINUTE, SECOND, 24 * HOUR);
/// What a start may take of the Application Server; its own pace of resynchronisation can be set
/// from 1 to 5000 a second.
pub(super) const BLF_RATE: Bounds<u32> = count(20, 1, 5_000);
/// So many single subscriptions are up within two minutes at the default rate.
pub(super) const BLF_USER_LEVEL: Bounds<u32> = count(2_000, 1, 10_000_000);
/// Half of the eventTimeout that every guide shows.
pub(super) const BLF_HEARTBEAT: Bounds<Duration> = time(15 * SECOND, 100, 10 * MINUTE);
/// The eventTimeout that every guide shows.
pub(super) const BLF_EVENT_TIMEOUT: Bounds<Duration> = time(30 * SECOND, 200, HOUR);
/// An hour is the least that BroadWorks grants; half a day costs two refreshes a day and line.
pub(super) const BLF_EXPIRES: Bounds<Duration> = time(24 * HOUR, HOUR, 365 * 24 * HOUR);
/// As OCI-P: the Application Server is behind it.
pub(super) const BLF_TIMEOUT: Bounds<Duration> = time(10 * SECOND, 50, 2 * MINUTE);
/// Calls of half a working day are rare; a lost end is found.
pub(super) const BLF_CALL: Bounds<Duration> = time(4 * HOUR, SECOND, 7 * 24 * HOUR);
/// Nobody rings for three minutes: voice mail or a time limit ends it before.
pub(super) const BLF_RINGING: Bounds<Duration> = time(3 * MINUTE, SECOND, HOUR);
/// At once; longer than a minute no caller waits.
pub(super) const BLF_DELAY: Bounds<Duration> = time(0, 0, MINUTE);
/// Some 500 bytes each without a reader.
pub(super) const BLF_WATCHERS: Bounds<u32> = count(10_000, 1, 1_000_000);
/// Below 2 KB each.
pub(super) const BLF_LINES: Bounds<u32> = count(50_000, 1, 10_000_000);
/// Webex Calling has 50; a receptionist's list may be longer.
pub(super) const BLF_LINES_PER_WATCHER: Bounds<u32> = count(1_000, 1, 100_000);
/// The full state replaces what does not fit, so nothing but history is lost.
pub(super) const BLF_QUEUE: Bounds<u32> = count(256, 1, 100_000);
/// A stream costs some 50 KB with its TLS connection.
pub(super) const BLF_STREAMS: Bounds<u32> = count(20_000, 1, 1_000_000);
/// A desk has an app, a phone and a browser or two; more are left behind by something broken.
pub(super) const BLF_STREAMS_PER_WATCHER: Bounds<u32> = count(10, 1, 100_000);
/// As many as one address may have connections; an office comes from one.
pub(super) const BLF_STREAMS_PER_ADDRESS: Bounds<u32> = count(2_000, 1, 1_000_000);
/// Below the idle time limits of common proxies and firewalls, 30 s and more.
pub(super) const BLF_KEEP_ALIVE: Bounds<Duration> = time(15 * SECOND, 100, 5 * MINUTE);
/// What a revoked token may still see.
pub(super) const BLF_RE_CHECK: Bounds<Duration> = time(MINUTE, 100, HOUR);
/// A reader that takes nothing for so long is gone, and state that old is of no use to it.
pub(super) const BLF_WRITE_STALL: Bounds<Duration> = time(30 * SECOND, 100, 10 * MINUTE);
/// A receiver that takes longer has trouble.
pub(super) const BLF_WEBHOOK_TIMEOUT: Bounds<Duration> = time(5 * SECOND, 50, MINUTE);
/// With pauses that double, half a minute.
pub(super) const BLF_WEBHOOK_RETRIES: Bounds<u32> = count(4, 0, 20);

/// A profile has a few hundred bytes; this is the limit of the field's own format.
pub(super) const PROVISIONING_BODY_BYTES: Bounds<u64> = bytes(256 * KIB, 1, MIB);
/// A pair of Application Servers, each with a few connections, and a bulk tool.
pub(super) const PROVISIONING_CONNECTIONS: Bounds<u32> = count(500, 1, 100_000);
/// Far more than one Application Server opens, and a fifth of all: whoever holds connections open
/// leaves room for the others.
pub(super) const PROVISIONING_CONNECTIONS_PER_ADDRESS: Bounds<u32> = count(100, 1, 100_000);
/// A writer waits for the disk; an administrator waits for the answer.
pub(super) const PROVISIONING_ANSWER: Bounds<Duration> = time(2 * SECOND, 50, 30 * SECOND);
/// A bulk tool of BroadWorks assigns some ten users a second.
pub(super) const PROVISIONING_RATE: Bounds<f64> = Bounds {
    default: 200.0,
    low: 0.1,
    high: 100_000.0,
};
/// Two seconds' worth.
pub(super) const PROVISIONING_BURST: Bounds<u32> = count(400, 1, 1_000_000);
/// A day of mistakes at a new site.
pub(super) const CAPTURE_RING: Bounds<u32> = count(50, 1, 1_000);
/// Whoever writes a mapping looks at calls of today; personal data is not kept for longer.
pub(super) const CAPTURE_MAX_AGE: Bounds<Duration> = time(24 * HOUR, MINUTE, 30 * 24 * HOUR);
/// What a cluster has; the guard begins at 51.
pub(super) const TEMPLATE_CUSTOMERS: Bounds<u32> = count(0, 0, 1_000_000);
/// Many times a profile; with the ring it bounds the memory.
pub(super) const CAPTURE_BODY_BYTES: Bounds<u64> = bytes(16 * KIB, KIB, 256 * KIB);
/// One lost SYN and its repetition fit.
pub(super) const BRIDGE_URL_CONNECT: Bounds<Duration> = time(5 * SECOND, 10, MINUTE);
/// The bridge answers before the user is provisioned; an administrator waits for it.
pub(super) const BRIDGE_URL_TOTAL: Bounds<Duration> = time(20 * SECOND, 50, 2 * MINUTE);
/// What the Application Server takes for success is unpublished; Webex's bridge answers 200.
pub(super) const ACCEPTED_STATUS: Bounds<u32> = count(200, 200, 299);
