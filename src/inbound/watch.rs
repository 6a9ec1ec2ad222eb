//! What one connection is doing, so that one lazy timer can tell when to end it, and the way to
//! tell it to end.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::task::Waker;
use std::time::Duration;
use std::time::Instant;

use futures_util::task::AtomicWaker;

use crate::domain::edge::ending::Ending;
use crate::domain::edge::head::HeadFault;
use crate::platform::clock;

/// Shared by the connection's task, its requests, its guard and the registry.
pub struct Watch {
    started: Instant,
    in_flight: AtomicU32,
    /// The [`Pace`] of each request in flight; as many as HTTP/2 streams are allowed.
    paces: Mutex<Vec<Arc<Pace>>>,
    /// Milliseconds since `started` when the last request ended; 0 before the first.
    last_activity: AtomicU64,
    /// Milliseconds since `started`, plus one, when a head began; 0 when none is under way.
    head_since: AtomicU64,
    /// [`Order`] as a number.
    order: AtomicU8,
    fault: std::sync::OnceLock<HeadFault>,
    waker: AtomicWaker,
}

/// What somebody else wants of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Order {
    /// Go on.
    None,
    /// Finish what is in flight, then end.
    Drain,
    /// End now: the time of a drain is over.
    Cut,
    /// End now: the peer takes nothing of its event stream.
    SlowReader,
    /// End now: the client certificate is past its end.
    CertificateEnded,
    /// End now: the trust anchor is gone.
    TrustRemoved,
}

/// Waits of one connection.
#[derive(Debug, Clone, Copy)]
pub struct Waits {
    /// For a request head, and for the first request.
    pub head: Duration,
    /// Between requests.
    pub idle: Duration,
}

/// Since when an answer waits for its reader, in milliseconds since [`Watch::started`] plus one;
/// 0 while we wait for the XSP.
type Pace = AtomicU64;

/// One request in flight; dropped when its answer has been sent or given up.
pub struct Flight {
    watch: Arc<Watch>,
    pace: Arc<Pace>,
}

impl Flight {
    /// The watch of its connection.
    #[must_use]
    pub const fn watch(&self) -> &Arc<Watch> {
        &self.watch
    }

    /// A piece of the answer is on its way; the next one is for the peer to make room for.
    pub fn handed_over(&self) {
        self.pace
            .store(self.watch.elapsed().saturating_add(1), Ordering::Relaxed);
    }

    /// The peer has room; the next piece is the XSP's to send.
    pub fn waits_for_upstream(&self) {
        self.pace.store(0, Ordering::Relaxed);
    }
}

impl Watch {
    /// The watch of a connection that begins now.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            started: clock::mono(),
            in_flight: AtomicU32::new(0),
            paces: Mutex::default(),
            last_activity: AtomicU64::new(0),
            head_since: AtomicU64::new(0),
            order: AtomicU8::new(Order::None as u8),
            fault: std::sync::OnceLock::new(),
            waker: AtomicWaker::new(),
        })
    }

    /// A request has arrived.
    #[must_use]
    pub fn begin(self: &Arc<Self>) -> Flight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        let pace = Arc::<Pace>::default();
        self.paces().push(Arc::clone(&pace));
        Flight {
            watch: Arc::clone(self),
            pace,
        }
    }

    /// Whether some answer has waited for its reader longer than `patience`. Looked at when the
    /// timer fires, not with each piece.
    #[must_use]
    pub fn has_slow_reader(&self, patience: Duration) -> bool {
        let patience = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        let before = self.elapsed().saturating_sub(patience);
        let paces = self.paces();
        paces
            .iter()
            .map(|pace| pace.load(Ordering::Relaxed))
            .any(|since| since > 0 && since <= before)
    }

    fn paces(&self) -> MutexGuard<'_, Vec<Arc<Pace>>> {
        self.paces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Requests whose answer is not finished.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// The guard saw a head begin or end.
    pub fn head(&self, under_way: bool) {
        if !under_way {
            self.head_since.store(0, Ordering::Relaxed);
        } else if self.head_since.load(Ordering::Relaxed) == 0 {
            self.head_since.store(self.elapsed() + 1, Ordering::Relaxed);
        }
    }

    /// The guard refuses to read on.
    pub fn fault(&self, fault: HeadFault) {
        self.fault.set(fault).ok();
        self.waker.wake();
    }

    /// The fault, once the guard has found one.
    #[must_use]
    pub fn found_fault(&self) -> Option<HeadFault> {
        self.fault.get().copied()
    }

    /// Tells the connection to end. A later, stricter order replaces an earlier one.
    pub fn order(&self, order: Order) {
        self.order.fetch_max(order as u8, Ordering::Relaxed);
        self.waker.wake();
    }

    /// What has been ordered.
    #[must_use]
    pub fn ordered(&self) -> Order {
        match self.order.load(Ordering::Relaxed) {
            0 => Order::None,
            1 => Order::Drain,
            2 => Order::Cut,
            3 => Order::SlowReader,
            4 => Order::CertificateEnded,
            _ => Order::TrustRemoved,
        }
    }

    /// Wakes this task when an order or a fault comes.
    pub fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// When to look again, and why the connection is to end if that time has passed.
    #[must_use]
    pub fn deadline(&self, waits: Waits) -> Option<(Instant, Ending)> {
        let head = self.head_since.load(Ordering::Relaxed);
        if head > 0 {
            let since = self.started + Duration::from_millis(head - 1);
            return Some((since + waits.head, Ending::SlowHead));
        }
        if self.in_flight() > 0 {
            return None;
        }
        Some(match self.last_activity.load(Ordering::Relaxed) {
            0 => (self.started + waits.head, Ending::Idle),
            at => (
                self.started + Duration::from_millis(at) + waits.idle,
                Ending::Idle,
            ),
        })
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(clock::mono().duration_since(self.started).as_millis()).unwrap_or(u64::MAX)
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let watch = &self.watch;
        watch.paces().retain(|pace| !Arc::ptr_eq(pace, &self.pace));
        watch
            .last_activity
            .store(watch.elapsed().max(1), Ordering::Relaxed);
        watch.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_an_answer_that_waits_for_its_reader_makes_the_reader_slow() {
        let patience = Duration::from_secs(60);
        let watch = Watch::new();
        let (unread, quiet) = (watch.begin(), watch.begin());
        unread.handed_over();
        quiet.handed_over();
        quiet.waits_for_upstream();
        tokio::time::advance(Duration::from_secs(59)).await;
        assert!(!watch.has_slow_reader(patience));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(watch.has_slow_reader(patience));
        unread.handed_over();
        assert!(!watch.has_slow_reader(patience));
        tokio::time::advance(patience * 2).await;
        drop(unread);
        assert!(!watch.has_slow_reader(patience));
        drop(quiet);
        assert!(watch.paces().is_empty());
    }
}
