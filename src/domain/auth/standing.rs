//! What the Application Server last said of a user, and what that means for the user's tokens
//! (AuthService field page, section 1.6).
//!
//! Ages are measured on the monotonic clock: a wall clock that jumps neither makes old knowledge
//! fresh nor fresh knowledge old. Revocation is compared in the token's own milliseconds.

use std::time::Duration;
use std::time::Instant;

/// Where a user belongs, for introspection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Membership {
    /// Group.
    pub group: Option<String>,
    /// Service provider or enterprise.
    pub service_provider: Option<String>,
    /// Whether that is an enterprise.
    pub is_enterprise: bool,
}

/// What is known of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// When it was learned.
    pub learned: Instant,
    /// What was learned.
    pub state: State,
}

/// What the Application Server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The user is there.
    Present {
        /// The user id as the Application Server has it.
        user_id: String,
        /// The later of the system's and the user's revocation times, in ms since 1970.
        revoked_ms: Option<i64>,
        /// Until when the user is locked.
        locked_until: Option<Instant>,
        /// Where the user belongs.
        membership: Membership,
    },
    /// There is no such user.
    Absent,
}

/// What may be done with knowledge of some age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// Use it.
    Fresh,
    /// Use it, and ask anew meanwhile.
    Aging,
    /// Do not use it: ask first, and refuse if there is no answer.
    TooOld,
}

/// When knowledge ages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ages {
    /// From then on it is asked anew.
    pub refresh: Duration,
    /// From then on it does not count any more.
    pub stale_limit: Duration,
}

/// What a standing says of one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// The token holds.
    Good,
    /// The user is locked.
    Locked {
        /// For how much longer.
        left: Duration,
    },
    /// Issued no later than the last revocation.
    Revoked,
    /// The user is gone.
    UserGone,
}

impl Ages {
    /// How old `standing` is at `now`.
    #[must_use]
    pub fn of(&self, standing: &Standing, now: Instant) -> Age {
        let age = now.saturating_duration_since(standing.learned);
        if age < self.refresh {
            Age::Fresh
        } else if age < self.stale_limit {
            Age::Aging
        } else {
            Age::TooOld
        }
    }
}

impl Standing {
    /// What it says of a token issued at `issued_ms`, in ms since 1970.
    ///
    /// A token is good only if issued after the revocation: at the same millisecond it is not.
    #[must_use]
    pub fn judge(&self, issued_ms: i64, now: Instant) -> Judgement {
        match &self.state {
            State::Absent => Judgement::UserGone,
            State::Present {
                revoked_ms: Some(revoked),
                ..
            } if issued_ms <= *revoked => Judgement::Revoked,
            State::Present {
                locked_until: Some(until),
                ..
            } if *until > now => Judgement::Locked {
                left: until.saturating_duration_since(now),
            },
            State::Present { .. } => Judgement::Good,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[expect(
        clippy::disallowed_methods,
        reason = "a test needs some moment to count from"
    )]
    fn a_moment() -> Instant {
        Instant::now()
    }

    fn present(revoked_ms: Option<i64>, locked_until: Option<Instant>) -> Standing {
        Standing {
            learned: a_moment(),
            state: State::Present {
                user_id: "alice@as".to_owned(),
                revoked_ms,
                locked_until,
                membership: Membership::default(),
            },
        }
    }

    #[test]
    fn a_token_is_good_only_if_issued_after_the_revocation() {
        let now = a_moment();
        let table = [
            (None, 5, Judgement::Good),
            (Some(4), 5, Judgement::Good),
            (Some(5), 5, Judgement::Revoked),
            (Some(6), 5, Judgement::Revoked),
            (Some(i64::MAX), i64::MAX, Judgement::Revoked),
            (Some(i64::MIN), 0, Judgement::Good),
        ];
        for (revoked, issued, expected) in table {
            let judged = present(revoked, None).judge(issued, now);
            assert_eq!(judged, expected, "{revoked:?} {issued}");
        }
    }

    #[test]
    fn a_lock_ends_by_itself_and_an_absent_user_has_no_tokens() {
        let now = a_moment();
        let minute = Duration::from_secs(60);
        let locked = present(None, Some(now + minute));
        assert_eq!(locked.judge(1, now), Judgement::Locked { left: minute });
        assert_eq!(locked.judge(1, now + minute), Judgement::Good);
        let gone = Standing {
            learned: now,
            state: State::Absent,
        };
        assert_eq!(gone.judge(i64::MAX, now), Judgement::UserGone);
    }

    #[test]
    fn knowledge_is_fresh_then_aging_then_too_old() {
        let ages = Ages {
            refresh: Duration::from_secs(60),
            stale_limit: Duration::from_secs(900),
        };
        let standing = present(None, None);
        let at = |seconds| ages.of(&standing, standing.learned + Duration::from_secs(seconds));
        let table = [
            (0, Age::Fresh),
            (59, Age::Fresh),
            (60, Age::Aging),
            (899, Age::Aging),
            (900, Age::TooOld),
        ];
        for (seconds, expected) in table {
            assert_eq!(at(seconds), expected, "{seconds}");
        }
    }

    proptest! {
        #[test]
        fn knowledge_never_gets_younger(refresh in 0_u64..1000, more in 0_u64..1000, a in 0_u64..3000, b in 0_u64..3000) {
            let ages = Ages {
                refresh: Duration::from_secs(refresh),
                stale_limit: Duration::from_secs(refresh + more),
            };
            let standing = present(None, None);
            let rank = |seconds| match ages.of(&standing, standing.learned + Duration::from_secs(seconds)) {
                Age::Fresh => 0,
                Age::Aging => 1,
                Age::TooOld => 2,
            };
            prop_assert!(rank(a.min(b)) <= rank(a.max(b)));
        }
    }
}
