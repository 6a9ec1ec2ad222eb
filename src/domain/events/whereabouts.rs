//! Which XSP holds a channel, and which one sent an event: what heartbeats and acknowledgements
//! must reach (field page, section 7.7 to 7.10). Learned from what passes; bounded in number and
//! time.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::hash::BuildHasherDefault;
use std::hash::Hasher;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

/// How long, and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Events known at once; the oldest make room.
    pub events: usize,
    /// How long an event is known.
    pub event_time: Duration,
    /// How long a channel is known after its stream has ended.
    pub channel_time: Duration,
}

/// By what a request found its XSP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hint {
    /// The channel's id in its path.
    ChannelId,
    /// The XSP's own cookie.
    Cookie,
    /// The event's id in its body.
    EventId,
    /// The caller's last XSP.
    Identity,
    /// None: any XSP gets it, and its answer says what it thinks of that.
    Miss,
    /// There is but one.
    OnlyUpstream,
    /// Another node knew.
    PeerNode,
}

impl Hint {
    /// Every hint.
    pub const ALL: [Self; 7] = [
        Self::ChannelId,
        Self::Cookie,
        Self::EventId,
        Self::Identity,
        Self::Miss,
        Self::OnlyUpstream,
        Self::PeerNode,
    ];

    /// The word for labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChannelId => "channel-id",
            Self::Cookie => "cookie",
            Self::EventId => "event-id",
            Self::Identity => "identity",
            Self::Miss => "miss",
            Self::OnlyUpstream => "only-upstream",
            Self::PeerNode => "peer-node",
        }
    }
}

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// The XSP of a channel.
    Channel(&'a [u8]),
    /// The XSP of an event.
    Event(&'a [u8]),
}

impl<'a> Wanted<'a> {
    /// The id of what is looked for.
    #[must_use]
    pub const fn id(self) -> &'a [u8] {
        match self {
            Self::Channel(id) | Self::Event(id) => id,
        }
    }
}

/// An id, hashed with a key of this process: ids are the peer's to choose, memory is not.
pub type Key = u64;

/// A key is a hash already; hashing it once more would buy nothing.
type ByKey<V> = HashMap<Key, V, BuildHasherDefault<AsItIs>>;

/// Takes a [`Key`] for its own hash.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// What is known.
#[derive(Debug)]
pub struct Whereabouts {
    hasher: RandomState,
    channels: ByKey<Channel>,
    /// Channels that are known for some time only, the soonest to be forgotten first.
    leaving: VecDeque<(Instant, Key)>,
    /// The number of each event's last passage.
    events: ByKey<u64>,
    /// Passages, the oldest first; numbered without a gap, from `oldest` on.
    order: VecDeque<Event>,
    oldest: u64,
}

#[derive(Debug)]
struct Channel {
    upstream: Arc<str>,
    stream: u64,
    /// When it is forgotten; `None` while its stream is open.
    until: Option<Instant>,
}

#[derive(Debug)]
struct Event {
    key: Key,
    upstream: Arc<str>,
    stream: u64,
    at: Instant,
    acknowledged: bool,
}

/// Channels learned from other nodes, known at once; each is asked for again when its time is
/// over, so forgetting one too soon costs a question.
const LEAVING: usize = 100_000;

impl Whereabouts {
    /// Nothing is known yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            channels: HashMap::default(),
            leaving: VecDeque::new(),
            events: HashMap::default(),
            order: VecDeque::new(),
            oldest: 0,
        }
    }

    /// A stream of ours has told the id of its channel, or the cookie of its session. What an open
    /// stream of another XSP has told is believed before: ids are unique, so whoever names it again
    /// is wrong or means harm, and must not draw heartbeats of others to itself.
    pub fn channel_opened(&mut self, id: &[u8], upstream: &Arc<str>, stream: u64) {
        let key = self.hasher.hash_one(id);
        let taken = |known: &Channel| known.until.is_none() && known.upstream != *upstream;
        if self.channels.get(&key).is_some_and(taken) {
            return;
        }
        let channel = Channel {
            upstream: Arc::clone(upstream),
            stream,
            until: None,
        };
        self.channels.insert(key, channel);
    }

    /// The stream of a channel has ended.
    pub fn channel_ended(&mut self, id: &[u8], stream: u64, now: Instant, memory: &Memory) {
        let key = self.hasher.hash_one(id);
        if let Some(channel) = self.channels.get_mut(&key)
            && channel.stream == stream
        {
            let until = now + memory.channel_time;
            channel.until = Some(until);
            self.leave(until, key);
        }
    }

    /// Another node holds the stream of a channel.
    pub fn channel_elsewhere(&mut self, id: &[u8], upstream: &Arc<str>, until: Instant) {
        let key = self.hasher.hash_one(id);
        let known = self.channels.get(&key);
        if known.is_some_and(|channel| channel.until.is_none()) {
            return;
        }
        let channel = Channel {
            upstream: Arc::clone(upstream),
            stream: 0,
            until: Some(until),
        };
        self.channels.insert(key, channel);
        self.leave(until, key);
    }

    /// The XSP of a channel, and the stream, 0 when it is not ours.
    #[must_use]
    pub fn channel(&self, id: &[u8], now: Instant) -> Option<(Arc<str>, u64)> {
        let channel = self.channels.get(&self.hasher.hash_one(id))?;
        let known = channel.until.is_none_or(|until| now < until);
        known.then(|| (Arc::clone(&channel.upstream), channel.stream))
    }

    /// An event has passed.
    pub fn event_passed(
        &mut self,
        id: &[u8],
        upstream: &Arc<str>,
        stream: u64,
        now: Instant,
        memory: &Memory,
    ) {
        let key = self.hasher.hash_one(id);
        // Room first, so that the table need not grow at its limit.
        self.forget_events(now, memory, 1);
        let number = self.oldest.wrapping_add(self.order.len() as u64);
        self.events.insert(key, number);
        self.order.push_back(Event {
            key,
            upstream: Arc::clone(upstream),
            stream,
            at: now,
            acknowledged: false,
        });
    }

    /// The XSP that sent an event.
    #[must_use]
    pub fn event(&self, id: &[u8], now: Instant, memory: &Memory) -> Option<Arc<str>> {
        let event = self.order.get(self.place_of(id)?)?;
        let age = now.saturating_duration_since(event.at);
        (age <= memory.event_time).then(|| Arc::clone(&event.upstream))
    }

    /// An event was acknowledged: its stream and the time that it took, but for a second time.
    pub fn acknowledged(&mut self, id: &[u8], now: Instant) -> Option<(u64, Duration)> {
        let place = self.place_of(id)?;
        let event = self.order.get_mut(place)?;
        if event.acknowledged {
            return None;
        }
        event.acknowledged = true;
        Some((event.stream, now.saturating_duration_since(event.at)))
    }

    /// Forgets what has had its time.
    pub fn forget(&mut self, now: Instant, memory: &Memory) {
        self.forget_events(now, memory, 0);
        while let Some((until, key)) = self.leaving.front().copied() {
            if until > now && self.leaving.len() <= LEAVING {
                break;
            }
            self.leaving.pop_front();
            let gone = |channel: &Channel| channel.until.is_some_and(|end| end <= until);
            if self.channels.get(&key).is_some_and(gone) {
                self.channels.remove(&key);
            }
        }
    }

    /// Channels and events known.
    #[must_use]
    pub fn known(&self) -> (usize, usize) {
        (self.channels.len(), self.events.len())
    }

    fn leave(&mut self, until: Instant, key: Key) {
        // Almost always at the end; the two kinds of leaving have different times.
        let at = self.leaving.partition_point(|(other, _)| *other <= until);
        self.leaving.insert(at, (until, key));
    }

    /// Where among the passages the last one of an event is.
    fn place_of(&self, id: &[u8]) -> Option<usize> {
        let number = *self.events.get(&self.hasher.hash_one(id))?;
        usize::try_from(number.wrapping_sub(self.oldest)).ok()
    }

    /// Forgets events that are too old, and as many more as leave room for this many.
    fn forget_events(&mut self, now: Instant, memory: &Memory, room: usize) {
        while let Some(event) = self.order.front() {
            let old = now.saturating_duration_since(event.at) > memory.event_time;
            if !old && self.order.len() + room <= memory.events {
                break;
            }
            // The same id may have come again since.
            if self.events.get(&event.key) == Some(&self.oldest) {
                self.events.remove(&event.key);
            }
            self.order.pop_front();
            self.oldest = self.oldest.wrapping_add(1);
        }
    }
}

impl Default for Whereabouts {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::events::tests::a_moment;

    const MEMORY: Memory = Memory {
        events: 1_000,
        event_time: Duration::from_secs(120),
        channel_time: Duration::from_secs(60),
    };

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn a_channel_is_known_as_long_as_its_stream_and_a_minute_more() {
        let (start, xsp): (_, Arc<str>) = (a_moment(), "xsp1".into());
        let mut places = Whereabouts::new();
        places.channel_opened(b"1", &xsp, 7);
        let known = Some((Arc::clone(&xsp), 7));
        assert_eq!(places.channel(b"1", after(start, 1_000_000)), known);
        places.channel_ended(b"1", 6, start, &MEMORY);
        assert_eq!(places.channel(b"1", after(start, 100)), known);
        places.channel_ended(b"1", 7, start, &MEMORY);
        assert_eq!(places.channel(b"1", after(start, 59)), known);
        assert_eq!(places.channel(b"1", after(start, 60)), None);
        places.forget(after(start, 60), &MEMORY);
        assert_eq!(places.known(), (0, 0));
    }

    #[test]
    fn a_channel_that_comes_again_is_not_forgotten_with_its_old_stream() {
        let (start, xsp): (_, Arc<str>) = (a_moment(), "xsp1".into());
        let mut places = Whereabouts::new();
        places.channel_opened(b"1", &xsp, 1);
        places.channel_ended(b"1", 1, start, &MEMORY);
        places.channel_opened(b"1", &xsp, 2);
        places.forget(after(start, 1_000), &MEMORY);
        assert_eq!(places.channel(b"1", after(start, 1_000)), Some((xsp, 2)));
    }

    #[test]
    fn a_stream_of_another_xsp_does_not_draw_an_open_channel_to_itself() {
        let start = a_moment();
        let (ours, evil): (Arc<str>, Arc<str>) = ("xsp1".into(), "xsp2".into());
        let mut places = Whereabouts::new();
        places.channel_opened(b"1", &ours, 1);
        places.channel_opened(b"1", &evil, 2);
        assert_eq!(places.channel(b"1", start), Some((Arc::clone(&ours), 1)));
        places.channel_ended(b"1", 2, start, &MEMORY);
        assert_eq!(places.channel(b"1", after(start, 999)), Some((ours, 1)));
        places.channel_ended(b"1", 1, start, &MEMORY);
        places.channel_opened(b"1", &evil, 3);
        assert_eq!(places.channel(b"1", start), Some((evil, 3)));
    }

    #[test]
    fn another_nodes_word_never_replaces_our_own_stream() {
        let start = a_moment();
        let (ours, theirs): (Arc<str>, Arc<str>) = ("xsp1".into(), "xsp2".into());
        let mut places = Whereabouts::new();
        places.channel_opened(b"1", &ours, 1);
        places.channel_elsewhere(b"1", &theirs, after(start, 10));
        assert_eq!(places.channel(b"1", start), Some((ours, 1)));
        places.channel_elsewhere(b"2", &theirs, after(start, 10));
        assert_eq!(places.channel(b"2", after(start, 9)), Some((theirs, 0)));
        assert_eq!(places.channel(b"2", after(start, 10)), None);
    }

    #[test]
    fn events_are_known_for_their_time_and_the_oldest_make_room() {
        let (start, xsp): (_, Arc<str>) = (a_moment(), "xsp1".into());
        let mut places = Whereabouts::new();
        for number in 0..5_000_u32 {
            places.event_passed(&number.to_be_bytes(), &xsp, 1, start, &MEMORY);
        }
        assert_eq!(places.known(), (0, 1_000));
        let find = |places: &Whereabouts, number: u32, at| {
            places.event(&number.to_be_bytes(), at, &MEMORY).is_some()
        };
        assert!(!find(&places, 3_999, start));
        assert!(find(&places, 4_000, after(start, 120)));
        assert!(!find(&places, 4_000, after(start, 121)));
        places.forget(after(start, 121), &MEMORY);
        assert_eq!(places.known(), (0, 0));
    }

    #[test]
    fn an_event_that_comes_again_is_known_from_then_on() {
        let (start, one, two): (_, Arc<str>, Arc<str>) = (a_moment(), "xsp1".into(), "xsp2".into());
        let mut places = Whereabouts::new();
        places.event_passed(b"e", &one, 1, start, &MEMORY);
        places.event_passed(b"f", &one, 1, start, &MEMORY);
        places.event_passed(b"e", &two, 2, after(start, 100), &MEMORY);
        places.forget(after(start, 121), &MEMORY);
        assert_eq!(places.known(), (0, 1));
        let at = after(start, 200);
        assert_eq!(places.event(b"e", at, &MEMORY), Some(two));
        assert_eq!(places.event(b"f", at, &MEMORY), None);
        let acknowledged = Some((2, Duration::from_secs(100)));
        assert_eq!(places.acknowledged(b"e", at), acknowledged);
    }

    #[test]
    fn an_event_is_acknowledged_once() {
        let (start, xsp): (_, Arc<str>) = (a_moment(), "xsp1".into());
        let mut places = Whereabouts::new();
        places.event_passed(b"e", &xsp, 3, start, &MEMORY);
        let later = after(start, 1);
        let first = Some((3, Duration::from_secs(1)));
        assert_eq!(places.acknowledged(b"e", later), first);
        assert_eq!(places.acknowledged(b"e", later), None);
        assert_eq!(places.acknowledged(b"f", later), None);
        assert!(places.event(b"e", later, &MEMORY).is_some());
    }
}
