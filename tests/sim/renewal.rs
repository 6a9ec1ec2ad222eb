//! A certificate that renews itself for months, at a CA that fails in every way, on a machine that is
//! restarted and whose clock is set back by a year and forward by ten, with an operator who now and
//! then goes back to the certificate before.
//!
//! Not the common simulator: here the machine dies and comes back, and true time is another than the
//! wall clock's.

use std::collections::VecDeque;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use xspd::domain::certs::renewal::Life;
use xspd::domain::certs::renewal::Renewal;
use xspd::domain::certs::renewal::RenewalAction;
use xspd::domain::certs::renewal::RenewalInput;
use xspd::domain::certs::renewal::RenewalMemory;
use xspd::domain::certs::renewal::hold_until;
use xspd::domain::machine::Machine as _;
use xspd::domain::machine::Now;
use xspd::platform::clock;

use super::Random;
use super::explore;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// True time at the beginning, since 1970.
const BEGIN: Duration = Duration::from_secs(1_800_000_000);

/// Longest time that an order takes here, whatever becomes of it.
const ORDER: Duration = Duration::from_secs(600);

/// What the CA does in one stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Works,
    /// 500, or nobody there.
    Away,
    /// It takes the connection and says nothing.
    Hangs,
    /// 429, with a wish to be left alone for a day.
    Busy,
    /// It takes the order and fails then.
    Breaks,
}

/// What will become of an order.
#[derive(Debug, Clone, Copy)]
struct Outstanding {
    /// True time.
    ends: Duration,
    mood: Mood,
}

struct Stage {
    random: Random,
    origin: Instant,
    /// True time since the beginning.
    time: Duration,
    /// How far the wall clock is wrong, in seconds.
    wrong: i64,
    mend: Option<Duration>,
    mood: Mood,
    mood_ends: Duration,
    limit: usize,
    lifetime: Duration,
    renewal: Renewal,
    memory: RenewalMemory,
    order: Option<Outstanding>,
    /// An operator went back while it was under way.
    aside: bool,
    /// True times of the orders that the CA took.
    placed: VecDeque<Duration>,
    /// What is in use, in true time since the beginning.
    from: Duration,
    until: Duration,
    /// Since when nothing stands in the way of a renewal.
    free: Duration,
    told: bool,
    /// Until when the CA wants to be left alone, and whether an operator asked all the same.
    wish: Duration,
    asked: bool,
    /// What was in use before, when there is something to go back to.
    before: Option<(Duration, Duration)>,
    /// What the operator who went back left behind, and until when nothing may be ordered for it.
    note: Option<SystemTime>,
    held: Duration,
    /// How it ended for the certificates that were due.
    renewed: usize,
    lapsed: usize,
    went_back: usize,
    set_aside: usize,
}

impl Stage {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let limit = 1 + usize::try_from(random.below(5)).unwrap();
        let lifetime = if random.below(3) == 0 {
            DAY * 6
        } else {
            DAY * 90
        };
        let mut stage = Self {
            origin: clock::mono(),
            time: Duration::ZERO,
            wrong: 0,
            mend: None,
            mood: Mood::Works,
            mood_ends: Duration::ZERO,
            limit,
            lifetime,
            renewal: Renewal::new(seed, limit, &RenewalMemory::default(), clock::now()),
            memory: RenewalMemory::default(),
            order: None,
            aside: false,
            placed: VecDeque::new(),
            from: Duration::ZERO,
            until: lifetime,
            free: Duration::ZERO,
            told: false,
            wish: Duration::ZERO,
            asked: false,
            before: None,
            note: None,
            held: Duration::ZERO,
            renewed: 0,
            lapsed: 0,
            went_back: 0,
            set_aside: 0,
            random,
        };
        stage.restart();
        stage
    }

    fn now(&self) -> Now {
        let right = SystemTime::UNIX_EPOCH + BEGIN + self.time;
        let by = Duration::from_secs(self.wrong.unsigned_abs());
        Now {
            mono: self.origin + self.time,
            wall: if self.wrong < 0 {
                right - by
            } else {
                right + by
            },
        }
    }

    /// Certificates carry true dates.
    fn life(&self) -> Life {
        Life {
            not_before: SystemTime::UNIX_EPOCH + BEGIN + self.from,
            not_after: SystemTime::UNIX_EPOCH + BEGIN + self.until,
        }
    }

    /// It dies and comes back with what it had kept.
    fn restart(&mut self) {
        (self.order, self.aside) = (None, false);
        let seed = self.random.next();
        self.renewal = Renewal::new(seed, self.limit, &self.memory, self.now());
        // What nobody repeats after a restart counts as over.
        self.told = false;
        if let Some(until) = self.note {
            let left = until.duration_since(self.now().wall).unwrap_or_default();
            self.held = self.time + left.min(DAY);
            self.hold(left.min(DAY));
        }
        self.renewal
            .handle(RenewalInput::Held(self.note), self.now());
        self.handle(RenewalInput::InUse(Some(self.life())));
    }

    /// An operator puts the certificate back that was there before.
    fn go_back(&mut self) {
        let Some((from, until)) = self.before else {
            return;
        };
        if until <= self.time + DAY * 2 {
            return;
        }
        self.aside = self.order.is_some();
        self.before = Some((self.from, self.until));
        (self.from, self.until) = (from, until);
        let now = self.now().wall;
        self.note = Some(hold_until(self.life().not_after, now));
        let rest = self.note.and_then(|until| until.duration_since(now).ok());
        self.held = self.time + rest.unwrap_or_default();
        self.hold(DAY);
        self.asked = false;
        self.went_back += 1;
        self.renewal
            .handle(RenewalInput::Held(self.note), self.now());
        self.handle(RenewalInput::InUse(Some(self.life())));
    }

    fn handle(&mut self, input: RenewalInput) {
        self.renewal.handle(input, self.now());
        self.settle();
    }

    fn settle(&mut self) {
        self.renewal.check_invariants();
        while let Some(action) = self.renewal.poll_action() {
            match action {
                RenewalAction::AskWindow => {
                    let input = self.window();
                    self.renewal.handle(input, self.now());
                }
                RenewalAction::Order => self.order(),
                RenewalAction::Complain { failures } => {
                    assert!(failures > 0);
                    self.told = true;
                }
                RenewalAction::Relieve => self.told = false,
            }
        }
        assert_eq!(self.told, self.renewal.is_told());
        self.memory = self.renewal.memory();
    }

    /// A window that begins after half of the lifetime, none, or nonsense.
    fn window(&mut self) -> RenewalInput {
        let life = self.life();
        let start = life.not_before + self.lifetime / 2;
        let (start, end) = match self.random.below(8) {
            0 => (start, start + self.lifetime / 8),
            1 => (life.not_after, life.not_after + DAY),
            2 => (start, start - HOUR),
            _ => return RenewalInput::WindowUnknown,
        };
        let ask_again = self.random.duration(DAY * 2);
        RenewalInput::Window {
            start,
            end,
            ask_again,
        }
    }

    fn order(&mut self) {
        assert!(self.order.is_none(), "two orders at once");
        let left_alone = self.asked || self.time >= self.wish;
        assert!(left_alone, "the CA wanted to be left alone");
        let may = self.asked || self.time >= self.held;
        assert!(may, "what an operator went back to is renewed at once");
        self.asked = false;
        let mood = self.mood;
        match mood {
            Mood::Works | Mood::Breaks => {
                self.placed.push_back(self.time);
                let time = self.time;
                self.placed.retain(|at| time - *at < DAY);
                let (placed, limit) = (self.placed.len(), self.limit);
                assert!(placed <= limit, "{placed} orders in a day, {limit} allowed");
            }
            Mood::Away | Mood::Hangs | Mood::Busy => {}
        }
        let ends = self.time + MINUTE + self.random.duration(ORDER - MINUTE);
        self.order = Some(Outstanding { ends, mood });
        self.aside = false;
    }

    fn end_order(&mut self, order: Outstanding) {
        self.order = None;
        let failed = |away, retry_after| RenewalInput::Failed { retry_after, away };
        // One that is over by the clock holds nobody up.
        let now = self.now().wall;
        let aside = self.note.filter(|until| self.aside && *until > now);
        self.aside = false;
        let input = match (order.mood, aside) {
            (Mood::Works, Some(until)) => {
                // It may have been the only order of the day.
                self.hold(DAY);
                self.wish = Duration::ZERO;
                self.set_aside += 1;
                RenewalInput::SetAside(until)
            }
            (Mood::Works, None) => {
                self.before = Some((self.from, self.until));
                (self.from, self.until) = (self.time, self.time + self.lifetime);
                self.renewed += 1;
                self.wish = Duration::ZERO;
                if self.wrong != 0 {
                    // It may look due at once, and then the day is over.
                    self.hold(DAY + HOUR);
                }
                RenewalInput::Renewed(self.life())
            }
            (Mood::Away | Mood::Hangs, _) => failed(true, None),
            (Mood::Busy, _) => {
                self.hold(DAY);
                self.wish = self.time + DAY;
                failed(false, Some(DAY))
            }
            (Mood::Breaks, _) => {
                // The pause is shorter, but it may have been the only order of the day.
                self.hold(DAY);
                failed(false, None)
            }
        };
        self.handle(input);
    }

    /// Nothing can be expected for so long.
    fn hold(&mut self, span: Duration) {
        self.free = self.free.max(self.time + span);
    }

    /// Until the next thing happens.
    fn step(&mut self) {
        let deadline = self.renewal.deadline().expect("it looks again");
        let mut next = deadline.saturating_duration_since(self.origin);
        next = next.max(self.time).min(self.mood_ends);
        next = next.min(self.mend.unwrap_or(next));
        if let Some(order) = self.order {
            next = next.min(order.ends);
        }
        self.time = next.max(self.time);
        if self.time >= self.mood_ends {
            self.change_mood();
        }
        if self.mend.is_some_and(|at| self.time >= at) {
            (self.wrong, self.mend) = (0, None);
            // Noticed within the hour.
            self.hold(HOUR);
        }
        if let Some(order) = self.order
            && self.time >= order.ends
        {
            self.end_order(order);
        }
        self.renewal.handle_timeout(self.now());
        self.settle();
        if self.order.is_some() && self.random.below(4) == 0 {
            self.go_back();
        }
        match self.random.below(400) {
            0 => {
                // An order that is cut off has counted, and there may have been a day's worth.
                if self.order.is_some() {
                    self.hold(DAY);
                }
                self.restart();
            }
            1 => self.set_clock(),
            2 => {
                self.hold(DAY);
                self.asked = true;
                (self.note, self.held, self.aside) = (None, Duration::ZERO, false);
                self.renewal.handle(RenewalInput::Asked, self.now());
                self.handle(RenewalInput::Held(None));
            }
            3 | 4 => self.go_back(),
            _ => {}
        }
        self.judge();
    }

    fn change_mood(&mut self) {
        self.mood = match self.random.below(6) {
            0 | 1 => Mood::Works,
            2 => Mood::Away,
            3 => Mood::Hangs,
            4 => Mood::Busy,
            _ => Mood::Breaks,
        };
        let longest = if self.random.below(4) == 0 {
            DAY * 30
        } else {
            HOUR * 12
        };
        self.mood_ends = self.time + MINUTE * 10 + self.random.duration(longest);
        self.hold(Duration::ZERO);
    }

    fn set_clock(&mut self) {
        let by = i64::try_from(YEAR.as_secs()).unwrap();
        self.wrong = if self.random.below(2) == 0 {
            -by
        } else {
            by * 10
        };
        self.mend = Some(self.time + self.random.duration(DAY * 2));
        // A look, as it happens every two seconds.
        self.renewal.handle_timeout(self.now());
        self.settle();
    }

    fn judge(&mut self) {
        if self.mood != Mood::Works || self.wrong != 0 {
            self.hold(Duration::ZERO);
        }
        // The last moment at which it becomes due: up to a thirtieth after two thirds.
        let due = self.from + self.lifetime.mul_f64(0.7);
        let patience = HOUR + ORDER * 2;
        let since = self.free.max(due);
        assert!(
            self.time < since + patience,
            "not renewed although the CA works since {since:?}; it is {:?}, {:?}",
            self.time,
            self.renewal
        );
        if self.time >= self.until {
            let seen = self.wrong == 0 && self.order.is_none();
            assert!(!seen || self.told, "it lapsed and nobody was told");
            self.lapsed += 1;
        }
    }
}

#[test]
fn a_renewal_keeps_to_the_limits_comes_in_time_when_it_can_and_says_when_it_cannot() {
    let (mut renewed, mut lapsed, mut went_back, mut set_aside) = (0, 0, 0, 0);
    explore(150, |seed| {
        let mut stage = Stage::new(seed);
        for _ in 0..4_000 {
            stage.step();
        }
        renewed += stage.renewed;
        lapsed += stage.lapsed;
        went_back += stage.went_back;
        set_aside += stage.set_aside;
    });
    // All of it happens, or nothing was tried.
    let enough = renewed > 100 && lapsed > 100 && went_back > 100 && set_aside > 10;
    assert!(enough, "{renewed} {lapsed} {went_back} {set_aside}");
}
