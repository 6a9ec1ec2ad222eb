//! The event service of the Application Server: which channels stand, who is to be told what, and
//! which events still wait for an acknowledgement.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use crate::domain::machine::Machine;
use crate::domain::machine::Now;
use crate::lab::broadworks::events::command::Action;
use crate::lab::broadworks::events::command::Ask;
use crate::lab::broadworks::events::command::ChannelKind;
use crate::lab::broadworks::events::command::Input;
use crate::lab::broadworks::events::command::Owner;
use crate::lab::broadworks::events::command::Refusal;
use crate::lab::broadworks::events::command::Reply;
use crate::lab::broadworks::events::command::Target;
use crate::lab::broadworks::events::envelope::Heading;
use crate::lab::broadworks::events::envelope::Saying;
use crate::lab::broadworks::events::ids::ChannelId;
use crate::lab::broadworks::events::ids::EventId;
use crate::lab::broadworks::events::ids::Ids;
use crate::lab::broadworks::events::ids::SubscriptionId;
use crate::lab::broadworks::events::package::Packages;
use crate::lab::broadworks::events::settings::Settings;
use crate::lab::broadworks::xsp::Xsp;

/// A channel set: its owner and the id that the client chose. Clients of different users choose
/// the same one (seen), so the owner is part of it.
pub(super) type SetKey = (Owner, String);

/// The event service.
#[derive(Debug)]
pub struct Events {
    pub(super) settings: Settings,
    pub(super) ids: Ids,
    pub(super) sets: BTreeMap<SetKey, ChannelSet>,
    pub(super) channels: BTreeMap<ChannelId, Channel>,
    pub(super) subscriptions: BTreeMap<SubscriptionId, Subscription>,
    pub(super) by_target: BTreeMap<Target, BTreeSet<SubscriptionId>>,
    /// In the order in which they came up.
    pub(super) outstanding: BTreeMap<u64, Outstanding>,
    pub(super) by_event: BTreeMap<EventId, u64>,
    pub(super) next_serial: u64,
    actions: VecDeque<Action>,
}

/// A set of channels.
#[derive(Debug, Default)]
pub(super) struct ChannelSet {
    pub(super) channels: BTreeSet<ChannelId>,
    pub(super) application: Option<String>,
    /// No channel acknowledges: the end of all of them.
    pub(super) grace: Option<Instant>,
    /// Without channels: the end of its subscriptions.
    pub(super) forgotten: Option<Instant>,
    /// Events of it that are outstanding.
    pub(super) outstanding: usize,
}

/// A channel.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) set: SetKey,
    pub(super) at: Xsp,
    pub(super) kind: ChannelKind,
    pub(super) priority: u32,
    pub(super) weight: u32,
    pub(super) application: Option<String>,
    /// `None` for ever.
    pub(super) expires: Option<Instant>,
    /// Its last heartbeat, or its beginning.
    pub(super) beat: Instant,
    /// For taking turns by weight.
    pub(super) credit: i64,
}

/// A subscription.
#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) heading: Arc<Heading>,
    pub(super) target: Target,
    pub(super) packages: Packages,
    pub(super) list: bool,
    pub(super) route: Route,
    /// `None` for ever.
    pub(super) expires: Option<Instant>,
    /// The last one given.
    pub(super) sequence: u32,
}

/// Where events go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    Contact(String),
    Set(SetKey),
}

/// An event that the client has not acknowledged.
#[derive(Debug)]
pub(super) struct Outstanding {
    pub(super) heading: Arc<Heading>,
    pub(super) saying: Saying,
    pub(super) route: Route,
    pub(super) stage: Stage,
    /// Channels that did not bring it home.
    pub(super) tried: BTreeSet<ChannelId>,
    /// XSPs that know it.
    pub(super) known_at: BTreeSet<Xsp>,
    /// Attempts with an HTTP contact that are left.
    pub(super) attempts: u32,
}

/// Where an outstanding event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Written on a channel.
    Delivered { channel: ChannelId, until: Instant },
    /// Every channel of the set was tried.
    Exhausted,
    /// An HTTP contact did not take it.
    Paused(Instant),
    /// Sent to an HTTP contact.
    Posting,
    /// There is no channel, or another event is with the HTTP contact.
    Waiting,
}

impl Machine for Events {
    type Input = Input;
    type Action = Action;

    fn handle(&mut self, input: Input, now: Now) {
        let now = now.mono;
        match input {
            Input::Asked { by, ask } => {
                let reply = self.carry_out(&by, ask, now);
                self.push(Action::Reply(reply));
            }
            Input::Configure(settings) => self.settings = settings,
            Input::Lost(channel) => self.remove(&[channel], now),
            Input::Occurred(occurrence) => self.occurred(&occurrence, now),
            Input::Posted { event, taken } => self.posted(event, taken, now),
            Input::Terminate(subscription) => {
                self.terminate_subscription(subscription, now);
            }
            Input::UserDeleted(user) => self.user_deleted(&user, now),
        }
    }

    fn handle_timeout(&mut self, now: Now) {
        self.run_due(now.mono);
    }

    fn deadline(&self) -> Option<Instant> {
        self.next_due()
    }

    fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn check_invariants(&self) {
        self.check();
    }
}

impl Events {
    /// Without channels. Runs of one seed and the same inputs are equal.
    #[must_use]
    pub fn new(settings: Settings, seed: u64) -> Self {
        Self {
            settings,
            ids: Ids::new(seed),
            sets: BTreeMap::new(),
            channels: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            by_target: BTreeMap::new(),
            outstanding: BTreeMap::new(),
            by_event: BTreeMap::new(),
            next_serial: 0,
            actions: VecDeque::new(),
        }
    }

    /// The times in force.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Events that wait for an acknowledgement, a channel or an HTTP contact.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.outstanding.len()
    }

    pub(super) fn push(&mut self, action: Action) {
        self.actions.push_back(action);
    }

    fn carry_out(&mut self, by: &Owner, ask: Ask, now: Instant) -> Result<Reply, Refusal> {
        match ask {
            Ask::Beat { channel, at } => self.beat(by, channel, at, now),
            Ask::ChannelSet(set) => self.channel_set(by, set, now),
            Ask::Close(channel) => self.close(by, channel, now),
            Ask::Open(open) => self.open(by, open, now),
            Ask::ProlongChannel(channel, expires) => {
                self.prolong_channel(by, channel, expires, now)
            }
            Ask::ProlongSubscription {
                subscription,
                expires,
                state,
                any,
            } => {
                let by = Some(by).filter(|_| !any);
                self.prolong_subscription(by, subscription, expires, state, now)
            }
            Ask::Respond { event, status, at } => self.respond(by, event, status, at, now),
            Ask::Subscribe(subscribe) => self.subscribe(by, *subscribe, now),
            Ask::Unsubscribe { subscription, any } => {
                let by = Some(by).filter(|_| !any);
                self.known(by, subscription)?;
                self.terminate_subscription(subscription, now);
                Ok(Reply::Done)
            }
        }
    }

    fn user_deleted(&mut self, user: &str, now: Instant) {
        let owner = Owner::User(user.to_owned());
        self.end_channels_of(&owner, now);
        let mut own = Vec::new();
        let mut about = Vec::new();
        for (id, held) in &self.subscriptions {
            if held.heading.owner == owner {
                own.push(*id);
            } else if matches!(&held.target, Target::User { user: target, .. } if target == user) {
                about.push(*id);
            }
        }
        for id in own {
            self.discard_subscription(id);
        }
        for id in about {
            self.terminate_subscription(id, now);
        }
    }
}
