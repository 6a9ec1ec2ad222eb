//! Password guessing: counts 401 answers to passwords by source address and locks the address
//! out for a while (Xsi-Actions field page, section 8).
//!
//! Only requests that carry a password are refused meanwhile; tokens from the same address, an
//! office behind NAT for example, go on. A success does not reset the count: one known account
//! would pay for guessing at all others.

use std::net::IpAddr;
use std::time::Duration;
use std::time::Instant;

use crate::domain::edge::slots::Entry;
use crate::domain::edge::slots::Slots;

/// When an address is locked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Refused passwords that lock out.
    pub failures: u32,
    /// The span in which they count, from the first.
    pub window: Duration,
    /// How long the lock holds.
    pub lockout: Duration,
}

/// Failures by address. They outlive a reload, so the limits are arguments.
pub struct Guesses {
    epoch: Instant,
    addresses: Slots<u128, Record>,
}

/// All times in milliseconds since the epoch.
#[derive(Default)]
struct Record {
    failures: u32,
    window_ends: u64,
    locked_until: u64,
}

impl Entry for Record {
    fn weight(&self, now: u64) -> u64 {
        let locked = self.locked_until.saturating_sub(now);
        let counting = if self.window_ends > now {
            self.failures
        } else {
            0
        };
        locked.saturating_add(u64::from(counting))
    }
}

impl Guesses {
    /// No failures yet. No later `now` may lie before `epoch`.
    #[must_use]
    pub fn new(epoch: Instant) -> Self {
        Self {
            epoch,
            addresses: Slots::new(),
        }
    }

    /// How long the address is still locked out, if it is.
    #[must_use]
    pub fn locked(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let now = self.ticks(now);
        let left = self.addresses.look(key(address), |record| {
            record.locked_until.saturating_sub(now)
        })?;
        (left > 0).then(|| Duration::from_millis(left))
    }

    /// Counts a refused password. Says whether this one locked the address out.
    pub fn refused(&self, limits: Limits, address: IpAddr, now: Instant) -> bool {
        let now = self.ticks(now);
        self.addresses.change(key(address), now, |record| {
            if record.window_ends <= now {
                record.failures = 0;
                record.window_ends = now.saturating_add(milliseconds(limits.window));
            }
            record.failures = record.failures.saturating_add(1);
            if record.failures < limits.failures.max(1) {
                return false;
            }
            *record = Record {
                locked_until: now.saturating_add(milliseconds(limits.lockout)),
                ..Record::default()
            };
            true
        })
    }

    fn ticks(&self, now: Instant) -> u64 {
        milliseconds(now.saturating_duration_since(self.epoch))
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// An IPv6 caller owns at least a /64, so that is what is counted.
pub(in crate::domain) fn key(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits() >> 64 << 64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(
        clippy::disallowed_methods,
        reason = "a test needs some moment to count from"
    )]
    fn a_moment() -> Instant {
        Instant::now()
    }

    const LIMITS: Limits = Limits {
        failures: 3,
        window: Duration::from_secs(60),
        lockout: Duration::from_secs(300),
    };

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_third_failure_locks_out_for_the_lockout_time() {
        let start = a_moment();
        let guesses = Guesses::new(start);
        let mallory = address("192.0.2.66");
        assert!(!guesses.refused(LIMITS, mallory, start));
        assert!(!guesses.refused(LIMITS, mallory, start));
        assert_eq!(guesses.locked(mallory, start), None);
        assert!(guesses.refused(LIMITS, mallory, start));
        assert_eq!(guesses.locked(mallory, start), Some(LIMITS.lockout));
        assert_eq!(guesses.locked(address("192.0.2.67"), start), None);
        let later = start + LIMITS.lockout;
        assert_eq!(guesses.locked(mallory, later), None);
        assert!(!guesses.refused(LIMITS, mallory, later));
    }

    #[test]
    fn failures_spread_wider_than_the_window_do_not_lock_out() {
        let start = a_moment();
        let guesses = Guesses::new(start);
        for minute in 0..10 {
            let now = start + Duration::from_secs(31 * minute);
            assert!(!guesses.refused(LIMITS, address("192.0.2.1"), now));
        }
    }

    #[test]
    fn one_ipv6_network_and_a_mapped_address_count_as_one() {
        let start = a_moment();
        let guesses = Guesses::new(start);
        for host in ["2001:db8::1", "2001:db8::2", "2001:db8::3"] {
            guesses.refused(LIMITS, address(host), start);
        }
        assert!(guesses.locked(address("2001:db8::4"), start).is_some());
        assert!(guesses.locked(address("2001:db8:0:1::4"), start).is_none());
        for _ in 0..3 {
            guesses.refused(LIMITS, address("::ffff:192.0.2.9"), start);
        }
        assert!(guesses.locked(address("192.0.2.9"), start).is_some());
    }
}
