//! The token bucket before the Application Server, whose first job is calls: requests leave in
//! the order in which they came, and one that would wait too long is told so at once.

use std::time::Duration;
use std::time::Instant;

/// The bucket, kept as the one moment at which it will be full again.
#[derive(Debug, Clone)]
pub struct Pacer {
    /// Time that one token takes to come back.
    interval: Duration,
    /// Time that all tokens but one take to come back.
    slack: Duration,
    full_at: Option<Instant>,
}

impl Pacer {
    /// `per_second` tokens come back a second, up to `burst` are kept; at least one.
    #[must_use]
    pub fn new(per_second: f64, burst: u32) -> Self {
        // The configuration has proven 0.1..=1000; anything else means once a second.
        let interval =
            Duration::try_from_secs_f64(per_second.recip()).unwrap_or(Duration::from_secs(1));
        Self {
            interval,
            slack: interval.saturating_mul(burst.max(1) - 1),
            full_at: None,
        }
    }

    /// Takes a token that may be used now, or after a wait of at most `patience`.
    ///
    /// # Errors
    /// How long until a token could be had within that patience; none is taken.
    pub fn take(&mut self, now: Instant, patience: Duration) -> Result<Duration, Duration> {
        let full_at = self.full_at.map_or(now, |at| at.max(now));
        let wait = full_at
            .saturating_duration_since(now)
            .saturating_sub(self.slack);
        if wait > patience {
            return Err(wait - patience);
        }
        self.full_at = Some(full_at + self.interval);
        Ok(wait)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[expect(
        clippy::disallowed_methods,
        reason = "a test needs some moment to count from"
    )]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn a_burst_leaves_at_once_and_the_next_ones_wait_in_order() {
        let (mut pacer, now) = (Pacer::new(2.0, 3), start());
        let half = Duration::from_millis(500);
        let waits: Vec<_> = (0..6).map(|_| pacer.take(now, 2 * half)).collect();
        let zero = Duration::ZERO;
        assert_eq!(
            waits,
            [
                Ok(zero),
                Ok(zero),
                Ok(zero),
                Ok(half),
                Ok(2 * half),
                Err(half)
            ]
        );
        // What was refused took nothing.
        assert_eq!(pacer.take(now + half, 2 * half), Ok(2 * half));
    }

    #[test]
    fn a_pause_fills_the_bucket_up_to_the_burst_only() {
        let (mut pacer, now) = (Pacer::new(1.0, 2), start());
        let later = now + Duration::from_secs(3600);
        assert_eq!(pacer.take(now, Duration::ZERO), Ok(Duration::ZERO));
        assert_eq!(pacer.take(later, Duration::ZERO), Ok(Duration::ZERO));
        assert_eq!(pacer.take(later, Duration::ZERO), Ok(Duration::ZERO));
        assert!(pacer.take(later, Duration::ZERO).is_err());
    }

    proptest! {
        #[test]
        fn no_window_sees_more_than_the_rate_and_the_burst(
            per_second in 1.0..100.0_f64,
            burst in 1..20_u32,
            gaps in proptest::collection::vec(0..200_u64, 1..200),
        ) {
            let (mut pacer, start) = (Pacer::new(per_second, burst), start());
            let mut now = start;
            let mut sent = 0_u32;
            for gap in gaps {
                now += Duration::from_millis(gap);
                sent += u32::from(pacer.take(now, Duration::ZERO).is_ok());
                let most = f64::from(burst) + (now - start).as_secs_f64() * per_second;
                prop_assert!(f64::from(sent) <= most + 1.001);
            }
        }
    }
}
