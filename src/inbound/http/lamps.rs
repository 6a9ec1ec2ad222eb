//! Where a request goes to our own busy lamps instead of an XSP.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use http::Response;
use http::header;
use http::request::Parts;
use http_body::Body;

use crate::domain::edge::cors;
use crate::domain::edge::reason::Reason;
use crate::inbound::endpoints::blf::Ask;
use crate::inbound::endpoints::blf::Who;
use crate::inbound::endpoints::blf::reply::Reply;
use crate::inbound::endpoints::blf::resource::LampResource;
use crate::inbound::http::AnswerBody;
use crate::inbound::http::Front;
use crate::inbound::http::answer::Ledger;
use crate::inbound::http::body::BodyLimits;
use crate::inbound::http::body::BoxError;
use crate::inbound::http::body::LimitedBody;
use crate::inbound::http::body::Tally;
use crate::inbound::http::rescue;
use crate::inbound::http::rescue::Refusal;
use crate::inbound::http::route::Seen;
use crate::inbound::http::route::Visit;
use crate::inbound::http::tracking::TRACKING_ID;
use crate::workers::blf_gate::Denied;

impl Front {
    /// Has our busy lamps answer.
    pub(super) async fn ask_lamps<B>(
        &self,
        parts: &Parts,
        body: B,
        resource: Option<LampResource>,
        visit: &Visit<'_>,
        seen: &Seen,
    ) -> Result<Reply, Refusal>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let lamps = self.lamps.as_ref().ok_or(Reason::BlfOff)?;
        let received = Arc::<Tally>::default();
        let limits = BodyLimits {
            bytes: visit.listener.limits.body_bytes,
            pause: visit.listener.limits.body_timeout,
        };
        let ask = Ask {
            method: &parts.method,
            headers: &parts.headers,
            query: parts.uri.query(),
            who: Who::Client {
                address: seen.client,
            },
        };
        let body = LimitedBody::new(body, limits, Arc::clone(&received), None);
        let answered = lamps.answer(resource, &ask, body).await;
        if let Some(fault) = received.fault() {
            return Err(fault.reason().into());
        }
        answered.map_err(|denied| self.denied(denied, seen, visit))
    }

    /// A wrong password counts as on every other route.
    fn denied(&self, denied: Denied, seen: &Seen, visit: &Visit<'_>) -> Refusal {
        if denied.wrong_password
            && let Some(limits) = self.plan.guessing
            && self
                .limiters
                .guesses
                .refused(limits, seen.client, visit.now)
        {
            self.metrics.locked_out(seen.client, limits.lockout);
        }
        Refusal {
            reason: denied.reason,
            retry_after: denied.retry_after,
        }
    }

    /// Sends the answer off with what every answer of ours has.
    pub(super) fn hand_lamps_over(
        &self,
        reply: Reply,
        mut ledger: Ledger,
        seen: Seen,
        tracking_id: HeaderValue,
    ) -> Response<AnswerBody> {
        let response = reply.into_response();
        ledger.status = Some(response.status());
        let mut response = response.map(|content| AnswerBody::lamps(content, ledger));
        let headers = response.headers_mut();
        headers.insert(header::SERVER, rescue::SERVER);
        headers.insert(TRACKING_ID, tracking_id);
        if self.plan.origins.is_some() {
            cors::mark(headers, seen.origin);
        }
        response
    }
}
