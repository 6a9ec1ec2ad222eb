//! Users who are locked after too many bad passwords. In memory only: a restart unlocks.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

/// Bad passwords in a row that lock. The real number is a setting of the system.
pub const LOCKING_FAILURES: u32 = 5;

/// How long bad passwords lock, and how long they are remembered. A setting, too.
pub const LOCK: Duration = Duration::from_secs(10 * 60);

/// Users remembered at once; further ones are not counted. The directory is far smaller.
const REMEMBERED: usize = 4096;

/// What is known of bad passwords, by user id in lower case.
#[derive(Default)]
pub(super) struct Lockouts(Mutex<HashMap<String, Entry>>);

struct Entry {
    failures: u32,
    /// When nothing is remembered any more.
    end: Instant,
}

impl Lockouts {
    /// The rest of a lock.
    pub(super) fn left(&self, user: &str, now: Instant) -> Option<Duration> {
        let held = self.held();
        let entry = held.get(&user.to_lowercase())?;
        let left = entry.end.checked_duration_since(now)?;
        (entry.failures >= LOCKING_FAILURES && !left.is_zero()).then_some(left)
    }

    /// A bad password.
    pub(super) fn failed(&self, user: &str, now: Instant) {
        let mut held = self.held();
        held.retain(|_, entry| entry.end > now);
        let user = user.to_lowercase();
        if held.len() >= REMEMBERED && !held.contains_key(&user) {
            return;
        }
        let entry = held.entry(user).or_insert(Entry {
            failures: 0,
            end: now,
        });
        // A lock is not made longer by trying on.
        if entry.failures < LOCKING_FAILURES {
            entry.failures += 1;
            entry.end = now + LOCK;
        }
    }

    /// A good password, or an operator's mercy.
    pub(super) fn forget(&self, user: &str) {
        self.held().remove(&user.to_lowercase());
    }

    /// Locks for a time.
    pub(super) fn lock(&self, user: &str, time: Duration, now: Instant) {
        let entry = Entry {
            failures: LOCKING_FAILURES,
            end: now + time,
        };
        self.held().insert(user.to_lowercase(), entry);
    }

    fn held(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_passwords_in_a_row_lock_for_a_while() {
        let lockouts = Lockouts::default();
        let start = crate::platform::clock::mono();
        for _ in 1..LOCKING_FAILURES {
            lockouts.failed("A@b", start);
        }
        assert_eq!(lockouts.left("a@b", start), None);
        lockouts.failed("a@b", start);
        assert_eq!(lockouts.left("a@B", start), Some(LOCK));
        let later = start + LOCK / 2;
        lockouts.failed("a@b", later);
        assert_eq!(lockouts.left("a@b", later), Some(LOCK / 2));
        assert_eq!(lockouts.left("a@b", start + LOCK), None);
        lockouts.failed("a@b", start + LOCK);
        assert_eq!(lockouts.left("a@b", start + LOCK), None);
    }

    #[test]
    fn a_good_password_starts_the_count_again() {
        let lockouts = Lockouts::default();
        let now = crate::platform::clock::mono();
        for _ in 0..3 {
            for _ in 1..LOCKING_FAILURES {
                lockouts.failed("a@b", now);
            }
            lockouts.forget("a@b");
        }
        assert_eq!(lockouts.left("a@b", now), None);
        lockouts.lock("a@b", Duration::from_secs(61), now);
        assert_eq!(lockouts.left("a@b", now), Some(Duration::from_secs(61)));
    }
}
