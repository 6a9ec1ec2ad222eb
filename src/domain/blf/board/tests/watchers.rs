//! Watchers, lists, and what they are told.

use super::*;
use crate::domain::blf::view::WebexLamp;

#[test]
fn a_watcher_gets_everything_when_he_comes_and_when_his_list_is_known() {
    let mut bench = Bench::new();
    let session = bench.join(WATCHER, Wishes::default());
    assert!(bench.actions.contains(&Action::ReadList(user(WATCHER))));
    let first = bench.snapshots(session);
    assert!(!first[0].list_known && first[0].lines.is_empty());
    bench.tell(Input::ListRead(user(WATCHER), list(&["bob", "carl"])));
    let wanted: Vec<_> = bench
        .actions
        .iter()
        .filter(|action| matches!(action, Action::Want(_)))
        .cloned()
        .collect();
    assert_eq!(
        wanted,
        [Action::Want(user("bob")), Action::Want(user("carl"))]
    );
    let second = bench.snapshots(session);
    assert!(second[0].list_known);
    let names: Vec<_> = second[0]
        .lines
        .iter()
        .map(|line| line.user.as_str())
        .collect();
    assert_eq!(names, ["bob", "carl"]);
    assert_eq!(second[0].lines[0].name.as_deref(), Some("bob"));
    bench.tell(Input::ListRead(user(WATCHER), list(&["bob", "carl"])));
    assert_eq!(bench.actions, [], "the same list is no news");
}

#[test]
fn a_user_is_wanted_as_long_as_somebody_watches_him() {
    let (mut bench, first) = Bench::watching(&["bob"]);
    let second = bench.join("zoe", Wishes::default());
    bench.tell(Input::ListRead(user("zoe"), list(&["bob"])));
    assert!(!bench.actions.contains(&Action::Want(user("bob"))));
    bench.tell(Input::Left(first));
    bench.pass(Duration::from_secs(61));
    assert!(bench.actions.contains(&Action::StopList(user(WATCHER))));
    assert!(!bench.actions.contains(&Action::Unwant(user("bob"))));
    assert_eq!(bench.lamp("bob"), Some(Lamp::Idle));
    bench.tell(Input::Left(second));
    bench.pass(Duration::from_secs(59));
    let again = bench.join("zoe", Wishes::default());
    bench.pass(Duration::from_secs(600));
    assert_eq!(
        bench.lamp("bob"),
        Some(Lamp::Idle),
        "a reconnect costs nothing"
    );
    bench.tell(Input::ListLost(user("zoe")));
    assert!(bench.actions.contains(&Action::Unwant(user("bob"))));
    assert!(bench.snapshots(again).last().unwrap().lines.is_empty());
}

#[test]
fn sessions_are_bounded() {
    let mut bench = Bench::with(Rules {
        sessions: 3,
        sessions_per_watcher: 2,
        ..Rules::default()
    });
    let mut refusals = |watcher: &str| {
        bench.actions.clear();
        bench.join(watcher, Wishes::default());
        bench.actions.iter().find_map(|action| match action {
            Action::Refuse(_, refusal) => Some(*refusal),
            _ => None,
        })
    };
    assert_eq!(refusals("a"), None);
    assert_eq!(refusals("a"), None);
    assert_eq!(refusals("a"), Some(Refusal::TooManySessionsOfWatcher));
    assert_eq!(refusals("b"), None);
    assert_eq!(refusals("c"), Some(Refusal::TooManySessions));
}

#[test]
fn the_webex_view_is_unknown_until_the_next_event_after_coming() {
    let (mut bench, early) = Bench::watching(&["bob"]);
    bench.answer("bob", "a");
    assert_eq!(bench.states(early)[0].webex_compatible, WebexLamp::OnACall);
    let late = bench.join(WATCHER, Wishes::default());
    let came = bench.snapshots(late);
    assert_eq!(came[0].lines[0].full, Lamp::OnCall);
    assert_eq!(came[0].lines[0].webex_compatible, WebexLamp::Unknown);
    bench.ring("bob", "b");
    let told = bench.actions.clone();
    let state = bench.states(late).pop().unwrap();
    assert_eq!(state.full, Lamp::RingingBusy);
    assert_eq!(state.webex_compatible, WebexLamp::Unknown, "only a pop-up");
    bench.actions = told;
    assert_eq!(bench.states(early)[0].webex_compatible, WebexLamp::OnACall);
    let held = calls("CallHeldEvent", &[call("a", CallState::Held)]);
    bench.event("bob", held);
    assert_eq!(bench.states(late)[0].webex_compatible, WebexLamp::OnACall);
    let held = calls("CallHeldEvent", &[call("b", CallState::Held)]);
    bench.event("bob", held);
    let state = bench.states(late).pop().unwrap();
    assert_eq!(state.full, Lamp::Held);
    assert_eq!(
        state.webex_compatible,
        WebexLamp::OnACall,
        "held stays on a call"
    );
}

#[test]
fn talking_and_holding_that_flap_are_told_once() {
    let (mut bench, session) = Bench::watching(&["bob"]);
    bench.answer("bob", "a");
    assert_eq!(bench.states(session).len(), 1);
    let state = |state| calls("CallHeldEvent", &[call("a", state)]);
    for step in [CallState::Held, CallState::Active, CallState::Held] {
        bench.event("bob", state(step));
        bench.pass(Duration::from_millis(50));
    }
    assert_eq!(bench.states(session), []);
    assert_eq!(
        bench.lamp("bob"),
        Some(Lamp::Held),
        "the lamp itself is true"
    );
    bench.pass(Duration::from_millis(250));
    let states = bench.states(session);
    assert_eq!(states.len(), 1);
    assert_eq!(states[0].full, Lamp::Held);
    bench.event("bob", state(CallState::Active));
    bench.release("bob", "a");
    assert_eq!(
        bench.states(session)[0].full,
        Lamp::Idle,
        "the end does not wait"
    );
    bench.pass(Duration::from_secs(1));
    assert_eq!(bench.states(session), []);
}

#[test]
fn a_parked_call_and_do_not_disturb_are_shown() {
    let (mut bench, session) = Bench::watching(&["bob"]);
    let party = Party {
        name: Some("Dora".into()),
        ..Party::default()
    };
    bench.event("bob", EventData::Parked(Some(party.clone())));
    bench.event("bob", EventData::DoNotDisturb(Some(true)));
    let states = bench.states(session);
    assert_eq!(states[0].parked, Some(party));
    assert_eq!(states[1].do_not_disturb, Some(true));
    bench.event("bob", EventData::Parked(None));
    assert_eq!(bench.states(session)[0].parked, None);
}

#[test]
fn notices_serialise_to_the_words_of_the_api() {
    let (mut bench, session) = Bench::watching(&["bob"]);
    bench.ring("bob", "a");
    let told = bench.told(session);
    let json: Vec<_> = told
        .iter()
        .map(|told| serde_json::to_value(told).unwrap())
        .collect();
    assert_eq!(json[0]["kind"], "state");
    assert_eq!(json[0]["full"], "ringing");
    assert_eq!(json[0]["webex-compatible"], "unknown");
    assert_eq!(json[0]["calls"][0]["state"], "alerting");
    assert_eq!(json[1]["kind"], "offer");
    assert_eq!(json[1]["caller"]["name"], "Carol");
    bench.release("bob", "a");
    let withdrawn = bench.told(session).pop().unwrap();
    let withdrawn = serde_json::to_value(&withdrawn).unwrap();
    assert_eq!(withdrawn["reason"], "released");
}

#[test]
fn notices_have_growing_numbers() {
    let (mut bench, _) = Bench::watching(&["bob"]);
    bench.ring("bob", "a");
    bench.answer("bob", "a");
    bench.release("bob", "a");
    let ids: Vec<_> = bench
        .actions
        .iter()
        .filter_map(|action| match action {
            Action::Notify(notice) => Some(notice.id),
            _ => None,
        })
        .collect();
    assert!(ids.len() > 3 && ids.windows(2).all(|two| two[0] < two[1]));
}

#[test]
fn what_makes_no_sense_changes_nothing() {
    let (mut bench, session) = Bench::watching(&["bob"]);
    bench.tell(Input::Left(SessionId(99)));
    bench.tell(Input::ListRead(user("nobody"), list(&["bob"])));
    bench.tell(Input::ListLost(user("nobody")));
    bench.tell(Input::Fetch(user("nobody")));
    bench.tell(Input::CallsFetched(FetchId(99), user("bob"), None));
    bench.tell(Input::Joined {
        session,
        watcher: user("mallory"),
        wishes: Wishes::default(),
    });
    let nobody = SubscriptionId::new("x");
    bench.tell(Input::SubscriptionLost(nobody, Scope::User));
    bench.ring("nobody", "a");
    assert_eq!(bench.actions, []);
    assert_eq!(bench.lamp("bob"), Some(Lamp::Idle));
}
