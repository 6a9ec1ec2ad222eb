//! Events for a client application that is subscribed to everybody, as Webex is over CTI: what an
//! endpoint of another protocol sends on.

use std::sync::Arc;

use bytes::Bytes;

use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::events::command::Ask;
use crate::lab::broadworks::events::command::ChannelKind;
use crate::lab::broadworks::events::command::Destination;
use crate::lab::broadworks::events::command::Open;
use crate::lab::broadworks::events::command::Owner;
use crate::lab::broadworks::events::command::Subscribe;
use crate::lab::broadworks::events::command::Target;
use crate::lab::broadworks::events::ids::ChannelId;
use crate::lab::broadworks::events::package::Package;
use crate::lab::broadworks::events::package::Packages;
use crate::lab::broadworks::events::settings::NEVER;
use crate::lab::broadworks::events::stream::ChannelBody;
use crate::lab::broadworks::xsp::Xsp;

/// The application id of feeds, as in a captured delivery.
const APPLICATION: &str = "appId";

/// The event documents for one client application. Its channel ends with it.
#[derive(Debug)]
pub struct EventFeed {
    body: ChannelBody,
}

impl EventFeed {
    /// The next document; `None` when the lab ends, or when the reader was so slow that more than
    /// 256 documents waited.
    pub async fn next(&mut self) -> Option<Bytes> {
        self.body.next().await
    }

    /// The channel, as it stands in the documents.
    #[must_use]
    pub const fn channel(&self) -> ChannelId {
        self.body.channel()
    }
}

impl BroadWorks {
    /// Subscribes a client application, by the name in its certificate, to the calls and the call
    /// history of all users. No acknowledgement is waited for. `None` when the lab has no room
    /// for another channel or is ending.
    #[must_use]
    pub fn event_feed(self: &Arc<Self>, client_identity: &str) -> Option<EventFeed> {
        let owner = Owner::Client(client_identity.to_owned());
        let set = format!("feed-{}", self.events.fresh_id());
        let open = Open {
            set: set.clone(),
            priority: 1,
            weight: 50,
            expires: NEVER,
            application: None,
            at: Xsp::First,
            kind: ChannelKind::Feed,
        };
        let body = self.events.open(&owner, open).ok()?;
        let subscribe = Subscribe {
            target: Target::System,
            packages: Packages::of(Package::STANDARD_CALL).and(Package::CALL_HISTORY),
            list: false,
            application: Some(APPLICATION.to_owned()),
            shared: None,
            // Each connection of a client gets everything.
            replaces: false,
            route: Destination::ChannelSet(set),
            expires: NEVER,
            state: Vec::new(),
        };
        let asked = self.events.ask(&owner, Ask::Subscribe(Box::new(subscribe)));
        asked.is_ok().then_some(EventFeed { body })
    }
}
