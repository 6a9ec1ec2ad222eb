//! What operators ask about event channels.

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use serde_json::json;

use crate::domain::auth::parameters::bearer;
use crate::platform::clock;
use crate::workers::auth_desk::AuthDesk;
use crate::workers::event_hub::EventHub;

/// The open streams. Whoever has an operator token configured must show it: channel ids let their
/// holder end channels.
pub(in crate::inbound) fn streams(
    hub: &EventHub,
    desk: Option<&AuthDesk>,
    headers: &HeaderMap,
) -> Response<Body> {
    if !is_operator(desk, headers) {
        let challenge = [(header::WWW_AUTHENTICATE, "Bearer realm=\"xspd\"")];
        let text = "The operator token is needed: Authorization: Bearer …\n";
        return (StatusCode::UNAUTHORIZED, challenge, text).into_response();
    }
    let streams = hub.streams(clock::mono());
    let body = json!({ "open": streams.len(), "streams": streams });
    let kind = [(header::CONTENT_TYPE, "application/json;charset=UTF-8")];
    (kind, format!("{body}\n")).into_response()
}

fn is_operator(desk: Option<&AuthDesk>, headers: &HeaderMap) -> bool {
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    let token = sent.next().and_then(|value| bearer(value.as_bytes()));
    let once = sent.next().is_none();
    match desk.and_then(|desk| desk.is_operator(token.unwrap_or_default())) {
        Some(good) => good && once,
        None => true,
    }
}
