//! When an automatic certificate is renewed: in the window that its CA suggests (RFC 9773), or after
//! two thirds of its lifetime; not again at once after a failure, never against a CA's wish to be
//! left alone, and never more often in a day than allowed.
//!
//! Dates are wall-clock times and the wall clock jumps, so the deadline is never far away. Pauses and
//! the orders of the last day are monotonic while we run; their dates, which outlive us, follow a
//! clock that jumps.

mod dated;
mod hold;
mod limit;
mod words;

use std::collections::VecDeque;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use crate::domain::certs::renewal::dated::Dated;
use crate::domain::certs::renewal::dated::Leap;
use crate::domain::certs::renewal::hold::Hold;
use crate::domain::machine::Machine;
use crate::domain::machine::Now;

pub use hold::hold_until;
pub use limit::UsedUp;
pub use limit::used_up;
pub use words::Life;
pub use words::RenewalAction;
pub use words::RenewalInput;
pub use words::RenewalMemory;

/// Longest time between two looks at the wall clock.
const LOOK: Duration = Duration::from_secs(3600);

/// Pause after the first failure. Doubled with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(10 * 60);

/// Longest pause after an order that failed, unless the CA asked for a longer one.
const LONGEST_PAUSE: Duration = Duration::from_secs(12 * 3600);

/// Longest pause while the CA is away: knocking costs it nothing, and it may be back for an hour only.
const LONGEST_AWAY: Duration = Duration::from_secs(30 * 60);

/// Longest pause that a CA may ask for: Let's Encrypt's limits reset within a week.
const LONGEST_WISH: Duration = Duration::from_secs(7 * 86_400);

/// The span in which orders are counted.
const DAY: Duration = Duration::from_secs(86_400);

/// Failures in a row that people are told of, however much time is left.
const TOLD_AFTER: u32 = 3;

/// How often a CA is asked for its window, when it does not say.
const ASK_AGAIN: Duration = Duration::from_secs(6 * 3600);

/// Bounds of how often it is asked, whatever it says.
const ASK: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(86_400));

/// One certificate's renewal.
#[derive(Debug)]
pub struct Renewal {
    seed: u64,
    orders_per_day: usize,
    life: Option<Life>,
    /// Whether [`RenewalInput::InUse`] came: nothing is ordered before.
    known: bool,
    /// End of what was in use before the restart.
    ends: Option<SystemTime>,
    window: Option<(SystemTime, SystemTime)>,
    ask_at: Option<Instant>,
    /// An order is under way.
    ordering: bool,
    /// Not before then, unless an operator asks.
    rest: Option<Dated>,
    /// The same, because an operator went back to the certificate before.
    hold: Hold,
    failures: u32,
    complained: bool,
    asked: bool,
    orders: VecDeque<Dated>,
    /// When the clocks were read last.
    last: Now,
    look_at: Option<Instant>,
    actions: VecDeque<RenewalAction>,
}

impl Renewal {
    /// A renewal. `seed` sets its place within windows, so that many nodes do not come at once.
    #[must_use]
    pub fn new(seed: u64, orders_per_day: usize, kept: &RenewalMemory, now: Now) -> Self {
        // An order of the future was placed before the clock was set back: when, nobody knows.
        let age = |wall: SystemTime| now.wall.duration_since(wall).unwrap_or(Duration::ZERO);
        let orders = kept.orders.iter().map(|wall| Dated {
            // Its place is where it ends to count: the clock may not reach back that far.
            mono: now.mono + DAY.saturating_sub(age(*wall)),
            wall: *wall.min(&now.wall),
        });
        let rest = kept
            .rest
            .and_then(|rest| rest.duration_since(now.wall).ok());
        Self {
            seed,
            orders_per_day: orders_per_day.max(1),
            life: None,
            known: false,
            ends: kept.ends,
            window: None,
            ask_at: None,
            ordering: false,
            rest: rest.map(|rest| Dated::after(now, rest.min(LONGEST_WISH))),
            hold: Hold::default(),
            failures: kept.failures,
            complained: kept.complained && kept.failures > 0,
            asked: false,
            orders: orders.collect(),
            last: now,
            look_at: None,
            actions: VecDeque::new(),
        }
    }

    /// When it is to be renewed; `None` before it is known what is in use, the distant past when
    /// nothing is.
    #[must_use]
    pub fn due(&self) -> Option<SystemTime> {
        if !self.known {
            return None;
        }
        let Some(life) = self.life else {
            return Some(SystemTime::UNIX_EPOCH);
        };
        // A window beyond the end would let the certificate lapse. One in the past means now (RFC
        // 9773, section 4.2).
        let window = self.window;
        let window = window.filter(|(start, end)| start <= end && *end <= life.not_after);
        Some(match window {
            Some((start, end)) => {
                let start = start.max(life.not_before);
                start + part(end.duration_since(start), self.share())
            }
            // Up to a thirtieth later than two thirds.
            None => life.not_before + life.whole().mul_f64(2.0 / 3.0 + self.share() / 30.0),
        })
    }

    /// Failures in a row.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Whether people have been told that it fails.
    #[must_use]
    pub const fn is_told(&self) -> bool {
        self.complained
    }

    /// What is to be kept.
    #[must_use]
    pub fn memory(&self) -> RenewalMemory {
        RenewalMemory {
            orders: self.orders.iter().map(|order| order.wall).collect(),
            failures: self.failures,
            complained: self.complained,
            rest: self.rest.map(|rest| rest.wall),
            ends: self.end(),
        }
    }

    fn end(&self) -> Option<SystemTime> {
        match self.known {
            true => self.life.map(|life| life.not_after),
            false => self.ends,
        }
    }

    /// A number from 0 to 1 that is this renewal's own.
    fn share(&self) -> f64 {
        const MOST: f64 = 65_535.0;
        let mixed = self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48;
        let mixed = u16::try_from(mixed).unwrap_or_default();
        f64::from(mixed) / MOST
    }

    fn pause(&self, longest: Duration) -> Duration {
        let doubled = FIRST_PAUSE.saturating_mul(1 << self.failures.saturating_sub(1).min(10));
        let pause = doubled.min(longest);
        // Up to a quarter more.
        pause + pause.mul_f64(self.share() / 4.0)
    }

    /// Counts a failure, and rests at least as long as is asked for.
    fn fail(&mut self, longest: Duration, least: Duration, now: Now) {
        self.failures = self.failures.saturating_add(1);
        let rest = self.pause(longest).max(least);
        let until = Dated::after(now, rest);
        self.rest = Some(
            self.rest
                .filter(|held| held.mono > until.mono)
                .unwrap_or(until),
        );
        let late = self.life.is_some_and(|life| now.wall + rest >= life.late());
        if self.failures >= TOLD_AFTER || late {
            self.complained = true;
            let failures = self.failures;
            self.actions.push_back(RenewalAction::Complain { failures });
        }
    }

    fn recover(&mut self) {
        self.failures = 0;
        if self.complained {
            self.complained = false;
            self.actions.push_back(RenewalAction::Relieve);
        }
    }

    /// Takes the dates along when the wall clock has jumped.
    fn follow(&mut self, now: Now) {
        let leap = Leap::between(self.last, now);
        self.last = now;
        let Some(leap) = leap else {
            return;
        };
        for order in &mut self.orders {
            leap.shift(&mut order.wall);
        }
        if let Some(rest) = &mut self.rest {
            leap.shift(&mut rest.wall);
        }
    }

    fn look(&mut self, now: Now) {
        self.rest = self.rest.filter(|rest| rest.mono > now.mono);
        if self.ask_at.is_some_and(|at| now.mono >= at) && self.life.is_some() {
            self.ask_at = Some(now.mono + ASK_AGAIN);
            self.actions.push_back(RenewalAction::AskWindow);
        }
        let left = self.has_order_left(now);
        // Who asked was told that there is none; hours later it would come by surprise.
        self.asked &= left;
        let rests = self.rest.is_some() || self.hold.left(now.mono).is_some();
        // An operator has mended what was wrong, and knows better than the pause.
        let time = self.asked || (self.is_due(now) && !rests);
        if self.known && time && left && !self.ordering {
            self.asked = false;
            self.orders.push_back(Dated {
                mono: now.mono + DAY,
                wall: now.wall,
            });
            self.ordering = true;
            self.actions.push_back(RenewalAction::Order);
        }
        self.look_later(now);
    }

    fn is_due(&self, now: Now) -> bool {
        self.due().is_some_and(|due| due <= now.wall)
    }

    fn look_later(&mut self, now: Now) {
        let due = self
            .due()
            .and_then(|due| due.duration_since(now.wall).ok())
            .unwrap_or(LOOK);
        // A moment after it, so that the comparison is not off by a part of a second.
        let due = due.saturating_add(Duration::from_secs(1)).min(LOOK);
        let rest = self
            .rest
            .map_or(LOOK, |rest| rest.mono.saturating_duration_since(now.mono));
        let held = self.hold.left(now.mono).unwrap_or(LOOK);
        self.look_at = Some(now.mono + due.min(rest).min(held).max(Duration::from_secs(1)));
    }

    fn handle_failed(&mut self, retry_after: Option<Duration>, away: bool, now: Now) {
        if !self.ordering {
            return;
        }
        self.ordering = false;
        if away {
            self.orders.pop_back();
        }
        let longest = if away { LONGEST_AWAY } else { LONGEST_PAUSE };
        let wish = retry_after.unwrap_or_default().min(LONGEST_WISH);
        self.fail(longest, wish, now);
    }

    fn handle_in_use(&mut self, life: Option<Life>, now: Now) {
        let first = !self.known;
        let replaced = match self.known {
            true => self.life != life,
            false => self.ends != life.map(|life| life.not_after),
        };
        if !self.known || self.life != life {
            self.window = None;
            self.ask_at = life.map(|_| now.mono);
        }
        self.known = true;
        self.life = life;
        // Somebody has imported another one, and there is time again.
        if replaced && !self.ordering && !self.is_due(now) {
            self.rest = None;
            self.recover();
        }
        // Of what was told before a restart nobody knows whether it is still so.
        if first && self.complained {
            let failures = self.failures;
            self.actions.push_back(RenewalAction::Complain { failures });
        }
    }

    fn handle_renewed(&mut self, life: Life, now: Now) {
        self.known = true;
        self.life = Some(life);
        self.window = None;
        self.ask_at = Some(now.mono + ASK.0);
        self.ordering = false;
        self.rest = None;
        self.asked = false;
        if self.is_due(now) {
            // Either this clock is wrong or the CA's. Ordering more of them helps nobody.
            self.fail(LONGEST_PAUSE, DAY, now);
        } else {
            self.recover();
        }
    }
}

fn part(span: Result<Duration, std::time::SystemTimeError>, share: f64) -> Duration {
    span.unwrap_or(Duration::ZERO).mul_f64(share)
}

impl Machine for Renewal {
    type Input = RenewalInput;
    type Action = RenewalAction;

    fn handle(&mut self, input: RenewalInput, now: Now) {
        self.follow(now);
        match input {
            RenewalInput::Asked => {
                if self.has_order_left(now) {
                    self.asked = true;
                    self.hold.lift(now);
                }
            }
            RenewalInput::Failed { retry_after, away } => {
                self.handle_failed(retry_after, away, now);
            }
            RenewalInput::Held(until) => {
                // What was asked for before that is taken back with it.
                self.asked &= !self.hold.hear(until, now);
            }
            RenewalInput::InUse(life) => self.handle_in_use(life, now),
            RenewalInput::Renewed(life) => self.handle_renewed(life, now),
            RenewalInput::SetAside(until) => self.set_aside(until, now),
            RenewalInput::Window {
                start,
                end,
                ask_again,
            } => {
                self.window = Some((start, end));
                self.ask_at = Some(now.mono + ask_again.clamp(ASK.0, ASK.1));
            }
            RenewalInput::WindowUnknown => {
                // What was said before still holds.
                self.ask_at = Some(now.mono + ASK_AGAIN);
            }
        }
        self.look(now);
    }

    fn handle_timeout(&mut self, now: Now) {
        self.follow(now);
        if self.deadline().is_some_and(|at| at <= now.mono) {
            self.look(now);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let ask = self.ask_at.filter(|_| self.life.is_some());
        self.look_at.into_iter().chain(ask).min()
    }

    fn poll_action(&mut self) -> Option<RenewalAction> {
        self.actions.pop_front()
    }

    fn check_invariants(&self) {
        assert!(!self.complained || self.failures > 0);
        assert!(self.known || !self.ordering);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn start() -> Now {
        Now {
            mono: origin(),
            wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "only its differences count")]
    fn origin() -> Instant {
        Instant::now()
    }

    fn after(now: Now, span: Duration) -> Now {
        Now {
            mono: now.mono + span,
            wall: now.wall + span,
        }
    }

    fn ninety_days(now: Now) -> Life {
        Life {
            not_before: now.wall,
            not_after: now.wall + DAY * 90,
        }
    }

    const FAILED: RenewalInput = RenewalInput::Failed {
        retry_after: None,
        away: false,
    };

    fn fresh(seed: u64, orders_per_day: usize, now: Now) -> Renewal {
        Renewal::new(seed, orders_per_day, &RenewalMemory::default(), now)
    }

    fn drain(renewal: &mut Renewal) -> Vec<RenewalAction> {
        renewal.check_invariants();
        std::iter::from_fn(|| renewal.poll_action()).collect()
    }

    /// Lets time pass in the steps that the machine asks for.
    fn pass(renewal: &mut Renewal, mut now: Now, span: Duration) -> (Now, Vec<RenewalAction>) {
        let (end, mut done) = (now.mono + span, Vec::new());
        while let Some(at) = renewal.deadline().filter(|at| *at <= end) {
            now = after(now, at.saturating_duration_since(now.mono));
            renewal.handle_timeout(now);
            done.extend(drain(renewal));
            if done.contains(&RenewalAction::Order) {
                return (now, done);
            }
        }
        (after(now, end.saturating_duration_since(now.mono)), done)
    }

    #[test]
    fn without_a_window_two_thirds_of_the_lifetime_pass_first() {
        for seed in 0..50 {
            let now = start();
            let mut renewal = fresh(seed, 5, now);
            renewal.handle(RenewalInput::InUse(Some(ninety_days(now))), now);
            assert_eq!(drain(&mut renewal), [RenewalAction::AskWindow]);
            renewal.handle(RenewalInput::WindowUnknown, now);
            let (then, done) = pass(&mut renewal, now, DAY * 80);
            assert!(done.contains(&RenewalAction::Order));
            let age = then.wall.duration_since(now.wall).unwrap();
            assert!(age >= DAY * 60 && age <= DAY * 63 + HOUR, "{age:?}");
        }
    }

    #[test]
    fn the_window_of_the_ca_wins_and_one_in_the_past_means_now() {
        let now = start();
        let mut renewal = fresh(7, 5, now);
        renewal.handle(RenewalInput::InUse(Some(ninety_days(now))), now);
        let window = |start: Duration, end: Duration| RenewalInput::Window {
            start: now.wall + start,
            end: now.wall + end,
            ask_again: HOUR * 6,
        };
        renewal.handle(window(DAY * 10, DAY * 12), now);
        let due = renewal.due().unwrap().duration_since(now.wall).unwrap();
        assert!(due >= DAY * 10 && due <= DAY * 12, "{due:?}");
        drain(&mut renewal);
        // The CA has revoked it, and says so with a window that has begun.
        renewal.handle(window(Duration::ZERO, Duration::ZERO), now);
        assert_eq!(drain(&mut renewal), [RenewalAction::Order]);
    }

    #[test]
    fn a_window_beyond_the_end_is_not_believed() {
        let now = start();
        let mut renewal = fresh(7, 5, now);
        renewal.handle(RenewalInput::InUse(Some(ninety_days(now))), now);
        let window = RenewalInput::Window {
            start: now.wall + DAY * 200,
            end: now.wall + DAY * 300,
            ask_again: HOUR,
        };
        renewal.handle(window, now);
        assert!(renewal.due().unwrap() < now.wall + DAY * 64);
    }

    #[test]
    fn pauses_grow_people_are_told_after_three_and_relieved_after_success() {
        let mut now = start();
        let mut renewal = fresh(3, 100, now);
        let life = Life {
            not_before: now.wall - DAY * 65,
            not_after: now.wall + DAY * 25,
        };
        renewal.handle(RenewalInput::InUse(Some(life)), now);
        renewal.handle(RenewalInput::WindowUnknown, now);
        let begun = [RenewalAction::AskWindow, RenewalAction::Order];
        assert_eq!(drain(&mut renewal), begun);
        let mut pauses = Vec::new();
        for failures in 1..=6 {
            renewal.handle(FAILED, now);
            let told = drain(&mut renewal);
            assert_eq!(
                told.contains(&RenewalAction::Complain { failures }),
                failures >= 3
            );
            let (then, _) = pass(&mut renewal, now, DAY * 2);
            pauses.push(then.mono - now.mono);
            now = then;
        }
        assert!(pauses.is_sorted(), "{pauses:?}");
        assert!(pauses[0] >= FIRST_PAUSE && pauses[5] <= LONGEST_PAUSE * 5 / 4 + HOUR);
        renewal.handle(RenewalInput::Renewed(ninety_days(now)), now);
        assert_eq!(drain(&mut renewal), [RenewalAction::Relieve]);
        assert_eq!(renewal.failures(), 0);
    }

    #[test]
    fn a_ca_that_wants_to_be_left_alone_is_and_an_operator_may_ask_all_the_same() {
        let now = start();
        let mut renewal = fresh(3, 5, now);
        renewal.handle(RenewalInput::InUse(None), now);
        drain(&mut renewal);
        let retry_after = Some(HOUR * 30);
        let away = false;
        renewal.handle(RenewalInput::Failed { retry_after, away }, now);
        let (later, done) = pass(&mut renewal, now, HOUR * 29);
        assert_eq!(done, []);
        renewal.handle(RenewalInput::Asked, later);
        assert_eq!(drain(&mut renewal), [RenewalAction::Order]);
    }

    #[test]
    fn no_more_orders_than_allowed_in_a_day_even_when_asked_and_over_a_restart() {
        let mut now = start();
        let kept = RenewalMemory {
            orders: vec![now.wall - HOUR],
            ..RenewalMemory::default()
        };
        let mut renewal = Renewal::new(3, 2, &kept, now);
        renewal.handle(RenewalInput::InUse(None), now);
        assert_eq!(drain(&mut renewal), [RenewalAction::Order]);
        renewal.handle(FAILED, now);
        renewal.handle(RenewalInput::Asked, now);
        assert_eq!(drain(&mut renewal), []);
        let (then, done) = pass(&mut renewal, now, DAY * 2);
        assert_eq!(done, [RenewalAction::Order]);
        now = then;
        assert!(now.wall >= start().wall + HOUR * 22);
    }

    #[test]
    fn what_was_asked_for_on_a_day_without_orders_does_not_come_by_surprise_later() {
        let now = start();
        let mut renewal = fresh(3, 2, now);
        renewal.handle(RenewalInput::InUse(Some(ninety_days(now))), now);
        renewal.handle(RenewalInput::WindowUnknown, now);
        drain(&mut renewal);
        let ask = |renewal: &mut Renewal| {
            renewal.handle(RenewalInput::Asked, now);
            let done = drain(renewal);
            done.contains(&RenewalAction::Order)
        };
        for _ in 0..2 {
            assert!(ask(&mut renewal));
            renewal.handle(RenewalInput::Renewed(ninety_days(now)), now);
            drain(&mut renewal);
        }
        assert!(!ask(&mut renewal));
        let (later, done) = pass(&mut renewal, now, DAY * 2);
        assert!(!done.contains(&RenewalAction::Order), "{done:?}");
        // Whoever asks when there is one again gets it.
        renewal.handle(RenewalInput::Asked, later);
        assert!(drain(&mut renewal).contains(&RenewalAction::Order));
    }

    #[test]
    fn a_second_wish_during_the_last_order_of_the_day_is_not_kept_either() {
        let now = start();
        let mut renewal = fresh(3, 1, now);
        renewal.handle(RenewalInput::InUse(Some(ninety_days(now))), now);
        renewal.handle(RenewalInput::Asked, now);
        assert!(drain(&mut renewal).contains(&RenewalAction::Order));
        renewal.handle(RenewalInput::Asked, now);
        renewal.handle(RenewalInput::Renewed(ninety_days(now)), now);
        drain(&mut renewal);
        let (_, done) = pass(&mut renewal, now, DAY * 2);
        assert!(!done.contains(&RenewalAction::Order), "{done:?}");
    }

    #[test]
    fn a_clock_that_jumps_is_noticed_within_the_hour() {
        let now = start();
        let mut renewal = fresh(3, 5, now);
        renewal.handle(RenewalInput::InUse(Some(ninety_days(now))), now);
        drain(&mut renewal);
        assert!(renewal.deadline().unwrap() <= now.mono + LOOK);
        let ahead = Now {
            mono: now.mono + LOOK,
            wall: now.wall + DAY * 3650,
        };
        renewal.handle_timeout(ahead);
        assert!(drain(&mut renewal).contains(&RenewalAction::Order));
        // Set back again: what was ordered "in the future" counts for the rest of its day, and no
        // longer.
        let back = after(now, HOUR * 2);
        renewal.handle(RenewalInput::Renewed(ninety_days(now)), back);
        let orders = renewal.memory().orders;
        assert!(orders.len() == 1 && orders[0] <= back.wall, "{orders:?}");
        let restarted = Renewal::new(3, 5, &renewal.memory(), after(now, DAY * 2));
        assert!(restarted.memory().orders.len() == 1);
        renewal.handle(RenewalInput::WindowUnknown, after(now, DAY * 2));
        assert!(renewal.memory().orders.is_empty());
    }

    #[test]
    fn a_ca_that_is_away_is_knocked_at_within_the_hour_and_that_counts_as_no_order() {
        let mut now = start();
        let mut renewal = fresh(3, 2, now);
        renewal.handle(RenewalInput::InUse(None), now);
        assert_eq!(drain(&mut renewal), [RenewalAction::Order]);
        for _ in 0..20 {
            let failed = RenewalInput::Failed {
                retry_after: None,
                away: true,
            };
            renewal.handle(failed, now);
            drain(&mut renewal);
            assert!(renewal.memory().orders.is_empty());
            let (then, done) = pass(&mut renewal, now, DAY);
            assert!(done.contains(&RenewalAction::Order));
            assert!(then.mono - now.mono < HOUR);
            now = then;
        }
    }

    #[test]
    fn a_restart_forgets_neither_the_failures_nor_the_wish_of_the_ca_nor_that_people_were_told() {
        let now = start();
        let life = Some(ninety_days(after(now, DAY)));
        let mut renewal = fresh(3, 5, now);
        renewal.handle(RenewalInput::InUse(None), now);
        for _ in 0..3 {
            renewal.handle(RenewalInput::Asked, now);
            let retry_after = Some(HOUR * 30);
            let away = false;
            renewal.handle(RenewalInput::Failed { retry_after, away }, now);
        }
        // The last one was asked for and is under way.
        assert!(renewal.ordering);
        assert!(renewal.is_told());
        let kept = renewal.memory();
        let mut again = Renewal::new(3, 5, &kept, now);
        again.handle(RenewalInput::InUse(None), now);
        // Told again, for whoever holds alarms only as long as they are seen.
        let told = [RenewalAction::Complain { failures: 3 }];
        assert_eq!(drain(&mut again), told);
        let (later, done) = pass(&mut again, now, HOUR * 29);
        assert_eq!(done, []);
        let (_, done) = pass(&mut again, later, HOUR * 2);
        assert_eq!(done, [RenewalAction::Order]);
        // While it was down somebody has imported a good one.
        let mut again = Renewal::new(3, 5, &kept, now);
        again.handle(RenewalInput::InUse(life), now);
        let said = [RenewalAction::Relieve, RenewalAction::AskWindow];
        assert_eq!(drain(&mut again), said, "and not that it fails");
    }

    #[test]
    fn what_an_operator_went_back_to_is_left_for_a_day_unless_another_is_asked_for() {
        let begun = start();
        for asks in [false, true] {
            // The old one is past two thirds, and the new one was renewed in time.
            let old = Life {
                not_before: begun.wall - DAY * 70,
                not_after: begun.wall + DAY * 20,
            };
            let mut renewal = fresh(3, 5, begun);
            renewal.handle(RenewalInput::InUse(Some(ninety_days(begun))), begun);
            renewal.handle(RenewalInput::WindowUnknown, begun);
            drain(&mut renewal);
            let until = hold_until(old.not_after, begun.wall);
            renewal.handle(RenewalInput::Held(Some(until)), begun);
            renewal.handle(RenewalInput::InUse(Some(old)), begun);
            assert_eq!(drain(&mut renewal), [RenewalAction::AskWindow]);
            renewal.handle(RenewalInput::WindowUnknown, begun);
            let (later, done) = pass(&mut renewal, begun, HOUR * 23);
            assert!(!done.contains(&RenewalAction::Order), "{done:?}");
            assert_eq!(renewal.held(), Some(until));
            // The same word again makes it no longer, nor does a restart.
            renewal.handle(RenewalInput::Held(Some(until)), later);
            let mut renewal = Renewal::new(3, 5, &renewal.memory(), later);
            renewal.handle(RenewalInput::Held(Some(until)), later);
            renewal.handle(RenewalInput::InUse(Some(old)), later);
            assert!(!drain(&mut renewal).contains(&RenewalAction::Order));
            if asks {
                renewal.handle(RenewalInput::Asked, later);
                assert_eq!(drain(&mut renewal), [RenewalAction::Order]);
                // And after a failure it is tried again as ever.
                renewal.handle(RenewalInput::Held(Some(until)), later);
                renewal.handle(FAILED, later);
                assert_eq!(renewal.held(), None);
                continue;
            }
            let (then, done) = pass(&mut renewal, later, HOUR * 2);
            assert!(done.contains(&RenewalAction::Order), "{done:?}");
            assert!(then.mono >= begun.mono + DAY);
        }
    }

    #[test]
    fn what_comes_while_an_operator_goes_back_is_no_failure_and_nothing_is_ordered_in_its_place() {
        let now = start();
        let memory = RenewalMemory {
            failures: 4,
            complained: true,
            ..RenewalMemory::default()
        };
        let mut renewal = Renewal::new(3, 5, &memory, now);
        renewal.handle(RenewalInput::InUse(None), now);
        let told = RenewalAction::Complain { failures: 4 };
        assert_eq!(drain(&mut renewal), [told, RenewalAction::Order]);
        renewal.handle(RenewalInput::Asked, now);
        let until = now.wall + HOUR * 12;
        renewal.handle(RenewalInput::SetAside(until), now);
        assert_eq!(drain(&mut renewal), [RenewalAction::Relieve]);
        assert_eq!((renewal.held(), renewal.failures()), (Some(until), 0));
        // Heard again with the next look, as it is noted.
        renewal.handle(RenewalInput::Held(Some(until)), now);
        let (then, done) = pass(&mut renewal, now, DAY);
        assert_eq!(done, [RenewalAction::Order]);
        assert!(then.mono >= now.mono + HOUR * 12, "{then:?}");
    }

    #[test]
    fn a_clock_that_is_set_back_makes_no_hold_of_years() {
        let now = start();
        let mut renewal = fresh(3, 5, now);
        let until = now.wall + DAY * 365;
        renewal.handle(RenewalInput::Held(Some(until)), now);
        renewal.handle(RenewalInput::InUse(None), now);
        let (then, done) = pass(&mut renewal, now, DAY * 2);
        assert_eq!(done, [RenewalAction::Order]);
        assert!(then.mono <= now.mono + DAY + HOUR);
    }

    #[test]
    fn one_failure_is_told_when_the_next_try_may_come_too_late() {
        let now = start();
        let life = Life {
            not_before: now.wall - DAY * 4,
            not_after: now.wall + DAY * 2,
        };
        let mut renewal = fresh(0, 5, now);
        renewal.handle(RenewalInput::InUse(Some(life)), now);
        renewal.handle(RenewalInput::WindowUnknown, now);
        assert!(drain(&mut renewal).contains(&RenewalAction::Order));
        let failed = RenewalInput::Failed {
            retry_after: Some(DAY),
            away: false,
        };
        renewal.handle(failed, now);
        let told = [RenewalAction::Complain { failures: 1 }];
        assert_eq!(drain(&mut renewal), told);
    }

    #[test]
    fn a_new_certificate_that_is_due_at_once_is_a_failure_and_not_ordered_again_the_same_day() {
        let now = start();
        let mut renewal = fresh(3, 5, now);
        renewal.handle(RenewalInput::InUse(None), now);
        drain(&mut renewal);
        let ahead = Now {
            mono: now.mono,
            wall: now.wall + DAY * 3650,
        };
        renewal.handle(RenewalInput::Renewed(ninety_days(now)), ahead);
        let told = [RenewalAction::Complain { failures: 1 }];
        assert_eq!(drain(&mut renewal), told);
        let (_, done) = pass(&mut renewal, ahead, HOUR * 23);
        assert!(!done.contains(&RenewalAction::Order));
    }
}
