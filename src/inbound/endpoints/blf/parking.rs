//! Readers between two long polls of theirs, so that a poll that names the last event it has seen
//! gets what followed it, and nothing twice. One that is not found gets the full state.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use crate::inbound::endpoints::blf::seats::Seat;
use crate::platform::tasks::Tasks;
use crate::workers::blf_tracker::Notices;
use crate::workers::blf_tracker::WatchOptions;

/// How long a reader waits for its next poll: clients ask again at once, or after some pause.
const PATIENCE: Duration = Duration::from_secs(60);

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
#[derive(Default)]
pub(super) struct Parking {
    held: Mutex<HashMap<Ticket, Vec<(u64, Reader)>>>,
    next: std::sync::atomic::AtomicU64,
}

impl Parking {
    /// Keeps a reader for a while.
    pub(super) fn park(self: &Arc<Self>, ticket: Ticket, reader: Reader, tasks: &Tasks) {
        let number = self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.lock()
            .entry(ticket.clone())
            .or_default()
            .push((number, reader));
        let (parking, stop) = (Arc::clone(self), tasks.stop());
        tasks.connection(async move {
            tokio::select! {
                () = tokio::time::sleep(PATIENCE) => {}
                () = stop.cancelled() => {}
            }
            parking.take_if(&ticket, |held| held == number);
        });
    }

    /// Takes a reader out.
    pub(super) fn take(&self, ticket: &Ticket) -> Option<Reader> {
        self.take_if(ticket, |_| true)
    }

    fn take_if(&self, ticket: &Ticket, which: impl Fn(u64) -> bool) -> Option<Reader> {
        let mut held = self.lock();
        let readers = held.get_mut(ticket)?;
        let at = readers.iter().position(|(number, _)| which(*number))?;
        let (_, reader) = readers.swap_remove(at);
        if readers.is_empty() {
            held.remove(ticket);
        }
        Some(reader)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Ticket, Vec<(u64, Reader)>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
