//! Every open connection, so that a drain and a change of trust reach them; and the admission
//! counts by peer address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use crate::domain::ids::Fingerprint;
use crate::inbound::watch::Order;
use crate::inbound::watch::Watch;

/// All open connections of the process.
#[derive(Default)]
pub struct Connections {
    next: AtomicU64,
    open: Mutex<HashMap<u64, Entry>>,
}

struct Entry {
    watch: Arc<Watch>,
    standing: Option<Standing>,
}

/// On what a client's admission rests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Name of the trust set.
    pub trust: Arc<str>,
    /// The anchor at which the chain ended.
    pub anchor: Fingerprint,
    /// The end of the leaf.
    pub not_after: SystemTime,
}

/// Takes the connection out of the registry when dropped.
pub struct Entered {
    connections: Arc<Connections>,
    id: u64,
}

impl Connections {
    /// Enters a connection.
    #[must_use]
    pub fn enter(self: &Arc<Self>, watch: &Arc<Watch>, standing: Option<Standing>) -> Entered {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(
            id,
            Entry {
                watch: Arc::clone(watch),
                standing,
            },
        );
        Entered {
            connections: Arc::clone(self),
            id,
        }
    }

    /// Connections open now.
    #[must_use]
    pub fn open(&self) -> usize {
        self.lock().len()
    }

    /// Tells every connection to finish.
    pub fn drain(&self) {
        for entry in self.lock().values() {
            entry.watch.order(Order::Drain);
        }
    }

    /// Ends connections whose certificate is past its end or whose anchor is gone.
    pub fn judge_again(&self, now: SystemTime, trusted: impl Fn(&str, Fingerprint) -> bool) {
        for entry in self.lock().values() {
            let Some(standing) = &entry.standing else {
                continue;
            };
            if !trusted(&standing.trust, standing.anchor) {
                entry.watch.order(Order::TrustRemoved);
            } else if standing.not_after <= now {
                entry.watch.order(Order::CertificateEnded);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Entry>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.connections.lock().remove(&self.id);
    }
}

/// Counts connections of one listener, in all and by peer address.
#[derive(Default)]
pub struct Places {
    all: AtomicUsize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

/// Which limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// This address has as many as it may.
    Address,
    /// The listener has as many as it may.
    Listener,
}

/// Gives the place back when dropped.
pub struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

impl Places {
    /// Takes a place.
    ///
    /// # Errors
    /// Which limit is reached.
    pub fn admit(
        self: &Arc<Self>,
        address: IpAddr,
        limit: usize,
        per_address: usize,
    ) -> Result<Place, Full> {
        if self.all.load(Ordering::Relaxed) >= limit {
            return Err(Full::Listener);
        }
        {
            let mut counts = self.counts();
            let count = counts.entry(address).or_insert(0);
            if *count >= per_address {
                return Err(Full::Address);
            }
            *count += 1;
        }
        self.all.fetch_add(1, Ordering::Relaxed);
        Ok(Place {
            places: Arc::clone(self),
            address,
        })
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.by_address
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.all.fetch_sub(1, Ordering::Relaxed);
        let mut counts = self.places.counts();
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn places_are_limited_by_address_and_in_all_and_come_back() {
        let places = Arc::new(Places::default());
        let address = |last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last));
        let first = places.admit(address(1), 2, 1).unwrap();
        assert_eq!(places.admit(address(1), 2, 1).err(), Some(Full::Address));
        let second = places.admit(address(2), 2, 1).unwrap();
        assert_eq!(places.admit(address(3), 2, 1).err(), Some(Full::Listener));
        drop(first);
        drop(second);
        assert!(places.admit(address(1), 2, 1).is_ok());
        assert_eq!(
            places.counts().len(),
            0,
            "an address without connections is forgotten"
        );
    }

    #[test]
    fn removing_an_anchor_ends_only_the_connections_that_rest_on_it() {
        let connections = Arc::new(Connections::default());
        let now = SystemTime::UNIX_EPOCH;
        let later = now + std::time::Duration::from_secs(1);
        let standing = |anchor: &[u8], not_after| {
            Some(Standing {
                trust: "webex".into(),
                anchor: Fingerprint::of(anchor),
                not_after,
            })
        };
        let (old, new, ended, open) = (Watch::new(), Watch::new(), Watch::new(), Watch::new());
        let _entered = [
            connections.enter(&old, standing(b"old", later)),
            connections.enter(&new, standing(b"new", later)),
            connections.enter(&ended, standing(b"new", now)),
            connections.enter(&open, None),
        ];
        connections.judge_again(now, |_, anchor| anchor == Fingerprint::of(b"new"));
        assert_eq!(old.ordered(), Order::TrustRemoved);
        assert_eq!(new.ordered(), Order::None);
        assert_eq!(ended.ordered(), Order::CertificateEnded);
        assert_eq!(open.ordered(), Order::None);
    }
}
