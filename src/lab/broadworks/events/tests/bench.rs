//! A machine, a clock, and everything that the machine wanted done.

use std::time::Duration;
use std::time::UNIX_EPOCH;

use crate::domain::machine::Machine;
use crate::domain::machine::Now;
use crate::lab::broadworks::events::Events;
use crate::lab::broadworks::events::command::Action;
use crate::lab::broadworks::events::command::Ask;
use crate::lab::broadworks::events::command::ChannelEnd;
use crate::lab::broadworks::events::command::ChannelKind;
use crate::lab::broadworks::events::command::Destination;
use crate::lab::broadworks::events::command::DropReason;
use crate::lab::broadworks::events::command::Input;
use crate::lab::broadworks::events::command::Occurrence;
use crate::lab::broadworks::events::command::Open;
use crate::lab::broadworks::events::command::Owner;
use crate::lab::broadworks::events::command::Piece;
use crate::lab::broadworks::events::command::Refusal;
use crate::lab::broadworks::events::command::Reply;
use crate::lab::broadworks::events::command::Status;
use crate::lab::broadworks::events::command::Subscribe;
use crate::lab::broadworks::events::command::Target;
use crate::lab::broadworks::events::envelope::EventData;
use crate::lab::broadworks::events::ids::ChannelId;
use crate::lab::broadworks::events::ids::EventId;
use crate::lab::broadworks::events::ids::SubscriptionId;
use crate::lab::broadworks::events::package::Package;
use crate::lab::broadworks::events::package::Packages;
use crate::lab::broadworks::events::settings::Settings;
use crate::lab::broadworks::xsp::Xsp;
use crate::platform::clock;

pub(super) struct Bench {
    pub(super) events: Events,
    pub(super) now: Now,
    pub(super) actions: Vec<Action>,
}

/// An event on a channel: which channel, which event, its sequence number.
pub(super) type Seen = (ChannelId, EventId, u32);

impl Bench {
    pub(super) fn new() -> Self {
        Self::seeded(7)
    }

    pub(super) fn seeded(seed: u64) -> Self {
        Self {
            events: Events::new(Settings::default(), seed),
            now: Now {
                mono: clock::mono(),
                wall: UNIX_EPOCH + Duration::from_secs(1_800_000_000),
            },
            actions: Vec::new(),
        }
    }

    pub(super) fn set(&mut self, change: impl FnOnce(&mut Settings)) {
        let mut settings = *self.events.settings();
        change(&mut settings);
        self.put(Input::Configure(settings));
    }

    pub(super) fn put(&mut self, input: Input) {
        self.events.handle(input, self.now);
        self.drain();
    }

    fn drain(&mut self) {
        self.events.check_invariants();
        while let Some(action) = self.events.poll_action() {
            self.actions.push(action);
        }
    }

    pub(super) fn ask(&mut self, by: &Owner, ask: Ask) -> Result<Reply, Refusal> {
        let before = self.actions.len();
        self.put(Input::Asked {
            by: by.clone(),
            ask,
        });
        let mut replies = Vec::new();
        let new = self.actions.split_off(before);
        for action in new {
            match action {
                Action::Reply(reply) => replies.push(reply),
                action => self.actions.push(action),
            }
        }
        assert_eq!(replies.len(), 1, "one answer to each ask");
        replies.remove(0)
    }

    pub(super) fn done(&mut self, by: &Owner, ask: Ask) {
        let said = format!("{ask:?}");
        assert_eq!(self.ask(by, ask), Ok(Reply::Done), "{said}");
    }

    /// A channel over HTTP.
    pub(super) fn open(&mut self, by: &Owner, set: &str, at: Xsp, priority: u32) -> ChannelId {
        self.opened(by, channel(set, at, priority)).0
    }

    pub(super) fn opened(&mut self, by: &Owner, open: Open) -> (ChannelId, u32) {
        match self.ask(by, Ask::Open(open)) {
            Ok(Reply::Opened { channel, expires }) => (channel, expires),
            other => panic!("no channel: {other:?}"),
        }
    }

    pub(super) fn subscribe(&mut self, by: &Owner, subscribe: Subscribe) -> SubscriptionId {
        match self.ask(by, Ask::Subscribe(Box::new(subscribe))) {
            Ok(Reply::Subscribed { subscription, .. }) => subscription,
            other => panic!("no subscription: {other:?}"),
        }
    }

    pub(super) fn respond(
        &mut self,
        by: &Owner,
        event: EventId,
        status: Status,
        at: Xsp,
    ) -> Result<Reply, Refusal> {
        self.ask(by, Ask::Respond { event, status, at })
    }

    pub(super) fn beat(&mut self, by: &Owner, channel: ChannelId, at: Xsp) {
        self.done(by, Ask::Beat { channel, at });
    }

    /// Something happens to a user of the group `sales` of `acme`.
    pub(super) fn happens(&mut self, name: &str) {
        self.put(Input::Occurred(Occurrence {
            provider: "acme".to_owned(),
            group: "sales".to_owned(),
            user: id(name),
            told: vec![(Packages::CALLS, hook())],
        }));
    }

    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now.mono + time;
        while let Some(at) = self.events.deadline().filter(|at| *at <= end) {
            self.advance(at.saturating_duration_since(self.now.mono));
            self.events.handle_timeout(self.now);
            self.drain();
        }
        self.advance(end - self.now.mono);
    }

    fn advance(&mut self, step: Duration) {
        self.now.mono += step;
        self.now.wall += step;
    }

    /// Lets time pass with heartbeats on these channels.
    pub(super) fn pass_with(&mut self, time: Duration, alive: &[(&Owner, ChannelId, Xsp)]) {
        let end = self.now.mono + time;
        while self.now.mono < end {
            let step = Duration::from_secs(15).min(end - self.now.mono);
            self.pass(step);
            for (by, channel, at) in alive {
                self.beat(by, *channel, *at);
            }
        }
    }

    /// The events written since the last time, and forgets everything.
    pub(super) fn seen(&mut self) -> Vec<Seen> {
        let actions = std::mem::take(&mut self.actions);
        let seen = actions.into_iter().filter_map(|action| match action {
            Action::Write {
                channel,
                what: Piece::Event(event),
                document,
            } => {
                let text = String::from_utf8(document.to_vec()).unwrap();
                assert_eq!(between(&text, "eventID"), event.to_string());
                assert_eq!(between(&text, "channelId"), channel.to_string());
                Some((
                    channel,
                    event,
                    between(&text, "sequenceNumber").parse().unwrap(),
                ))
            }
            _ => None,
        });
        seen.collect()
    }

    /// The one event written since the last time.
    pub(super) fn one(&mut self) -> Seen {
        let seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen[0]
    }

    /// The texts of what was written since the last time.
    pub(super) fn texts(&mut self) -> Vec<String> {
        let actions = std::mem::take(&mut self.actions);
        let texts = actions.into_iter().filter_map(|action| match action {
            Action::Post { document, .. } | Action::Write { document, .. } => {
                Some(String::from_utf8(document.to_vec()).unwrap())
            }
            _ => None,
        });
        texts.collect()
    }

    /// Channels that ended since the last time, and how; `None` for those cut.
    pub(super) fn ended(&mut self) -> Vec<(ChannelId, Option<ChannelEnd>)> {
        let ended = self.actions.iter().filter_map(|action| match action {
            Action::Cut(channel) => Some((*channel, None)),
            Action::Write {
                channel,
                what: Piece::Terminated(end),
                ..
            } => Some((*channel, Some(*end))),
            _ => None,
        });
        ended.collect()
    }

    pub(super) fn dropped(&self) -> Vec<DropReason> {
        let dropped = self.actions.iter().filter_map(|action| match action {
            Action::Dropped { reason, .. } => Some(*reason),
            _ => None,
        });
        dropped.collect()
    }
}

pub(super) fn id(name: &str) -> String {
    format!("{name}@as.example.net")
}

pub(super) fn user(name: &str) -> Owner {
    Owner::User(id(name))
}

pub(super) fn channel(set: &str, at: Xsp, priority: u32) -> Open {
    Open {
        set: set.to_owned(),
        priority,
        weight: 50,
        expires: 3600,
        application: None,
        at,
        kind: ChannelKind::Stream,
    }
}

/// Standard Call of somebody, to a set.
pub(super) fn watch(target: Target, set: &str) -> Subscribe {
    Subscribe {
        target,
        packages: Packages::of(Package::STANDARD_CALL),
        list: false,
        application: Some("app".to_owned()),
        shared: None,
        replaces: true,
        route: Destination::ChannelSet(set.to_owned()),
        expires: 86_400,
        state: Vec::new(),
    }
}

pub(super) fn about(name: &str) -> Target {
    Target::User {
        user: id(name),
        sub: None,
    }
}

pub(super) fn hook() -> EventData {
    EventData::new("HookStatusEvent", |markup| {
        markup.leaf("hookStatus", "Off-Hook");
    })
}

/// The text of the first element of a name.
pub(super) fn between<'a>(text: &'a str, name: &str) -> &'a str {
    let start = format!("<xsi:{name}>");
    let (_, rest) = text
        .split_once(&start)
        .unwrap_or_else(|| panic!("no {name}: {text}"));
    rest.split('<').next().unwrap_or_default()
}
