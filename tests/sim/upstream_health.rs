//! The health of an upstream that goes up and down at random.

use std::time::Duration;
use std::time::Instant;

use xspd::domain::machine::Machine;
use xspd::domain::machine::Now;
use xspd::domain::upstream::Failure;
use xspd::domain::upstream::health::Action;
use xspd::domain::upstream::health::Change;
use xspd::domain::upstream::health::Health;
use xspd::domain::upstream::health::Input;
use xspd::domain::upstream::health::Rules;
use xspd::domain::upstream::health::State;

use super::Random;
use super::Simulator;
use super::World;
use super::explore;

struct Xsp {
    rules: Rules,
    answers: bool,
    /// What was announced last; the pool knows nothing else.
    announced: Announced,
    last_check: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Announced {
    Out,
    Probation,
    Up,
}

impl World<Health> for Xsp {
    fn surprise(&mut self, random: &mut Random, _: &Health) -> (Duration, Input) {
        if random.below(20) == 0 {
            self.answers = !self.answers;
        }
        let input = if self.answers {
            Input::RequestSucceeded
        } else {
            Input::RequestFailed(Failure::ResponseTimeout)
        };
        (random.duration(Duration::from_secs(2)), input)
    }

    fn act(&mut self, action: Action, now: Now, random: &mut Random) -> Option<(Duration, Input)> {
        match action {
            Action::Announce(change) => {
                let next = match change {
                    Change::Down(_) | Change::Ejected(_) => Announced::Out,
                    Change::Probation => Announced::Probation,
                    Change::Up => Announced::Up,
                };
                let ejected_and_down =
                    self.announced == Announced::Out && matches!(change, Change::Down(_));
                assert!(
                    next != self.announced || ejected_and_down,
                    "told twice: {change:?}"
                );
                self.announced = next;
                None
            }
            Action::Check => {
                if let Some(last) = self.last_check.replace(now.mono) {
                    let pause = now.mono - last;
                    assert!(
                        pause >= self.rules.interval.min(self.rules.patience),
                        "checks {pause:?} apart"
                    );
                }
                // Now and then the result is lost, or comes after it was given up.
                let delay = random.duration(self.rules.patience * 2);
                let result = if self.answers {
                    Input::CheckPassed
                } else {
                    Input::CheckFailed(Failure::ConnectFailed)
                };
                (random.below(20) != 0).then_some((delay, result))
            }
        }
    }

    fn judge(&mut self, health: &Health, now: Now) {
        let expected = match health.state() {
            State::Down { .. } => Announced::Out,
            State::Ejected { until, .. } => {
                assert!(until <= now.mono + self.rules.ejection_time);
                Announced::Out
            }
            State::Probation { .. } => Announced::Probation,
            State::Up { .. } => Announced::Up,
        };
        assert_eq!(expected, self.announced, "the pool was not told");
        assert!(
            health.deadline().is_some(),
            "no check would ever come again"
        );
    }
}

fn build(random: &mut Random, now: Now) -> (Health, Xsp) {
    let rules = Rules {
        interval: Duration::from_millis(500 + random.below(10_000)),
        rise: random.count(4),
        fall: random.count(4),
        ejection_failures: random.count(5),
        ejection_time: Duration::from_millis(random.below(60_000)),
        patience: Duration::from_millis(1_000 + random.below(10_000)),
    };
    let first_check = now.mono + random.duration(Duration::from_secs(1));
    let world = Xsp {
        rules,
        answers: random.below(4) != 0,
        announced: Announced::Up,
        last_check: None,
    };
    (Health::new(rules, first_check), world)
}

#[test]
fn the_pool_is_told_every_change_once_and_checks_never_cease() {
    Simulator::explore(300, 400, build);
}

/// Every way in ends: once the XSP answers again and stays, it is in use within the ejection time
/// and `rise` checks.
#[test]
fn an_upstream_that_answers_again_comes_back() {
    explore(300, |seed| {
        let mut random = Random::new(seed);
        let mut now = xspd::platform::clock::now();
        let (mut health, _) = build(&mut random, now);
        for _ in 0..random.below(40) {
            let input = match random.below(3) {
                0 => Input::CheckFailed(Failure::ServerError),
                1 => Input::RequestFailed(Failure::ResponseTimeout),
                _ => Input::CheckPassed,
            };
            health.handle(input, now);
        }
        for _ in 0..100 {
            while let Some(action) = health.poll_action() {
                if action == Action::Check {
                    health.handle(Input::CheckPassed, now);
                }
            }
            now.mono = health.deadline().expect("a check is always due");
            health.handle_timeout(now);
        }
        while let Some(action) = health.poll_action() {
            if action == Action::Check {
                health.handle(Input::CheckPassed, now);
            }
        }
        assert!(
            matches!(health.state(), State::Up { .. }),
            "{:?}",
            health.state()
        );
    });
}
