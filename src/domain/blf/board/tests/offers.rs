//! Pick-up offers.

use super::*;

fn delayed(delay: u64) -> Wishes {
    Wishes {
        notification_delay: Duration::from_secs(delay),
        display_caller: true,
    }
}

#[test]
fn an_offer_is_lit_and_withdrawn_once_with_its_reason() {
    type Ending = fn(&mut Bench);
    let endings: [(Ending, WithdrawReason); 5] = [
        (|b| b.answer("bob", "a"), WithdrawReason::AnsweredByLine),
        (|b| b.release("bob", "a"), WithdrawReason::Released),
        (
            |b| {
                let gone = call("a", CallState::Released);
                b.event("bob", calls("CallForwardedEvent", &[gone]));
            },
            WithdrawReason::Forwarded,
        ),
        (
            |b| {
                b.tell(Input::SourceLost {
                    source: SourceId::OWN,
                    returns: false,
                });
            },
            WithdrawReason::SourceLost,
        ),
        (
            |b| b.tell(Input::ListRead(user(WATCHER), list(&["carl"]))),
            WithdrawReason::ListChanged,
        ),
    ];
    for (end, reason) in endings {
        let (mut bench, session) = Bench::watching(&["bob", "carl"]);
        bench.ring("bob", "a");
        let (offers, withdrawn) = bench.offers(session);
        assert_eq!((offers.len(), withdrawn.len()), (1, 0), "{reason:?}");
        assert_eq!(offers[0].user, user("bob"));
        assert_eq!(offers[0].extension.as_deref(), Some("12"));
        end(&mut bench);
        let (more, withdrawn) = bench.offers(session);
        assert_eq!((more.len(), withdrawn.len()), (0, 1), "{reason:?}");
        assert_eq!(withdrawn[0].offer, offers[0].offer);
        assert_eq!(withdrawn[0].reason, reason);
        bench.tell(Input::Left(session));
        assert_eq!(bench.offers(session).1, [], "{reason:?}");
    }
}

#[test]
fn a_watcher_who_leaves_has_his_offers_withdrawn() {
    let (mut bench, session) = Bench::watching(&["bob"]);
    bench.ring("bob", "a");
    bench.offers(session);
    bench.tell(Input::Left(session));
    let (_, withdrawn) = bench.offers(session);
    assert_eq!(withdrawn[0].reason, WithdrawReason::WatcherLeft);
}

#[test]
fn a_call_that_ends_within_the_delay_raises_no_offer() {
    let (mut bench, at_once) = Bench::watching(&["bob"]);
    let patient = bench.join(WATCHER, delayed(3));
    bench.actions.clear();
    bench.ring("bob", "a");
    bench.pass(Duration::from_secs(2));
    bench.answer("bob", "a");
    bench.pass(Duration::from_secs(5));
    let told = std::mem::take(&mut bench.actions);
    bench.actions.clone_from(&told);
    assert_eq!(bench.offers(patient), (Vec::new(), Vec::new()));
    bench.actions = told;
    assert_eq!(bench.offers(at_once).0.len(), 1);
    bench.ring("bob", "b");
    bench.pass(Duration::from_secs(3));
    let (offers, _) = bench.offers(patient);
    assert_eq!(offers[0].call, CallId::new("b"));
}

#[test]
fn one_call_at_several_lines_is_one_offer_and_moves_when_its_leg_ends() {
    let (mut bench, session) = Bench::watching(&["bob", "carl"]);
    let leg = |id: &str| tracked(id, "hunt", CallState::Alerting);
    bench.event("bob", calls("CallReceivedEvent", &[leg("a")]));
    bench.event("carl", calls("CallReceivedEvent", &[leg("b")]));
    let (offers, _) = bench.offers(session);
    assert_eq!(offers.len(), 1);
    assert_eq!(offers[0].user, user("bob"));
    let gone = tracked("a", "hunt", CallState::Released);
    bench.event("bob", calls("CallReleasedEvent", &[gone]));
    let (offers, withdrawn) = bench.offers(session);
    assert_eq!(withdrawn.len(), 1);
    assert_eq!(offers.len(), 1, "carl still rings");
    assert_eq!(offers[0].user, user("carl"));
    let answered = tracked("b", "hunt", CallState::Active);
    bench.event("carl", calls("CallAnsweredEvent", &[answered]));
    assert_eq!(bench.offers(session).1.len(), 1);
}

#[test]
fn an_answered_call_lights_no_other_leg() {
    let (mut bench, session) = Bench::watching(&["bob", "carl"]);
    let leg = |id: &str| tracked(id, "hunt", CallState::Alerting);
    bench.event("bob", calls("CallReceivedEvent", &[leg("a")]));
    bench.event("carl", calls("CallReceivedEvent", &[leg("b")]));
    bench.offers(session);
    let answered = tracked("a", "hunt", CallState::Active);
    bench.event("bob", calls("CallAnsweredEvent", &[answered]));
    let (offers, withdrawn) = bench.offers(session);
    assert_eq!((offers.len(), withdrawn.len()), (0, 1));
    // The same call rings anew after a transfer.
    let released = tracked("b", "hunt", CallState::Released);
    bench.event("carl", calls("CallReleasedEvent", &[released]));
    bench.pass(Duration::from_secs(10));
    bench.event("carl", calls("CallReceivedEvent", &[leg("c")]));
    assert_eq!(bench.offers(session).0.len(), 1);
}

#[test]
fn nobody_is_offered_his_own_line_or_his_own_call() {
    let (mut bench, session) = Bench::watching(&[WATCHER, "bob"]);
    bench.ring(WATCHER, "a");
    assert_eq!(bench.lamp(WATCHER), Some(Lamp::Ringing));
    assert_eq!(bench.offers(session).0, []);
    let mut own = call("b", CallState::Alerting);
    own.remote.user = Some(user(WATCHER));
    bench.event("bob", calls("CallReceivedEvent", &[own]));
    assert_eq!(bench.offers(session).0, []);
}

#[test]
fn the_caller_is_shown_only_where_he_may_be() {
    let (mut bench, shown) = Bench::watching(&["bob"]);
    let hidden = bench.join(
        WATCHER,
        Wishes {
            display_caller: false,
            ..Wishes::default()
        },
    );
    bench.actions.clear();
    bench.ring("bob", "a");
    let told = bench.actions.clone();
    assert_eq!(
        bench.offers(shown).0[0]
            .caller
            .as_ref()
            .unwrap()
            .name
            .as_deref(),
        Some("Carol")
    );
    bench.actions.clone_from(&told);
    assert_eq!(bench.offers(hidden).0[0].caller, None);
    bench.actions = told;
    let states = bench.states(hidden);
    assert_eq!(states[0].calls[0].remote, None);
    let mut private = call("p", CallState::Alerting);
    private.remote = Party {
        privacy: true,
        ..Party::default()
    };
    bench.event("bob", calls("CallReceivedEvent", &[private]));
    let caller = bench.offers(shown).0[0].caller.clone().unwrap();
    assert!(caller.privacy && caller.is_empty());
}

#[test]
fn who_comes_while_it_rings_is_offered_the_call_after_his_delay() {
    let (mut bench, _) = Bench::watching(&["bob"]);
    bench.ring("bob", "a");
    bench.pass(Duration::from_secs(1));
    let late = bench.join(WATCHER, delayed(5));
    let soon = bench.join(WATCHER, Wishes::default());
    assert_eq!(bench.offers(soon).0.len(), 1);
    bench.pass(Duration::from_secs(3));
    assert_eq!(bench.offers(late).0, []);
    bench.pass(Duration::from_secs(1));
    assert_eq!(bench.offers(late).0.len(), 1);
}

#[test]
fn a_line_that_is_added_while_it_rings_is_offered() {
    let (mut bench, session) = Bench::watching(&["carl"]);
    let other = bench.join("zoe", Wishes::default());
    bench.tell(Input::ListRead(user("zoe"), list(&["bob"])));
    bench.event("bob", snapshot(&[]));
    bench.ring("bob", "a");
    assert_eq!(bench.offers(other).0.len(), 1);
    bench.tell(Input::ListRead(user(WATCHER), list(&["carl", "bob"])));
    assert_eq!(bench.offers(session).0.len(), 1);
}

#[test]
fn a_call_without_tracking_is_its_own_offer() {
    let (mut bench, session) = Bench::watching(&["bob"]);
    for id in ["a", "b"] {
        let ringing = Call {
            tracking: None,
            ..call(id, CallState::Alerting)
        };
        bench.event("bob", calls("CallReceivedEvent", &[ringing]));
    }
    assert_eq!(bench.offers(session).0.len(), 2);
}

#[test]
fn one_notice_serves_a_thousand_watchers() {
    let mut bench = Bench::new();
    let mut sessions = Vec::new();
    for index in 0..1_000 {
        let name = format!("w{index}");
        sessions.push(bench.join(&name, Wishes::default()));
        bench.tell(Input::ListRead(user(&name), list(&["bob"])));
    }
    bench.event("bob", snapshot(&[]));
    bench.actions.clear();
    bench.ring("bob", "a");
    let notices: Vec<_> = bench
        .actions
        .iter()
        .filter_map(|action| match action {
            Action::Notify(notice) => Some((notice.body.kind(), notice.to.len())),
            _ => None,
        })
        .collect();
    assert_eq!(notices, [("state", 1_000), ("offer", 1_000)]);
    bench.actions.clear();
    bench.release("bob", "a");
    assert_eq!(bench.offers(sessions[999]).1.len(), 1);
    for session in sessions {
        bench.tell(Input::Left(session));
    }
    bench.actions.clear();
    bench.pass(Duration::from_secs(61));
    assert!(bench.actions.contains(&Action::Unwant(user("bob"))));
    assert_eq!(bench.lamp("bob"), None);
}
