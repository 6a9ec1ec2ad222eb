//! `/alarms/…` on the admin listener.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;

use crate::inbound::admin::Admin;
use crate::inbound::admin::asked::Asked;
use crate::inbound::endpoints::alarms::AlarmApi;
use crate::inbound::endpoints::alarms::PREFIX;

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
    let api = AlarmApi {
        desk: &admin.alarms,
        config: &live.config,
        door: &admin.door,
        operators: live.operators.as_deref(),
        metrics: &admin.telemetry.operations,
    };
    let (asked, body) = Asked::new(admin, address, request);
    let response = api.answer(&asked.ask(), body).await;
    asked.named(response)
}
