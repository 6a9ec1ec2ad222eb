//! Subscriptions by hand; the simulation of the tracker does the rest.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test looks for one thing among many and fails on the others"
)]

use std::collections::BTreeSet;

use super::*;
use crate::domain::events::channel::Standing;
use crate::domain::events::document::EventData;
use crate::domain::events::document::SubscriptionEvent;
use crate::domain::events::ids::EventId;
use crate::domain::machine::Machine;
use crate::domain::machine::Now;
use crate::platform::clock;

struct Bench {
    machine: Subscriptions,
    now: Now,
}

fn user(name: &str) -> UserId {
    UserId::new(name)
}

fn id(name: &str) -> SubscriptionId {
    SubscriptionId::new(name)
}

fn event(subscription: &str, about: &str) -> SubscriptionEvent {
    SubscriptionEvent {
        id: EventId::new("e"),
        sequence: Some(1),
        owner: None,
        application: None,
        subscription: Some(id(subscription)),
        shared: None,
        delivery: None,
        target: Some(user(about)),
        target_part: None,
        data: EventData::Other { name: "x".into() },
    }
}

impl Bench {
    fn new(rules: Rules) -> Self {
        let now = clock::now();
        let mut bench = Self {
            machine: Subscriptions::new(rules, 3, now),
            now,
        };
        bench.tell(Input::SourceBack);
        bench
    }

    /// With a living subscription for each user, named after him.
    fn living(users: &[&str]) -> Self {
        let mut bench = Self::new(Rules::default());
        for name in users {
            bench.tell(Input::Want(user(name)));
            let ticket = bench.creation().0;
            bench.grant(ticket, name);
        }
        bench
    }

    fn tell(&mut self, input: Input) -> Vec<Action> {
        self.machine.handle(input, self.now);
        self.actions()
    }

    fn grant(&mut self, ticket: Ticket, name: &str) -> Vec<Action> {
        let granted = Granted {
            id: id(name),
            expires: Some(86_400),
        };
        self.tell(Input::Created(ticket, Ok(granted)))
    }

    fn actions(&mut self) -> Vec<Action> {
        self.machine.check_invariants();
        std::iter::from_fn(|| self.machine.poll_action()).collect()
    }

    fn wait(&mut self) -> (Duration, Vec<Action>) {
        let at = self.machine.deadline().unwrap();
        let waited = at.saturating_duration_since(self.now.mono);
        self.now.mono += waited;
        self.machine.handle_timeout(self.now);
        (waited, self.actions())
    }

    /// All that is done within a time.
    fn pass(&mut self, time: Duration) -> Vec<Action> {
        let end = self.now.mono + time;
        let mut all = Vec::new();
        while self.machine.deadline().is_some_and(|at| at <= end) {
            all.extend(self.wait().1);
        }
        self.now.mono = end;
        all
    }

    fn creation(&mut self) -> (Ticket, Target) {
        loop {
            for action in self.wait().1 {
                if let Action::Create(ticket, target) = action {
                    return (ticket, target);
                }
            }
        }
    }

    fn update(&mut self, within: Duration) -> Option<(Ticket, SubscriptionId)> {
        self.pass(within)
            .into_iter()
            .find_map(|action| match action {
                Action::Update(ticket, id, _) => Some((ticket, id)),
                _ => None,
            })
    }
}

#[test]
fn a_start_is_paced_and_bounded() {
    let mut bench = Bench::new(Rules {
        at_once: 1_000,
        ..Rules::default()
    });
    for index in 0..100 {
        bench.tell(Input::Want(user(&index.to_string())));
    }
    bench.wait();
    let begun = bench.pass(Duration::from_secs(1)).len();
    assert!((19..=21).contains(&begun), "{begun} in a second");
    let mut bounded = Bench::new(Rules::default());
    for index in 0..100 {
        bounded.tell(Input::Want(user(&index.to_string())));
    }
    assert_eq!(bounded.pass(Duration::from_secs(10)).len(), 16, "at once");
}

#[test]
fn nothing_is_asked_while_no_channel_is_up() {
    let mut bench = Bench::new(Rules::default());
    bench.tell(Input::SourceLost);
    bench.tell(Input::Want(user("bob")));
    assert_eq!(bench.machine.deadline(), None);
    bench.tell(Input::SourceBack);
    assert_eq!(bench.creation().1, Target::User(user("bob")));
}

#[test]
fn a_subscription_is_refreshed_at_half_of_its_life() {
    let mut bench = Bench::living(&["bob"]);
    let (waited, actions) = bench.wait();
    assert!(waited >= Duration::from_secs(43_199), "{waited:?}");
    assert!(matches!(&actions[..], [Action::Update(_, id, 86_400)] if id.as_str() == "bob"));
}

#[test]
fn a_refresh_that_is_denied_means_gone_and_it_is_made_again() {
    let mut bench = Bench::living(&["bob"]);
    bench.tell(Input::Refresh(user("bob")));
    let (ticket, _) = bench.update(Duration::from_secs(31)).unwrap();
    let actions = bench.tell(Input::Updated(ticket, Err(Fault::Denied)));
    assert_eq!(actions, [Action::Lost(id("bob"), Scope::User)]);
    let (ticket, target) = bench.creation();
    assert_eq!(target, Target::User(user("bob")));
    assert_eq!(bench.grant(ticket, "bob-2"), []);
    assert_eq!(bench.machine.user(&id("bob-2")), Some(&user("bob")));
    assert_eq!(bench.machine.user(&id("bob")), None);
}

#[test]
fn a_target_that_is_denied_is_tried_again_much_later() {
    for fault in [Fault::Denied, Fault::Gone] {
        let mut bench = Bench::new(Rules::default());
        bench.tell(Input::Want(user("bob")));
        let (ticket, target) = bench.creation();
        let actions = bench.tell(Input::Created(ticket, Err(fault)));
        assert_eq!(actions, [Action::Refused(target, fault)]);
        let (waited, _) = bench.wait();
        assert!(waited >= Duration::from_secs(300), "{waited:?}");
    }
}

#[test]
fn failures_are_repeated_with_growing_pauses() {
    let mut bench = Bench::new(Rules::default());
    bench.tell(Input::Want(user("bob")));
    let mut pauses = Vec::new();
    for _ in 0..8 {
        let before = bench.now.mono;
        let (ticket, _) = bench.creation();
        pauses.push((bench.now.mono - before).as_secs());
        bench.tell(Input::Created(ticket, Err(Fault::Failed)));
    }
    assert_eq!(pauses[1..], [1, 2, 4, 8, 16, 32, 60]);
}

#[test]
fn a_result_that_never_comes_counts_as_failed() {
    let mut bench = Bench::new(Rules::default());
    bench.tell(Input::Want(user("bob")));
    let (lost, _) = bench.creation();
    let (next, _) = bench.creation();
    assert_ne!(lost, next);
    // It comes after all: nobody wants it any more.
    assert_eq!(bench.grant(lost, "late"), [Action::Delete(id("late"))]);
    assert_eq!(bench.grant(next, "bob"), []);
}

#[test]
fn refreshes_of_one_user_are_joined_and_kept_apart() {
    let mut bench = Bench::living(&["bob"]);
    bench.pass(Duration::from_secs(60));
    for _ in 0..5 {
        bench.tell(Input::Refresh(user("bob")));
    }
    let (waited, actions) = bench.wait();
    assert_eq!(waited, Duration::from_secs(1));
    let [Action::Update(ticket, ..)] = actions[..] else {
        panic!("{actions:?}");
    };
    bench.tell(Input::Refresh(user("bob")));
    bench.tell(Input::Updated(ticket, Ok(Some(86_400))));
    assert_eq!(bench.update(Duration::from_secs(29)), None);
    assert!(bench.update(Duration::from_secs(2)).is_some());
}

#[test]
fn everything_is_refreshed_when_the_channel_is_back() {
    let mut bench = Bench::living(&["bob", "carl"]);
    bench.tell(Input::SourceLost);
    assert!(bench.pass(Duration::from_secs(90_000)).is_empty());
    bench.tell(Input::SourceBack);
    let refreshed: BTreeSet<_> = bench
        .pass(Duration::from_secs(3))
        .into_iter()
        .map(|action| match action {
            Action::Update(_, id, _) => id,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(refreshed, BTreeSet::from([id("bob"), id("carl")]));
}

#[test]
fn a_terminated_subscription_is_made_again() {
    let mut bench = Bench::living(&["bob"]);
    let actions = bench.tell(Input::Terminated(id("bob")));
    assert_eq!(actions, [Action::Lost(id("bob"), Scope::User)]);
    assert_eq!(bench.tell(Input::Terminated(id("bob"))), []);
    assert_eq!(bench.creation().1, Target::User(user("bob")));
}

#[test]
fn a_subscription_that_ends_before_its_answer_comes_is_made_again() {
    let mut bench = Bench::new(Rules::default());
    bench.tell(Input::Want(user("bob")));
    let (ticket, _) = bench.creation();
    assert_eq!(bench.tell(Input::Terminated(id("bob"))), []);
    let actions = bench.grant(ticket, "bob");
    assert_eq!(actions, [Action::Lost(id("bob"), Scope::User)]);
    assert_eq!(bench.creation().1, Target::User(user("bob")));
}

#[test]
fn an_unwanted_user_costs_nothing_any_more() {
    let mut bench = Bench::living(&["bob"]);
    let actions = bench.tell(Input::Unwant(user("bob")));
    assert_eq!(
        actions,
        [
            Action::Lost(id("bob"), Scope::User),
            Action::Delete(id("bob"))
        ]
    );
    assert_eq!(bench.machine.deadline(), None);
    bench.tell(Input::Want(user("carl")));
    let (ticket, _) = bench.creation();
    bench.tell(Input::Unwant(user("carl")));
    assert_eq!(bench.grant(ticket, "carl"), [Action::Delete(id("carl"))]);
    assert_eq!(bench.machine.counts(), (0, 0));
}

#[test]
fn the_standing_of_an_event_decides_how_it_is_acknowledged() {
    let mut bench = Bench::living(&["bob"]);
    let standing = |bench: &Bench, sub, about| bench.machine.standing(&event(sub, about));
    assert_eq!(standing(&bench, "bob", "bob"), Standing::Current);
    assert_eq!(standing(&bench, "old", "bob"), Standing::Stale);
    assert_eq!(standing(&bench, "old", "nobody"), Standing::Stale);
    bench.tell(Input::Want(user("carl")));
    // Ended now, our own subscription might end with it.
    assert_eq!(standing(&bench, "old", "carl"), Standing::Foreign);
    bench.creation();
    // The first event may come before the answer.
    assert_eq!(standing(&bench, "new", "carl"), Standing::Current);
}

#[test]
fn many_users_are_subscribed_together_and_few_again_one_by_one() {
    let mut bench = Bench::new(Rules {
        collections_above: Some(4),
        collections: vec![Collection::ServiceProvider("sp".into())],
        ..Rules::default()
    });
    for index in 0..5 {
        bench.tell(Input::Want(user(&index.to_string())));
    }
    let (ticket, target) = bench.creation();
    assert_eq!(target.scope(), Scope::Collection);
    bench.grant(ticket, "all");
    assert_eq!(bench.machine.scope(Some(&id("all"))), Scope::Collection);
    assert_eq!(
        bench.machine.standing(&event("all", "1")),
        Standing::Current
    );
    assert_eq!(bench.machine.standing(&event("old", "1")), Standing::Stale);
    let read: BTreeSet<_> = bench
        .pass(Duration::from_secs(3))
        .into_iter()
        .map(|action| match action {
            Action::Fetch(user) => user,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(read.len(), 5, "each is read once");
    bench.tell(Input::Refresh(user("1")));
    assert_eq!(
        bench.pass(Duration::from_secs(31)),
        [Action::Fetch(user("1"))]
    );
    bench.tell(Input::Unwant(user("0")));
    bench.tell(Input::Unwant(user("1")));
    let actions = bench.tell(Input::Unwant(user("2")));
    assert!(actions.contains(&Action::Delete(id("all"))));
    assert_eq!(bench.creation().1.scope(), Scope::User);
}

#[test]
fn a_server_that_gives_one_id_twice_is_not_believed() {
    let mut bench = Bench::living(&["bob"]);
    bench.tell(Input::Want(user("carl")));
    let (ticket, _) = bench.creation();
    bench.grant(ticket, "bob");
    assert_eq!(bench.machine.user(&id("bob")), Some(&user("bob")));
    assert_eq!(bench.creation().1, Target::User(user("carl")));
}
