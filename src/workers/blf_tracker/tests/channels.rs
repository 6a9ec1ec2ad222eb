//! Channels: order, heartbeats, acknowledgements, loss of every kind.

use std::time::Duration;

use crate::domain::blf::view::Lamp;
use crate::outbound::Pools;
use crate::workers::blf_tracker::tests::fake::Farm;
use crate::workers::blf_tracker::tests::setup::Node;
use crate::workers::blf_tracker::tests::setup::config;
use crate::workers::blf_tracker::tests::setup::hub;

const CHANNEL: &str = "POST /com.broadsoft.async/com.broadsoft.xsi-events/v2.0/channel";
const EVENTS: &str = "/com.broadsoft.xsi-events/v2.0";

fn beats() -> String {
    format!("PUT {EVENTS}/channel/")
}

#[tokio::test]
async fn the_channel_comes_first_then_the_subscriptions_and_every_event_is_acknowledged() {
    let farm = Farm::start(1).await;
    farm.list("alice", &["bob", "carol"]);
    let node = Node::start(&farm);
    let mut reader = node.reader("alice").await;
    node.until(&mut reader, "bob", Lamp::Idle).await;
    node.until(&mut reader, "carol", Lamp::Idle).await;
    let asked = farm.asked("POST");
    assert_eq!(asked[0].what, CHANNEL);
    let set = farm.state().channels[0].set.clone();
    let subscriptions = farm.asked(&format!("POST {EVENTS}/user/"));
    assert_eq!(subscriptions.len(), 2);
    for one in &subscriptions {
        assert!(
            one.body
                .contains(&format!("<channelSetId>{set}</channelSetId>"))
        );
        assert!(one.body.contains("<event>Standard Call</event>"));
    }
    farm.until("acks", |state| {
        (state.acknowledged.len() == 2).then_some(())
    })
    .await;
    assert!(
        farm.state()
            .acknowledged
            .iter()
            .all(|(_, status)| *status == 200)
    );
    node.end().await;
}

#[tokio::test]
async fn heartbeats_and_acknowledgements_go_to_the_xsp_that_holds_the_channel() {
    let farm = Farm::start(3).await;
    farm.list("alice", &["bob"]);
    let node = Node::start(&farm);
    let mut reader = node.reader("alice").await;
    node.until(&mut reader, "bob", Lamp::Idle).await;
    let opened = farm.until_asked(CHANNEL, 3).await;
    for priority in 1..=3 {
        let priority = format!("<priority>{priority}</priority>");
        let with = opened.iter().filter(|one| one.body.contains(&priority));
        assert_eq!(with.count(), 1, "events come on one channel, in order");
    }
    let beats = farm.until_asked(&beats(), 6).await;
    let mut channels: Vec<_> = {
        let state = farm.state();
        assert_eq!(state.acknowledged.len(), 1);
        let channels = state.channels.iter();
        channels.map(|one| (one.xsp, one.id.clone())).collect()
    };
    for beat in &beats {
        let id = beat.what.split('/').nth(4).unwrap();
        assert!(channels.contains(&(beat.xsp, id.to_owned())));
        assert!(beat.what.ends_with("/heartbeat"));
        assert_eq!(beat.body, "");
    }
    channels.sort_unstable();
    let places: Vec<_> = channels.iter().map(|(xsp, _)| *xsp).collect();
    assert_eq!(places, [0, 1, 2], "one channel for each XSP");
    node.end().await;
}

#[tokio::test]
async fn without_an_echo_the_channel_is_opened_again_in_the_same_set_and_an_operator_is_told() {
    let farm = Farm::start(1).await;
    farm.state().faults.mute = true;
    let node = Node::start_with(&farm, |blf| {
        blf.channel.heartbeat = Duration::from_millis(200);
    });
    let opened = farm.until_asked(CHANNEL, 2).await;
    assert_eq!(opened[0].body, opened[1].body);
    let reason = "xspd_blf_channel_losses_total{reason=\"buffered-stream\"}";
    assert_eq!(node.metric(reason), 1);
    assert_eq!(node.metric("xspd_blf_alarm{reason=\"buffered-stream\"}"), 1);
    node.end().await;
}

#[tokio::test]
async fn an_xsp_that_does_not_know_the_channel_any_more_gets_a_new_one_in_the_same_set() {
    let farm = Farm::start(1).await;
    let node = Node::start(&farm);
    farm.until_asked(CHANNEL, 1).await;
    farm.state().faults.heartbeat = Some(404);
    let opened = farm.until_asked(CHANNEL, 2).await;
    farm.state().faults.heartbeat = None;
    assert_eq!(opened[0].body, opened[1].body);
    let reason = "xspd_blf_channel_losses_total{reason=\"heartbeat-refused\"}";
    assert_eq!(node.metric(reason), 1);
    node.end().await;
}

#[tokio::test]
async fn a_terminated_channel_is_opened_again_unless_that_would_do_harm() {
    for (reason, word, again) in [
        ("ExplicitDelete", "explicit-delete", true),
        ("Expired", "expired", true),
        ("NonResponsiveChannel", "non-responsive-channel", true),
        ("UnknownChannel", "unknown-channel", true),
        ("Surprise", "other", true),
        ("DuplicateChannelSet", "duplicate-channel-set", false),
        ("UserDeleted", "user-deleted", false),
    ] {
        let farm = Farm::start(1).await;
        farm.list("alice", &["bob"]);
        let node = Node::start(&farm);
        let mut reader = node.reader("alice").await;
        node.until(&mut reader, "bob", Lamp::Idle).await;
        let channel = farm.state().channels[0].id.clone();
        let acks = format!("POST {EVENTS}/channel/eventresponse");
        farm.until_asked(&acks, 1).await;
        farm.terminate(&channel, reason);
        let loss = format!("xspd_blf_channel_losses_total{{reason=\"{word}\"}}");
        if again {
            farm.until_asked(CHANNEL, 2).await;
        } else {
            node.until(&mut reader, "bob", Lamp::Unknown).await;
            assert_eq!(farm.asked(CHANNEL).len(), 1, "{reason}: not at once");
        }
        assert_eq!(node.metric(&loss), 1, "{reason}");
        for ack in farm.asked(&acks) {
            assert!(ack.body.contains("<eventID>event-"), "{}", ack.body);
        }
        node.end().await;
    }
}

#[tokio::test]
async fn a_redirected_channel_is_opened_and_kept_where_the_xsp_says() {
    let farm = Farm::start(2).await;
    farm.list("alice", &["bob"]);
    let second = farm.addresses()[1];
    farm.state().faults.redirect = Some(second);
    let node = Node::start(&farm);
    let mut reader = node.reader("alice").await;
    node.until(&mut reader, "bob", Lamp::Idle).await;
    farm.until("both channels", |state| {
        (state.channels.len() == 2).then_some(())
    })
    .await;
    let beats = farm.until_asked(&beats(), 4).await;
    assert!(beats.iter().all(|beat| beat.xsp == 1), "{beats:#?}");
    node.end().await;
}

#[tokio::test]
async fn an_account_that_is_refused_raises_an_alarm_and_is_not_tried_again_at_once() {
    let farm = Farm::start(1).await;
    farm.state().faults.channel = Some(403);
    let node = Node::start(&farm);
    farm.until_asked(CHANNEL, 1).await;
    let wait = async {
        while node.metric("xspd_blf_alarm{reason=\"denied\"}") == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait)
        .await
        .unwrap();
    assert_eq!(farm.asked(CHANNEL).len(), 1);
    let sources = node.board().sources().await.unwrap();
    assert_eq!(sources[0].alarms, ["denied"]);
    assert_eq!(sources[0].last_loss, Some("denied"));
    node.end().await;
}

#[tokio::test]
async fn an_xsp_killed_in_the_middle_of_an_event_costs_nothing_but_a_resync() {
    let farm = Farm::start(2).await;
    farm.list("alice", &["bob"]);
    let node = Node::start(&farm);
    let mut reader = node.reader("alice").await;
    node.until(&mut reader, "bob", Lamp::Idle).await;
    farm.until_asked(CHANNEL, 2).await;
    let (first, half) = {
        let state = farm.state();
        (state.channels[0].id.clone(), state.half_an_event())
    };
    let xsp = farm.state().channels[0].xsp;
    farm.say(&first, &half);
    farm.kill(xsp);
    // The next event comes on the other channel.
    farm.call("bob", "c1", "Terminator", "Alerting");
    node.until(&mut reader, "bob", Lamp::Ringing).await;
    farm.call("bob", "c1", "Terminator", "Active");
    node.until(&mut reader, "bob", Lamp::OnCall).await;
    node.end().await;
}

#[tokio::test]
async fn when_all_xsps_are_gone_every_line_is_unknown_after_the_grace_and_known_again_after() {
    let farm = Farm::start(2).await;
    farm.list("alice", &["bob", "carol"]);
    let node = Node::start_with(&farm, |blf| {
        blf.channel.heartbeat = Duration::from_millis(200);
        blf.channel.event_timeout = Duration::from_secs(1);
    });
    let mut reader = node.reader("alice").await;
    farm.call("carol", "c1", "Originator", "Active");
    node.until(&mut reader, "bob", Lamp::Idle).await;
    node.until(&mut reader, "carol", Lamp::OnCall).await;
    farm.kill(0);
    farm.kill(1);
    node.until(&mut reader, "bob", Lamp::Unknown).await;
    node.until(&mut reader, "carol", Lamp::Unknown).await;
    assert!(node.metric("xspd_blf_sources_lost_total") >= 1);
    // What happens meanwhile is learnt afterwards.
    farm.call("carol", "c1", "Originator", "Released");
    farm.call("bob", "c2", "Terminator", "Active");
    farm.revive(1);
    node.until(&mut reader, "carol", Lamp::Idle).await;
    node.until(&mut reader, "bob", Lamp::OnCall).await;
    node.end().await;
}

#[tokio::test]
async fn two_nodes_that_track_the_same_list_do_not_disturb_each_other() {
    let farm = Farm::start(2).await;
    farm.list("alice", &["bob"]);
    let (one, two) = (Node::start(&farm), Node::start(&farm));
    let (mut first, mut second) = (one.reader("alice").await, two.reader("alice").await);
    one.until(&mut first, "bob", Lamp::Idle).await;
    two.until(&mut second, "bob", Lamp::Idle).await;
    farm.until_asked(CHANNEL, 4).await;
    farm.call("bob", "c1", "Terminator", "Alerting");
    one.until(&mut first, "bob", Lamp::Ringing).await;
    two.until(&mut second, "bob", Lamp::Ringing).await;
    farm.until_asked(&beats(), 12).await;
    assert_eq!(farm.asked(CHANNEL).len(), 4, "no channel was lost");
    assert_eq!(farm.state().subscriptions.len(), 2, "each has its own");
    one.end().await;
    two.end().await;
}

#[tokio::test]
async fn a_node_that_starts_again_takes_its_old_subscriptions_over() {
    let farm = Farm::start(1).await;
    farm.list("alice", &["bob"]);
    let node = Node::start(&farm);
    let mut reader = node.reader("alice").await;
    node.until(&mut reader, "bob", Lamp::Idle).await;
    let set = farm.state().channels[0].set.clone();
    node.tasks.stop().cancel();
    node.tasks.join().await;
    let again = {
        let tasks = crate::platform::tasks::Tasks::new();
        let telemetry = crate::telemetry::Telemetry::new();
        let pools = Pools::build(&node.config, &telemetry.upstream).unwrap();
        let tracker = crate::workers::blf_tracker::BlfTracker::start(
            &node.config,
            &pools,
            None,
            &hub(&telemetry),
            &tasks,
            &telemetry,
        );
        Node {
            tracker: tracker.unwrap().unwrap(),
            telemetry,
            config: node.config.clone(),
            tasks,
            directory: node.directory,
        }
    };
    let mut reader = again.reader("alice").await;
    again.until(&mut reader, "bob", Lamp::Idle).await;
    {
        let state = farm.state();
        assert_eq!(state.channels.last().unwrap().set, set);
        assert_eq!(state.subscriptions.len(), 1, "the old one was replaced");
    }
    again.end().await;
}

#[tokio::test]
async fn on_leaving_the_channels_are_deleted_and_their_farewell_is_awaited() {
    let farm = Farm::start(2).await;
    let node = Node::start(&farm);
    farm.until_asked(CHANNEL, 2).await;
    let up = "xspd_blf_channel_up{upstream=\"xsp";
    let wait = async {
        loop {
            let all = ["1", "2"].map(|xsp| node.metric(&format!("{up}{xsp}\"}}")));
            if all == [1, 1] {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait)
        .await
        .unwrap();
    node.tracker.drain().await;
    assert_eq!(farm.asked("DELETE").len(), 2);
    let drained = "xspd_blf_channel_losses_total{reason=\"drained\"}";
    assert_eq!(node.metric(drained), 2);
    node.end().await;
}

#[tokio::test]
async fn a_reload_with_other_xsps_moves_the_channels_and_keeps_the_subscriptions() {
    let farm = Farm::start(2).await;
    farm.list("alice", &["bob"]);
    let directory = tempfile::tempdir().unwrap();
    let both = config(&farm, directory.path());
    let mut first = both.clone();
    first.pools.get_mut("farm").unwrap().upstreams.truncate(1);
    let mut node = Node::start(&farm);
    // Start with one XSP only.
    node.tasks.stop().cancel();
    node.tasks.join().await;
    node.tasks = crate::platform::tasks::Tasks::new();
    let pools = Pools::build(&first, &node.telemetry.upstream).unwrap();
    farm.state().asked.clear();
    farm.state().channels.clear();
    farm.state().subscriptions.clear();
    node.tracker = crate::workers::blf_tracker::BlfTracker::start(
        &first,
        &pools,
        None,
        &hub(&node.telemetry),
        &node.tasks,
        &node.telemetry,
    )
    .unwrap()
    .unwrap();
    let mut reader = node.reader("alice").await;
    node.until(&mut reader, "bob", Lamp::Idle).await;
    assert_eq!(farm.asked(CHANNEL).len(), 1);
    let mut second = both;
    second.pools.get_mut("farm").unwrap().upstreams.remove(0);
    let pools = Pools::build(&second, &node.telemetry.upstream).unwrap();
    let prepared = node
        .tracker
        .prepare(&second, &pools, None)
        .unwrap()
        .unwrap();
    node.tracker.publish(prepared);
    farm.until("the move", |state| {
        state.prune();
        (state.channels.len() == 1 && state.channels[0].xsp == 1).then_some(())
    })
    .await;
    farm.call("bob", "c1", "Terminator", "Alerting");
    node.until(&mut reader, "bob", Lamp::Ringing).await;
    assert_eq!(farm.state().subscriptions.len(), 1);
    node.end().await;
}
