//! `/ops/…` on the admin listener, for operators of provisioning.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::HeaderValue;
use http::StatusCode;
use serde_json::json;

use crate::inbound::admin::Admin;
use crate::inbound::endpoints::operations::Ask;
use crate::inbound::endpoints::operations::PREFIX;
use crate::inbound::http::TRACKING_ID;

/// Whether a path is ours.
pub(super) fn is_ours(path: &str) -> bool {
    path.strip_prefix(PREFIX)
        .is_some_and(|below| below.is_empty() || below.starts_with('/'))
}

pub(super) async fn answer(
    admin: &Arc<Admin>,
    address: IpAddr,
    request: Request,
) -> Response<Body> {
    let tracking_id = admin.tracking.fresh();
    let live = admin.live.load_full();
    let (Some(ground), Some(operators)) = (&admin.operations, &live.operators) else {
        return off(tracking_id);
    };
    let api = ground.operations(&live.config, operators);
    let (parts, body) = request.into_parts();
    let ask = Ask {
        method: &parts.method,
        path: parts.uri.path(),
        query: parts.uri.query(),
        headers: &parts.headers,
        address,
        tracking_id: tracking_id.to_str().unwrap_or_default(),
    };
    let mut response = api.answer(&ask, body).await;
    response.headers_mut().insert(TRACKING_ID, tracking_id);
    response
}

fn off(tracking_id: HeaderValue) -> Response<Body> {
    let text = "provisioning is off: there was no [[template]] when the daemon was started";
    let document = json!({"error": text, "reason": "off"});
    let mut response = Response::new(Body::from(document.to_string()));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response.headers_mut().insert(TRACKING_ID, tracking_id);
    response
}
