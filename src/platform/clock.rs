//! The one place that reads a clock.
#![expect(clippy::disallowed_methods, reason = "this is the home of the clock")]

use std::time::Instant;
use std::time::SystemTime;

use crate::domain::machine::Now;

/// Both clocks at once.
#[must_use]
pub fn now() -> Now {
    Now {
        mono: mono(),
        wall: wall(),
    }
}

/// The monotonic clock; follows tokio's paused time in tests.
#[must_use]
pub fn mono() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// The wall clock.
#[must_use]
pub fn wall() -> SystemTime {
    SystemTime::now()
}

/// Returns at a moment; never without one. May be dropped halfway.
pub async fn passed(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}
