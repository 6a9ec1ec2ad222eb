//! What those who look on get of each document that passes.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use bytes::Bytes;

/// Bytes of documents that wait for those who look on, in all: large ones must not add up to
/// gigabytes while one of them is slow.
pub(super) const WAITING_BYTES: usize = 32 * 1024 * 1024;

/// A document that passed.
#[derive(Debug, Clone)]
pub struct Tapped {
    /// Name of the XSP that sent it.
    pub upstream: Arc<str>,
    /// Id of the channel on which it came, once that is known.
    pub channel: Option<Arc<str>>,
    /// From its prolog to the end of its root; `None` when one passed that could not be looked
    /// into, or for which there was no room.
    pub document: Option<Arc<Copied>>,
}

/// A copy of a document.
#[derive(Debug)]
pub struct Copied {
    bytes: Bytes,
    waiting: Arc<Waiting>,
}

/// Bytes of all copies.
#[derive(Debug, Default)]
pub(super) struct Waiting(AtomicUsize);

impl Waiting {
    /// A copy, if there is room for it.
    pub(super) fn copy(self: &Arc<Self>, document: &[u8]) -> Option<Arc<Copied>> {
        let before = self.0.fetch_add(document.len(), Ordering::Relaxed);
        if before.saturating_add(document.len()) > WAITING_BYTES {
            self.0.fetch_sub(document.len(), Ordering::Relaxed);
            return None;
        }
        Some(Arc::new(Copied {
            bytes: Bytes::copy_from_slice(document),
            waiting: Arc::clone(self),
        }))
    }
}

#[cfg(test)]
impl Copied {
    pub(crate) fn of(bytes: Bytes) -> Self {
        let waiting = Arc::<Waiting>::default();
        waiting.0.store(bytes.len(), Ordering::Relaxed);
        Self { bytes, waiting }
    }
}

impl Deref for Copied {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        self.waiting
            .0
            .fetch_sub(self.bytes.len(), Ordering::Relaxed);
    }
}
