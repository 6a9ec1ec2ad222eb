//! `/blf/…` on the admin listener, for operators.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::http::header::CONTENT_TYPE;
use axum::http::header::WWW_AUTHENTICATE;
use axum::response::Response;
use http::uri::PathAndQuery;

use crate::domain::edge::reason::Reason;
use crate::domain::edge::target::judge;
use crate::inbound::admin::Admin;
use crate::inbound::endpoints::blf::Ask;
use crate::inbound::endpoints::blf::PREFIX;
use crate::inbound::endpoints::blf::Who;
use crate::inbound::endpoints::blf::reply::Content;
use crate::inbound::endpoints::blf::reply::Reply;
use crate::inbound::endpoints::blf::reply::error;
use crate::inbound::endpoints::blf::resource::LampResource;
use crate::inbound::http::TRACKING_ID;
use crate::workers::blf_gate::Denied;

/// How operators prove themselves.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"xspd operators\"");

/// Whether a path is ours.
pub(super) fn is_ours(path: &str) -> bool {
    path.split_at_checked(PREFIX.len())
        .is_some_and(|(start, below)| {
            start.eq_ignore_ascii_case(PREFIX) && (below.is_empty() || below.starts_with('/'))
        })
}

pub(super) async fn answer(admin: &Arc<Admin>, request: Request) -> Response<Body> {
    let tracking_id = admin.tracking.fresh();
    let mut response = match ask(admin, request).await {
        Ok(reply) => reply.into_response().map(|content| match content {
            Content::Whole(text) => Body::from(text),
            Content::Stream(mut stream) => {
                let events = futures_util::stream::poll_fn(move |cx| stream.poll_bytes(cx));
                Body::from_stream(futures_util::StreamExt::map(
                    events,
                    Ok::<_, std::convert::Infallible>,
                ))
            }
        }),
        Err(denied) => refused(denied.reason, &tracking_id),
    };
    response.headers_mut().insert(TRACKING_ID, tracking_id);
    response
}

async fn ask(admin: &Arc<Admin>, request: Request) -> Result<Reply, Denied> {
    let live = admin.live.load_full();
    let api = live.lamps.as_ref().ok_or(Reason::BlfOff)?;
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or("", PathAndQuery::as_str);
    judge(target.as_bytes()).map_err(Reason::from)?;
    let ask = Ask {
        method: &parts.method,
        headers: &parts.headers,
        query: parts.uri.query(),
        who: Who::Admin,
    };
    api.answer(LampResource::find(target, PREFIX), &ask, body)
        .await
}

fn refused(reason: Reason, tracking_id: &HeaderValue) -> Response<Body> {
    let text = error(reason, tracking_id.to_str().unwrap_or_default());
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = reason.status();
    let headers = response.headers_mut();
    let json = HeaderValue::from_static("application/json;charset=UTF-8");
    headers.insert(CONTENT_TYPE, json);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if reason.status() == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, CHALLENGE);
    }
    response
}
