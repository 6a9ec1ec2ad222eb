//! What is different for Xsi-Events (field page, section 7): where requests about channels and
//! events belong, and the streams.
//!
//! `open` asks for channels and places them, `seek` finds the XSP of everything that belongs to
//! one, `gather` reads small bodies, `follow` follows an XSP's redirections, `stream` is the body
//! of a channel's answer.

mod follow;
mod gather;
mod open;
mod seek;
mod stream;
mod whereabouts;

use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use http::Request;
use http::header;
use http::request::Parts;
use http_body::Body;
use http_body_util::Empty;

use crate::domain::edge::affinity;
use crate::domain::edge::credential;
use crate::domain::edge::reason::Reason;
use crate::domain::events::names;
use crate::domain::events::peek;
use crate::domain::events::resource::Resource;
use crate::domain::events::whereabouts::Wanted;
use crate::inbound::http::Front;
use crate::inbound::http::answer::Ledger;
use crate::inbound::http::body::BoxError;
use crate::inbound::http::events::gather::Gathered;
use crate::inbound::http::events::gather::Wait;
use crate::inbound::http::relay::Way;
use crate::inbound::http::rescue::Refusal;
use crate::inbound::http::route::Seen;
use crate::inbound::http::route::Visit;
use crate::inbound::http::swap::Swap;
use crate::outbound::SendPlan;
use crate::outbound::Sent;
use crate::platform::clock;
use crate::workers::event_hub::Place;

pub(super) use stream::EventStream;

/// Largest body that is kept, to be looked into and sent again: an acknowledgement has 200 bytes, a
/// request for a channel 300, a list of subscriptions a few KB.
const KEPT_BYTES: usize = 16 * 1024;

/// A request about event channels, and what is known of it.
pub(super) struct Errand<'a> {
    pub(super) resource: &'a Resource,
    /// Who asks, as a number.
    pub(super) caller: u64,
    pub(super) swap: Option<&'a Swap>,
    pub(super) way: &'a Way<'a>,
}

/// An answer to it, and the place of a channel that may begin with it.
pub(super) struct Passage {
    pub(super) sent: Sent,
    pub(super) place: Option<Place>,
}

impl From<Sent> for Passage {
    fn from(sent: Sent) -> Self {
        Self { sent, place: None }
    }
}

impl Front {
    /// Sends a request about event channels to the XSP to which it belongs.
    pub(super) async fn send_event<B>(
        &self,
        parts: Parts,
        body: B,
        errand: &Errand<'_>,
        ledger: &mut Ledger,
    ) -> Result<Passage, Refusal>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        match errand.resource {
            Resource::ChannelAdd => self.open_channel(parts, body, errand, ledger).await,
            Resource::Channel(id) => {
                let way = self.seek(Some(Wanted::Channel(id)), &parts, errand).await;
                let sent = self.send_there(parts, body, errand, &way, ledger).await?;
                self.met(errand, &sent);
                Ok(sent.into())
            }
            Resource::HeartBeat(id) => {
                let now = clock::mono();
                self.check_beat(id, self.sender_of(errand), now)?;
                let way = self.seek(Some(Wanted::Channel(id)), &parts, errand).await;
                let sent = self.send_there(parts, body, errand, &way, ledger).await?;
                self.met(errand, &sent);
                self.hub
                    .beat_answered(id, sent.response.status().as_u16(), now);
                Ok(sent.into())
            }
            Resource::EventResponse => self.acknowledge(parts, body, errand, ledger).await,
            Resource::Subscription => self.subscribe(parts, body, errand, ledger).await,
            Resource::Other => {
                let sent = self
                    .send_there(parts, body, errand, errand.way, ledger)
                    .await?;
                Ok(sent.into())
            }
        }
    }

    /// The caller's XSP, once that has let him in: a stranger may use his name.
    fn met(&self, errand: &Errand<'_>, sent: &Sent) {
        if sent.response.status().is_success() {
            self.hub.met(errand.caller, &sent.upstream, clock::mono());
        }
    }

    /// The caller at his address, so that a stranger who uses his name does not count as him.
    fn sender_of(&self, errand: &Errand<'_>) -> u64 {
        let address = affinity::of_address(errand.way.seen.client);
        let pair = [errand.caller, address].map(u64::to_be_bytes);
        self.hub.key(&pair.concat())
    }

    fn check_beat(&self, id: &[u8], caller: u64, now: Instant) -> Result<(), Refusal> {
        self.hub.beat(id, caller, now).map_err(|wait| Refusal {
            reason: Reason::HeartbeatLimit,
            retry_after: Some(wait),
        })
    }

    async fn acknowledge<B>(
        &self,
        parts: Parts,
        body: B,
        errand: &Errand<'_>,
        ledger: &mut Ledger,
    ) -> Result<Passage, Refusal>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let gathered = self.gather(body, Wait::End, errand.way, ledger).await?;
        let Some(kept) = gathered.whole().cloned() else {
            return Err(Reason::BodyTooLarge.into());
        };
        let event = peek::event_answered(&kept);
        let way = self.seek(event.map(Wanted::Event), &parts, errand).await;
        let sent = self.follow(parts, gathered, errand, &way, ledger).await?;
        self.met(errand, &sent);
        if let Some(event) = event
            && sent.response.status().is_success()
        {
            self.hub.acknowledged(event, clock::mono());
        }
        Ok(sent.into())
    }

    async fn subscribe<B>(
        &self,
        parts: Parts,
        body: B,
        errand: &Errand<'_>,
        ledger: &mut Ledger,
    ) -> Result<Passage, Refusal>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let gathered = self.gather(body, Wait::Moment, errand.way, ledger).await?;
        for package in peek::packages(gathered.kept()) {
            if !names::is_package(package) {
                self.hub.unknown("event package", package);
            }
        }
        let sent = self
            .follow(parts, gathered, errand, errand.way, ledger)
            .await?;
        Ok(sent.into())
    }

    /// Sends a request as it comes.
    async fn send_there<B>(
        &self,
        parts: Parts,
        body: B,
        errand: &Errand<'_>,
        way: &Way<'_>,
        ledger: &mut Ledger,
    ) -> Result<Sent, Refusal>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        if let Some(swap) = errand.swap {
            return Box::pin(self.send_swapped(parts, body, swap, way, ledger)).await;
        }
        if way.plan.body_is_empty {
            let request = Request::from_parts(parts, Empty::<Bytes>::new());
            let sent = way.send(request).await;
            return sent.map_err(|failure| way.failed(&failure, None, ledger));
        }
        let (body, tally) = self.take_body(body, way, ledger)?;
        let sent = way.send(Request::from_parts(parts, body)).await;
        sent.map_err(|failure| way.failed(&failure, Some(&tally), ledger))
    }

    /// Sends a request whose body is kept, as far as it has come.
    async fn send_gathered<B>(
        &self,
        parts: Parts,
        body: Gathered<B>,
        errand: &Errand<'_>,
        way: &Way<'_>,
        ledger: &mut Ledger,
    ) -> Result<Sent, Refusal>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let way = Way {
            plan: SendPlan {
                body_is_empty: body.is_end_stream(),
                ..way.plan
            },
            ..*way
        };
        if let Some(swap) = errand.swap {
            return Box::pin(self.send_swapped(parts, body, swap, &way, ledger)).await;
        }
        let sent = way.send(Request::from_parts(parts, body)).await;
        let received = ledger.received().cloned();
        sent.map_err(|failure| way.failed(&failure, received.as_deref(), ledger))
    }

    /// Who asks: the user of a token of ours or of a password, else the owner of other
    /// credentials, of the certificate, or of the address. What the number stands for cannot be
    /// told from it.
    pub(super) fn caller_of(
        &self,
        headers: &HeaderMap,
        user: Option<&str>,
        seen: &Seen,
        visit: &Visit<'_>,
    ) -> u64 {
        let of_user = |user: &[u8]| self.hub.key(&affinity::of_user(user).to_be_bytes());
        if let Some(user) = user {
            return of_user(user.as_bytes());
        }
        if let Some(authorization) = headers.get(header::AUTHORIZATION) {
            let authorization = authorization.as_bytes();
            return credential::with_user_name(authorization, of_user)
                .unwrap_or_else(|| self.hub.key(authorization));
        }
        match &visit.peer.caller {
            Some(caller) => self.hub.key(caller.identity.as_bytes()),
            None => {
                let address = affinity::of_address(seen.client);
                self.hub.key(&address.to_be_bytes())
            }
        }
    }

    /// Puts the series of upstreams at zero and removes those of upstreams that are gone.
    pub(super) fn tell_upstreams(&self) {
        let metrics = self.hub.metrics();
        for upstream in self.pools.upstreams_of_routes() {
            metrics.upstream_present(upstream.name());
        }
        metrics.retain(|name| {
            let mut upstreams = self.pools.upstreams_of_routes();
            upstreams.any(|upstream| **upstream.name() == *name)
        });
    }
}
