//! The circuit breaker: an Application Server that does not answer is left alone for a growing
//! while, so that callers fail at once instead of queueing behind time limits.

use std::time::Duration;
use std::time::Instant;

/// Failures in a row that open it. One torn connection is everyday, three are not.
const FAILURES: u32 = 3;

/// The first pause, doubled with every failed probe up to [`LONGEST`].
pub const SHORTEST: Duration = Duration::from_secs(1);

/// The longest pause after failures of the connection.
pub const LONGEST: Duration = Duration::from_secs(30);

/// The pause after a refused login. Long, because the Application Server locks an administrator
/// who keeps on trying a wrong password.
pub const REFUSED: Duration = Duration::from_secs(300);

/// The breaker of one Application Server cluster.
#[derive(Debug, Clone)]
pub struct Breaker {
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Requests pass.
    Closed { failures: u32 },
    /// None passes before `until`.
    Open {
        since: Instant,
        until: Instant,
        pause: Duration,
    },
    /// One request is under way to see whether it answers again.
    Probing { since: Instant, pause: Duration },
}

/// Whether a request may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Pass,
    /// It may, and decides for all: tell [`Breaker::succeeded`], [`Breaker::failed`] or
    /// [`Breaker::abandoned`].
    Probe,
    /// It may not for this long.
    Wait(Duration),
}

/// What is known of the Application Server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It answers, as far as is known.
    Up,
    /// It does not.
    Down {
        /// Since when.
        since: Instant,
    },
}

/// A change worth telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It opened: requests fail at once.
    Opened,
    /// It closed: requests pass again.
    Closed,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            state: State::Closed { failures: 0 },
        }
    }
}

impl Breaker {
    /// Asks for one request.
    pub fn admit(&mut self, now: Instant) -> Admission {
        match self.state {
            State::Closed { .. } => Admission::Pass,
            State::Open {
                since,
                until,
                pause,
            } => {
                if until <= now {
                    self.state = State::Probing { since, pause };
                    Admission::Probe
                } else {
                    Admission::Wait(until.saturating_duration_since(now))
                }
            }
            // Told to come back soon: the probe is under way.
            State::Probing { .. } => Admission::Wait(SHORTEST),
        }
    }

    /// The server answered.
    pub fn succeeded(&mut self) -> Option<Change> {
        let change = match self.state {
            State::Closed { .. } => None,
            State::Open { .. } | State::Probing { .. } => Some(Change::Closed),
        };
        self.state = State::Closed { failures: 0 };
        change
    }

    /// No connection, or no answer. `dice` is any number; pauses are spread by it over their
    /// second half, so that a farm does not come back as one.
    pub fn failed(&mut self, now: Instant, dice: u32) -> Option<Change> {
        match self.state {
            State::Closed { failures } if failures + 1 < FAILURES => {
                self.state = State::Closed {
                    failures: failures + 1,
                };
                None
            }
            State::Closed { .. } => {
                self.open(now, now, SHORTEST, dice);
                Some(Change::Opened)
            }
            State::Probing { since, pause } => {
                // A refused login's pause does not shrink when the connection fails next.
                let longest = pause.max(LONGEST);
                self.open(since, now, (pause * 2).min(longest), dice);
                None
            }
            // Requests that were under way when it opened.
            State::Open { .. } => None,
        }
    }

    /// The server refused our login: trying again soon would lock the administrator.
    pub fn login_refused(&mut self, now: Instant) -> Option<Change> {
        let (since, change) = match self.state {
            State::Closed { .. } => (now, Some(Change::Opened)),
            State::Open { since, .. } | State::Probing { since, .. } => (since, None),
        };
        self.state = State::Open {
            since,
            until: now + REFUSED,
            pause: REFUSED,
        };
        change
    }

    /// The probe ended without a verdict: the next request is the probe.
    pub fn abandoned(&mut self, now: Instant) {
        match self.state {
            State::Probing { since, pause } => {
                self.state = State::Open {
                    since,
                    until: now,
                    pause,
                };
            }
            State::Closed { .. } | State::Open { .. } => {}
        }
    }

    /// How long a request would have to wait, without asking for one.
    #[must_use]
    pub fn pause(&self, now: Instant) -> Option<Duration> {
        match self.state {
            State::Closed { .. } => None,
            State::Open { until, .. } => Some(until.saturating_duration_since(now)),
            State::Probing { .. } => Some(SHORTEST),
        }
        .filter(|pause| !pause.is_zero())
    }

    /// What is known.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        match self.state {
            State::Closed { .. } => Standing::Up,
            State::Open { since, .. } | State::Probing { since, .. } => Standing::Down { since },
        }
    }

    /// When a probe may go, while it is open.
    #[must_use]
    pub const fn probe_at(&self) -> Option<Instant> {
        match self.state {
            State::Open { until, .. } => Some(until),
            State::Closed { .. } | State::Probing { .. } => None,
        }
    }

    fn open(&mut self, since: Instant, now: Instant, pause: Duration, dice: u32) {
        let half = pause / 2;
        let spread = half.mul_f64(f64::from(dice) / f64::from(u32::MAX));
        self.state = State::Open {
            since,
            until: now + half + spread,
            pause,
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[expect(
        clippy::disallowed_methods,
        reason = "a test needs some moment to count from"
    )]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn three_failures_in_a_row_open_it_and_an_answer_between_them_does_not() {
        let (mut breaker, now) = (Breaker::default(), start());
        assert_eq!(breaker.failed(now, 0), None);
        assert_eq!(breaker.failed(now, 0), None);
        assert_eq!(breaker.succeeded(), None);
        assert_eq!(breaker.failed(now, 0), None);
        assert_eq!(breaker.failed(now, 0), None);
        assert_eq!(breaker.standing(), Standing::Up);
        assert_eq!(breaker.failed(now, 0), Some(Change::Opened));
        assert_eq!(breaker.standing(), Standing::Down { since: now });
        assert_eq!(breaker.admit(now), Admission::Wait(SHORTEST / 2));
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_an_answer_forgets_them() {
        let (mut breaker, mut now) = (Breaker::default(), start());
        for _ in 0..FAILURES {
            breaker.failed(now, u32::MAX);
        }
        let mut pauses = Vec::new();
        for _ in 0..7 {
            let Admission::Wait(pause) = breaker.admit(now) else {
                panic!("it is open");
            };
            pauses.push(pause.as_secs());
            now += pause;
            assert_eq!(breaker.admit(now), Admission::Probe);
            assert_eq!(breaker.admit(now), Admission::Wait(SHORTEST));
            assert_eq!(breaker.failed(now, u32::MAX), None);
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
        now += LONGEST;
        assert_eq!(breaker.admit(now), Admission::Probe);
        assert_eq!(breaker.succeeded(), Some(Change::Closed));
        assert_eq!(breaker.admit(now), Admission::Pass);
    }

    #[test]
    fn a_refused_login_is_not_tried_again_soon() {
        let (mut breaker, now) = (Breaker::default(), start());
        assert_eq!(breaker.login_refused(now), Some(Change::Opened));
        assert_eq!(breaker.admit(now), Admission::Wait(REFUSED));
        let later = now + REFUSED;
        assert_eq!(breaker.probe_at(), Some(later));
        assert_eq!(breaker.admit(later), Admission::Probe);
        assert_eq!(breaker.failed(later, u32::MAX), None);
        assert_eq!(breaker.admit(later), Admission::Wait(REFUSED));
    }

    #[test]
    fn a_probe_without_a_verdict_leaves_its_place_to_the_next() {
        let (mut breaker, now) = (Breaker::default(), start());
        breaker.login_refused(now);
        let later = now + REFUSED;
        assert_eq!(breaker.admit(later), Admission::Probe);
        breaker.abandoned(later);
        assert_eq!(breaker.admit(later), Admission::Probe);
        assert_eq!(breaker.standing(), Standing::Down { since: now });
    }

    #[derive(Debug, Clone)]
    enum Step {
        Admit,
        Succeeded,
        Failed(u32),
        Refused,
        Abandoned,
        Pass(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => Just(Step::Admit),
            1 => Just(Step::Succeeded),
            4 => any::<u32>().prop_map(Step::Failed),
            1 => Just(Step::Refused),
            1 => Just(Step::Abandoned),
            4 => (0..60_000_u64).prop_map(Step::Pass),
        ];
        proptest::collection::vec(step, 0..60)
    }

    proptest! {
        #[test]
        fn there_is_never_more_than_one_probe_and_never_a_pause_without_end(steps in steps()) {
            let (mut breaker, mut now) = (Breaker::default(), start());
            let mut probing = false;
            for step in steps {
                match step {
                    Step::Admit => match breaker.admit(now) {
                        Admission::Pass => prop_assert!(!probing),
                        Admission::Probe => {
                            prop_assert!(!probing);
                            probing = true;
                        }
                        Admission::Wait(pause) => {
                            prop_assert!(pause > Duration::ZERO && pause <= REFUSED);
                        }
                    },
                    Step::Succeeded => { breaker.succeeded(); probing = false; }
                    Step::Failed(dice) => { breaker.failed(now, dice); probing = false; }
                    Step::Refused => { breaker.login_refused(now); probing = false; }
                    Step::Abandoned => { breaker.abandoned(now); probing = false; }
                    Step::Pass(millis) => now += Duration::from_millis(millis),
                }
                prop_assert_eq!(breaker.standing() == Standing::Up, breaker.probe_at().is_none() && !probing);
            }
            breaker.abandoned(now);
            prop_assert!(!matches!(breaker.admit(now + REFUSED), Admission::Wait(_)));
        }
    }
}
