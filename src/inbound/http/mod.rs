//! HTTP once the connection stands: routing, limits, relay, refusals.
//!
//! [`Front::answer`] takes a request's head and streamed body and gives an answer, always. The
//! order of decisions is in `route`, the way to the XSP and back in `relay`, with the credentials
//! exchanged in `swap`, refusals in `rescue`; `own` hands over to our own AuthService, `lamps` to our
//! busy lamps, `adapter` to provisioning; `events` is what is different for event channels; `plan` is the configuration worked
//! out beforehand, `answer` the body that closes the books of a request, `body` the limits of what a
//! client sends.

mod adapter;
mod answer;
mod body;
mod challenge;
mod events;
pub(in crate::inbound) mod framing;
mod lamps;
mod own;
mod plan;
mod relay;
mod rescue;
mod route;
mod swap;
#[cfg(test)]
mod tests;
mod tracking;

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header;
use http::request::Parts;
use http_body::Body;

use crate::config::Config;
use crate::config::Host;
use crate::config::Listener;
use crate::config::RouteKind;
use crate::domain::edge::cors;
use crate::domain::edge::guessing::Guesses;
use crate::domain::edge::rates::Buckets;
use crate::inbound::connections::Places;
use crate::inbound::endpoints::auth_service::reply::declines_challenge;
use crate::inbound::endpoints::blf::BlfApi;
use crate::inbound::http::answer::AccessFacts;
use crate::inbound::http::answer::Ledger;
use crate::inbound::http::body::BoxError;
use crate::inbound::http::plan::Plan;
use crate::inbound::http::plan::Treatment;
use crate::inbound::http::rescue::Form;
use crate::inbound::http::rescue::Rest;
use crate::inbound::http::rescue::rescue;
use crate::inbound::http::route::Admission;
use crate::inbound::http::route::Seen;
use crate::inbound::http::route::Visit;
use crate::inbound::peer::Peer;
use crate::outbound::Pools;
use crate::platform::clock;
use crate::telemetry::events::EventMetrics;
use crate::telemetry::http::Access;
use crate::telemetry::http::HttpMetrics;
use crate::workers::auth_desk::AuthDesk;
use crate::workers::event_hub::EventHub;

pub(in crate::inbound) use crate::inbound::http::adapter::adapter;
pub use crate::inbound::http::answer::AnswerBody;
pub(in crate::inbound) use crate::inbound::http::challenge::challenge;
pub(in crate::inbound) use crate::inbound::http::tracking::TRACKING_ID;
pub use crate::inbound::http::tracking::TrackingIds;

/// The HTTP edge of one configuration. A reload makes a new one; requests under way keep theirs.
pub struct Front {
    config: Arc<Config>,
    pools: Arc<Pools>,
    metrics: Arc<HttpMetrics>,
    /// Our AuthService; `None` when the XSP's is relayed.
    desk: Option<AuthDesk>,
    /// Our busy lamps; `None` when they are off.
    lamps: Option<Arc<BlfApi>>,
    plan: Plan,
    limiters: Arc<Limiters>,
    /// Streams of event channels, and what is known of them.
    hub: EventHub,
}

/// What must outlive a reload: neither a rate nor a lockout starts anew with it.
struct Limiters {
    buckets: Buckets,
    guesses: Guesses,
    tracking: TrackingIds,
    uploads: Arc<Places>,
}

impl Front {
    /// Works the configuration out. `previous` hands its limiters on.
    #[must_use]
    pub fn new(
        config: Arc<Config>,
        pools: Arc<Pools>,
        metrics: Arc<HttpMetrics>,
        events: &Arc<EventMetrics>,
        desk: Option<AuthDesk>,
        previous: Option<&Self>,
    ) -> Self {
        let limiters = match previous {
            Some(previous) => Arc::clone(&previous.limiters),
            None => {
                let epoch = clock::mono();
                Arc::new(Limiters {
                    buckets: Buckets::new(epoch),
                    guesses: Guesses::new(epoch),
                    tracking: TrackingIds::default(),
                    uploads: Arc::default(),
                })
            }
        };
        let hub = match previous {
            Some(previous) => previous.hub.clone(),
            None => EventHub::new(Arc::new(config.events.clone()), Arc::clone(events)),
        };
        Self {
            hub,
            plan: Plan::new(&config, &pools, &metrics),
            config,
            pools,
            metrics,
            desk,
            lamps: None,
            limiters,
        }
    }

    /// From now on busy lamps are answered, or not.
    pub fn show_lamps(&mut self, lamps: Option<Arc<BlfApi>>) {
        self.lamps = lamps;
    }

    /// Event channels.
    #[must_use]
    pub const fn events(&self) -> &EventHub {
        &self.hub
    }

    /// Takes effect where things outlive a configuration: removes the series of listeners, routes
    /// and upstreams that this one no longer has, and hands its rules to the event channels. To be
    /// called once it is the one in force.
    pub fn forget_other_series(&self) {
        self.hub.adopt(Arc::new(self.config.events.clone()));
        self.tell_upstreams();
        self.metrics
            .retain(|listener, route| self.plan.knows(listener, route));
    }

    /// Answers one request. `host` is the block chosen by server name, or without one the
    /// listener's default; `None` when the listener knows no such name.
    pub async fn answer<B>(
        &self,
        request: Request<B>,
        peer: &Arc<Peer>,
        listener: &Listener,
        host: Option<&Host>,
    ) -> Response<AnswerBody>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let visit = Visit {
            peer,
            listener,
            host,
            now: clock::mono(),
        };
        let (mut parts, body) = request.into_parts();
        let tracking_id = self.limiters.tracking.settle(&mut parts.headers);
        let mut seen = self.see(&parts.headers, &visit);
        let admission = self.admit(&mut parts, &visit, &mut seen);
        let mut ledger = self.open_ledger(&parts, &visit, &seen, &tracking_id);
        let asker = self.asker(&parts, &seen);
        let rest = if body.is_end_stream() {
            Rest::Nothing
        } else {
            Rest::Body
        };
        let answered = match admission {
            Ok(Admission::Preflight(origin)) => return answer_preflight(origin, ledger),
            Ok(Admission::AuthService(endpoint)) => {
                let asked = self.ask_desk(&parts, body, endpoint, &visit, &seen, &tracking_id);
                // On the heap: relayed requests must not carry room for it.
                match Box::pin(asked).await {
                    Ok(answered) => return self.hand_over(answered, ledger, seen, tracking_id),
                    Err(refusal) => Err(refusal),
                }
            }
            Ok(Admission::Lamps(resource)) => {
                let asked = self.ask_lamps(&parts, body, resource, &visit, &seen);
                match Box::pin(asked).await {
                    Ok(reply) => return self.hand_lamps_over(reply, ledger, seen, tracking_id),
                    Err(refusal) => Err(refusal),
                }
            }
            Ok(Admission::Relay(admitted)) => {
                self.relay(parts, body, &admitted, &seen, &visit, &mut ledger)
                    .await
            }
            Ok(Admission::Whereabouts) => {
                return self.answer_neighbour(&parts, ledger);
            }
            Err(refusal) => Err(refusal),
        };
        match answered {
            Ok(response) => {
                ledger.status = Some(response.status());
                response.map(|body| AnswerBody::relayed(body, ledger))
            }
            Err(refusal) => {
                self.metrics.refused(refusal.reason);
                let form = asker.form();
                let mut response =
                    rescue(&refusal, form, &tracking_id, asker.version, rest, ledger);
                if response.status() == StatusCode::UNAUTHORIZED {
                    let headers = response.headers_mut();
                    if asker.declines_challenge {
                        headers.remove(header::WWW_AUTHENTICATE);
                    } else if form != Form::Lamps {
                        headers.insert(header::WWW_AUTHENTICATE, rescue::CHALLENGE);
                    }
                }
                if self.plan.origins.is_some() {
                    cors::mark(response.headers_mut(), seen.origin);
                }
                response
            }
        }
    }

    fn open_ledger(
        &self,
        parts: &Parts,
        visit: &Visit<'_>,
        seen: &Seen,
        tracking_id: &HeaderValue,
    ) -> Ledger {
        let route = seen.route.and_then(|route| self.plan.routes.get(route));
        let access = Access::wanted().then(|| {
            Box::new(AccessFacts {
                peer: Arc::clone(visit.peer),
                client: seen.client,
                method: parts.method.clone(),
                uri: parts.uri.clone(),
                auth: seen.auth,
                tracking_id: tracking_id.clone(),
                route: route.map(|route| Arc::clone(&route.name)),
                upstream: None,
                reason: None,
            })
        });
        let series = self.plan.series(&visit.listener.name, seen.route).cloned();
        Ledger::open(series, visit.now, &parts.method, access)
    }

    /// Keeps what a later refusal needs of a request that will be gone by then.
    fn asker(&self, parts: &Parts, seen: &Seen) -> Asker {
        // A target that is refused has no route yet, but its sender wants an answer in its form.
        let route = seen.route.or_else(|| {
            let found = self.plan.table.find(parts.uri.path().as_bytes());
            found.map(|(route, _)| route)
        });
        Asker {
            route: route
                .and_then(|route| self.plan.routes.get(route))
                .map(|route| (route.kind, route.treatment)),
            declines_challenge: declines_challenge(&parts.headers),
            accept: parts.headers.get(header::ACCEPT).cloned(),
            uri: parts.uri.clone(),
            version: parts.version,
        }
    }
}

/// Who will get a refusal, if it comes to that.
struct Asker {
    route: Option<(RouteKind, Treatment)>,
    /// No challenge with a 401, or a browser would show its own dialogue.
    declines_challenge: bool,
    accept: Option<HeaderValue>,
    uri: http::Uri,
    version: http::Version,
}

impl Asker {
    fn form(&self) -> Form {
        Form::of(self.route, self.accept.as_ref(), self.uri.query())
    }
}

/// 200, not 204: libxsi takes nothing else, and browsers take both.
fn answer_preflight(origin: HeaderValue, mut ledger: Ledger) -> Response<AnswerBody> {
    ledger.status = Some(StatusCode::OK);
    let mut response = Response::new(AnswerBody::own(Bytes::new(), ledger));
    let headers = response.headers_mut();
    cors::answer_preflight(headers, origin);
    headers.insert(header::SERVER, rescue::SERVER);
    response
}
