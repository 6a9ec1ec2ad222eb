//! `POST …/pickup`: a call that rings at a line of the list goes to the watcher.

use std::error::Error;

use bytes::Bytes;
use http_body::Body;
use serde::Deserialize;
use serde_json::json;

use crate::domain::edge::reason::Reason;
use crate::inbound::endpoints::blf::reply::Reply;
use crate::outbound::read_capped;
use crate::workers::blf_gate::Admitted;
use crate::workers::blf_gate::Denied;
use crate::workers::blf_gate::Gate;
use crate::workers::blf_tracker::BlfBoard;
use crate::workers::blf_tracker::Picked;
use crate::workers::blf_tracker::Pickup;
use crate::workers::blf_tracker::PickupFailure;

/// Largest body in bytes: an offer or a user id.
const BODY_BYTES: usize = 4 * 1024;

/// What may be written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    offer: Option<u64>,
    line: Option<String>,
}

pub(super) async fn answer<B>(
    board: &BlfBoard,
    gate: &Gate,
    admitted: &Admitted,
    body: B,
) -> Result<Reply, Denied>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let bytes = read_capped(body, BODY_BYTES).await;
    let bytes = bytes.map_err(|_| Reason::BlfMalformed)?;
    let what = read(&bytes).ok_or(Reason::BlfMalformed)?;
    let credential = gate.credential(admitted).await?;
    let picked = board.pickup(&admitted.watcher, what, credential).await;
    match picked {
        Ok(Picked::Accepted { call, tracking }) => Ok(Reply::json(&json!({
            "picked-up": true,
            "message": "The call is on its way to the watcher.",
            "call": call,
            "tracking": tracking,
        }))),
        Err(failure) => Err(reason_of(&failure).into()),
    }
}

/// Exactly one of the two.
fn read(bytes: &[u8]) -> Option<Pickup> {
    let wanted: Wanted = serde_json::from_slice(bytes).ok()?;
    match (wanted.offer, wanted.line) {
        (Some(offer), None) => Some(Pickup::Offer(offer)),
        (None, Some(line)) if !line.is_empty() => Some(Pickup::Line(line)),
        (_, _) => None,
    }
}

fn reason_of(failure: &PickupFailure) -> Reason {
    match failure {
        PickupFailure::Gone => Reason::BlfUnavailable,
        PickupFailure::NoAccount => Reason::PickupUnavailable,
        PickupFailure::NoAddress => Reason::PickupRefused,
        PickupFailure::NotOnList => Reason::PickupNotOnList,
        PickupFailure::NotRinging => Reason::PickupOver,
        PickupFailure::Refused(refused) => match refused.status() {
            Some(400..=499) => Reason::PickupRefused,
            Some(_) | None => Reason::PickupUnavailable,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_of_offer_and_line_is_picked_up() {
        assert_eq!(read(b"{\"offer\": 7}"), Some(Pickup::Offer(7)));
        let line = Some(Pickup::Line("bob@x".to_owned()));
        assert_eq!(read(b"{\"line\": \"bob@x\"}"), line);
        for bad in [
            &b""[..],
            b"{}",
            b"[]",
            b"{\"offer\": -1}",
            b"{\"offer\": 1, \"line\": \"a\"}",
            b"{\"line\": \"\"}",
            b"{\"offer\": 1, \"x\": 2}",
            b"\xff",
        ] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}
