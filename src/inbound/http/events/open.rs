//! Channels are asked for: limits, the choice of the XSP, and the stream that begins.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use http::Response;
use http::StatusCode;
use http::header;
use http::request::Parts;
use http_body::Body;

use crate::domain::edge::reason::Reason;
use crate::domain::events::crowd::Full;
use crate::domain::events::crowd::Owner;
use crate::domain::events::peek;
use crate::inbound::http::Front;
use crate::inbound::http::answer::Ledger;
use crate::inbound::http::body::BoxError;
use crate::inbound::http::events::Errand;
use crate::inbound::http::events::EventStream;
use crate::inbound::http::events::Passage;
use crate::inbound::http::events::gather::Wait;
use crate::inbound::http::events::seek::session_of;
use crate::inbound::http::relay::Relayed;
use crate::inbound::http::relay::Way;
use crate::inbound::http::rescue::Refusal;
use crate::outbound::Aim;
use crate::outbound::Pool;
use crate::outbound::SendPlan;
use crate::outbound::Upstream;
use crate::outbound::UpstreamBody;
use crate::platform::clock;
use crate::workers::event_hub::NoPlace;
use crate::workers::event_hub::Place;
use crate::workers::event_hub::session_name;

impl Front {
    /// Asks an XSP for a channel.
    pub(super) async fn open_channel<B>(
        &self,
        mut parts: Parts,
        body: B,
        errand: &Errand<'_>,
        ledger: &mut Ledger,
    ) -> Result<Passage, Refusal>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let rules = self.hub.rules();
        let wait = Wait::Stream(rules.idle_timeout);
        let gathered = self.gather(body, wait, errand.way, ledger).await?;
        let asked = peek::channel_asked(gathered.kept());
        let key = |name: &[u8]| self.hub.key(name);
        let owner = Owner {
            user: errand.caller,
            application: asked.application.map_or(0, key),
        };
        // A stranger that uses somebody's name must not use up what that user may open.
        let opener = self.sender_of(errand);
        let set = asked.set.map(key);
        let entered = self.hub.enter(owner, opener, set, clock::mono());
        let mut place = entered.map_err(no_place)?;
        // Compressed, a document would come when the compressor likes.
        parts.headers.remove(header::ACCEPT_ENCODING);
        let way = Way {
            aim: choose(errand.way.pool, &mut place, &parts.headers),
            plan: SendPlan {
                idle_timeout: rules.idle_timeout,
                may_last: true,
                ..errand.way.plan
            },
            ..*errand.way
        };
        let sent = self.follow(parts, gathered, errand, &way, ledger).await;
        let sent = sent.map_err(nobody_there)?;
        Ok(Passage {
            sent,
            place: Some(place),
        })
    }

    /// The stream of a channel begins, if the XSP agreed.
    pub(in crate::inbound::http) fn begin_stream(
        &self,
        response: Response<UpstreamBody>,
        place: Option<Place>,
        upstream: &Arc<str>,
        caller: u64,
    ) -> Response<Relayed> {
        let Some(place) = place.filter(|_| response.status() == StatusCode::OK) else {
            return response.map(Relayed::Answer);
        };
        let now = clock::mono();
        let session = response
            .headers()
            .get_all(header::SET_COOKIE)
            .iter()
            .find_map(|cookie| session_of(cookie.as_bytes()))
            .map(session_name);
        self.hub.met(caller, upstream, now);
        let held = place.open(upstream, session.as_deref(), now);
        let window = self.config.events.document_bytes;
        response.map(|mut body| {
            // Or a thousand quiet channels would leave no connection for anything else.
            body.leave_cap();
            Relayed::Channel(Box::new(EventStream::new(body, held, window)))
        })
    }
}

/// The XSP that the client names, when the farm has a public name for each; else the one with the
/// fewest channels, and none of the same set.
fn choose(pool: &Pool, place: &mut Place, headers: &HeaderMap) -> Aim {
    let upstreams = || pool.upstreams().iter().enumerate();
    let named = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .and_then(|host| pool.place_of_authority(host));
    let fit = |(_, upstream): &(usize, &Arc<Upstream>)| upstream.is_fit();
    let chosen = match named {
        Some(named) => place.choose(
            upstreams()
                .filter(|(at, _)| *at == named)
                .filter(fit)
                .map(|(at, upstream)| (at, upstream.name())),
        ),
        None => None,
    };
    let chosen = chosen.or_else(|| {
        place.choose(
            upstreams()
                .filter(fit)
                .map(|(at, upstream)| (at, upstream.name())),
        )
    });
    chosen.map_or(Aim::Any, Aim::First)
}

fn no_place(why: NoPlace) -> Refusal {
    let (reason, retry_after) = match why {
        NoPlace::Draining => (Reason::Draining, None),
        NoPlace::Full(Full::All) => (Reason::ChannelsLimit, None),
        NoPlace::Full(Full::Application) => (Reason::ChannelsPerApplication, None),
        NoPlace::Full(Full::User) => (Reason::ChannelsPerUser, None),
        NoPlace::TooFast(wait) => (Reason::ChannelOpensLimit, Some(wait)),
    };
    Refusal {
        reason,
        retry_after,
    }
}

/// Every XSP was tried: for a channel that is a lack of service, not the fault of one of them.
fn nobody_there(refusal: Refusal) -> Refusal {
    match refusal.reason {
        Reason::UpstreamConnect | Reason::UpstreamConnectTimeout | Reason::UpstreamTls => {
            Reason::UpstreamUnavailable.into()
        }
        _ => refusal,
    }
}
