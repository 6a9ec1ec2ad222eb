//! Our own channels, our own subscriptions and the board as one machine: what one of them wants
//! from another never leaves it, what needs the network does.

use std::collections::BTreeSet;
use std::collections::HashSet;
use std::collections::VecDeque;
use std::time::Instant;

use crate::domain::blf::board;
use crate::domain::blf::board::Board;
use crate::domain::blf::board::LineEvent;
use crate::domain::blf::board::SourceId;
use crate::domain::events::channel;
use crate::domain::events::channel::Attempt;
use crate::domain::events::channel::Change;
use crate::domain::events::channel::ChannelSet;
use crate::domain::events::channel::Happening;
use crate::domain::events::channel::Standing;
use crate::domain::events::document::Document;
use crate::domain::events::document::EventData;
use crate::domain::events::document::SubscriptionEvent;
use crate::domain::events::ids::UserId;
use crate::domain::events::subscriptions;
use crate::domain::events::subscriptions::Fault;
use crate::domain::events::subscriptions::Subscriptions;
use crate::domain::events::subscriptions::Target;
use crate::domain::machine::Machine;
use crate::domain::machine::Now;

/// The rules of all three.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Of the channels.
    pub channels: channel::Rules,
    /// Of the subscriptions.
    pub subscriptions: subscriptions::Rules,
    /// Of the board.
    pub board: board::Rules,
    /// Lines that are subscribed to; those beyond stay unknown.
    pub lines: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            channels: channel::Rules::default(),
            subscriptions: subscriptions::Rules::default(),
            board: board::Rules::default(),
            lines: usize::MAX,
        }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// To the board: watchers, lists, readings, tapped streams.
    Board(board::Input),
    /// To the channels; a document of a stream comes as [`Input::Document`].
    Channel(channel::Input),
    /// A document came on a stream of ours.
    Document(Attempt, Document),
    /// The result of a request about a subscription.
    Subscription(subscriptions::Input),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The board's: lists, readings, notices, lamps.
    Board(board::Action),
    /// A line is wanted beyond [`Rules::lines`].
    Full,
    /// The channels': streams, heartbeats, acknowledgements, alarms.
    Channel(channel::Action),
    /// The subscriptions': create, update, delete; a refusal is told, too.
    Subscription(subscriptions::Action),
}

/// The machine.
#[derive(Debug, Clone)]
pub struct Tracker {
    channels: ChannelSet,
    subscriptions: Subscriptions,
    board: Board,
    lines: usize,
    tracked: HashSet<UserId>,
    /// Wanted beyond the limit; the next free place is theirs.
    untracked: BTreeSet<UserId>,
    actions: VecDeque<Action>,
}

impl Tracker {
    /// With a channel at each of `xsps` XSPs; 0 for passive mode, where only tapped streams speak.
    #[must_use]
    pub fn new(rules: Rules, xsps: u16, seed: u64, now: Now) -> Self {
        Self {
            channels: ChannelSet::new(rules.channels, xsps, seed, now),
            subscriptions: Subscriptions::new(rules.subscriptions, seed, now),
            board: Board::new(rules.board),
            lines: rules.lines,
            tracked: HashSet::new(),
            untracked: BTreeSet::new(),
            actions: VecDeque::new(),
        }
    }

    /// The board.
    #[must_use]
    pub const fn board(&self) -> &Board {
        &self.board
    }

    /// The channels.
    #[must_use]
    pub const fn channels(&self) -> &ChannelSet {
        &self.channels
    }

    /// The subscriptions.
    #[must_use]
    pub const fn subscriptions(&self) -> &Subscriptions {
        &self.subscriptions
    }

    fn document(&mut self, attempt: Attempt, document: Document, now: Now) {
        let standing = match &document {
            Document::Event(event) => self.subscriptions.standing(event),
            Document::ChannelOpened(_)
            | Document::ChannelTerminated { .. }
            | Document::ErrorInfo(_)
            | Document::HeartBeat
            | Document::Unknown { .. } => Standing::Foreign,
        };
        let happening = Happening::Document(document, standing);
        let input = channel::Input::On(attempt, happening);
        self.channels.handle(input, now);
    }

    /// Carries what the parts want from each other until they are content.
    fn settle(&mut self, now: Now) {
        loop {
            if let Some(action) = self.channels.poll_action() {
                self.of_channels(action, now);
            } else if let Some(action) = self.subscriptions.poll_action() {
                self.of_subscriptions(action, now);
            } else if let Some(action) = self.board.poll_action() {
                self.of_board(action, now);
            } else {
                return;
            }
        }
    }

    fn of_channels(&mut self, action: channel::Action, now: Now) {
        match action {
            channel::Action::Deliver(event) => self.deliver(*event, now),
            channel::Action::Announce(change) => {
                match &change {
                    Change::SourceBack => {
                        let back = board::Input::SourceBack(SourceId::OWN);
                        self.board.handle(back, now);
                        self.subscriptions
                            .handle(subscriptions::Input::SourceBack, now);
                    }
                    Change::SourceLost { returns } => {
                        let lost = board::Input::SourceLost {
                            source: SourceId::OWN,
                            returns: *returns,
                        };
                        self.board.handle(lost, now);
                        self.subscriptions
                            .handle(subscriptions::Input::SourceLost, now);
                    }
                    Change::Lost(..) | Change::Up(..) => {}
                }
                let action = channel::Action::Announce(change);
                self.actions.push_back(Action::Channel(action));
            }
            action @ (channel::Action::Acknowledge(..)
            | channel::Action::Clear(..)
            | channel::Action::Close(_)
            | channel::Action::Delete(..)
            | channel::Action::Drained
            | channel::Action::Heartbeat(..)
            | channel::Action::Open { .. }
            | channel::Action::Raise(..)
            | channel::Action::Refresh(..)) => self.actions.push_back(Action::Channel(action)),
        }
    }

    fn deliver(&mut self, event: SubscriptionEvent, now: Now) {
        let id = event.subscription.as_ref();
        // The subscription tells more surely than the target, which may be left out.
        let user = id.and_then(|id| self.subscriptions.user(id));
        let user = user.or_else(|| event.about()).cloned();
        let scope = self.subscriptions.scope(id);
        if event.data == EventData::SubscriptionTerminated
            && let Some(id) = id
        {
            let ended = subscriptions::Input::Terminated(id.clone());
            self.subscriptions.handle(ended, now);
            return;
        }
        if let Some(user) = user {
            let event = LineEvent {
                user,
                source: SourceId::OWN,
                subscription: event.subscription,
                sequence: event.sequence,
                scope,
                data: event.data,
            };
            self.board.handle(board::Input::Event(event), now);
        }
    }

    fn of_subscriptions(&mut self, action: subscriptions::Action, now: Now) {
        match action {
            subscriptions::Action::Fetch(user) => {
                self.board.handle(board::Input::Fetch(user), now);
            }
            subscriptions::Action::Lost(id, scope) => {
                let lost = board::Input::SubscriptionLost(id, scope);
                self.board.handle(lost, now);
            }
            subscriptions::Action::Refused(target, fault) => {
                match (&target, fault) {
                    (Target::User(user), Fault::Denied | Fault::Gone) => {
                        let deleted = board::Input::UserDeleted(user.clone());
                        self.board.handle(deleted, now);
                    }
                    (Target::User(_), Fault::Failed) | (Target::Collection(_), _) => {}
                }
                let action = subscriptions::Action::Refused(target, fault);
                self.actions.push_back(Action::Subscription(action));
            }
            action @ (subscriptions::Action::Create(..)
            | subscriptions::Action::Delete(_)
            | subscriptions::Action::Update(..)) => {
                self.actions.push_back(Action::Subscription(action));
            }
        }
    }

    fn want(&mut self, user: UserId, now: Now) {
        if self.tracked.len() >= self.lines {
            self.untracked.insert(user);
            self.actions.push_back(Action::Full);
            return;
        }
        self.tracked.insert(user.clone());
        self.subscriptions
            .handle(subscriptions::Input::Want(user), now);
    }

    fn unwant(&mut self, user: UserId, now: Now) {
        if !self.tracked.remove(&user) {
            self.untracked.remove(&user);
            return;
        }
        self.subscriptions
            .handle(subscriptions::Input::Unwant(user), now);
        if let Some(next) = self.untracked.pop_first() {
            self.want(next, now);
        }
    }

    fn of_board(&mut self, action: board::Action, now: Now) {
        match action {
            board::Action::Refresh(user) => self
                .subscriptions
                .handle(subscriptions::Input::Refresh(user), now),
            board::Action::Unwant(user) => self.unwant(user, now),
            board::Action::Want(user) => self.want(user, now),
            action @ (board::Action::FetchCalls(..)
            | board::Action::Lamp { .. }
            | board::Action::Notify(_)
            | board::Action::ReadList(_)
            | board::Action::Refuse(..)
            | board::Action::StopList(_)) => self.actions.push_back(Action::Board(action)),
        }
    }
}

impl Machine for Tracker {
    type Input = Input;
    type Action = Action;

    fn handle(&mut self, input: Input, now: Now) {
        match input {
            Input::Board(input) => self.board.handle(input, now),
            Input::Channel(input) => self.channels.handle(input, now),
            Input::Document(attempt, document) => self.document(attempt, document, now),
            Input::Subscription(input) => self.subscriptions.handle(input, now),
        }
        self.settle(now);
    }

    fn handle_timeout(&mut self, now: Now) {
        self.channels.handle_timeout(now);
        self.settle(now);
        self.subscriptions.handle_timeout(now);
        self.settle(now);
        self.board.handle_timeout(now);
        self.settle(now);
    }

    fn deadline(&self) -> Option<Instant> {
        [
            self.channels.deadline(),
            self.subscriptions.deadline(),
            self.board.deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn check_invariants(&self) {
        self.channels.check_invariants();
        self.subscriptions.check_invariants();
        self.board.check_invariants();
        assert!(self.tracked.len() <= self.lines, "lines are bounded");
        let waiting = !self.untracked.is_empty();
        assert!(
            !waiting || self.tracked.len() == self.lines,
            "no place is left free"
        );
    }
}
