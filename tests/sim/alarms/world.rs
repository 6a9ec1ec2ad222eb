//! Watchers, people, clocks and crashes; and who is told.

use std::collections::BTreeMap;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use xspd::domain::alarms::Alarm;
use xspd::domain::alarms::AlarmKey;
use xspd::domain::alarms::AlarmName;
use xspd::domain::alarms::Board;
use xspd::domain::alarms::Condition;
use xspd::domain::alarms::NoticeKind;
use xspd::domain::alarms::Observation;
use xspd::domain::alarms::Policy;
use xspd::domain::alarms::Present;
use xspd::domain::alarms::Severity;
use xspd::domain::alarms::Silence;
use xspd::domain::alarms::board::Action;
use xspd::domain::alarms::board::Change;
use xspd::domain::alarms::board::Input;
use xspd::domain::alarms::board::Order;
use xspd::domain::alarms::policy::Override;
use xspd::domain::machine::Machine as _;
use xspd::domain::machine::Now;
use xspd::platform::clock;

use super::Random;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Policy::DAY;
const BOUND: usize = 7;
const NAMES: [AlarmName; 3] = [
    AlarmName::CertificateExpiring,
    AlarmName::XspUnreachable,
    AlarmName::ConfigReloadFailed,
];
const STEPS: [&str; 4] = ["", "30d", "7d", "expired"];

/// What a sink that takes everything has heard of one alarm.
#[derive(Debug, Clone)]
struct Heard {
    at: Instant,
    severity: Severity,
    step: String,
}

pub(super) struct World<'a> {
    random: &'a mut Random,
    board: Board,
    now: Now,
    /// As it is kept: the board after a crash.
    kept: BTreeMap<AlarmKey, Alarm>,
    silences: Vec<Silence>,
    identifier: u64,
    heard: BTreeMap<AlarmKey, Heard>,
    /// When somebody last had a reason not to be reminded.
    excused: BTreeMap<AlarmKey, Instant>,
    /// Told by another clock than the present one, and when the daemon then began again: how long
    /// ago it was cannot be known, and the day begins anew.
    adrift: BTreeMap<AlarmKey, Option<Instant>>,
}

fn policy(random: &mut Random) -> Policy {
    let mut policy = Policy {
        hold_down: 1 + random.count(2),
        critical_at_once: random.below(2) == 0,
        bound: BOUND,
        ..Policy::default()
    };
    if random.below(3) == 0 {
        let name = NAMES[random.below(3) as usize];
        let severity = (random.below(2) == 0).then_some(Severity::Low);
        let held = Override {
            off: random.below(4) == 0,
            severity,
            ..Override::default()
        };
        policy.overrides.insert(name, held);
    }
    policy
}

impl<'a> World<'a> {
    pub(super) fn new(random: &'a mut Random) -> Self {
        let board = Board::new(policy(random));
        Self {
            random,
            board,
            now: clock::now(),
            kept: BTreeMap::new(),
            silences: Vec::new(),
            identifier: 0,
            heard: BTreeMap::new(),
            excused: BTreeMap::new(),
            adrift: BTreeMap::new(),
        }
    }

    pub(super) fn trouble(&mut self) {
        match self.random.below(100) {
            0..=54 => self.look(),
            55..=64 => self.order(),
            65 => {
                let policy = policy(self.random);
                self.handle(Input::Policy(Box::new(policy)));
            }
            66 => self.jump(),
            67 => self.crash(),
            68..=73 => self.early(),
            _ => {
                let most = [HOUR / 60, HOUR, DAY, 3 * DAY][self.random.below(4) as usize];
                let time = self.random.duration(most);
                self.wait(time);
            }
        }
    }

    fn key(&mut self) -> AlarmKey {
        let name = NAMES[self.random.below(3) as usize];
        AlarmKey::new(name, ["a", "b", "c"][self.random.below(3) as usize])
    }

    fn look(&mut self) {
        let key = self.key();
        let present = self.random.below(3) > 0;
        let condition = if present {
            let ends = (self.random.below(4) == 0).then(|| {
                let left = self.random.duration(2 * DAY);
                self.now.wall + left
            });
            Condition::Present(Present {
                severity: Severity::ALL[self.random.below(5) as usize],
                step: STEPS[self.random.below(4) as usize].to_owned(),
                text: "It is wrong.".to_owned(),
                rule: String::new(),
                ends,
                details: Vec::new(),
            })
        } else {
            Condition::Absent
        };
        // Watchers repeat themselves.
        for _ in 0..=self.random.below(3) {
            let (key, condition) = (key.clone(), condition.clone());
            self.handle(Input::Observed(Observation { key, condition }));
        }
    }

    fn order(&mut self) {
        let key = self.key();
        let until = self.now.wall + self.random.duration(3 * DAY);
        let who = "anna".to_owned();
        let comment = String::new();
        let order = match self.random.below(6) {
            0 | 1 => Order::Acknowledge {
                key,
                who,
                until: (self.random.below(2) == 0).then_some(until),
                comment,
            },
            2 => Order::Clear { key, who, comment },
            3 => Order::Silence {
                name: "*e*".to_owned(),
                object: key.object.as_str().to_owned(),
                who,
                until,
                comment,
            },
            4 => Order::Unacknowledge { key },
            _ => Order::Unsilence {
                id: self.random.below(10),
            },
        };
        self.handle(Input::Order(order));
    }

    fn jump(&mut self) {
        let since = self.random.duration(Duration::from_secs(1 << 32));
        self.now.wall = SystemTime::UNIX_EPOCH + since;
        self.excuse_all();
        for key in self.kept.keys() {
            self.adrift.entry(key.clone()).or_default();
        }
    }

    /// Begins again from what is kept, with a reminder more or less when dates are wrong.
    fn crash(&mut self) {
        let down = self.random.duration(2 * DAY);
        self.now.mono += down;
        self.now.wall += down;
        let policy = policy(self.random);
        let alarms = self.kept.values().cloned().collect();
        let silences = self.silences.clone();
        self.board = Board::restore(policy.clone(), alarms, silences, self.identifier, self.now);
        self.excuse_all();
        for again in self.adrift.values_mut() {
            *again = Some(self.now.mono);
        }
        // As the daemon does: what is off since then is taken down.
        self.handle(Input::Policy(Box::new(policy)));
    }

    fn excuse_all(&mut self) {
        let keys: Vec<_> = self.kept.keys().cloned().collect();
        for key in keys {
            self.excused.insert(key, self.now.mono);
        }
    }

    fn early(&mut self) {
        let before = self.board.deadline();
        if before.is_some_and(|at| at > self.now.mono) {
            self.board.handle_timeout(self.now);
            assert_eq!(
                self.board.deadline(),
                before,
                "an early timeout did something"
            );
            assert_eq!(self.board.poll_action(), None);
        }
    }

    pub(super) fn wait(&mut self, time: Duration) {
        let end = self.now.mono + time;
        while let Some(next) = self.board.deadline().filter(|next| *next <= end) {
            let late = self.random.duration(Duration::from_secs(2));
            self.pass(next.saturating_duration_since(self.now.mono) + late);
            self.board.handle_timeout(self.now);
            self.settle();
            self.board.handle_timeout(self.now);
            assert_eq!(
                self.board.poll_action(),
                None,
                "a second timeout did something"
            );
        }
        self.pass(end.saturating_duration_since(self.now.mono));
    }

    fn pass(&mut self, time: Duration) {
        self.now.mono += time;
        self.now.wall += time;
    }

    fn handle(&mut self, input: Input) {
        self.board.handle(input, self.now);
        self.settle();
    }

    fn settle(&mut self) {
        self.board.check_invariants();
        while let Some(action) = self.board.poll_action() {
            match action {
                Action::Changed(change) => self.change(*change),
                Action::Silences(silences) => self.silences = silences,
            }
        }
        self.judge();
    }

    fn change(&mut self, change: Change) {
        let Change {
            key,
            alarm,
            entry,
            reach,
        } = change;
        let was = self.kept.remove(&key);
        if let Some(alarm) = alarm {
            self.kept.insert(key.clone(), alarm);
        }
        let Some(entry) = entry else { return };
        let notice = entry.notice;
        assert!(notice.identifier > self.identifier, "a number comes twice");
        self.identifier = notice.identifier;
        assert_eq!(
            notice.kind == NoticeKind::Cleared,
            was.is_some() && !self.kept.contains_key(&key),
            "who is told of an end: {notice:?}"
        );
        if reach.is_none() {
            return;
        }
        self.adrift.remove(&key);
        let heard = self.heard.remove(&key);
        match notice.kind {
            NoticeKind::Raised => assert!(heard.is_none(), "raised twice: {heard:?}"),
            NoticeKind::Stepped => {
                let heard = heard.expect("a step of what was told");
                assert!(
                    heard.severity != notice.severity || heard.step != notice.step,
                    "the same step again"
                );
            }
            NoticeKind::Reminded => {
                let heard = heard.expect("a reminder of what was told");
                let since = self.now.mono.saturating_duration_since(heard.at);
                let excused = self.excused.get(&key).is_some_and(|at| *at > heard.at);
                // Only a restart on a wrong clock can bring one early, and only one.
                assert!(since >= DAY || excused, "reminded after {since:?}");
            }
            NoticeKind::Cleared => assert!(heard.is_some(), "the end of what was not told"),
            NoticeKind::Acknowledged => {}
            NoticeKind::Test => panic!("nobody asked for a test"),
        }
        if notice.kind != NoticeKind::Cleared {
            self.heard.insert(
                key,
                Heard {
                    at: self.now.mono,
                    severity: notice.severity,
                    step: notice.step,
                },
            );
        }
    }

    fn judge(&mut self) {
        let overdue = self.board.deadline().is_some_and(|at| at <= self.now.mono);
        if self.board.alarms().next().is_some() {
            let deadline = self.board.deadline().expect("alarms are looked at again");
            assert!(deadline <= self.now.mono + HOUR, "at most an hour away");
        }
        for alarm in self.board.alarms() {
            let quiet =
                alarm.ack.is_some() || self.board.silence_of(alarm, self.now.wall).is_some();
            if quiet {
                self.excused.insert(alarm.key.clone(), self.now.mono);
            } else if !overdue {
                let heard = self.heard.get(&alarm.key).map(|heard| heard.at + DAY);
                let excused = self.excused.get(&alarm.key).copied();
                let again = self.adrift.get(&alarm.key).copied().flatten();
                let again = again.map(|at| at + DAY);
                let last = heard.max(excused).max(again).expect("somebody was told");
                // The last look may have been late.
                let latest = last + HOUR + Duration::from_secs(5);
                assert!(
                    self.now.mono <= latest,
                    "nobody is reminded of {}",
                    alarm.key
                );
            }
        }
    }

    pub(super) fn all_is_well(&mut self) {
        self.handle(Input::Policy(Box::default()));
        for name in NAMES {
            for object in ["a", "b", "c"] {
                for _ in 0..2 {
                    self.handle(Input::Observed(Observation {
                        key: AlarmKey::new(name, object),
                        condition: Condition::Absent,
                    }));
                }
            }
        }
    }

    pub(super) fn judge_the_end(&self) {
        assert_eq!(self.board.alarms().count(), 0);
        assert!(self.kept.is_empty());
        assert!(
            self.heard.is_empty(),
            "{:?} never heard of an end",
            self.heard
        );
        // Silences may last longer.
        let silences = self.board.silences().count();
        assert_eq!(self.board.deadline().is_some(), silences > 0);
    }
}
