//! Verdicts of a moment ago, by the hash of the token, so that a busy app does not cost Cisco a
//! question each time.
//!
//! Good and bad verdicts have separate places: strangers can make up any number of bad tokens,
//! and must not displace the good ones.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::time::Duration;
use std::time::Instant;

use crate::domain::auth::ci::CiUser;
use crate::domain::auth::ci::refusal::Blame;
use crate::domain::auth::ci::refusal::CiRefusal;

/// SHA-256 of a token; the token itself is not kept.
pub type TokenHash = [u8; 32];

/// How long a good verdict holds at most: so long a user whom Cisco has just removed still gets
/// in.
pub const GOOD: Duration = Duration::from_secs(5 * 60);

/// How long a bad one holds: so long a user who has just got the entitlement is still refused.
pub const BAD: Duration = Duration::from_secs(10);

/// Verdicts of each kind, in some 4 MiB together. A farm's users sign in over hours, not within
/// five minutes.
const PLACES: usize = 10_000;

/// What the token-info service said of a token.
pub type Verdict = Result<CiUser, CiRefusal>;

/// The cache.
#[derive(Debug, Default)]
pub struct Verdicts {
    good: Shelf<CiUser>,
    bad: Shelf<CiRefusal>,
}

impl Verdicts {
    /// The verdict on a token, if it still holds.
    #[must_use]
    pub fn look(&self, token: &TokenHash, now: Instant) -> Option<Verdict> {
        let good = self.good.look(token, now).cloned().map(Ok);
        good.or_else(|| self.bad.look(token, now).copied().map(Err))
    }

    /// Keeps a verdict. `life` is the rest of the token's life, as far as it is known. A refusal
    /// that is not the token's fault is not kept.
    pub fn keep(
        &mut self,
        token: TokenHash,
        verdict: &Verdict,
        life: Option<Duration>,
        now: Instant,
    ) {
        match verdict {
            Ok(user) => {
                let holds = life.map_or(GOOD, |life| life.min(GOOD));
                self.good.put(token, user.clone(), now + holds, now);
            }
            Err(refusal) => match refusal.blames() {
                Blame::Service => {}
                Blame::Token => self.bad.put(token, *refusal, now + BAD, now),
            },
        }
    }
}

/// Entries of one kind, each with its end. When all places are taken the oldest makes room.
#[derive(Debug)]
struct Shelf<V> {
    entries: HashMap<TokenHash, (V, Instant)>,
    /// Keys in the order in which they came, each once.
    order: VecDeque<TokenHash>,
}

impl<V> Default for Shelf<V> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            order: VecDeque::new(),
        }
    }
}

impl<V> Shelf<V> {
    fn look(&self, key: &TokenHash, now: Instant) -> Option<&V> {
        let (value, until) = self.entries.get(key)?;
        (now < *until).then_some(value)
    }

    fn put(&mut self, key: TokenHash, value: V, until: Instant, now: Instant) {
        self.forget_ended(now);
        if self.entries.insert(key, (value, until)).is_none() {
            self.order.push_back(key);
        }
        if self.entries.len() > PLACES {
            self.forget_oldest();
        }
    }

    /// Looks from the oldest on, and stops at the first that still holds: later ones may have
    /// ended before it, and go when their turn comes.
    fn forget_ended(&mut self, now: Instant) {
        while let Some((_, until)) = self.order.front().and_then(|key| self.entries.get(key))
            && *until <= now
        {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some(oldest) = self.order.pop_front() {
            self.entries.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::platform::clock;

    fn user(name: &str) -> Verdict {
        Ok(CiUser {
            broadworks_user: name.to_owned(),
            org: None,
        })
    }

    fn hash(number: u64) -> TokenHash {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&number.to_be_bytes());
        hash
    }

    #[test]
    fn a_good_verdict_holds_for_five_minutes_or_as_long_as_the_token() {
        let (mut verdicts, start) = (Verdicts::default(), clock::mono());
        verdicts.keep(hash(1), &user("a"), None, start);
        verdicts.keep(hash(2), &user("b"), Some(Duration::from_secs(7)), start);
        verdicts.keep(hash(3), &user("c"), Some(GOOD * 2), start);
        verdicts.keep(hash(4), &user("d"), Some(Duration::ZERO), start);
        for (number, holds) in [(1, 300), (2, 7), (3, 300)] {
            let before = start + Duration::from_millis(holds * 1_000 - 1);
            let at = start + Duration::from_secs(holds);
            assert!(verdicts.look(&hash(number), before).is_some(), "{number}");
            assert_eq!(verdicts.look(&hash(number), at), None, "{number}");
        }
        assert_eq!(verdicts.look(&hash(4), start), None);
        assert_eq!(verdicts.look(&hash(1), start), Some(user("a")));
    }

    #[test]
    fn a_bad_verdict_holds_for_ten_seconds_and_one_that_blames_cisco_not_at_all() {
        let (mut verdicts, start) = (Verdicts::default(), clock::mono());
        verdicts.keep(hash(1), &Err(CiRefusal::Inactive), None, start);
        verdicts.keep(hash(2), &Err(CiRefusal::Unreachable), None, start);
        let inactive = Some(Err(CiRefusal::Inactive));
        assert_eq!(verdicts.look(&hash(1), start), inactive);
        assert_eq!(verdicts.look(&hash(1), start + BAD), None);
        assert_eq!(verdicts.look(&hash(2), start), None);
    }

    #[test]
    fn a_later_verdict_replaces_the_earlier() {
        let (mut verdicts, start) = (Verdicts::default(), clock::mono());
        verdicts.keep(hash(1), &user("a"), None, start);
        verdicts.keep(hash(1), &user("b"), None, start + Duration::from_secs(1));
        assert_eq!(verdicts.look(&hash(1), start + GOOD), Some(user("b")));
        assert_eq!(verdicts.good.order.len(), 1);
    }

    #[test]
    fn a_flood_of_bad_tokens_neither_grows_the_cache_nor_displaces_the_good() {
        let (mut verdicts, start) = (Verdicts::default(), clock::mono());
        verdicts.keep(hash(0), &user("a"), None, start);
        for number in 1..50_000 {
            verdicts.keep(hash(number), &Err(CiRefusal::Inactive), None, start);
        }
        assert_eq!(verdicts.look(&hash(0), start), Some(user("a")));
        assert_eq!(verdicts.bad.entries.len(), PLACES);
        assert_eq!(verdicts.bad.order.len(), PLACES);
        assert_eq!(verdicts.look(&hash(1), start), None);
        verdicts.keep(hash(1), &Err(CiRefusal::Inactive), None, start + BAD);
        assert_eq!(verdicts.bad.entries.len(), 1, "what has ended is forgotten");
    }
}
