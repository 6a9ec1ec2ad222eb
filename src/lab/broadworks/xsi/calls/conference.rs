//! The conference of a user (specification 3.5.4.32).

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::calls::command::Command;
use crate::lab::broadworks::calls::command::Mix;
use crate::lab::broadworks::calls::conference::ConferenceView;
use crate::lab::broadworks::calls::leg::LegId;
use crate::lab::broadworks::xsi::answer::Answer;
use crate::lab::broadworks::xsi::calls::call_id;
use crate::lab::broadworks::xsi::calls::carry_out;
use crate::lab::broadworks::xsi::calls::done;
use crate::lab::broadworks::xsi::calls::render;
use crate::lab::broadworks::xsi::fault::Fault;
use crate::lab::broadworks::xsi::route::GET_POST_DELETE;
use crate::lab::broadworks::xsi::route::Outcome;
use crate::lab::broadworks::xsi::route::PUT;
use crate::lab::broadworks::xsi::route::UserAsk;
use crate::lab::broadworks::xsi::route::Verb;

/// Calls that one request can name: more than a user can have.
const NAMED: usize = 32;

pub(super) fn answer(ask: &UserAsk<'_>, tail: &[&str]) -> Outcome {
    let command = match tail {
        [] => return whole(ask),
        ["hold"] => Command::HoldConference,
        ["talk"] => Command::TalkConference,
        ["mute"] => Command::Mix(None, Mix::Mute),
        ["unmute"] => Command::Mix(None, Mix::Unmute),
        [call] => Command::AddToConference(call_id(call)?),
        [call, "deaf"] => Command::Mix(Some(call_id(call)?), Mix::Deaf),
        [call, "mute"] => Command::Mix(Some(call_id(call)?), Mix::Mute),
        [call, "undeaf"] => Command::Mix(Some(call_id(call)?), Mix::Undeaf),
        [call, "unmute"] => Command::Mix(Some(call_id(call)?), Mix::Unmute),
        _ => return Err(Fault::UnknownResource),
    };
    ask.only(PUT)?;
    // Nothing on a conference that is not there but adding to it tells of the call.
    if !matches!(command, Command::AddToConference(_)) {
        existing(ask)?;
    }
    done(ask, command)
}

fn whole(ask: &UserAsk<'_>) -> Outcome {
    match ask.only(GET_POST_DELETE)? {
        Verb::Get => existing(ask).map(|held| Answer::document(render::conference(&held))),
        Verb::Post | Verb::Put => {
            let body = ask.ask.document("Conference")?;
            carry_out(ask, Command::Conference(named(&body)?)).map(|_| Answer::created())
        }
        Verb::Delete => {
            existing(ask)?;
            done(ask, Command::EndConference)
        }
    }
}

fn existing(ask: &UserAsk<'_>) -> Result<ConferenceView, Fault> {
    let held = ask.lab.calls.read(|calls| calls.conference(&ask.user.id));
    held.ok_or_else(|| Fault::NotFound("Conference", ask.user.id.clone()))
}

/// The calls that a body names.
fn named(body: &Element) -> Result<Vec<LegId>, Fault> {
    let list = body
        .child("conferenceParticipantList")
        .ok_or(Fault::Parameter("conferenceParticipantList"))?;
    let participants = list.children_named("conferenceParticipant").take(NAMED);
    participants
        .map(|participant| {
            let id = participant.child_text("callId").map(str::trim);
            let id = id.ok_or(Fault::Parameter("callId"))?;
            LegId::parse(id).ok_or(Fault::CallNotFound)
        })
        .collect()
}
