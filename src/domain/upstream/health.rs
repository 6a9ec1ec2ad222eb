//! The health of one upstream: active checks with rise and fall, and ejection after failed
//! requests in a row with a way back.

use std::collections::VecDeque;
use std::time::Duration;
use std::time::Instant;

use crate::domain::machine::Machine;
use crate::domain::machine::Now;
use crate::domain::upstream::Failure;

/// The numbers of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Time between the result of one check and the start of the next.
    pub interval: Duration,
    /// Checks passed in a row that bring it back; at least 1.
    pub rise: u32,
    /// Checks failed in a row that take it out; at least 1.
    pub fall: u32,
    /// Requests failed in a row that eject it; 0 turns ejection off.
    pub ejection_failures: u32,
    /// How long it stays ejected.
    pub ejection_time: Duration,
    /// After this time a check without a result is given up and a new one started; longer than
    /// any check may take.
    pub patience: Duration,
}

/// What happened to the upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// A check failed.
    CheckFailed(Failure),
    /// A check passed.
    CheckPassed,
    /// A request failed through the upstream's fault.
    RequestFailed(Failure),
    /// A request was answered, whatever the status.
    RequestSucceeded,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The state changed: publish and tell.
    Announce(Change),
    /// Start one check and report its result.
    Check,
}

/// A change of state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Checks failed: no requests.
    Down(Failure),
    /// Requests failed: no requests for a while.
    Ejected(Failure),
    /// The ejection is over: one request at a time until one is answered or a check passes.
    Probation,
    /// Requests as usual.
    Up,
}

/// What is true of the upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Taken out by checks.
    Down {
        /// Checks passed in a row since.
        passed: u32,
    },
    /// Taken out by failed requests.
    Ejected {
        /// When the probation starts.
        until: Instant,
        /// Checks failed in a row.
        failed_checks: u32,
    },
    /// Back from an ejection, not yet trusted.
    Probation {
        /// Checks failed in a row.
        failed_checks: u32,
    },
    /// In use.
    Up {
        /// Checks failed in a row.
        failed_checks: u32,
        /// Requests failed in a row.
        failed_requests: u32,
    },
}

/// Where the next check stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Schedule {
    /// The next one starts then.
    Due(Instant),
    /// One is under way and given up then.
    Running { until: Instant },
}

/// The machine of one upstream.
#[derive(Debug, Clone)]
pub struct Health {
    rules: Rules,
    state: State,
    schedule: Schedule,
    actions: VecDeque<Action>,
}

impl Health {
    /// An upstream in use whose first check is due at `first_check`. It has to earn nothing, but
    /// the first failed check takes it out: whoever starts beside a dead XSP should know soon.
    #[must_use]
    pub fn new(rules: Rules, first_check: Instant) -> Self {
        let rules = Rules {
            rise: rules.rise.max(1),
            fall: rules.fall.max(1),
            ..rules
        };
        Self {
            rules,
            state: State::Up {
                failed_checks: rules.fall - 1,
                failed_requests: 0,
            },
            schedule: Schedule::Due(first_check),
            actions: VecDeque::new(),
        }
    }

    /// What is true now.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    fn check_passed(&mut self) {
        match self.state {
            State::Down { passed } if passed + 1 < self.rules.rise => {
                self.state = State::Down { passed: passed + 1 };
            }
            State::Down { .. } | State::Probation { .. } => self.rise(),
            State::Ejected { until, .. } => {
                self.state = State::Ejected {
                    until,
                    failed_checks: 0,
                };
            }
            State::Up {
                failed_requests, ..
            } => {
                self.state = State::Up {
                    failed_checks: 0,
                    failed_requests,
                };
            }
        }
    }

    fn check_failed(&mut self, failure: Failure) {
        let last = |failed_checks: u32| failed_checks + 1 >= self.rules.fall;
        match self.state {
            State::Down { .. } => self.state = State::Down { passed: 0 },
            State::Ejected { failed_checks, .. }
            | State::Probation { failed_checks }
            | State::Up { failed_checks, .. }
                if last(failed_checks) =>
            {
                self.state = State::Down { passed: 0 };
                self.announce(Change::Down(failure));
            }
            State::Ejected {
                until,
                failed_checks,
            } => {
                self.state = State::Ejected {
                    until,
                    failed_checks: failed_checks + 1,
                };
            }
            State::Probation { failed_checks } => {
                self.state = State::Probation {
                    failed_checks: failed_checks + 1,
                };
            }
            State::Up {
                failed_checks,
                failed_requests,
            } => {
                self.state = State::Up {
                    failed_checks: failed_checks + 1,
                    failed_requests,
                };
            }
        }
    }

    fn request_failed(&mut self, failure: Failure, now: Now) {
        if self.rules.ejection_failures == 0 {
            return;
        }
        match self.state {
            State::Up {
                failed_checks,
                failed_requests,
            } if failed_requests + 1 < self.rules.ejection_failures => {
                self.state = State::Up {
                    failed_checks,
                    failed_requests: failed_requests + 1,
                };
            }
            State::Probation { failed_checks } | State::Up { failed_checks, .. } => {
                self.state = State::Ejected {
                    until: now.mono + self.rules.ejection_time,
                    failed_checks,
                };
                self.announce(Change::Ejected(failure));
            }
            // Requests of the last resort: the checks and the ejection's end decide.
            State::Down { .. } | State::Ejected { .. } => {}
        }
    }

    fn request_succeeded(&mut self) {
        match self.state {
            State::Probation { .. } => self.rise(),
            State::Up { failed_checks, .. } => {
                self.state = State::Up {
                    failed_checks,
                    failed_requests: 0,
                };
            }
            // An answer to an old request or one of the last resort proves too little.
            State::Down { .. } | State::Ejected { .. } => {}
        }
    }

    fn rise(&mut self) {
        self.state = State::Up {
            failed_checks: 0,
            failed_requests: 0,
        };
        self.announce(Change::Up);
    }

    fn announce(&mut self, change: Change) {
        self.actions.push_back(Action::Announce(change));
    }

    fn check_ended(&mut self, now: Now) {
        match self.schedule {
            Schedule::Running { .. } => {
                self.schedule = Schedule::Due(now.mono + self.rules.interval);
            }
            // The late result of a check that was given up.
            Schedule::Due(_) => {}
        }
    }
}

impl Machine for Health {
    type Input = Input;
    type Action = Action;

    fn handle(&mut self, input: Input, now: Now) {
        match input {
            Input::CheckFailed(failure) => {
                self.check_ended(now);
                self.check_failed(failure);
            }
            Input::CheckPassed => {
                self.check_ended(now);
                self.check_passed();
            }
            Input::RequestFailed(failure) => self.request_failed(failure, now),
            Input::RequestSucceeded => self.request_succeeded(),
        }
    }

    fn handle_timeout(&mut self, now: Now) {
        let (Schedule::Due(at) | Schedule::Running { until: at }) = self.schedule;
        if at <= now.mono {
            self.schedule = Schedule::Running {
                until: now.mono + self.rules.patience,
            };
            self.actions.push_back(Action::Check);
        }
        match self.state {
            State::Ejected {
                until,
                failed_checks,
            } if until <= now.mono => {
                self.state = State::Probation { failed_checks };
                self.announce(Change::Probation);
            }
            State::Down { .. }
            | State::Ejected { .. }
            | State::Probation { .. }
            | State::Up { .. } => {}
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let (Schedule::Due(check) | Schedule::Running { until: check }) = self.schedule;
        match self.state {
            State::Ejected { until, .. } => Some(check.min(until)),
            State::Down { .. } | State::Probation { .. } | State::Up { .. } => Some(check),
        }
    }

    fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn check_invariants(&self) {
        match self.state {
            State::Down { passed } => {
                assert!(passed < self.rules.rise, "it stayed down: {self:?}");
            }
            State::Ejected { failed_checks, .. } | State::Probation { failed_checks } => {
                assert!(failed_checks < self.rules.fall, "it stayed in: {self:?}");
                assert!(
                    self.rules.ejection_failures > 0,
                    "ejected although ejection is off: {self:?}"
                );
            }
            State::Up {
                failed_checks,
                failed_requests,
            } => {
                assert!(failed_checks < self.rules.fall, "it stayed up: {self:?}");
                assert!(
                    failed_requests <= self.rules.ejection_failures.saturating_sub(1),
                    "it was not ejected: {self:?}"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    const RULES: Rules = Rules {
        interval: Duration::from_secs(5),
        rise: 2,
        fall: 3,
        ejection_failures: 3,
        ejection_time: Duration::from_secs(30),
        patience: Duration::from_secs(10),
    };
    const BAD: Failure = Failure::ConnectFailed;

    #[expect(
        clippy::disallowed_methods,
        reason = "any instant will do, and only a clock makes one"
    )]
    fn some_time() -> Now {
        Now {
            mono: Instant::now(),
            wall: SystemTime::UNIX_EPOCH,
        }
    }

    struct Bench {
        health: Health,
        now: Now,
    }

    impl Bench {
        fn new(rules: Rules) -> Self {
            let now = some_time();
            let mut health = Health::new(rules, now.mono);
            health.handle_timeout(now);
            health.handle(Input::CheckPassed, now);
            while health.poll_action().is_some() {}
            Self { health, now }
        }

        fn after(&mut self, seconds: u64) -> Vec<Action> {
            self.now.mono += Duration::from_secs(seconds);
            self.health.handle_timeout(self.now);
            self.drain()
        }

        fn feed(&mut self, inputs: &[Input]) -> Vec<Change> {
            for input in inputs {
                self.health.handle(*input, self.now);
                self.health.check_invariants();
            }
            self.drain()
                .into_iter()
                .filter_map(|action| match action {
                    Action::Announce(change) => Some(change),
                    Action::Check => None,
                })
                .collect()
        }

        fn drain(&mut self) -> Vec<Action> {
            std::iter::from_fn(|| self.health.poll_action()).collect()
        }
    }

    #[test]
    fn inputs_lead_to_these_changes() {
        use Input::CheckFailed;
        use Input::CheckPassed;
        use Input::RequestFailed;
        use Input::RequestSucceeded;
        let table: [(&str, &[Input], &[Change]); 6] = [
            (
                "two failed checks are not three",
                &[CheckFailed(BAD), CheckFailed(BAD), CheckPassed],
                &[],
            ),
            (
                "three failed checks take it out",
                &[CheckFailed(BAD), CheckFailed(BAD), CheckFailed(BAD)],
                &[Change::Down(BAD)],
            ),
            (
                "a failed check starts the rise again",
                &[
                    CheckFailed(BAD),
                    CheckFailed(BAD),
                    CheckFailed(BAD),
                    CheckPassed,
                    CheckFailed(BAD),
                    CheckPassed,
                    CheckPassed,
                ],
                &[Change::Down(BAD), Change::Up],
            ),
            (
                "three failed requests eject it",
                &[RequestFailed(BAD), RequestFailed(BAD), RequestFailed(BAD)],
                &[Change::Ejected(BAD)],
            ),
            (
                "an answer in between starts the count again",
                &[
                    RequestFailed(BAD),
                    RequestFailed(BAD),
                    RequestSucceeded,
                    RequestFailed(BAD),
                    RequestFailed(BAD),
                ],
                &[],
            ),
            (
                "failed checks take out an ejected one",
                &[
                    RequestFailed(BAD),
                    RequestFailed(BAD),
                    RequestFailed(BAD),
                    CheckFailed(BAD),
                    CheckFailed(BAD),
                    CheckFailed(BAD),
                ],
                &[Change::Ejected(BAD), Change::Down(BAD)],
            ),
        ];
        for (what, inputs, changes) in table {
            assert_eq!(Bench::new(RULES).feed(inputs), changes, "{what}");
        }
    }

    #[test]
    fn the_first_failed_check_after_a_start_takes_it_out() {
        let now = some_time();
        let mut health = Health::new(RULES, now.mono);
        health.handle(Input::CheckFailed(BAD), now);
        assert_eq!(
            health.poll_action(),
            Some(Action::Announce(Change::Down(BAD)))
        );
    }

    #[test]
    fn an_ejection_ends_in_probation_and_then_by_an_answer_or_a_check() {
        for good in [Input::RequestSucceeded, Input::CheckPassed] {
            let mut bench = Bench::new(RULES);
            bench.feed(&[Input::RequestFailed(BAD); 3]);
            assert!(
                !bench
                    .after(29)
                    .contains(&Action::Announce(Change::Probation))
            );
            assert!(
                bench
                    .after(1)
                    .contains(&Action::Announce(Change::Probation))
            );
            assert_eq!(bench.feed(&[good]), [Change::Up]);
        }
    }

    #[test]
    fn neither_an_answer_nor_a_check_shortens_an_ejection() {
        let mut bench = Bench::new(RULES);
        bench.feed(&[Input::RequestFailed(BAD); 3]);
        assert_eq!(
            bench.feed(&[Input::RequestSucceeded, Input::CheckPassed]),
            []
        );
    }

    #[test]
    fn one_failed_request_in_probation_ejects_again() {
        let mut bench = Bench::new(RULES);
        bench.feed(&[Input::RequestFailed(BAD); 3]);
        bench.after(30);
        assert_eq!(
            bench.feed(&[Input::RequestFailed(BAD)]),
            [Change::Ejected(BAD)]
        );
    }

    #[test]
    fn ejection_can_be_turned_off() {
        let mut bench = Bench::new(Rules {
            ejection_failures: 0,
            ..RULES
        });
        assert_eq!(bench.feed(&[Input::RequestFailed(BAD); 50]), []);
    }

    #[test]
    fn checks_come_at_the_interval_and_a_lost_one_is_started_again() {
        let mut bench = Bench::new(RULES);
        assert_eq!(bench.after(4), []);
        assert_eq!(bench.after(1), [Action::Check]);
        assert_eq!(bench.after(9), [], "one check at a time");
        assert_eq!(bench.after(1), [Action::Check], "given up and started anew");
        bench.feed(&[Input::CheckPassed]);
        assert_eq!(bench.after(4), []);
        assert_eq!(bench.after(1), [Action::Check]);
    }
}
