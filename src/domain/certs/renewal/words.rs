//! What a renewal is told, what it wants, and what is kept of it.

use std::time::Duration;
use std::time::SystemTime;

use crate::domain::certs::CertificateFacts;

/// Lifetime of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// First second.
    pub not_before: SystemTime,
    /// Last second.
    pub not_after: SystemTime,
}

impl From<&CertificateFacts> for Life {
    fn from(facts: &CertificateFacts) -> Self {
        Self {
            not_before: facts.not_before,
            not_after: facts.not_after,
        }
    }
}

impl Life {
    pub(super) fn whole(&self) -> Duration {
        let whole = self.not_after.duration_since(self.not_before);
        whole.unwrap_or(Duration::ZERO)
    }

    /// From here on a renewal that has failed once may not come in time.
    pub(super) fn late(&self) -> SystemTime {
        self.not_before + self.whole().mul_f64(5.0 / 6.0)
    }
}

/// What happens to a renewal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RenewalInput {
    /// An operator wants it now.
    Asked,
    /// An order came to nothing.
    Failed {
        /// How long the CA wants to be left alone.
        retry_after: Option<Duration>,
        /// The CA was away before it had the order, which then counts as none.
        away: bool,
    },
    /// Until when an operator wants nothing ordered, having gone back to the certificate before; `None`
    /// when nobody does.
    Held(Option<SystemTime>),
    /// What is in use now; `None` when there is none that this CA could have issued.
    InUse(Option<Life>),
    /// A new certificate is in use.
    Renewed(Life),
    /// A new certificate came and is not in use: an operator went back to the one before while it was
    /// ordered, and wants nothing ordered until then.
    SetAside(SystemTime),
    /// The CA suggests a window.
    Window {
        /// From here on.
        start: SystemTime,
        /// To here.
        end: SystemTime,
        /// When to ask again.
        ask_again: Duration,
    },
    /// The CA suggests none, or could not be asked.
    WindowUnknown,
}

/// What a renewal wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenewalAction {
    /// Ask the CA for its window.
    AskWindow,
    /// Tell people that it failed again and again, or that it may not come in time.
    Complain {
        /// How often in a row.
        failures: u32,
    },
    /// Order a certificate.
    Order,
    /// Tell people that it is over.
    Relieve,
}

/// What outlives a restart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RenewalMemory {
    /// Times of the orders of the last day.
    pub orders: Vec<SystemTime>,
    /// Failures in a row.
    pub failures: u32,
    /// Whether people were told.
    pub complained: bool,
    /// Not before then.
    pub rest: Option<SystemTime>,
    /// End of the certificate that was in use.
    pub ends: Option<SystemTime>,
}
