//! No source, no lamp.

use super::*;

fn lost(returns: bool) -> Input {
    Input::SourceLost {
        source: SourceId::OWN,
        returns,
    }
}

#[test]
fn states_outlive_a_short_loss_and_must_then_be_confirmed() {
    let (mut bench, session) = Bench::watching(&["bob"]);
    bench.ring("bob", "a");
    bench.offers(session);
    bench.tell(lost(true));
    bench.pass(Duration::from_secs(29));
    assert_eq!(bench.lamp("bob"), Some(Lamp::Ringing));
    bench.tell(Input::SourceBack(SourceId::OWN));
    bench.pass(Duration::from_secs(60));
    assert_eq!(bench.lamp("bob"), Some(Lamp::Ringing));
    bench.event("bob", snapshot(&[call("a", CallState::Alerting)]));
    bench.pass(Duration::from_secs(100));
    assert_eq!(bench.lamp("bob"), Some(Lamp::Ringing));
    assert_eq!(bench.offers(session), (Vec::new(), Vec::new()));
}

#[test]
fn a_state_that_nobody_confirms_ends() {
    let (mut bench, session) = Bench::watching(&["bob"]);
    bench.ring("bob", "a");
    bench.tell(lost(true));
    bench.tell(Input::SourceBack(SourceId::OWN));
    bench.offers(session);
    bench.pass(Duration::from_secs(121));
    assert_eq!(bench.lamp("bob"), Some(Lamp::Unknown));
    assert_eq!(bench.offers(session).1.len(), 1);
}

#[test]
fn a_long_loss_and_a_final_one_leave_everything_unknown() {
    for (returns, wait) in [(true, 30), (false, 0)] {
        let (mut bench, session) = Bench::watching(&["bob", "carl"]);
        bench.answer("bob", "a");
        bench.actions.clear();
        bench.tell(lost(returns));
        bench.pass(Duration::from_secs(wait));
        for name in ["bob", "carl"] {
            assert_eq!(bench.lamp(name), Some(Lamp::Unknown));
        }
        let states = bench.states(session);
        assert_eq!(states.len(), 2);
        assert!(states.iter().all(|state| state.full == Lamp::Unknown));
        // What comes from a source that is lost is not believed.
        bench.ring("bob", "b");
        assert_eq!(bench.lamp("bob"), Some(Lamp::Unknown));
    }
}

#[test]
fn a_loss_that_turns_final_ends_the_grace() {
    let (mut bench, _) = Bench::watching(&["bob"]);
    bench.tell(lost(true));
    assert_eq!(bench.lamp("bob"), Some(Lamp::Idle));
    bench.tell(lost(false));
    assert_eq!(bench.lamp("bob"), Some(Lamp::Unknown));
}

#[test]
fn a_monitored_user_who_is_deleted_is_unknown() {
    let (mut bench, session) = Bench::watching(&["bob", "carl"]);
    bench.ring("bob", "a");
    bench.offers(session);
    bench.tell(Input::UserDeleted(user("bob")));
    assert_eq!(bench.lamp("bob"), Some(Lamp::Unknown));
    assert_eq!(bench.lamp("carl"), Some(Lamp::Idle));
    assert_eq!(bench.offers(session).1.len(), 1);
    bench.tell(Input::UserDeleted(user("nobody")));
    bench.tell(Input::ListRead(user(WATCHER), list(&["carl"])));
    assert_eq!(bench.lamp("bob"), None);
}

fn tapped(source: u64, about: &str, data: EventData) -> Input {
    Input::Event(LineEvent {
        user: user(about),
        source: SourceId(source),
        subscription: Some(SubscriptionId::new(&format!("tap-{source}"))),
        sequence: None,
        scope: Scope::User,
        data,
    })
}

#[test]
fn a_tapped_stream_tells_of_lines_until_it_ends() {
    let mut bench = Bench::with(Rules {
        passive_lines: 2,
        ..Rules::default()
    });
    bench.tell(tapped(7, "bob", snapshot(&[call("a", CallState::Active)])));
    assert_eq!(bench.lamp("bob"), Some(Lamp::OnCall));
    bench.tell(tapped(8, "carl", snapshot(&[])));
    bench.tell(tapped(9, "dora", snapshot(&[])));
    assert_eq!(bench.lamp("dora"), None, "no room");
    bench.tell(Input::SourceLost {
        source: SourceId(7),
        returns: false,
    });
    assert_eq!(bench.lamp("bob"), None);
    assert_eq!(bench.lamp("carl"), Some(Lamp::Idle));
}

#[test]
fn our_own_subscription_goes_before_a_tapped_one() {
    let (mut bench, _) = Bench::watching(&["bob"]);
    bench.tell(tapped(7, "bob", snapshot(&[call("a", CallState::Active)])));
    assert_eq!(bench.lamp("bob"), Some(Lamp::Idle));
    bench.tell(tapped(7, "carl", snapshot(&[])));
    bench.tell(Input::ListRead(user(WATCHER), list(&["bob", "dora"])));
    bench.tell(tapped(7, "dora", snapshot(&[])));
    assert_eq!(bench.lamp("dora"), Some(Lamp::Idle));
    bench.event("dora", snapshot(&[call("a", CallState::Active)]));
    assert_eq!(bench.lamp("dora"), Some(Lamp::OnCall));
    bench.tell(Input::SourceLost {
        source: SourceId(7),
        returns: false,
    });
    assert_eq!(bench.lamp("dora"), Some(Lamp::OnCall));
}

#[test]
fn two_tapped_streams_about_one_line_are_not_mixed() {
    let mut bench = Bench::with(Rules {
        passive_lines: 10,
        ..Rules::default()
    });
    bench.tell(tapped(1, "bob", snapshot(&[call("a", CallState::Active)])));
    let stale = calls("CallAnsweredEvent", &[call("z", CallState::Active)]);
    bench.tell(tapped(2, "bob", stale));
    let ended = calls("CallReleasedEvent", &[call("a", CallState::Released)]);
    bench.tell(tapped(1, "bob", ended));
    assert_eq!(bench.lamp("bob"), Some(Lamp::Idle));
}
