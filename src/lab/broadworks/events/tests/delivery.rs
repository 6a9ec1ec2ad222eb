//! One channel at a time, the next when it fails, and what acknowledgements mean.

use std::collections::BTreeMap;
use std::time::Duration;

use super::bench::Bench;
use super::bench::about;
use super::bench::channel;
use super::bench::user;
use super::bench::watch;
use crate::lab::broadworks::events::command::ChannelEnd;
use crate::lab::broadworks::events::command::ChannelKind;
use crate::lab::broadworks::events::command::DropReason;
use crate::lab::broadworks::events::command::Input;
use crate::lab::broadworks::events::command::Open;
use crate::lab::broadworks::events::command::Owner;
use crate::lab::broadworks::events::command::Refusal;
use crate::lab::broadworks::events::command::Reply;
use crate::lab::broadworks::events::command::Status;
use crate::lab::broadworks::events::ids::ChannelId;
use crate::lab::broadworks::xsp::Xsp;

/// Alice with two channels in one set, the first preferred, who watches herself.
fn two() -> (Bench, Owner, ChannelId, ChannelId) {
    let mut bench = Bench::new();
    let alice = user("alice");
    let one = bench.open(&alice, "set", Xsp::First, 1);
    let two = bench.open(&alice, "set", Xsp::Second, 2);
    bench.subscribe(&alice, watch(about("alice"), "set"));
    bench.seen();
    (bench, alice, one, two)
}

const OK: Result<Reply, Refusal> = Ok(Reply::Done);
const UNKNOWN: Result<Reply, Refusal> = Err(Refusal::UnknownEvent);

#[test]
fn the_lowest_priority_gets_every_event_and_numbers_grow_by_one() {
    let (mut bench, alice, one, _) = two();
    for number in 1..=3 {
        bench.happens("alice");
        let (channel, event, sequence) = bench.one();
        assert_eq!((channel, sequence), (one, number));
        assert_eq!(bench.respond(&alice, event, Status::Taken, Xsp::First), OK);
    }
    assert_eq!(bench.events.outstanding(), 0);
}

#[test]
fn equal_channels_take_turns_by_their_weight() {
    let mut bench = Bench::new();
    let alice = user("alice");
    let weighing = |weight, at| Open {
        weight,
        ..channel("set", at, 1)
    };
    let (heavy, _) = bench.opened(&alice, weighing(30, Xsp::First));
    let (light, _) = bench.opened(&alice, weighing(10, Xsp::Second));
    bench.subscribe(&alice, watch(about("alice"), "set"));
    let mut counts = BTreeMap::new();
    for _ in 0..40 {
        bench.happens("alice");
        let (channel, ..) = bench.one();
        *counts.entry(channel).or_insert(0) += 1;
    }
    assert_eq!(counts, BTreeMap::from([(heavy, 30), (light, 10)]));
}

#[test]
fn an_unacknowledged_event_goes_to_the_next_channel_as_the_same_event() {
    let (mut bench, alice, one, two) = two();
    bench.happens("alice");
    let (first, event, number) = bench.one();
    assert_eq!(first, one);
    bench.pass(Duration::from_millis(4_999));
    assert_eq!(bench.seen(), []);
    bench.pass(Duration::from_millis(1));
    assert_eq!(bench.one(), (two, event, number));
    assert_eq!(bench.respond(&alice, event, Status::Taken, Xsp::Second), OK);
    bench.pass(Duration::from_secs(15));
    assert_eq!(bench.seen(), []);
    assert_eq!(bench.ended(), []);
}

#[test]
fn a_set_that_acknowledges_nothing_ends_after_the_grace_and_its_events_wait() {
    let (mut bench, alice, one, two) = two();
    bench.happens("alice");
    let (_, event, number) = bench.one();
    bench.pass(Duration::from_secs(10));
    assert_eq!(bench.ended(), [], "five seconds for each channel");
    bench.pass(Duration::from_secs(5));
    let mut ended = bench.ended();
    ended.sort_by_key(|(id, _)| *id != one);
    let end = Some(ChannelEnd::NonResponsiveChannel);
    assert_eq!(ended, [(one, end), (two, end)]);
    bench.seen();
    bench.pass(Duration::from_secs(60));
    let again = bench.open(&alice, "set", Xsp::Second, 1);
    assert_eq!(bench.one(), (again, event, number), "the same event");
    assert_eq!(bench.respond(&alice, event, Status::Taken, Xsp::Second), OK);
}

#[test]
fn a_late_acknowledgement_saves_the_set_and_what_nobody_acknowledged_is_given_up() {
    let (mut bench, alice, _, _) = two();
    bench.happens("alice");
    let (_, lost, _) = bench.one();
    bench.happens("alice");
    let (_, late, _) = bench.one();
    bench.pass(Duration::from_secs(12));
    assert_eq!(bench.respond(&alice, late, Status::Taken, Xsp::First), OK);
    assert_eq!(bench.dropped(), [DropReason::Unacknowledged]);
    bench.pass(Duration::from_secs(15));
    assert_eq!(bench.ended(), []);
    let gone = bench.respond(&alice, lost, Status::Taken, Xsp::First);
    assert_eq!(gone, UNKNOWN);
}

#[test]
fn the_events_of_a_lost_channel_move_at_once() {
    let (mut bench, alice, one, two) = two();
    bench.happens("alice");
    bench.happens("alice");
    let seen = bench.seen();
    bench.put(Input::Lost(one));
    let moved = bench.seen();
    let same = |(_, event, number): &(ChannelId, _, u32)| (two, *event, *number);
    assert_eq!(moved, seen.iter().map(same).collect::<Vec<_>>());
    let (_, event, _) = moved[0];
    // The first XSP had it, too, and its client may have been quick.
    assert_eq!(bench.respond(&alice, event, Status::Taken, Xsp::First), OK);
}

#[test]
fn an_answer_counts_once_and_only_from_the_owner_where_the_event_is_known() {
    let (mut bench, alice, _, _) = two();
    bench.happens("alice");
    let (_, event, _) = bench.one();
    let taken = Status::Taken;
    assert_eq!(bench.respond(&alice, event, taken, Xsp::Second), UNKNOWN);
    assert_eq!(
        bench.respond(&user("bob"), event, taken, Xsp::First),
        UNKNOWN
    );
    assert_eq!(bench.respond(&alice, event, taken, Xsp::First), OK);
    assert_eq!(bench.respond(&alice, event, taken, Xsp::First), UNKNOWN);
}

#[test]
fn answer_400_drops_the_event_and_500_tries_the_next_channel() {
    let (mut bench, alice, one, two) = two();
    bench.happens("alice");
    let (_, event, _) = bench.one();
    assert_eq!(
        bench.respond(&alice, event, Status::Dropped, Xsp::First),
        OK
    );
    assert_eq!(bench.dropped(), [DropReason::Dropped]);
    bench.happens("alice");
    let (channel, event, number) = bench.seen()[0];
    assert_eq!(channel, one);
    assert_eq!(bench.respond(&alice, event, Status::Failed, Xsp::First), OK);
    assert_eq!(bench.one(), (two, event, number));
    assert_eq!(
        bench.respond(&alice, event, Status::Failed, Xsp::Second),
        OK
    );
    bench.pass(Duration::from_secs(5));
    let ended = bench.ended();
    assert_eq!(ended.len(), 2, "no channel is left that could take it");
}

#[test]
fn answer_404_ends_the_channel_and_481_the_subscription() {
    let (mut bench, alice, one, two) = two();
    bench.happens("alice");
    let (_, event, number) = bench.one();
    let disowned = bench.respond(&alice, event, Status::UnknownChannel, Xsp::First);
    assert_eq!(disowned, OK);
    assert_eq!(bench.ended(), [(one, Some(ChannelEnd::UnknownChannel))]);
    assert_eq!(bench.one(), (two, event, number));
    let stale = bench.respond(&alice, event, Status::UnknownSubscription, Xsp::Second);
    assert_eq!(stale, OK);
    assert!(bench.events.all_subscriptions(bench.now.mono).is_empty());
    assert_eq!(bench.dropped(), [DropReason::Subscription]);
    bench.happens("alice");
    assert_eq!(bench.seen(), []);
}

#[test]
fn a_set_without_channels_keeps_its_newest_events_and_in_the_end_nothing() {
    let (mut bench, alice, one, two) = two();
    bench.set(|settings| settings.backlog = 3);
    bench.put(Input::Lost(one));
    bench.put(Input::Lost(two));
    for _ in 0..5 {
        bench.happens("alice");
    }
    assert_eq!(bench.dropped(), [DropReason::Backlog, DropReason::Backlog]);
    bench.pass(Duration::from_secs(599));
    let again = bench.open(&alice, "set", Xsp::First, 1);
    let numbers: Vec<u32> = bench.seen().iter().map(|(.., number)| *number).collect();
    assert_eq!(numbers, [3, 4, 5], "in their order");
    bench.put(Input::Lost(again));
    bench.pass(Duration::from_secs(600));
    assert_eq!(bench.dropped().len(), 3);
    assert!(bench.events.all_subscriptions(bench.now.mono).is_empty());
    let set = bench.events.outstanding();
    assert_eq!(set, 0, "nothing is kept for ever");
}

#[test]
fn sequence_numbers_begin_anew_behind_the_last() {
    let (mut bench, _, _, _) = two();
    for held in bench.events.subscriptions.values_mut() {
        held.sequence = 2_147_483_646;
    }
    bench.happens("alice");
    bench.happens("alice");
    let numbers: Vec<u32> = bench.seen().iter().map(|(.., number)| *number).collect();
    assert_eq!(numbers, [2_147_483_647, 1]);
}

#[test]
fn what_is_written_to_a_feed_waits_for_no_acknowledgement() {
    let mut bench = Bench::new();
    let webex = Owner::Client("bwcticlient.webex.com".to_owned());
    let feed = Open {
        kind: ChannelKind::Feed,
        ..channel("feed", Xsp::First, 1)
    };
    let (id, _) = bench.opened(&webex, feed);
    bench.subscribe(&webex, watch(about("alice"), "feed"));
    bench.happens("alice");
    let texts = bench.texts();
    assert!(texts[0].contains("<xsi:clientId>bwcticlient.webex.com</xsi:clientId>"));
    assert!(texts[0].contains("<xsi:targetId>alice@as.example.net</xsi:targetId>"));
    assert_eq!(bench.events.outstanding(), 0);
    bench.pass(Duration::from_secs(600));
    assert_eq!(bench.ended(), [], "no heartbeat is needed");
    bench.put(Input::Lost(id));
    assert!(bench.events.all_subscriptions(bench.now.mono).is_empty());
}
