//! What time brings.

use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use crate::domain::alarms::board::Action;
use crate::domain::alarms::board::Board;
use crate::domain::alarms::board::CONFIRM;
use crate::domain::alarms::board::DISCARD_QUIET;
use crate::domain::alarms::board::FLAP_WINDOW;
use crate::domain::alarms::board::HOUR;
use crate::domain::alarms::board::Held;
use crate::domain::alarms::board::Phase;
use crate::domain::alarms::board::SUSPICION;
use crate::domain::alarms::board::observe::ripe_at;
use crate::domain::alarms::board::room::overflow;
use crate::domain::alarms::key::AlarmKey;
use crate::domain::alarms::name::AlarmName;
use crate::domain::alarms::notice::NoticeKind;
use crate::domain::alarms::observation::Observation;
use crate::domain::alarms::policy::Policy;
use crate::domain::alarms::severity::Severity;
use crate::domain::alarms::silence;
use crate::domain::machine::Now;

/// Who ends what nobody sees any more.
const NOBODY: (&str, &str) = ("xspd", "nobody has seen it since the restart");

impl Board {
    pub(super) fn pass(&mut self, now: Now) {
        if self.silences_due.is_some_and(|due| due <= now.mono) {
            self.end_silences(now);
        }
        // Each key comes once: it is put behind `now` whenever it was looked at.
        let due: Vec<AlarmKey> = self
            .timers
            .iter()
            .take_while(|(at, _)| *at <= now.mono)
            .map(|(_, key)| key.clone())
            .collect();
        if !due.is_empty() {
            self.mildest = None;
        }
        for key in due {
            self.look(&key, now);
        }
        if let Some(last) = self.discard
            && last + DISCARD_QUIET <= now.mono
        {
            self.discard = None;
            let own = overflow();
            self.observe(Observation::absent(own.name, own.object.as_str()), now);
        }
    }

    /// Does what is due for one key.
    pub(super) fn look(&mut self, key: &AlarmKey, now: Now) {
        self.believe(key, now);
        self.give_up(key, now);
        self.confirm(key, now);
        self.remind(key, now);
        self.plan(key, now);
    }

    /// Lets go of a suspicion that nobody has repeated.
    fn give_up(&mut self, key: &AlarmKey, now: Now) {
        let Some(held) = self.held.get_mut(key) else {
            return;
        };
        let old = |since: Instant| now.mono.saturating_duration_since(since) >= SUSPICION;
        let suspected = held.pending.as_ref().map(|pending| pending.since);
        if suspected.is_some_and(old) {
            held.pending = None;
            self.ghosts += usize::from(held.is_ghost());
        }
    }

    /// Ends what is from before a restart and seen by nobody since, unless nobody can see it.
    fn confirm(&mut self, key: &AlarmKey, now: Now) {
        let is_hidden = self.is_hidden(key);
        let Some(Phase::Raised(raised)) = self.held.get_mut(key).map(|held| &mut held.phase) else {
            return;
        };
        if raised.restored.is_none_or(|at| at + CONFIRM > now.mono) {
            return;
        }
        if is_hidden {
            raised.restored = Some(now.mono);
        } else {
            self.clear(key, Some(NOBODY), now);
        }
    }

    /// Whether somebody has looked and says that the thing cannot be seen.
    fn is_hidden(&self, key: &AlarmKey) -> bool {
        let lost = AlarmKey {
            name: AlarmName::CertificateSourceLost,
            object: key.object.clone(),
        };
        match self.held.get(&lost).map(|held| &held.phase) {
            Some(Phase::Raised(raised)) => raised.restored.is_none(),
            Some(Phase::Clear) | None => false,
        }
    }

    /// Tells what has become due: what a silence held back, or a reminder.
    pub(super) fn remind(&mut self, key: &AlarmKey, now: Now) {
        let silenced = self.is_silenced(key, now);
        let Some(held) = self.held.get_mut(key) else {
            return;
        };
        let flaps = held.flaps(now.mono);
        let Phase::Raised(raised) = &mut held.phase else {
            return;
        };
        raised.alarm.flapping = flaps || (raised.alarm.flapping && held.pending.is_some());
        let ended = raised.alarm.ack.as_ref().is_some_and(|ack| {
            let own = ack
                .until
                .is_some_and(|until| until <= now.wall || silence::is_ahead(ack.at, now.wall));
            own || raised
                .alarm
                .ends
                .is_some_and(|ends| ends <= now.wall && ack.at < ends)
        });
        if ended {
            raised.alarm.ack = None;
        }
        let alarm = &raised.alarm;
        let due = raised.remind <= now.mono;
        let kind = match &alarm.told {
            _ if silenced => None,
            None => Some(NoticeKind::Raised),
            Some(told) if !told.knows(alarm.severity, &alarm.step) => Some(NoticeKind::Stepped),
            Some(_) if due && alarm.ack.is_none() => Some(NoticeKind::Reminded),
            Some(_) => None,
        };
        match kind {
            Some(kind) => self.tell(key, kind, None, now),
            None if ended || raised.kept != alarm.count => self.keep(key),
            None => {}
        }
    }

    /// Writes down when a key is looked at next, or forgets it.
    pub(super) fn plan(&mut self, key: &AlarmKey, now: Now) {
        let Some(held) = self.held.get_mut(key) else {
            return;
        };
        let due = due(&self.policy, key, held, now);
        if due != held.due {
            if let Some(old) = held.due {
                self.timers.remove(&(old, key.clone()));
            }
            held.due = due;
            if let Some(due) = due {
                self.timers.insert((due, key.clone()));
            }
        }
        if due.is_none() {
            self.forget(key);
        }
    }

    fn end_silences(&mut self, now: Now) {
        let before = self.silences.len();
        self.silences
            .retain(|_, silence| !silence.has_ended(now.wall));
        let ended = self.silences.len() != before;
        if ended {
            let all = self.silences.values().cloned().collect();
            self.actions.push_back(Action::Silences(all));
        }
        self.plan_silences(now);
        if ended {
            self.look_at_all(now);
        }
    }

    /// Every alarm, after something that concerns them all.
    pub(super) fn look_at_all(&mut self, now: Now) {
        let keys: Vec<AlarmKey> = self.alarms().map(|alarm| alarm.key.clone()).collect();
        for key in keys {
            self.remind(&key, now);
            self.plan(&key, now);
        }
    }

    pub(super) fn plan_silences(&mut self, now: Now) {
        let ends = self.silences.values().map(|silence| silence.until);
        self.silences_due = ends.min().map(|end| at(end, now));
    }

    /// Other rules hold from now on.
    pub(super) fn adopt(&mut self, policy: Policy, now: Now) {
        let bound = policy.bound.max(self.held.len());
        self.policy = Policy { bound, ..policy };
        self.mildest = None;
        let keys: Vec<AlarmKey> = self.held.keys().cloned().collect();
        for key in keys {
            if self.policy.is_off(key.name) {
                self.switch_off(&key, now);
            } else {
                self.revalue(&key, now);
            }
            self.plan(&key, now);
        }
    }

    fn switch_off(&mut self, key: &AlarmKey, now: Now) {
        if self.alarm(key).is_some() {
            let why = ("xspd", "the configuration has switched it off");
            self.clear(key, Some(why), now);
        }
        self.forget(key);
    }

    /// A severity that is set counts at once; the next look says the rest.
    fn revalue(&mut self, key: &AlarmKey, now: Now) {
        let set = self.policy.overrides.get(&key.name);
        let set: Option<Severity> = set.and_then(|held| held.severity);
        let latest = now.mono + self.policy.remind_every;
        let Some(held) = self.held.get_mut(key) else {
            return;
        };
        let was_ghost = held.is_ghost();
        // What was pending was weighed by other rules.
        held.pending = None;
        if held.is_ghost() && !was_ghost {
            self.ghosts += 1;
        }
        let Phase::Raised(raised) = &mut held.phase else {
            return;
        };
        raised.remind = raised.remind.min(latest);
        if let Some(severity) = set
            && raised.alarm.severity != severity
        {
            raised.alarm.severity = severity;
            self.tell_step(key, now);
        }
    }
}

/// When a key is looked at next; `None`: it can be forgotten.
fn due(policy: &Policy, key: &AlarmKey, held: &Held, now: Now) -> Option<Instant> {
    let pending = held.pending.as_ref().map(|pending| {
        let ripe = ripe_at(policy, key.name, held, pending, now.mono);
        ripe.unwrap_or(pending.since + SUSPICION)
    });
    match &held.phase {
        Phase::Clear => {
            let flapped = held.changes.back().map(|last| *last + FLAP_WINDOW);
            let flapped = flapped.filter(|until| *until > now.mono);
            pending.or(flapped)
        }
        Phase::Raised(raised) => {
            let alarm = &raised.alarm;
            let hour = now.mono + HOUR;
            let remind = Some(raised.remind).filter(|at| *at > now.mono);
            let confirm = raised.restored.map(|since| since + CONFIRM);
            let ack = alarm.ack.as_ref().and_then(|ack| ack.until);
            let dates = [ack, alarm.ends].into_iter().flatten();
            let dates = dates.filter(|date| *date > now.wall);
            let dates = dates.map(|date| at(date, now)).min();
            let all = [pending, remind, confirm, dates, Some(hour)];
            all.into_iter().flatten().min()
        }
    }
}

/// When a date comes, or when to look again, an hour from now at most.
fn at(date: SystemTime, now: Now) -> Instant {
    let left = date.duration_since(now.wall).unwrap_or(Duration::ZERO);
    now.mono + left.min(HOUR)
}
