//! Handshakes with ourselves, so that listeners can tell them from clients and count none of them.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

/// The addresses from which we look at ourselves just now. Clones are handles to the same ones.
#[derive(Debug, Clone, Default)]
pub struct Glances(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// So that a listener that accepts thousands a second takes no lock for nothing.
    count: AtomicUsize,
    addresses: Mutex<BTreeSet<SocketAddr>>,
}

/// One look; over when dropped.
#[derive(Debug)]
pub(super) struct Glance {
    glances: Glances,
    address: SocketAddr,
}

impl Glances {
    /// Whether a connection from this address is a look of our own.
    #[must_use]
    pub fn are_from(&self, address: SocketAddr) -> bool {
        self.0.count.load(Ordering::Acquire) > 0 && self.addresses().contains(&address)
    }

    /// To be called before the connection is made.
    pub(super) fn begin(&self, address: SocketAddr) -> Glance {
        let fresh = self.addresses().insert(address);
        debug_assert!(fresh, "one port cannot be had twice");
        self.0.count.fetch_add(1, Ordering::AcqRel);
        Glance {
            glances: self.clone(),
            address,
        }
    }

    fn addresses(&self) -> std::sync::MutexGuard<'_, BTreeSet<SocketAddr>> {
        self.0
            .addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Glance {
    fn drop(&mut self) {
        self.glances.addresses().remove(&self.address);
        self.glances.0.count.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_known_as_long_as_it_lasts() {
        let glances = Glances::default();
        let (one, other): (SocketAddr, SocketAddr) = (
            "127.0.0.1:1".parse().unwrap(),
            "127.0.0.1:2".parse().unwrap(),
        );
        let look = glances.clone().begin(one);
        assert!(glances.are_from(one) && !glances.are_from(other));
        drop(look);
        assert!(!glances.are_from(one));
    }
}
