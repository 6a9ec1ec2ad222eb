//! What the relay does not put up with.

use crate::e2e::events_relay::CHANNEL;
use crate::e2e::events_relay::Channel;
use crate::e2e::events_relay::EVENTS;
use crate::e2e::events_relay::Scene;
use crate::e2e::events_relay::asking;
use crate::e2e::events_relay::beat;
use crate::e2e::events_relay::request;
use crate::support::event_xsp::EventXsp;
use crate::support::event_xsp::chunk;

async fn refused(scene: &Scene, asking: &[u8], reason: &str) {
    let answer = scene.client().exchange(asking).await.unwrap();
    assert!([429, 503].contains(&answer.status), "{}", answer.head);
    assert!(answer.text().contains("<ErrorInfo"), "{}", answer.text());
    let series = format!("xspd_http_refusals_total{{reason=\"{reason}\"}}");
    scene.metric(&series, |value| value == 1.0).await;
}

#[tokio::test]
async fn channels_are_limited_by_user_by_application_and_in_all() {
    let one = EventXsp::start("one").await;
    let limits = "channels = 3\nchannels-per-user = 2\nchannels-per-application = 2";
    let scene = Scene::new(&[&one], limits).await;
    let open = async |user: &str, application: &str| {
        let client = scene.client();
        let mut channel = Channel::open(&client, &asking(user, "s", application)).await;
        assert_eq!(channel.status(), "200");
        channel.id().await;
        channel
    };
    let _first = open("alice", "x").await;
    let second = open("Alice", "y").await;
    refused(&scene, &asking("alice", "s", "z"), "channels-per-user").await;
    let _third = open("bob", "x").await;
    refused(&scene, &asking("carol", "s", "x"), "channels-limit").await;
    drop(second);
    one.closed(1).await;
    scene
        .metric("xspd_event_streams_open{upstream=\"one\"}", |value| {
            value == 2.0
        })
        .await;
    refused(
        &scene,
        &asking("carol", "s", "x"),
        "channels-per-application",
    )
    .await;
    let _fourth = open("carol", "y").await;
}

#[tokio::test]
async fn channels_and_heartbeats_that_come_too_fast_are_refused() {
    let one = EventXsp::start("one").await;
    let limits = "channel-opens-per-minute = 2\nheartbeat-interval = \"60s\"";
    let scene = Scene::new(&[&one], limits).await;
    let mut held = scene.open("a").await;
    let id = held.id().await;
    let _second = scene.open("b").await;
    refused(&scene, &asking("alice", "c", "x"), "channel-opens-limit").await;
    assert_eq!(beat(&scene.client(), &id).await.status, 200);
    let beat = request(
        "PUT",
        &format!("{EVENTS}/channel/{id}/heartbeat"),
        "alice",
        "",
    );
    refused(&scene, &beat, "heartbeat-limit").await;
    let fast = "xspd_event_heartbeats_total{result=\"too-fast\"}";
    scene.metric(fast, |value| value == 1.0).await;
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_cut_and_its_xsp_was_not_read_on() {
    let one = EventXsp::start("one").await;
    let scene = Scene::new(&[&one], "write-timeout = \"1s\"").await;
    let mut held = scene.open("s").await;
    let id = held.id().await;
    // More than the sockets in between hold, and less than a test machine minds.
    for _ in 0..64 {
        one.write(&id, chunk(&vec![b'x'; 1 << 20]));
    }
    one.closed(1).await;
    let slow = "xspd_event_stream_endings_total{reason=\"slow-reader\"}";
    scene.metric(slow, |value| value == 1.0).await;
    scene
        .daemon
        .logged(&["An event stream was cut", "slow-reader"])
        .await;
    let passed = scene.daemon.metric("xspd_event_stream_bytes_total").await;
    assert!(passed.unwrap() < f64::from(32 << 20), "{passed:?}");
}

#[tokio::test]
async fn a_stream_on_which_nothing_comes_is_ended() {
    let one = EventXsp::start("one").await;
    let scene = Scene::new(&[&one], "idle-timeout = \"1s\"").await;
    let mut held = scene.open("s").await;
    held.id().await;
    assert!(held.chunk().await.is_err());
    let idle = "xspd_event_stream_endings_total{reason=\"upstream-idle\"}";
    scene.metric(idle, |value| value == 1.0).await;
    one.closed(1).await;
}

#[tokio::test]
async fn heartbeats_without_echoes_are_told() {
    let one = EventXsp::start("one").await;
    let limits = "heartbeat-echo-timeout = \"100ms\"\nheartbeat-interval = \"0s\"";
    let scene = Scene::new(&[&one], limits).await;
    let mut held = scene.open("s").await;
    let id = held.id().await;
    assert_eq!(beat(&scene.client(), &id).await.status, 200);
    held.text().await;
    one.echoes(false);
    assert_eq!(beat(&scene.client(), &id).await.status, 200);
    let missing = "xspd_event_echoes_missing_total{upstream=\"one\"}";
    scene.metric(missing, |value| value == 1.0).await;
    scene.daemon.logged(&["no-echo", "one"]).await;
}

#[tokio::test]
async fn an_acknowledgement_that_is_no_small_document_is_refused() {
    let one = EventXsp::start("one").await;
    let scene = Scene::new(&[&one], "").await;
    let body = "x".repeat(20_000);
    let path = format!("{EVENTS}/channel/eventresponse");
    let answer = request("POST", &path, "alice", &body);
    let answer = scene.client().exchange(&answer).await.unwrap();
    assert_eq!(answer.status, 413);
    assert_eq!(one.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn a_drain_opens_no_channel_keeps_what_is_open_and_cuts_it_at_its_end() {
    let one = EventXsp::start("one").await;
    let scene = Scene::new(&[&one], "heartbeat-interval = \"0s\"").await;
    let mut held = scene.open("s").await;
    let id = held.id().await;
    scene.daemon.signal("TERM");
    scene.daemon.logged(&["Draining"]).await;
    let late = request("POST", CHANNEL, "alice", "<Channel/>");
    let late = scene.client().exchange(&late).await.unwrap();
    assert_eq!(late.status, 503);
    assert_eq!(beat(&scene.client(), &id).await.status, 200);
    held.text().await;
    assert!(held.chunk().await.is_err(), "it is cut, not ended");
    one.closed(1).await;
}
