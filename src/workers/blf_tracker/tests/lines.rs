//! Lines: pace, duplicates, the end of subscriptions, lists.

use std::time::Duration;

use crate::domain::blf::view::Lamp;
use crate::workers::blf_tracker::Picked;
use crate::workers::blf_tracker::Pickup;
use crate::workers::blf_tracker::PickupFailure;
use crate::workers::blf_tracker::tests::fake::Farm;
use crate::workers::blf_tracker::tests::setup::Node;

const EVENTS: &str = "/com.broadsoft.xsi-events/v2.0";

fn creates() -> String {
    format!("POST {EVENTS}/user/")
}

#[tokio::test]
async fn subscriptions_are_made_at_the_pace_and_no_faster() {
    let farm = Farm::start(1).await;
    farm.list("alice", &["a", "b", "c", "d", "e"]);
    let node = Node::start_with(&farm, |blf| blf.subscriptions_per_second = 10);
    let _reader = node.reader("alice").await;
    let asked = farm.until_asked(&creates(), 5).await;
    let took = asked[4].at - asked[0].at;
    // What a loaded machine may shift the first one by.
    assert!(took >= Duration::from_millis(300), "{took:?}");
    node.end().await;
}

#[tokio::test]
async fn an_event_that_comes_twice_is_acknowledged_twice_and_counts_once() {
    let farm = Farm::start(1).await;
    farm.list("alice", &["bob"]);
    let node = Node::start(&farm);
    let mut reader = node.reader("alice").await;
    node.until(&mut reader, "bob", Lamp::Idle).await;
    let event = farm.call("bob", "c1", "Terminator", "Alerting").remove(0);
    node.until(&mut reader, "bob", Lamp::Ringing).await;
    farm.call("bob", "c1", "Terminator", "Released");
    node.until(&mut reader, "bob", Lamp::Idle).await;
    let (channel, subscription) = {
        let state = farm.state();
        (
            state.channels[0].id.clone(),
            state.subscriptions[0].id.clone(),
        )
    };
    // The copy of the ringing, late.
    farm.say(&channel, &copy(&event, &subscription));
    farm.until("the second ack", |state| {
        let acks = state.acknowledged.iter().filter(|(id, _)| *id == event);
        (acks.count() == 2).then_some(())
    })
    .await;
    assert_eq!(node.lamp("bob").await, Some(Lamp::Idle));
    node.end().await;
}

fn copy(event: &str, subscription: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><xsi:Event xmlns:xsi=\"http://schema.broadsoft.com/xsi\" xmlns:xsi1=\"http://www.w3.org/2001/XMLSchema-instance\" xsi1:type=\"xsi:SubscriptionEvent\"><xsi:eventID>{event}</xsi:eventID><xsi:sequenceNumber>2</xsi:sequenceNumber><xsi:userId>admin</xsi:userId><xsi:subscriptionId>{subscription}</xsi:subscriptionId><xsi:targetId>bob</xsi:targetId><xsi:eventData xsi1:type=\"xsi:CallReceivedEvent\"><xsi:call><xsi:callId>c1</xsi:callId><xsi:personality>Terminator</xsi:personality><xsi:state>Alerting</xsi:state></xsi:call></xsi:eventData></xsi:Event>"
    )
}

#[tokio::test]
async fn an_event_that_nobody_understands_is_acknowledged_all_the_same() {
    let farm = Farm::start(1).await;
    farm.list("alice", &["bob"]);
    let node = Node::start(&farm);
    let mut reader = node.reader("alice").await;
    node.until(&mut reader, "bob", Lamp::Idle).await;
    for data in [
        "<xsi:eventData xsi1:type=\"xsi:MonitoredLineEvent\"><xsi:line/></xsi:eventData>",
        // A call without a state.
        "<xsi:eventData xsi1:type=\"xsi:CallUpdatedEvent\"><xsi:call><xsi:callId>x</xsi:callId></xsi:call></xsi:eventData>",
        "",
    ] {
        let event = farm.event("bob", data).remove(0);
        farm.until("its ack", |state| {
            let known = state.acknowledged.iter().any(|(id, _)| *id == event);
            known.then_some(())
        })
        .await;
    }
    let other = "xspd_blf_events_total{event=\"other\"}";
    assert!(node.metric(other) >= 2);
    let unreadable = "xspd_blf_events_total{event=\"unreadable\"}";
    assert_eq!(node.metric(unreadable), 1);
    node.end().await;
}

#[tokio::test]
async fn events_of_a_subscription_left_behind_end_it() {
    let farm = Farm::start(1).await;
    farm.list("alice", &["bob"]);
    let node = Node::start(&farm);
    let mut reader = node.reader("alice").await;
    node.until(&mut reader, "bob", Lamp::Idle).await;
    let channel = farm.state().channels[0].id.clone();
    farm.say(
        &channel,
        &copy("stale-1", "subscription-of-yesterday").replace("bob", "nobody"),
    );
    let answer = format!("POST {EVENTS}/channel/eventresponse");
    farm.until("481", |state| {
        let asked = state.asked.iter();
        asked
            .filter(|one| one.what == answer && one.body.contains("stale-1"))
            .any(|one| one.body.contains("<statusCode>481</statusCode>"))
            .then_some(())
    })
    .await;
    node.end().await;
}

#[tokio::test]
async fn a_terminated_subscription_makes_the_line_unknown_and_is_made_again() {
    let farm = Farm::start(1).await;
    farm.list("alice", &["bob"]);
    let node = Node::start(&farm);
    let mut reader = node.reader("alice").await;
    farm.call("bob", "c1", "Originator", "Active");
    node.until(&mut reader, "bob", Lamp::OnCall).await;
    farm.event(
        "bob",
        "<xsi:eventData xsi1:type=\"xsi:SubscriptionTerminatedEvent\"/>",
    );
    node.until(&mut reader, "bob", Lamp::Unknown).await;
    farm.state().subscriptions.clear();
    farm.until_asked(&creates(), 2).await;
    node.until(&mut reader, "bob", Lamp::OnCall).await;
    node.end().await;
}

#[tokio::test]
async fn a_refused_line_stays_unknown_and_the_others_do_not_suffer() {
    let farm = Farm::start(1).await;
    farm.list("alice", &["bob"]);
    farm.state().faults.subscribe = Some(403);
    let node = Node::start(&farm);
    let reader = node.reader("alice").await;
    farm.until_asked(&creates(), 1).await;
    assert_eq!(node.lamp("bob").await, Some(Lamp::Unknown));
    farm.state().faults.subscribe = None;
    farm.list("dora", &["carol"]);
    let mut other = node.reader("dora").await;
    node.until(&mut other, "carol", Lamp::Idle).await;
    assert_eq!(node.lamp("bob").await, Some(Lamp::Unknown));
    drop(reader);
    node.end().await;
}

#[tokio::test]
async fn a_changed_list_is_read_again_and_only_what_is_new_is_subscribed() {
    let farm = Farm::start(1).await;
    farm.list("alice", &["bob", "carol"]);
    let node = Node::start(&farm);
    let mut reader = node.reader("alice").await;
    node.until(&mut reader, "bob", Lamp::Idle).await;
    node.until(&mut reader, "carol", Lamp::Idle).await;
    farm.list("alice", &["carol", "dora", "alice"]);
    node.board().list_changed("alice");
    node.until(&mut reader, "dora", Lamp::Idle).await;
    node.until(&mut reader, "alice", Lamp::Idle).await;
    farm.until_asked(&format!("DELETE {EVENTS}/subscription/"), 1)
        .await;
    assert_eq!(farm.asked(&creates()).len(), 4, "bob, carol, dora, alice");
    assert_eq!(node.lamp("bob").await, None, "nobody watches him");
    let view = node.board().watcher_of("alice").await.unwrap().unwrap();
    let users: Vec<_> = view
        .lines
        .iter()
        .map(|line| line.user.to_string())
        .collect();
    assert_eq!(users, ["carol", "dora", "alice"]);
    node.end().await;
}

#[tokio::test]
async fn configured_watchers_are_tracked_without_a_reader_and_limits_hold() {
    let farm = Farm::start(1).await;
    farm.list("alice", &["a", "b", "c"]);
    farm.list("bob", &["d"]);
    let node = Node::start_with(&farm, |blf| {
        blf.watchers = vec!["alice".to_owned(), "bob".to_owned()];
        blf.limits.lines = 2;
        blf.limits.lines_per_watcher = 2;
    });
    farm.until_asked(&creates(), 2).await;
    farm.until_asked("GET /com.broadsoft.xsi-actions/v2.0/user/bob/services", 1)
        .await;
    let mut reader = node.reader("alice").await;
    let lines: Vec<_> = {
        let json = reader.until(|json| json["kind"] == "state" || json["kind"] == "snapshot");
        let wait = async {
            loop {
                let lines = node.board().lines().await.unwrap();
                if lines.len() == 3 {
                    return lines;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            lines = wait => lines,
            _ = json => node.board().lines().await.unwrap(),
        }
    };
    let known = |user: &str| lines.iter().any(|line| line.state.user.as_str() == user);
    assert!(!known("c"), "beyond the lines of one watcher");
    assert!(
        farm.state().subscriptions.len() <= 2,
        "beyond the lines of all"
    );
    node.end().await;
}

#[tokio::test]
async fn a_ringing_call_is_offered_and_picked_up_once() {
    let farm = Farm::start(1).await;
    farm.list("alice", &["bob", "carol"]);
    let node = Node::start(&farm);
    let mut reader = node.reader("alice").await;
    node.until(&mut reader, "bob", Lamp::Idle).await;
    let idle = node
        .board()
        .pickup("alice", Pickup::Line("bob".to_owned()), None)
        .await;
    assert_eq!(idle, Err(PickupFailure::NotRinging));
    let foreign = node
        .board()
        .pickup("alice", Pickup::Line("zoe".to_owned()), None)
        .await;
    assert_eq!(foreign, Err(PickupFailure::NotOnList));
    farm.call("bob", "c1", "Terminator", "Alerting");
    let offer = reader.until(|json| json["kind"] == "offer").await;
    assert_eq!(offer["user"], "bob");
    let number = offer["offer"].as_u64().unwrap();
    let other = node
        .board()
        .pickup("mallory", Pickup::Offer(number), None)
        .await;
    assert_eq!(other, Err(PickupFailure::NotRinging), "not her offer");
    let picked = node
        .board()
        .pickup("alice", Pickup::Offer(number), None)
        .await
        .unwrap();
    let Picked::Accepted { call, .. } = picked;
    assert_eq!(call.as_deref(), Some("picked:0"));
    let asked = farm.asked("POST /com.broadsoft.xsi-actions");
    assert_eq!(asked.len(), 1);
    assert!(
        asked[0]
            .what
            .ends_with("/user/alice/calls/DirectedCallPickup?address=200")
    );
    farm.call("bob", "c1", "Terminator", "Released");
    let withdrawn = reader.until(|json| json["kind"] == "withdraw").await;
    assert_eq!(withdrawn["offer"].as_u64(), Some(number));
    node.end().await;
}
