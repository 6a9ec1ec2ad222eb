//! Channels: how long they live, who holds them, how they end.

use std::time::Duration;

use super::bench::Bench;
use super::bench::about;
use super::bench::channel;
use super::bench::user;
use super::bench::watch;
use crate::lab::broadworks::events::command::Action;
use crate::lab::broadworks::events::command::Ask;
use crate::lab::broadworks::events::command::ChannelEnd;
use crate::lab::broadworks::events::command::Input;
use crate::lab::broadworks::events::command::Open;
use crate::lab::broadworks::events::command::Piece;
use crate::lab::broadworks::events::command::Refusal;
use crate::lab::broadworks::events::command::Reply;
use crate::lab::broadworks::events::settings::NEVER;
use crate::lab::broadworks::xsp::Xsp;

#[test]
fn a_channel_lives_as_long_as_granted_and_is_told_that_it_expired() {
    let mut bench = Bench::new();
    let alice = user("alice");
    let short = Open {
        expires: 60,
        ..channel("set", Xsp::First, 1)
    };
    let (id, granted) = bench.opened(&alice, short);
    assert_eq!(granted, 3600, "the least that is granted");
    let alive = [(&alice, id, Xsp::First)];
    bench.pass_with(Duration::from_secs(3000), &alive);
    let longer = bench.ask(&alice, Ask::ProlongChannel(id, 7200));
    assert_eq!(longer, Ok(Reply::Prolonged(7200)));
    bench.pass_with(Duration::from_secs(7195), &alive);
    assert_eq!(bench.ended(), []);
    bench.pass(Duration::from_secs(5));
    assert_eq!(bench.ended(), [(id, Some(ChannelEnd::Expired))]);
    assert!(bench.actions.ends_with(&[Action::End(id)]));
}

#[test]
fn what_never_expires_says_so_and_the_most_is_a_setting() {
    let mut bench = Bench::new();
    let forever = |set: &str| Open {
        expires: NEVER,
        ..channel(set, Xsp::First, 1)
    };
    assert_eq!(bench.opened(&user("alice"), forever("one")).1, NEVER);
    bench.set(|settings| settings.most_expires = 86_400);
    assert_eq!(bench.opened(&user("alice"), forever("two")).1, 86_400);
}

#[test]
fn a_channel_without_heartbeats_is_cut_and_not_told() {
    let mut bench = Bench::new();
    let alice = user("alice");
    let silent = bench.open(&alice, "set", Xsp::First, 1);
    let alive = bench.open(&alice, "set", Xsp::Second, 2);
    bench.pass(Duration::from_secs(20));
    bench.beat(&alice, alive, Xsp::Second);
    bench.pass(Duration::from_millis(9_999));
    assert_eq!(bench.ended(), []);
    bench.pass(Duration::from_millis(1));
    assert_eq!(bench.ended(), [(silent, None)]);
    let late = Ask::Beat {
        channel: silent,
        at: Xsp::First,
    };
    assert_eq!(bench.ask(&alice, late), Err(Refusal::UnknownChannel));
}

#[test]
fn heartbeats_are_known_only_where_the_stream_is_and_to_its_owner() {
    let mut bench = Bench::new();
    let alice = user("alice");
    let id = bench.open(&alice, "set", Xsp::First, 1);
    let beat = |at| Ask::Beat { channel: id, at };
    let unknown = Err(Refusal::UnknownChannel);
    assert_eq!(bench.ask(&alice, beat(Xsp::Second)), unknown);
    assert_eq!(bench.ask(&user("bob"), beat(Xsp::First)), unknown);
    bench.actions.clear();
    assert_eq!(bench.ask(&alice, beat(Xsp::First)), Ok(Reply::Done));
    let echoed = bench.actions.iter().filter(|action| {
        matches!(action, Action::Write { channel, what: Piece::Echo, .. } if *channel == id)
    });
    assert_eq!(echoed.count(), 1);
}

#[test]
fn a_second_set_of_an_application_ends_all_channels_of_the_first() {
    let mut bench = Bench::new();
    let (alice, bob) = (user("alice"), user("bob"));
    let of = |set: &str, at, application: Option<&str>| Open {
        application: application.map(str::to_owned),
        ..channel(set, at, 1)
    };
    let (one, _) = bench.opened(&alice, of("first", Xsp::First, Some("phone")));
    let (two, _) = bench.opened(&alice, of("first", Xsp::Second, Some("phone")));
    bench.opened(&bob, of("first", Xsp::First, Some("phone")));
    bench.opened(&alice, of("other", Xsp::First, Some("desk")));
    bench.opened(&alice, of("third", Xsp::First, None));
    bench.opened(&alice, of("fourth", Xsp::First, None));
    assert_eq!(bench.ended(), []);
    bench.opened(&alice, of("second", Xsp::First, Some("phone")));
    let mut ended = bench.ended();
    ended.sort_by_key(|(id, _)| *id);
    let duplicate = Some(ChannelEnd::DuplicateChannelSet);
    let mut expected = [(one, duplicate), (two, duplicate)];
    expected.sort_by_key(|(id, _)| *id);
    assert_eq!(ended, expected);
}

#[test]
fn a_deleted_channel_is_told_and_ends_in_order() {
    let mut bench = Bench::new();
    let alice = user("alice");
    let id = bench.open(&alice, "set", Xsp::First, 1);
    let foreign = bench.ask(&user("bob"), Ask::Close(id));
    assert_eq!(foreign, Err(Refusal::UnknownChannel));
    bench.done(&alice, Ask::Close(id));
    assert_eq!(bench.ended(), [(id, Some(ChannelEnd::ExplicitDelete))]);
    assert!(bench.actions.contains(&Action::End(id)));
    let again = bench.ask(&alice, Ask::Close(id));
    assert_eq!(again, Err(Refusal::UnknownChannel));
    let set = bench.ask(&alice, Ask::ChannelSet("set".to_owned()));
    assert_eq!(set, Err(Refusal::NoChannel), "nothing of it is left");
}

#[test]
fn a_set_shows_its_channels_and_takes_no_more_than_its_bound() {
    let mut bench = Bench::new();
    bench.set(|settings| settings.channels_per_set = 2);
    let alice = user("alice");
    let one = bench.open(&alice, "set", Xsp::First, 1);
    let two = bench.open(&alice, "set", Xsp::Second, 2);
    let third = bench.ask(&alice, Ask::Open(channel("set", Xsp::First, 1)));
    assert_eq!(third, Err(Refusal::Full("channels of the set")));
    bench.pass(Duration::from_millis(600));
    let Ok(Reply::Channels(mut views)) = bench.ask(&alice, Ask::ChannelSet("set".to_owned()))
    else {
        panic!("no set");
    };
    views.sort_by_key(|view| view.priority);
    let seen: Vec<_> = views
        .iter()
        .map(|view| (view.id, view.at, view.expires))
        .collect();
    assert_eq!(seen, [(one, Xsp::First, 3600), (two, Xsp::Second, 3600)]);
    let foreign = bench.ask(&user("bob"), Ask::ChannelSet("set".to_owned()));
    assert_eq!(foreign, Err(Refusal::NoChannel), "sets are their owner's");
}

#[test]
fn the_channels_of_a_deleted_user_end_and_its_subscriptions_go() {
    let mut bench = Bench::new();
    let (alice, bob) = (user("alice"), user("bob"));
    let hers = bench.open(&alice, "set", Xsp::First, 1);
    let his = bench.open(&bob, "set", Xsp::First, 1);
    bench.subscribe(&alice, watch(about("alice"), "set"));
    bench.put(Input::UserDeleted("alice@as.example.net".to_owned()));
    assert_eq!(bench.ended(), [(hers, Some(ChannelEnd::UserDeleted))]);
    assert!(bench.events.all_subscriptions(bench.now.mono).is_empty());
    bench.beat(&bob, his, Xsp::First);
}
