//! Who is let in: operators, and whoever tries tokens is counted, told of and locked out for a
//! while, as at the other doors where something can be guessed.

use std::net::IpAddr;
use std::time::Duration;
use std::time::Instant;

use http::HeaderMap;
use http::StatusCode;
use http::header::AUTHORIZATION;

use crate::config::Config;
use crate::domain::edge::guessing::Guesses;
use crate::domain::edge::guessing::Limits;
use crate::domain::edge::reason::Reason;
use crate::inbound::endpoints::operations::refused::Refused;
use crate::platform::clock;
use crate::telemetry::operations::OperationsMetrics;
use crate::telemetry::operations::TurnedAway;

/// What must not begin anew with a reload.
pub struct Door {
    guesses: Guesses,
}

impl Default for Door {
    fn default() -> Self {
        Self {
            guesses: Guesses::new(clock::mono()),
        }
    }
}

impl Door {
    /// Lets an operator in.
    ///
    /// # Errors
    /// It is none, or its address tried too many tokens.
    pub fn open(
        &self,
        config: &Config,
        (address, headers): (IpAddr, &HeaderMap),
        judged: impl FnOnce() -> Result<(), Reason>,
        metrics: &OperationsMetrics,
    ) -> Result<(), Refused> {
        let limits = config.policy.guessing.as_ref();
        let limits = limits.map(|limits| Limits {
            failures: limits.failures,
            window: limits.window,
            lockout: limits.lockout,
        });
        let shown = headers.contains_key(AUTHORIZATION);
        let (refused, why) = match self.judge(limits, (address, shown, clock::mono()), judged) {
            Ok(()) => return Ok(()),
            Err(refused) => refused,
        };
        if let Some(why) = why {
            metrics.turned_away(why, address);
        }
        Err(refused)
    }

    fn judge(
        &self,
        limits: Option<Limits>,
        (address, shown, now): (IpAddr, bool, Instant),
        judged: impl FnOnce() -> Result<(), Reason>,
    ) -> Result<(), (Refused, Option<TurnedAway>)> {
        if limits.is_some()
            && let Some(left) = self.guesses.locked(address, now)
        {
            return Err((locked_out(left), Some(TurnedAway::LockedOut)));
        }
        let reason = match judged() {
            Ok(()) => return Ok(()),
            Err(reason) => reason,
        };
        let refused = not_an_operator(reason);
        if reason == Reason::OperatorTokenUnset {
            return Err((refused, None));
        }
        if !shown {
            return Err((refused, Some(TurnedAway::NoToken)));
        }
        let locks = limits.is_some_and(|limits| self.guesses.refused(limits, address, now));
        let why = if locks {
            TurnedAway::NowLockedOut
        } else {
            TurnedAway::WrongToken
        };
        Err((refused, Some(why)))
    }
}

fn locked_out(left: Duration) -> Refused {
    let seconds = left.as_secs() + 1;
    let text = format!("too many wrong operator tokens came from here; try again in {seconds} s");
    Refused::new(StatusCode::TOO_MANY_REQUESTS, "locked-out", text)
}

/// The refusal of whoever is no operator.
fn not_an_operator(reason: Reason) -> Refused {
    let text = if reason == Reason::OperatorTokenUnset {
        "nobody is an operator here: set operator-token in [provisioning.operations], then reload"
    } else {
        "the operator token is missing or wrong"
    };
    Refused::new(reason.status(), reason.as_str(), text)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn who_tries_tokens_is_locked_out_for_a_while_and_others_are_not() {
        let (door, now) = (Door::default(), clock::mono());
        let limits = Some(Limits {
            failures: 2,
            window: Duration::from_secs(60),
            lockout: Duration::from_secs(30),
        });
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let other = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        let ask = |address, shown, now, answer| {
            let judged = door.judge(limits, (address, shown, now), || answer);
            judged.map_err(|(refused, why)| (refused.status.as_u16(), why))
        };
        let wrong = Err(Reason::OperatorTokenWrong);
        // Whoever shows none has tried none.
        for _ in 0..5 {
            let answer = ask(here, false, now, wrong);
            assert_eq!(answer, Err((401, Some(TurnedAway::NoToken))));
        }
        let answer = ask(here, true, now, Err(Reason::OperatorTokenUnset));
        assert!(matches!(answer, Err((_, None))), "{answer:?}");
        assert_eq!(
            ask(here, true, now, wrong),
            Err((401, Some(TurnedAway::WrongToken)))
        );
        assert_eq!(
            ask(here, true, now, wrong),
            Err((401, Some(TurnedAway::NowLockedOut)))
        );
        assert_eq!(
            ask(here, true, now, Ok(())),
            Err((429, Some(TurnedAway::LockedOut)))
        );
        assert_eq!(ask(other, true, now, Ok(())), Ok(()));
        let later = now + Duration::from_secs(31);
        assert_eq!(ask(here, true, later, Ok(())), Ok(()));
    }
}
