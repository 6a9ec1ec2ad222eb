//! An XSP may send a request on to another one by a redirection (libxsi follows it for channels,
//! subscriptions and acknowledgements). A client outside cannot follow to an inner host, and one
//! sent back to us could land at any XSP, so it is followed here.

use bytes::Bytes;
use http::Response;
use http::StatusCode;
use http::Uri;
use http::header;
use http::request::Parts;
use http_body::Body;

use crate::inbound::http::Front;
use crate::inbound::http::answer::Ledger;
use crate::inbound::http::body::BoxError;
use crate::inbound::http::events::Errand;
use crate::inbound::http::events::gather::Gathered;
use crate::inbound::http::relay::Way;
use crate::inbound::http::rescue::Refusal;
use crate::outbound::Aim;
use crate::outbound::Pool;
use crate::outbound::Sent;

/// Where an answer leads.
enum Lead {
    /// Nowhere: it is the answer.
    Here,
    /// To another XSP of the pool.
    Inside(usize, Uri),
    /// To somebody else.
    Outside,
}

impl Front {
    /// Sends a request, and sends it on when the XSP says so.
    pub(super) async fn follow<B>(
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
        let mut left = self.config.events.redirects;
        let (mut parts, mut body, mut way) = (parts, body, *way);
        loop {
            // What is sent once only cannot be sent on.
            let again = body
                .whole()
                .filter(|_| left > 0)
                .map(|kept| (parts.clone(), kept.clone()));
            let sent = self
                .send_gathered(parts, body, errand, &way, ledger)
                .await?;
            let lead = lead(&sent.response, way.pool);
            let (next, place, kept) = match (lead, again) {
                (Lead::Inside(place, uri), Some((mut next, kept))) => {
                    next.uri = uri;
                    (next, place, kept)
                }
                (Lead::Outside, _) => {
                    self.hub.metrics().redirect_passed(&sent.upstream);
                    return Ok(sent);
                }
                (Lead::Here | Lead::Inside(..), _) => return Ok(sent),
            };
            self.hub.metrics().redirect_followed();
            left -= 1;
            parts = next;
            body = Gathered::of(kept);
            way.aim = Aim::Only(place);
        }
    }
}

fn lead<B>(response: &Response<B>, pool: &Pool) -> Lead {
    let redirects = matches!(
        response.status(),
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    if !redirects {
        return Lead::Here;
    }
    let location = response.headers().get(header::LOCATION);
    let location = location.and_then(|value| value.to_str().ok());
    let Some(uri) = location.and_then(|text| text.parse::<Uri>().ok()) else {
        return Lead::Here;
    };
    // Relative: it leads to itself, and the client may go there.
    let Some(authority) = uri.authority() else {
        return Lead::Here;
    };
    let place = pool.place_of_authority(authority.as_str());
    match (place, uri.path_and_query()) {
        (Some(place), Some(target)) => Lead::Inside(place, Uri::from(target.clone())),
        (Some(_), None) | (None, _) => Lead::Outside,
    }
}
