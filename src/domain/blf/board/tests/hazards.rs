//! What can go wrong with a line (Xsi-Events field page, 4.5).

use super::*;

#[test]
fn a_gap_asks_for_a_refresh_and_darkens_the_lamp_when_none_comes() {
    let (mut bench, _) = Bench::watching(&["bob"]);
    bench.sequence += 1;
    bench.ring("bob", "a");
    assert_eq!(bench.refreshes(), 1);
    assert_eq!(bench.lamp("bob"), Some(Lamp::Ringing));
    bench.pass(Duration::from_secs(5));
    assert_eq!(bench.lamp("bob"), Some(Lamp::Unknown));
    bench.event("bob", snapshot(&[call("a", CallState::Active)]));
    assert_eq!(bench.lamp("bob"), Some(Lamp::OnCall));
}

#[test]
fn a_snapshot_in_time_heals_a_gap() {
    let (mut bench, _) = Bench::watching(&["bob"]);
    bench.sequence += 1;
    bench.ring("bob", "a");
    bench.event("bob", snapshot(&[]));
    bench.pass(Duration::from_secs(10));
    assert_eq!(bench.lamp("bob"), Some(Lamp::Idle));
}

#[test]
fn numbers_wrap_from_the_last_to_one() {
    let mut bench = Bench::new();
    bench.join(WATCHER, Wishes::default());
    bench.tell(Input::ListRead(user(WATCHER), list(&["bob"])));
    bench.numbered("bob", 2_147_483_646, snapshot(&[]));
    bench.actions.clear();
    let ringing = calls("CallReceivedEvent", &[call("a", CallState::Alerting)]);
    bench.numbered("bob", 2_147_483_647, ringing);
    let released = calls("CallReleasedEvent", &[call("a", CallState::Released)]);
    bench.numbered("bob", 1, released.clone());
    assert_eq!(bench.lamp("bob"), Some(Lamp::Idle));
    assert_eq!(bench.refreshes(), 0);
    let late = calls("CallReceivedEvent", &[call("b", CallState::Alerting)]);
    bench.numbered("bob", 2_147_483_647, late);
    assert_eq!(bench.lamp("bob"), Some(Lamp::Idle), "older than the wrap");
}

#[test]
fn an_old_event_changes_nothing_and_a_server_that_counts_anew_is_believed() {
    let (mut bench, _) = Bench::watching(&["bob"]);
    bench.numbered("bob", 100, snapshot(&[]));
    bench.numbered("bob", 7, snapshot(&[call("a", CallState::Active)]));
    assert_eq!(bench.lamp("bob"), Some(Lamp::Idle));
    assert!(bench.refreshes() > 0, "an old number is odd: refreshed");
    bench.numbered("bob", 8, snapshot(&[call("a", CallState::Active)]));
    assert_eq!(bench.lamp("bob"), Some(Lamp::OnCall));
}

#[test]
fn odd_numbers_of_a_peer_do_no_harm() {
    let (mut bench, _) = Bench::watching(&["bob"]);
    for number in [0, u32::MAX, 2_147_483_648, 1, 0, u32::MAX] {
        bench.numbered(
            "bob",
            number,
            calls("CallUpdatedEvent", &[call("a", CallState::Active)]),
        );
    }
}

#[test]
fn a_call_that_ended_is_not_revived_by_late_news() {
    let (mut bench, _) = Bench::watching(&["carl"]);
    bench.ring("carl", "a");
    bench.release("carl", "a");
    bench.pass(Duration::from_secs(29));
    bench.ring("carl", "a");
    assert_eq!(bench.lamp("carl"), Some(Lamp::Idle));
    bench.pass(Duration::from_secs(2));
    bench.ring("carl", "a");
    assert_eq!(
        bench.lamp("carl"),
        Some(Lamp::Ringing),
        "ids may come again"
    );
}

#[test]
fn a_call_of_four_hours_and_a_ringing_of_three_minutes_are_checked() {
    let (mut bench, _) = Bench::watching(&["bob"]);
    bench.ring("bob", "a");
    bench.pass(Duration::from_secs(179));
    assert_eq!(bench.refreshes(), 0);
    bench.pass(Duration::from_secs(2));
    assert_eq!(bench.refreshes(), 1);
    bench.answer("bob", "a");
    bench.pass(Duration::from_secs(4 * 3_600 - 2));
    assert_eq!(bench.refreshes(), 0);
    bench.pass(Duration::from_secs(4));
    assert_eq!(bench.refreshes(), 1);
    bench.event("bob", snapshot(&[]));
    assert_eq!(bench.lamp("bob"), Some(Lamp::Idle));
}

#[test]
fn events_since_a_reading_began_go_before_the_reading() {
    let (mut bench, _) = Bench::watching(&["bob"]);
    bench.answer("bob", "old");
    bench.answer("bob", "stays");
    bench.tell(Input::Fetch(user("bob")));
    let Some(Action::FetchCalls(id, who)) = bench.actions.pop() else {
        panic!("a reading");
    };
    bench.release("bob", "old");
    bench.ring("bob", "new");
    let fetched = Fetched {
        calls: vec![
            call("old", CallState::Active),
            call("stays", CallState::Held),
        ],
        hook: Some(HookStatus::OffHook),
    };
    bench.tell(Input::CallsFetched(id, who.clone(), Some(fetched.clone())));
    assert_eq!(bench.lamp("bob"), Some(Lamp::RingingBusy));
    let state = bench.board.line(&user("bob"), true).unwrap().0;
    let kept: Vec<_> = state.calls.iter().map(|call| call.call.as_str()).collect();
    assert_eq!(kept, ["new", "stays"]);
    bench.release("bob", "new");
    assert_eq!(bench.lamp("bob"), Some(Lamp::Held));
    bench.tell(Input::CallsFetched(id, who, Some(fetched)));
    assert_eq!(
        bench.lamp("bob"),
        Some(Lamp::Held),
        "its result counts once"
    );
}

#[test]
fn a_snapshot_event_goes_before_a_reading_that_began_earlier() {
    let (mut bench, _) = Bench::watching(&["bob"]);
    bench.tell(Input::Fetch(user("bob")));
    let Some(Action::FetchCalls(id, who)) = bench.actions.pop() else {
        panic!("a reading");
    };
    bench.event("bob", snapshot(&[]));
    let fetched = Fetched {
        calls: vec![call("a", CallState::Active)],
        hook: None,
    };
    bench.tell(Input::CallsFetched(id, who, Some(fetched)));
    assert_eq!(bench.lamp("bob"), Some(Lamp::Idle));
}

fn collective(bench: &mut Bench, about: &str, sequence: u32, data: EventData) {
    bench.tell(Input::Event(LineEvent {
        user: user(about),
        source: SourceId::OWN,
        subscription: Some(SubscriptionId::new("all")),
        sequence: Some(sequence),
        scope: Scope::Collection,
        data,
    }));
}

#[test]
fn a_collection_makes_a_line_known_by_use_or_by_its_end() {
    let mut bench = Bench::new();
    bench.join(WATCHER, Wishes::default());
    bench.tell(Input::ListRead(
        user(WATCHER),
        list(&["bob", "carl", "dora"]),
    ));
    let dnd = EventData::DoNotDisturb(Some(true));
    collective(&mut bench, "bob", 3, dnd);
    assert_eq!(bench.lamp("bob"), Some(Lamp::Unknown));
    let ringing = calls("CallReceivedEvent", &[call("a", CallState::Alerting)]);
    collective(&mut bench, "bob", 4, ringing);
    assert_eq!(bench.lamp("bob"), Some(Lamp::Ringing));
    let released = calls("CallReleasedEvent", &[call("b", CallState::Released)]);
    collective(&mut bench, "carl", 5, released);
    assert_eq!(bench.lamp("carl"), Some(Lamp::Idle));
    collective(&mut bench, "dora", 6, EventData::Hook(HookStatus::OnHook));
    assert_eq!(bench.lamp("dora"), Some(Lamp::Idle));
    // Numbers in between belong to others: no gap.
    let answered = calls("CallAnsweredEvent", &[call("a", CallState::Active)]);
    bench.actions.clear();
    collective(&mut bench, "bob", 90, answered);
    assert_eq!(bench.refreshes(), 0);
    assert_eq!(bench.lamp("bob"), Some(Lamp::OnCall));
}

#[test]
fn a_line_that_was_read_is_kept_by_its_collection_and_lost_with_it() {
    let mut bench = Bench::new();
    bench.join(WATCHER, Wishes::default());
    bench.tell(Input::ListRead(user(WATCHER), list(&["bob", "carl"])));
    for name in ["bob", "carl"] {
        bench.tell(Input::Fetch(user(name)));
        let Some(Action::FetchCalls(id, who)) = bench.actions.pop() else {
            panic!("a reading");
        };
        let nothing = Fetched {
            calls: Vec::new(),
            hook: Some(HookStatus::OnHook),
        };
        bench.tell(Input::CallsFetched(id, who, Some(nothing)));
        assert_eq!(bench.lamp(name), Some(Lamp::Idle));
    }
    let dnd = EventData::DoNotDisturb(Some(true));
    collective(&mut bench, "bob", 1, dnd);
    assert_eq!(
        bench.lamp("bob"),
        Some(Lamp::Idle),
        "the collection takes over"
    );
    let all = SubscriptionId::new("all");
    bench.tell(Input::SubscriptionLost(all, Scope::Collection));
    assert_eq!(bench.lamp("bob"), Some(Lamp::Unknown));
    assert_eq!(bench.lamp("carl"), Some(Lamp::Unknown));
}

#[test]
fn a_line_of_which_nothing_is_known_is_asked_for_again() {
    let mut bench = Bench::new();
    bench.join(WATCHER, Wishes::default());
    bench.tell(Input::ListRead(user(WATCHER), list(&["bob"])));
    bench.actions.clear();
    bench.pass(Duration::from_secs(181));
    assert_eq!(bench.refreshes(), 3);
    bench.event("bob", snapshot(&[]));
    bench.pass(Duration::from_secs(600));
    assert_eq!(bench.refreshes(), 0);
}

#[test]
fn a_wall_clock_that_jumps_changes_nothing() {
    let (mut bench, session) = Bench::watching(&["bob"]);
    bench.ring("bob", "a");
    for seconds in [0, 1 << 31] {
        bench.now.wall = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        bench.pass(Duration::from_secs(1));
    }
    assert_eq!(bench.lamp("bob"), Some(Lamp::Ringing));
    assert_eq!(bench.offers(session).0.len(), 1);
}

#[test]
fn more_calls_than_anyone_has_are_bounded() {
    let (mut bench, _) = Bench::watching(&["carl"]);
    for index in 0..200 {
        bench.answer("carl", &index.to_string());
    }
    assert_eq!(bench.lamp("carl"), Some(Lamp::OnCall));
    for index in 0..200 {
        bench.release("carl", &index.to_string());
    }
    assert_eq!(bench.lamp("carl"), Some(Lamp::Idle));
}
