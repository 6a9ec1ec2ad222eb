//! A cache that never holds more than it may: when it is full, what was put in first goes first.
//! Entries of one cache live equally long, so that is also what ends first.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::collections::VecDeque;
use std::hash::Hash;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Instant;

/// The cache. Values are cloned out: keep them behind an `Arc` or small.
pub(in crate::workers) struct Bounded<K, V> {
    capacity: usize,
    held: Mutex<Held<K, V>>,
}

struct Held<K, V> {
    entries: HashMap<K, Entry<V>>,
    /// Keys as they came, with the number of their entry: an entry put in again has another.
    order: VecDeque<(K, u64)>,
    next: u64,
}

struct Entry<V> {
    value: V,
    until: Instant,
    number: u64,
}

impl<K: Clone + Eq + Hash, V: Clone> Bounded<K, V> {
    /// An empty cache for at least one entry.
    pub(in crate::workers) fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            held: Mutex::new(Held {
                entries: HashMap::new(),
                order: VecDeque::new(),
                next: 0,
            }),
        }
    }

    /// The value of `key`, unless it has ended.
    pub(in crate::workers) fn get<Q>(&self, key: &Q, now: Instant) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let held = self.lock();
        let entry = held.entries.get(key)?;
        (now < entry.until).then(|| entry.value.clone())
    }

    /// Keeps `value` until `until`, instead of what was there.
    pub(in crate::workers) fn put(&self, key: K, value: V, until: Instant) {
        let mut held = self.lock();
        let number = held.next;
        held.next = held.next.wrapping_add(1);
        held.order.push_back((key.clone(), number));
        let entry = Entry {
            value,
            until,
            number,
        };
        held.entries.insert(key, entry);
        // Keys put in again leave a number behind in the order; those do not count for ever.
        while held.entries.len() > self.capacity || held.order.len() > 2 * self.capacity {
            let Some((oldest, number)) = held.order.pop_front() else {
                break;
            };
            let current = held.entries.get(&oldest);
            if current.is_some_and(|entry| entry.number == number) {
                held.entries.remove(&oldest);
            }
        }
    }

    /// Takes the value of `key` out if `which` says so.
    pub(in crate::workers) fn remove_if<Q>(&self, key: &Q, which: impl FnOnce(&V) -> bool)
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let mut held = self.lock();
        if held
            .entries
            .get(key)
            .is_some_and(|entry| which(&entry.value))
        {
            held.entries.remove(key);
        }
    }

    /// Takes out every entry whose key `which` says so of.
    pub(in crate::workers) fn remove_all(&self, which: impl Fn(&K) -> bool) {
        self.lock().entries.retain(|key, _| !which(key));
    }

    /// Forgets everything.
    pub(in crate::workers) fn clear(&self) {
        let mut held = self.lock();
        held.entries.clear();
        held.order.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Held<K, V>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::platform::clock;

    #[test]
    fn an_entry_is_there_until_it_ends() {
        let (cache, now) = (Bounded::new(2), clock::mono());
        let end = now + Duration::from_secs(1);
        cache.put(1, "one", end);
        assert_eq!(cache.get(&1, now), Some("one"));
        assert_eq!(cache.get(&1, end), None);
        assert_eq!(cache.get(&2, now), None);
    }

    #[test]
    fn the_oldest_goes_first_and_one_put_in_again_counts_as_new() {
        let (cache, now) = (Bounded::new(2), clock::mono());
        let end = now + Duration::from_secs(1);
        for key in [1, 2, 1, 3] {
            cache.put(key, key, end);
        }
        let held: Vec<_> = (1..4).filter_map(|key| cache.get(&key, now)).collect();
        assert_eq!(held, [1, 3]);
    }

    #[test]
    fn only_the_value_that_was_meant_is_taken_out() {
        let (cache, now) = (Bounded::new(2), clock::mono());
        cache.put(1, "new", now + Duration::from_secs(1));
        cache.remove_if(&1, |value| *value == "old");
        assert_eq!(cache.get(&1, now), Some("new"));
        cache.remove_if(&1, |value| *value == "new");
        assert_eq!(cache.get(&1, now), None);
    }

    proptest! {
        #[test]
        fn it_never_holds_more_than_it_may(keys in proptest::collection::vec(0_u8..20, 0..300), capacity in 0_usize..10) {
            let (cache, now) = (Bounded::new(capacity), clock::mono());
            for key in keys {
                cache.put(key, key, now + Duration::from_secs(1));
                prop_assert_eq!(cache.get(&key, now), Some(key));
                let held = cache.lock();
                prop_assert!(held.entries.len() <= capacity.max(1));
                prop_assert!(held.order.len() <= 2 * capacity.max(1));
            }
        }
    }
}
