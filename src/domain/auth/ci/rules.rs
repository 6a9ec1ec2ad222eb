//! By which numbers an access token is kept up: those of CI's service token, and those of a Webex
//! partner's.

use std::time::Duration;

/// How long an unused refresh token lives.
pub const REFRESH_TOKEN_LIFE: Duration = days(60);

/// How long it may be unused before an operator is told.
pub const REFRESH_TOKEN_WARNING: Duration = days(45);

/// An operator is told when the refresh token of a partner has no longer than this to live.
pub const PARTNER_TOKEN_WARNING: Duration = days(14);

/// However short a token lives, a new one is not asked for before this.
const SHORTEST_USE: Duration = Duration::from_secs(1);

/// A service token is renewed at least this often, however long it lives.
const LONGEST_USE: Duration = days(1);

/// The same of a partner's access token: the refresh token lives on because it is used.
const LONGEST_PARTNER_USE: Duration = days(30);

/// The usual [`Rules::denial_pause`].
pub const DENIAL_PAUSE: Duration = Duration::from_secs(30);

const fn days(count: u64) -> Duration {
    Duration::from_secs(count * 24 * 60 * 60)
}

/// The numbers of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Time between two readings of the federation list; `None`: there is none to read.
    pub federation_period: Option<Duration>,
    /// A service token that was denied is renewed only when the last attempt is this old:
    /// anybody can send users' tokens that make it look as if ours were denied.
    pub denial_pause: Duration,
    /// When a service token is renewed.
    pub renewal: Renewal,
    /// An operator is told when the refresh token has no longer than this to live.
    pub warning: Duration,
}

/// When a service token is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// At half of its life, which leaves the other half for attempts.
    Half,
    /// At three quarters of its life, or after a day.
    ThreeQuarters,
}

impl Rules {
    /// How long after a grant the next token is asked for. What is left of the life is for
    /// attempts.
    pub(super) fn renewal_after(&self, life: Duration) -> Duration {
        match self.renewal {
            Renewal::Half => (life / 2).clamp(SHORTEST_USE, LONGEST_PARTNER_USE),
            Renewal::ThreeQuarters => (life * 3 / 4).clamp(SHORTEST_USE, LONGEST_USE),
        }
    }

    /// Those of the service token of CI.
    #[must_use]
    pub const fn ci(federation_period: Duration, denial_pause: Duration) -> Self {
        Self {
            federation_period: Some(federation_period),
            denial_pause,
            renewal: Renewal::ThreeQuarters,
            warning: REFRESH_TOKEN_LIFE.saturating_sub(REFRESH_TOKEN_WARNING),
        }
    }

    /// Those of the access token of a Webex partner.
    #[must_use]
    pub const fn partner(denial_pause: Duration) -> Self {
        Self {
            federation_period: None,
            denial_pause,
            renewal: Renewal::Half,
            warning: PARTNER_TOKEN_WARNING,
        }
    }
}
