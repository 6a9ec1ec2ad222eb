//! What is on the board, and what was on it before a restart.

use std::time::SystemTime;

use crate::domain::alarms::alarm::Alarm;
use crate::domain::alarms::board::Board;
use crate::domain::alarms::board::Held;
use crate::domain::alarms::board::MINUTE;
use crate::domain::alarms::board::Phase;
use crate::domain::alarms::board::Raised;
use crate::domain::alarms::board::dated;
use crate::domain::alarms::board::tell::notice;
use crate::domain::alarms::key::AlarmKey;
use crate::domain::alarms::name::AlarmName;
use crate::domain::alarms::notice::Notice;
use crate::domain::alarms::notice::NoticeKind;
use crate::domain::alarms::policy::Policy;
use crate::domain::alarms::severity::Severity;
use crate::domain::alarms::silence::Silence;
use crate::domain::machine::Now;

impl Board {
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

    /// What people have been told of every alarm, to be told again where it would fade, and the
    /// worst severity that they were told of it. A silence or somebody who has taken it on ends no
    /// alarm; what a silence holds back stays back. Numbers are those of the newest notices.
    #[must_use]
    pub fn standing(&self, now: Now) -> Vec<(Notice, Severity)> {
        let told = self.alarms().filter_map(|alarm| {
            let told = alarm.told.as_ref()?;
            let kind = NoticeKind::Reminded;
            let mut notice = notice(alarm, kind, &self.policy, dated(now));
            notice.severity = told.severity;
            Some((notice, told.worst))
        });
        told.collect()
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
            ending: self.policy.ending.clone(),
        }
    }
}
