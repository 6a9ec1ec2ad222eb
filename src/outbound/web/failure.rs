//! Why a service gave no answer that can be used.

use std::io;
use std::time::Duration;

use http::StatusCode;

/// One variant per way to fail.
#[derive(Debug, thiserror::Error)]
pub enum WebFailure {
    /// What came is not HTTP, or broke off.
    #[error("the answer is not HTTP, or broke off")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No connection.
    #[error("no connection")]
    Connect(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The proxy did not open the way.
    #[error("the proxy {proxy} did not open the way: {detail}")]
    Proxy {
        /// Host and port of the proxy.
        proxy: String,
        /// What it answered.
        detail: String,
    },
    /// An answer, but not the one that was asked for.
    #[error("the answer is {0}")]
    Status(StatusCode),
    /// The TLS handshake failed.
    #[error("no TLS")]
    Tls(#[source] io::Error),
    /// Not in time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The answer is larger than allowed.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
}

impl WebFailure {
    /// The word for logs and labels.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Broken(_) => "broken",
            Self::Connect(_) => "connect-failed",
            Self::Proxy { .. } => "proxy-refused",
            Self::Status(_) => "wrong-status",
            Self::Tls(_) => "tls-failed",
            Self::Timeout(_) => "timeout",
            Self::TooLarge(_) => "response-too-large",
        }
    }
}
