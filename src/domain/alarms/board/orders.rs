//! What people say of alarms.

use std::time::SystemTime;

use crate::domain::alarms::alarm::Ack;
use crate::domain::alarms::board::Action;
use crate::domain::alarms::board::Board;
use crate::domain::alarms::board::Phase;
use crate::domain::alarms::board::dated;
use crate::domain::alarms::key::AlarmKey;
use crate::domain::alarms::name::AlarmName;
use crate::domain::alarms::notice::NoticeKind;
use crate::domain::alarms::silence;
use crate::domain::alarms::silence::Silence;
use crate::domain::line::line;
use crate::domain::machine::Now;
use crate::domain::pattern;

/// What a person wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Takes an alarm on: no reminders until then, unless it gets worse.
    Acknowledge {
        /// Which.
        key: AlarmKey,
        /// Who.
        who: String,
        /// Until when; `None`: until it is over.
        until: Option<SystemTime>,
        /// What they say to it.
        comment: String,
    },
    /// Ends an alarm by hand, for one whose watcher is gone; if it is seen again it is raised
    /// again.
    Clear {
        /// Which.
        key: AlarmKey,
        /// Who.
        who: String,
        /// Why.
        comment: String,
    },
    /// Silences what matches.
    Silence {
        /// Pattern of names.
        name: String,
        /// Pattern of objects.
        object: String,
        /// Who.
        who: String,
        /// Until when.
        until: SystemTime,
        /// Why.
        comment: String,
    },
    /// Gives an alarm back.
    Unacknowledge {
        /// Which.
        key: AlarmKey,
    },
    /// Ends a silence.
    Unsilence {
        /// Which.
        id: u64,
    },
}

/// Why that is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderRefused {
    /// There is no such alarm now.
    NoSuchAlarm,
    /// Nobody has taken it on.
    NotAcknowledged,
    /// No alarm has such a name; those that may be meant.
    NoSuchName(Vec<AlarmName>),
    /// There is no such silence now.
    NoSuchSilence,
    /// Its end is in the past.
    EndPassed,
    /// The thing itself ends before.
    BeyondItsEnd(SystemTime),
    /// It is longer than [`silence::LONGEST`].
    TooLong,
    /// There are [`silence::MOST`].
    TooMany,
    /// A pattern is empty or too long.
    BadPattern,
}

impl Board {
    /// Whether an order can be carried out.
    ///
    /// # Errors
    /// Why not.
    pub fn judge(&self, order: &Order, now: SystemTime) -> Result<(), OrderRefused> {
        match order {
            Order::Acknowledge { key, until, .. } => {
                let alarm = self.alarm(key).ok_or(OrderRefused::NoSuchAlarm)?;
                let ends = alarm.ends.filter(|ends| *ends > now);
                match (until, ends) {
                    (Some(until), _) if *until <= now => Err(OrderRefused::EndPassed),
                    (Some(until), Some(ends)) if *until > ends => {
                        Err(OrderRefused::BeyondItsEnd(ends))
                    }
                    (Some(_) | None, _) => Ok(()),
                }
            }
            Order::Clear { key, .. } => {
                let found = self.alarm(key).map(drop);
                found.ok_or(OrderRefused::NoSuchAlarm)
            }
            Order::Silence {
                name,
                object,
                until,
                ..
            } => self.judge_silence(name, object, *until, now),
            Order::Unacknowledge { key } => {
                let alarm = self.alarm(key).ok_or(OrderRefused::NoSuchAlarm)?;
                let ack = alarm.ack.as_ref().map(drop);
                ack.ok_or(OrderRefused::NotAcknowledged)
            }
            Order::Unsilence { id } => {
                let found = self.silences.get(id).map(drop);
                found.ok_or(OrderRefused::NoSuchSilence)
            }
        }
    }

    fn judge_silence(
        &self,
        name: &str,
        object: &str,
        until: SystemTime,
        now: SystemTime,
    ) -> Result<(), OrderRefused> {
        let bad =
            |pattern: &str| pattern.trim().is_empty() || pattern.chars().count() > silence::TEXT;
        if bad(name) || bad(object) {
            return Err(OrderRefused::BadPattern);
        }
        let fits = |known: &AlarmName| pattern::fits(name.trim(), known.word());
        if !AlarmName::ALL.iter().any(fits) {
            return Err(OrderRefused::NoSuchName(AlarmName::nearest(name.trim())));
        }
        match until.duration_since(now) {
            Ok(left) if left > silence::LONGEST => return Err(OrderRefused::TooLong),
            Ok(left) if !left.is_zero() => {}
            Ok(_) | Err(_) => return Err(OrderRefused::EndPassed),
        }
        if self.silences.len() >= silence::MOST {
            return Err(OrderRefused::TooMany);
        }
        // Of one alarm it cannot outlive the thing; of a pattern each alarm has its own end.
        let about = self
            .alarms()
            .find(|alarm| alarm.key.name.word() == name && alarm.key.object.as_str() == object);
        match about.and_then(|alarm| alarm.ends) {
            Some(ends) if ends <= now => Err(OrderRefused::BeyondItsEnd(ends)),
            Some(ends) if until > ends => Err(OrderRefused::BeyondItsEnd(ends)),
            Some(_) | None => Ok(()),
        }
    }

    pub(super) fn order(&mut self, order: Order, now: Now) {
        if self.judge(&order, now.wall).is_err() {
            return;
        }
        match order {
            Order::Acknowledge {
                key,
                who,
                until,
                comment,
            } => self.acknowledge(&key, &who, until, &comment, now),
            Order::Clear { key, who, comment } => {
                let (who, comment) = (line(&who, silence::TEXT), line(&comment, silence::TEXT));
                self.clear(&key, Some((&who, &comment)), now);
                self.plan(&key, now);
            }
            Order::Silence {
                name,
                object,
                who,
                until,
                comment,
            } => {
                self.silence = self.silence.saturating_add(1);
                let silence = Silence {
                    id: self.silence,
                    name: line(&name, silence::TEXT),
                    object: line(&object, silence::TEXT),
                    who: line(&who, silence::TEXT),
                    comment: line(&comment, silence::TEXT),
                    at: dated(now),
                    until,
                };
                self.silences.insert(silence.id, silence);
                self.silenced(now);
            }
            Order::Unacknowledge { key } => {
                if let Some(Phase::Raised(raised)) = self.held.get_mut(&key).map(|h| &mut h.phase) {
                    raised.alarm.ack = None;
                    self.keep(&key);
                    // What was due meanwhile is told now.
                    self.remind(&key, now);
                    self.plan(&key, now);
                }
            }
            Order::Unsilence { id } => {
                self.silences.remove(&id);
                self.silenced(now);
                self.look_at_all(now);
            }
        }
    }

    fn silenced(&mut self, now: Now) {
        let all = self.silences.values().cloned().collect();
        self.actions.push_back(Action::Silences(all));
        self.plan_silences(now);
    }

    fn acknowledge(
        &mut self,
        key: &AlarmKey,
        who: &str,
        until: Option<SystemTime>,
        comment: &str,
        now: Now,
    ) {
        // What a silence held back until now comes first.
        self.remind(key, now);
        let Some(Phase::Raised(raised)) = self.held.get_mut(key).map(|held| &mut held.phase) else {
            return;
        };
        let (who, comment) = (line(who, silence::TEXT), line(comment, silence::TEXT));
        raised.alarm.ack = Some(Ack {
            who: who.clone(),
            at: dated(now),
            until,
            comment: comment.clone(),
            severity: raised.alarm.severity,
        });
        self.tell(key, NoticeKind::Acknowledged, Some((&who, &comment)), now);
        self.plan(key, now);
    }
}
