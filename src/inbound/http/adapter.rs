//! Where a listener's calls go to the provisioning adapter.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use http::Request;
use http::Response;
use http::Version;
use http::header;
use http_body::Body;

use crate::config::Host;
use crate::config::Listener;
use crate::inbound::endpoints::provisioning::Adapter;
use crate::inbound::endpoints::provisioning::Content;
use crate::inbound::endpoints::provisioning::Head;
use crate::inbound::endpoints::provisioning::Opening;
use crate::inbound::endpoints::provisioning::Reply;
use crate::inbound::http::AnswerBody;
use crate::inbound::http::answer::Ledger;
use crate::inbound::http::body::BodyFault;
use crate::inbound::http::body::BodyLimits;
use crate::inbound::http::body::BoxError;
use crate::inbound::http::body::LimitedBody;
use crate::inbound::http::body::Tally;
use crate::inbound::http::rescue::SERVER;
use crate::inbound::peer::Peer;
use crate::outbound::ReadError;
use crate::outbound::read_capped;
use crate::platform::clock;

/// Answers one call at a provisioning listener.
pub(in crate::inbound) async fn adapter<B>(
    adapter: &Adapter,
    request: Request<B>,
    peer: &Peer,
    listener: &Listener,
    host: Option<&Host>,
) -> Response<AnswerBody>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let began = clock::mono();
    let (parts, body) = request.into_parts();
    let head = Head {
        method: &parts.method,
        uri: &parts.uri,
        version: parts.version,
        headers: &parts.headers,
        peer,
        listener,
        host,
    };
    let mut unread = !body.is_end_stream();
    let reply = match adapter.open(&head) {
        Opening::Answered(reply) => reply,
        Opening::Body(admitted) => {
            let content = read(body, listener).await;
            unread &= !matches!(content, Content::Whole(_));
            adapter.answer(admitted, &head, content).await
        }
    };
    // The adapter writes its own audit, in which user ids may stand.
    let mut ledger = Ledger::open(None, began, &parts.method, None);
    ledger.status = Some(reply.status);
    let Reply {
        status,
        headers,
        body,
    } = reply;
    let mut response = Response::new(AnswerBody::own(body, ledger));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    let headers = response.headers_mut();
    headers.entry(header::SERVER).or_insert(SERVER);
    if unread && parts.version <= Version::HTTP_11 {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Reads a body under the limits of the listener.
async fn read<B>(body: B, listener: &Listener) -> Content
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let limits = BodyLimits {
        bytes: listener.limits.body_bytes,
        pause: listener.limits.body_timeout,
    };
    let received = Arc::<Tally>::default();
    let body = LimitedBody::new(body, limits, Arc::clone(&received), None);
    let most = usize::try_from(listener.limits.body_bytes).unwrap_or(usize::MAX);
    match (read_capped(body, most).await, received.fault()) {
        (Ok(bytes), None) => Content::Whole(bytes),
        (_, Some(BodyFault::TooLarge)) | (Err(ReadError::TooLarge(_)), _) => Content::TooLarge,
        (_, Some(BodyFault::Stalled)) => Content::TooSlow,
        (Ok(_), Some(BodyFault::Broken)) | (Err(ReadError::Broken(_)), _) => Content::Broken,
    }
}
