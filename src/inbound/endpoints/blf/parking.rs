//! Readers between two long polls of theirs, so that a poll that names the last event it has seen
//! gets what followed it, and nothing twice. One that is not found gets the full state.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use crate::inbound::endpoints::blf::seats::Seat;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::workers::blf_tracker::Notices;
use crate::workers::blf_tracker::WatchOptions;

/// How long a reader waits for its next poll: clients ask again at once, or after some pause.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often those that waited too long are looked for.
const SWEEP: Duration = Duration::from_secs(10);

/// By what a reader is found again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Ticket {
    pub(super) watcher: Arc<str>,
    pub(super) options: WatchOptions,
    /// The last event that it has brought.
    pub(super) last: u64,
}

/// A reader and its place.
pub(super) struct Reader {
    pub(super) notices: Notices,
    pub(super) _seat: Seat,
}

/// All of them; bounded by the seats that they hold.
pub(super) struct Parking<R = Reader>(Mutex<Parked<R>>);

struct Parked<R> {
    readers: HashMap<Ticket, Vec<(Instant, R)>>,
    /// One task looks for all that waited too long, while there are any.
    sweeping: bool,
}

impl<R> Default for Parking<R> {
    fn default() -> Self {
        Self(Mutex::new(Parked {
            readers: HashMap::new(),
            sweeping: false,
        }))
    }
}

impl<R: Send + 'static> Parking<R> {
    /// Keeps a reader for a while.
    pub(super) fn park(self: &Arc<Self>, ticket: Ticket, reader: R, tasks: &Tasks) {
        let mut parked = self.lock();
        let places = parked.readers.entry(ticket).or_default();
        places.push((clock::mono() + PATIENCE, reader));
        if std::mem::replace(&mut parked.sweeping, true) {
            return;
        }
        drop(parked);
        let (parking, stop) = (Arc::clone(self), tasks.stop());
        tasks.connection(async move {
            while parking.sweep(clock::mono()) {
                tokio::select! {
                    () = tokio::time::sleep(SWEEP) => {}
                    () = stop.cancelled() => return,
                }
            }
        });
    }

    /// Takes a reader out.
    pub(super) fn take(&self, ticket: &Ticket) -> Option<R> {
        let mut parked = self.lock();
        let places = parked.readers.get_mut(ticket)?;
        let (_, reader) = places.pop()?;
        if places.is_empty() {
            parked.readers.remove(ticket);
        }
        Some(reader)
    }

    /// Takes out the reader of a watcher that has waited longest, because its place is needed. Says
    /// whether there was one.
    pub(super) fn evict(&self, watcher: &str) -> bool {
        let mut parked = self.lock();
        let of_watcher = parked
            .readers
            .iter()
            .filter(|(ticket, _)| &*ticket.watcher == watcher)
            .filter_map(|(ticket, places)| Some((places.first()?.0, ticket)));
        let oldest = of_watcher.min_by_key(|(until, _)| *until);
        let Some(ticket) = oldest.map(|(_, ticket)| ticket.clone()) else {
            return false;
        };
        let evicted = parked
            .readers
            .get_mut(&ticket)
            .map(|places| places.remove(0));
        if parked.readers.get(&ticket).is_some_and(Vec::is_empty) {
            parked.readers.remove(&ticket);
        }
        evicted.is_some()
    }

    /// Lets those go that waited too long. Says whether others still wait.
    fn sweep(&self, now: Instant) -> bool {
        let mut parked = self.lock();
        parked.readers.retain(|_, places| {
            places.retain(|(until, _)| now < *until);
            !places.is_empty()
        });
        parked.sweeping = !parked.readers.is_empty();
        parked.sweeping
    }

    fn lock(&self) -> MutexGuard<'_, Parked<R>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(watcher: &str, last: u64) -> Ticket {
        Ticket {
            watcher: watcher.into(),
            options: WatchOptions::default(),
            last,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_is_found_by_what_it_brought_last_and_goes_after_a_while() {
        let (parking, tasks) = (Arc::<Parking<&str>>::default(), Tasks::new());
        parking.park(ticket("a", 7), "one", &tasks);
        assert_eq!(parking.take(&ticket("a", 8)), None);
        assert_eq!(parking.take(&ticket("b", 7)), None);
        assert_eq!(parking.take(&ticket("a", 7)), Some("one"));
        assert_eq!(parking.take(&ticket("a", 7)), None);
        parking.park(ticket("a", 9), "two", &tasks);
        tokio::time::sleep(PATIENCE - SWEEP * 2).await;
        assert_eq!(parking.take(&ticket("a", 9)), Some("two"));
        parking.park(ticket("a", 9), "three", &tasks);
        tokio::time::sleep(PATIENCE + SWEEP * 2).await;
        assert_eq!(parking.take(&ticket("a", 9)), None);
        tasks.join().await;
    }

    #[tokio::test]
    async fn the_one_that_waits_longest_makes_room_for_its_own_watcher_alone() {
        let (parking, tasks) = (Arc::<Parking<&str>>::default(), Tasks::new());
        for (watcher, last, reader) in [("a", 1, "old"), ("a", 2, "new"), ("b", 1, "other")] {
            parking.park(ticket(watcher, last), reader, &tasks);
        }
        assert!(!parking.evict("c"));
        assert!(parking.evict("a"));
        assert_eq!(parking.take(&ticket("a", 1)), None);
        assert_eq!(parking.take(&ticket("a", 2)), Some("new"));
        assert!(!parking.evict("a"));
        assert_eq!(parking.take(&ticket("b", 1)), Some("other"));
        tasks.stop().cancel();
    }
}
