//! Whom subscriptions are about, what replaces them, and how they end.

use std::time::Duration;

use super::bench::Bench;
use super::bench::about;
use super::bench::between;
use super::bench::hook;
use super::bench::user;
use super::bench::watch;
use crate::lab::broadworks::events::command::Ask;
use crate::lab::broadworks::events::command::Input;
use crate::lab::broadworks::events::command::Owner;
use crate::lab::broadworks::events::command::Refusal;
use crate::lab::broadworks::events::command::Reply;
use crate::lab::broadworks::events::command::Subscribe;
use crate::lab::broadworks::events::command::Target;
use crate::lab::broadworks::events::ids::SubscriptionId;
use crate::lab::broadworks::events::package::Package;
use crate::lab::broadworks::events::package::Packages;
use crate::lab::broadworks::xsp::Xsp;

fn admin() -> (Bench, Owner) {
    let mut bench = Bench::new();
    let admin = user("admin");
    bench.open(&admin, "set", Xsp::First, 1);
    (bench, admin)
}

fn count(bench: &Bench) -> usize {
    bench.events.all_subscriptions(bench.now.mono).len()
}

#[test]
fn every_target_is_told_of_its_own_users() {
    let (mut bench, admin) = admin();
    let group = |provider: &str, group: &str| Target::Group {
        provider: provider.to_owned(),
        group: group.to_owned(),
    };
    for (target, told) in [
        (about("alice"), 1),
        (about("bob"), 0),
        (group("acme", "sales"), 1),
        (group("acme", "support"), 0),
        (group("other", "sales"), 0),
        (Target::Provider("acme".to_owned()), 1),
        (Target::Provider("other".to_owned()), 0),
        (Target::System, 1),
    ] {
        let id = bench.subscribe(&admin, watch(target.clone(), "set"));
        bench.seen();
        bench.happens("alice");
        assert_eq!(bench.seen().len(), told, "{target:?}");
        bench.put(Input::Terminate(id));
    }
}

#[test]
fn only_the_packages_asked_for_are_told() {
    let (mut bench, admin) = admin();
    let other = Subscribe {
        packages: Packages::of(Package::DO_NOT_DISTURB),
        ..watch(about("alice"), "set")
    };
    bench.subscribe(&admin, other);
    bench.happens("alice");
    assert_eq!(bench.seen(), []);
}

#[test]
fn only_users_are_told_their_state_at_first_and_anew_when_prolonged() {
    let (mut bench, admin) = admin();
    let with_state = |target| Subscribe {
        state: vec![hook()],
        ..watch(target, "set")
    };
    bench.subscribe(&admin, with_state(Target::System));
    assert_eq!(bench.seen(), []);
    let id = bench.subscribe(&admin, with_state(about("alice")));
    assert_eq!(bench.one().2, 1);
    let prolong = |any| Ask::ProlongSubscription {
        subscription: id,
        expires: 7200,
        state: vec![hook()],
        any,
    };
    let prolonged = bench.ask(&admin, prolong(false));
    let expected = Reply::Subscribed {
        subscription: id,
        expires: 7200,
    };
    assert_eq!(prolonged, Ok(expected));
    assert_eq!(bench.one().2, 2);
    let foreign = bench.ask(&user("bob"), prolong(false));
    assert_eq!(foreign, Err(Refusal::UnknownSubscription));
    assert!(bench.ask(&user("bob"), prolong(true)).is_ok(), "anybody's");
}

#[test]
fn a_repeated_subscription_takes_the_place_of_the_first() {
    let (mut bench, admin) = admin();
    let first = bench.subscribe(&admin, watch(about("alice"), "set"));
    let second = bench.subscribe(&admin, watch(about("alice"), "set"));
    assert_ne!(first, second);
    bench.happens("alice");
    let texts = bench.texts();
    assert_eq!(texts.len(), 1);
    assert_eq!(between(&texts[0], "subscriptionId"), second.to_string());
    let other = |change: fn(&mut Subscribe)| {
        let mut subscribe = watch(about("alice"), "set");
        change(&mut subscribe);
        subscribe
    };
    for different in [
        other(|ask| ask.application = Some("other".to_owned())),
        other(|ask| ask.application = None),
        other(|ask| ask.packages = Packages::of(Package::ADVANCED_CALL)),
        other(|ask| ask.target = about("bob")),
    ] {
        let before = count(&bench);
        bench.subscribe(&admin, different);
        assert_eq!(count(&bench), before + 1);
    }
}

#[test]
fn a_new_list_replaces_the_old_one_of_the_same_target() {
    let (mut bench, admin) = admin();
    let list = |packages| Subscribe {
        packages,
        list: true,
        ..watch(about("alice"), "set")
    };
    bench.subscribe(&admin, watch(about("alice"), "set"));
    let both = Packages::of(Package::STANDARD_CALL).and(Package::DO_NOT_DISTURB);
    bench.subscribe(&admin, list(both));
    bench.subscribe(&admin, list(Packages::of(Package::CALL_PARK)));
    assert_eq!(count(&bench), 2, "the single one and the last list");
}

#[test]
fn subscriptions_that_share_an_id_are_told_once() {
    let mut bench = Bench::new();
    let admin = user("admin");
    let first = bench.open(&admin, "one", Xsp::First, 1);
    let second = bench.open(&admin, "two", Xsp::Second, 1);
    let shared = |set: &str| Subscribe {
        shared: Some("blf".to_owned()),
        ..watch(about("alice"), set)
    };
    bench.subscribe(&admin, shared("one"));
    bench.subscribe(&admin, shared("two"));
    assert_eq!(count(&bench), 2);
    bench.happens("alice");
    let (told, ..) = bench.one();
    bench.put(Input::Lost(told));
    bench.actions.clear();
    bench.happens("alice");
    let other = if told == first { second } else { first };
    assert_eq!(bench.one().0, other, "the one that can be reached");
}

#[test]
fn the_set_must_have_a_channel() {
    let mut bench = Bench::new();
    let admin = user("admin");
    let ask = || Ask::Subscribe(Box::new(watch(about("alice"), "set")));
    assert_eq!(bench.ask(&admin, ask()), Err(Refusal::NoChannel));
    let id = bench.open(&admin, "set", Xsp::First, 1);
    let foreign = bench.ask(&user("bob"), ask());
    assert_eq!(foreign, Err(Refusal::NoChannel), "the set is its owner's");
    assert!(bench.ask(&admin, ask()).is_ok());
    bench.put(Input::Lost(id));
    assert_eq!(bench.ask(&admin, ask()), Err(Refusal::NoChannel));
}

#[test]
fn a_subscription_that_ends_says_so_however_it_ends() {
    type End = fn(&mut Bench, SubscriptionId);
    let ends: [End; 4] = [
        |bench, id| {
            let subscription = id;
            let any = false;
            bench.done(&user("admin"), Ask::Unsubscribe { subscription, any });
        },
        |bench, id| bench.put(Input::Terminate(id)),
        |bench, _| {
            let channel = *bench.events.channels.keys().next().unwrap();
            let admin = user("admin");
            bench.set(|settings| settings.least_expires = 1);
            let alive = [(&admin, channel, Xsp::First)];
            bench.pass_with(Duration::from_secs(3600), &alive);
        },
        |bench, _| bench.put(Input::UserDeleted("alice@as.example.net".to_owned())),
    ];
    for (number, end) in ends.into_iter().enumerate() {
        let mut bench = Bench::new();
        let admin = user("admin");
        let mut open = super::bench::channel("set", Xsp::First, 1);
        open.expires = 86_400;
        bench.opened(&admin, open);
        let mut ask = watch(about("alice"), "set");
        ask.expires = 3600;
        let id = bench.subscribe(&admin, ask);
        bench.actions.clear();
        end(&mut bench, id);
        let texts = bench.texts();
        let last = texts
            .iter()
            .find(|text| text.contains("SubscriptionTerminatedEvent"));
        let last = last.unwrap_or_else(|| panic!("end {number}: {texts:?}"));
        assert!(last.ends_with(
            r#"<xsi:eventData xsi1:type="xsi:SubscriptionTerminatedEvent"/></xsi:Event>"#
        ));
        assert_eq!(between(last, "subscriptionId"), id.to_string());
        assert_eq!(count(&bench), 0);
    }
}
