//! System channels and subscriptions of client applications (specification 4.6.2.10, 4.6.3.6).
//!
//! A real XSP knows the application by its certificate. The lab's XSPs have no TLS, so that its
//! administrator acts for the application named in `clientId`; and as nothing is published about
//! the way of the events, they are written nowhere.

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::events::command::Ask as EventAsk;
use crate::lab::broadworks::events::command::ChannelKind;
use crate::lab::broadworks::events::command::Open;
use crate::lab::broadworks::events::command::Owner;
use crate::lab::broadworks::events::command::Reply;
use crate::lab::broadworks::events::command::Target;
use crate::lab::broadworks::events::settings::NEVER;
use crate::lab::broadworks::xsi::answer::Answer;
use crate::lab::broadworks::xsi::events::EventRequest;
use crate::lab::broadworks::xsi::events::read;
use crate::lab::broadworks::xsi::events::render;
use crate::lab::broadworks::xsi::events::subscription;
use crate::lab::broadworks::xsi::fault::Fault;
use crate::lab::broadworks::xsi::route::DELETE;
use crate::lab::broadworks::xsi::route::GET;
use crate::lab::broadworks::xsi::route::GET_DELETE;
use crate::lab::broadworks::xsi::route::Outcome;
use crate::lab::broadworks::xsi::route::POST;
use crate::lab::broadworks::xsi::route::Verb;
use crate::lab::broadworks::xsi::route::only;

/// The name in Webex's client certificate, which every such BroadWorks knows.
const WEBEX: &str = "bwcticlient.webex.com";

pub(super) fn answer(request: &EventRequest<'_>, parts: &[&str]) -> Outcome {
    if !request.by_administrator {
        return Err(Fault::NotAllowed);
    }
    let acting = EventRequest {
        lab: request.lab,
        xsp: request.xsp,
        ask: request.ask,
        owner: application(request)?,
        by_administrator: false,
    };
    match parts {
        ["systemchannel"] => open(&acting),
        ["systemchannel", _] => {
            only(acting.ask, DELETE)?;
            acting.carry_out(EventAsk::Close(acting.channel()?))?;
            Ok(Answer::done())
        }
        ["systemchannelset", _] => set(&acting),
        ["systemsubscription"] => create(&acting),
        ["systemsubscription", _] => match only(acting.ask, GET_DELETE)? {
            Verb::Get => {
                let view = subscription::view(&acting)?;
                Ok(Answer::document(render::subscription(&view)))
            }
            Verb::Delete | Verb::Post | Verb::Put => subscription::delete(&acting),
        },
        _ => Err(Fault::UnknownResource),
    }
}

/// The application; the first that BroadWorks knows when none is named.
fn application(request: &EventRequest<'_>) -> Result<Owner, Fault> {
    let directory = request.lab.store.read();
    let known = &directory.provisioning.client_identities;
    let id = match request.ask.query.first("clientId") {
        Some(id) if id == WEBEX || known.contains(id) => id,
        Some(_) => return Err(Fault::Parameter("clientId")),
        None => known.first().map_or(WEBEX, String::as_str),
    };
    Ok(Owner::Client(id.to_owned()))
}

fn open(request: &EventRequest<'_>) -> Outcome {
    only(request.ask, POST)?;
    let document = request.ask.document("SystemChannel")?;
    let set = read::id(&document, "channelSetId")?;
    let set = set.ok_or(Fault::Parameter("channelSetId"))?;
    let (priority, weight) = (
        read::number(&document, "priority", 1)?,
        read::number(&document, "weight", 50)?,
    );
    let reply = request.carry_out(EventAsk::Open(Open {
        set: set.clone(),
        priority,
        weight,
        expires: NEVER,
        application: None,
        at: request.xsp,
        kind: ChannelKind::Feed,
    }))?;
    match reply {
        Reply::Opened { channel, .. } => Ok(Answer::document(
            Element::xsi("SystemChannel")
                .with_leaf("channelId", channel.to_string())
                .with_leaf("channelSetId", set)
                .with_leaf("priority", priority.to_string())
                .with_leaf("weight", weight.to_string()),
        )),
        Reply::Channels(_) | Reply::Done | Reply::Prolonged(_) | Reply::Subscribed { .. } => {
            Err(Fault::Internal)
        }
    }
}

fn set(request: &EventRequest<'_>) -> Outcome {
    only(request.ask, GET)?;
    let id = request.part(1).to_owned();
    match request.carry_out(EventAsk::ChannelSet(id))? {
        Reply::Channels(channels) => {
            Ok(Answer::document(render::set("SystemChannelSet", &channels)))
        }
        Reply::Done | Reply::Opened { .. } | Reply::Prolonged(_) | Reply::Subscribed { .. } => {
            Err(Fault::Internal)
        }
    }
}

/// The target stands in the query, or in the document.
fn create(request: &EventRequest<'_>) -> Outcome {
    only(request.ask, POST)?;
    let document = request.ask.document("Subscription")?;
    let directory = request.lab.store.read();
    let said = |name: &str| {
        let query = request.ask.query.first(name);
        query
            .or_else(|| document.child_text(name))
            .map(str::to_owned)
    };
    let target = || said("targetId").ok_or(Fault::Parameter("targetId"));
    let target = match said("targetIdType").as_deref().unwrap_or("User") {
        "User" => {
            let id = target()?;
            let user = directory.user(&id).ok_or(Fault::UserNotFound(id))?;
            Target::User {
                user: user.id.clone(),
                sub: None,
            }
        }
        "Group" => Target::Group {
            provider: said("targetGrpParentId").ok_or(Fault::Parameter("targetGrpParentId"))?,
            group: target()?,
        },
        "ServiceProvider" => Target::Provider(target()?),
        "System" => Target::System,
        _ => return Err(Fault::Parameter("targetIdType")),
    };
    subscription::known(&directory, &target)?;
    let mut subscribe = subscription::subscribe(&directory, &document, target)?;
    subscribe.expires = NEVER;
    let lab = request.lab;
    let reply = lab.calls.read(|calls| {
        let directory = || lab.store.read();
        lab.events
            .subscribe(calls, &directory, &request.owner, subscribe)
    });
    subscription::subscribed(reply.map_err(|refusal| request.fault(refusal))?)
}
