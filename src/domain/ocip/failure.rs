//! Why a question to the Application Server got no useful answer.

use std::time::Duration;

use crate::domain::ocip::BadAnswer;

/// The ways in which a request ends without the facts that were asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OcipFailure {
    /// Password, passcode or token are wrong.
    #[error("the Application Server refuses the credentials")]
    BadCredentials,
    /// The answer cannot be relied on.
    #[error("the Application Server answered with something unusable: {0}")]
    BadAnswer(BadAnswer),
    /// The account is locked or disabled.
    #[error("the account is locked or disabled")]
    Locked,
    /// Our own rate towards the Application Server is used up.
    #[error("too many requests wait for the Application Server")]
    RateLimited {
        /// When it may be tried again.
        retry_after: Duration,
    },
    /// It refused for another reason.
    #[error("the Application Server refuses: {summary}")]
    Refused {
        /// The number in `[Error NNNN]`.
        code: Option<u32>,
        /// In English where it gave that.
        summary: String,
    },
    /// No answer within the time limit.
    #[error("the Application Server did not answer in time")]
    Timeout,
    /// No such user.
    #[error("the Application Server does not know the user")]
    UnknownUser,
    /// No logged-in connection.
    #[error("the Application Server cannot be reached: {0}")]
    Unreachable(Unreachable),
}

/// Why there is no logged-in connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    /// It closed the connection before it answered.
    #[error("it closed the connection")]
    Closed,
    /// No address could be connected.
    #[error("no connection")]
    Connect,
    /// It refuses our own login.
    #[error("it refuses our login")]
    Login,
    /// It failed so often that it is left alone for a while.
    #[error("it is left alone after failures")]
    Paused {
        /// When it is tried again.
        retry_after: Duration,
    },
    /// The daemon ends.
    #[error("the daemon ends")]
    Stopping,
}

impl OcipFailure {
    /// The words of all failures, so that each series exists from the start.
    pub const WORDS: [&'static str; 8] = [
        "bad-answer",
        "bad-credentials",
        "locked",
        "rate-limited",
        "refused",
        "timeout",
        "unknown-user",
        "unreachable",
    ];

    /// The word for logs, labels and documentation.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::BadAnswer(_) => "bad-answer",
            Self::BadCredentials => "bad-credentials",
            Self::Locked => "locked",
            Self::RateLimited { .. } => "rate-limited",
            Self::Refused { .. } => "refused",
            Self::Timeout => "timeout",
            Self::UnknownUser => "unknown-user",
            Self::Unreachable(_) => "unreachable",
        }
    }
}

impl From<BadAnswer> for OcipFailure {
    fn from(fault: BadAnswer) -> Self {
        Self::BadAnswer(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_in_the_list() {
        let failures = [
            OcipFailure::BadAnswer(BadAnswer::NotOcip),
            OcipFailure::BadCredentials,
            OcipFailure::Locked,
            OcipFailure::RateLimited {
                retry_after: Duration::ZERO,
            },
            OcipFailure::Refused {
                code: None,
                summary: String::new(),
            },
            OcipFailure::Timeout,
            OcipFailure::UnknownUser,
            OcipFailure::Unreachable(Unreachable::Closed),
        ];
        assert_eq!(failures.map(|failure| failure.as_str()), OcipFailure::WORDS);
    }
}
