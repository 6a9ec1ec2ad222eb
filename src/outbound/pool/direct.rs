//! Requests of our own, to one upstream by its name: an event channel, its heartbeats and its
//! acknowledgements belong to the XSP that holds the stream, and to no other.

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http_body::Body;

use crate::outbound::SendFailure;
use crate::outbound::SendPlan;
use crate::outbound::Sent;
use crate::outbound::Upstream;
use crate::outbound::pool::Aim;
use crate::outbound::pool::Origin;
use crate::outbound::pool::Pool;
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
        self.relay(Aim::Any, request, upload, plan, Origin::Own)
            .await
    }

    /// Sends a request of our own to one upstream, in use or not, and to no other; it sets the
    /// `Host` itself. What may be repeated there is as in [`Pool::send`].
    ///
    /// # Errors
    ///
    /// [`SendFailure::NoUpstream`] when none has that name, else the failure of the last attempt.
    pub async fn send_own_to<B>(
        &self,
        name: &str,
        request: Request<B>,
        plan: &SendPlan,
    ) -> Result<Sent, SendFailure>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let place = self.place_of(name).ok_or(SendFailure::NoUpstream)?;
        let (request, upload) = prepare(request, plan.body_is_empty);
        self.relay(Aim::Only(place), request, upload, plan, Origin::Own)
            .await
    }
}
