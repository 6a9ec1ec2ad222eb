//! How many streams are open: in all, of one watcher, from one address.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::config;
use crate::domain::edge::reason::Reason;

/// The counts. They outlive a reload, as the streams do.
#[derive(Default)]
pub(super) struct Seats(Mutex<Taken>);

#[derive(Default)]
struct Taken {
    all: usize,
    watchers: HashMap<Arc<str>, usize>,
    addresses: HashMap<IpAddr, usize>,
}

/// One stream's place; given back when dropped.
pub(super) struct Seat {
    seats: Arc<Seats>,
    /// Of whom, and from where; operators count in all only.
    of: Option<(Arc<str>, IpAddr)>,
}

impl Seats {
    /// Takes a place.
    ///
    /// # Errors
    /// Which limit is reached.
    pub(super) fn take(
        self: &Arc<Self>,
        of: Option<(Arc<str>, IpAddr)>,
        rules: &config::BlfApi,
    ) -> Result<Seat, Reason> {
        let mut taken = self.lock();
        if taken.all >= rules.streams {
            return Err(Reason::BlfStreams);
        }
        if let Some((watcher, address)) = &of {
            if held(&taken.watchers, watcher) >= rules.streams_per_watcher {
                return Err(Reason::BlfWatcherStreams);
            }
            if held(&taken.addresses, address) >= rules.streams_per_address {
                return Err(Reason::BlfAddressStreams);
            }
            *taken.watchers.entry(Arc::clone(watcher)).or_default() += 1;
            *taken.addresses.entry(*address).or_default() += 1;
        }
        taken.all += 1;
        drop(taken);
        Ok(Seat {
            seats: Arc::clone(self),
            of,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.lock();
        taken.all = taken.all.saturating_sub(1);
        if let Some((watcher, address)) = &self.of {
            give_back(&mut taken.watchers, watcher);
            give_back(&mut taken.addresses, address);
        }
    }
}

fn held<K: Eq + Hash>(counts: &HashMap<K, usize>, key: &K) -> usize {
    counts.get(key).copied().unwrap_or(0)
}

fn give_back<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_limit_has_its_word_and_places_come_back() {
        let rules = config::BlfApi {
            operator_token: None,
            streams: 4,
            streams_per_watcher: 1,
            streams_per_address: 2,
            keep_alive: Duration::ZERO,
            re_check: Duration::ZERO,
            write_stall: Duration::ZERO,
        };
        let seats = Arc::<Seats>::default();
        let take = |watcher: &str, last: u8| {
            seats.take(Some((watcher.into(), [192, 0, 2, last].into())), &rules)
        };
        let alice = take("alice", 1).ok();
        assert!(alice.is_some());
        assert_eq!(take("alice", 2).err(), Some(Reason::BlfWatcherStreams));
        let bob = take("bob", 1).ok();
        assert_eq!(take("carol", 1).err(), Some(Reason::BlfAddressStreams));
        let operators: Vec<_> = (0..2).map(|_| seats.take(None, &rules).ok()).collect();
        assert_eq!(take("carol", 2).err(), Some(Reason::BlfStreams));
        drop((alice, bob, operators));
        let taken = seats.lock();
        assert_eq!(taken.all, 0);
        assert!(taken.watchers.is_empty() && taken.addresses.is_empty());
    }
}
