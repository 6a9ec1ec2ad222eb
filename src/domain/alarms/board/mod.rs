//! The board: every alarm, what is suspected, what is silenced, and when people are told again.
//!
//! Watchers may say the same thing a thousand times, or change their minds each second: the board
//! believes what it hears often enough, tells each step once, reminds once a day, and holds what
//! comes and goes until it has been quiet.
//!
//! * `observe`: what watchers say becomes raise, step and clear.
//! * `orders`: what people say: acknowledge, silence, clear by hand.
//! * `room`: the bound.
//! * `due`: what time brings: the end of a hold-down, of a silence, of a day.
//! * `tell`: what is kept and told of each change. `view`: what is there, and was before a restart.
//!
//! Waiting goes by the monotonic clock, and no alarm waits for more than an hour before its dates
//! are compared with the wall clock again: a clock that jumps neither swallows a reminder nor
//! brings a second one.

mod due;
mod observe;
mod orders;
mod room;
mod tell;
#[cfg(test)]
mod tests;
mod view;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use crate::domain::alarms::alarm::Alarm;
use crate::domain::alarms::alarm::Entry;
use crate::domain::alarms::alarm::Told;
use crate::domain::alarms::key::AlarmKey;
use crate::domain::alarms::observation::Observation;
use crate::domain::alarms::policy::Policy;
use crate::domain::alarms::severity::Severity;
use crate::domain::alarms::silence::Silence;
use crate::domain::machine::Machine;
use crate::domain::machine::Now;

pub use orders::Order;
pub use orders::OrderRefused;

/// No alarm waits for longer before its dates are compared with the clock.
const HOUR: Duration = Duration::from_secs(3600);

/// What a reminder that became due while the daemon was down waits for.
const MINUTE: Duration = Duration::from_secs(60);

/// Changes in this time make an alarm one that comes and goes.
const FLAP_WINDOW: Duration = HOUR;

/// So many raises and steps in [`FLAP_WINDOW`].
const FLAPS: usize = 4;

/// How long what flaps must stay better before that is believed.
const FLAP_QUIET: Duration = Duration::from_secs(30 * 60);

/// How long an alarm from before a restart waits for somebody who still sees it: every watcher has
/// had a look by then.
const CONFIRM: Duration = HOUR;

/// How long a single look at something wrong is remembered without a second one.
const SUSPICION: Duration = Duration::from_secs(48 * 3600);

/// How long nothing must have been discarded before that is over.
const DISCARD_QUIET: Duration = HOUR;

/// What may happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// So many looks were lost before they came here.
    Discarded(u64),
    /// A watcher has looked.
    Observed(Observation),
    /// A person wants something; it was found possible by [`Board::judge`], or does nothing.
    Order(Order),
    /// Other rules hold from now on.
    Policy(Box<Policy>),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// An alarm changed.
    Changed(Box<Change>),
    /// These are the silences now.
    Silences(Vec<Silence>),
}

/// A change of one alarm: first it is kept, then it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Of which.
    pub key: AlarmKey,
    /// As it is now; `None`: it is over.
    pub alarm: Option<Alarm>,
    /// What happened; `None`: nothing that anybody has to know.
    pub entry: Option<Entry>,
    /// To whom it is told: to sinks of this level and below. `None`: to nobody.
    pub reach: Option<Severity>,
}

/// All alarms.
#[derive(Debug)]
pub struct Board {
    policy: Policy,
    held: BTreeMap<AlarmKey, Held>,
    timers: BTreeSet<(Instant, AlarmKey)>,
    silences: BTreeMap<u64, Silence>,
    /// When the silences' ends are looked at.
    silences_due: Option<Instant>,
    /// Of the newest notice.
    identifier: u64,
    /// Of the newest silence.
    silence: u64,
    raised: usize,
    /// Entries that only remember that something flapped.
    ghosts: usize,
    discarded: u64,
    discard: Option<Instant>,
    /// How bad the mildest one was when a place was last looked for; `None`: not known any more.
    mildest: Option<Option<Severity>>,
    actions: VecDeque<Action>,
}

/// What is known of one key.
#[derive(Debug)]
struct Held {
    phase: Phase,
    /// What was seen otherwise than it stands, and is not believed yet.
    pending: Option<Pending>,
    /// When it was raised or changed its step, as far as [`FLAP_WINDOW`] goes back.
    changes: VecDeque<Instant>,
    due: Option<Instant>,
}

#[derive(Debug)]
enum Phase {
    /// Nothing is wrong, as far as is believed.
    Clear,
    /// It is on.
    Raised(Box<Raised>),
}

#[derive(Debug)]
struct Raised {
    alarm: Alarm,
    /// When people are reminded.
    remind: Instant,
    /// It is from before a restart, and nobody has seen it since this.
    restored: Option<Instant>,
    /// Its count as it was kept last.
    kept: u64,
}

/// What a watcher claims, and how often.
#[derive(Debug)]
struct Pending {
    claim: Claim,
    times: u32,
    since: Instant,
    /// When it was first seen, for the alarm.
    at: SystemTime,
}

/// What makes two looks equal.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Claim {
    Absent,
    Present {
        severity: Severity,
        step: String,
        /// The words of the newest look.
        said: Box<Said>,
    },
}

/// The words of one look.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    text: String,
    rule: String,
    ends: Option<SystemTime>,
    details: Vec<(String, String)>,
}

impl Claim {
    /// As the condition that it came from has it.
    fn gist(&self) -> Option<(Severity, &str)> {
        match self {
            Self::Absent => None,
            Self::Present { severity, step, .. } => Some((*severity, step)),
        }
    }

    const fn severity(&self) -> Option<Severity> {
        match self {
            Self::Absent => None,
            Self::Present { severity, .. } => Some(*severity),
        }
    }
}

impl Held {
    const fn clear() -> Self {
        Self {
            phase: Phase::Clear,
            pending: None,
            changes: VecDeque::new(),
            due: None,
        }
    }

    /// How bad it stands; `None`: nothing is wrong.
    const fn severity(&self) -> Option<Severity> {
        match &self.phase {
            Phase::Clear => None,
            Phase::Raised(raised) => Some(raised.alarm.severity),
        }
    }

    /// How bad it is or may be.
    fn weight(&self) -> Option<Severity> {
        let suspected = self.pending.as_ref();
        self.severity()
            .max(suspected.and_then(|pending| pending.claim.severity()))
    }

    const fn is_ghost(&self) -> bool {
        matches!(self.phase, Phase::Clear) && self.pending.is_none()
    }

    fn flaps(&self, now: Instant) -> bool {
        let recent = |at: &&Instant| now.saturating_duration_since(**at) < FLAP_WINDOW;
        self.changes.iter().filter(recent).count() >= FLAPS
    }

    /// Takes note of a raise or a step.
    fn changed(&mut self, now: Instant) {
        if self.changes.len() >= FLAPS {
            self.changes.pop_front();
        }
        self.changes.push_back(now);
    }
}

impl Board {
    /// An empty board.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            held: BTreeMap::new(),
            timers: BTreeSet::new(),
            silences: BTreeMap::new(),
            silences_due: None,
            identifier: 0,
            silence: 0,
            raised: 0,
            ghosts: 0,
            discarded: 0,
            discard: None,
            mildest: None,
            actions: VecDeque::new(),
        }
    }

    fn number(&mut self) -> u64 {
        self.identifier = self.identifier.saturating_add(1);
        self.identifier
    }

    fn is_silenced(&self, key: &AlarmKey, now: Now) -> bool {
        let alarm = self.alarm(key);
        alarm.is_some_and(|alarm| self.silence_of(alarm, now.wall).is_some())
    }
}

impl Machine for Board {
    type Input = Input;
    type Action = Action;

    fn handle(&mut self, input: Input, now: Now) {
        match input {
            Input::Discarded(looks) => self.lost(looks, now),
            Input::Observed(observation) => self.observe(observation, now),
            Input::Order(order) => self.order(order, now),
            Input::Policy(policy) => self.adopt(*policy, now),
        }
    }

    fn handle_timeout(&mut self, now: Now) {
        self.pass(now);
    }

    fn deadline(&self) -> Option<Instant> {
        let alarms = self.timers.first().map(|(at, _)| *at);
        let discard = self.discard.map(|at| at + DISCARD_QUIET);
        [alarms, self.silences_due, discard]
            .into_iter()
            .flatten()
            .min()
    }

    fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn check_invariants(&self) {
        // One place more is for the alarm that says that there are too many.
        assert!(self.held.len() <= self.policy.bound + 1, "the bound holds");
        let raised = self.alarms().count();
        assert_eq!(raised, self.raised, "raised alarms are counted");
        let ghosts = self.held.values().filter(|held| held.is_ghost()).count();
        assert_eq!(ghosts, self.ghosts, "what is only remembered is counted");
        let mut timers = 0;
        for (key, held) in &self.held {
            if let Some(due) = held.due {
                timers += 1;
                assert!(
                    self.timers.contains(&(due, key.clone())),
                    "{key} has a timer"
                );
            }
            assert!(held.changes.len() <= FLAPS);
            match &held.phase {
                Phase::Clear => {
                    assert!(
                        held.pending.is_some() || !held.changes.is_empty(),
                        "{key} is held for a reason"
                    );
                    let pending = held.pending.as_ref().map(|pending| &pending.claim);
                    assert_ne!(pending, Some(&Claim::Absent), "{key} waits for what is");
                }
                Phase::Raised(raised) => {
                    let alarm = &raised.alarm;
                    assert_eq!(alarm.key, *key);
                    assert!(alarm.count >= 1 && alarm.identifier <= self.identifier);
                    assert!(!self.policy.is_off(key.name), "{key} is off");
                    if let Some(told) = &alarm.told {
                        assert!(told.worst >= told.severity);
                        assert!(told.steps.len() <= Told::STEPS);
                    }
                }
            }
            assert!(held.due.is_some(), "{key} is looked at again");
        }
        assert_eq!(self.timers.len(), timers, "no timer without its alarm");
    }
}

/// The wall clock, not before 1970: dates are kept as they are counted from there.
fn dated(now: Now) -> SystemTime {
    now.wall.max(SystemTime::UNIX_EPOCH)
}
