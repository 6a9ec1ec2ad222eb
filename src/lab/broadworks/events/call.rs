//! Calls, parties and conferences as events carry them (XSI schema, `Call`), in wire order.

use crate::lab::broadworks::calls::Calls;
use crate::lab::broadworks::calls::conference::ConferenceView;
use crate::lab::broadworks::calls::leg::Endpoint;
use crate::lab::broadworks::calls::leg::LegView;
use crate::lab::broadworks::calls::leg::State;
use crate::lab::broadworks::calls::party::CallType;
use crate::lab::broadworks::calls::party::Party;
use crate::lab::broadworks::events::envelope::EventData;
use crate::lab::broadworks::events::envelope::TYPE;
use crate::lab::broadworks::events::markup::Markup;

/// How much is known of the phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phone {
    /// Which one and which line key.
    Known,
    /// Which line key.
    LineKey,
    /// Nothing yet, or nothing any more.
    Unknown,
}

/// One `call`.
pub(super) fn call(markup: &mut Markup, leg: &LegView, phone: Phone) {
    let phone = if leg.state == State::Released || leg.redirect.is_some() {
        Phone::Unknown
    } else {
        phone
    };
    let network = leg.remote.call_type == CallType::Network;
    markup.within("call", |call| {
        call.leaf("callId", &leg.id.to_string())
            .leaf("extTrackingId", &leg.tracking.to_string())
            .some(
                "networkCallId",
                network.then(|| leg.network_call_id()).as_deref(),
            )
            .leaf("personality", leg.personality.as_str())
            .leaf("state", shown_state(leg).as_str());
        if let Some(cause) = leg.cause {
            call.within("releaseCause", |cause_| {
                cause_
                    .leaf("internalReleaseCause", cause.as_str())
                    .leaf("q850Cause", &cause.q850().to_string());
            });
        }
        call.some("releasingParty", leg.released_by.map(|by| by.as_str()));
        party(call, "remoteParty", &leg.remote);
        redirections(call, leg);
        if phone == Phone::Known {
            endpoint(call, &leg.endpoint);
        }
        if phone != Phone::Unknown {
            call.leaf("appearance", &leg.appearance.to_string());
        }
        let held = leg.state == State::Held;
        call.flag("allowAnswer", leg.can_answer && phone == Phone::Known)
            .flag("allowRetrieve", held);
        let times = &leg.times;
        call.number("startTime", Some(times.start))
            .number("answerTime", times.answer)
            .number("heldTime", times.held)
            .number(
                "totalHeldTime",
                Some(times.total_held).filter(|held| *held > 0),
            )
            .number("detachedTime", times.detached)
            .number("releaseTime", times.release)
            .some("recordingState", leg.recording.map(|held| held.as_str()))
            .some("clientSessionInfo", leg.info.as_deref());
    });
}

fn redirections(call: &mut Markup, leg: &LegView) {
    if !leg.redirections.is_empty() {
        call.within("redirections", |all| {
            for one in &leg.redirections {
                all.within("redirection", |redirection| {
                    party(redirection, "party", &one.party);
                    redirection.leaf("reason", one.reason.as_str());
                });
            }
        });
    }
    if let Some(to) = &leg.redirect {
        call.within("redirect", |redirect| {
            redirect
                .leaf("address", &to.address)
                .leaf("reason", to.reason.as_str())
                .leaf("redirectTime", &to.time.to_string());
        });
    }
}

/// Hold by the other end is told of calls within the group or enterprise only.
fn shown_state(leg: &LegView) -> State {
    if leg.state == State::RemoteHeld && !is_near(leg) {
        State::Active
    } else {
        leg.state
    }
}

/// Whether the other end is in the same group or enterprise.
pub(super) const fn is_near(leg: &LegView) -> bool {
    matches!(leg.remote.call_type, CallType::Group | CallType::Enterprise)
}

/// Who hides shows only how far away they are.
fn party(markup: &mut Markup, name: &str, party: &Party) {
    markup.within(name, |element| {
        if party.private {
            element.flag("privacy", true);
        } else {
            let country = |code| Some(("countryCode", code));
            element
                .some("name", party.name.as_deref())
                .leaf_with(
                    "address",
                    party.country_code.and_then(country),
                    &party.address,
                )
                .some("userId", party.user_id.as_deref());
            if let Some(dn) = &party.user_dn {
                // Users of the lab have numbers of one country.
                element.leaf_with("userDN", country("1"), dn);
            }
        }
        element.leaf("callType", party.call_type.as_str());
    });
}

fn endpoint(markup: &mut Markup, endpoint: &Endpoint) {
    let (kind, name, address) = match endpoint {
        Endpoint::Access(address) => ("xsi:AccessEndpoint", "addressOfRecord", address),
        Endpoint::Anywhere(address) => ("xsi:BroadWorksAnywhereEndpoint", "address", address),
        Endpoint::Mobility(address) => ("xsi:BroadWorksMobilityEndpoint", "address", address),
        Endpoint::RemoteOffice(address) => ("xsi:RemoteOfficeEndpoint", "address", address),
    };
    markup.within_with("endpoint", Some((TYPE, kind)), |element| {
        element.leaf(name, address);
    });
}

/// A `conference`; one that is over has nothing but its state.
pub(super) fn conference(markup: &mut Markup, conference: Option<&ConferenceView>) {
    markup.within("conference", |element| {
        let Some(held) = conference else {
            element.leaf("state", State::Released.as_str());
            return;
        };
        element.leaf("state", held.state.as_str());
        endpoint(element, &held.endpoint);
        element
            .leaf("appearance", &held.appearance.to_string())
            .some("muted", held.muted.then_some("true"))
            .some("conferenceType", held.kind.as_str());
        element.within("conferenceParticipantList", |list| {
            for (id, one) in &held.participants {
                list.within("conferenceParticipant", |participant| {
                    participant
                        .leaf("callId", &id.to_string())
                        .some("muted", one.muted.then_some("true"))
                        .some("deaf", one.deaf.then_some("true"));
                });
            }
        });
    });
}

/// All calls of a user, its conference and its hook.
pub(super) fn snapshot(markup: &mut Markup, calls: &Calls, user: &str, detached: bool) {
    let legs = calls.of(user, detached);
    if !legs.is_empty() {
        markup.within("calls", |all| {
            for leg in &legs {
                call(all, leg, Phone::Known);
            }
        });
    }
    if let Some(held) = calls.conference(user) {
        conference(markup, Some(&held));
    }
    hook(markup, calls.is_off_hook(user));
}

/// `hookStatus`.
pub(super) fn hook(markup: &mut Markup, off: bool) {
    markup.leaf("hookStatus", if off { "Off-Hook" } else { "On-Hook" });
}

/// `CallParkedAgainstEvent`.
pub(super) fn parked(waiting: Option<&Party>) -> EventData {
    EventData::new("CallParkedAgainstEvent", |markup| {
        if let Some(waiting) = waiting {
            party(markup, "parkedParty", waiting);
        }
    })
}
