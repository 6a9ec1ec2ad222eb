//! Xsi-Events: channels, subscriptions, acknowledgements (field page 1.1 and 2.1). Paths have no
//! case; the streaming prefix is needed to open a channel and tolerated where clients send it.

mod channel;
mod read;
mod render;
mod subscription;
mod system;

use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::events::command::Ask as EventAsk;
use crate::lab::broadworks::events::command::Owner;
use crate::lab::broadworks::events::command::Refusal;
use crate::lab::broadworks::events::command::Reply;
use crate::lab::broadworks::events::ids::ChannelId;
use crate::lab::broadworks::events::ids::SubscriptionId;
use crate::lab::broadworks::xsi::answer::Answer;
use crate::lab::broadworks::xsi::ask::Ask;
use crate::lab::broadworks::xsi::credentials::Caller;
use crate::lab::broadworks::xsi::fault::Fault;
use crate::lab::broadworks::xsi::route::GET;
use crate::lab::broadworks::xsi::route::Outcome;
use crate::lab::broadworks::xsi::route::only;
use crate::lab::broadworks::xsi::versions;
use crate::lab::broadworks::xsp::Xsp;

/// A request about events by somebody who proved who they are.
struct EventRequest<'a> {
    lab: &'a BroadWorks,
    xsp: Xsp,
    ask: &'a Ask,
    owner: Owner,
    by_administrator: bool,
}

pub(super) fn answer(
    (lab, xsp): (&BroadWorks, Xsp),
    ask: &Ask,
    caller: &Caller,
    parts: &[&str],
) -> Outcome {
    let (id, by_administrator) = match caller {
        Caller::Administrator(id) => (id, true),
        Caller::User(id) => (id, false),
    };
    let request = EventRequest {
        lab,
        xsp,
        ask,
        owner: Owner::User(id.clone()),
        by_administrator,
    };
    // The prefix selects the streaming part of the XSP, which knows channels only.
    if ask.streams && parts.first() != Some(&"channel") {
        return Err(Fault::UnknownResource);
    }
    match parts {
        ["versions"] => only(ask, GET).map(|_| Answer::document(versions::events())),
        ["channel", rest @ ..] => channel::answer(&request, rest),
        ["channelset", _] => channel::set(&request),
        [
            "systemchannel" | "systemchannelset" | "systemsubscription",
            ..,
        ] => system::answer(&request, parts),
        ["subscription", rest @ ..] => subscription::answer(&request, rest),
        [
            "user" | "group" | "serviceprovider" | "enterprise" | "system",
            ..,
        ] => subscription::create(&request, parts),
        _ => Err(Fault::UnknownResource),
    }
}

impl EventRequest<'_> {
    /// A part of the path as the client wrote it.
    fn part(&self, at: usize) -> &str {
        self.ask
            .path
            .get(at)
            .map(String::as_str)
            .unwrap_or_default()
    }

    /// The channel in the path; what is no id is no channel.
    fn channel(&self) -> Result<ChannelId, Fault> {
        let id = self.part(1);
        ChannelId::parse(id).ok_or_else(|| unknown_channel(id))
    }

    /// The subscription in the path. All that fails with one is 403 (specification 4.6.2.6).
    fn subscription(&self) -> Result<SubscriptionId, Fault> {
        SubscriptionId::parse(self.part(1)).ok_or(Fault::NotAllowed)
    }

    fn carry_out(&self, ask: EventAsk) -> Result<Reply, Fault> {
        self.lab
            .events
            .ask(&self.owner, ask)
            .map_err(|refusal| self.fault(refusal))
    }

    fn fault(&self, refusal: Refusal) -> Fault {
        match refusal {
            Refusal::Full(what) => Fault::Full(what),
            Refusal::NoChannel => Fault::NotFound("Channel set", "no live channel".to_owned()),
            Refusal::UnknownChannel => unknown_channel(self.part(1)),
            Refusal::UnknownEvent => Fault::NotFound("Event", "unknown here".to_owned()),
            Refusal::UnknownSubscription => Fault::NotAllowed,
        }
    }
}

fn unknown_channel(id: &str) -> Fault {
    Fault::NotFound("Channel", id.chars().take(80).collect())
}
