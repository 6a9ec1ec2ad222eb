//! Where a request goes to our own AuthService instead of an XSP.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use http::Response;
use http::header;
use http::request::Parts;
use http_body::Body;

use crate::config::ClientAuthentication;
use crate::config::ClientCertificates;
use crate::domain::auth::access::Certificate;
use crate::domain::auth::access::Policy;
use crate::domain::edge::cors;
use crate::domain::edge::reason::Reason;
use crate::inbound::endpoints::auth_service;
use crate::inbound::endpoints::auth_service::Ask;
use crate::inbound::endpoints::auth_service::BODY_BYTES;
use crate::inbound::endpoints::auth_service::Who;
use crate::inbound::endpoints::auth_service::endpoint::Endpoint;
use crate::inbound::endpoints::auth_service::reply::Reply;
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
use crate::workers::auth_desk::AuthDesk;

/// An answer of AuthService, and how much of a body it has read for it.
pub(super) struct Answered {
    reply: Reply,
    received: Arc<Tally>,
    /// Whether some of the body may be left unread.
    unread: bool,
}

impl Front {
    /// Has our AuthService answer.
    pub(super) async fn ask_desk<B>(
        &self,
        parts: &Parts,
        body: B,
        endpoint: Option<Endpoint>,
        visit: &Visit<'_>,
        seen: &Seen,
        tracking_id: &HeaderValue,
    ) -> Result<Answered, Refusal>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        // The plan and the desk come from one configuration.
        let desk = self.desk.as_ref().ok_or(Reason::AuthUnavailable)?;
        let received = Arc::<Tally>::default();
        let has_body = !body.is_end_stream();
        let most = visit.listener.limits.uploads_per_address;
        let place = if has_body {
            let place = self.limiters.uploads.admit(seen.client, usize::MAX, most);
            Some(place.map_err(|_| Reason::UploadLimit)?)
        } else {
            None
        };
        let limits = BodyLimits {
            bytes: visit.listener.limits.body_bytes.min(BODY_BYTES as u64 + 1),
            pause: visit.listener.limits.body_timeout,
        };
        let body = LimitedBody::new(body, limits, Arc::clone(&received), place);
        let ask = Ask {
            method: &parts.method,
            headers: &parts.headers,
            query: parts.uri.query(),
            who: who(desk, visit, seen),
            tracking_id: tracking_id.to_str().unwrap_or_default(),
        };
        let reply = auth_service::answer(desk, endpoint, &ask, body).await;
        Ok(Answered {
            unread: has_body && reply.reason.is_some(),
            reply,
            received,
        })
    }

    /// Sends the answer off with what every answer of ours has.
    pub(super) fn hand_over(
        &self,
        answered: Answered,
        mut ledger: Ledger,
        seen: Seen,
        tracking_id: HeaderValue,
    ) -> Response<AnswerBody> {
        let Answered {
            reply,
            received,
            unread,
        } = answered;
        ledger.status = Some(reply.status);
        ledger.has_received(received);
        if let Some(access) = &mut ledger.access {
            access.reason = reply.reason.map(|reason| reason.as_str());
        }
        let response = reply.into_response();
        let mut response = response.map(|body| AnswerBody::own(body, ledger));
        let headers = response.headers_mut();
        headers.insert(header::SERVER, rescue::SERVER);
        headers.insert(TRACKING_ID, tracking_id);
        if unread {
            // As with every refusal: what is left of the body is not waited for.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if self.plan.origins.is_some() {
            cors::mark(headers, seen.origin);
        }
        response
    }
}

fn who<'a>(desk: &AuthDesk, visit: &Visit<'a>, seen: &Seen) -> Who<'a> {
    let caller = visit.peer.caller.as_ref();
    let requires = visit
        .host
        .is_some_and(|host| host.client_auth.certificates == ClientCertificates::Required);
    let policy = match desk.rules().client_authentication {
        ClientAuthentication::Ci => Policy::Ci,
        ClientAuthentication::Mtls => Policy::Mtls,
        ClientAuthentication::ByHost if requires => Policy::Mtls,
        ClientAuthentication::ByHost => Policy::Ci,
    };
    Who::Client {
        address: seen.client,
        identity: caller.map(|caller| caller.identity.as_str()),
        fingerprint: caller.map(|caller| caller.fingerprint),
        certificate: match caller {
            None => Certificate::Absent,
            Some(caller) if caller.listed => Certificate::Listed,
            Some(_) => Certificate::Unlisted,
        },
        policy,
    }
}
