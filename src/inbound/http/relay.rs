//! The way of an admitted request to the XSP and of its answer back.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Extensions;
use http::Request;
use http::Response;
use http::StatusCode;
use http::Uri;
use http::Version;
use http::request::Parts;
use http_body::Body;
use http_body_util::Empty;
use tracing::debug;

use crate::domain::edge::cors;
use crate::domain::edge::headers::answer;
use crate::domain::edge::headers::answer::Links;
use crate::domain::edge::headers::answer::Public;
use crate::domain::edge::headers::request;
use crate::domain::edge::headers::request::Facts;
use crate::domain::edge::reason::Reason;
use crate::inbound::http::Front;
use crate::inbound::http::answer::Ledger;
use crate::inbound::http::body::BodyFault;
use crate::inbound::http::body::BodyLimits;
use crate::inbound::http::body::BoxError;
use crate::inbound::http::body::LimitedBody;
use crate::inbound::http::body::Tally;
use crate::inbound::http::events::Errand;
use crate::inbound::http::events::EventStream;
use crate::inbound::http::events::Passage;
use crate::inbound::http::plan::RoutePlan;
use crate::inbound::http::plan::Treatment;
use crate::inbound::http::rescue::Refusal;
use crate::inbound::http::route::Admitted;
use crate::inbound::http::route::Seen;
use crate::inbound::http::route::Visit;
use crate::inbound::http::swap::Swap;
use crate::outbound::Aim;
use crate::outbound::Pool;
use crate::outbound::SendFailure;
use crate::outbound::SendPlan;
use crate::outbound::Sent;
use crate::outbound::UpstreamBody;
use crate::platform::clock;

/// The body of an answer of the XSP.
pub(super) enum Relayed {
    /// One that ends by itself.
    Answer(UpstreamBody),
    /// The stream of a channel.
    Channel(Box<EventStream>),
}

/// How one request goes to the XSP.
#[derive(Clone, Copy)]
pub(super) struct Way<'a> {
    pub(super) route: &'a RoutePlan,
    pub(super) pool: &'a Pool,
    pub(super) aim: Aim,
    pub(super) plan: SendPlan,
    pub(super) seen: &'a Seen,
    pub(super) visit: &'a Visit<'a>,
}

impl Way<'_> {
    /// Sends a request on this way.
    pub(super) async fn send<B>(&self, request: Request<B>) -> Result<Sent, SendFailure>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        self.pool.send_to(self.aim, request, &self.plan).await
    }

    /// What a failure means for the client. Whatever the exchange died of, a broken request body
    /// comes first.
    pub(super) fn failed(
        &self,
        failure: &SendFailure,
        received: Option<&Tally>,
        ledger: &mut Ledger,
    ) -> Refusal {
        if let Some(upstream) = failure.upstream() {
            ledger.answered_by(upstream);
        }
        debug!(%failure, route = &*self.route.name, "No answer from behind.");
        let fault = received.and_then(Tally::fault);
        let reason = fault.map_or_else(|| reason_of(failure), BodyFault::reason);
        reason.into()
    }
}

impl Front {
    /// Sends the request on and makes its answer fit for the client.
    pub(super) async fn relay<B>(
        &self,
        mut parts: Parts,
        body: B,
        admitted: &Admitted,
        seen: &Seen,
        visit: &Visit<'_>,
        ledger: &mut Ledger,
    ) -> Result<Response<Relayed>, Refusal>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let route = self.plan.routes.get(admitted.route);
        let route = route.ok_or(Reason::RouteUnknown)?;
        let pool = route.pool.as_ref().ok_or(Reason::UpstreamUnavailable)?;
        let swap = match route.treatment {
            // On the heap: most requests have nothing to wait for here.
            Treatment::Swap => Box::pin(self.swap(&parts)).await?,
            Treatment::Answer | Treatment::Lamps | Treatment::Relay => None,
        };
        let user = swap.as_ref().map(Swap::user);
        let about = admitted.resource.as_ref().map(|resource| {
            let caller = self.caller_of(&parts.headers, user, seen, visit);
            (resource, caller)
        });
        self.prepare(&mut parts, admitted, seen, visit);
        let by_token = swap.as_ref().and_then(|swap| swap.affinity);
        let way = Way {
            route,
            pool,
            aim: Aim::Any,
            plan: SendPlan {
                affinity: admitted.affinity.map(|user| by_token.unwrap_or(user)),
                response_timeout: route.response_timeout,
                idle_timeout: route.idle_timeout,
                body_is_empty: body.is_end_stream(),
                may_last: false,
            },
            seen,
            visit,
        };
        if let Some((resource, caller)) = about {
            let errand = Errand {
                resource,
                caller,
                swap: swap.as_ref(),
                way: &way,
            };
            // On the heap: requests of other kinds must not carry room for it.
            let sent = Box::pin(self.send_event(parts, body, &errand, ledger)).await?;
            let Passage { sent, place } = sent;
            let Sent { response, upstream } = sent;
            ledger.answered_by(&upstream);
            let response = self.finish(response, &upstream, admitted, seen)?;
            return Ok(self.begin_stream(response, place, &upstream, caller));
        }
        let sent = match swap {
            Some(swap) => Box::pin(self.send_swapped(parts, body, &swap, &way, ledger)).await?,
            None => self.send(parts, body, &way, ledger).await?,
        };
        let Sent { response, upstream } = sent;
        ledger.answered_by(&upstream);
        let response = self.finish(response, &upstream, admitted, seen)?;
        Ok(response.map(Relayed::Answer))
    }

    /// Sends a request as it came.
    async fn send<B>(
        &self,
        parts: Parts,
        body: B,
        way: &Way<'_>,
        ledger: &mut Ledger,
    ) -> Result<Sent, Refusal>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        if way.plan.body_is_empty {
            let request = Request::from_parts(parts, Empty::<Bytes>::new());
            let sent = way.send(request).await;
            return sent.map_err(|failure| way.failed(&failure, None, ledger));
        }
        let (body, tally) = self.take_body(body, way, ledger)?;
        let request = Request::from_parts(parts, body);
        let sent = way.send(request).await;
        sent.map_err(|failure| way.failed(&failure, Some(&tally), ledger))
    }

    /// Puts a body that goes on beside its answer under its limits: it may be of any length, but
    /// not pause for longer than `pause`.
    pub(super) fn take_stream<B>(
        &self,
        body: B,
        pause: Duration,
        way: &Way<'_>,
        ledger: &mut Ledger,
    ) -> Result<(LimitedBody<B>, Arc<Tally>), Refusal> {
        let limits = BodyLimits {
            bytes: u64::MAX,
            pause,
        };
        let (body, tally) = self.take_within(body, limits, way, ledger)?;
        Ok((body.steady(), tally))
    }

    /// Puts a body under its limits.
    pub(super) fn take_body<B>(
        &self,
        body: B,
        way: &Way<'_>,
        ledger: &mut Ledger,
    ) -> Result<(LimitedBody<B>, Arc<Tally>), Refusal> {
        let limits = BodyLimits {
            bytes: way.visit.listener.limits.body_bytes,
            pause: way.visit.listener.limits.body_timeout,
        };
        self.take_within(body, limits, way, ledger)
    }

    fn take_within<B>(
        &self,
        body: B,
        limits: BodyLimits,
        way: &Way<'_>,
        ledger: &mut Ledger,
    ) -> Result<(LimitedBody<B>, Arc<Tally>), Refusal> {
        let tally = ledger.receive();
        let Way { seen, visit, .. } = way;
        let most = visit.listener.limits.uploads_per_address;
        let place = self.limiters.uploads.admit(seen.client, usize::MAX, most);
        let place = place.map_err(|_| Reason::UploadLimit)?;
        let body = LimitedBody::new(body, limits, Arc::clone(&tally), Some(place));
        Ok((body, tally))
    }

    /// The head as the XSP gets it: target as sent, in origin-form.
    fn prepare(&self, parts: &mut Parts, admitted: &Admitted, seen: &Seen, visit: &Visit<'_>) {
        if parts.uri.authority().is_some()
            && let Some(target) = parts.uri.path_and_query()
        {
            parts.uri = Uri::from(target.clone());
        }
        parts.version = Version::HTTP_11;
        parts.extensions = Extensions::new();
        let facts = Facts {
            peer: visit.peer.address.ip(),
            trusted: seen.trusted,
            scheme: seen.scheme,
            host: &admitted.host,
            identity: visit
                .peer
                .caller
                .as_ref()
                .map(|caller| caller.identity.as_str()),
        };
        request::rewrite(&mut parts.headers, &self.plan.headers, &facts);
    }

    fn finish(
        &self,
        mut response: Response<UpstreamBody>,
        upstream: &str,
        admitted: &Admitted,
        seen: &Seen,
    ) -> Result<Response<UpstreamBody>, Refusal> {
        let status = response.status();
        // `Upgrade` was not sent on, so nobody may switch protocols.
        if status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(Reason::UpstreamBadAnswer.into());
        }
        if status == StatusCode::UNAUTHORIZED
            && seen.auth.is_password()
            && let Some(limits) = self.plan.guessing
            && self
                .limiters
                .guesses
                .refused(limits, seen.client, clock::mono())
        {
            self.metrics.locked_out(seen.client, limits.lockout);
        }
        let public = Public {
            scheme: seen.scheme,
            host: &admitted.host,
        };
        let is_inner = |authority: &str| self.pools.is_inner_authority(authority);
        match answer::rewrite(response.headers_mut(), &public, is_inner) {
            Links::Known => {}
            Links::Foreign => debug!(upstream, "An answer leads to a host that is not ours."),
        }
        if self.plan.origins.is_some() {
            cors::mark(response.headers_mut(), seen.origin.clone());
        }
        *response.version_mut() = Version::HTTP_11;
        Ok(response)
    }
}

/// Whose fault it is, in the words of the edge.
const fn reason_of(failure: &SendFailure) -> Reason {
    match failure {
        SendFailure::BadResponse { .. } => Reason::UpstreamBadAnswer,
        SendFailure::Busy { .. } => Reason::UpstreamBusy,
        SendFailure::ClosedBeforeAnswer { .. } => Reason::UpstreamClosed,
        SendFailure::ConnectFailed { .. } => Reason::UpstreamConnect,
        SendFailure::ConnectTimeout { .. } => Reason::UpstreamConnectTimeout,
        SendFailure::NoUpstream => Reason::UpstreamUnavailable,
        SendFailure::RequestBody { .. } => Reason::BodyBroken,
        SendFailure::ResponseTimeout { .. } => Reason::UpstreamResponseTimeout,
        SendFailure::TlsFailed { .. } => Reason::UpstreamTls,
    }
}
