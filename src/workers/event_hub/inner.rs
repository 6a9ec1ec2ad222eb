//! What the hub keeps under its lock.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use crate::config::Events;
use crate::domain::events::crowd::Crowd;
use crate::domain::events::whereabouts::Memory;
use crate::domain::events::whereabouts::Whereabouts;
use crate::workers::event_hub::OpenStream;

pub(super) struct Inner {
    pub(super) rules: Arc<Events>,
    pub(super) streams: HashMap<u64, Arc<OpenStream>>,
    pub(super) places: Whereabouts,
    pub(super) crowd: Crowd,
    /// Places by XSP, and by XSP and channel set.
    pub(super) loads: HashMap<(Arc<str>, Option<u64>), u32>,
}

impl Inner {
    /// Channels of this set and channels in all that an XSP has or is about to get.
    pub(super) fn load(&self, upstream: &Arc<str>, set: Option<u64>) -> (u32, u32) {
        let of = |set| {
            let key = (Arc::clone(upstream), set);
            self.loads.get(&key).copied().unwrap_or(0)
        };
        (set.map_or(0, |set| of(Some(set))), of(None))
    }

    pub(super) fn load_more(&mut self, upstream: &Arc<str>, set: Option<u64>) {
        for set in [None].into_iter().chain(set.map(Some)) {
            *self.loads.entry((Arc::clone(upstream), set)).or_insert(0) += 1;
        }
    }

    pub(super) fn load_less(&mut self, upstream: &Arc<str>, set: Option<u64>) {
        for set in [None].into_iter().chain(set.map(Some)) {
            let key = (Arc::clone(upstream), set);
            if let Some(count) = self.loads.get_mut(&key) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.loads.remove(&key);
                }
            }
        }
    }

    /// The stream of a channel, when it is ours and open.
    pub(super) fn stream_of(&self, channel: &[u8], now: Instant) -> Option<Arc<OpenStream>> {
        let (_, stream) = self.places.channel(channel, now)?;
        self.streams.get(&stream).cloned()
    }
}

pub(super) fn memory(rules: &Events) -> Memory {
    Memory {
        events: rules.remembered_events,
        event_time: rules.remember_events,
        channel_time: rules.remember_channels,
    }
}
