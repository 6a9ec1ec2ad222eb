//! Channels: opened with an answer that does not end, prolonged, held alive, deleted; and the
//! acknowledgement of events (specification 4.6.3).

use crate::lab::broadworks::events::command::Ask as EventAsk;
use crate::lab::broadworks::events::command::ChannelKind;
use crate::lab::broadworks::events::command::Open;
use crate::lab::broadworks::events::command::Reply;
use crate::lab::broadworks::events::command::Status;
use crate::lab::broadworks::events::ids::EventId;
use crate::lab::broadworks::xsi::answer::Answer;
use crate::lab::broadworks::xsi::events::EventRequest;
use crate::lab::broadworks::xsi::events::read;
use crate::lab::broadworks::xsi::events::render;
use crate::lab::broadworks::xsi::fault::Fault;
use crate::lab::broadworks::xsi::route::GET;
use crate::lab::broadworks::xsi::route::Outcome;
use crate::lab::broadworks::xsi::route::POST;
use crate::lab::broadworks::xsi::route::PUT;
use crate::lab::broadworks::xsi::route::PUT_DELETE;
use crate::lab::broadworks::xsi::route::Verb;
use crate::lab::broadworks::xsi::route::only;

/// Defaults of the schema.
const PRIORITY: u32 = 1;
const WEIGHT: u32 = 50;

pub(super) fn answer(request: &EventRequest<'_>, rest: &[&str]) -> Outcome {
    match rest {
        [] if request.ask.streams => open(request),
        ["eventresponse"] => respond(request),
        [_] => match only(request.ask, PUT_DELETE)? {
            Verb::Delete => {
                request.carry_out(EventAsk::Close(request.channel()?))?;
                Ok(Answer::done())
            }
            Verb::Get | Verb::Post | Verb::Put => prolong(request),
        },
        [_, "heartbeat"] => {
            only(request.ask, PUT)?;
            request.carry_out(EventAsk::Beat {
                channel: request.channel()?,
                at: request.xsp,
            })?;
            Ok(Answer::done())
        }
        _ => Err(Fault::UnknownResource),
    }
}

fn open(request: &EventRequest<'_>) -> Outcome {
    only(request.ask, POST)?;
    if request.lab.events.redirects(request.xsp)
        && let Some(address) = request.lab.xsps.of(request.xsp.other()).address()
    {
        let path = "/com.broadsoft.async/com.broadsoft.xsi-events/v2.0/channel";
        return Ok(Answer::elsewhere(format!("http://{address}{path}")));
    }
    let document = request.ask.document("Channel")?;
    let set = read::id(&document, "channelSetId")?;
    let open = Open {
        set: set.ok_or(Fault::Parameter("channelSetId"))?,
        priority: read::number(&document, "priority", PRIORITY)?,
        weight: read::number(&document, "weight", WEIGHT)?,
        expires: read::expires(&document)?,
        application: read::id(&document, "applicationId")?,
        at: request.xsp,
        kind: ChannelKind::Stream,
    };
    let opened = request.lab.events.open(&request.owner, open);
    let body = opened.map_err(|refusal| request.fault(refusal))?;
    Ok(Answer::stream(body))
}

fn prolong(request: &EventRequest<'_>) -> Outcome {
    let document = request.ask.document("Channel")?;
    let (channel, expires) = (request.channel()?, read::expires(&document)?);
    match request.carry_out(EventAsk::ProlongChannel(channel, expires))? {
        Reply::Prolonged(granted) => Ok(Answer::document(render::channel(channel, granted))),
        Reply::Channels(_) | Reply::Done | Reply::Opened { .. } | Reply::Subscribed { .. } => {
            Err(Fault::Internal)
        }
    }
}

fn respond(request: &EventRequest<'_>) -> Outcome {
    only(request.ask, POST)?;
    let document = request.ask.document("EventResponse")?;
    let event = document.child_text("eventID").unwrap_or_default();
    let event = EventId::parse(event);
    let event = event.ok_or_else(|| Fault::NotFound("Event", "no event id".to_owned()))?;
    let code = document.child_text("statusCode").unwrap_or_default();
    let status = code.trim().parse().ok().and_then(Status::of);
    request.carry_out(EventAsk::Respond {
        event,
        status: status.ok_or(Fault::Parameter("statusCode"))?,
        at: request.xsp,
    })?;
    Ok(Answer::done())
}

/// The channels of a set.
pub(super) fn set(request: &EventRequest<'_>) -> Outcome {
    only(request.ask, GET)?;
    let id = request.part(1).to_owned();
    match request.carry_out(EventAsk::ChannelSet(id))? {
        Reply::Channels(channels) => Ok(Answer::document(render::set("ChannelSet", &channels))),
        Reply::Done | Reply::Opened { .. } | Reply::Prolonged(_) | Reply::Subscribed { .. } => {
            Err(Fault::Internal)
        }
    }
}
