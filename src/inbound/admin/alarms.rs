//! `/alarms/…` on the admin listener.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;

use crate::inbound::admin::Admin;
use crate::inbound::endpoints::alarms::AlarmApi;
use crate::inbound::endpoints::alarms::Ask;
use crate::inbound::endpoints::alarms::PREFIX;
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
    let api = AlarmApi {
        desk: &admin.alarms,
        config: &live.config,
        door: &admin.alarm_door,
        operators: live.operators.as_deref(),
        metrics: &admin.telemetry.operations,
    };
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
