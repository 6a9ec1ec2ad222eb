//! Requests of our own. An event channel, its heartbeats and its acknowledgements belong to the
//! XSP that holds the stream, and to no other.

use std::error::Error;

use bytes::Bytes;
use http::Request;
use http_body::Body;

use crate::outbound::SendFailure;
use crate::outbound::SendPlan;
use crate::outbound::Sent;
use crate::outbound::pool::Aim;
use crate::outbound::pool::Origin;
use crate::outbound::pool::Pool;
use crate::outbound::request::prepare;

impl Pool {
    /// Sends a request of our own, to the upstream of that name and no other, in use or not, or to
    /// whichever is chosen; each gets the `Host` by which it is known. What may be repeated is as
    /// in [`Pool::send_to`].
    ///
    /// # Errors
    ///
    /// [`SendFailure::NoUpstream`] when none has that name, else the failure of the last attempt.
    pub async fn send_own<B>(
        &self,
        to: Option<&str>,
        request: Request<B>,
        plan: &SendPlan,
    ) -> Result<Sent, SendFailure>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let place = to.map(|name| self.place_of(name).ok_or(SendFailure::NoUpstream));
        let aim = place.transpose()?.map_or(Aim::Any, Aim::Only);
        let (request, upload) = prepare(request, plan.body_is_empty);
        self.relay(aim, request, upload, plan, Origin::Own).await
    }
}
