//! The way to one partner: how many calls may be under way, how fast, whose turn it is.
//!
//! Work is queued by customer, and customers take turns, so that a big one does not starve the
//! others. New work, questions about work under way, and removals take turns, too.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::time::Duration;
use std::time::Instant;

use crate::domain::machine::Now;
use crate::domain::provisioning::conductor::customers::CustomerId;
use crate::domain::provisioning::conductor::job::Slot;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::PartnerName;
use crate::domain::provisioning::ids::SubscriberId;
use crate::domain::provisioning::policy::Rules;

/// Where a lane is kept.
pub(super) type LaneId = usize;

/// Refusals (403) in a row, of different jobs, after which the partner rests: one user that may
/// not be touched is no reason, a lost role is.
const REFUSALS: u32 = 3;
/// The longest rest of a partner that refuses us, as a multiple of the first.
const LONGEST_REST: u32 = 15;

/// What is served in turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    New,
    Poll,
    Removal,
}

const KINDS: usize = 3;

pub(super) struct Lane {
    pub(super) partner: PartnerName,
    pub(super) in_flight: usize,
    /// What goes on after its last call: served first. There is no more of it than there was
    /// under way.
    hot: VecDeque<Slot>,
    queues: [Queue; KINDS],
    turn: usize,
    /// When the bucket is full again.
    full_at: Instant,
    slowed_until: Option<Instant>,
    refused: Option<Refused>,
    refusals: u32,
    /// Jobs that Webex works on, by subscriber.
    pub(super) listed: HashMap<SubscriberId, Slot>,
    pub(super) list: List,
}

struct Refused {
    probe_at: Instant,
    rest: Duration,
    probing: bool,
}

/// The questions for all that changed.
pub(super) struct List {
    /// When it is asked next, while it is.
    pub(super) due: Option<Instant>,
    pub(super) calling: bool,
    pub(super) since: u64,
}

/// Customers with work, in turn.
#[derive(Default)]
struct Queue {
    ring: VecDeque<Option<CustomerId>>,
    work: HashMap<Option<CustomerId>, VecDeque<Slot>>,
}

impl Queue {
    fn push(&mut self, customer: Option<CustomerId>, slot: Slot) {
        let work = self.work.entry(customer).or_default();
        if work.is_empty() {
            self.ring.push_back(customer);
        }
        work.push_back(slot);
    }

    fn pop(&mut self) -> Option<Slot> {
        let customer = self.ring.pop_front()?;
        let work = self.work.get_mut(&customer)?;
        let slot = work.pop_front();
        if work.is_empty() {
            self.work.remove(&customer);
        } else {
            self.ring.push_back(customer);
        }
        slot
    }
}

impl Lane {
    pub(super) fn new(partner: PartnerName, now: Instant) -> Self {
        Self {
            partner,
            in_flight: 0,
            hot: VecDeque::new(),
            queues: Default::default(),
            turn: 0,
            full_at: now,
            slowed_until: None,
            refused: None,
            refusals: 0,
            listed: HashMap::new(),
            list: List {
                due: None,
                calling: false,
                since: 0,
            },
        }
    }

    pub(super) fn push(&mut self, kind: Kind, customer: Option<CustomerId>, slot: Slot) {
        let queue = match kind {
            Kind::New => 0,
            Kind::Poll => 1,
            Kind::Removal => 2,
        };
        if let Some(queue) = self.queues.get_mut(queue) {
            queue.push(customer, slot);
        }
    }

    pub(super) fn push_hot(&mut self, slot: Slot) {
        self.hot.push_back(slot);
    }

    pub(super) fn pop(&mut self) -> Option<Slot> {
        if let Some(slot) = self.hot.pop_front() {
            return Some(slot);
        }
        for _ in 0..KINDS {
            self.turn = (self.turn + 1) % KINDS;
            let slot = self.queues.get_mut(self.turn).and_then(Queue::pop);
            if slot.is_some() {
                return slot;
            }
        }
        None
    }

    /// All that waits for its turn, taken out.
    pub(super) fn clear(&mut self) -> Vec<Slot> {
        let mut all: Vec<Slot> = self.hot.drain(..).collect();
        for queue in &mut self.queues {
            while let Some(slot) = queue.pop() {
                all.push(slot);
            }
        }
        all
    }

    pub(super) fn has_work(&self) -> bool {
        !self.hot.is_empty() || self.queues.iter().any(|queue| !queue.ring.is_empty())
    }

    /// When the next call may leave; `None`: not before something else happens.
    pub(super) fn free_at(&self, rules: &Rules) -> Option<Instant> {
        if self.in_flight >= rules.in_flight.max(1) {
            return None;
        }
        let (interval, slack) = pace(rules);
        let _ = interval;
        let paced = self.full_at.checked_sub(slack).unwrap_or(self.full_at);
        let at = self.slowed_until.map_or(paced, |until| until.max(paced));
        match &self.refused {
            None => Some(at),
            Some(refused) if refused.probing => None,
            Some(refused) => Some(at.max(refused.probe_at)),
        }
    }

    /// Counts a call that leaves.
    pub(super) fn leave(&mut self, rules: &Rules, now: Instant) {
        let (interval, _) = pace(rules);
        self.full_at = self.full_at.max(now) + interval;
        self.in_flight += 1;
        if let Some(refused) = &mut self.refused {
            refused.probing = true;
        }
    }

    /// The partner wants to be asked later. Says whether that is new.
    pub(super) fn slow(&mut self, until: Instant, now: Instant) -> bool {
        let slowed = self.slowed_until.is_some_and(|held| held > now);
        self.slowed_until = Some(self.slowed_until.map_or(until, |held| held.max(until)));
        !slowed
    }

    /// The partner does not let us in. Says whether that is new.
    pub(super) fn refuse(&mut self, token: bool, rules: &Rules, now: Instant) -> bool {
        self.refusals = self.refusals.saturating_add(1);
        if let Some(refused) = &mut self.refused {
            if refused.probing {
                refused.probing = false;
                refused.rest = (refused.rest * 2).min(rules.refused_pause * LONGEST_REST);
                refused.probe_at = now + refused.rest;
            }
            return false;
        }
        if !token && self.refusals < REFUSALS {
            return false;
        }
        self.refused = Some(Refused {
            probe_at: now + rules.refused_pause,
            rest: rules.refused_pause,
            probing: false,
        });
        true
    }

    /// A call came back without a word about us: the next may try.
    pub(super) fn neither(&mut self, now: Instant) {
        if let Some(refused) = &mut self.refused
            && refused.probing
        {
            refused.probing = false;
            refused.probe_at = now + refused.rest;
        }
    }

    /// The partner lets us in. Says whether that is new.
    pub(super) const fn open(&mut self) -> bool {
        self.refusals = 0;
        self.refused.take().is_some()
    }

    /// Whether changes are listed in place of single questions.
    pub(super) fn lists(&self, rules: &Rules) -> bool {
        self.listed.len() > rules.list_above
    }

    /// Begins or ends the listing of changes. Says whether it has ended, so that those that wait
    /// are to be asked for one by one.
    pub(super) fn tend_list(&mut self, rules: &Rules, now: Now) -> bool {
        if !self.lists(rules) {
            return self.list.due.take().is_some();
        }
        if self.list.due.is_none() && !self.list.calling {
            self.list.due = Some(now.mono + rules.list_every);
            // Those that wait were asked for one by one until now.
            let before = 2 * rules.list_overlap;
            self.list.since = millis(now).saturating_sub(in_millis(before));
        }
        false
    }

    /// When a list was asked for, it reaches back behind its predecessor.
    pub(super) fn listed_at(&mut self, rules: &Rules, now: Now) -> u64 {
        let since = self.list.since;
        self.list.since = millis(now).saturating_sub(in_millis(rules.list_overlap));
        self.list.calling = true;
        self.list.due = None;
        since
    }
}

/// How long one call takes from the bucket, and how far it may run ahead: one second's worth.
fn pace(rules: &Rules) -> (Duration, Duration) {
    let second = Duration::from_secs(1);
    let interval = second / rules.requests_per_second.max(1);
    (interval, second.saturating_sub(interval))
}

fn millis(now: Now) -> u64 {
    Moment::of(now.wall).0
}

fn in_millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
