//! One open stream: its place among the others, its counts, and the way to cut it.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use serde::Serialize;

use crate::domain::events::crowd::Owner;
use crate::domain::events::ending::StreamEnding;
use crate::domain::events::pulse::Pulse;
use crate::telemetry::events::EndedStream;
use crate::workers::event_hub::Shared;
use crate::workers::event_hub::inner::memory;

/// A place for a channel, given back when dropped.
pub struct Place {
    shared: Arc<Shared>,
    owner: Owner,
    set: Option<u64>,
    /// The XSP that has it or is to get it.
    upstream: Option<Arc<str>>,
}

/// One open stream, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StreamFacts {
    /// Number of the stream since the start.
    pub id: u64,
    /// Id of its channel, once that has passed.
    pub channel: Option<String>,
    /// Name of its XSP.
    pub upstream: String,
    /// Seconds since it was opened.
    pub age_seconds: u64,
    /// Bytes relayed.
    pub bytes: u64,
    /// Events relayed.
    pub events: u64,
    /// Events not acknowledged so far.
    pub unacknowledged: u64,
    /// Seconds since the last byte.
    pub quiet_seconds: u64,
    /// Whether the client has not taken all that is there.
    pub client_is_behind: bool,
}

/// Why somebody else ends a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The time of a drain is over.
    Drained,
    /// Its client takes nothing.
    SlowReader,
}

type CutFn = Box<dyn Fn(Cut) + Send + Sync>;

/// An open stream.
pub struct OpenStream {
    id: u64,
    upstream: Arc<str>,
    opened: Instant,
    bytes: AtomicU64,
    events: AtomicU64,
    acknowledged: AtomicU64,
    /// Milliseconds of the hub plus one when the last piece was handed over.
    passed_at: AtomicU64,
    /// The same while it waits for its client; 0 while it waits for its XSP.
    waits_since: AtomicU64,
    pulse: Mutex<Pulse>,
    /// Ids under which it is known: the channel's first, then that of its session.
    names: Mutex<Vec<Box<[u8]>>>,
    cut: OnceLock<CutFn>,
    was_cut: OnceLock<Cut>,
    shared: Arc<Shared>,
}

/// The relay's end of a stream: as long as it lives the stream is open.
pub struct Held {
    stream: Arc<OpenStream>,
    ending: StreamEnding,
    _place: Place,
}

impl Place {
    pub(super) const fn new(shared: Arc<Shared>, owner: Owner, set: Option<u64>) -> Self {
        Self {
            shared,
            owner,
            set,
            upstream: None,
        }
    }

    /// Chooses the XSP with the fewest channels, one without a channel of the same set before all
    /// others: two channels at one XSP are lost together.
    pub fn choose<'u>(
        &mut self,
        candidates: impl Iterator<Item = (usize, &'u Arc<str>)>,
    ) -> Option<usize> {
        let shared = Arc::clone(&self.shared);
        let mut inner = shared.inner();
        let best = candidates.min_by_key(|(_, name)| inner.load(name, self.set));
        let (place, upstream) = best?;
        inner.load_more(upstream, self.set);
        drop(inner);
        self.forget_upstream();
        self.upstream = Some(Arc::clone(upstream));
        Some(place)
    }

    /// Another XSP has it than was chosen.
    fn settle(&mut self, upstream: &Arc<str>) {
        if self.upstream.as_ref() != Some(upstream) {
            self.forget_upstream();
            self.shared.inner().load_more(upstream, self.set);
            self.upstream = Some(Arc::clone(upstream));
        }
    }

    fn forget_upstream(&mut self) {
        if let Some(upstream) = self.upstream.take() {
            self.shared.inner().load_less(&upstream, self.set);
        }
    }

    /// The XSP has answered: the stream begins.
    #[must_use]
    pub fn open(mut self, upstream: &Arc<str>, session: Option<&[u8]>, now: Instant) -> Held {
        self.settle(upstream);
        let shared = Arc::clone(&self.shared);
        let id = shared.next.fetch_add(1, Ordering::Relaxed);
        let stream = Arc::new(OpenStream {
            id,
            upstream: Arc::clone(upstream),
            opened: now,
            bytes: AtomicU64::new(0),
            events: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
            passed_at: AtomicU64::new(shared.milliseconds(now)),
            waits_since: AtomicU64::new(0),
            pulse: Mutex::default(),
            names: Mutex::default(),
            cut: OnceLock::new(),
            was_cut: OnceLock::new(),
            shared: Arc::clone(&shared),
        });
        shared.inner().streams.insert(id, Arc::clone(&stream));
        shared.metrics.opened(upstream);
        if let Some(session) = session {
            stream.learn(session);
        }
        Held {
            stream,
            ending: StreamEnding::ClientGone,
            _place: self,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.forget_upstream();
        self.shared.inner().crowd.leave(self.owner);
    }
}

impl OpenStream {
    /// Name of its XSP.
    #[must_use]
    pub const fn upstream(&self) -> &Arc<str> {
        &self.upstream
    }

    pub(super) const fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(super) fn pulse(&self) -> MutexGuard<'_, Pulse> {
        self.pulse.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What to do when it is to be cut; its body may not be polled any more then.
    pub fn when_cut(&self, cut: impl Fn(Cut) + Send + Sync + 'static) {
        self.cut.set(Box::new(cut)).ok();
    }

    pub(super) fn is_cut(&self) -> bool {
        self.was_cut.get().is_some()
    }

    pub(super) fn cut(&self) {
        self.do_cut(Cut::Drained);
    }

    fn do_cut(&self, why: Cut) {
        self.was_cut.set(why).ok();
        if let Some(cut) = self.cut.get() {
            cut(why);
        }
    }

    /// The time is told by the milliseconds of the hub.
    pub(super) fn end_if_slow(&self, now: Instant, patience: Duration) {
        let since = self.waits_since.load(Ordering::Relaxed);
        let patience = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        let now = self.shared.milliseconds(now);
        if since > 0 && now.saturating_sub(since - 1) >= patience && !self.is_cut() {
            self.do_cut(Cut::SlowReader);
        }
    }

    /// A name under which heartbeats may ask for it.
    pub(super) fn learn(&self, name: &[u8]) {
        let mut names = self.names();
        // The channel's own id and that of its session; a stream that tells more is none.
        if names.len() < 2 && !names.iter().any(|known| **known == *name) {
            names.push(name.into());
            drop(names);
            let mut inner = self.shared.inner();
            inner.places.channel_opened(name, &self.upstream, self.id);
        }
    }

    pub(super) fn names(&self) -> MutexGuard<'_, Vec<Box<[u8]>>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn event_passed(&self) {
        self.events.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn acknowledged(&self) {
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
    }

    fn unacknowledged(&self) -> u64 {
        let events = self.events.load(Ordering::Relaxed);
        events.saturating_sub(self.acknowledged.load(Ordering::Relaxed))
    }

    /// The id of its channel, once that has passed.
    pub(super) fn channel(&self) -> Option<String> {
        let names = self.names();
        let mut channels = names
            .iter()
            .filter(|name| !name.starts_with(super::documents::SESSION));
        let channel = channels.next();
        channel.map(|name| String::from_utf8_lossy(name).into_owned())
    }

    pub(super) fn facts(&self, now: Instant) -> StreamFacts {
        let seconds = |since: u64| self.shared.milliseconds(now).saturating_sub(since) / 1_000;
        StreamFacts {
            id: self.id,
            channel: self.channel(),
            upstream: self.upstream.to_string(),
            age_seconds: now.saturating_duration_since(self.opened).as_secs(),
            bytes: self.bytes.load(Ordering::Relaxed),
            events: self.events.load(Ordering::Relaxed),
            unacknowledged: self.unacknowledged(),
            quiet_seconds: seconds(self.passed_at.load(Ordering::Relaxed)),
            client_is_behind: self.waits_since.load(Ordering::Relaxed) > 0,
        }
    }
}

impl Held {
    /// The stream.
    #[must_use]
    pub const fn stream(&self) -> &Arc<OpenStream> {
        &self.stream
    }

    /// A piece has been handed over; the client must take it before there is room for more.
    pub fn handed_over(&self, bytes: usize, now: Instant) {
        let stream = &self.stream;
        let at = stream.shared.milliseconds(now);
        stream.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        stream.passed_at.store(at, Ordering::Relaxed);
        stream.waits_since.store(at + 1, Ordering::Relaxed);
        stream.shared.metrics.passed(bytes as u64);
    }

    /// The client has taken everything.
    pub fn waits_for_upstream(&self) {
        self.stream.waits_since.store(0, Ordering::Relaxed);
    }

    /// How it ends, if nothing else comes before.
    pub const fn ends(&mut self, ending: StreamEnding) {
        self.ending = ending;
    }

    /// Why it ends; a cut comes before what follows from it.
    fn ending(&self) -> StreamEnding {
        match self.stream.was_cut.get() {
            Some(Cut::Drained) => StreamEnding::Drained,
            Some(Cut::SlowReader) => StreamEnding::SlowReader,
            None => self.ending,
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let now = crate::platform::clock::mono();
        let ending = self.ending();
        let stream = &self.stream;
        let shared = &stream.shared;
        let names = std::mem::take(&mut *stream.names());
        {
            let mut inner = shared.inner();
            inner.streams.remove(&stream.id);
            let memory = memory(&inner.rules);
            for name in names {
                inner.places.channel_ended(&name, stream.id, now, &memory);
            }
        }
        shared.metrics.ended(&EndedStream {
            upstream: &stream.upstream,
            ending,
            age: now.saturating_duration_since(stream.opened),
            bytes: stream.bytes.load(Ordering::Relaxed),
            events: stream.events.load(Ordering::Relaxed),
            unacknowledged: stream.unacknowledged(),
        });
    }
}
