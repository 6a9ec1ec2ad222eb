//! `calls`: call control (specification 3.5.4).
//!
//! The lab has no disposition codes, client escalations, executive pushes, call traces, push to
//! talk, automatic callbacks, dynamic music and supervisor functions: their paths lead nowhere.

mod command;
mod conference;
mod render;
mod start;

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::calls::command::Command;
use crate::lab::broadworks::calls::command::Decline;
use crate::lab::broadworks::calls::command::Refusal;
use crate::lab::broadworks::calls::command::Reply;
use crate::lab::broadworks::calls::leg::LegId;
use crate::lab::broadworks::calls::leg::LegView;
use crate::lab::broadworks::xsi::answer::Answer;
use crate::lab::broadworks::xsi::ask::Ask;
use crate::lab::broadworks::xsi::fault::Fault;
use crate::lab::broadworks::xsi::route::GET;
use crate::lab::broadworks::xsi::route::GET_DELETE;
use crate::lab::broadworks::xsi::route::Outcome;
use crate::lab::broadworks::xsi::route::POST;
use crate::lab::broadworks::xsi::route::UserAsk;
use crate::lab::broadworks::xsi::route::Verb;
use crate::lab::broadworks::xsi::route::only;
use crate::lab::broadworks::xsi::services;

pub(super) fn answer(ask: &UserAsk<'_>, tail: &[&str]) -> Outcome {
    match tail {
        [] => list(ask),
        ["hookstatus"] => hook_status(ask),
        ["messagesummary"] => {
            ask.only(GET)?;
            services::assigned(ask.user, "Voice Messaging User")?;
            Ok(Answer::document(message_summary(ask)))
        }
        ["conference", rest @ ..] => conference::answer(ask, rest),
        [one] => match start::Starter::named(one) {
            Some(starter) => start::answer(ask, starter),
            None => call(ask, one),
        },
        [id, command] => command::answer(ask, call_id(id)?, command),
        [id, "consulttransfer", other] => command::consult(ask, call_id(id)?, call_id(other)?),
        _ => Err(Fault::UnknownResource),
    }
}

fn list(ask: &UserAsk<'_>) -> Outcome {
    ask.only(GET)?;
    let calls = ask.lab.calls.read(|calls| calls.of(&ask.user.id, false));
    let calls = calls.iter().map(|leg| {
        Element::new("call")
            .attribute_of("inConference", leg.in_conference.to_string())
            .with_leaf("callId", leg.id.to_string())
            .with_leaf("uri", ask.uri(&format!("calls/{}", leg.id)))
    });
    Ok(Answer::document(Element::xsi("Calls").with_all(calls)))
}

fn hook_status(ask: &UserAsk<'_>) -> Outcome {
    ask.only(GET)?;
    let off = ask.lab.calls.read(|calls| calls.is_off_hook(&ask.user.id));
    let status = if off { "Off-Hook" } else { "On-Hook" };
    Ok(Answer::document(
        Element::xsi("HookStatus").with_leaf("hookStatus", status),
    ))
}

/// One call. Only a call id or the name of a command can stand here.
fn call(ask: &UserAsk<'_>, id: &str) -> Outcome {
    let id = call_id(id)?;
    match ask.only(GET_DELETE)? {
        Verb::Get => {
            let detached = ask.ask.query.is_true("allowDetached");
            let calls = ask.lab.calls.read(|calls| calls.of(&ask.user.id, detached));
            let leg: Option<LegView> = calls.into_iter().find(|leg| leg.id == id);
            let leg = leg.ok_or(Fault::CallNotFound)?;
            Ok(Answer::document(render::call(&leg)))
        }
        Verb::Delete | Verb::Post | Verb::Put => {
            let decline = match ask.ask.query.first("declineReason") {
                _ if !ask.ask.query.is_true("decline") => Decline::No,
                None | Some("") => Decline::Busy,
                Some(reason) if reason.eq_ignore_ascii_case("busy") => Decline::Busy,
                Some(reason) if reason.eq_ignore_ascii_case("temporarilyunavailable") => {
                    Decline::TemporarilyUnavailable
                }
                Some(_) => return Err(Fault::Parameter("declineReason")),
            };
            done(ask, Command::HangUp(id, decline))
        }
    }
}

/// A path part that can only be a call id: what is none leads nowhere.
fn call_id(part: &str) -> Result<LegId, Fault> {
    if !part.contains(':') {
        return Err(Fault::UnknownResource);
    }
    LegId::parse(part).ok_or(Fault::CallNotFound)
}

/// Carries out a command of the user.
fn carry_out(ask: &UserAsk<'_>, command: Command) -> Result<Reply, Fault> {
    let lab = ask.lab;
    let reply = lab.calls.command(&lab.store, &ask.user.id, command);
    reply.map_err(|refusal| match refusal {
        Refusal::BadParameter(name) => Fault::Parameter(name),
        Refusal::NotAssigned(service) => Fault::ServiceNotAssigned(service),
        Refusal::NothingThere | Refusal::UnknownCall => Fault::CallNotFound,
        Refusal::NotNow(why) => Fault::CallState(why),
    })
}

/// Carries out a command whose answer is empty.
fn done(ask: &UserAsk<'_>, command: Command) -> Outcome {
    carry_out(ask, command).map(|_| Answer::done())
}

/// An absolute URL below the user: clients use it as it stands.
fn absolute(ask: &UserAsk<'_>, tail: &str) -> String {
    let (origin, prefix) = (&ask.ask.origin, ask.ask.context.prefix());
    format!("{origin}{prefix}{}", ask.uri(tail))
}

fn message_summary(ask: &UserAsk<'_>) -> Element {
    let read = ask
        .user
        .voice_messages
        .iter()
        .filter(|message| message.read)
        .count();
    let new = ask.user.voice_messages.len() - read;
    Element::xsi("VoiceMailMessageSummary").with(
        Element::new("summary")
            .with_leaf("newMessages", new.to_string())
            .with_leaf("oldMessages", read.to_string()),
    )
}

/// `calls/CallMeNow`: answered without credentials, so that an edge policy can be tried on it.
pub(super) fn call_me_now(lab: &BroadWorks, ask: &Ask) -> Outcome {
    only(ask, POST)?;
    let id = ask.path.get(1).map(String::as_str).unwrap_or_default();
    if lab.store.read().user(id).is_none() {
        return Err(Fault::UserNotFound(id.to_owned()));
    }
    match ask.query.first("address") {
        Some(address) if !address.is_empty() => Ok(Answer::document(
            Element::xsi("CallMeNowStartInfo").with_leaf("passcode", "4711"),
        )),
        Some(_) | None => Err(Fault::Parameter("address")),
    }
}
