//! `calls`: the lab has no call processing, so a user never has one. What can be asked without
//! calls is answered: the empty list, the hook, the message summary.

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::xsi::answer::Answer;
use crate::lab::broadworks::xsi::ask::Ask;
use crate::lab::broadworks::xsi::fault::Fault;
use crate::lab::broadworks::xsi::route::GET;
use crate::lab::broadworks::xsi::route::GET_DELETE;
use crate::lab::broadworks::xsi::route::Outcome;
use crate::lab::broadworks::xsi::route::POST;
use crate::lab::broadworks::xsi::route::PUT;
use crate::lab::broadworks::xsi::route::UserAsk;
use crate::lab::broadworks::xsi::route::only;
use crate::lab::broadworks::xsi::route::read_only;
use crate::lab::broadworks::xsi::services;

pub(super) fn answer(ask: &UserAsk<'_>, tail: &[&str]) -> Outcome {
    match tail {
        [] => read_only(ask, || Element::xsi("Calls")),
        ["hookstatus"] => read_only(ask, || {
            Element::xsi("HookStatus").with_leaf("hookStatus", "On-Hook")
        }),
        ["messagesummary"] => {
            ask.only(GET)?;
            services::assigned(ask.user, "Voice Messaging User")?;
            Ok(Answer::document(message_summary(ask)))
        }
        // Commands that need call processing lead nowhere here.
        [
            "new"
            | "conference"
            | "callpickup"
            | "callretrieve"
            | "callreturn"
            | "imrn"
            | "lastnumberredial"
            | "parkretrieve"
            | "escalate"
            | "automaticcallback"
            | "directedcallpickup"
            | "directedcallpickupbargein"
            | "pushtotalk"
            | "silentmonitor"
            | "silentmonitornext",
            ..,
        ] => Err(Fault::UnknownResource),
        [_call] => ask.only(GET_DELETE).and(Err(Fault::CallNotFound)),
        [_call, ..] => ask.only(PUT).and(Err(Fault::CallNotFound)),
    }
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
