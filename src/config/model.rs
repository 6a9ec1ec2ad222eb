//! The proven configuration: what the other rooms may rely on.
//!
//! Only `check.rs` makes these values. Nothing here is optional unless its absence means
//! something; every number has been range-checked and every name resolved.

mod acme;
mod alarm_sink;
mod alarms;
mod auth;
mod blf;
mod bridge;
mod certificates;
mod events;
mod listener;
mod ocir;
mod operations;
mod provisioning;
mod store;
mod webex;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::Affinity;
use crate::config::ListenerKind;
use crate::config::LogFormat;
use crate::config::RouteKind;
use crate::config::Rule;
use crate::config::TemplateMode;

pub use acme::*;
pub use alarm_sink::*;
pub use alarms::*;
pub use auth::*;
pub use blf::*;
pub use bridge::*;
pub use certificates::*;
pub use events::*;
pub use listener::*;
pub use ocir::*;
pub use operations::*;
pub use provisioning::*;
pub use store::*;
pub use webex::*;

/// A complete, checked configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where the daemon keeps what must survive a restart (generated certificates).
    pub state_dir: PathBuf,
    /// Logging.
    pub log: Log,
    /// The admin listener: health and metrics, loopback unless the operator insists.
    pub admin: Admin,
    /// How long a drain may take.
    pub drain: Drain,
    /// How often watched files are polled besides the directory watch.
    pub watch: Watch,
    /// Sets of trust anchors by name.
    pub trust: BTreeMap<String, TrustSet>,
    /// Upstream pools by name.
    pub pools: BTreeMap<String, Pool>,
    /// Routes by name; a listener names the routes that it serves.
    pub routes: BTreeMap<String, Route>,
    /// What is refused at the edge before the XSP sees it.
    pub policy: Policy,
    /// Who answers a browser's preflight.
    pub cors: Cors,
    /// Headers set for the upstream.
    pub forwarding: Forwarding,
    /// The relay of event channels.
    pub events: Events,
    /// The Application Server's OCI-P, when it is called.
    pub application_server: Option<ApplicationServer>,
    /// The Application Servers' reports; absent: none is heard.
    pub ocir: Option<Ocir>,
    /// xspd as the AuthService; absent: it is relayed.
    pub auth_service: Option<AuthService>,
    /// Busy lamps; absent: no line is tracked.
    pub blf: Option<Blf>,
    /// Where provisioning keeps what must survive a restart.
    pub store: Store,
    /// Accounts at Webex by name.
    pub webex_partners: BTreeMap<String, WebexPartner>,
    /// What all templates share.
    pub provisioning: Provisioning,
    /// Templates of Partner Hub, in the order written.
    pub templates: Vec<Template>,
    /// How alarms are raised, told and kept.
    pub alarms: Alarms,
    /// Who is told of alarms, in the order written; nobody: the journal.
    pub alarm_sinks: Vec<AlarmSink>,
    /// How everything that ends is watched.
    pub certificates: Certificates,
    /// More certificates to watch, in the order written.
    pub watched_certificates: Vec<Certificate>,
    /// When renewals may be made.
    pub maintenance: Maintenance,
    /// Automatic certificates, in the order written.
    pub acme: Vec<Acme>,
    /// The CA of our own.
    pub internal_ca: Option<InternalCa>,
    /// Every listener, in the order written.
    pub listeners: Vec<Listener>,
}

impl Config {
    /// Whether a connection of this peer is let in, as far as addresses say who may call; who is
    /// behind a trusted proxy is only known by request. Somebody whom any list holds is let in and
    /// told what is wrong; nobody else gets as far as a handshake.
    #[must_use]
    pub fn may_connect(&self, listener: &Listener, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        let rest = match listener.kind {
            ListenerKind::Provisioning => self.templates.as_slice(),
            // Their lists are empty: everybody may call.
            ListenerKind::Cti | ListenerKind::Http | ListenerKind::Passthrough => &[],
        };
        let called = |template: &&Template| template.mode != TemplateMode::Observe;
        let mut called = rest.iter().filter(called).peekable();
        if listener.allow.is_empty() {
            // For all, unless every template says for whom it is.
            called.peek().is_none()
                || called.any(|template| template.lets_in(peer))
                || self.forwarding.trusts(peer)
        } else {
            listener.lets_in(peer)
                || called.any(|template| !template.allow.is_empty() && template.lets_in(peer))
                || self.forwarding.trusts(peer)
        }
    }
}

/// Logging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Form of a line.
    pub format: LogFormat,
    /// `tracing` filter directives, for example `info,xspd::inbound=debug`.
    pub filter: String,
}

/// The admin listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// Address of `/livez`, `/readyz` and `/metrics`; port 0 takes a free one.
    pub address: SocketAddr,
}

/// Limits of the orderly end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drain {
    /// Time between "not ready" and "no new connections", for a load balancer to notice.
    pub settle: Duration,
    /// Time that requests in flight get to finish.
    pub deadline: Duration,
}

/// How files are watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// Poll interval, for file systems that send no events.
    pub poll: Duration,
    /// Quiet time after the last event before files are read, so that key and chain arrive together.
    pub debounce: Duration,
}

/// A set of trust anchors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustSet {
    /// Name used by listeners, logs and metrics.
    pub name: String,
    /// PEM files, each one generation.
    pub files: Vec<PathBuf>,
    /// A directory whose `*.txt` and `*.pem` files are generations; `xspd trust import` fills it.
    pub directory: Option<PathBuf>,
    /// Whether an anchor past its end is left out. webpki itself would still accept it.
    pub refuse_expired: bool,
}

/// A pool of upstreams that answer alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Pool {
    /// Name used by routes, logs and metrics.
    pub name: String,
    /// The upstreams.
    pub upstreams: Vec<Upstream>,
    /// Sharing rule.
    pub affinity: Affinity,
    /// Active health check.
    pub health: HealthCheck,
    /// Passive ejection.
    pub ejection: Ejection,
    /// Time limit of TCP connect and TLS handshake, each.
    pub connect_timeout: Duration,
    /// Longest time an idle connection is kept; below the XSP's own 4 s.
    pub keep_alive: Duration,
    /// Connections to one upstream at once, idle ones included.
    pub connections: usize,
}

/// One XSP or ADP.
#[derive(Debug, Clone, PartialEq)]
pub struct Upstream {
    /// Name used in logs and metrics.
    pub name: String,
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// TLS towards it, or plain HTTP.
    pub tls: Option<UpstreamTls>,
    /// `Host` header sent instead of the client's.
    pub host_header: Option<String>,
    /// Other authorities (`host[:port]`) by which this upstream calls itself in `Location`.
    pub aliases: Vec<String>,
}

/// TLS towards an upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamTls {
    /// PEM file with the CA certificates that may sign it; absent only with pins.
    pub ca: Option<PathBuf>,
    /// SHA-256 of the SubjectPublicKeyInfo, any of which must match when not empty.
    pub pins: Vec<[u8; 32]>,
    /// Name sent as SNI and checked in the certificate.
    pub server_name: String,
    /// Our certificate for it.
    pub client_certificate: Option<CertificateFiles>,
}

/// Active health check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// Request target.
    pub path: String,
    /// Time between two checks.
    pub interval: Duration,
    /// Time limit of one check.
    pub timeout: Duration,
    /// Successes that bring an upstream back.
    pub rise: u32,
    /// Failures that take it out.
    pub fall: u32,
}

/// Passive ejection by failed requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ejection {
    /// Failures in a row; 0 turns it off.
    pub failures: u32,
    /// How long it stays out.
    pub time: Duration,
}

/// One path prefix and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Name used by listeners, logs and metrics.
    pub name: String,
    /// Path prefix without a trailing slash, compared case-insensitively on a segment border.
    pub prefix: String,
    /// Kind of traffic.
    pub kind: RouteKind,
    /// Name of the pool; unused, and maybe of none, for an AuthService route while `auth_service`
    /// is there.
    pub pool: String,
    /// Time from the end of the request to the first byte of the answer.
    pub response_timeout: Duration,
    /// Longest pause between two pieces of an answer.
    pub idle_timeout: Duration,
    /// Answer 403 unless the client showed a verified certificate.
    pub require_client_certificate: bool,
}

/// Edge policy of Xsi-Actions.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// `calls/CallMeNow`: works without credentials and places calls.
    pub call_me_now: Rule,
    /// `collaborate/room/*/outgoingdial`: works without credentials and places calls.
    pub outgoing_dial: Rule,
    /// The `v1.0` tree.
    pub version_1: Rule,
    /// `PUT profile/Password/Portal`.
    pub password_change: Rule,
    /// `profile/DeviceToken`.
    pub device_token: Rule,
    /// `system/*`.
    pub system: Rule,
    /// `routepoint/*`.
    pub route_point: Rule,
    /// `callcenter/*`.
    pub call_center: Rule,
    /// `group/*`.
    pub group: Rule,
    /// Requests per second of all callers together; absent: unlimited.
    pub rate: Option<Rate>,
    /// Requests per second of one user; absent: unlimited.
    pub user_rate: Option<Rate>,
    /// Password guessing: 401 answers to Basic credentials by source address.
    pub guessing: Option<Guessing>,
}

/// A token bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Tokens per second.
    pub per_second: f64,
    /// Tokens kept.
    pub burst: u32,
}

/// Limits of password guessing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guessing {
    /// Refused passwords that lock an address out.
    pub failures: u32,
    /// The span in which they count.
    pub window: Duration,
    /// How long Basic credentials from the address then get 429.
    pub lockout: Duration,
}

/// Who answers a preflight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cors {
    /// We do, and we alone set the headers; the XSP's own are removed.
    Answer {
        /// Origins let in, lower case, `scheme://host[:port]`.
        origins: Vec<String>,
    },
    /// Passed to the XSP untouched.
    Pass,
}

/// Headers set for the upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarding {
    /// Header that carries the verified client identity, lower case; absent: none is set.
    pub identity_header: Option<String>,
    /// More header names that a peer may not send, lower case.
    pub drop_headers: Vec<String>,
    /// Peers whose `X-Forwarded-*` are kept, for a load balancer in front of us.
    pub trusted_proxies: Vec<ipnet::IpNet>,
}

impl Forwarding {
    /// Whether forwarding headers of this peer are believed.
    #[must_use]
    pub fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|net| net.contains(&peer))
    }
}
