//! The ways in which an upstream, or a request to it, fails.

/// Why a request or a check failed; its word is the `reason` label, the log field and the word in
/// the operator's guide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// What came back is not HTTP, or its head is too large.
    BadResponse,
    /// All connections that the pool may hold are in use.
    Busy,
    /// The connection ended before a complete answer head.
    ClosedBeforeAnswer,
    /// The connection ended in the middle of an answer's body.
    ClosedDuringAnswer,
    /// No address, or nobody listening there.
    ConnectFailed,
    /// No connection within the time limit.
    ConnectTimeout,
    /// The answer's body paused longer than allowed.
    IdleTimeout,
    /// The client's request body broke off.
    RequestBody,
    /// No answer head within the time limit.
    ResponseTimeout,
    /// The health check was answered with a status of 500 or above.
    ServerError,
    /// The TLS handshake failed or took too long.
    TlsFailed,
}

impl Failure {
    /// Every failure, so that each series exists from the start.
    pub const ALL: [Self; 11] = [
        Self::BadResponse,
        Self::Busy,
        Self::ClosedBeforeAnswer,
        Self::ClosedDuringAnswer,
        Self::ConnectFailed,
        Self::ConnectTimeout,
        Self::IdleTimeout,
        Self::RequestBody,
        Self::ResponseTimeout,
        Self::ServerError,
        Self::TlsFailed,
    ];

    /// The word for logs, labels and documentation.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadResponse => "bad-response",
            Self::Busy => "busy",
            Self::ClosedBeforeAnswer => "closed-before-answer",
            Self::ClosedDuringAnswer => "closed-during-answer",
            Self::ConnectFailed => "connect-failed",
            Self::ConnectTimeout => "connect-timeout",
            Self::IdleTimeout => "idle-timeout",
            Self::RequestBody => "request-body",
            Self::ResponseTimeout => "response-timeout",
            Self::ServerError => "server-error",
            Self::TlsFailed => "tls-failed",
        }
    }

    /// Whether it says something about the upstream. Our own cap and the client's broken body do
    /// not; an answer that ends early is too often the end of an event channel to count.
    #[must_use]
    pub const fn blames_upstream(self) -> bool {
        match self {
            Self::Busy | Self::ClosedDuringAnswer | Self::IdleTimeout | Self::RequestBody => false,
            Self::BadResponse
            | Self::ClosedBeforeAnswer
            | Self::ConnectFailed
            | Self::ConnectTimeout
            | Self::ResponseTimeout
            | Self::ServerError
            | Self::TlsFailed => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_stands_at_its_own_place_in_the_list() {
        for (place, failure) in Failure::ALL.into_iter().enumerate() {
            assert_eq!(failure as usize, place, "{}", failure.as_str());
        }
    }
}
