//! The board: every alarm, what is suspected, what is silenced, and when people are told again.
//!
//! Watchers may say the same thing a thousand times, or change their minds each second: the board
//! believes what it hears often enough, tells each step once, reminds once a day, and holds what
//! comes and goes until it has been quiet.
//!
//! * `observe`: what watchers say becomes raise, step and clear.
//! * `orders`: what people say: acknowledge, silence, clear by hand.
//! * `due`: what time brings: the end of a hold-down, of a silence, of a day.
//!
//! Waiting goes by the monotonic clock, and no alarm waits for more than an hour before its dates
//! are compared with the wall clock again: a clock that jumps neither swallows a reminder nor
//! brings a second one.

mod due;
mod observe;
mod orders;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use crate::domain::alarms::alarm::Alarm;
use crate::domain::alarms::alarm::Entry;
use crate::domain::alarms::alarm::Told;
use crate::domain::alarms::catalogue;
use crate::domain::alarms::key::AlarmKey;
use crate::domain::alarms::name::AlarmName;
use crate::domain::alarms::notice::Notice;
use crate::domain::alarms::notice::NoticeKind;
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
    fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Absent, Self::Absent) => true,
            (
                Self::Present { severity, step, .. },
                Self::Present {
                    severity: others,
                    step: other,
                    ..
                },
            ) => severity == others && step == other,
            (Self::Absent, Self::Present { .. }) | (Self::Present { .. }, Self::Absent) => false,
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
            actions: VecDeque::new(),
        }
    }

    /// A board with what was kept before a restart. `identifier` is that of the newest notice that
    /// may have gone out.
    #[must_use]
    pub fn restore(
        policy: Policy,
        alarms: Vec<Alarm>,
        silences: Vec<Silence>,
        identifier: u64,
        now: Now,
    ) -> Self {
        let mut board = Self::new(policy);
        board.identifier = identifier;
        for silence in silences {
            board.silence = board.silence.max(silence.id);
            board.silences.insert(silence.id, silence);
        }
        for alarm in alarms {
            board.identifier = board.identifier.max(alarm.identifier);
            board.readmit(alarm, now);
        }
        board.plan_silences(now);
        board
    }

    fn readmit(&mut self, alarm: Alarm, now: Now) {
        // A clock that went back makes no reminder early: the wait begins anew.
        let waited = alarm
            .told
            .as_ref()
            .and_then(|told| now.wall.duration_since(told.at).ok())
            .unwrap_or_default();
        // Watchers speak first: what is over need not be reminded of.
        let left = self.policy.remind_every.saturating_sub(waited).max(MINUTE);
        let key = alarm.key.clone();
        let mut held = Held::clear();
        held.phase = Phase::Raised(Box::new(Raised {
            remind: now.mono + left,
            restored: Some(now.mono),
            kept: alarm.count,
            alarm,
        }));
        if self.held.insert(key.clone(), held).is_none() {
            self.raised += 1;
        }
        self.plan(&key, now);
    }

    /// Every alarm that is on, by name and object.
    pub fn alarms(&self) -> impl Iterator<Item = &Alarm> {
        self.held.values().filter_map(|held| match &held.phase {
            Phase::Clear => None,
            Phase::Raised(raised) => Some(&raised.alarm),
        })
    }

    /// One alarm.
    #[must_use]
    pub fn alarm(&self, key: &AlarmKey) -> Option<&Alarm> {
        match &self.held.get(key)?.phase {
            Phase::Clear => None,
            Phase::Raised(raised) => Some(&raised.alarm),
        }
    }

    /// The silence that an alarm is under, the one that ends last.
    #[must_use]
    pub fn silence_of(&self, alarm: &Alarm, now: SystemTime) -> Option<&Silence> {
        // No silence outlives the thing itself.
        if alarm.ends.is_some_and(|ends| ends <= now) {
            return None;
        }
        let on = self.silences.values().filter(|held| held.is_on(now));
        on.filter(|held| held.is_about(&alarm.key))
            .max_by_key(|held| held.until)
    }

    /// All silences, oldest first.
    pub fn silences(&self) -> impl Iterator<Item = &Silence> {
        self.silences.values()
    }

    /// What it goes by.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Number of the newest notice.
    #[must_use]
    pub const fn identifier(&self) -> u64 {
        self.identifier
    }

    /// Observations that found no place since the start.
    #[must_use]
    pub const fn discarded(&self) -> u64 {
        self.discarded
    }

    /// A notice that tries whether notices arrive. It belongs to no alarm and is not kept.
    pub fn test(&mut self, sink: &str, who: &str, now: Now) -> Notice {
        let wall = dated(now);
        Notice {
            identifier: self.number(),
            kind: NoticeKind::Test,
            key: AlarmKey::new(AlarmName::AlarmSinkFailing, sink),
            severity: Severity::Informational,
            at: wall,
            since: wall,
            count: 1,
            system: self.policy.system.clone(),
            text: format!(
                "This is a test of the sink {sink}, asked for by {who}. Nothing is wrong."
            ),
            action: "Nothing has to be done.".to_owned(),
            step: String::new(),
            rule: String::new(),
            ends: None,
            details: Vec::new(),
        }
    }

    fn number(&mut self) -> u64 {
        self.identifier = self.identifier.saturating_add(1);
        self.identifier
    }

    /// Has a change of an alarm kept, and told if `told` says so.
    fn tell(&mut self, key: &AlarmKey, kind: NoticeKind, by: Option<(&str, &str)>, now: Now) {
        let silenced = self.is_silenced(key, now);
        let identifier = self.number();
        let Self { held, policy, .. } = self;
        let Some(Held {
            phase: Phase::Raised(raised),
            ..
        }) = held.get_mut(key)
        else {
            return;
        };
        // Who has heard nothing because of a silence hears first that it is there.
        let unheard = raised.alarm.told.is_none() && !silenced;
        let kind = if kind == NoticeKind::Stepped && unheard {
            NoticeKind::Raised
        } else {
            kind
        };
        raised.alarm.identifier = identifier;
        let notice = notice(&raised.alarm, kind, policy, dated(now));
        self.told(key, notice, by, silenced, now);
    }

    fn is_silenced(&self, key: &AlarmKey, now: Now) -> bool {
        let alarm = self.alarm(key);
        alarm.is_some_and(|alarm| self.silence_of(alarm, now.wall).is_some())
    }

    /// Takes note of what a notice makes people know, and has it kept and sent.
    fn told(
        &mut self,
        key: &AlarmKey,
        notice: Notice,
        by: Option<(&str, &str)>,
        silenced: bool,
        now: Now,
    ) {
        let remind = now.mono + self.policy.remind_every;
        let Some(Held {
            phase: Phase::Raised(raised),
            ..
        }) = self.held.get_mut(key)
        else {
            return;
        };
        let over = notice.kind.is_end();
        let before = raised.alarm.told.as_ref().map(|told| told.worst);
        // The end of what was told is told, whatever silence there is now.
        let reach = match (over, silenced) {
            (true, _) => before,
            (false, true) => None,
            (false, false) => {
                let alarm = &mut raised.alarm;
                let told = alarm.told.get_or_insert_with(|| Told {
                    at: notice.at,
                    severity: notice.severity,
                    worst: notice.severity,
                    steps: Vec::new(),
                });
                told.note(notice.severity, &notice.step, notice.at);
                raised.remind = remind;
                match notice.kind {
                    // Who is not told of that severity is not reminded of it either.
                    NoticeKind::Reminded => Some(notice.severity),
                    NoticeKind::Raised
                    | NoticeKind::Stepped
                    | NoticeKind::Acknowledged
                    | NoticeKind::Cleared
                    | NoticeKind::Test => Some(told.worst),
                }
            }
        };
        raised.kept = raised.alarm.count;
        let entry = Entry {
            silenced: reach.is_none(),
            notice,
            by: by.map(|(who, _)| who.to_owned()),
            comment: by
                .map(|(_, comment)| comment.to_owned())
                .filter(|comment| !comment.is_empty()),
        };
        self.actions.push_back(Action::Changed(Box::new(Change {
            key: key.clone(),
            alarm: (!over).then(|| raised.alarm.clone()),
            entry: Some(entry),
            reach,
        })));
    }

    /// Has an alarm kept as it is, without a word to anybody.
    fn keep(&mut self, key: &AlarmKey) {
        if let Some(Held {
            phase: Phase::Raised(raised),
            ..
        }) = self.held.get_mut(key)
        {
            raised.kept = raised.alarm.count;
            self.actions.push_back(Action::Changed(Box::new(Change {
                key: key.clone(),
                alarm: Some(raised.alarm.clone()),
                entry: None,
                reach: None,
            })));
        }
    }
}

impl Machine for Board {
    type Input = Input;
    type Action = Action;

    fn handle(&mut self, input: Input, now: Now) {
        match input {
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

fn notice(alarm: &Alarm, kind: NoticeKind, policy: &Policy, at: SystemTime) -> Notice {
    let entry = catalogue::entry(alarm.key.name);
    let mut details = alarm.details.clone();
    let runbook = policy.runbook(alarm.key.name);
    if let Some(runbook) = runbook
        && !details.iter().any(|(name, _)| name == "runbook")
    {
        details.push(("runbook".to_owned(), runbook.to_owned()));
    }
    if alarm.flapping {
        details.push((
            "flapping".to_owned(),
            "it comes and goes; it is held until it has been quiet for half an hour".to_owned(),
        ));
    }
    let text = match kind {
        NoticeKind::Cleared => format!("It is over: {}", alarm.text),
        NoticeKind::Acknowledged => match &alarm.ack {
            Some(ack) if ack.comment.is_empty() => {
                format!("{} has it: {}", ack.who, alarm.text)
            }
            Some(ack) => format!("{} has it ({}): {}", ack.who, ack.comment, alarm.text),
            None => alarm.text.clone(),
        },
        NoticeKind::Raised | NoticeKind::Stepped | NoticeKind::Reminded | NoticeKind::Test => {
            alarm.text.clone()
        }
    };
    Notice {
        identifier: alarm.identifier,
        kind,
        key: alarm.key.clone(),
        severity: alarm.severity,
        at,
        since: alarm.since,
        count: alarm.count,
        system: policy.system.clone(),
        text,
        action: match kind {
            NoticeKind::Cleared => "Nothing has to be done.".to_owned(),
            NoticeKind::Raised
            | NoticeKind::Stepped
            | NoticeKind::Reminded
            | NoticeKind::Acknowledged
            | NoticeKind::Test => entry.action.to_owned(),
        },
        step: alarm.step.clone(),
        rule: alarm.rule.clone(),
        ends: alarm.ends,
        details,
    }
}
