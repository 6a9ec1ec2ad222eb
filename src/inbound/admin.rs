//! The admin listener: `/livez`, `/readyz`, `/metrics`, `/events/streams`, `/cti/sessions`,
//! `/certs/…`, `/authService/…` for operators when it is ours, `/blf/…`, `/ops/…` and `/alarms/…`.
//! Loopback unless the operator insists; no TLS.

mod alarms;
mod asked;
mod certs;
mod lamps;
mod operations;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::http::header::CONTENT_TYPE;
use axum::http::header::WWW_AUTHENTICATE;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::get;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::domain::edge::reason::Reason;
use crate::domain::edge::target::judge;
use crate::inbound::edge::Edge;
use crate::inbound::edge::Live;
use crate::inbound::endpoints::auth_service;
use crate::inbound::endpoints::auth_service::Ask;
use crate::inbound::endpoints::auth_service::Who;
use crate::inbound::endpoints::auth_service::endpoint::Endpoint;
use crate::inbound::endpoints::events;
use crate::inbound::endpoints::operations::Ground;
use crate::inbound::endpoints::operations::door::Door;
use crate::inbound::http::TRACKING_ID;
use crate::inbound::http::TrackingIds;
use crate::inbound::sessions::Sessions;
use crate::platform::tasks::Tasks;
use crate::telemetry::Telemetry;
use crate::workers::alarm_desk::AlarmDesk;
use crate::workers::cert_watch::CertDesk;

/// Where AuthService is.
const PREFIX: &[u8] = b"/authService";

/// What the admin pages show.
pub struct Admin {
    /// Alarms.
    pub alarms: AlarmDesk,
    /// Who is let in to what is for operators. One for all of it, because one token may open all of
    /// it: guesses at one lock the others.
    pub door: Arc<Door>,
    /// All metrics.
    pub telemetry: Arc<Telemetry>,
    /// The current snapshot.
    pub live: Live,
    /// Set while the daemon drains.
    pub draining: AtomicBool,
    /// Counts connections that panicked.
    pub tasks: Tasks,
    /// Names requests to AuthService.
    pub tracking: TrackingIds,
    /// CTI sessions, one value a listener.
    pub sessions: Vec<Arc<Sessions>>,
    /// What operators of provisioning may ask for; `None` while that is off.
    pub operations: Option<Ground>,
    /// Everything that ends.
    pub certificates: CertDesk,
}

/// Serves until `stop`.
pub async fn serve(socket: TcpListener, admin: Arc<Admin>, stop: CancellationToken) {
    let router = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/events/streams", get(event_streams))
        .route("/cti/sessions", get(cti_sessions))
        .route(certs::PATH, get(certs::list))
        .fallback(other)
        .with_state(admin);
    let router = router.into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(socket, router)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await;
    if let Err(error) = served {
        error!(%error, "The admin listener ended.");
    }
}

async fn ready(State(admin): State<Arc<Admin>>) -> (StatusCode, String) {
    let unavailable = |why: &str| (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n"));
    let live = admin.live.load();
    if admin.draining.load(Ordering::Relaxed) {
        return unavailable("draining");
    }
    if !live.pools.ready() {
        return unavailable("a pool has no healthy upstream");
    }
    let Some(desk) = &live.desk else {
        return (StatusCode::OK, "ready\n".to_owned());
    };
    let (readiness, missing) = (desk.readiness(), desk.readiness().missing().join("\n"));
    if !readiness.is_ready() {
        unavailable(&missing)
    } else if missing.is_empty() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        (StatusCode::OK, format!("ready, but:\n{missing}\n"))
    }
}

/// `/authService/…` in any case of its letters, as on other listeners; the prefix is the built-in
/// one, whatever the route's is.
async fn other(
    State(admin): State<Arc<Admin>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response<Body> {
    if lamps::is_ours(request.uri().path()) {
        return lamps::answer(&admin, request).await;
    }
    if alarms::is_ours(request.uri().path()) {
        return alarms::answer(&admin, address.ip(), request).await;
    }
    if operations::is_ours(request.uri().path()) {
        return operations::answer(&admin, address.ip(), request).await;
    }
    let live = admin.live.load_full();
    let path = judge(request.uri().path().as_bytes());
    let below = path.as_ref().ok().and_then(|path| {
        let (prefix, below) = path.path().split_at_checked(PREFIX.len())?;
        let ours = prefix.eq_ignore_ascii_case(PREFIX) && below.first().is_none_or(|b| *b == b'/');
        ours.then(|| Endpoint::find(below))
    });
    let (Some(desk), Some(endpoint)) = (&live.desk, below) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tracking_id = admin.tracking.fresh();
    let (parts, body) = request.into_parts();
    let ask = Ask {
        method: &parts.method,
        headers: &parts.headers,
        query: parts.uri.query(),
        who: Who::Admin {
            address: address.ip(),
        },
        tracking_id: tracking_id.to_str().unwrap_or_default(),
    };
    let reply = auth_service::answer(desk, endpoint, &ask, body).await;
    let mut response = reply.into_response().map(Body::from);
    response.headers_mut().insert(TRACKING_ID, tracking_id);
    response
}

async fn event_streams(
    State(admin): State<Arc<Admin>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response<Body> {
    let live = admin.live.load_full();
    if let Err(refused) = let_operators_look(&admin, &live, address, &headers) {
        return refused;
    }
    events::streams(live.front.events())
}

/// What tells of single channels and sessions is for whoever sees the metrics, unless there is an
/// operator token.
#[expect(clippy::result_large_err, reason = "the refusal is the answer")]
fn let_operators_look(
    admin: &Admin,
    live: &Edge,
    address: SocketAddr,
    headers: &HeaderMap,
) -> Result<(), Response<Body>> {
    let operators = live.operators.as_ref();
    let may_look = || operators.is_some_and(|operators| operators.may_look(headers));
    let challenge = [(WWW_AUTHENTICATE, "Bearer realm=\"xspd operators\"")];
    let judged = || {
        if may_look() {
            Ok(())
        } else {
            Err(Reason::OperatorTokenWrong)
        }
    };
    let who = (address.ip(), headers);
    let opened = admin
        .door
        .open(&live.config, who, judged, &admin.telemetry.operations);
    opened.map_err(|refused| {
        (refused.status, challenge, format!("{}\n", refused.text)).into_response()
    })
}

/// Every CTI session.
async fn cti_sessions(
    State(admin): State<Arc<Admin>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response<Body> {
    if let Err(refused) = let_operators_look(&admin, &admin.live.load(), address, &headers) {
        return refused;
    }
    let sessions: Vec<_> = admin
        .sessions
        .iter()
        .flat_map(|sessions| sessions.document())
        .collect();
    (
        [(CACHE_CONTROL, "no-store")],
        Json(json!({ "sessions": sessions })),
    )
        .into_response()
}

async fn metrics(State(admin): State<Arc<Admin>>) -> impl IntoResponse {
    admin
        .telemetry
        .edge
        .connections_panicked(admin.tasks.connection_panics());
    for sessions in &admin.sessions {
        sessions.refresh_series();
    }
    let form = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, form)], admin.telemetry.render())
}
