//! Token buckets: one for all callers together, one per user.
//!
//! A bucket is kept as the one moment at which it will be full again (the virtual scheduling
//! form of a token bucket), so the bucket of all needs no lock, and a user's entry whose moment
//! has passed equals a fresh one and may be forgotten.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use crate::domain::edge::slots::Entry;
use crate::domain::edge::slots::Slots;

/// A rate in the form in which it is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Nanoseconds that one token takes to come back.
    interval: u64,
    /// Nanoseconds that all tokens but one take to come back.
    slack: u64,
}

impl Pace {
    /// `per_second` tokens come back a second, up to `burst` are kept; at least one.
    #[must_use]
    pub fn new(per_second: f64, burst: u32) -> Self {
        // A float-to-integer cast saturates, which is right for absurdly slow rates.
        let interval = ((1e9 / per_second) as u64).max(1);
        Self {
            interval,
            slack: interval.saturating_mul(u64::from(burst.max(1) - 1)),
        }
    }

    /// The new moment of fullness, or how long to wait.
    fn take(self, full_at: u64, now: u64) -> Result<u64, Duration> {
        let from = full_at.max(now);
        match (from - now).checked_sub(self.slack) {
            Some(late) if late > 0 => Err(Duration::from_nanos(late)),
            _ => Ok(from.saturating_add(self.interval)),
        }
    }
}

/// The buckets. They outlive a reload, so their paces are arguments.
pub struct Buckets {
    epoch: Instant,
    all: AtomicU64,
    users: Slots<u64, FullAt>,
}

#[derive(Default)]
struct FullAt(u64);

impl Entry for FullAt {
    fn weight(&self, now: u64) -> u64 {
        self.0.saturating_sub(now)
    }
}

impl Buckets {
    /// Full buckets. No later `now` may lie before `epoch`.
    #[must_use]
    pub fn new(epoch: Instant) -> Self {
        Self {
            epoch,
            all: AtomicU64::new(0),
            users: Slots::new(),
        }
    }

    /// Takes a token from the bucket of all.
    ///
    /// # Errors
    /// The time until there is one again.
    pub fn take(&self, pace: Pace, now: Instant) -> Result<(), Duration> {
        let now = self.ticks(now);
        let mut held = self.all.load(Ordering::Relaxed);
        loop {
            let next = pace.take(held, now)?;
            match self
                .all
                .compare_exchange_weak(held, next, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return Ok(()),
                Err(other) => held = other,
            }
        }
    }

    /// Takes a token from the bucket of one user, named by [`super::affinity::of_user`].
    ///
    /// # Errors
    /// The time until there is one again.
    pub fn take_of_user(&self, pace: Pace, user: u64, now: Instant) -> Result<(), Duration> {
        let now = self.ticks(now);
        self.users.change(user, now, |held| {
            held.0 = pace.take(held.0, now)?;
            Ok(())
        })
    }

    fn ticks(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.epoch).as_nanos();
        u64::try_from(since).unwrap_or(u64::MAX)
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

    #[test]
    fn a_burst_passes_then_tokens_come_back_one_by_one() {
        let start = a_moment();
        let buckets = Buckets::new(start);
        let pace = Pace::new(2.0, 3);
        for _ in 0..3 {
            assert_eq!(buckets.take(pace, start), Ok(()));
        }
        assert_eq!(buckets.take(pace, start), Err(Duration::from_millis(500)));
        let later = start + Duration::from_millis(500);
        assert_eq!(buckets.take(pace, later), Ok(()));
        assert!(buckets.take(pace, later).is_err());
        let much_later = start + Duration::from_secs(3600);
        let passed = (0..10)
            .filter(|_| buckets.take(pace, much_later).is_ok())
            .count();
        assert_eq!(passed, 3);
    }

    #[test]
    fn users_do_not_share_a_bucket() {
        let start = a_moment();
        let buckets = Buckets::new(start);
        let pace = Pace::new(1.0, 1);
        assert_eq!(buckets.take_of_user(pace, 1, start), Ok(()));
        assert_eq!(
            buckets.take_of_user(pace, 1, start),
            Err(Duration::from_secs(1))
        );
        assert_eq!(buckets.take_of_user(pace, 2, start), Ok(()));
    }

    #[test]
    fn a_new_pace_takes_effect_on_old_buckets() {
        let start = a_moment();
        let buckets = Buckets::new(start);
        assert_eq!(buckets.take_of_user(Pace::new(0.001, 1), 1, start), Ok(()));
        assert!(buckets.take_of_user(Pace::new(0.001, 1), 1, start).is_err());
        assert_eq!(buckets.take_of_user(Pace::new(0.001, 5), 1, start), Ok(()));
    }

    proptest! {
        #[test]
        fn never_more_than_burst_plus_rate_times_time(
            per_second in 0.1_f64..500.0,
            burst in 1_u32..50,
            steps in proptest::collection::vec(0_u64..200, 1..200),
        ) {
            let start = a_moment();
            let buckets = Buckets::new(start);
            let pace = Pace::new(per_second, burst);
            let mut now = start;
            let mut passed = 0_u32;
            for step in steps {
                now += Duration::from_millis(step);
                passed += u32::from(buckets.take(pace, now).is_ok());
            }
            let most = f64::from(burst) + per_second * (now - start).as_secs_f64() + 1.0;
            prop_assert!(f64::from(passed) <= most);
        }
    }
}
