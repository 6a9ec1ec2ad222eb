//! The admin listener: `/livez`, `/readyz`, `/metrics`. Loopback unless the operator insists; no
//! TLS, no secrets.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::inbound::edge::Live;
use crate::platform::tasks::Tasks;
use crate::telemetry::Telemetry;

/// What the admin pages show.
pub struct Admin {
    /// All metrics.
    pub telemetry: Arc<Telemetry>,
    /// The current snapshot.
    pub live: Live,
    /// Set while the daemon drains.
    pub draining: AtomicBool,
    /// Counts connections that panicked.
    pub tasks: Tasks,
}

/// Serves until `stop`.
pub async fn serve(socket: TcpListener, admin: Arc<Admin>, stop: CancellationToken) {
    let router = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(admin);
    let served = axum::serve(socket, router)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await;
    if let Err(error) = served {
        error!(%error, "The admin listener ended.");
    }
}

async fn ready(State(admin): State<Arc<Admin>>) -> (StatusCode, &'static str) {
    if admin.draining.load(Ordering::Relaxed) {
        (StatusCode::SERVICE_UNAVAILABLE, "draining\n")
    } else if admin.live.load().pools.ready() {
        (StatusCode::OK, "ready\n")
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "a pool has no healthy upstream\n",
        )
    }
}

async fn metrics(State(admin): State<Arc<Admin>>) -> impl IntoResponse {
    admin
        .telemetry
        .edge
        .connections_panicked(admin.tasks.connection_panics());
    let form = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, form)], admin.telemetry.render())
}
