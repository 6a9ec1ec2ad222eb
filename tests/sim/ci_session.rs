//! Our session with a CI that grants, fails and refuses at random.

use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use xspd::domain::auth::ci::grant::GrantFault;
use xspd::domain::auth::ci::session::Action;
use xspd::domain::auth::ci::session::Alarm;
use xspd::domain::auth::ci::session::Input;
use xspd::domain::auth::ci::session::REFRESH_TOKEN_WARNING;
use xspd::domain::auth::ci::session::Rules;
use xspd::domain::auth::ci::session::Session;
use xspd::domain::machine::Machine;
use xspd::domain::machine::Now;

use super::Random;
use super::Simulator;
use super::World;
use super::explore;

struct Ci {
    rules: Rules,
    state: State,
    /// What was raised and not cleared.
    alarms: Vec<Alarm>,
    /// Whether the worker holds a service token, and until when it lives.
    token: Option<Instant>,
    last_refresh: Option<Instant>,
    used: SystemTime,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Away,
    Grants,
    Refuses,
}

impl World<Session> for Ci {
    fn surprise(&mut self, random: &mut Random, _: &Session) -> (Duration, Input) {
        if random.below(10) == 0 {
            self.state = match random.below(4) {
                0 => State::Away,
                1 => State::Refuses,
                _ => State::Grants,
            };
        }
        (random.duration(Duration::from_secs(20)), Input::Denied)
    }

    fn act(&mut self, action: Action, now: Now, random: &mut Random) -> Option<(Duration, Input)> {
        // Now and then a result is lost, or comes after it was given up.
        let delay = random.duration(Duration::from_secs(40));
        let lost = random.below(20) == 0;
        match action {
            Action::Clear(alarm) => {
                let at = self.alarms.iter().position(|held| *held == alarm);
                self.alarms
                    .remove(at.expect("cleared without having been raised"));
                None
            }
            Action::Forget => {
                let until = self.token.take().expect("there was none");
                assert!(until <= now.mono, "forgotten before its end");
                None
            }
            Action::Raise(alarm) => {
                assert!(!self.alarms.contains(&alarm), "told twice: {alarm:?}");
                self.alarms.push(alarm);
                assert!(self.alarms.len() <= 2, "{:?}", self.alarms);
                None
            }
            Action::ReadFederation => {
                assert!(self.token.is_some(), "nothing to prove us with");
                let read = match self.state {
                    State::Grants => Input::FederationRead,
                    State::Away | State::Refuses => Input::FederationFailed,
                };
                (!lost).then_some((delay, read))
            }
            Action::Refresh => {
                if let Some(last) = self.last_refresh.replace(now.mono) {
                    let pause = now.mono - last;
                    assert!(pause >= Duration::from_secs(1), "refreshed {pause:?} apart");
                }
                let result = match self.state {
                    State::Away => Input::Failed(GrantFault::Unreachable),
                    State::Refuses => Input::Failed(GrantFault::InvalidGrant),
                    State::Grants => Input::Granted {
                        life: Duration::from_secs(60 + random.below(86_400)),
                        refresh_token: None,
                    },
                };
                (!lost).then_some((delay, result))
            }
        }
    }

    fn judge(&mut self, session: &Session, now: Now) {
        if session.refresh_token_used() != self.used {
            self.used = session.refresh_token_used();
            self.token = None;
        }
        if session.has_token() && self.token.is_none() {
            self.token = Some(now.mono);
        }
        let deadline = session.deadline().expect("a refresh is always due");
        assert!(
            deadline
                <= now.mono
                    + Duration::from_secs(86_400)
                    + self.rules.federation_period.expect("a list"),
            "it would sleep too long"
        );
        let unused = now.wall.duration_since(self.used).unwrap_or_default();
        let told = self
            .alarms
            .iter()
            .any(|alarm| matches!(alarm, Alarm::RefreshTokenEnding { .. }));
        if told {
            assert!(unused >= REFRESH_TOKEN_WARNING, "told too early");
        }
    }
}

fn build(random: &mut Random, now: Now) -> (Session, Ci) {
    let rules = Rules::ci(
        Duration::from_secs(60 + random.below(7_200)),
        Duration::from_secs(1 + random.below(60)),
    );
    let used = now.wall - random.duration(Duration::from_secs(70 * 86_400));
    let world = Ci {
        rules,
        state: State::Grants,
        alarms: Vec::new(),
        token: None,
        last_refresh: None,
        used,
    };
    let seed = random.next();
    (Session::new(rules, used, seed, now), world)
}

#[test]
fn ci_is_never_hammered_and_every_alarm_is_told_once_and_cleared() {
    Simulator::explore(300, 400, build);
}

/// Every way in ends: once CI grants again and stays, there is a service token and no alarm within
/// a few attempts.
#[test]
fn a_ci_that_grants_again_is_used_again() {
    explore(300, |seed| {
        let mut random = Random::new(seed);
        let mut now = xspd::platform::clock::now();
        let (mut session, _) = build(&mut random, now);
        for _ in 0..random.below(40) {
            let input = match random.below(4) {
                0 => Input::Failed(GrantFault::Unreachable),
                1 => Input::Failed(GrantFault::InvalidGrant),
                2 => Input::FederationFailed,
                _ => Input::Denied,
            };
            session.handle(input, now);
        }
        let mut alarms = 0_i64;
        for _ in 0..100 {
            while let Some(action) = session.poll_action() {
                match action {
                    Action::Clear(_) => alarms -= 1,
                    Action::Forget => {}
                    Action::Raise(_) => alarms += 1,
                    Action::ReadFederation => session.handle(Input::FederationRead, now),
                    Action::Refresh => {
                        let life = Duration::from_secs(43_200);
                        let granted = Input::Granted {
                            life,
                            refresh_token: None,
                        };
                        session.handle(granted, now);
                    }
                }
            }
            now.mono = session.deadline().expect("a refresh is always due");
            session.handle_timeout(now);
        }
        assert!(session.has_token());
        assert_eq!(alarms, 0);
    });
}
