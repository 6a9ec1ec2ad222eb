//! A table of fixed size for what is kept per user or per address: strangers choose the keys, so
//! memory may not follow their number.
//!
//! A key can live in one of a few places only. When all are taken, the entry whose loss changes
//! least makes room. The places are chosen by a keyed hash, so nobody can aim at a neighbour.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::hash::Hash;
use std::sync::Mutex;
use std::sync::PoisonError;

/// Sets of places; a power of two.
const SETS: usize = 8192;

/// Places of a set. With [`SETS`] this keeps 65,536 active keys, in at most some 4 MiB.
const WAYS: usize = 8;

/// What a place holds.
pub trait Entry: Default {
    /// How much would be lost by forgetting it; 0 when it equals a fresh one at time `now`.
    fn weight(&self, now: u64) -> u64;
}

/// The few places in which a key can live.
type Set<K, V> = Mutex<Vec<(K, V)>>;

/// The table. Times are the caller's own ticks.
pub struct Slots<K, V> {
    hasher: RandomState,
    sets: Box<[Set<K, V>]>,
}

impl<K: Copy + Eq + Hash, V: Entry> Slots<K, V> {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            sets: (0..SETS).map(|_| Mutex::default()).collect(),
        }
    }

    /// Changes the entry of `key`, a fresh one when there is none.
    pub fn change<T>(&self, key: K, now: u64, change: impl FnOnce(&mut V) -> T) -> T {
        let mut fresh = V::default();
        let Some(set) = self.set(key) else {
            return change(&mut fresh);
        };
        let mut set = set.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, held)) = set.iter_mut().find(|(held, _)| *held == key) {
            return change(held);
        }
        let outcome = change(&mut fresh);
        if set.len() < WAYS {
            set.push((key, fresh));
        } else if let Some(least) = set.iter_mut().min_by_key(|(_, held)| held.weight(now)) {
            *least = (key, fresh);
        }
        outcome
    }

    /// Looks at the entry of `key`.
    pub fn look<T>(&self, key: K, look: impl FnOnce(&V) -> T) -> Option<T> {
        let set = self.set(key)?;
        let set = set.lock().unwrap_or_else(PoisonError::into_inner);
        set.iter()
            .find(|(held, _)| *held == key)
            .map(|(_, held)| look(held))
    }

    fn set(&self, key: K) -> Option<&Set<K, V>> {
        let hash = self.hasher.hash_one(key);
        let place = usize::try_from(hash % SETS as u64).ok()?;
        self.sets.get(place)
    }
}

impl<K: Copy + Eq + Hash, V: Entry> Default for Slots<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Count(u64);

    impl Entry for Count {
        fn weight(&self, _now: u64) -> u64 {
            self.0
        }
    }

    #[test]
    fn a_flood_of_keys_neither_grows_the_table_nor_displaces_the_heaviest() {
        let slots: Slots<u64, Count> = Slots::new();
        slots.change(1, 0, |count| count.0 = 1000);
        for key in 2..200_000 {
            slots.change(key, 0, |count| count.0 += 1);
        }
        let held: usize = slots.sets.iter().map(|set| set.lock().unwrap().len()).sum();
        assert!(held <= SETS * WAYS);
        assert_eq!(slots.look(1, |count| count.0), Some(1000));
    }

    #[test]
    fn an_entry_is_found_again_and_an_absent_one_is_not_made_by_looking() {
        let slots: Slots<u64, Count> = Slots::new();
        slots.change(7, 0, |count| count.0 += 2);
        slots.change(7, 0, |count| count.0 += 3);
        assert_eq!(slots.look(7, |count| count.0), Some(5));
        assert_eq!(slots.look(8, |count| count.0), None);
    }
}
