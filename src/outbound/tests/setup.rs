//! Pools and requests for the tests.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::Request;
use http_body_util::Full;
use prometheus_client::registry::Registry;

use crate::config;
use crate::config::Affinity;
use crate::config::Config;
use crate::config::Rule;
use crate::outbound::Pool;
use crate::outbound::SendFailure;
use crate::outbound::SendPlan;
use crate::outbound::Sent;
use crate::outbound::read_capped;
use crate::telemetry::upstream::UpstreamMetrics;

pub(crate) const LONG: Duration = Duration::from_secs(20);
pub(crate) const SHORT: Duration = Duration::from_millis(200);

pub(crate) const PLAN: SendPlan = SendPlan {
    affinity: None,
    response_timeout: LONG,
    idle_timeout: LONG,
    body_is_empty: true,
    may_last: false,
};

pub(crate) fn upstream(name: &str, address: SocketAddr) -> config::Upstream {
    config::Upstream {
        name: name.to_owned(),
        host: address.ip().to_string(),
        port: address.port(),
        tls: None,
        host_header: None,
        aliases: Vec::new(),
    }
}

pub(crate) fn pool(addresses: &[SocketAddr]) -> config::Pool {
    config::Pool {
        name: "farm".to_owned(),
        upstreams: addresses
            .iter()
            .enumerate()
            .map(|(place, address)| upstream(&format!("xsp{}", place + 1), *address))
            .collect(),
        affinity: Affinity::None,
        health: config::HealthCheck {
            path: "/health".to_owned(),
            interval: Duration::from_millis(20),
            timeout: LONG,
            rise: 1,
            fall: 1,
        },
        ejection: config::Ejection {
            failures: 0,
            time: LONG,
        },
        connect_timeout: LONG,
        keep_alive: LONG,
        connections: 8,
    }
}

/// A pool with its metrics.
pub(crate) struct Bench {
    pub(crate) pool: Pool,
    registry: Registry,
}

impl Bench {
    pub(crate) fn new(config: &config::Pool) -> Self {
        let mut registry = Registry::with_prefix("xspd");
        let metrics = UpstreamMetrics::register(&mut registry);
        Self {
            pool: Pool::build(config, &metrics).unwrap(),
            registry,
        }
    }

    pub(crate) async fn get(&self) -> Result<Sent, SendFailure> {
        self.pool.send(request(Method::GET, "/x", ""), &PLAN).await
    }

    /// Sends a request without a body and returns status and body of the answer.
    pub(crate) async fn text(&self, method: Method) -> Result<String, SendFailure> {
        self.pool
            .send(request(method, "/x", ""), &PLAN)
            .await?
            .text()
            .await
    }

    /// The value of a series by the start of its line.
    pub(crate) fn metric(&self, start: &str) -> i64 {
        value(&self.registry, start)
    }
}

pub(crate) fn value(registry: &Registry, start: &str) -> i64 {
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, registry).unwrap();
    let line = text.lines().find(|line| line.starts_with(start));
    let line = line.unwrap_or_else(|| panic!("no {start} in\n{text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

impl Sent {
    pub(crate) async fn text(self) -> Result<String, SendFailure> {
        let status = self.response.status().as_u16();
        let body = read_capped(self.response.into_body(), 1 << 24)
            .await
            .unwrap();
        Ok(format!("{status} {}", String::from_utf8_lossy(&body)))
    }
}

pub(crate) fn request(method: Method, target: &str, body: &str) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(target)
        .header("host", "xsp.example.com")
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
        .unwrap()
}

pub(crate) fn events() -> config::Events {
    config::Events {
        channels: 100,
        channels_per_user: 100,
        channels_per_application: 100,
        channel_opens_per_minute: 0,
        heartbeat_interval: Duration::ZERO,
        heartbeat_echo_timeout: LONG,
        idle_timeout: LONG,
        write_timeout: LONG,
        document_bytes: 256 << 10,
        remembered_events: 1_000,
        remember_events: LONG,
        remember_channels: LONG,
        redirects: 3,
        cuts_per_second: 200,
        peers: None,
        peer_timeout: LONG,
        farm_identities: Vec::new(),
    }
}

/// The defaults of what is no matter here.
fn plain() -> Config {
    config::from_text(include_str!("../../../config/minimal.toml")).unwrap()
}

pub(crate) fn config(pools: impl IntoIterator<Item = config::Pool>) -> Config {
    Config {
        state_dir: "/nowhere".into(),
        log: config::Log {
            format: config::LogFormat::Text,
            filter: "info".to_owned(),
        },
        admin: config::Admin {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        },
        drain: config::Drain {
            settle: LONG,
            deadline: LONG,
        },
        watch: config::Watch {
            poll: LONG,
            debounce: LONG,
        },
        trust: BTreeMap::new(),
        pools: pools
            .into_iter()
            .map(|pool| (pool.name.clone(), pool))
            .collect(),
        routes: BTreeMap::new(),
        policy: config::Policy {
            call_me_now: Rule::Deny,
            outgoing_dial: Rule::Deny,
            version_1: Rule::Deny,
            password_change: Rule::Deny,
            device_token: Rule::Deny,
            system: Rule::Deny,
            route_point: Rule::Deny,
            call_center: Rule::Deny,
            group: Rule::Deny,
            rate: None,
            user_rate: None,
            guessing: None,
        },
        cors: config::Cors::Pass,
        forwarding: config::Forwarding {
            identity_header: None,
            drop_headers: Vec::new(),
            trusted_proxies: Vec::new(),
        },
        events: events(),
        ocir: None,
        application_server: None,
        auth_service: None,
        blf: None,
        provisioning: provisioning(),
        templates: Vec::new(),
        alarms: plain().alarms,
        alarm_sinks: Vec::new(),
        acme: Vec::new(),
        internal_ca: None,
        store: config::Store {
            path: "/nowhere/xspd.db".into(),
            history: LONG,
        },
        webex_partners: BTreeMap::new(),
        certificates: plain().certificates,
        watched_certificates: Vec::new(),
        maintenance: plain().maintenance,
        listeners: Vec::new(),
    }
}

fn provisioning() -> config::Provisioning {
    config::Provisioning {
        answer_within: LONG,
        rate: config::Rate {
            per_second: 1.0,
            burst: 1,
        },
        error_table: None,
        capture: config::Capture {
            what: config::CaptureWhat::Off,
            ring: 1,
            body_bytes: 1,
            keep: false,
            max_age: LONG,
            personal_data: false,
        },
        jobs: crate::domain::provisioning::policy::Rules::default(),
        operations: config::Operations {
            operator_token: None,
            reconcile_nightly: false,
            reconcile_hour: 0,
            reconcile_pause: LONG,
            stuck_after: LONG,
        },
    }
}

pub(crate) fn metrics() -> (Arc<UpstreamMetrics>, Registry) {
    let mut registry = Registry::with_prefix("xspd");
    (UpstreamMetrics::register(&mut registry), registry)
}

/// An address at which nobody listens.
pub(crate) fn nobody() -> SocketAddr {
    crate::platform::ports::listen_aside()
        .unwrap()
        .local_addr()
        .unwrap()
}
