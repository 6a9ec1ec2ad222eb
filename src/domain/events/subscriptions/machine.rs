//! The machine.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::VecDeque;
use std::time::Duration;
use std::time::Instant;

use crate::domain::events::channel::Standing;
use crate::domain::events::document::SubscriptionEvent;
use crate::domain::events::ids::SubscriptionId;
use crate::domain::events::ids::UserId;
use crate::domain::events::subscriptions::Action;
use crate::domain::events::subscriptions::Fault;
use crate::domain::events::subscriptions::Granted;
use crate::domain::events::subscriptions::Input;
use crate::domain::events::subscriptions::Rules;
use crate::domain::events::subscriptions::Scope;
use crate::domain::events::subscriptions::Target;
use crate::domain::events::subscriptions::Ticket;
use crate::domain::events::subscriptions::entry::Entry;
use crate::domain::events::subscriptions::entry::Stand;
use crate::domain::machine::Machine;
use crate::domain::machine::Now;

/// First requests after the source came back are spread over so much time, so that the nodes of a
/// farm do not start as one.
const START_SPREAD: Duration = Duration::from_secs(2);

/// Ends kept in mind for creations whose answer is still to come; more of those than may be under
/// way at once are of no use.
const MOST_ENDED: usize = 64;

/// The machine: all our subscriptions.
#[derive(Debug, Clone)]
pub struct Subscriptions {
    pub(super) rules: Rules,
    pub(super) wanted: BTreeSet<UserId>,
    pub(super) collective: bool,
    pub(super) entries: BTreeMap<Target, Entry>,
    pub(super) due: BTreeSet<(Instant, Target)>,
    pub(super) by_id: HashMap<SubscriptionId, Target>,
    pub(super) by_ticket: HashMap<Ticket, Target>,
    /// Subscriptions that ended before the answer to their creation came.
    pub(super) ended: VecDeque<SubscriptionId>,
    /// Users to be read by Xsi-Actions, and when.
    pub(super) fetches: BTreeSet<(Instant, UserId)>,
    /// When each of them is planned.
    pub(super) planned: HashMap<UserId, Instant>,
    /// When each user was last read.
    pub(super) fetched: HashMap<UserId, Instant>,
    pub(super) up: bool,
    pub(super) next_free: Instant,
    pub(super) tickets: u64,
    pub(super) random: u64,
    pub(super) actions: VecDeque<Action>,
}

impl Subscriptions {
    /// Nothing wanted yet, no source. The seed makes nodes differ.
    #[must_use]
    pub fn new(rules: Rules, seed: u64, now: Now) -> Self {
        Self {
            rules,
            wanted: BTreeSet::new(),
            collective: false,
            entries: BTreeMap::new(),
            due: BTreeSet::new(),
            by_id: HashMap::new(),
            by_ticket: HashMap::new(),
            ended: VecDeque::new(),
            fetches: BTreeSet::new(),
            planned: HashMap::new(),
            fetched: HashMap::new(),
            up: false,
            next_free: now.mono,
            tickets: 0,
            random: seed,
            actions: VecDeque::new(),
        }
    }

    /// What is known of an event's subscription; asked before the event is acknowledged.
    #[must_use]
    pub fn standing(&self, event: &SubscriptionEvent) -> Standing {
        if let Some(id) = &event.subscription
            && self.by_id.contains_key(id)
        {
            return Standing::Current;
        }
        let user = event.about().filter(|user| self.wanted.contains(*user));
        let entry = user.and_then(|user| self.entries.get(&Target::User(user.clone())));
        let stands = |entry: &Entry| match &entry.stand {
            // The first event may come before the answer to its subscription.
            Stand::Creating { .. } => Standing::Current,
            // About to be replaced by our own; ending it now might end that one.
            Stand::Absent { .. } => Standing::Foreign,
            Stand::Live { .. } | Stand::Updating { .. } => Standing::Stale,
        };
        if self.collective {
            let of = |entry: &&Entry| matches!(entry.target, Target::Collection(_));
            let mut all = self.entries.values().filter(of).map(stands);
            let best = all.try_fold(Standing::Stale, |best, one| match one {
                Standing::Current => Err(Standing::Current),
                Standing::Foreign => Ok(Standing::Foreign),
                Standing::Stale => Ok(best),
            });
            return best.unwrap_or_else(|current| current);
        }
        entry.map_or(Standing::Stale, stands)
    }

    /// Whether the numbers of a subscription are those of one user.
    #[must_use]
    pub fn scope(&self, id: Option<&SubscriptionId>) -> Scope {
        let target = id.and_then(|id| self.by_id.get(id));
        match target {
            Some(target) => target.scope(),
            None if self.collective => Scope::Collection,
            None => Scope::User,
        }
    }

    /// Whom a subscription is about, when it is one user.
    #[must_use]
    pub fn user(&self, id: &SubscriptionId) -> Option<&UserId> {
        match self.by_id.get(id)? {
            Target::Collection(_) => None,
            Target::User(user) => Some(user),
        }
    }

    /// Subscriptions that exist, and targets that are wanted.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (self.by_id.len(), self.entries.len())
    }

    pub(super) fn change(&mut self, target: &Target, change: impl FnOnce(&mut Entry, &Rules)) {
        let Some(entry) = self.entries.get_mut(target) else {
            return;
        };
        if let Some((at, _)) = entry.due() {
            self.due.remove(&(at, target.clone()));
        }
        if let Some(id) = entry.id() {
            self.by_id.remove(id);
        }
        if let Some(ticket) = entry.ticket() {
            self.by_ticket.remove(&ticket);
        }
        change(entry, &self.rules);
        if let Some((at, _)) = entry.due() {
            self.due.insert((at, target.clone()));
        }
        if let Some(id) = entry.id() {
            self.by_id.insert(id.clone(), target.clone());
        }
        if let Some(ticket) = entry.ticket() {
            self.by_ticket.insert(ticket, target.clone());
        }
    }

    pub(super) fn add(&mut self, target: Target, now: Instant) {
        if !self.entries.contains_key(&target) {
            self.due.insert((now, target.clone()));
            self.entries.insert(target.clone(), Entry::new(target, now));
        }
    }

    pub(super) fn remove(&mut self, target: &Target) {
        let Some(entry) = self.entries.remove(target) else {
            return;
        };
        if let Some((at, _)) = entry.due() {
            self.due.remove(&(at, target.clone()));
        }
        if let Some(ticket) = entry.ticket() {
            self.by_ticket.remove(&ticket);
        }
        if let Some(id) = entry.id() {
            self.by_id.remove(id);
            let lost = Action::Lost(id.clone(), target.scope());
            self.actions.push_back(lost);
            self.actions.push_back(Action::Delete(id.clone()));
        }
    }

    fn source_back(&mut self, now: Instant) {
        self.up = true;
        self.next_free = self.next_free.max(now + self.below(START_SPREAD));
        // What happened meanwhile is learnt by a refresh of everything, at the usual pace.
        for target in self.entries.keys().cloned().collect::<Vec<_>>() {
            self.change(&target, |entry, _| match &mut entry.stand {
                Stand::Live { refresh, .. } => *refresh = Some(now),
                Stand::Updating { again, .. } => *again = Some(now),
                Stand::Absent { due } => *due = (*due).min(now + Duration::from_secs(1)),
                Stand::Creating { .. } => {}
            });
        }
        if self.collective {
            for user in self.wanted.clone() {
                self.plan_fetch(user, now);
            }
        }
    }

    pub(super) fn created(&mut self, ticket: Ticket, result: Result<Granted, Fault>, now: Instant) {
        let Some(target) = self.by_ticket.get(&ticket).cloned() else {
            // Nobody waits for it any more: it must not stay behind.
            if let Ok(granted) = result
                && !self.by_id.contains_key(&granted.id)
            {
                self.actions.push_back(Action::Delete(granted.id));
            }
            return;
        };
        // An id that is another target's would let two lines share one stream of events.
        let result = result.and_then(|granted| match self.by_id.get(&granted.id) {
            Some(other) if *other != target => Err(Fault::Failed),
            Some(_) | None => Ok(granted),
        });
        match result {
            Ok(Granted { id, expires }) => {
                let ended = self.ended.contains(&id);
                self.change(&target, |entry, rules| {
                    entry.live(id, expires, None, rules, now);
                });
                if ended {
                    self.lost(&target, now);
                    return;
                }
                // Only now does nothing escape us that happens after the reading.
                if target.scope() == Scope::Collection {
                    for user in self.wanted.clone() {
                        self.plan_fetch(user, now);
                    }
                }
            }
            Err(fault) => {
                self.absent(&target, fault, now);
                match fault {
                    Fault::Denied | Fault::Gone => {
                        self.actions.push_back(Action::Refused(target, fault));
                    }
                    Fault::Failed => {}
                }
            }
        }
    }

    fn absent(&mut self, target: &Target, fault: Fault, now: Instant) {
        let jitter = self.below(Duration::from_millis(500));
        self.change(target, |entry, rules| {
            let pause = match fault {
                Fault::Denied | Fault::Gone => rules.denied_pause,
                Fault::Failed => entry.pause(),
            };
            entry.stand = Stand::Absent {
                due: now + pause + jitter,
            };
        });
    }

    pub(super) fn updated(
        &mut self,
        ticket: Ticket,
        result: Result<Option<u32>, Fault>,
        now: Instant,
    ) {
        let Some(target) = self.by_ticket.get(&ticket).cloned() else {
            return;
        };
        match result {
            Ok(expires) => self.change(&target, |entry, rules| {
                if let Stand::Updating { id, again, .. } = &entry.stand {
                    let (id, again) = (id.clone(), *again);
                    entry.live(id, expires, again, rules, now);
                }
            }),
            Err(Fault::Failed) => self.change(&target, |entry, _| {
                if let Stand::Updating { id, .. } = &entry.stand {
                    let id = id.clone();
                    let refresh = Some(now + entry.pause());
                    entry.stand = Stand::Live { id, refresh };
                }
            }),
            Err(Fault::Denied | Fault::Gone) => self.lost(&target, now),
        }
    }

    fn terminated(&mut self, id: SubscriptionId, now: Instant) {
        if let Some(target) = self.by_id.get(&id).cloned() {
            self.lost(&target, now);
            return;
        }
        if self.ended.len() >= MOST_ENDED {
            self.ended.pop_front();
        }
        self.ended.push_back(id);
    }

    /// It is over: made again soon, and less soon when that happens often.
    fn lost(&mut self, target: &Target, now: Instant) {
        let id = self.entries.get(target).and_then(Entry::id).cloned();
        if let Some(id) = id {
            self.actions.push_back(Action::Lost(id, target.scope()));
            self.absent(target, Fault::Failed, now);
        }
    }

    fn below(&mut self, limit: Duration) -> Duration {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let micros = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros((self.random >> 33) % micros.max(1))
    }
}

impl Machine for Subscriptions {
    type Input = Input;
    type Action = Action;

    fn handle(&mut self, input: Input, now: Now) {
        let now = now.mono;
        match input {
            Input::Created(ticket, result) => self.created(ticket, result, now),
            Input::Refresh(user) => self.refresh(user, now),
            Input::SourceBack => self.source_back(now),
            Input::SourceLost => self.up = false,
            Input::Terminated(id) => self.terminated(id, now),
            Input::Unwant(user) => self.unwant(&user, now),
            Input::Updated(ticket, result) => self.updated(ticket, result, now),
            Input::Want(user) => self.want(user, now),
        }
    }

    fn handle_timeout(&mut self, now: Now) {
        if self.deadline().is_some_and(|at| at <= now.mono) {
            self.work(now.mono);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let lost = self
            .by_ticket
            .values()
            .filter_map(|target| Some(self.entries.get(target)?.due()?.0))
            .min();
        let free = self.up && self.by_ticket.len() < self.rules.at_once;
        let requests = self.due.first().map(|(at, _)| *at);
        let fetches = self.fetches.first().map(|(at, _)| *at);
        let first = requests.into_iter().chain(fetches).min();
        let first = first.map(|at| at.max(self.next_free)).filter(|_| free);
        lost.into_iter().chain(first).min()
    }

    fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn check_invariants(&self) {
        assert!(self.by_ticket.len() <= self.rules.at_once, "at once");
        assert_eq!(self.planned.len(), self.fetches.len(), "planned fetches");
        let planned = self.entries.values().filter(|entry| entry.due().is_some());
        assert_eq!(self.due.len(), planned.count(), "everything due is planned");
        for (id, target) in &self.by_id {
            let entry = self.entries.get(target);
            assert_eq!(entry.and_then(Entry::id), Some(id), "ids point home");
        }
        for (ticket, target) in &self.by_ticket {
            let entry = self.entries.get(target);
            assert_eq!(entry.and_then(Entry::ticket), Some(*ticket), "tickets");
        }
        if !self.collective {
            for user in &self.wanted {
                let target = Target::User(user.clone());
                assert!(self.entries.contains_key(&target), "a wanted user");
            }
        }
    }
}
