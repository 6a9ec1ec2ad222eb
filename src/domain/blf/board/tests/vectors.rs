//! The test vectors of the field page (Xsi-Events, 4.7) with its recorded documents. The samples
//! come from different captures, so ids of calls and numbers are forced when they are chained.

use super::*;
use crate::domain::events::document::CAP;
use crate::domain::events::document::Document;

/// One step of a vector.
enum Step {
    /// A document, the ids that its calls get, and the lamp afterwards.
    Say(&'static [u8], &'static [&'static str], Lamp),
    /// The hook goes on.
    HookOn(Lamp),
    /// The channel is lost for good, and opened again.
    Lose(Lamp),
}

macro_rules! say {
    ($name:literal, [$($id:literal),*], $lamp:ident) => {
        Step::Say(
            include_bytes!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/fixtures/wire/xsi-events/",
                $name,
                ".xml"
            )),
            &[$($id),*],
            Lamp::$lamp,
        )
    };
}

fn data(bytes: &[u8], ids: &[&str]) -> EventData {
    let Ok(Document::Event(event)) = Document::parse(bytes, CAP) else {
        panic!("an event");
    };
    let mut data = event.data;
    let calls = match &mut data {
        EventData::Calls { calls, .. } => calls,
        EventData::Snapshot(snapshot) => &mut snapshot.calls,
        EventData::DoNotDisturb(_)
        | EventData::Hook(_)
        | EventData::Other { .. }
        | EventData::Parked(_)
        | EventData::SubscriptionTerminated
        | EventData::Unreadable { .. } => return data,
    };
    assert_eq!(calls.len(), ids.len(), "an id for each call");
    for (call, id) in calls.iter_mut().zip(ids) {
        call.id = CallId::new(id);
    }
    data
}

fn run(steps: &[Step]) -> Bench {
    let mut bench = Bench::new();
    bench.join(WATCHER, Wishes::default());
    bench.tell(Input::ListRead(user(WATCHER), list(&["bob"])));
    for (place, step) in steps.iter().enumerate() {
        let lamp = match step {
            Step::Say(bytes, ids, lamp) => {
                bench.event("bob", data(bytes, ids));
                lamp
            }
            Step::HookOn(lamp) => {
                bench.event("bob", EventData::Hook(HookStatus::OnHook));
                lamp
            }
            Step::Lose(lamp) => {
                bench.tell(Input::SourceLost {
                    source: SourceId::OWN,
                    returns: false,
                });
                assert_eq!(bench.lamp("bob"), Some(*lamp), "step {place}");
                bench.tell(Input::SourceBack(SourceId::OWN));
                lamp
            }
        };
        assert_eq!(bench.lamp("bob"), Some(*lamp), "step {place}");
    }
    bench
}

#[test]
fn vector_1_idle() {
    run(&[say!("27-callsubscription-idle", [], Idle)]);
}

#[test]
fn vector_2_a_call_that_was_there_before() {
    run(&[say!("28-callsubscription-oncall", ["A"], OnCall)]);
}

#[test]
fn vector_3_received_answered_held_retrieved_released() {
    run(&[
        say!("27-callsubscription-idle", [], Idle),
        say!("33-callreceived-group", ["A"], Ringing),
        say!("35-callanswered-httpcontact", ["A"], OnCall),
        say!("36-callheld-local", ["A"], Held),
        say!("37-callretrieved", ["A"], OnCall),
        say!("42-callreleased-local", ["A"], Idle),
        Step::HookOn(Lamp::Idle),
    ]);
}

#[test]
fn vector_4_dialled_and_released_before_the_receiver_is_down() {
    run(&[
        say!("27-callsubscription-idle", [], Idle),
        say!("30-hookstatus-offhook", [], Busy),
        say!("31-calloriginating", ["A"], OnCall),
        say!("32-calloriginated", ["A"], OnCall),
        say!("42-callreleased-local", ["A"], Busy),
        Step::HookOn(Lamp::Idle),
    ]);
}

#[test]
fn vector_5_a_treatment_plays_until_the_call_is_released() {
    run(&[
        say!("27-callsubscription-idle", [], Idle),
        say!("30-hookstatus-offhook", [], Busy),
        say!("31-calloriginating", ["A"], OnCall),
        say!("41-callreleasing-treatment", ["A"], OnCall),
        say!("42-callreleased-local", ["A"], Busy),
    ]);
}

#[test]
fn vector_6_a_second_call_rings() {
    run(&[
        say!("28-callsubscription-oncall", ["A"], OnCall),
        say!("33-callreceived-group", ["B"], RingingBusy),
    ]);
}

#[test]
fn vector_7_after_a_loss_only_a_snapshot_counts() {
    run(&[
        say!("28-callsubscription-oncall", ["A"], OnCall),
        Step::Lose(Lamp::Unknown),
        // A user's own subscription always begins with a snapshot, so an event before it says
        // nothing of the other calls.
        say!("33-callreceived-group", ["B"], Unknown),
        say!("28-callsubscription-oncall", ["A"], OnCall),
    ]);
}

#[test]
fn vector_8_a_terminated_subscription_leaves_nothing_known() {
    run(&[
        say!("28-callsubscription-oncall", ["A"], OnCall),
        say!("63-subscriptionterminated-httpcontact", [], Unknown),
    ]);
}

/// The two acknowledgements of this vector are the channel's; see
/// `events::channel::tests::an_event_that_comes_twice_is_acknowledged_twice_and_delivered_once`.
#[test]
fn vector_9_an_event_that_comes_twice_changes_nothing() {
    let mut bench = run(&[
        say!("27-callsubscription-idle", [], Idle),
        say!("33-callreceived-group", ["A"], Ringing),
    ]);
    let (sequence, bytes) = (
        bench.sequence,
        include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/wire/xsi-events/33-callreceived-group.xml"
        )),
    );
    bench.actions.clear();
    bench.numbered("bob", sequence, data(bytes, &["A"]));
    assert_eq!(bench.lamp("bob"), Some(Lamp::Ringing));
    assert_eq!(bench.actions, [Action::Refresh(user("bob"))], "and is odd");
}

#[test]
fn vector_10_a_detached_leg_does_not_light() {
    run(&[
        say!("27-callsubscription-idle", [], Idle),
        say!("33-callreceived-group", ["A"], Ringing),
        say!("43-calldetached", ["A"], Idle),
    ]);
}

#[test]
fn vector_11_a_transfer_detaches_both_legs() {
    // The hook stays off: the person has not put the receiver down, so he is busy, not idle.
    run(&[
        say!("28-callsubscription-oncall", ["A"], OnCall),
        say!("39-callredirected-transfer", ["A", "B"], Busy),
    ]);
}

#[test]
fn vector_12_a_resync_drops_what_is_stale() {
    run(&[
        say!("28-callsubscription-oncall", ["A"], OnCall),
        say!("33-callreceived-group", ["stale"], RingingBusy),
        say!("29-callsubscriptionresync-two-calls", ["C", "D"], OnCall),
    ]);
}

#[test]
fn vector_13_on_hook_beside_a_call_is_checked_once() {
    let mut bench = run(&[
        say!("28-callsubscription-oncall", ["A"], OnCall),
        Step::HookOn(Lamp::OnCall),
    ]);
    bench.actions.clear();
    bench.pass(Duration::from_millis(4_999));
    assert_eq!(bench.refreshes(), 0);
    bench.pass(Duration::from_secs(60));
    assert_eq!(bench.refreshes(), 1);
    assert_eq!(bench.lamp("bob"), Some(Lamp::OnCall));
}
