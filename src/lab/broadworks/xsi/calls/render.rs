//! Calls and conferences as elements, in the order of the schema.

use crate::domain::xsi::codec::Attribute;
use crate::domain::xsi::codec::Element;
use crate::domain::xsi::codec::Name;
use crate::domain::xsi::codec::XSI;
use crate::lab::broadworks::calls::conference::ConferenceView;
use crate::lab::broadworks::calls::leg::Endpoint;
use crate::lab::broadworks::calls::leg::LegView;
use crate::lab::broadworks::calls::leg::Redirection;
use crate::lab::broadworks::calls::leg::State;
use crate::lab::broadworks::calls::party::Party;

const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// `Call`.
pub(super) fn call(leg: &LegView) -> Element {
    let mut call = Element::xsi("Call")
        .declare(Some("xsi1"), INSTANCE)
        .with_leaf("callId", leg.id.to_string())
        .with_leaf("extTrackingId", leg.tracking.to_string())
        .with_leaf("networkCallId", leg.network_call_id())
        .with_leaf("personality", leg.personality.as_str())
        .with_leaf("state", leg.state.as_str());
    if let Some(cause) = leg.cause {
        call = call.with(
            Element::new("releaseCause")
                .with_leaf("internalReleaseCause", cause.as_str())
                .with_leaf("q850Cause", cause.q850().to_string()),
        );
    }
    call = call
        .with_some("releasingParty", leg.released_by.map(|by| by.as_str()))
        .with(party("remoteParty", &leg.remote));
    if !leg.redirections.is_empty() {
        let redirections = leg.redirections.iter().map(redirection);
        call = call.with(Element::new("redirections").with_all(redirections));
    }
    if let Some(redirect) = &leg.redirect {
        return times(
            call.with(
                Element::new("redirect")
                    .with_leaf("address", &redirect.address)
                    .with_leaf("reason", redirect.reason.as_str())
                    .with_leaf("redirectTime", redirect.time.to_string()),
            ),
            leg,
        );
    }
    call = call
        .with(endpoint(&leg.endpoint))
        .with_leaf("appearance", leg.appearance.to_string());
    if leg.can_answer {
        call = call.with(Element::new("allowAnswer"));
    }
    if leg.state == State::Held {
        call = call.with(Element::new("allowRetrieve"));
    }
    let call = times(call, leg);
    let recording = leg.recording.map(|recording| recording.as_str());
    call.with_some("recorded", recording.map(|_| "true"))
        .with_some("recordingState", recording)
        .with_some("clientSessionInfo", leg.info.as_deref())
}

fn times(call: Element, leg: &LegView) -> Element {
    let times = &leg.times;
    let text = |time: Option<i64>| time.map(|time| time.to_string());
    let total = Some(times.total_held).filter(|total| *total > 0);
    call.with_leaf("startTime", times.start.to_string())
        .with_some("answerTime", text(times.answer).as_deref())
        .with_some("heldTime", text(times.held).as_deref())
        .with_some("totalHeldTime", text(total).as_deref())
        .with_some("detachedTime", text(times.detached).as_deref())
        .with_some("releaseTime", text(times.release).as_deref())
}

/// Who hides shows only how far away they are.
fn party(name: &str, party: &Party) -> Element {
    let element = Element::new(name);
    let element = if party.private {
        element.with(Element::new("privacy"))
    } else {
        let address = with_country(Element::leaf("address", &party.address), party.country_code);
        let element = element
            .with_some("name", party.name.as_deref())
            .with(address)
            .with_some("userId", party.user_id.as_deref());
        match &party.user_dn {
            // Users of the lab have numbers of one country.
            Some(dn) => element.with(with_country(Element::leaf("userDN", dn), Some("1"))),
            None => element,
        }
    };
    element.with_leaf("callType", party.call_type.as_str())
}

fn with_country(element: Element, country: Option<&str>) -> Element {
    match country {
        Some(country) => element.attribute_of("countryCode", country),
        None => element,
    }
}

fn redirection(redirection: &Redirection) -> Element {
    Element::new("redirection")
        .with(party("party", &redirection.party))
        .with_leaf("reason", redirection.reason.as_str())
}

fn endpoint(endpoint: &Endpoint) -> Element {
    let (kind, name, address) = match endpoint {
        Endpoint::Access(address) => ("xsi:AccessEndpoint", "addressOfRecord", address),
        Endpoint::Anywhere(address) => ("xsi:BroadWorksAnywhereEndpoint", "address", address),
        Endpoint::Mobility(address) => ("xsi:BroadWorksMobilityEndpoint", "address", address),
        Endpoint::RemoteOffice(address) => ("xsi:RemoteOfficeEndpoint", "address", address),
    };
    Element::new("endpoint")
        .with_attribute(of_type(kind))
        .declare(Some("xsi"), XSI)
        .with_leaf(name, address)
}

/// `xsi1:type`. Clients read it by this very prefix.
#[expect(clippy::expect_used, reason = "the name is written here")]
fn of_type(kind: &str) -> Attribute {
    let name = Name::parse("xsi1:type").expect("two plain names and a colon");
    Attribute::new(name, kind.to_owned())
}

/// `Conference`.
pub(super) fn conference(conference: &ConferenceView) -> Element {
    let participants = conference.participants.iter().map(|(id, one)| {
        let text = |flag: bool| flag.then_some("true");
        Element::new("conferenceParticipant")
            .with_leaf("callId", id.to_string())
            .with_some("muted", text(one.muted))
            .with_some("deaf", text(one.deaf))
    });
    Element::xsi("Conference")
        .declare(Some("xsi1"), INSTANCE)
        .with_leaf("state", conference.state.as_str())
        .with(endpoint(&conference.endpoint))
        .with_leaf("appearance", conference.appearance.to_string())
        .with_some("muted", conference.muted.then_some("true"))
        .with_some("conferenceType", conference.kind.as_str())
        .with(Element::new("conferenceParticipantList").with_all(participants))
}
