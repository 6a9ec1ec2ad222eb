//! When an automatic certificate is renewed: in the window that its CA suggests (RFC 9773), or after
//! two thirds of its lifetime; not again at once after a failure, never against a CA's wish to be
//! left alone, and never more often in a day than allowed.
//!
//! Dates are wall-clock times and the wall clock jumps, so the deadline is never far away; pauses
//! after failures are monotonic.

use std::collections::VecDeque;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use crate::domain::machine::Machine;
use crate::domain::machine::Now;

/// Longest time between two looks at the wall clock.
const LOOK: Duration = Duration::from_secs(3600);

/// Pause after the first failure. Doubled with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(10 * 60);

/// Longest pause after a failure that the CA did not ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(12 * 3600);

/// Longest pause that a CA may ask for: Let's Encrypt's limits reset within a week.
const LONGEST_WISH: Duration = Duration::from_secs(7 * 86_400);

/// The span in which orders are counted.
const DAY: Duration = Duration::from_secs(86_400);

/// Failures in a row that people are told of.
const TOLD_AFTER: u32 = 3;

/// How often a CA is asked for its window, when it does not say.
const ASK_AGAIN: Duration = Duration::from_secs(6 * 3600);

/// Bounds of how often it is asked, whatever it says.
const ASK: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(86_400));

/// Lifetime of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// First second.
    pub not_before: SystemTime,
    /// Last second.
    pub not_after: SystemTime,
}

/// What happens to a renewal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RenewalInput {
    /// An operator wants it now.
    Asked,
    /// An order came to nothing.
    Failed {
        /// How long the CA wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// What is in use now; `None` when there is none that this CA could have issued.
    InUse(Option<Life>),
    /// A new certificate is in use.
    Renewed(Life),
    /// The CA suggests a window.
    Window {
        /// From here on.
        start: SystemTime,
        /// To here.
        end: SystemTime,
        /// When to ask again.
        ask_again: Duration,
    },
    /// The CA suggests none, or could not be asked.
    WindowUnknown,
}

/// What a renewal wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenewalAction {
    /// Ask the CA for its window.
    AskWindow,
    /// Tell people that it failed again and again.
    Complain {
        /// How often in a row.
        failures: u32,
    },
    /// Order a certificate.
    Order,
    /// Tell people that it is over.
    Relieve,
}

/// One certificate's renewal.
#[derive(Debug)]
pub struct Renewal {
    seed: u64,
    orders_per_day: usize,
    life: Option<Life>,
    /// Whether [`RenewalInput::InUse`] came: nothing is ordered before.
    known: bool,
    window: Option<(SystemTime, SystemTime)>,
    ask_at: Option<Instant>,
    state: State,
    failures: u32,
    complained: bool,
    asked: bool,
    /// Times of the orders of the last day.
    orders: VecDeque<SystemTime>,
    look_at: Option<Instant>,
    actions: VecDeque<RenewalAction>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Until its time comes.
    Waiting,
    /// An order is under way.
    Ordering,
    /// Not before then.
    Resting(Instant),
}

impl Renewal {
    /// A renewal. `seed` sets its place within windows, so that many nodes do not come at once;
    /// `orders` are the times of earlier orders, kept over a restart.
    #[must_use]
    pub fn new(seed: u64, orders_per_day: usize, orders: Vec<SystemTime>) -> Self {
        Self {
            seed,
            orders_per_day: orders_per_day.max(1),
            life: None,
            known: false,
            window: None,
            ask_at: None,
            state: State::Waiting,
            failures: 0,
            complained: false,
            asked: false,
            orders: orders.into(),
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
        // A window beyond the end would let the certificate lapse.
        let window = self.window.filter(|(start, end)| {
            start <= end && *end <= life.not_after && *start >= life.not_before
        });
        // RFC 9773 section 4.2: a window in the past means now, and any point in it will do.
        let early = self
            .window
            .filter(|(start, end)| start <= end && *end <= life.not_before);
        if early.is_some() {
            return Some(life.not_before);
        }
        Some(match window {
            Some((start, end)) => start + part(end.duration_since(start), self.share()),
            None => {
                let whole = life.not_after.duration_since(life.not_before);
                let whole = whole.unwrap_or(Duration::ZERO);
                // Up to a thirtieth later than two thirds.
                let share = 2.0 / 3.0 + self.share() / 30.0;
                life.not_before + whole.mul_f64(share)
            }
        })
    }

    /// Failures in a row.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Whether an order is under way.
    #[must_use]
    pub fn is_ordering(&self) -> bool {
        self.state == State::Ordering
    }

    /// Times of the orders of the last day, to be kept.
    pub fn orders(&self) -> impl Iterator<Item = SystemTime> + '_ {
        self.orders.iter().copied()
    }

    /// A number from 0 to 1 that is this renewal's own.
    fn share(&self) -> f64 {
        const MOST: f64 = 65_535.0;
        let mixed = self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48;
        let mixed = u16::try_from(mixed).unwrap_or_default();
        f64::from(mixed) / MOST
    }

    fn pause(&self) -> Duration {
        let doubled = FIRST_PAUSE.saturating_mul(1 << self.failures.saturating_sub(1).min(10));
        let pause = doubled.min(LONGEST_PAUSE);
        // Up to a quarter more.
        pause + pause.mul_f64(self.share() / 4.0)
    }

    /// Drops orders older than a day, and those that a clock set back has put into the future.
    fn forget(&mut self, wall: SystemTime) {
        self.orders
            .retain(|at| wall.duration_since(*at).is_ok_and(|age| age < DAY));
    }

    fn look(&mut self, now: Now) {
        if let State::Resting(until) = self.state
            && now.mono >= until
        {
            self.state = State::Waiting;
        }
        if self.ask_at.is_some_and(|at| now.mono >= at) && self.life.is_some() {
            self.ask_at = Some(now.mono + ASK_AGAIN);
            self.actions.push_back(RenewalAction::AskWindow);
        }
        self.forget(now.wall);
        let due = self.due().is_some_and(|due| due <= now.wall);
        let resting = match self.state {
            State::Ordering => return self.look_later(now),
            // An operator has mended what was wrong, and knows better than the pause.
            State::Resting(_) => !self.asked,
            State::Waiting => false,
        };
        let wanted = self.known && (self.asked || due) && !resting;
        if wanted && self.orders.len() < self.orders_per_day {
            self.asked = false;
            self.orders.push_back(now.wall);
            self.state = State::Ordering;
            self.actions.push_back(RenewalAction::Order);
        }
        self.look_later(now);
    }

    fn look_later(&mut self, now: Now) {
        let due = self
            .due()
            .and_then(|due| due.duration_since(now.wall).ok())
            .unwrap_or(LOOK);
        // A moment after it, so that the comparison is not off by a part of a second.
        let due = due.saturating_add(Duration::from_secs(1)).min(LOOK);
        let rest = match self.state {
            State::Resting(until) => until.saturating_duration_since(now.mono).min(LOOK),
            State::Waiting | State::Ordering => LOOK,
        };
        self.look_at = Some(now.mono + due.min(rest).max(Duration::from_secs(1)));
    }
}

fn part(span: Result<Duration, std::time::SystemTimeError>, share: f64) -> Duration {
    span.unwrap_or(Duration::ZERO).mul_f64(share)
}

impl Machine for Renewal {
    type Input = RenewalInput;
    type Action = RenewalAction;

    fn handle(&mut self, input: RenewalInput, now: Now) {
        match input {
            RenewalInput::Asked => self.asked = true,
            RenewalInput::Failed { retry_after } => {
                if self.state != State::Ordering {
                    return;
                }
                self.failures = self.failures.saturating_add(1);
                let wish = retry_after.unwrap_or_default().min(LONGEST_WISH);
                self.state = State::Resting(now.mono + self.pause().max(wish));
                if self.failures >= TOLD_AFTER {
                    self.complained = true;
                    let failures = self.failures;
                    self.actions.push_back(RenewalAction::Complain { failures });
                }
            }
            RenewalInput::InUse(life) => {
                if !self.known || self.life != life {
                    self.window = None;
                    self.ask_at = life.map(|_| now.mono);
                }
                self.known = true;
                self.life = life;
            }
            RenewalInput::Renewed(life) => {
                self.known = true;
                self.life = Some(life);
                self.window = None;
                self.ask_at = Some(now.mono + ASK.0);
                self.state = State::Waiting;
                self.failures = 0;
                self.asked = false;
                if self.complained {
                    self.complained = false;
                    self.actions.push_back(RenewalAction::Relieve);
                }
            }
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
        assert!(!self.complained || self.failures >= TOLD_AFTER);
        assert!(self.known || self.state == State::Waiting);
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
            let mut renewal = Renewal::new(seed, 5, Vec::new());
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
        let mut renewal = Renewal::new(7, 5, Vec::new());
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
        let mut renewal = Renewal::new(7, 5, Vec::new());
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
        let mut renewal = Renewal::new(3, 100, Vec::new());
        renewal.handle(RenewalInput::InUse(None), now);
        assert_eq!(drain(&mut renewal), [RenewalAction::Order]);
        let mut pauses = Vec::new();
        for failures in 1..=6 {
            let failed = RenewalInput::Failed { retry_after: None };
            renewal.handle(failed, now);
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
        let mut renewal = Renewal::new(3, 5, Vec::new());
        renewal.handle(RenewalInput::InUse(None), now);
        drain(&mut renewal);
        let retry_after = Some(HOUR * 30);
        renewal.handle(RenewalInput::Failed { retry_after }, now);
        let (later, done) = pass(&mut renewal, now, HOUR * 29);
        assert_eq!(done, []);
        renewal.handle(RenewalInput::Asked, later);
        assert_eq!(drain(&mut renewal), [RenewalAction::Order]);
    }

    #[test]
    fn no_more_orders_than_allowed_in_a_day_even_when_asked_and_over_a_restart() {
        let mut now = start();
        let mut renewal = Renewal::new(3, 2, vec![now.wall - HOUR]);
        renewal.handle(RenewalInput::InUse(None), now);
        assert_eq!(drain(&mut renewal), [RenewalAction::Order]);
        renewal.handle(RenewalInput::Failed { retry_after: None }, now);
        renewal.handle(RenewalInput::Asked, now);
        assert_eq!(drain(&mut renewal), []);
        let (then, done) = pass(&mut renewal, now, DAY * 2);
        assert_eq!(done, [RenewalAction::Order]);
        now = then;
        assert!(now.wall >= start().wall + HOUR * 22);
    }

    #[test]
    fn a_clock_that_jumps_is_noticed_within_the_hour() {
        let now = start();
        let mut renewal = Renewal::new(3, 5, Vec::new());
        renewal.handle(RenewalInput::InUse(Some(ninety_days(now))), now);
        drain(&mut renewal);
        assert!(renewal.deadline().unwrap() <= now.mono + LOOK);
        let ahead = Now {
            mono: now.mono + LOOK,
            wall: now.wall + DAY * 3650,
        };
        renewal.handle_timeout(ahead);
        assert!(drain(&mut renewal).contains(&RenewalAction::Order));
        // Set back again: what was ordered "in the future" does not count for ever.
        renewal.handle(
            RenewalInput::Renewed(ninety_days(now)),
            after(now, HOUR * 2),
        );
        assert_eq!(renewal.orders().count(), 0);
    }
}
