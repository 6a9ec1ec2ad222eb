//! A front with its configuration, a peer, and two ways to ask it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::Request;
use http::StatusCode;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use prometheus_client::registry::Registry;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::io::DuplexStream;

use crate::config;
use crate::config::Affinity;
use crate::config::Config;
use crate::config::Rule;
use crate::domain::auth::identity::Caller;
use crate::domain::edge::reason::Reason;
use crate::domain::ids::Fingerprint;
use crate::inbound::http::Front;
use crate::inbound::peer::Peer;
use crate::inbound::peer::TlsFacts;
use crate::outbound::Pools;
use crate::outbound::read_capped;
use crate::outbound::tests::setup;
use crate::outbound::tests::setup::LONG;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::telemetry::events::EventMetrics;
use crate::telemetry::http::HttpMetrics;
use crate::workers::auth_desk::AuthDesk;
use crate::workers::auth_desk::tests::setup::Bench;

pub(super) const HOST: &str = "xsp.example.net";
pub(super) const PROFILE: &str = "/com.broadsoft.xsi-actions/v2.0/user/alice@as/profile";

/// A front that relays to `upstreams`, changed by `change`.
pub(super) fn config(upstreams: &[SocketAddr], change: impl FnOnce(&mut Config)) -> Config {
    let mut pool = setup::pool(upstreams);
    pool.affinity = Affinity::User;
    let mut config = setup::config([pool]);
    let kinds = [
        (
            "actions",
            "/com.broadsoft.xsi-actions",
            config::RouteKind::XsiActions,
        ),
        ("auth", "/authService", config::RouteKind::AuthService),
        (
            "events",
            "/com.broadsoft.xsi-events",
            config::RouteKind::XsiEvents,
        ),
        ("hidden", "/hidden", config::RouteKind::Plain),
        ("secure", "/secure", config::RouteKind::Plain),
    ];
    for (name, prefix, kind) in kinds {
        let route = config::Route {
            name: name.to_owned(),
            prefix: prefix.to_owned(),
            kind,
            pool: "farm".to_owned(),
            response_timeout: LONG,
            idle_timeout: LONG,
            require_client_certificate: name == "secure",
        };
        config.routes.insert(name.to_owned(), route);
    }
    config.policy.version_1 = Rule::Deny;
    config.listeners.push(listener());
    change(&mut config);
    config
}

fn listener() -> config::Listener {
    config::Listener {
        name: "public".to_owned(),
        kind: config::ListenerKind::Http,
        bridge: None,
        allow: Vec::new(),
        addresses: Vec::new(),
        plaintext: false,
        http2: true,
        tls: config::TlsParameters {
            minimum: config::TlsVersion::Tls12,
            suites: Vec::new(),
            groups: Vec::new(),
            post_quantum: config::PostQuantum::Off,
        },
        hosts: vec![config::Host {
            names: vec![HOST.to_owned(), "*.wild.example.net".to_owned()],
            certificates: Vec::new(),
            client_auth: config::ClientAuth {
                certificates: config::ClientCertificates::Optional,
                trust: None,
                identities: Vec::new(),
                mode: config::IdentityMode::Enforce,
                require_eku: true,
            },
            routes: ["actions", "auth", "events", "secure"]
                .map(str::to_owned)
                .to_vec(),
        }],
        passthrough: Vec::new(),
        limits: config::Limits {
            handshake_timeout: LONG,
            header_timeout: LONG,
            header_bytes: 65_536,
            header_count: 100,
            body_bytes: 1000,
            body_timeout: LONG,
            idle_timeout: LONG,
            connections: 10,
            connections_per_address: 10,
            uploads_per_address: 100,
            http2_streams: 10,
        },
    }
}

/// A peer with TLS, no certificate and the usual server name.
pub(super) fn peer() -> Peer {
    Peer {
        address: SocketAddr::from(([192, 0, 2, 7], 40_000)),
        listener: "public".into(),
        tls: Some(TlsFacts {
            server_name: Some(HOST.to_owned()),
            version: "TLSv1_3",
        }),
        caller: None,
    }
}

/// The owner of a certificate.
pub(super) fn caller(listed: bool) -> Caller {
    Caller {
        identity: "client.webex.example".to_owned(),
        serial: "01".to_owned(),
        fingerprint: Fingerprint::new([1; 32]),
        anchor: Fingerprint::new([2; 32]),
        not_after: clock::wall() + Duration::from_secs(3600),
        listed,
    }
}

/// A front and all it needs.
pub(super) struct Edge {
    pub(super) front: Arc<Front>,
    pub(super) config: Arc<Config>,
    pools: Arc<Pools>,
    metrics: Arc<HttpMetrics>,
    registry: Registry,
    tasks: Tasks,
}

/// An answer read whole.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Answer {
    /// Fails unless it is that refusal.
    pub(super) fn assert_is(&self, reason: Reason, case: &str) {
        assert_eq!(self.status, reason.status(), "{case}: {self:?}");
        assert!(self.text.contains(reason.sentence()), "{case}: {self:?}");
        assert_eq!(self.headers["server"], "xspd", "{case}");
    }
}

impl Edge {
    pub(super) fn new(config: Config) -> Self {
        Self::with_desk(config, None)
    }

    /// With our own AuthService, whose configuration `config` gets.
    pub(super) fn native(mut config: Config, bench: &Bench) -> Self {
        config.auth_service = bench.config.auth_service.clone();
        config.application_server = bench.config.application_server.clone();
        Self::with_desk(config, Some(bench.desk.clone()))
    }

    fn with_desk(config: Config, desk: Option<AuthDesk>) -> Self {
        let mut registry = Registry::with_prefix("xspd");
        let config = Arc::new(config);
        let (upstream_metrics, _) = setup::metrics();
        let pools = Arc::new(Pools::build(&config, &upstream_metrics).unwrap());
        let metrics = HttpMetrics::register(&mut registry);
        let front = Front::new(
            Arc::clone(&config),
            Arc::clone(&pools),
            Arc::clone(&metrics),
            &EventMetrics::register(&mut registry),
            desk,
            None,
        );
        Self {
            front: Arc::new(front),
            config,
            pools,
            metrics,
            registry,
            tasks: Tasks::new(),
        }
    }

    /// The same configuration again, as after a reload.
    pub(super) fn reload(&mut self) {
        let front = Front::new(
            Arc::clone(&self.config),
            Arc::clone(&self.pools),
            Arc::clone(&self.metrics),
            self.front.events().metrics(),
            None,
            Some(&self.front),
        );
        self.front = Arc::new(front);
    }

    /// The value of a series by the start of its line.
    pub(super) fn metric(&self, start: &str) -> i64 {
        setup::value(&self.registry, start)
    }

    /// Asks directly, as the usual peer.
    pub(super) async fn ask(&self, request: Request<Full<Bytes>>) -> Answer {
        self.ask_as(request, peer(), Some(0)).await
    }

    /// Asks directly; `host` is the number of the host block.
    pub(super) async fn ask_as(
        &self,
        request: Request<Full<Bytes>>,
        peer: Peer,
        host: Option<usize>,
    ) -> Answer {
        let listener = &self.config.listeners[0];
        let host = host.map(|place| &listener.hosts[place]);
        let response = self
            .front
            .answer(request, &Arc::new(peer), listener, host)
            .await;
        let (parts, body) = response.into_parts();
        let body = read_capped(body, 1 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&body).into_owned(),
        }
    }

    /// A connection served by hyper, to write HTTP/1.1 to.
    pub(super) fn connect(&self) -> DuplexStream {
        self.serve(hyper::server::conn::http1::Builder::new())
    }

    fn serve(&self, builder: hyper::server::conn::http1::Builder) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let (front, config, peer) = (
            Arc::clone(&self.front),
            Arc::clone(&self.config),
            Arc::new(peer()),
        );
        self.tasks.connection(async move {
            let service = service_fn(move |request| {
                let (front, config, peer) =
                    (Arc::clone(&front), Arc::clone(&config), Arc::clone(&peer));
                async move {
                    let listener = &config.listeners[0];
                    let answer = front.answer(request, &peer, listener, listener.hosts.first());
                    Ok::<_, std::convert::Infallible>(answer.await)
                }
            });
            let _ended = builder
                .serve_connection(TokioIo::new(theirs), service)
                .await;
        });
        ours
    }

    /// Writes bytes to a connection of its own and reads all that comes back.
    pub(super) async fn wire(&self, raw: &str) -> String {
        let mut builder = hyper::server::conn::http1::Builder::new();
        builder.half_close(true);
        let mut stream = self.serve(builder);
        stream.write_all(raw.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        read_all(&mut stream).await
    }
}

pub(super) async fn read_all(stream: &mut DuplexStream) -> String {
    let mut text = Vec::new();
    stream.read_to_end(&mut text).await.unwrap();
    String::from_utf8_lossy(&text).into_owned()
}

/// A request with the usual host.
pub(super) fn request(
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
) -> Request<Full<Bytes>> {
    let mut builder = Request::builder().method(method).uri(target);
    if !headers.iter().any(|(name, _)| *name == "host") {
        builder = builder.header("host", HOST);
    }
    for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
        builder = builder.header(*name, *value);
    }
    builder.body(Full::default()).unwrap()
}
