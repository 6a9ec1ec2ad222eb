//! All open streams of event channels, and what was learned from them: which XSP holds a channel,
//! which one sent an event. Streams and knowledge outlive a reload.
//!
//! The relay tells the hub what passes and asks it where requests belong; [`EventHub::tap`] gives
//! every document that passes to whoever wants to look on. `run` watches over slow readers and
//! missing echoes.

mod documents;
mod inner;
mod neighbours;
mod rounds;
mod stream;
mod tapped;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::hash::RandomState;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use tokio::sync::broadcast;

use crate::config::Events;
use crate::domain::edge::rates::Buckets;
use crate::domain::edge::rates::Pace;
use crate::domain::edge::slots::Entry;
use crate::domain::edge::slots::Slots;
use crate::domain::events::crowd::Crowd;
use crate::domain::events::crowd::Full;
use crate::domain::events::crowd::Most;
use crate::domain::events::crowd::Owner;
use crate::domain::events::names::Unknown;
use crate::domain::events::whereabouts::Wanted;
use crate::domain::events::whereabouts::Whereabouts;
use crate::platform::clock;
use crate::telemetry::events::EventMetrics;
use crate::workers::event_hub::inner::Inner;
use crate::workers::event_hub::inner::memory;
use crate::workers::event_hub::tapped::Waiting;

pub use documents::Looker;
pub use documents::session_name;
pub use neighbours::Neighbours;
pub use neighbours::WHERE_PATH;
pub use neighbours::asked;
pub use stream::Cut;
pub use stream::Held;
pub use stream::OpenStream;
pub use stream::Place;
pub use stream::StreamFacts;
pub use tapped::Copied;
pub use tapped::Tapped;

/// Documents that a tap may be behind before it loses some: a burst of a few seconds.
const TAPPED: usize = 4096;

/// The hub; clones share it.
#[derive(Clone)]
pub struct EventHub {
    shared: Arc<Shared>,
}

struct Shared {
    metrics: Arc<EventMetrics>,
    hasher: RandomState,
    inner: Mutex<Inner>,
    /// By caller: the XSP of the last stream or request.
    last: Slots<u64, Last>,
    opens: Buckets,
    epoch: Instant,
    next: AtomicU64,
    tap: broadcast::Sender<Tapped>,
    /// What those who look on have not seen yet.
    waiting: Arc<Waiting>,
    unknown: Mutex<Unknown>,
    draining: AtomicBool,
    neighbours: Neighbours,
}

/// The XSP that a caller met last.
#[derive(Default)]
struct Last {
    upstream: Option<Arc<str>>,
    at: u64,
}

impl Entry for Last {
    fn weight(&self, _now: u64) -> u64 {
        self.at
    }
}

/// Why no channel may be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoPlace {
    /// The daemon drains.
    Draining,
    /// A limit is reached.
    Full(Full),
    /// The user opens too many in a short time.
    TooFast(Duration),
}

impl EventHub {
    /// An empty hub.
    #[must_use]
    pub fn new(rules: Arc<Events>, metrics: Arc<EventMetrics>) -> Self {
        let epoch = clock::mono();
        let shared = Shared {
            metrics,
            hasher: RandomState::new(),
            inner: Mutex::new(Inner {
                rules,
                streams: HashMap::new(),
                places: Whereabouts::new(),
                crowd: Crowd::default(),
                loads: HashMap::new(),
            }),
            last: Slots::new(),
            opens: Buckets::new(epoch),
            epoch,
            next: AtomicU64::new(1),
            tap: broadcast::Sender::new(TAPPED),
            waiting: Arc::default(),
            unknown: Mutex::default(),
            draining: AtomicBool::new(false),
            neighbours: Neighbours::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// A reload changed the rules; what is open and known stays.
    pub fn adopt(&self, rules: Arc<Events>) {
        self.shared.inner().rules = rules;
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> Arc<Events> {
        Arc::clone(&self.shared.inner().rules)
    }

    /// Metrics, and the lines that go with them.
    #[must_use]
    pub fn metrics(&self) -> &Arc<EventMetrics> {
        &self.shared.metrics
    }

    /// The other nodes.
    #[must_use]
    pub fn neighbours(&self) -> &Neighbours {
        &self.shared.neighbours
    }

    /// Every document that passes from now on, and that one passed which could not be looked into.
    /// A receiver that is slow loses the oldest and is told how many; the relay never waits. Nothing is copied while nobody listens.
    #[must_use]
    pub fn tap(&self) -> broadcast::Receiver<Tapped> {
        self.shared.tap.subscribe()
    }

    /// A number for a name that a peer chose, keyed by this process; never 0.
    #[must_use]
    pub fn key(&self, name: &[u8]) -> u64 {
        self.shared.hasher.hash_one(name).max(1)
    }

    /// Takes a place for a channel, before its XSP is asked. `opener` is who opens channels too
    /// fast, if it comes to that.
    ///
    /// # Errors
    /// Why there is none.
    pub fn enter(
        &self,
        owner: Owner,
        opener: u64,
        set: Option<u64>,
        now: Instant,
    ) -> Result<Place, NoPlace> {
        if self.shared.draining.load(Ordering::Relaxed) {
            return Err(NoPlace::Draining);
        }
        let rules = self.rules();
        if rules.channel_opens_per_minute > 0 {
            let a_minute = rules.channel_opens_per_minute;
            let pace = Pace::new(f64::from(a_minute) / 60.0, a_minute);
            self.shared
                .opens
                .take_of_user(pace, opener, now)
                .map_err(NoPlace::TooFast)?;
        }
        let most = Most {
            all: rules.channels,
            user: rules.channels_per_user,
            application: rules.channels_per_application,
        };
        let mut inner = self.shared.inner();
        inner.crowd.enter(owner, &most).map_err(NoPlace::Full)?;
        drop(inner);
        Ok(Place::new(Arc::clone(&self.shared), owner, set))
    }

    /// The XSP of a channel or an event, as far as this node knows.
    #[must_use]
    pub fn find(&self, wanted: Wanted<'_>, now: Instant) -> Option<Arc<str>> {
        let inner = self.shared.inner();
        match wanted {
            Wanted::Channel(id) => inner.places.channel(id, now).map(|(upstream, _)| upstream),
            Wanted::Event(id) => inner.places.event(id, now, &memory(&inner.rules)),
        }
    }

    /// Another node holds the stream of a channel.
    pub fn elsewhere(&self, channel: &[u8], upstream: &Arc<str>, now: Instant) {
        let mut inner = self.shared.inner();
        let until = now + neighbours::KNOWN;
        inner.places.channel_elsewhere(channel, upstream, until);
    }

    /// The XSP that a caller met last.
    #[must_use]
    pub fn last_of(&self, caller: u64) -> Option<Arc<str>> {
        let last = &self.shared.last;
        last.look(caller, |last| last.upstream.clone()).flatten()
    }

    /// A caller met an XSP.
    pub fn met(&self, caller: u64, upstream: &Arc<str>, now: Instant) {
        let at = self.shared.milliseconds(now);
        self.shared.last.change(caller, at, |last| {
            last.upstream = Some(Arc::clone(upstream));
            last.at = at;
        });
    }

    /// A heartbeat of this caller wants to pass.
    ///
    /// # Errors
    /// The time to wait, when it comes too fast.
    pub fn beat(&self, channel: &[u8], caller: u64, now: Instant) -> Result<(), Duration> {
        let (stream, interval) = {
            let inner = self.shared.inner();
            let stream = inner.stream_of(channel, now);
            (stream, inner.rules.heartbeat_interval)
        };
        let Some(stream) = stream else { return Ok(()) };
        let allowed = stream.pulse().beat(now, interval, caller);
        if allowed.is_err() {
            self.shared.metrics.heartbeat(None);
        }
        allowed
    }

    /// A heartbeat that was sent at `sent` was answered.
    pub fn beat_answered(&self, channel: &[u8], status: u16, sent: Instant) {
        self.shared.metrics.heartbeat(Some(status));
        if status == 200
            && let Some(stream) = self.shared.inner().stream_of(channel, sent)
        {
            stream.pulse().accepted(sent);
        }
    }

    /// An XSP took an acknowledgement.
    pub fn acknowledged(&self, event: &[u8], now: Instant) {
        let mut inner = self.shared.inner();
        let Some((stream, took)) = inner.places.acknowledged(event, now) else {
            return;
        };
        if let Some(stream) = inner.streams.get(&stream) {
            stream.acknowledged();
        }
        drop(inner);
        self.shared.metrics.acknowledged(took);
    }

    /// A package or type of event that is not known; told once by name.
    pub fn unknown(&self, kind: &'static str, name: &[u8]) {
        self.shared.unknown(kind, name);
    }

    /// The open streams, oldest first.
    #[must_use]
    pub fn streams(&self, now: Instant) -> Vec<StreamFacts> {
        let mut facts: Vec<_> = {
            let inner = self.shared.inner();
            let streams = inner.streams.values();
            streams.map(|stream| stream.facts(now)).collect()
        };
        facts.sort_by_key(|facts| facts.id);
        facts
    }

    /// Streams open now.
    #[must_use]
    pub fn open(&self) -> usize {
        self.shared.inner().streams.len()
    }
}

impl Shared {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn milliseconds(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.epoch).as_millis();
        u64::try_from(since).unwrap_or(u64::MAX)
    }

    fn unknown(&self, kind: &'static str, name: &[u8]) {
        let first = {
            let mut unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
            unknown.first(name)
        };
        if let Some(name) = first {
            self.metrics.unknown(kind, &name);
        }
    }
}
