//! Our channels at XSPs that answer, fail, buffer, redirect and die at random.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::time::Duration;
use std::time::Instant;

use xspd::domain::events::channel::Action;
use xspd::domain::events::channel::Alarm;
use xspd::domain::events::channel::Attempt;
use xspd::domain::events::channel::Change;
use xspd::domain::events::channel::ChannelSet;
use xspd::domain::events::channel::Happening;
use xspd::domain::events::channel::Input;
use xspd::domain::events::channel::LostReason;
use xspd::domain::events::channel::OpenFailure;
use xspd::domain::events::channel::Outcome;
use xspd::domain::events::channel::Rules;
use xspd::domain::events::channel::Standing;
use xspd::domain::events::channel::Xsp;
use xspd::domain::events::document::ChannelEntry;
use xspd::domain::events::document::Document;
use xspd::domain::events::document::EventData;
use xspd::domain::events::document::SubscriptionEvent;
use xspd::domain::events::document::TerminatedReason;
use xspd::domain::events::document::requests::AckStatus;
use xspd::domain::events::ids::ChannelId;
use xspd::domain::events::ids::EventId;
use xspd::domain::machine::Now;

use super::Random;
use super::Simulator;
use super::World;

const XSPS: u16 = 2;

struct Stream {
    xsp: Xsp,
    channel: Option<ChannelId>,
    /// Heartbeats are accepted and their echoes held back.
    buffers: bool,
    /// Heartbeat under way, since when.
    beat: Option<Instant>,
    /// Acknowledgements under way, since when.
    acks: BTreeMap<EventId, Instant>,
    /// Events that it brought, not yet acknowledged with success.
    owed: BTreeMap<EventId, Instant>,
    /// Events that were acknowledged with success.
    done: BTreeSet<EventId>,
    /// Documents that the XSP still has to send.
    queue: VecDeque<Document>,
}

struct Xsps {
    rules: Rules,
    streams: BTreeMap<Attempt, Stream>,
    events: u64,
    /// Old events, to be sent again.
    sent: Vec<(EventId, Instant)>,
    stale: BTreeSet<EventId>,
    delivered: BTreeSet<EventId>,
    flows: bool,
    alarms: BTreeSet<(Xsp, Alarm)>,
    /// Not to be opened before.
    banned: BTreeMap<Xsp, Instant>,
    stopped: BTreeSet<Xsp>,
    drained: bool,
    /// Time as last seen; a surprise does not know it.
    now: Instant,
}

impl Xsps {
    fn event(&mut self, random: &mut Random) -> Document {
        // The server gives an event up long before it is forgotten here.
        let now = self.now;
        self.sent
            .retain(|(_, since)| now.saturating_duration_since(*since) < Duration::from_secs(300));
        let again = !self.sent.is_empty() && random.below(5) == 0;
        let id = if again {
            let place = random.below(self.sent.len() as u64);
            self.sent[usize::try_from(place).unwrap_or_default()]
                .0
                .clone()
        } else {
            self.events += 1;
            let id = EventId::new(&self.events.to_string());
            self.sent.push((id.clone(), now));
            if random.below(10) == 0 {
                self.stale.insert(id.clone());
            }
            // Older ones are forgotten by both sides.
            if self.sent.len() > 20 {
                self.sent.remove(0);
            }
            id
        };
        Document::Event(Box::new(SubscriptionEvent {
            id,
            sequence: None,
            owner: None,
            application: None,
            subscription: None,
            shared: None,
            delivery: None,
            target: None,
            target_part: None,
            data: EventData::Other { name: "x".into() },
        }))
    }

    fn document(&mut self, attempt: Attempt, random: &mut Random) -> Document {
        let stream = self.streams.get_mut(&attempt).expect("a stream");
        if stream.channel.is_none() {
            let channel = ChannelId::new(&format!("c{}", attempt.0));
            stream.channel = Some(channel.clone());
            return Document::ChannelOpened(ChannelEntry {
                id: channel,
                set: None,
                expires: [None, Some(0), Some(3_600), Some(u32::MAX)]
                    [usize::try_from(random.below(4)).unwrap_or_default()],
            });
        }
        if let Some(document) = stream.queue.pop_front() {
            return document;
        }
        let channel = stream.channel.clone();
        if random.below(60) != 0 {
            return self.event(random);
        }
        let reason = match random.below(12) {
            0 | 1 => TerminatedReason::DuplicateChannelSet,
            2 => TerminatedReason::UserDeleted,
            3..=5 => TerminatedReason::Expired,
            6 | 7 => TerminatedReason::NonResponsiveChannel,
            8 => TerminatedReason::UnknownChannel,
            9 => TerminatedReason::Other("Later".into()),
            _ => TerminatedReason::ExplicitDelete,
        };
        Document::ChannelTerminated { channel, reason }
    }

    fn lost(&mut self, xsp: Xsp, reason: &LostReason, now: Now) {
        let pause = match reason {
            LostReason::Denied | LostReason::Terminated(TerminatedReason::DuplicateChannelSet) => {
                60_000
            }
            LostReason::Terminated(TerminatedReason::Expired) => 0,
            LostReason::Drained | LostReason::Terminated(TerminatedReason::UserDeleted) => {
                self.stopped.insert(xsp);
                0
            }
            _ => 500,
        };
        let until = now.mono + Duration::from_millis(pause);
        self.banned.insert(xsp, until);
    }

    fn acknowledge(
        &mut self,
        attempt: Attempt,
        event: EventId,
        status: AckStatus,
        now: Now,
        random: &mut Random,
    ) -> Option<(Duration, Input)> {
        let expected = if self.stale.contains(&event) {
            AckStatus::NoSuchSubscription
        } else {
            AckStatus::Done
        };
        assert_eq!(status, expected);
        let patience = self.rules.patience;
        let stream = self.streams.get_mut(&attempt).expect("a living stream");
        // One whose result came too late is repeated, and the server shrugs.
        let known = stream.owed.contains_key(&event) || stream.done.contains(&event);
        assert!(known, "it never came on this stream");
        stream.acks.retain(|_, since| *since + patience > now.mono);
        assert!(!stream.acks.contains_key(&event), "twice at once");
        stream.acks.insert(event.clone(), now.mono);
        assert!(stream.acks.len() <= self.rules.acks_at_once, "at once");
        let outcome = match random.below(12) {
            0 => Outcome::Failed,
            1 => Outcome::Gone,
            _ => Outcome::Done,
        };
        let delay = random.duration(Duration::from_millis(300));
        let done = Input::On(attempt, Happening::Acknowledged(event.clone(), outcome));
        if random.below(20) == 0 {
            return None;
        }
        if outcome != Outcome::Failed {
            stream.owed.remove(&event);
            stream.done.insert(event.clone());
        }
        stream.acks.remove(&event);
        Some((delay, done))
    }

    fn announced(&mut self, change: Change, now: Now) {
        match change {
            Change::SourceBack => assert!(!std::mem::replace(&mut self.flows, true)),
            Change::SourceLost { returns } => {
                assert!(std::mem::replace(&mut self.flows, false));
                let over = self.drained || self.stopped.len() == usize::from(XSPS);
                assert_eq!(returns, !over);
            }
            Change::Lost(xsp, reason) => self.lost(xsp, &reason, now),
            Change::Up(..) => {}
        }
    }

    fn heartbeat(
        &mut self,
        attempt: Attempt,
        channel: &ChannelId,
        now: Now,
        random: &mut Random,
    ) -> Option<(Duration, Input)> {
        let delay = random.duration(Duration::from_millis(300));
        let patience = self.rules.patience;
        let stream = self.streams.get_mut(&attempt).expect("a living stream");
        assert_eq!(stream.channel.as_ref(), Some(channel));
        let free = stream.beat.is_none_or(|since| since + patience <= now.mono);
        assert!(free, "heartbeats overlap");
        stream.beat = Some(now.mono);
        let outcome = match random.below(30) {
            0 => Outcome::Gone,
            1..=3 => Outcome::Failed,
            _ => Outcome::Done,
        };
        if outcome == Outcome::Done && !stream.buffers {
            stream.queue.push_back(Document::HeartBeat);
        }
        if random.below(20) == 0 {
            return None;
        }
        stream.beat = None;
        Some((
            delay,
            Input::On(attempt, Happening::HeartbeatEnded(outcome)),
        ))
    }

    fn open(
        &mut self,
        xsp: Xsp,
        attempt: Attempt,
        redirected: bool,
        now: Now,
        random: &mut Random,
    ) -> Option<(Duration, Input)> {
        let delay = random.duration(Duration::from_millis(300));
        assert!(!self.stopped.contains(&xsp), "stopped for good");
        if !redirected {
            let banned = self.banned.get(&xsp).is_some_and(|at| now.mono < *at);
            assert!(!banned, "too soon");
            let open = self.streams.values().any(|stream| stream.xsp == xsp);
            assert!(!open, "two streams at one XSP");
        }
        // A redirect replaces the attempt that it answers.
        self.streams.retain(|_, stream| stream.xsp != xsp);
        let stream = Stream {
            xsp,
            channel: None,
            buffers: random.below(8) == 0,
            beat: None,
            acks: BTreeMap::new(),
            owed: BTreeMap::new(),
            done: BTreeSet::new(),
            queue: VecDeque::new(),
        };
        self.streams.insert(attempt, stream);
        let failure = match random.below(12) {
            0 => OpenFailure::Denied,
            1 => OpenFailure::Io,
            2 => OpenFailure::Refused(503),
            3 => OpenFailure::Redirected("http://other/".into()),
            _ => return None,
        };
        Some((delay, Input::On(attempt, Happening::OpenFailed(failure))))
    }
}

impl World<ChannelSet> for Xsps {
    fn surprise(&mut self, random: &mut Random, set: &ChannelSet) -> (Duration, Input) {
        let after = random.duration(Duration::from_secs(1));
        self.now += after;
        let streams: Vec<_> = self.streams.keys().copied().collect();
        // Now and then something comes for an attempt that is long gone.
        if streams.is_empty() || random.below(50) == 0 {
            let dead = Attempt(random.below(1_000) + 1_000_000);
            assert_eq!(set.xsp_of(dead), None);
            return (after, Input::On(dead, Happening::Ended));
        }
        if random.below(2_000) == 0 {
            self.drained = true;
            return (after, Input::Drain);
        }
        let place = usize::try_from(random.below(streams.len() as u64)).unwrap_or_default();
        let attempt = streams[place];
        if random.below(80) == 0 {
            return (after, Input::On(attempt, Happening::Ended));
        }
        let document = self.document(attempt, random);
        let mut standing = Standing::Current;
        if let Document::Event(event) = &document {
            if self.stale.contains(&event.id) {
                standing = Standing::Stale;
            }
            let now = self.now;
            let stream = self.streams.get_mut(&attempt).expect("a stream");
            stream.owed.entry(event.id.clone()).or_insert(now);
        }
        (
            after,
            Input::On(attempt, Happening::Document(document, standing)),
        )
    }

    fn act(&mut self, action: Action, now: Now, random: &mut Random) -> Option<(Duration, Input)> {
        let delay = random.duration(Duration::from_millis(300));
        match action {
            Action::Acknowledge(attempt, event, status) => {
                self.acknowledge(attempt, event, status, now, random)
            }
            Action::Announce(change) => {
                self.announced(change, now);
                None
            }
            Action::Clear(xsp, alarm) => {
                assert!(self.alarms.remove(&(xsp, alarm)), "not raised");
                None
            }
            Action::Raise(xsp, alarm) => {
                assert!(self.alarms.insert((xsp, alarm)), "raised twice");
                None
            }
            Action::Close(attempt) => {
                assert!(self.streams.remove(&attempt).is_some(), "closed twice");
                None
            }
            Action::Delete(attempt, channel) => {
                let stream = self.streams.get_mut(&attempt).expect("a living stream");
                assert_eq!(stream.channel.as_ref(), Some(&channel));
                let ended = Document::ChannelTerminated {
                    channel: Some(channel),
                    reason: TerminatedReason::ExplicitDelete,
                };
                stream.queue.push_back(ended);
                None
            }
            Action::Deliver(event) => {
                assert!(!self.stale.contains(&event.id), "not ours");
                assert!(self.delivered.insert(event.id), "delivered twice");
                None
            }
            Action::Drained => {
                assert!(self.drained && self.streams.is_empty());
                None
            }
            Action::Heartbeat(attempt, channel) => self.heartbeat(attempt, &channel, now, random),
            Action::Open {
                xsp,
                attempt,
                location,
            } => self.open(xsp, attempt, location.is_some(), now, random),
            Action::Refresh(attempt, ..) => {
                assert!(self.streams.contains_key(&attempt));
                let outcome = match random.below(8) {
                    0 => Outcome::Failed,
                    1 => Outcome::Gone,
                    _ => Outcome::Done,
                };
                let refreshed = Happening::Refreshed(outcome, Some(3_600));
                (random.below(10) != 0).then_some((delay, Input::On(attempt, refreshed)))
            }
        }
    }

    fn judge(&mut self, set: &ChannelSet, now: Now) {
        self.now = now.mono;
        for (attempt, stream) in &self.streams {
            assert_eq!(set.xsp_of(*attempt), Some(stream.xsp), "a stream is left");
            // Five tries of ten seconds, a second apart, and some others before it.
            for (event, since) in &stream.owed {
                let age = now.mono.saturating_duration_since(*since);
                assert!(
                    age < Duration::from_secs(120),
                    "{event} is not acknowledged"
                );
            }
        }
        if !self.drained && self.stopped.len() < usize::from(XSPS) {
            use xspd::domain::machine::Machine as _;
            assert!(set.deadline().is_some(), "nothing would ever happen again");
        }
    }
}

fn build(random: &mut Random, now: Now) -> (ChannelSet, Xsps) {
    let rules = Rules::default();
    let world = Xsps {
        rules,
        streams: BTreeMap::new(),
        events: 0,
        sent: Vec::new(),
        stale: BTreeSet::new(),
        delivered: BTreeSet::new(),
        flows: false,
        alarms: BTreeSet::new(),
        banned: BTreeMap::new(),
        stopped: BTreeSet::new(),
        drained: false,
        now: now.mono,
    };
    (ChannelSet::new(rules, XSPS, random.next(), now), world)
}

#[test]
fn every_event_of_a_living_channel_is_acknowledged_and_delivered_once() {
    Simulator::explore(1_000, 400, build);
}
