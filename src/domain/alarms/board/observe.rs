//! What watchers say becomes raise, step and clear.

use std::time::Instant;

use crate::domain::alarms::alarm::Alarm;
use crate::domain::alarms::board::Board;
use crate::domain::alarms::board::Claim;
use crate::domain::alarms::board::FLAP_QUIET;
use crate::domain::alarms::board::Held;
use crate::domain::alarms::board::Pending;
use crate::domain::alarms::board::Phase;
use crate::domain::alarms::board::Raised;
use crate::domain::alarms::board::Said;
use crate::domain::alarms::board::dated;
use crate::domain::alarms::catalogue;
use crate::domain::alarms::catalogue::Hold;
use crate::domain::alarms::key::AlarmKey;
use crate::domain::alarms::name::AlarmName;
use crate::domain::alarms::notice::NoticeKind;
use crate::domain::alarms::observation::Condition;
use crate::domain::alarms::observation::DETAIL;
use crate::domain::alarms::observation::Observation;
use crate::domain::alarms::observation::Present;
use crate::domain::alarms::policy::Policy;
use crate::domain::alarms::severity::Severity;
use crate::domain::alarms::whose::COMMAND;
use crate::domain::line::line;
use crate::domain::machine::Now;

/// Characters of a sentence.
const TEXT: usize = 500;
/// Characters of a step, of a rule, of a name of a detail.
const WORD: usize = 100;
/// Details of an alarm.
const DETAILS: usize = 16;

impl Board {
    pub(super) fn observe(&mut self, observation: Observation, now: Now) {
        let Observation { key, condition } = observation;
        let claim = match condition {
            Condition::Present(present) if !self.policy.is_off(key.name) => {
                claim(&key, present, &self.policy)
            }
            Condition::Present(_) | Condition::Absent => Claim::Absent,
        };
        if !self.held.contains_key(&key) {
            if claim == Claim::Absent {
                return;
            }
            if !self.has_room(&key) && !self.make_room(&claim, now) {
                self.discard(&key, now);
                return;
            }
            self.held.insert(key.clone(), Held::clear());
            self.ghosts += 1;
        }
        let before = self.held.get(&key).and_then(Held::weight);
        self.hear(&key, claim, now);
        self.plan(&key, now);
        let after = self.held.get(&key).and_then(Held::weight);
        if before != after {
            self.mildest = None;
        }
    }

    /// Weighs one look.
    fn hear(&mut self, key: &AlarmKey, claim: Claim, now: Now) {
        let Some(held) = self.held.get_mut(key) else {
            return;
        };
        let was_ghost = held.is_ghost();
        if let Phase::Raised(raised) = &mut held.phase {
            // Somebody looked: it is no longer only what stood there before the restart.
            raised.restored = None;
            if claim != Claim::Absent {
                raised.alarm.seen = dated(now);
                raised.alarm.count = raised.alarm.count.saturating_add(1);
            }
        }
        if stands(&held.phase) == claim.gist() {
            held.pending = None;
            if let (Phase::Raised(raised), Claim::Present { said, .. }) = (&mut held.phase, claim) {
                reword(&mut raised.alarm, *said);
            }
        } else {
            match &mut held.pending {
                Some(pending) if pending.claim.gist() == claim.gist() => {
                    pending.times = pending.times.saturating_add(1);
                    pending.claim = claim;
                }
                Some(_) | None => {
                    held.pending = Some(Pending {
                        claim,
                        times: 1,
                        since: now.mono,
                        at: dated(now),
                    });
                }
            }
        }
        let is_ghost = held.is_ghost();
        self.ghosts = self.ghosts + usize::from(is_ghost) - usize::from(was_ghost);
        self.believe(key, now);
    }

    /// Lets what was claimed often enough become so.
    pub(super) fn believe(&mut self, key: &AlarmKey, now: Now) {
        let Some(held) = self.held.get_mut(key) else {
            return;
        };
        let Some(pending) = &held.pending else { return };
        let enough = pending.times >= needed(&self.policy, key.name, &pending.claim);
        let ripe = ripe_at(&self.policy, key.name, held, pending, now.mono);
        let better = pending.claim.severity() <= held.severity();
        // What flaps must stay better for a while, however often that was said.
        let held_back = better && held.flaps(now.mono);
        let ripe = ripe.is_some_and(|at| at <= now.mono);
        if !(ripe || enough && !held_back) {
            return;
        }
        let Some(pending) = held.pending.take() else {
            return;
        };
        let (claim, at, times) = (pending.claim, pending.at, pending.times);
        match (&mut held.phase, claim) {
            (Phase::Clear, Claim::Absent) => self.ghosts += 1,
            (
                Phase::Clear,
                Claim::Present {
                    severity,
                    step,
                    said,
                },
            ) => {
                held.changed(now.mono);
                let flapping = held.flaps(now.mono);
                let mut alarm = Alarm {
                    key: key.clone(),
                    severity,
                    step,
                    text: String::new(),
                    rule: String::new(),
                    ends: None,
                    details: Vec::new(),
                    since: at,
                    seen: dated(now),
                    count: u64::from(times),
                    identifier: 0,
                    told: None,
                    ack: None,
                    flapping,
                };
                reword(&mut alarm, *said);
                held.phase = Phase::Raised(Box::new(Raised {
                    alarm,
                    remind: now.mono + self.policy.remind_every,
                    restored: None,
                    kept: 0,
                }));
                self.raised += 1;
                self.tell(key, NoticeKind::Raised, None, now);
            }
            (
                Phase::Raised(_),
                Claim::Present {
                    severity,
                    step,
                    said,
                },
            ) => self.step(key, severity, step, *said, now),
            (Phase::Raised(_), Claim::Absent) => self.clear(key, None, now),
        }
    }

    fn step(&mut self, key: &AlarmKey, severity: Severity, step: String, said: Said, now: Now) {
        let Some(held) = self.held.get_mut(key) else {
            return;
        };
        held.changed(now.mono);
        let flapping = held.flaps(now.mono);
        let Phase::Raised(raised) = &mut held.phase else {
            return;
        };
        let alarm = &mut raised.alarm;
        alarm.severity = severity;
        alarm.step = step;
        alarm.flapping = flapping;
        reword(alarm, said);
        // Who took it on took on something milder.
        if alarm
            .ack
            .as_ref()
            .is_some_and(|ack| ack.severity < severity)
        {
            alarm.ack = None;
        }
        self.tell_step(key, now);
    }

    /// Tells that an alarm has changed, unless people know it like that.
    pub(super) fn tell_step(&mut self, key: &AlarmKey, now: Now) {
        let known = self.alarm(key).and_then(|alarm| {
            let told = alarm.told.as_ref()?;
            Some(told.knows(alarm.severity, &alarm.step))
        });
        if known == Some(true) {
            self.keep(key);
        } else {
            self.tell(key, NoticeKind::Stepped, None, now);
        }
    }

    /// Ends an alarm.
    pub(super) fn clear(&mut self, key: &AlarmKey, by: Option<(&str, &str)>, now: Now) {
        self.tell(key, NoticeKind::Cleared, by, now);
        if let Some(held) = self.held.get_mut(key) {
            held.phase = Phase::Clear;
            held.pending = None;
            self.raised -= 1;
            self.ghosts += 1;
        }
    }

    /// Forgets a key without an alarm.
    pub(super) fn forget(&mut self, key: &AlarmKey) {
        if let Some(held) = self.held.remove(key) {
            if let Some(due) = held.due {
                self.timers.remove(&(due, key.clone()));
            }
            self.ghosts -= usize::from(held.is_ghost());
        }
    }
}

/// How it stands, to compare a claim with.
fn stands(phase: &Phase) -> Option<(Severity, &str)> {
    match phase {
        Phase::Clear => None,
        Phase::Raised(raised) => Some((raised.alarm.severity, &raised.alarm.step)),
    }
}

/// How many equal looks it takes.
fn needed(policy: &Policy, name: AlarmName, claim: &Claim) -> u32 {
    let at_once = policy.critical_at_once && claim.severity() == Some(Severity::Critical);
    match catalogue::entry(name).hold {
        Hold::Once => 1,
        Hold::Stands if at_once => 1,
        Hold::Stands => policy.hold_down.max(1),
    }
}

/// When what is pending is believed without a further look.
pub(super) fn ripe_at(
    policy: &Policy,
    name: AlarmName,
    held: &Held,
    pending: &Pending,
    now: Instant,
) -> Option<Instant> {
    let better = pending.claim.severity() <= held.severity();
    if better && held.flaps(now) {
        return Some(pending.since + FLAP_QUIET);
    }
    match catalogue::entry(name).hold {
        Hold::Once => Some(pending.since),
        Hold::Stands => Some(pending.since + policy.hold_time),
    }
}

fn reword(alarm: &mut Alarm, said: Said) {
    let Said {
        text,
        rule,
        ends,
        details,
    } = said;
    alarm.text = text;
    alarm.rule = rule;
    alarm.ends = ends;
    alarm.details = details;
}

fn claim(key: &AlarmKey, present: Present, policy: &Policy) -> Claim {
    let Present {
        severity,
        step,
        text,
        rule,
        ends,
        details,
    } = present;
    let details = details.into_iter().take(DETAILS);
    let details = details.filter_map(|(name, value)| {
        let value = if name == COMMAND {
            // One that is cut would be another command.
            Some(policy.ending.line(&value)).filter(|value| value.chars().count() <= DETAIL)?
        } else {
            value
        };
        Some((line(&name, WORD), line(&value, DETAIL)))
    });
    Claim::Present {
        severity: policy.severity(key.name, severity),
        step: line(&step, WORD),
        said: Box::new(Said {
            text: line(&text, TEXT),
            rule: line(&rule, WORD),
            ends: ends.filter(|ends| *ends >= std::time::SystemTime::UNIX_EPOCH),
            details: details.collect(),
        }),
    }
}
