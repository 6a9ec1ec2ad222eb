//! What came of checking a token of ours, in one word for logs and metrics.

use std::time::Duration;

/// Why a token does not count now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotValid {
    /// Past its end.
    Expired,
    /// Not made by this farm: no token of our form, or by a key that is not ours.
    Foreign,
    /// Made to look like ours, or damaged.
    Invalid,
    /// Revoked by itself, with the user's tokens or with all.
    Revoked,
    /// Nobody can say: no keys here, or too long no word from the Application Server.
    Unavailable {
        /// When to ask again, if that is known.
        retry_after: Option<Duration>,
    },
    /// The user is gone.
    UserGone,
    /// The user is locked.
    UserLocked {
        /// For how much longer.
        left: Duration,
    },
}

/// The word of one outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// See [`NotValid::Expired`].
    Expired,
    /// See [`NotValid::Foreign`].
    Foreign,
    /// See [`NotValid::Invalid`].
    Invalid,
    /// See [`NotValid::Revoked`].
    Revoked,
    /// See [`NotValid::Unavailable`].
    Unavailable,
    /// See [`NotValid::UserGone`].
    UserGone,
    /// See [`NotValid::UserLocked`].
    UserLocked,
    /// The token holds.
    Valid,
}

impl Outcome {
    /// Every outcome, so that each metric series starts at zero.
    pub const ALL: [Self; 8] = [
        Self::Expired,
        Self::Foreign,
        Self::Invalid,
        Self::Revoked,
        Self::Unavailable,
        Self::UserGone,
        Self::UserLocked,
        Self::Valid,
    ];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Foreign => "foreign",
            Self::Invalid => "invalid",
            Self::Revoked => "revoked",
            Self::Unavailable => "unavailable",
            Self::UserGone => "user-gone",
            Self::UserLocked => "user-locked",
            Self::Valid => "valid",
        }
    }

    /// Place in [`Outcome::ALL`], for counters resolved once.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl NotValid {
    /// The word.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::Expired => Outcome::Expired,
            Self::Foreign => Outcome::Foreign,
            Self::Invalid => Outcome::Invalid,
            Self::Revoked => Outcome::Revoked,
            Self::Unavailable { .. } => Outcome::Unavailable,
            Self::UserGone => Outcome::UserGone,
            Self::UserLocked { .. } => Outcome::UserLocked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_is_the_place_in_the_list() {
        for (place, outcome) in Outcome::ALL.iter().enumerate() {
            assert_eq!(outcome.index(), place);
        }
    }
}
