//! Which XSP a heartbeat, an update or an acknowledgement belongs to: by what is known here, by
//! what another node knows, by hints; never to several.

use http::HeaderMap;
use http::header;
use http::request::Parts;

use crate::domain::events::peek::ID_LENGTH;
use crate::domain::events::whereabouts::Hint;
use crate::domain::events::whereabouts::Wanted;
use crate::inbound::http::Front;
use crate::inbound::http::events::Errand;
use crate::inbound::http::relay::Way;
use crate::outbound::Aim;
use crate::platform::clock;
use crate::workers::event_hub::session_name;

/// The cookie by which an XSP knows its session (field page, section 7.10).
const SESSION: &[u8] = b"JSESSIONID";

impl Front {
    /// The way to the XSP that holds what is wanted.
    pub(super) async fn seek<'a>(
        &self,
        wanted: Option<Wanted<'_>>,
        parts: &Parts,
        errand: &Errand<'a>,
    ) -> Way<'a> {
        let (aim, hint) = match self.known(wanted, errand) {
            Some(found) => found,
            None if errand.way.pool.upstreams().len() == 1 => (Aim::Any, Hint::OnlyUpstream),
            None => match self.asked(wanted, errand).await {
                Some(found) => found,
                None => self.guessed(&parts.headers, errand),
            },
        };
        self.hub.metrics().routed(hint);
        Way { aim, ..*errand.way }
    }

    fn known(&self, wanted: Option<Wanted<'_>>, errand: &Errand<'_>) -> Option<(Aim, Hint)> {
        let wanted = wanted?;
        let now = clock::mono();
        let upstream = self.hub.find(wanted, now)?;
        let place = errand.way.pool.place_of(&upstream)?;
        let hint = match wanted {
            Wanted::Channel(_) => Hint::ChannelId,
            Wanted::Event(_) => Hint::EventId,
        };
        Some((Aim::Only(place), hint))
    }

    /// Other nodes may hold the stream.
    async fn asked(&self, wanted: Option<Wanted<'_>>, errand: &Errand<'_>) -> Option<(Aim, Hint)> {
        let wanted = wanted.filter(|wanted| wanted.id().len() <= ID_LENGTH)?;
        let peers = self.pools.peers()?;
        let patience = self.config.events.peer_timeout;
        let upstream = self.hub.neighbours().ask(peers, wanted, patience).await?;
        // A name that this node does not have is no answer.
        let place = errand.way.pool.place_of(&upstream)?;
        match wanted {
            Wanted::Channel(id) => self.hub.elsewhere(id, &upstream, clock::mono()),
            Wanted::Event(_) => {}
        }
        Some((Aim::Only(place), Hint::PeerNode))
    }

    /// Hints that may be wrong; then another XSP may take it as well.
    fn guessed(&self, headers: &HeaderMap, errand: &Errand<'_>) -> (Aim, Hint) {
        let place_of = |upstream: &str| errand.way.pool.place_of(upstream);
        let by_cookie = headers
            .get_all(header::COOKIE)
            .iter()
            .find_map(|cookie| session_of(cookie.as_bytes()))
            .and_then(|session| {
                let name = session_name(session);
                self.hub.find(Wanted::Channel(&name), clock::mono())
            })
            .and_then(|upstream| place_of(&upstream));
        if let Some(place) = by_cookie {
            return (Aim::First(place), Hint::Cookie);
        }
        let last = self.hub.last_of(errand.caller);
        match last.and_then(|upstream| place_of(&upstream)) {
            Some(place) => (Aim::First(place), Hint::Identity),
            None => (Aim::Any, Hint::Miss),
        }
    }
}

/// The session in a `Cookie` or `Set-Cookie`.
pub(super) fn session_of(cookie: &[u8]) -> Option<&[u8]> {
    cookie.split(|byte| *byte == b';').find_map(|pair| {
        let equals = memchr::memchr(b'=', pair)?;
        let (name, value) = pair.split_at_checked(equals)?;
        let value = value.get(1..)?.trim_ascii();
        let good = name.trim_ascii() == SESSION && !value.is_empty() && value.len() <= 256;
        good.then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_found_in_either_header() {
        let table: [(&[u8], Option<&[u8]>); 5] = [
            (b"JSESSIONID=AB.1; Path=/x; Secure", Some(b"AB.1")),
            (b"a=b; JSESSIONID=AB", Some(b"AB")),
            (b"XJSESSIONID=AB", None),
            (b"JSESSIONID=", None),
            (b"JSESSIONID", None),
        ];
        for (cookie, session) in table {
            assert_eq!(session_of(cookie), session);
        }
    }
}
