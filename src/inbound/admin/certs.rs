//! `/certs/v1/certificates` on the admin listener: what is watched and how it stands.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::extract::Query;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse as _;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use crate::domain::certs::document;
use crate::inbound::admin::Admin;
use crate::inbound::admin::let_operators_look;
use crate::platform::clock;

/// Where the list is.
pub(super) const PATH: &str = "/certs/v1/certificates";

/// What may be asked.
#[derive(Deserialize)]
pub(super) struct Asked {
    /// One object instead of all.
    name: Option<String>,
}

pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response<Body> {
    if let Err(refused) = let_operators_look(&admin, &admin.live.load(), address, &headers) {
        return refused;
    }
    let board = admin.certificates.board();
    let now = clock::wall();
    let body = match asked.name {
        None => document::board(&board, now),
        Some(name) => match board.find(&name) {
            Some(standing) => document::certificate(standing, now),
            None => {
                let error = json!({
                    "error": "nothing of that name is watched; see the list",
                    "reason": "unknown",
                });
                return (StatusCode::NOT_FOUND, Json(error)).into_response();
            }
        },
    };
    ([(CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
