//! What operators ask about event channels.

use axum::body::Body;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use serde_json::json;

use crate::platform::clock;
use crate::workers::event_hub::EventHub;

/// The open streams. The caller has checked who asks: channel ids let their holder end channels.
pub(in crate::inbound) fn streams(hub: &EventHub) -> Response<Body> {
    let streams = hub.streams(clock::mono());
    let body = json!({ "open": streams.len(), "streams": streams });
    let kind = [(header::CONTENT_TYPE, "application/json;charset=UTF-8")];
    (kind, format!("{body}\n")).into_response()
}
