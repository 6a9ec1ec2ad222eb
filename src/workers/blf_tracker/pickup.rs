//! Picking a call up for a watcher: DirectedCallPickup with the account of ours.

use std::sync::Arc;

use crate::domain::blf::notice::LineState;
use crate::domain::xsi::codec::Element;
use crate::domain::xsi::codec::parse_xml;
use crate::outbound::broadworks::xsi::XsiClient;
use crate::outbound::broadworks::xsi::XsiFailure;
use crate::telemetry::blf::BlfMetrics;
use crate::telemetry::blf::DONE;
use crate::workers::blf_tracker::board::Picked;
use crate::workers::blf_tracker::board::PickupFailure;
use crate::workers::blf_tracker::requests::tell;

/// Bytes of an answer that are read.
const ANSWER: usize = 64 * 1024;

/// Picks up what rings at a line. Sent once: it moves a call.
pub(super) async fn pick_up(
    client: &XsiClient,
    metrics: &Arc<BlfMetrics>,
    watcher: &str,
    line: &LineState,
) -> Result<Picked, PickupFailure> {
    let picked = try_it(client, metrics, watcher, line).await;
    let outcome = picked.as_ref().err().map_or(DONE, PickupFailure::as_str);
    metrics.picked_up(outcome, watcher);
    picked
}

async fn try_it(
    client: &XsiClient,
    metrics: &BlfMetrics,
    watcher: &str,
    line: &LineState,
) -> Result<Picked, PickupFailure> {
    let known = line.extension.as_deref().or(line.number.as_deref());
    let address = match known {
        Some(address) => address.to_owned(),
        None => address_of(client, line.user.as_str()).await?,
    };
    let result = client.directed_call_pickup(watcher, &address).await;
    tell(metrics, "pickup", watcher, &result);
    let body = result.map_err(PickupFailure::Refused)?;
    let started = parse_xml(&body, ANSWER, None).ok();
    let text = |name: &str| {
        let root = started.as_ref()?.root();
        root.child_text(name).map(str::to_owned)
    };
    Ok(Picked::Accepted {
        call: text("callId"),
        tracking: text("externalTrackingId"),
    })
}

/// A list over OCI-P, and some over Xsi-Actions, have user ids only: the profile has the number.
async fn address_of(client: &XsiClient, user: &str) -> Result<String, PickupFailure> {
    let body = client.profile(user).await.map_err(PickupFailure::Refused)?;
    let unusable = |_| PickupFailure::Refused(XsiFailure::Unusable);
    let profile = parse_xml(&body, ANSWER, None).map_err(unusable)?;
    let root = profile.root();
    let within = |name: &str| {
        let details = root
            .child("details")
            .and_then(|details| text(details, name));
        details.or_else(|| text(root, name))
    };
    within("extension")
        .or_else(|| within("number"))
        .ok_or(PickupFailure::NoAddress)
}

fn text(element: &Element, name: &str) -> Option<String> {
    let text = element.child_text(name)?;
    (!text.is_empty()).then(|| text.to_owned())
}
