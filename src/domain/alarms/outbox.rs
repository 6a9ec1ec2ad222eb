//! What one sink has still to be told, and what it is told next.
//!
//! What concerns one alarm is told in its order. A notice that the sink does not take does not hold
//! up those of other alarms for ever: whoever was tried least comes first. Whoever drives it tells
//! the sink, and says what came of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use crate::domain::alarms::key::AlarmKey;
use crate::domain::alarms::notice::Notice;
use crate::domain::alarms::notice::NoticeKind;

/// Notices that wait for one sink at most: some megabytes.
pub const MOST_WAITING: usize = 1_000;

/// Failures of one notice after which a doubt is a refusal: with the pauses between them more than
/// a day.
const DOUBTS: u32 = 210;

/// The longest that a sink is left alone because of a doubt about what may be one notice.
const DOUBTFUL: Duration = Duration::from_secs(60);

/// First pause after a failure, and the longest; between them it doubles.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(600);

/// No wait is longer before quiet hours are compared with the clock again.
const HOUR: Duration = Duration::from_secs(3600);

/// What one sink has still to be told.
#[derive(Debug, Default)]
pub struct Outbox {
    waiting: BTreeMap<u64, Item>,
    /// Failures in a row.
    failures: u32,
    /// Those of them that none of its receivers took, for the length of pauses.
    pausing: u32,
    /// When the first of them was.
    failing: Option<Instant>,
    not_before: Option<Instant>,
}

#[derive(Debug)]
struct Item {
    notice: Arc<Notice>,
    attempts: u32,
    /// A pause of its own.
    not_before: Option<Instant>,
    /// Some of the sink's receivers have it; what follows in its alarm does not wait for the rest.
    partly: bool,
}

impl Item {
    const fn new(notice: Arc<Notice>, attempts: u32) -> Self {
        Self {
            notice,
            attempts,
            not_before: None,
            partly: false,
        }
    }

    /// How much of its own pause is left.
    fn pause(&self, now: Instant) -> Duration {
        let until = self.not_before.unwrap_or(now);
        until.saturating_duration_since(now)
    }

    /// Whoever was tried least comes first, and of those the oldest.
    fn turn(&self) -> (u32, u64) {
        (self.attempts, self.notice.identifier)
    }
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing waits.
    Idle,
    /// This is told; so many attempts were made before.
    Tell(Arc<Notice>, u32),
    /// Nothing can be told before.
    Wait(Instant),
}

impl Outbox {
    /// How many notices wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none does.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether the beginning of an alarm still waits to be told.
    #[must_use]
    pub fn is_unheard(&self, key: &AlarmKey) -> bool {
        let mut waiting = self.waiting.values();
        waiting.any(|item| {
            let begins = item.notice.kind == NoticeKind::Raised && !item.partly;
            begins && item.notice.key == *key
        })
    }

    /// Nothing is told before: the sink asked for that before a restart.
    pub fn hold(&mut self, until: Instant) {
        self.not_before = self.not_before.max(Some(until));
    }

    /// The numbers of all that wait.
    #[must_use]
    pub fn numbers(&self) -> Vec<u64> {
        self.waiting.keys().copied().collect()
    }

    /// Takes a notice in. Returns those that are not told any more because there are too many.
    pub fn push(&mut self, notice: Arc<Notice>, attempts: u32) -> Vec<u64> {
        let mut gone = Vec::new();
        if notice.kind == NoticeKind::Reminded {
            // A newer reminder says all that the older one would.
            let older = |item: &Item| {
                item.notice.kind == NoticeKind::Reminded && item.notice.key == notice.key
            };
            let older = self.waiting.iter().find(|(_, item)| older(item));
            if let Some(number) = older.map(|(number, _)| *number) {
                self.waiting.remove(&number);
                gone.push(number);
            }
        }
        self.waiting
            .insert(notice.identifier, Item::new(notice, attempts));
        while self.waiting.len() > MOST_WAITING {
            let Some(number) = self.least() else { break };
            gone.extend(self.discard(number));
        }
        gone
    }

    /// What is missed least: reminders, then what some have, then what a newer notice of the same
    /// alarm takes the place of, then the mildest, the oldest first. The end of an alarm goes last:
    /// nothing would take its place, and with the sink the alarm would be on for ever.
    fn least(&self) -> Option<u64> {
        let mut newest: BTreeMap<&AlarmKey, u64> = BTreeMap::new();
        for (number, item) in &self.waiting {
            newest.insert(&item.notice.key, *number);
        }
        let rank = |number: u64, item: &Item| {
            let superseded = newest.get(&item.notice.key) != Some(&number);
            match item.notice.kind {
                NoticeKind::Reminded => 0,
                NoticeKind::Cleared => 5 - u8::from(superseded),
                NoticeKind::Raised
                | NoticeKind::Stepped
                | NoticeKind::Acknowledged
                | NoticeKind::Test => {
                    if item.partly {
                        1
                    } else {
                        3 - u8::from(superseded)
                    }
                }
            }
        };
        let all = self.waiting.iter();
        all.min_by_key(|(number, item)| (rank(**number, item), item.notice.severity, **number))
            .map(|(number, _)| *number)
    }

    /// Lets go of a notice, and of the end of an alarm of whose beginning nobody was told.
    fn discard(&mut self, number: u64) -> Vec<u64> {
        let Some(item) = self.waiting.remove(&number) else {
            return Vec::new();
        };
        let mut gone = vec![number];
        if item.notice.kind == NoticeKind::Raised && item.attempts == 0 {
            let mut after = self.waiting.range(number..);
            let next = after.find(|(_, next)| next.notice.key == item.notice.key);
            if let Some((end, next)) = next
                && next.notice.kind == NoticeKind::Cleared
            {
                gone.push(*end);
            }
        }
        for number in &gone {
            self.waiting.remove(number);
        }
        gone
    }

    /// What is to be done now. `quiet` says how long a notice has to wait for the end of quiet
    /// hours.
    #[must_use]
    pub fn next(&self, now: Instant, quiet: impl Fn(&Notice) -> Duration) -> Next {
        if let Some(until) = self.not_before.filter(|until| *until > now)
            && !self.waiting.is_empty()
        {
            return Next::Wait(until);
        }
        // The oldest of each alarm, and how long the most urgent of that alarm has to wait: one that
        // must not wait takes what belongs before it along.
        let mut fronts: BTreeMap<&AlarmKey, (&Item, Duration)> = BTreeMap::new();
        for item in self.waiting.values() {
            let left = quiet(&item.notice);
            let front = fronts.entry(&item.notice.key).or_insert((item, left));
            front.1 = left.min(front.1);
            if front.0.partly {
                front.0 = item;
            }
        }
        let (mut best, mut wait): (Option<&Item>, Option<Duration>) = (None, None);
        for (item, left) in fronts.into_values() {
            let left = left.max(item.pause(now));
            if !left.is_zero() {
                wait = Some(wait.map_or(left, |wait| wait.min(left)));
            } else if best.is_none_or(|best| item.turn() < best.turn()) {
                best = Some(item);
            }
        }
        match (best, wait) {
            (Some(item), _) => Next::Tell(Arc::clone(&item.notice), item.attempts),
            (None, Some(wait)) => Next::Wait(now + wait.min(HOUR)),
            (None, None) => Next::Idle,
        }
    }

    /// It was taken. Returns what is of no use any more: see [`Outbox::partly`].
    pub fn taken(&mut self, identifier: u64) -> Vec<u64> {
        let gone = self.supersede(identifier);
        self.waiting.remove(&identifier);
        self.failures = 0;
        self.pausing = 0;
        self.failing = None;
        self.not_before = None;
        gone
    }

    /// Some of the sink's receivers have it. It is tried again after a pause of its own, which is
    /// returned with what is of no use any more: whoever was away is told how an alarm is, and not
    /// how it came to that.
    pub fn partly(&mut self, identifier: u64, jitter: u64, now: Instant) -> (Duration, Vec<u64>) {
        let gone = self.supersede(identifier);
        let mut left = SHORTEST;
        if let Some(item) = self.waiting.get_mut(&identifier) {
            item.attempts = item.attempts.saturating_add(1);
            left = pause(item.attempts, jitter);
            item.not_before = Some(now + left);
            item.partly = true;
        }
        self.failures = self.failures.saturating_add(1);
        self.pausing = 0;
        self.failing.get_or_insert(now);
        self.not_before = None;
        (left, gone)
    }

    /// What some have of the same alarm, and is older.
    fn supersede(&mut self, identifier: u64) -> Vec<u64> {
        let Some(item) = self.waiting.get(&identifier) else {
            return Vec::new();
        };
        let key = item.notice.key.clone();
        let before = self.waiting.range(..identifier);
        let old = before.filter(|(_, item)| item.partly && item.notice.key == key);
        let gone: Vec<u64> = old.map(|(number, _)| *number).collect();
        for number in &gone {
            self.waiting.remove(number);
        }
        gone
    }

    /// It was not taken, and perhaps never will be: others need not wait long. `None`: it has been
    /// so for more than a day, and it is not told again.
    pub fn doubted(&mut self, identifier: u64, jitter: u64, now: Instant) -> Option<Duration> {
        let item = self.waiting.get_mut(&identifier)?;
        item.attempts = item.attempts.saturating_add(1);
        if item.attempts >= DOUBTS {
            self.refused(identifier, now);
            return None;
        }
        let own = pause(item.attempts, jitter);
        item.not_before = Some(now + own);
        let whole = self.failed_at(None, jitter, now).min(DOUBTFUL);
        self.not_before = Some(now + whole);
        Some(own)
    }

    /// It is not told again, for the sink will never take it.
    pub fn refused(&mut self, identifier: u64, now: Instant) {
        self.waiting.remove(&identifier);
        self.failures = self.failures.saturating_add(1);
        self.failing.get_or_insert(now);
        // A sink that refuses all must not be told a thousand in a second.
        self.not_before = Some(now + SHORTEST);
    }

    /// It was not taken. Returns how long nothing is told now. `jitter` is any number.
    pub fn failed(
        &mut self,
        identifier: u64,
        at_least: Option<Duration>,
        jitter: u64,
        now: Instant,
    ) -> Duration {
        if let Some(item) = self.waiting.get_mut(&identifier) {
            item.attempts = item.attempts.saturating_add(1);
        }
        self.failed_at(at_least, jitter, now)
    }

    fn failed_at(&mut self, at_least: Option<Duration>, jitter: u64, now: Instant) -> Duration {
        self.failures = self.failures.saturating_add(1);
        self.pausing = self.pausing.saturating_add(1);
        self.failing.get_or_insert(now);
        let pause = pause(self.pausing, jitter).max(at_least.unwrap_or_default());
        self.not_before = Some(now + pause);
        pause
    }

    /// Since when it has failed, and how often in a row.
    #[must_use]
    pub fn failing(&self) -> Option<(Instant, u32)> {
        self.failing.map(|since| (since, self.failures))
    }
}

/// Doubles from [`SHORTEST`] to [`LONGEST`], with a quarter more or less.
fn pause(failures: u32, jitter: u64) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let whole = SHORTEST.saturating_mul(1 << doublings).min(LONGEST);
    let percent = u32::try_from(75 + jitter % 51).unwrap_or(100);
    whole.saturating_mul(percent) / 100
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alarms::name::AlarmName;
    use crate::domain::alarms::severity::Severity;

    #[expect(
        clippy::disallowed_methods,
        reason = "a test needs some moment to count from"
    )]
    fn start() -> Instant {
        Instant::now()
    }

    fn notice(identifier: u64, kind: NoticeKind, object: &str) -> Arc<Notice> {
        Arc::new(Notice::bare(identifier, kind, object))
    }

    fn told(outbox: &Outbox, now: Instant) -> Option<u64> {
        match outbox.next(now, |_| Duration::ZERO) {
            Next::Tell(notice, _) => Some(notice.identifier),
            Next::Idle | Next::Wait(_) => None,
        }
    }

    #[test]
    fn what_a_sink_does_not_take_holds_up_its_own_alarm_alone() {
        let (mut outbox, mut now) = (Outbox::default(), start());
        outbox.push(notice(1, NoticeKind::Raised, "a"), 0);
        outbox.push(notice(2, NoticeKind::Cleared, "a"), 0);
        outbox.push(notice(3, NoticeKind::Raised, "b"), 0);
        assert_eq!(told(&outbox, now), Some(1));
        outbox.failed(1, None, 0, now);
        assert_eq!(told(&outbox, now), None, "the sink has a pause");
        now += Duration::from_secs(2);
        assert_eq!(told(&outbox, now), Some(3));
        outbox.taken(3);
        assert_eq!(told(&outbox, now), Some(1), "and not its clear");
        outbox.taken(1);
        assert_eq!(told(&outbox, now), Some(2));
        outbox.refused(2, now);
        assert_eq!(outbox.next(now, |_| Duration::ZERO), Next::Idle);
    }

    #[test]
    fn pauses_double_up_to_ten_minutes_and_no_two_are_alike() {
        let mut last = Duration::ZERO;
        for failures in 1..=10 {
            let now = pause(failures, 25);
            assert!(now > last);
            last = now;
        }
        assert_eq!(pause(1, 25), SHORTEST);
        assert_eq!(pause(u32::MAX, 25), LONGEST);
        assert_ne!(pause(5, 1), pause(5, 2));
        assert!(pause(5, u64::MAX) <= pause(5, 25) * 5 / 4);
        let (mut outbox, now) = (Outbox::default(), start());
        outbox.push(notice(1, NoticeKind::Raised, "a"), 0);
        let asked = Some(Duration::from_secs(1_800));
        assert_eq!(outbox.failed(1, asked, 0, now), Duration::from_secs(1_800));
    }

    #[test]
    fn an_alarm_is_unheard_while_its_beginning_waits() {
        let (mut outbox, now) = (Outbox::default(), start());
        let key = AlarmKey::new(AlarmName::CrlStale, "a");
        outbox.push(notice(1, NoticeKind::Raised, "a"), 0);
        outbox.push(notice(2, NoticeKind::Stepped, "a"), 0);
        outbox.failed(1, None, 0, now);
        assert!(outbox.is_unheard(&key));
        outbox.taken(1);
        assert!(!outbox.is_unheard(&key), "what it has become waits alone");
    }

    #[test]
    fn what_a_sink_asked_for_before_a_restart_is_kept_to() {
        let (mut outbox, now) = (Outbox::default(), start());
        outbox.hold(now + HOUR);
        outbox.hold(now + HOUR / 2);
        assert_eq!(outbox.next(now, |_| Duration::ZERO), Next::Idle);
        outbox.push(notice(1, NoticeKind::Raised, "a"), 3);
        assert_eq!(outbox.next(now, |_| Duration::ZERO), Next::Wait(now + HOUR));
        assert_eq!(told(&outbox, now + HOUR), Some(1));
    }

    #[test]
    fn reminders_go_first_when_there_are_too_many() {
        let mut outbox = Outbox::default();
        outbox.push(notice(1, NoticeKind::Raised, "a"), 0);
        outbox.push(notice(2, NoticeKind::Reminded, "a"), 0);
        assert_eq!(outbox.push(notice(3, NoticeKind::Reminded, "a"), 0), [2]);
        let most = u64::try_from(MOST_WAITING).unwrap();
        let mut gone = Vec::new();
        for number in 4..=most + 3 {
            gone.extend(outbox.push(notice(number, NoticeKind::Raised, &number.to_string()), 0));
        }
        assert_eq!(gone, [3, 1]);
        assert_eq!(outbox.len(), MOST_WAITING);
    }

    #[test]
    fn quiet_hours_hold_back_what_is_mild_and_what_belongs_to_it() {
        let (mut outbox, now) = (Outbox::default(), start());
        outbox.push(notice(1, NoticeKind::Raised, "a"), 0);
        outbox.push(notice(2, NoticeKind::Raised, "b"), 0);
        let left = Duration::from_secs(8 * 3600);
        let quiet = |notice: &Notice| match notice.key.object.as_str() {
            "a" => left,
            _ => Duration::ZERO,
        };
        assert!(matches!(outbox.next(now, quiet), Next::Tell(told, 0) if told.identifier == 2));
        outbox.taken(2);
        // The clock is looked at again within the hour.
        assert_eq!(outbox.next(now, quiet), Next::Wait(now + HOUR));
    }

    #[test]
    fn a_critical_step_of_a_mild_alarm_is_told_in_quiet_hours() {
        let (mut outbox, now) = (Outbox::default(), start());
        outbox.push(notice(1, NoticeKind::Raised, "a"), 0);
        outbox.push(notice(2, NoticeKind::Raised, "b"), 0);
        let step = Notice {
            severity: Severity::Critical,
            ..Notice::clone(&notice(3, NoticeKind::Stepped, "a"))
        };
        outbox.push(Arc::new(step), 0);
        let quiet = |notice: &Notice| match notice.severity <= Severity::Medium {
            true => HOUR / 2,
            false => Duration::ZERO,
        };
        for number in [1, 3] {
            let next = outbox.next(now, quiet);
            assert!(matches!(&next, Next::Tell(told, 0) if told.identifier == number));
            outbox.taken(number);
        }
        assert_eq!(outbox.next(now, quiet), Next::Wait(now + HOUR / 2));
    }

    #[test]
    fn one_dead_receiver_of_a_sink_holds_up_nothing_and_is_told_how_things_are() {
        let (mut outbox, mut now) = (Outbox::default(), start());
        outbox.push(notice(1, NoticeKind::Raised, "a"), 0);
        outbox.push(notice(2, NoticeKind::Raised, "b"), 0);
        for number in [1, 2] {
            assert_eq!(told(&outbox, now), Some(number), "at once");
            assert_eq!(outbox.partly(number, 25, now), (SHORTEST, Vec::new()));
        }
        assert_eq!(told(&outbox, now), None);
        assert_eq!(outbox.failing(), Some((now, 2)), "people are told of it");
        outbox.push(notice(3, NoticeKind::Cleared, "a"), 0);
        assert_eq!(told(&outbox, now), Some(3), "its end does not wait");
        let (_, gone) = outbox.partly(3, 25, now);
        assert_eq!(gone, [1], "who was away is told of the end alone");
        now += SHORTEST;
        assert_eq!(told(&outbox, now), Some(2));
        outbox.taken(2);
        assert_eq!(told(&outbox, now), Some(3));
        assert!(outbox.taken(3).is_empty());
        assert_eq!((outbox.len(), outbox.failing()), (0, None));
    }

    #[test]
    fn what_is_doubted_is_tried_for_a_day_and_others_wait_a_minute_at_most() {
        let (mut outbox, begin) = (Outbox::default(), start());
        let mut now = begin;
        outbox.push(notice(1, NoticeKind::Raised, "a"), 0);
        loop {
            match outbox.next(now, |_| Duration::ZERO) {
                Next::Tell(notice, _) => {
                    let before = now;
                    if outbox.doubted(notice.identifier, 0, now).is_none() {
                        break;
                    }
                    assert!(outbox.not_before.unwrap() <= before + DOUBTFUL);
                }
                Next::Wait(until) => now = until,
                Next::Idle => panic!("it is lost"),
            }
        }
        assert!(
            now - begin >= Duration::from_secs(86_400),
            "{:?}",
            now - begin
        );
        assert_eq!(outbox.len(), 0);
    }

    #[test]
    fn the_end_of_an_alarm_is_not_discarded_before_anything_else() {
        let mut outbox = Outbox::default();
        // The beginning of this was delivered; that of the next was not.
        outbox.push(notice(1, NoticeKind::Cleared, "told"), 0);
        outbox.push(notice(2, NoticeKind::Raised, "over"), 0);
        outbox.push(notice(3, NoticeKind::Cleared, "over"), 0);
        let bad = Notice {
            severity: Severity::Critical,
            ..Notice::clone(&notice(4, NoticeKind::Raised, "bad"))
        };
        outbox.push(Arc::new(bad), 0);
        let most = u64::try_from(MOST_WAITING).unwrap();
        let mut gone = Vec::new();
        for number in 5..=most + 4 {
            gone.extend(outbox.push(notice(number, NoticeKind::Raised, &number.to_string()), 0));
        }
        assert_eq!(gone, [2, 3, 5, 6], "and not 1, nor the worst");
        for number in 2 * most..2 * most + 20 {
            gone.extend(outbox.push(notice(number, NoticeKind::Cleared, &number.to_string()), 0));
        }
        assert!(!gone.contains(&1) && !gone.contains(&4));
        assert_eq!(outbox.len(), MOST_WAITING);
    }
}
