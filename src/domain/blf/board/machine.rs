//! The machine.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use crate::domain::blf::board::Action;
use crate::domain::blf::board::Input;
use crate::domain::blf::board::Notice;
use crate::domain::blf::board::Rules;
use crate::domain::blf::board::SourceId;
use crate::domain::blf::board::slot::FeedKey;
use crate::domain::blf::board::slot::Slot;
use crate::domain::blf::board::sources::SourceState;
use crate::domain::blf::notice::LineState;
use crate::domain::blf::notice::Notification;
use crate::domain::blf::view::Lamp;
use crate::domain::blf::watcher::Session;
use crate::domain::blf::watcher::SessionId;
use crate::domain::blf::watcher::Watcher;
use crate::domain::events::ids::CallId;
use crate::domain::events::ids::TrackingId;
use crate::domain::events::ids::UserId;
use crate::domain::machine::Machine;
use crate::domain::machine::Now;

/// The machine: all lines and all watchers.
#[derive(Debug, Clone)]
pub struct Board {
    pub(super) rules: Rules,
    pub(super) lines: Vec<Option<Box<Slot>>>,
    pub(super) free: Vec<u32>,
    pub(super) by_user: HashMap<UserId, u32>,
    /// Lines by what they listen to.
    pub(super) fed: BTreeMap<FeedKey, BTreeSet<u32>>,
    pub(super) sources: BTreeMap<SourceId, SourceState>,
    /// Where each call rings.
    pub(super) ringing: HashMap<TrackingId, Vec<(u32, CallId)>>,
    /// When each call was answered somewhere, lately.
    pub(super) answered: HashMap<TrackingId, Instant>,
    pub(super) watchers: HashMap<UserId, Watcher>,
    pub(super) sessions: HashMap<SessionId, Session>,
    pub(super) due: BTreeSet<(Instant, Due)>,
    pub(super) notices: u64,
    pub(super) offers: u64,
    pub(super) fetches: u64,
    pub(super) actions: VecDeque<Action>,
}

/// What is to be done at a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    Grace(SourceId),
    Line(u32),
    Linger(UserId),
    Offer(u32, CallId, Duration),
}

impl Board {
    /// No lines, no watchers, and our own source not yet there.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            lines: Vec::new(),
            free: Vec::new(),
            by_user: HashMap::new(),
            fed: BTreeMap::new(),
            sources: BTreeMap::from([(SourceId::OWN, SourceState::Down)]),
            ringing: HashMap::new(),
            answered: HashMap::new(),
            watchers: HashMap::new(),
            sessions: HashMap::new(),
            due: BTreeSet::new(),
            notices: 0,
            offers: 0,
            fetches: 0,
            actions: VecDeque::new(),
        }
    }

    /// The lamp of a user; `None` when there is no such line.
    #[must_use]
    pub fn lamp(&self, user: &UserId) -> Option<Lamp> {
        let at = self.by_user.get(user)?;
        Some(self.slot(*at)?.line.lamp())
    }

    /// All lines as an operator sees them, in no order.
    pub fn lines(&self, caller: bool) -> impl Iterator<Item = LineState> {
        self.lines
            .iter()
            .flatten()
            .map(move |slot| slot.state(caller, slot.news.is_some()))
    }

    /// One line as an operator sees it, and who watches it.
    #[must_use]
    pub fn line(&self, user: &UserId, caller: bool) -> Option<(LineState, Vec<UserId>)> {
        let slot = self.slot(*self.by_user.get(user)?)?;
        let state = slot.state(caller, slot.news.is_some());
        Some((state, slot.watchers.iter().cloned().collect()))
    }

    /// The lines of a watcher as he sees them, in the order of the keys; `None` when his list is
    /// not known.
    #[must_use]
    pub fn view(&self, watcher: &UserId, caller: bool) -> Option<Vec<LineState>> {
        let list = self.watchers.get(watcher)?.list.as_ref()?;
        let slots = list
            .users()
            .iter()
            .filter_map(|user| self.slot(*self.by_user.get(&user.user)?));
        Some(
            slots
                .map(|slot| slot.state(caller, slot.news.is_some()))
                .collect(),
        )
    }

    /// How many lines show each lamp, in the order of [`Lamp::ALL`].
    #[must_use]
    pub fn lamps(&self) -> [(Lamp, usize); 7] {
        Lamp::ALL.map(|lamp| {
            let lines = self.lines.iter().flatten();
            (lamp, lines.filter(|slot| slot.lamp == lamp).count())
        })
    }

    /// Watchers and their sessions.
    pub fn watchers(&self) -> impl Iterator<Item = (&UserId, usize)> {
        self.watchers
            .iter()
            .map(|(user, watcher)| (user, watcher.sessions.len()))
    }

    pub(super) fn slot(&self, at: u32) -> Option<&Slot> {
        self.lines.get(usize::try_from(at).ok()?)?.as_deref()
    }

    pub(super) fn slot_mut(&mut self, at: u32) -> Option<&mut Slot> {
        self.lines
            .get_mut(usize::try_from(at).ok()?)?
            .as_deref_mut()
    }

    /// Tells sessions, unless there are none. The number of the notice.
    pub(super) fn notify(&mut self, to: Arc<[SessionId]>, body: Notification) -> u64 {
        if to.is_empty() {
            return self.notices;
        }
        self.notices += 1;
        self.actions.push_back(Action::Notify(Notice {
            id: self.notices,
            to,
            body: Arc::new(body),
        }));
        self.notices
    }

    fn on_time(&mut self, due: Due, now: Instant) {
        match due {
            Due::Grace(source) => self.grace_ends(source, now),
            Due::Line(at) => {
                if let Some(slot) = self.slot_mut(at) {
                    slot.due = None;
                }
                self.line_timeout(at, now);
            }
            Due::Linger(watcher) => self.linger_ends(&watcher, now),
            Due::Offer(at, call, delay) => self.light_due(at, &call, delay, now),
        }
    }
}

impl Machine for Board {
    type Input = Input;
    type Action = Action;

    fn handle(&mut self, input: Input, now: Now) {
        let now = now.mono;
        match input {
            Input::CallsFetched(id, user, fetched) => self.calls_fetched(id, &user, fetched, now),
            Input::Event(event) => self.event(event, now),
            Input::Fetch(user) => self.fetch(user),
            Input::Joined {
                session,
                watcher,
                wishes,
            } => self.joined(session, watcher, wishes, now),
            Input::Left(session) => self.left(session, now),
            Input::ListLost(watcher) => self.list_read(&watcher, None, now),
            Input::ListRead(watcher, list) => self.list_read(&watcher, Some(list), now),
            Input::SourceBack(source) => self.source_back(source, now),
            Input::SourceLost { source, returns } => self.source_lost(source, returns, now),
            Input::SubscriptionLost(id, scope) => self.subscription_lost(id, scope, now),
            Input::UserDeleted(user) => self.user_deleted(&user, now),
        }
    }

    fn handle_timeout(&mut self, now: Now) {
        while let Some((at, _)) = self.due.first() {
            if *at > now.mono {
                break;
            }
            if let Some((_, due)) = self.due.pop_first() {
                self.on_time(due, now.mono);
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn check_invariants(&self) {
        self.check_lines();
        self.check_sessions();
    }
}

impl Board {
    fn check_lines(&self) {
        let slots = self.lines.iter().flatten().count();
        assert_eq!(slots, self.by_user.len(), "every line is found");
        for (user, at) in &self.by_user {
            let slot = self.slot(*at);
            assert!(slot.is_some_and(|slot| slot.user == *user), "lines");
        }
        for (at, slot) in self.lines.iter().enumerate() {
            let Some(slot) = slot else { continue };
            slot.line.check_invariants();
            assert_eq!(slot.lamp, slot.line.lamp(), "the lamp was told");
            assert_eq!(slot.feed, slot.line.believes(), "the feed is known");
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            if let Some(feed) = &slot.feed {
                let lines = self.fed.get(feed);
                assert!(lines.is_some_and(|lines| lines.contains(&at)), "fed");
                let source = self.sources.get(&feed.0);
                assert_ne!(source, Some(&SourceState::Down), "known without source");
            }
            if let Some(due) = slot.due {
                assert!(self.due.contains(&(due, Due::Line(at))), "planned");
            }
            assert_eq!(slot.due, slot.deadline(), "the deadline is planned");
            for (call, _) in slot.line.ringing() {
                if let Some(tracking) = &call.tracking {
                    let places = self.ringing.get(tracking);
                    let place = (at, call.id.clone());
                    assert!(places.is_some_and(|places| places.contains(&place)));
                }
            }
        }
        for places in self.ringing.values() {
            for (at, call) in places {
                let slot = self.slot(*at);
                let rings =
                    slot.is_some_and(|slot| slot.line.ringing().any(|(held, _)| held.id == *call));
                assert!(rings, "what is indexed as ringing rings");
            }
        }
    }

    fn check_sessions(&self) {
        for (id, session) in &self.sessions {
            let watcher = self.watchers.get(&session.watcher);
            assert!(watcher.is_some_and(|watcher| watcher.sessions.contains(id)));
            for (place, lit) in session.lit.iter().enumerate() {
                let rings = self.slot(lit.line).is_some_and(|slot| {
                    let mut calls = slot.line.ringing();
                    slot.audience.contains(*id) && calls.any(|(call, _)| call.id == lit.call)
                });
                assert!(rings, "an offer for a call that does not ring");
                let others = session.lit.iter().skip(place + 1);
                let twice = others.into_iter().any(|other| other.key == lit.key);
                assert!(!twice, "two offers for one call");
            }
        }
        for watcher in self.watchers.values() {
            for session in &watcher.sessions {
                assert!(self.sessions.contains_key(session), "sessions");
            }
            assert!(watcher.sessions.is_empty() == watcher.lingers.is_some());
        }
    }
}
