//! Drives every user to the newest revision of what it is to be.
//!
//! One machine for all users. It is shown what the store holds when the daemon starts
//! ([`Conductor::load_enterprise`], then [`Conductor::load`]), and each new revision once that is
//! durable ([`Input::Desired`]). It asks Webex through [`Action::Call`] and writes what it knows
//! through [`Action::Save`].
//!
//! * A job asks nothing while its record differs from the one in the store: what the next start
//!   will read is what was known when the call left. A crash therefore repeats questions, and a
//!   create only after Webex was asked again whether the subscriber is there.
//! * Per user there is one call at a time; the newest revision decides what it is.
//! * The first user of a customer goes alone until there is an organisation (see `customers`).
//! * Each partner has a lane: so many calls under way, so many a second, customers in turn.
//!
//! Jobs that have come to their end are forgotten once they are saved; when a new wish comes for
//! such a user, the store is asked for its record ([`Action::Recall`]). A job that has not had its
//! turn has no record of that revision in the store: it is queued.

mod answers;
mod compare;
mod course;
mod customers;
mod face;
mod failures;
mod findings;
mod first;
mod job;
mod lane;
mod ledger;
mod left;
mod loading;
mod moves;
mod places;
mod plan;
mod turns;
mod waits;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::VecDeque;
use std::time::Duration;
use std::time::Instant;

use crate::domain::machine::Machine;
use crate::domain::machine::Now;
use crate::domain::provisioning::ids::PartnerName;
use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::ids::UserKey;
use crate::domain::provisioning::policy::Settings;

use customers::CustomerId;
use customers::Customers;
use job::Asked;
use job::Job;
use job::Slot;
use lane::Lane;
use lane::LaneId;
use ledger::Ledger;

pub use face::Action;
pub use face::CallId;
pub use face::Change;
pub use face::EnterpriseEvent;
pub use face::Event;
pub use face::Input;
pub use face::SaveToken;
pub use face::Standing;
pub use ledger::MOST_CHANGES;
pub use ledger::MOST_SAVES;

/// By how much waits are stretched at most, in percent, so that not all end at once.
const JITTER: u64 = 20;

/// The machine.
pub struct Conductor {
    settings: Settings,
    random: u64,
    jobs: Vec<Option<Job>>,
    free: Vec<Slot>,
    index: HashMap<UserKey, Slot>,
    customers: Customers,
    lanes: Vec<Lane>,
    lane_index: BTreeMap<PartnerName, LaneId>,
    timers: BTreeSet<(Instant, Slot)>,
    /// When somebody knocks at a customer's administrator again.
    knocks: BTreeSet<(Instant, CustomerId)>,
    /// Former user ids, by which the job of the new one is found.
    renames: HashMap<UserKey, Slot>,
    /// Users with whom customers began; what a customer's record says counts.
    firsts: HashMap<UserKey, CustomerId>,
    /// Jobs whose template is not in the configuration.
    orphans: BTreeSet<Slot>,
    calls: HashMap<CallId, Call>,
    next_call: u64,
    ledger: Ledger,
    /// What has to be looked at before the machine rests.
    woken: VecDeque<(Slot, bool)>,
    actions: VecDeque<Action>,
    /// Templates whose form was told to differ.
    told_forms: BTreeSet<TemplateKey>,
    open: usize,
    draining: bool,
}

/// A call under way.
struct Call {
    lane: LaneId,
    about: About,
}

enum About {
    /// The customer is the one that the job was of when the call left.
    Job(Slot, Asked, Option<CustomerId>),
    List,
}

impl Conductor {
    /// Knows nothing yet; `seed` spreads retries.
    #[must_use]
    pub fn new(settings: Settings, seed: u64, _now: Now) -> Self {
        Self {
            settings,
            random: seed,
            jobs: Vec::new(),
            free: Vec::new(),
            index: HashMap::new(),
            customers: Customers::default(),
            lanes: Vec::new(),
            lane_index: BTreeMap::new(),
            timers: BTreeSet::new(),
            knocks: BTreeSet::new(),
            renames: HashMap::new(),
            firsts: HashMap::new(),
            orphans: BTreeSet::new(),
            calls: HashMap::new(),
            next_call: 0,
            ledger: Ledger::default(),
            woken: VecDeque::new(),
            actions: VecDeque::new(),
            told_forms: BTreeSet::new(),
            open: 0,
            draining: false,
        }
    }

    /// Jobs that have not come to an end.
    #[must_use]
    pub const fn open(&self) -> usize {
        self.open
    }

    /// Nothing new is asked of Webex any more; what is under way is taken in and saved.
    pub const fn drain(&mut self) {
        self.draining = true;
    }

    /// Whether nothing is under way, neither call nor save.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.calls.is_empty() && self.ledger.is_empty()
    }

    fn job(&self, slot: Slot) -> Option<&Job> {
        self.jobs.get(slot).and_then(Option::as_ref)
    }

    fn job_mut(&mut self, slot: Slot) -> Option<&mut Job> {
        self.jobs.get_mut(slot).and_then(Option::as_mut)
    }

    fn way_mut(&mut self, slot: Slot) -> Option<&mut job::Way> {
        self.job_mut(slot)?.way.as_deref_mut()
    }

    /// Lets a job be looked at before the machine rests; `warm` ones go on at once.
    fn wake(&mut self, slot: Slot, warm: bool) {
        self.woken.push_back((slot, warm));
    }

    fn set_due(&mut self, slot: Slot, at: Option<Instant>) {
        let Some(job) = self.jobs.get_mut(slot).and_then(Option::as_mut) else {
            return;
        };
        if let Some(before) = job.due.take() {
            self.timers.remove(&(before, slot));
        }
        if let Some(at) = at {
            self.timers.insert((at, slot));
            job.due = Some(at);
        }
    }

    /// A wait, stretched a little.
    fn jittered(&mut self, wait: Duration) -> Duration {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.random;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^= value >> 31;
        let thousandth = u32::try_from(value % (JITTER * 10 + 1)).unwrap_or(0);
        wait + wait / 1_000 * thousandth
    }

    fn tell(&mut self, event: Event) {
        self.actions.push_back(Action::Tell(event));
    }

    /// Looks at all that was woken, then writes and asks what may be.
    fn settle(&mut self, now: Now) {
        loop {
            while let Some((slot, warm)) = self.woken.pop_front() {
                self.advance(slot, warm, now);
            }
            self.flush();
            if !self.grant(now) {
                return;
            }
        }
    }
}

impl Machine for Conductor {
    type Input = Input;
    type Action = Action;

    fn handle(&mut self, input: Input, now: Now) {
        match input {
            Input::Answered {
                call,
                outcome,
                tracking,
            } => self.answered(call, outcome, tracking, now),
            Input::Desired {
                desired,
                enterprise,
            } => self.desired(*desired, enterprise.map(|record| *record)),
            Input::Observed(key) => self.observed(&key),
            Input::PartnerToken { partner, ok } => self.token(&partner, ok, now),
            Input::Recalled { key, job } => self.recalled(&key, job.map(|job| *job), now),
            Input::Saved(token) => self.saved(token),
            Input::Settings(settings) => self.take_settings(*settings, now),
        }
        self.settle(now);
    }

    fn handle_timeout(&mut self, now: Now) {
        while let Some((at, slot)) = self.timers.first().copied()
            && at <= now.mono
        {
            self.set_due(slot, None);
            self.timer(slot);
        }
        while let Some((at, customer)) = self.knocks.first().copied()
            && at <= now.mono
        {
            self.knocks.remove(&(at, customer));
            self.knock(customer, now);
        }
        self.settle(now);
    }

    fn deadline(&self) -> Option<Instant> {
        if self.draining {
            return None;
        }
        let timer = self.timers.first().map(|(at, _)| *at);
        let knock = self.knocks.first().map(|(at, _)| *at);
        let rules = &self.settings.rules;
        let lanes = self.lanes.iter().filter_map(|lane| {
            let free = lane.free_at(rules)?;
            if lane.has_work() {
                return Some(free);
            }
            lane.list.due.map(|due| due.max(free))
        });
        lanes.chain(timer).chain(knock).min()
    }

    fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn check_invariants(&self) {
        let rules = &self.settings.rules;
        for lane in &self.lanes {
            assert!(lane.in_flight <= rules.in_flight.max(1), "too many calls");
        }
        let in_flight: usize = self.lanes.iter().map(|lane| lane.in_flight).sum();
        assert_eq!(in_flight, self.calls.len(), "calls are counted wrongly");
        assert!(
            self.woken.is_empty(),
            "somebody was woken and not looked at"
        );
        let mut open = 0;
        for (key, slot) in &self.index {
            let job = self.job(*slot);
            assert!(job.is_some(), "{key:?} is nowhere");
            let Some(job) = job else { continue };
            assert_eq!(job.desired.key, *key, "somebody else's place");
            open += usize::from(!job.is_final());
            let timed = job
                .due
                .is_none_or(|due| self.timers.contains(&(due, *slot)));
            assert!(timed, "a timer is lost");
            self.check_goes_on(job, *slot);
        }
        assert_eq!(open, self.open, "open jobs are counted wrongly");
        for (_, customer) in self.customers.iter() {
            for (place, slot) in &customer.waiting {
                let held = self.job(*slot).and_then(|job| job.held);
                assert_eq!(held, Some(*place), "a place in a queue is lost");
            }
        }
        assert!(self.ledger.saves() <= MOST_SAVES, "too many saves");
    }
}

impl Conductor {
    /// Each open job goes on by something.
    fn check_goes_on(&self, job: &Job, slot: Slot) {
        let state = job.state();
        let attention = state == crate::domain::provisioning::record::JobState::Attention;
        let goes_on = job.calling
            || job.recalling
            || job.queued
            || job.dirty
            || job.saving
            || job.due.is_some()
            || job.held.is_some()
            || attention
            || job.is_final();
        assert!(goes_on, "the job in {slot} is forgotten in {state}");
    }
}
