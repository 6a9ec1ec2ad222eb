//! Why a renewal came to nothing.

use std::time::Duration;

use crate::platform::tasks::Tasks;
use crate::workers::acme::order::OrderError;
use crate::workers::acme::transport::CaError;

/// Why a renewal came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("{0}")]
    Order(#[from] OrderError),
    #[error("{0}")]
    Other(String),
}

impl From<CaError> for Failure {
    fn from(error: CaError) -> Self {
        Self::Order(OrderError::Ca(error))
    }
}

impl Failure {
    /// How long the CA wants to be left alone.
    pub(super) const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Order(OrderError::Ca(error)) => error.retry_after(),
            Self::Order(_) | Self::Other(_) => None,
        }
    }

    /// Whether the CA is not there.
    pub(super) const fn is_away(&self) -> bool {
        match self {
            Self::Order(OrderError::Ca(error)) => error.is_away(),
            Self::Order(_) | Self::Other(_) => false,
        }
    }

    /// Whether the account may be the reason.
    pub(super) fn is_of_account(&self) -> bool {
        match self {
            Self::Order(OrderError::Ca(error)) => error.is_refusal(),
            Self::Order(_) | Self::Other(_) => false,
        }
    }
}

pub(super) fn other(problem: impl std::fmt::Display) -> Failure {
    Failure::Other(problem.to_string())
}

/// What waits for the disk, off the runtime's threads.
pub(super) async fn on_disk<T: Send + 'static>(
    tasks: &Tasks,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let done = tasks.blocking(work).await;
    done.unwrap_or(Err(Failure::Order(OrderError::Stopped)))
}
