//! One channel by hand; the simulation does the rest.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test looks for one thing among many and fails on the others"
)]

use super::*;
use crate::domain::events::document::ChannelEntry;
use crate::domain::events::document::EventData;
use crate::domain::machine::Machine;
use crate::domain::machine::Now;
use crate::platform::clock;

struct Bench {
    set: ChannelSet,
    now: Now,
}

fn event(id: &str) -> Document {
    Document::Event(Box::new(SubscriptionEvent {
        id: EventId::new(id),
        sequence: Some(1),
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

fn opened(expires: u32) -> Document {
    Document::ChannelOpened(ChannelEntry {
        id: ChannelId::new("c"),
        set: None,
        expires: Some(expires),
    })
}

fn ended(reason: TerminatedReason) -> Document {
    Document::ChannelTerminated {
        channel: Some(ChannelId::new("c")),
        reason,
    }
}

impl Bench {
    fn new() -> Self {
        let now = clock::now();
        Self {
            set: ChannelSet::new(Rules::default(), 1, 7, now),
            now,
        }
    }

    /// With a channel that is up.
    fn up(expires: u32) -> (Self, Attempt) {
        let mut bench = Self::new();
        let attempt = bench.opening();
        bench.document(attempt, opened(expires));
        (bench, attempt)
    }

    fn actions(&mut self) -> Vec<Action> {
        self.set.check_invariants();
        std::iter::from_fn(|| self.set.poll_action()).collect()
    }

    /// Waits for the next thing that is due.
    fn wait(&mut self) -> (Duration, Vec<Action>) {
        let at = self.set.deadline().unwrap();
        let waited = at.saturating_duration_since(self.now.mono);
        self.now.mono += waited;
        self.set.handle_timeout(self.now);
        (waited, self.actions())
    }

    /// Waits until it opens a stream, and how long that was.
    fn opens(&mut self) -> (Duration, Attempt) {
        let mut whole = Duration::ZERO;
        loop {
            let (waited, actions) = self.wait();
            whole += waited;
            let open = actions.iter().find_map(|action| match action {
                Action::Open { attempt, .. } => Some(*attempt),
                _ => None,
            });
            if let Some(attempt) = open {
                return (whole, attempt);
            }
        }
    }

    fn opening(&mut self) -> Attempt {
        self.opens().1
    }

    fn tell(&mut self, attempt: Attempt, happening: Happening) -> Vec<Action> {
        self.set.handle(Input::On(attempt, happening), self.now);
        self.actions()
    }

    fn document(&mut self, attempt: Attempt, document: Document) -> Vec<Action> {
        let happening = Happening::Document(document, Standing::Current);
        self.tell(attempt, happening)
    }

    /// A heartbeat is answered and echoed.
    fn beat(&mut self, attempt: Attempt) {
        self.tell(attempt, Happening::HeartbeatEnded(Outcome::Done));
        self.document(attempt, Document::HeartBeat);
    }

    fn lost(actions: &[Action]) -> Option<&LostReason> {
        actions.iter().find_map(|action| match action {
            Action::Announce(Change::Lost(_, reason)) => Some(reason),
            _ => None,
        })
    }
}

#[test]
fn a_channel_opens_and_says_that_events_flow() {
    let mut bench = Bench::new();
    let attempt = bench.opening();
    let actions = bench.document(attempt, opened(3_600));
    assert_eq!(
        actions,
        [
            Action::Announce(Change::Up(Xsp(0), ChannelId::new("c"))),
            Action::Announce(Change::SourceBack)
        ]
    );
    assert!(bench.set.is_up());
    assert_eq!(bench.set.xsp_of(attempt), Some(Xsp(0)));
}

#[test]
fn openings_that_fail_are_paused_twice_as_long_each_time() {
    let mut bench = Bench::new();
    let mut pauses = Vec::new();
    for _ in 0..9 {
        let (pause, attempt) = bench.opens();
        pauses.push(pause);
        bench.tell(attempt, Happening::OpenFailed(OpenFailure::Io));
    }
    let longest = |place: u32| Duration::from_secs((1 << place).min(60));
    for (place, pause) in pauses.iter().skip(1).enumerate() {
        let longest = longest(u32::try_from(place).unwrap());
        assert!(*pause >= longest / 2 && *pause <= longest, "{pauses:?}");
    }
}

#[test]
fn a_denied_account_waits_a_minute_and_raises_an_alarm_until_it_is_let_in() {
    let mut bench = Bench::new();
    let attempt = bench.opening();
    let actions = bench.tell(attempt, Happening::OpenFailed(OpenFailure::Denied));
    assert!(actions.contains(&Action::Raise(Xsp(0), Alarm::Denied)));
    let (pause, attempt) = bench.opens();
    assert!(pause >= Duration::from_secs(60));
    let actions = bench.document(attempt, opened(3_600));
    assert!(actions.contains(&Action::Clear(Xsp(0), Alarm::Denied)));
}

#[test]
fn redirects_are_followed_three_times() {
    let mut bench = Bench::new();
    let mut attempt = bench.opening();
    for hop in 0..4 {
        let to = OpenFailure::Redirected("https://xsp2/".into());
        let actions = bench.tell(attempt, Happening::OpenFailed(to));
        let open = actions.iter().find_map(|action| match action {
            Action::Open {
                attempt, location, ..
            } => Some((*attempt, location.as_deref())),
            _ => None,
        });
        if hop < 3 {
            let (next, location) = open.unwrap();
            assert_eq!(location, Some("https://xsp2/"));
            assert_ne!(next, attempt);
            attempt = next;
        } else {
            assert_eq!(open, None);
            assert_eq!(Bench::lost(&actions), Some(&LostReason::Redirects));
        }
    }
}

#[test]
fn a_stream_without_channel_is_given_up_after_ten_seconds() {
    let mut bench = Bench::new();
    bench.opening();
    let (waited, actions) = bench.wait();
    assert_eq!(waited, Duration::from_secs(10));
    assert_eq!(Bench::lost(&actions), Some(&LostReason::NoChannel));
}

#[test]
fn heartbeats_come_every_fifteen_seconds_and_never_overlap() {
    let (mut bench, attempt) = Bench::up(NEVER);
    let beat = Action::Heartbeat(attempt, ChannelId::new("c"));
    for _ in 0..3 {
        let (waited, actions) = bench.wait();
        assert_eq!(
            (waited, actions),
            (Duration::from_secs(15), vec![beat.clone()])
        );
        bench.beat(attempt);
    }
    bench.wait();
    // Without a result for ten seconds it counts as failed, and is tried again.
    let (waited, actions) = bench.wait();
    assert_eq!((waited, actions), (Duration::from_secs(10), Vec::new()));
    assert_eq!(bench.wait(), (Duration::from_secs(1), vec![beat]));
}

#[test]
fn an_xsp_that_answers_no_heartbeat_is_lost_after_its_time_out() {
    let (mut bench, attempt) = Bench::up(NEVER);
    let up = bench.now.mono;
    loop {
        let (_, actions) = bench.wait();
        if Bench::lost(&actions).is_some() {
            assert_eq!(Bench::lost(&actions), Some(&LostReason::HeartbeatFailed));
            break;
        }
        bench.tell(attempt, Happening::HeartbeatEnded(Outcome::Failed));
    }
    assert_eq!(bench.now.mono - up, Duration::from_secs(30));
}

#[test]
fn a_heartbeat_that_is_refused_loses_the_channel_at_once() {
    let (mut bench, attempt) = Bench::up(NEVER);
    bench.wait();
    let actions = bench.tell(attempt, Happening::HeartbeatEnded(Outcome::Gone));
    assert_eq!(Bench::lost(&actions), Some(&LostReason::HeartbeatRefused));
    assert!(actions.contains(&Action::Close(attempt)));
    let lost = Change::SourceLost { returns: true };
    assert!(actions.contains(&Action::Announce(lost)));
}

#[test]
fn heartbeats_without_echo_are_a_stream_that_is_held_back() {
    let (mut bench, attempt) = Bench::up(NEVER);
    let (_, _) = bench.wait();
    let first = bench.now.mono;
    let raised = loop {
        bench.tell(attempt, Happening::HeartbeatEnded(Outcome::Done));
        let (_, actions) = bench.wait();
        if Bench::lost(&actions).is_some() {
            break actions;
        }
    };
    assert_eq!(bench.now.mono - first, Duration::from_secs(30));
    assert_eq!(Bench::lost(&raised), Some(&LostReason::BufferedStream));
    assert!(raised.contains(&Action::Raise(Xsp(0), Alarm::BufferedStream)));
    let attempt = bench.opening();
    let actions = bench.document(attempt, opened(NEVER));
    let clear = Action::Clear(Xsp(0), Alarm::BufferedStream);
    assert!(!actions.contains(&clear), "opening proves nothing");
    assert_eq!(bench.document(attempt, Document::HeartBeat), [clear]);
}

#[test]
fn an_echo_may_come_before_the_answer() {
    let (mut bench, attempt) = Bench::up(NEVER);
    for _ in 0..10 {
        bench.wait();
        bench.document(attempt, Document::HeartBeat);
        bench.tell(attempt, Happening::HeartbeatEnded(Outcome::Done));
    }
    assert!(bench.set.is_up());
}

#[test]
fn a_channel_is_refreshed_at_half_of_what_was_granted() {
    let (mut bench, attempt) = Bench::up(600);
    let up = bench.now.mono;
    loop {
        let (_, actions) = bench.wait();
        let refresh = Action::Refresh(attempt, ChannelId::new("c"), 3_600);
        let due = actions.contains(&refresh);
        bench.beat(attempt);
        if due {
            break;
        }
    }
    assert_eq!(bench.now.mono - up, Duration::from_secs(300));
}

#[test]
fn an_event_that_comes_twice_is_acknowledged_twice_and_delivered_once() {
    let (mut bench, attempt) = Bench::up(NEVER);
    let acknowledge = Action::Acknowledge(attempt, EventId::new("e"), AckStatus::Done);
    let actions = bench.document(attempt, event("e"));
    let Document::Event(same) = event("e") else {
        panic!("an event");
    };
    assert_eq!(actions, [Action::Deliver(same), acknowledge.clone()]);
    bench.tell(
        attempt,
        Happening::Acknowledged(EventId::new("e"), Outcome::Done),
    );
    assert_eq!(bench.document(attempt, event("e")), [acknowledge]);
}

#[test]
fn events_of_a_stale_subscription_end_it_and_foreign_ones_are_dropped() {
    let (mut bench, attempt) = Bench::up(NEVER);
    for (standing, status) in [
        (Standing::Stale, AckStatus::NoSuchSubscription),
        (Standing::Foreign, AckStatus::Done),
    ] {
        let id = EventId::new(status.code().to_string().as_str());
        let happening = Happening::Document(event(id.as_str()), standing);
        let actions = bench.tell(attempt, happening);
        assert_eq!(actions, [Action::Acknowledge(attempt, id, status)]);
    }
}

#[test]
fn four_acknowledgements_run_at_once_and_none_is_forgotten() {
    let (mut bench, attempt) = Bench::up(NEVER);
    let mut running = Vec::new();
    let sent = |actions: Vec<Action>| {
        actions.into_iter().filter_map(|action| match action {
            Action::Acknowledge(_, event, _) => Some(event),
            _ => None,
        })
    };
    for index in 0..10 {
        let actions = bench.document(attempt, event(&index.to_string()));
        running.extend(sent(actions));
    }
    assert_eq!(running.len(), 4);
    let mut done = 0;
    while let Some(event) = running.pop() {
        done += 1;
        let actions = bench.tell(attempt, Happening::Acknowledged(event, Outcome::Done));
        running.extend(sent(actions));
        assert!(running.len() <= 4);
    }
    assert_eq!(done, 10);
}

#[test]
fn acknowledgements_that_fail_are_repeated_and_then_the_channel_is_given_up() {
    let (mut bench, attempt) = Bench::up(NEVER);
    bench.document(attempt, event("e"));
    let mut tries = 1;
    let reason = loop {
        let failed = Happening::Acknowledged(EventId::new("e"), Outcome::Failed);
        let actions = bench.tell(attempt, failed);
        if let Some(reason) = Bench::lost(&actions) {
            break reason.clone();
        }
        let (waited, _) = bench.wait();
        assert_eq!(waited, Duration::from_secs(1));
        tries += 1;
    };
    assert_eq!((tries, reason), (5, LostReason::AcksFailing));
}

#[test]
fn more_acknowledgements_than_may_wait_end_the_channel() {
    let (mut bench, attempt) = Bench::up(NEVER);
    let rules = Rules::default();
    for index in 0..rules.acks_at_once + rules.acks_waiting {
        let actions = bench.document(attempt, event(&index.to_string()));
        assert_eq!(Bench::lost(&actions), None, "{index}");
    }
    let actions = bench.document(attempt, event("one more"));
    assert_eq!(Bench::lost(&actions), Some(&LostReason::AcksOverflow));
}

#[test]
fn each_reason_of_termination_has_its_pause_and_alarm() {
    for (reason, pause, alarm) in [
        (TerminatedReason::Expired, 0..=0, None),
        (TerminatedReason::ExplicitDelete, 0..=1, None),
        (
            TerminatedReason::NonResponsiveChannel,
            0..=1,
            Some(Alarm::NonResponsiveChannel),
        ),
        (
            TerminatedReason::UnknownChannel,
            0..=1,
            Some(Alarm::UnknownChannel),
        ),
        (
            TerminatedReason::DuplicateChannelSet,
            60..=90,
            Some(Alarm::DuplicateChannelSet),
        ),
    ] {
        let (mut bench, attempt) = Bench::up(NEVER);
        let actions = bench.document(attempt, ended(reason.clone()));
        let raised = actions.iter().find_map(|action| match action {
            Action::Raise(_, alarm) => Some(*alarm),
            _ => None,
        });
        assert_eq!(raised, alarm, "{reason:?}");
        let acknowledged = |action: &Action| matches!(action, Action::Acknowledge(..));
        assert!(!actions.iter().any(acknowledged));
        let (waited, _) = bench.opens();
        assert!(pause.contains(&waited.as_secs()), "{reason:?}: {waited:?}");
    }
}

#[test]
fn a_deleted_account_stops_and_nothing_comes_back_by_itself() {
    let (mut bench, attempt) = Bench::up(NEVER);
    let actions = bench.document(attempt, ended(TerminatedReason::UserDeleted));
    let lost = Change::SourceLost { returns: false };
    assert!(actions.contains(&Action::Announce(lost)));
    assert!(actions.contains(&Action::Raise(Xsp(0), Alarm::UserDeleted)));
    assert_eq!(bench.set.deadline(), None);
}

#[test]
fn the_end_of_another_channel_is_not_ours() {
    let (mut bench, attempt) = Bench::up(NEVER);
    let other = Document::ChannelTerminated {
        channel: Some(ChannelId::new("other")),
        reason: TerminatedReason::Expired,
    };
    assert_eq!(bench.document(attempt, other), []);
    assert!(bench.set.is_up());
}

#[test]
fn an_alarm_about_a_rival_ends_after_five_quiet_minutes() {
    let (mut bench, attempt) = Bench::up(NEVER);
    bench.document(attempt, ended(TerminatedReason::DuplicateChannelSet));
    let attempt = bench.opening();
    bench.document(attempt, opened(NEVER));
    let up = bench.now.mono;
    loop {
        let (_, actions) = bench.wait();
        if actions.contains(&Action::Clear(Xsp(0), Alarm::DuplicateChannelSet)) {
            break;
        }
        bench.beat(attempt);
    }
    assert_eq!(bench.now.mono - up, Duration::from_secs(300));
}

#[test]
fn leaving_deletes_the_channel_and_waits_two_seconds_for_its_farewell() {
    for answered in [true, false] {
        let (mut bench, attempt) = Bench::up(NEVER);
        bench.set.handle(Input::Drain, bench.now);
        let delete = Action::Delete(attempt, ChannelId::new("c"));
        assert_eq!(bench.actions(), [delete]);
        let actions = if answered {
            bench.document(attempt, ended(TerminatedReason::ExplicitDelete))
        } else {
            let (waited, actions) = bench.wait();
            assert_eq!(waited, Duration::from_secs(2));
            actions
        };
        assert_eq!(Bench::lost(&actions), Some(&LostReason::Drained));
        assert_eq!(actions.last(), Some(&Action::Drained));
        assert_eq!(bench.set.deadline(), None);
        bench.set.handle(Input::Drain, bench.now);
        assert_eq!(bench.actions(), []);
    }
}

#[test]
fn what_comes_late_for_another_attempt_changes_nothing() {
    let (mut bench, attempt) = Bench::up(NEVER);
    let late = Attempt(attempt.0 + 1);
    for happening in [
        Happening::Ended,
        Happening::HeartbeatEnded(Outcome::Gone),
        Happening::Refreshed(Outcome::Gone, None),
        Happening::OpenFailed(OpenFailure::Denied),
        Happening::Document(event("e"), Standing::Current),
    ] {
        assert_eq!(bench.tell(late, happening), []);
    }
    assert!(bench.set.is_up());
}

#[test]
fn each_node_of_a_farm_has_names_of_its_own() {
    let one = NodeNames::of("com.example.blf", "node1").unwrap();
    let two = NodeNames::of("com.example.blf", "node2").unwrap();
    assert_ne!(one.set, two.set);
    assert_ne!(one.application, two.application);
    assert_eq!(NodeNames::of("com.example.blf", "node1"), Ok(one));
    assert_eq!(
        NodeNames::of(&"x".repeat(250), "n"),
        Ok(NodeNames::of(&"x".repeat(250), "n").unwrap())
    );
    assert_eq!(NodeNames::of(&"x".repeat(251), "n"), Err(NamesTooLong));
}
