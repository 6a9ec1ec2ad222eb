//! Slows password guessing at `/authService/token` down without giving a stranger the means to
//! lock a user out.
//!
//! Three counts, each with its own consequence:
//! * user *and* address: after a few failures the pair waits longer and longer;
//! * address, over all users: the same, later; peers with a listed certificate are not counted,
//!   because all of Webex comes from a few addresses;
//! * user, over all addresses: answers come slower, but nobody is refused.
//!
//! An address from which the user has signed in before feels the first count only. An attempt is
//! counted when it begins, or a thousand at once would all be the first; success takes it back.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::net::IpAddr;
use std::time::Duration;
use std::time::Instant;

use crate::domain::edge::guessing;
use crate::domain::edge::slots::Entry;
use crate::domain::edge::slots::Slots;

/// Failures that cost nothing: a mistyped password and a device or two that repeat it.
pub const FREE_OF_PAIR: u32 = 3;
/// Failures of one address that cost nothing: an office behind NAT on a Monday morning.
const FREE_OF_ADDRESS: u32 = 30;
/// Failures of one user from anywhere that cost nothing.
const FREE_OF_USER: u32 = 10;
/// The first wait; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait of a pair or an address.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// By how much an answer is held back at first, and at most: well below the time limit of a
/// request, which is 10 s.
const FIRST_HOLD: Duration = Duration::from_millis(100);
const LONGEST_HOLD: Duration = Duration::from_secs(2);
/// A count without a new failure for this long starts anew.
const FORGET: Duration = Duration::from_secs(60 * 60);
/// How long a success at an address counts: a month, as a token does.
const REMEMBER: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Who tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// Anyone, known by address.
    Address(IpAddr),
    /// The owner of a listed certificate, who asks for many users.
    Listed(IpAddr),
}

/// What becomes of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// It may be tried.
    Allowed(Attempt),
    /// Not before this time.
    Refused(Duration),
}

/// An attempt under way, counted as failed until it is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// How much later it is to be tried.
    pub hold: Duration,
    user: u64,
    address: u128,
    counts_for_address: bool,
}

/// All counts; fixed in size, since strangers choose the keys.
pub struct BackOff {
    epoch: Instant,
    hasher: RandomState,
    pairs: Slots<(u64, u128), Count>,
    addresses: Slots<u128, Count>,
    users: Slots<u64, Count>,
    successes: Slots<(u64, u128), Until>,
}

/// Times in milliseconds since the epoch.
#[derive(Default)]
struct Count {
    failures: u32,
    until: u64,
    last: u64,
}

impl Entry for Count {
    fn weight(&self, now: u64) -> u64 {
        if self.forgotten(now) {
            0
        } else {
            self.until
                .saturating_sub(now)
                .saturating_add(u64::from(self.failures))
        }
    }
}

impl Count {
    const fn forgotten(&self, now: u64) -> bool {
        now.saturating_sub(self.last) >= FORGET.as_millis() as u64
    }

    fn add(&mut self, free: u32, now: u64) {
        if self.forgotten(now) {
            *self = Self::default();
        }
        self.failures = self.failures.saturating_add(1);
        self.last = now;
        let wait = grown(FIRST_WAIT, LONGEST_WAIT, self.failures, free);
        self.until = now.saturating_add(milliseconds(wait));
    }

    const fn take_back(&mut self) {
        self.failures = self.failures.saturating_sub(1);
        self.until = 0;
    }
}

#[derive(Default)]
struct Until(u64);

impl Entry for Until {
    fn weight(&self, now: u64) -> u64 {
        self.0.saturating_sub(now)
    }
}

impl BackOff {
    /// No failures yet. No later `now` may lie before `epoch`.
    #[must_use]
    pub fn new(epoch: Instant) -> Self {
        Self {
            epoch,
            hasher: RandomState::new(),
            pairs: Slots::new(),
            addresses: Slots::new(),
            users: Slots::new(),
            successes: Slots::new(),
        }
    }

    /// Begins an attempt, which counts as failed until it is taken back.
    #[must_use]
    pub fn begin(&self, user: &str, peer: Peer, now: Instant) -> Begin {
        let (user, address, now) = (self.user(user), address(peer), self.ticks(now));
        let left = |count: &Count| count.until.saturating_sub(now);
        let known = self
            .successes
            .look((user, address), |until| until.0 > now)
            .unwrap_or_default();
        let mut wait = self.pairs.look((user, address), left).unwrap_or_default();
        let by_address = match peer {
            Peer::Address(_) => !known,
            Peer::Listed(_) => false,
        };
        if by_address {
            wait = wait.max(self.addresses.look(address, left).unwrap_or_default());
        }
        if wait > 0 {
            return Begin::Refused(Duration::from_millis(wait));
        }
        self.pairs
            .change((user, address), now, |count| count.add(FREE_OF_PAIR, now));
        if by_address {
            self.addresses
                .change(address, now, |count| count.add(FREE_OF_ADDRESS, now));
        }
        let failures = self.users.change(user, now, |count| {
            count.add(FREE_OF_USER, now);
            count.failures
        });
        let hold = if known {
            Duration::ZERO
        } else {
            grown(FIRST_HOLD, LONGEST_HOLD, failures, FREE_OF_USER)
        };
        Begin::Allowed(Attempt {
            hold,
            user,
            address,
            counts_for_address: by_address,
        })
    }

    /// The password was right.
    pub fn succeeded(&self, attempt: Attempt, now: Instant) {
        let now = self.ticks(now);
        let pair = (attempt.user, attempt.address);
        self.pairs
            .change(pair, now, |count| *count = Count::default());
        self.undo(attempt, now);
        self.successes.change(pair, now, |until| {
            until.0 = now.saturating_add(milliseconds(REMEMBER));
        });
    }

    /// Nobody could say whether the password was right.
    pub fn abandoned(&self, attempt: Attempt, now: Instant) {
        let now = self.ticks(now);
        let pair = (attempt.user, attempt.address);
        self.pairs.change(pair, now, Count::take_back);
        self.undo(attempt, now);
    }

    /// Takes this one attempt back, no other: one known account must not pay for guessing at all
    /// others.
    fn undo(&self, attempt: Attempt, now: u64) {
        if attempt.counts_for_address {
            self.addresses
                .change(attempt.address, now, Count::take_back);
        }
        self.users.change(attempt.user, now, Count::take_back);
    }

    /// A keyed hash, so that nobody can find a user whose counts are those of another.
    fn user(&self, user: &str) -> u64 {
        self.hasher.hash_one(user.to_lowercase())
    }

    fn ticks(&self, now: Instant) -> u64 {
        milliseconds(now.saturating_duration_since(self.epoch))
    }
}

/// `first` for the first failure beyond `free`, then twice as long each, up to `longest`.
fn grown(first: Duration, longest: Duration, failures: u32, free: u32) -> Duration {
    let Some(doublings) = failures.checked_sub(free.saturating_add(1)) else {
        return Duration::ZERO;
    };
    let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
    first.saturating_mul(factor).min(longest)
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// An IPv6 caller owns at least a /64, so that is what is counted.
#[must_use]
pub fn address(peer: Peer) -> u128 {
    let (Peer::Address(address) | Peer::Listed(address)) = peer;
    guessing::key(address)
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

    fn at(last: u8) -> Peer {
        Peer::Address(IpAddr::from([192, 0, 2, last]))
    }

    const SECOND: Duration = Duration::from_secs(1);

    /// The attempt, which must be allowed.
    fn attempt(back_off: &BackOff, user: &str, peer: Peer, now: Instant) -> Attempt {
        match back_off.begin(user, peer, now) {
            Begin::Allowed(attempt) => attempt,
            Begin::Refused(wait) => panic!("{user} is refused for {wait:?}"),
        }
    }

    fn is_refused(back_off: &BackOff, user: &str, peer: Peer, now: Instant) -> bool {
        matches!(back_off.begin(user, peer, now), Begin::Refused(_))
    }

    #[test]
    fn a_pair_waits_longer_and_longer_after_a_few_failures() {
        let start = a_moment();
        let back_off = BackOff::new(start);
        for _ in 0..FREE_OF_PAIR {
            let begun = attempt(&back_off, "a", at(1), start);
            assert_eq!(begun.hold, Duration::ZERO);
        }
        let mut now = start;
        for doubled in 0..4 {
            let _begun = attempt(&back_off, "A", at(1), now);
            let wait = SECOND * 2_u32.pow(doubled);
            assert_eq!(back_off.begin("a", at(1), now), Begin::Refused(wait));
            now += wait;
        }
        let much_later = now + FORGET + LONGEST_WAIT;
        for _ in 0..FREE_OF_PAIR {
            assert!(!is_refused(&back_off, "a", at(1), much_later));
        }
    }

    #[test]
    fn the_wait_has_a_limit() {
        let start = a_moment();
        let back_off = BackOff::new(start);
        let mut now = start;
        for _ in 0..40 {
            let _begun = back_off.begin("a", at(1), now);
            if let Begin::Refused(wait) = back_off.begin("a", at(1), now) {
                assert!(wait <= LONGEST_WAIT);
                now += wait;
            }
        }
        assert!(now - start > LONGEST_WAIT);
    }

    #[test]
    fn nobody_can_lock_a_user_out_from_elsewhere() {
        let start = a_moment();
        let back_off = BackOff::new(start);
        let first = attempt(&back_off, "victim", at(1), start);
        back_off.succeeded(first, start);
        for attacker in 2..200 {
            for _ in 0..10 {
                let _begun = back_off.begin("victim", at(attacker), start);
            }
        }
        let own = attempt(&back_off, "victim", at(1), start);
        assert_eq!(own.hold, Duration::ZERO);
        // From an address of which nothing is known the answer is slow, but it comes.
        let elsewhere = attempt(&back_off, "victim", at(250), start);
        assert_eq!(elsewhere.hold, LONGEST_HOLD);
    }

    #[test]
    fn an_address_that_tries_many_users_waits_but_known_users_behind_it_do_not() {
        let start = a_moment();
        let back_off = BackOff::new(start);
        let first = attempt(&back_off, "colleague", at(1), start);
        back_off.succeeded(first, start);
        let tried = (0..100)
            .filter(|user| !is_refused(&back_off, &format!("user{user}"), at(1), start))
            .count();
        assert_eq!(tried, FREE_OF_ADDRESS as usize + 1);
        assert!(is_refused(&back_off, "stranger", at(1), start));
        assert!(!is_refused(&back_off, "colleague", at(1), start));
    }

    #[test]
    fn a_listed_peer_is_not_held_back_for_its_other_users() {
        let start = a_moment();
        let back_off = BackOff::new(start);
        let webex = Peer::Listed(IpAddr::from([192, 0, 2, 1]));
        for user in 0..1000 {
            let begun = attempt(&back_off, &format!("user{user}"), webex, start);
            assert_eq!(begun.hold, Duration::ZERO, "{user}");
        }
        for _ in 0..=FREE_OF_PAIR {
            let _begun = back_off.begin("one", webex, start);
        }
        assert!(is_refused(&back_off, "one", webex, start));
    }

    #[test]
    fn success_takes_back_its_own_attempt_alone() {
        let start = a_moment();
        let back_off = BackOff::new(start);
        let tries = |count: u32| {
            (0..count)
                .filter(|user| !is_refused(&back_off, &format!("user{user}"), at(1), start))
                .count()
        };
        assert_eq!(tries(20), 20);
        for _ in 0..50 {
            let own = attempt(&back_off, "own", at(1), start);
            back_off.succeeded(own, start);
        }
        // Those 20 users were tried once each, and are within their own five.
        assert_eq!(tries(50), (FREE_OF_ADDRESS + 1 - 20) as usize);
    }

    #[test]
    fn an_attempt_that_nobody_judged_does_not_count() {
        let start = a_moment();
        let back_off = BackOff::new(start);
        for _ in 0..100 {
            let begun = attempt(&back_off, "a", at(1), start);
            assert_eq!(begun.hold, Duration::ZERO);
            back_off.abandoned(begun, start);
        }
    }
}
