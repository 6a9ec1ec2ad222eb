//! `VoiceMessagingMessages`: what the Webex app's voice mail page uses (specification 3.5.8).

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::directory::VoiceMessage;
use crate::lab::broadworks::xsi::answer::Answer;
use crate::lab::broadworks::xsi::fault::Fault;
use crate::lab::broadworks::xsi::route::GET_DELETE;
use crate::lab::broadworks::xsi::route::Outcome;
use crate::lab::broadworks::xsi::route::PUT;
use crate::lab::broadworks::xsi::route::UserAsk;
use crate::lab::broadworks::xsi::route::Verb;
use crate::lab::broadworks::xsi::route::read_only;
use crate::lab::broadworks::xsi::services;

pub(super) fn answer(ask: &UserAsk<'_>, tail: &[&str]) -> Outcome {
    services::assigned(ask.user, "Voice Messaging User")?;
    match tail {
        [] => read_only(ask, || list(ask)),
        ["markallasread"] => mark_all(ask, true),
        ["markallasunread"] => mark_all(ask, false),
        [id] => match ask.only(GET_DELETE)? {
            Verb::Get => message(ask, id),
            Verb::Delete | Verb::Post | Verb::Put => delete(ask, id),
        },
        [id, "markasread"] => mark(ask, id, true),
        [id, "markasunread"] => mark(ask, id, false),
        _ => Err(Fault::UnknownResource),
    }
}

fn list(ask: &UserAsk<'_>) -> Element {
    let messages = ask
        .user
        .voice_messages
        .iter()
        .map(|message| info(ask, message));
    Element::xsi("VoiceMessagingMessages").with(Element::new("messageInfoList").with_all(messages))
}

fn info(ask: &UserAsk<'_>, message: &VoiceMessage) -> Element {
    let caller = Element::new("callingPartyInfo");
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let caller = match text(&message.address) {
        Some(address) => caller
            .with_some("name", text(&message.name).as_deref())
            .with_some("userId", message.user_id.as_deref())
            .with_leaf("address", address),
        // The caller hid.
        None => caller.with(Element::new("privacy")),
    };
    let info = Element::new("messageInfo")
        .with_leaf("duration", message.duration.to_string())
        .with(caller);
    let info = if message.read {
        info.with(Element::new("read"))
    } else {
        info
    };
    info.with_leaf("time", message.time.to_string()).with_leaf(
        "messageId",
        ask.uri(&format!("VoiceMessagingMessages/{}", message.id)),
    )
}

/// The children of `messageMediaContent` are addressed by position: description, type, content.
fn message(ask: &UserAsk<'_>, id: &str) -> Outcome {
    let message = ask
        .user
        .voice_messages
        .iter()
        .find(|message| message.id == id);
    let message = message.ok_or_else(|| not_found(id))?;
    let media = Element::new("messageMediaContent")
        .with_leaf("description", message.duration.to_string())
        .with_leaf("mediaType", "WAV")
        .with_leaf("content", &message.content);
    Ok(Answer::document(
        Element::xsi("VoiceMessage")
            .with(info(ask, message))
            .with(media),
    ))
}

fn delete(ask: &UserAsk<'_>, id: &str) -> Outcome {
    ask.change(|user| {
        let before = user.voice_messages.len();
        user.voice_messages.retain(|message| message.id != id);
        if user.voice_messages.len() < before {
            Ok(Answer::done())
        } else {
            Err(not_found(id))
        }
    })
}

fn mark(ask: &UserAsk<'_>, id: &str, read: bool) -> Outcome {
    ask.only(PUT)?;
    ask.change(|user| {
        let message = user
            .voice_messages
            .iter_mut()
            .find(|message| message.id == id);
        message.ok_or_else(|| not_found(id))?.read = read;
        Ok(Answer::done())
    })
}

fn mark_all(ask: &UserAsk<'_>, read: bool) -> Outcome {
    ask.only(PUT)?;
    ask.change(|user| {
        for message in &mut user.voice_messages {
            message.read = read;
        }
        Ok(Answer::done())
    })
}

fn not_found(id: &str) -> Fault {
    Fault::NotFound("Voice message", id.to_owned())
}
