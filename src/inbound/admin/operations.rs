//! `/ops/…` on the admin listener, for operators of provisioning.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use serde_json::json;

use crate::inbound::admin::Admin;
use crate::inbound::admin::asked::Asked;
use crate::inbound::endpoints::operations::PREFIX;

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
    let live = admin.live.load_full();
    let (asked, body) = Asked::new(admin, address, request);
    let (Some(ground), Some(operators)) = (&admin.operations, &live.operators) else {
        return asked.named(off());
    };
    let api = ground.operations(&live.config, operators, &admin.door);
    let response = api.answer(&asked.ask(), body).await;
    asked.named(response)
}

fn off() -> Response<Body> {
    let text = "provisioning is off: there was no [[template]] when the daemon was started";
    let document = json!({"error": text, "reason": "off"});
    let mut response = Response::new(Body::from(document.to_string()));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
