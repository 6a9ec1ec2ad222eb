//! What one sink has still to be told, with a sink that takes, fails, doubts and refuses at random:
//! nothing is lost but what may be, what concerns one alarm is told in its order, and no alarm that
//! is not taken starves the others.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use xspd::domain::alarms::AlarmKey;
use xspd::domain::alarms::AlarmName;
use xspd::domain::alarms::Notice;
use xspd::domain::alarms::NoticeKind;
use xspd::domain::alarms::Severity;
use xspd::domain::alarms::outbox::MOST_WAITING;
use xspd::domain::alarms::outbox::Next;
use xspd::domain::alarms::outbox::Outbox;
use xspd::domain::shell::Ending;
use xspd::platform::clock;

use super::Random;
use super::explore;

const HOUR: Duration = Duration::from_secs(3_600);

/// What waits, as the world knows it.
#[derive(Debug, Clone)]
struct Waits {
    notice: Arc<Notice>,
    attempts: u32,
    partly: bool,
}

/// What a sink says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Doubted,
    Failed,
    Partly,
    Refused,
    Taken,
}

struct World<'a> {
    random: &'a mut Random,
    outbox: Outbox,
    now: Instant,
    number: u64,
    waits: BTreeMap<u64, Waits>,
    /// Alarms that are on, for the world of whoever tells.
    on: BTreeSet<usize>,
    /// Alarms that may ever be.
    alarms: usize,
}

impl<'a> World<'a> {
    fn new(random: &'a mut Random, alarms: usize) -> Self {
        Self {
            random,
            outbox: Outbox::default(),
            now: clock::mono(),
            number: 0,
            waits: BTreeMap::new(),
            on: BTreeSet::new(),
            alarms,
        }
    }

    fn choose(&mut self, most: usize) -> usize {
        let most = u64::try_from(most).expect("a small number");
        usize::try_from(self.random.below(most)).expect("a smaller one")
    }

    /// News of some alarm, as a board would tell them.
    fn news(&mut self) {
        let alarm = self.choose(self.alarms);
        let kind = if self.on.contains(&alarm) {
            match self.choose(4) {
                0 => NoticeKind::Stepped,
                1 | 2 => NoticeKind::Reminded,
                _ => NoticeKind::Cleared,
            }
        } else {
            NoticeKind::Raised
        };
        if kind == NoticeKind::Cleared {
            self.on.remove(&alarm);
        } else {
            self.on.insert(alarm);
        }
        let severity = Severity::ALL[self.choose(Severity::ALL.len())];
        self.push(kind, &alarm.to_string(), severity);
    }

    fn push(&mut self, kind: NoticeKind, object: &str, severity: Severity) {
        self.number += 1;
        let notice = Arc::new(notice(self.number, kind, object, severity));
        let gone = self.outbox.push(Arc::clone(&notice), 0);
        let waits = Waits {
            notice,
            attempts: 0,
            partly: false,
        };
        self.waits.insert(self.number, waits);
        self.may_go(&gone);
    }

    /// Whether these may be lost: a reminder for a newer one, or whatever is missed least when there
    /// are too many; never the end of an alarm that people heard of, while anything else waits.
    fn may_go(&mut self, gone: &[u64]) {
        let too_many = self.waits.len() > MOST_WAITING;
        for number in gone {
            let lost = self.waits.remove(number).expect("it waited");
            let replaced = lost.notice.kind == NoticeKind::Reminded;
            assert!(too_many || replaced, "lost without need: {lost:?}");
            if lost.notice.kind == NoticeKind::Cleared {
                let unheard = gone.len() == 2 && gone[0] < *number;
                let mut others = self.waits.values();
                let only_ends = others.all(|held| held.notice.kind == NoticeKind::Cleared);
                assert!(
                    unheard || only_ends,
                    "the end of {:?} is lost",
                    lost.notice.key
                );
            }
        }
    }

    /// Does what is due, with a sink that says so; returns whether anything was told.
    fn turn(&mut self, answer: impl FnOnce(&mut Self, &Notice) -> Answer) -> bool {
        match self.outbox.next(self.now, |_| Duration::ZERO) {
            Next::Idle => {
                assert!(self.waits.is_empty(), "{} are forgotten", self.waits.len());
                false
            }
            Next::Wait(until) => {
                assert!(!self.waits.is_empty(), "it waits for nothing");
                assert!(until > self.now && until <= self.now + HOUR + HOUR / 4);
                self.now = until;
                false
            }
            Next::Tell(notice, attempts) => {
                let number = notice.identifier;
                let held = self.waits.get(&number).expect("it waits").clone();
                assert_eq!(attempts, held.attempts);
                for (before, older) in self.waits.range(..number) {
                    let same = older.notice.key == notice.key;
                    assert!(!same || older.partly, "{number} is told before {before}");
                }
                let answer = answer(self, &notice);
                self.answered(number, answer);
                true
            }
        }
    }

    fn answered(&mut self, number: u64, answer: Answer) {
        let jitter = self.random.below(1_000);
        let now = self.now;
        let mut over = false;
        let superseded = match answer {
            Answer::Taken => {
                over = true;
                self.outbox.taken(number)
            }
            Answer::Partly => {
                let (_, gone) = self.outbox.partly(number, jitter, now);
                gone
            }
            Answer::Doubted => {
                over = self.outbox.doubted(number, jitter, now).is_none();
                Vec::new()
            }
            Answer::Failed => {
                let at_least = jitter.is_multiple_of(7).then_some(HOUR);
                let pause = self.outbox.failed(number, at_least, jitter, now);
                assert!(pause <= HOUR.max(at_least.unwrap_or_default()));
                Vec::new()
            }
            Answer::Refused => {
                over = true;
                self.outbox.refused(number, now);
                Vec::new()
            }
        };
        let key = self.waits[&number].notice.key.clone();
        for gone in superseded {
            let old = self.waits.remove(&gone).expect("it waited");
            assert!(old.partly && gone < number && old.notice.key == key);
        }
        if over {
            self.waits.remove(&number);
        } else if let Some(held) = self.waits.get_mut(&number) {
            held.attempts += 1;
            held.partly |= answer == Answer::Partly;
        }
    }

    fn some_answer(&mut self) -> Answer {
        match self.choose(12) {
            0 => Answer::Doubted,
            1 | 2 => Answer::Failed,
            3 | 4 => Answer::Partly,
            5 => Answer::Refused,
            _ => Answer::Taken,
        }
    }

    fn judge(&self) {
        let known: Vec<u64> = self.waits.keys().copied().collect();
        assert_eq!(self.outbox.numbers(), known);
        assert!(self.outbox.len() <= MOST_WAITING);
        if self.outbox.is_empty() {
            let next = self.outbox.next(self.now, |_| Duration::ZERO);
            assert_eq!(next, Next::Idle);
        }
    }
}

fn notice(identifier: u64, kind: NoticeKind, object: &str, severity: Severity) -> Notice {
    Notice {
        identifier,
        kind,
        key: AlarmKey::new(AlarmName::CrlStale, object),
        severity,
        at: SystemTime::UNIX_EPOCH,
        since: SystemTime::UNIX_EPOCH,
        count: 1,
        system: String::new(),
        text: String::new(),
        action: String::new(),
        step: String::new(),
        rule: String::new(),
        ends: None,
        details: Vec::new(),
        ending: Ending::default(),
    }
}

#[test]
fn nothing_is_lost_but_what_may_be_and_each_alarm_is_told_in_its_order() {
    explore(120, |seed| {
        let mut random = Random::new(seed);
        let mut world = World::new(&mut random, 6);
        for _ in 0..400 {
            if world.choose(3) == 0 {
                world.news();
            } else {
                world.turn(|world, _| world.some_answer());
            }
            world.judge();
        }
        // A sink that takes everything is told everything.
        while !world.waits.is_empty() {
            world.turn(|_, _| Answer::Taken);
            world.judge();
        }
        assert_eq!(world.outbox.failing(), None);
    });
}

#[test]
fn more_than_can_wait_lets_go_of_what_is_missed_least() {
    explore(6, |seed| {
        let mut random = Random::new(seed);
        let mut world = World::new(&mut random, 700);
        for _ in 0..3 * MOST_WAITING {
            world.news();
            if world.choose(10) == 0 {
                world.turn(|world, _| world.some_answer());
            }
        }
        world.judge();
        assert!(world.outbox.len() > MOST_WAITING / 2);
    });
}

#[test]
fn an_alarm_that_is_never_taken_does_not_starve_the_others() {
    for bad in [Answer::Doubted, Answer::Failed, Answer::Partly] {
        explore(30, |seed| {
            let mut random = Random::new(seed);
            let mut world = World::new(&mut random, 12);
            world.push(NoticeKind::Raised, "bad", Severity::Critical);
            for _ in 0..20 {
                world.news();
            }
            let begun = world.now;
            let others = |world: &World<'_>| {
                let mut waits = world.waits.values();
                waits.any(|held| held.notice.key.object.as_str() != "bad")
            };
            while others(&world) {
                world.turn(|_, notice| match notice.key.object.as_str() {
                    "bad" => bad,
                    _ => Answer::Taken,
                });
                world.judge();
                let took = world.now - begun;
                assert!(took <= 2 * HOUR, "{bad:?}: others wait for {took:?}");
            }
        });
    }
}
