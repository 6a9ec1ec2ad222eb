//! Requests of our own, to one upstream by its name: an event channel, its heartbeats and its
//! acknowledgements belong to the XSP that holds the stream, and to no other.

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http::header::HOST;
use http_body::Body;

use crate::domain::upstream::choice::Ground;
use crate::outbound::SendFailure;
use crate::outbound::SendPlan;
use crate::outbound::Sent;
use crate::outbound::Upstream;
use crate::outbound::pool::Attempt;
use crate::outbound::pool::Line;
use crate::outbound::pool::Origin;
use crate::outbound::pool::Pool;
use crate::outbound::pool::Spare;
use crate::outbound::pool::attempt;
use crate::outbound::request::prepare;

impl Pool {
    /// The upstream of that name.
    #[must_use]
    pub fn upstream(&self, name: &str) -> Option<&Arc<Upstream>> {
        let mut upstreams = self.upstreams.iter();
        upstreams.find(|upstream| &**upstream.name() == name)
    }

    /// The upstream that `authority` (`host[:port]`) names.
    #[must_use]
    pub fn called(&self, authority: &str) -> Option<&Arc<Upstream>> {
        let mut upstreams = self.upstreams.iter();
        upstreams.find(|upstream| upstream.is_called(authority))
    }

    /// Sends a request of our own to whichever upstream is chosen, as [`Pool::send`] does; each
    /// gets the `Host` by which it is known.
    ///
    /// # Errors
    ///
    /// The failure of the last attempt.
    pub async fn send_own<B>(
        &self,
        request: Request<B>,
        plan: &SendPlan,
    ) -> Result<Sent, SendFailure>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (request, upload) = prepare(request, plan.body_is_empty);
        self.relay(request, upload, plan, Origin::Own).await
    }

    /// Sends a request of our own to one upstream, in use or not, and to no other; it sets the
    /// `Host` itself. What may be repeated there is as in [`Pool::send`].
    ///
    /// # Errors
    ///
    /// [`SendFailure::NoUpstream`] when none has that name, else the failure of the last attempt.
    pub async fn send_to<B>(
        &self,
        name: &str,
        request: Request<B>,
        plan: &SendPlan,
    ) -> Result<Sent, SendFailure>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let upstream = self.upstream(name).ok_or(SendFailure::NoUpstream)?;
        let (mut request, upload) = prepare(request, plan.body_is_empty);
        if let Some(host) = Origin::Own.host(upstream) {
            request.headers_mut().insert(HOST, host.clone());
        }
        let copy = Spare::Allowed.copy(&request);
        let lease = upstream.enter(Ground::LastResort);
        let lease = lease.unwrap_or_else(|| upstream.enter_again());
        upstream.series.request();
        let ended = match attempt(lease, request, upload.as_deref(), plan, Line::Idle).await {
            Attempt::Closed(failure, Line::Idle) => {
                let copy = copy.ok_or(failure)?;
                upstream.series.retried();
                attempt(upstream.enter_again(), copy, None, plan, Line::Fresh).await
            }
            ended => ended,
        };
        match ended {
            Attempt::Answered(response) => Ok(Sent {
                response,
                upstream: Arc::clone(upstream.name()),
            }),
            Attempt::Unsent(_, failure)
            | Attempt::Failed(failure)
            | Attempt::Closed(failure, _) => Err(failure),
        }
    }
}
