//! One request and its whole answer.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::StatusCode;
use http::Uri;
use http::header::ACCEPT;
use http::header::AUTHORIZATION;
use http::header::CONTENT_TYPE;
use http::header::LOCATION;
use http::header::USER_AGENT;
use http_body_util::Full;
use tokio::time::timeout;

use crate::outbound::ReadError;
use crate::outbound::SendPlan;
use crate::outbound::Sent;
use crate::outbound::broadworks::xsi::ANSWER_BYTES;
use crate::outbound::broadworks::xsi::XsiClient;
use crate::outbound::broadworks::xsi::XsiFailure;
use crate::outbound::broadworks::xsi::failure::REFUSAL_BYTES;
use crate::outbound::read_capped;

/// Redirections followed for one request; an XSP that sends us round in circles is broken.
const HOPS: usize = 3;

/// To whom a request goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum To<'a> {
    /// Any XSP that is fit: the state lies in the Application Server.
    Any,
    /// The XSP that holds the channel.
    Upstream(&'a str),
}

impl XsiClient {
    /// One request with the whole of its answer, which must be a 2xx; redirections inside the
    /// pool are followed.
    pub(super) async fn ask(
        &self,
        to: To<'_>,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Bytes, XsiFailure> {
        let limit = self.limits.call;
        let mut last: Option<Arc<str>> = None;
        let whole = async {
            let mut target = match to {
                To::Any => None,
                To::Upstream(name) => Some(Arc::<str>::from(name)),
            };
            for _ in 0..=HOPS {
                last.clone_from(&target);
                let request = self.request(method.clone(), path, body.clone())?;
                let sent = self.send(target.as_deref(), request, limit).await?;
                last = Some(Arc::clone(&sent.upstream));
                match self.whole(sent).await {
                    Err(XsiFailure::Redirected { upstream, location }) => {
                        let known = self.redirected_to(&location);
                        target = Some(known.ok_or(XsiFailure::Redirected { upstream, location })?);
                    }
                    outcome => return outcome,
                }
            }
            Err(XsiFailure::Redirected {
                upstream: target.unwrap_or_else(|| "".into()),
                location: "a circle".to_owned(),
            })
        };
        match timeout(limit, whole).await {
            Ok(outcome) => outcome,
            Err(_elapsed) => Err(XsiFailure::Timeout {
                upstream: last.unwrap_or_else(|| "the pool".into()),
                limit,
            }),
        }
    }

    pub(super) fn request(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, XsiFailure> {
        let uri: Uri = path.parse().map_err(|_| XsiFailure::Unsendable)?;
        let typed = !body.is_empty();
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, self.account.authorization());
        headers.insert(ACCEPT, HeaderValue::from_static("application/xml"));
        let agent = concat!("xspd/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        if typed {
            let xml = HeaderValue::from_static("application/xml; charset=UTF-8");
            headers.insert(CONTENT_TYPE, xml);
        }
        Ok(request)
    }

    pub(super) async fn send(
        &self,
        to: Option<&str>,
        request: Request<Full<Bytes>>,
        idle_timeout: std::time::Duration,
    ) -> Result<Sent, XsiFailure> {
        let plan = SendPlan {
            affinity: None,
            response_timeout: self.limits.call,
            idle_timeout,
            body_is_empty: false,
            may_last: false,
        };
        let sent = self.pool.send_own(to, request, &plan).await;
        sent.map_err(XsiFailure::from)
    }

    /// The body of a good answer; what else it is, as a failure.
    pub(super) async fn whole(&self, sent: Sent) -> Result<Bytes, XsiFailure> {
        let upstream = sent.upstream;
        let (head, body) = sent.response.into_parts();
        let good = head.status.is_success();
        if let Some(location) = location(head.status, &head.headers) {
            return Err(XsiFailure::Redirected { upstream, location });
        }
        let cap = if good { ANSWER_BYTES } else { REFUSAL_BYTES };
        match read_capped(body, cap).await {
            Ok(bytes) if good => Ok(bytes),
            Ok(bytes) => Err(XsiFailure::refused(upstream, head.status, &bytes)),
            // What it says besides the status does not matter as much as the status.
            Err(_) if !good => Err(XsiFailure::refused(upstream, head.status, b"")),
            Err(ReadError::TooLarge(cap)) => Err(XsiFailure::TooLarge { upstream, cap }),
            Err(ReadError::Broken(_)) => Err(XsiFailure::Broken { upstream }),
        }
    }
}

/// Where a redirection leads.
fn location(status: StatusCode, headers: &http::HeaderMap) -> Option<String> {
    let moved = matches!(
        status,
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    if !moved {
        return None;
    }
    let location = headers.get(LOCATION)?.to_str().ok()?;
    Some(location.chars().take(512).collect())
}
