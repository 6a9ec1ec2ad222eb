//! Clients that do anything at any time. Whatever they do: every event is acknowledged, or
//! dropped with a reason; numbers grow; no event is on two channels at once.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use super::bench::Bench;
use super::bench::about;
use super::bench::between;
use super::bench::user;
use super::bench::watch;
use crate::lab::broadworks::events::command::Action;
use crate::lab::broadworks::events::command::Ask;
use crate::lab::broadworks::events::command::Destination;
use crate::lab::broadworks::events::command::Input;
use crate::lab::broadworks::events::command::Owner;
use crate::lab::broadworks::events::command::Piece;
use crate::lab::broadworks::events::command::Reply;
use crate::lab::broadworks::events::command::Status;
use crate::lab::broadworks::events::command::Subscribe;
use crate::lab::broadworks::events::command::Target;
use crate::lab::broadworks::events::ids::ChannelId;
use crate::lab::broadworks::events::ids::EventId;
use crate::lab::broadworks::xsp::Xsp;

const USERS: [&str; 3] = ["alice", "bob", "admin"];
const SETS: [&str; 2] = ["one", "two"];

/// xorshift: the seed is printed when a run fails.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound).unwrap()).unwrap()
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        (!all.is_empty()).then(|| &all[self.below(all.len())])
    }
}

/// What the outside has seen.
#[derive(Default)]
struct Outside {
    channels: BTreeMap<ChannelId, (Owner, Xsp)>,
    /// Where each event was written last, whose it is and its number.
    written: BTreeMap<EventId, (ChannelId, String, u32)>,
    /// The highest number of each subscription.
    numbers: BTreeMap<String, u32>,
    acknowledged: BTreeSet<EventId>,
    dropped: BTreeSet<EventId>,
    posting: BTreeSet<EventId>,
    /// Events written more than once.
    resent: usize,
}

impl Outside {
    fn see(&mut self, bench: &mut Bench) {
        for action in std::mem::take(&mut bench.actions) {
            match action {
                Action::Cut(channel) | Action::End(channel) => {
                    self.channels.remove(&channel);
                }
                Action::Dropped { event, .. } => {
                    assert!(!self.acknowledged.contains(&event));
                    assert!(self.dropped.insert(event), "dropped twice");
                    self.posting.remove(&event);
                }
                Action::Post { event, .. } => {
                    assert!(self.posting.insert(event), "posted twice at once");
                }
                Action::Reply(_) => panic!("an answer without a question"),
                Action::Write {
                    channel,
                    what,
                    document,
                } => {
                    let text = String::from_utf8(document.to_vec()).unwrap();
                    assert!(
                        self.channels.contains_key(&channel),
                        "{channel} is gone: {text}"
                    );
                    if let Piece::Event(event) = what {
                        self.event(channel, event, &text);
                    }
                }
            }
        }
    }

    fn event(&mut self, channel: ChannelId, event: EventId, text: &str) {
        assert!(
            !self.acknowledged.contains(&event),
            "sent after it was taken"
        );
        assert!(!self.dropped.contains(&event), "sent after it was dropped");
        let subscription = between(text, "subscriptionId").to_owned();
        let number: u32 = between(text, "sequenceNumber").parse().unwrap();
        let again = (channel, subscription.clone(), number);
        match self.written.insert(event, again) {
            Some((before, whose, held)) => {
                assert_eq!((whose, held), (subscription, number), "the same event");
                assert_ne!(before, channel, "twice on one channel");
                self.resent += 1;
            }
            None => {
                let last = self.numbers.entry(subscription).or_default();
                assert!(
                    number > *last || *last == 2_147_483_647,
                    "{number} after {last}"
                );
                *last = number;
            }
        }
    }
}

fn step(bench: &mut Bench, outside: &mut Outside, random: &mut Random) {
    match random.below(16) {
        0 | 1 => open(bench, outside, random),
        2 | 3 => subscribe(bench, random),
        4..=6 => bench.happens(["alice", "bob"][random.below(2)]),
        7 | 8 => {
            let all: Vec<EventId> = outside
                .written
                .keys()
                .filter(|event| bench.events.by_event.contains_key(event))
                .copied()
                .collect();
            if let Some(event) = random.of(&all).copied() {
                respond(bench, outside, random, event);
            }
        }
        9 | 10 => leave(bench, outside, random),
        11 => post(bench, outside, random),
        12 => {
            let all = bench.events.all_subscriptions(bench.now.mono);
            if let Some(view) = random.of(&all) {
                bench.put(Input::Terminate(view.id));
            }
        }
        13 => {
            let channels: Vec<ChannelId> = outside.channels.keys().copied().collect();
            for channel in channels {
                let (owner, at) = outside.channels[&channel].clone();
                drop(bench.ask(&owner, Ask::Beat { channel, at }));
                outside.see(bench);
            }
        }
        14 => bench.pass(Duration::from_secs(u64::try_from(random.below(8)).unwrap())),
        _ => {
            if random.below(20) == 0 {
                bench.put(Input::UserDeleted("bob@as.example.net".to_owned()));
            }
        }
    }
    outside.see(bench);
    assert!(bench.events.outstanding() < 5000);
}

fn open(bench: &mut Bench, outside: &mut Outside, random: &mut Random) {
    let by = user(USERS[random.below(USERS.len())]);
    let at = Xsp::ALL[random.below(2)];
    let mut open = super::bench::channel(SETS[random.below(2)], at, 1);
    open.priority = u32::try_from(1 + random.below(2)).unwrap();
    open.application = [None, Some("app".to_owned())][random.below(2)].clone();
    match bench.ask(&by, Ask::Open(open)) {
        Ok(Reply::Opened { channel, .. }) => {
            outside.channels.insert(channel, (by, at));
        }
        Ok(other) => panic!("{other:?}"),
        Err(_) => {}
    }
}

fn subscribe(bench: &mut Bench, random: &mut Random) {
    let target = match random.below(3) {
        0 => about("alice"),
        1 => about("bob"),
        _ => Target::System,
    };
    let mut subscribe = Subscribe {
        state: vec![super::bench::hook()],
        ..watch(target, SETS[random.below(2)])
    };
    if random.below(6) == 0 {
        subscribe.route = Destination::Contact("127.0.0.1:1/".to_owned());
    }
    let by = user(USERS[random.below(USERS.len())]);
    drop(bench.ask(&by, Ask::Subscribe(Box::new(subscribe))));
}

/// A channel is lost or closed.
fn leave(bench: &mut Bench, outside: &mut Outside, random: &mut Random) {
    let channels: Vec<ChannelId> = outside.channels.keys().copied().collect();
    let Some(channel) = random.of(&channels).copied() else {
        return;
    };
    let (owner, _) = outside.channels[&channel].clone();
    if random.below(2) == 0 {
        drop(bench.ask(&owner, Ask::Close(channel)));
    } else {
        bench.put(Input::Lost(channel));
        outside.see(bench);
        outside.channels.remove(&channel);
    }
}

/// An HTTP contact answers.
fn post(bench: &mut Bench, outside: &mut Outside, random: &mut Random) {
    let all: Vec<EventId> = outside.posting.iter().copied().collect();
    if let Some(event) = random.of(&all).copied() {
        let taken = random.below(2) == 0;
        outside.posting.remove(&event);
        if taken && bench.events.by_event.contains_key(&event) {
            outside.acknowledged.insert(event);
        }
        bench.put(Input::Posted { event, taken });
    }
}

fn respond(bench: &mut Bench, outside: &mut Outside, random: &mut Random, event: EventId) {
    let status = [
        Status::Taken,
        Status::Taken,
        Status::Taken,
        Status::Dropped,
        Status::Failed,
        Status::UnknownChannel,
        Status::UnknownSubscription,
    ][random.below(7)];
    let at = Xsp::ALL[random.below(2)];
    for name in USERS {
        let answered = bench.respond(&user(name), event, status, at);
        if answered.is_ok() && status == Status::Taken {
            outside.acknowledged.insert(event);
        }
        outside.see(bench);
    }
}

#[test]
fn nothing_that_clients_do_loses_an_event_without_a_reason() {
    let seeds = 200;
    let (mut acknowledged, mut dropped, mut resent) = (0, 0, 0);
    for seed in 1..=seeds {
        let outcome = std::panic::catch_unwind(|| {
            let mut random = Random(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
            let mut bench = Bench::seeded(seed);
            bench.set(|settings| {
                settings.backlog = 5;
                settings.channels_per_set = 3;
            });
            let mut outside = Outside::default();
            for _ in 0..300 {
                step(&mut bench, &mut outside, &mut random);
            }
            // Everybody goes; posts that are under way fail.
            for _ in 0..20 {
                for event in std::mem::take(&mut outside.posting) {
                    bench.put(Input::Posted {
                        event,
                        taken: false,
                    });
                }
                bench.pass(Duration::from_secs(3600));
                outside.see(&mut bench);
            }
            assert_eq!(bench.events.outstanding(), 0, "something waits for ever");
            for event in outside.written.keys() {
                assert!(
                    outside.acknowledged.contains(event) || outside.dropped.contains(event),
                    "{event} went nowhere"
                );
            }
            (
                outside.acknowledged.len(),
                outside.dropped.len(),
                outside.resent,
            )
        });
        match outcome {
            Ok((taken, lost, again)) => {
                acknowledged += taken;
                dropped += lost;
                resent += again;
            }
            Err(_) => panic!("seed {seed}"),
        }
    }
    assert!(
        acknowledged > 1000 && dropped > 1000,
        "{acknowledged} {dropped}"
    );
    assert!(resent > 200, "{resent}");
}
