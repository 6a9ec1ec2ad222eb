//! Requests that belong to a stream reach its XSP, whatever connection they come over.

use tokio::io::AsyncWriteExt as _;

use crate::e2e::events_relay::CHANNEL;
use crate::e2e::events_relay::Channel;
use crate::e2e::events_relay::EVENTS;
use crate::e2e::events_relay::Scene;
use crate::e2e::events_relay::acknowledge;
use crate::e2e::events_relay::asking;
use crate::e2e::events_relay::beat;
use crate::e2e::events_relay::config;
use crate::e2e::events_relay::request;
use crate::e2e::stage::HOST;
use crate::support::event_xsp::ECHO;
use crate::support::event_xsp::EventXsp;
use crate::support::event_xsp::channel;
use crate::support::event_xsp::event;
use crate::support::event_xsp::event_of;

#[tokio::test]
async fn two_channels_of_a_set_land_on_different_xsps_and_all_that_belongs_to_each_follows() {
    let (one, two) = (EventXsp::start("one").await, EventXsp::start("two").await);
    let scene = Scene::new(&[&one, &two], "heartbeat-interval = \"0s\"").await;
    let mut channels = [scene.open("set-1").await, scene.open("set-1").await];
    let mut ids = Vec::new();
    for channel in &mut channels {
        assert_eq!(channel.status(), "200");
        ids.push(channel.id().await);
    }
    let mut sorted = ids.clone();
    sorted.sort();
    assert_eq!(sorted, ["one-1", "two-1"]);
    for _ in 0..3 {
        for (id, channel) in ids.iter().zip(&mut channels) {
            assert_eq!(beat(&scene.client(), id).await.status, 200, "{id}");
            assert_eq!(channel.text().await, ECHO);
        }
    }
    for (xsp, id) in [(&one, "one-1"), (&two, "two-1")] {
        let number = ids.iter().position(|known| known == id).unwrap();
        let event_id = format!("{id}-event");
        xsp.send(id, &event(&event_id));
        assert_eq!(channels[number].text().await, event(&event_id));
        let answer = acknowledge(&scene.client(), &event_id).await;
        assert_eq!(answer.status, 200, "{id}");
    }
    let hint = |hint| format!("xspd_event_routing_total{{hint=\"{hint}\"}}");
    scene
        .metric(&hint("channel-id"), |value| value == 6.0)
        .await;
    scene.metric(&hint("event-id"), |value| value == 2.0).await;
    scene.metric(&hint("miss"), |value| value == 0.0).await;
    let beats = "xspd_event_heartbeats_total{result=\"2xx\"}";
    scene.metric(beats, |value| value == 6.0).await;
    let late = "xspd_event_acknowledgement_seconds_count";
    scene.metric(late, |value| value == 2.0).await;
    let counted = "xspd_events_total{type=\"CallReceivedEvent\"}";
    scene.metric(counted, |value| value == 2.0).await;

    let deleted = request("DELETE", &format!("{CHANNEL}/two-1"), "alice", "");
    let deleted = scene.client().exchange(&deleted).await.unwrap();
    assert_eq!(deleted.status, 200);
    let last = two.requests().pop().unwrap();
    assert_eq!(last, format!("DELETE {CHANNEL}/two-1 HTTP/1.1"));
}

#[tokio::test]
async fn what_no_xsp_knows_gets_the_404_of_one_and_goes_to_one_only() {
    let (one, two) = (EventXsp::start("one").await, EventXsp::start("two").await);
    let scene = Scene::new(&[&one, &two], "").await;
    assert_eq!(beat(&scene.client(), "foreign").await.status, 404);
    assert_eq!(acknowledge(&scene.client(), "foreign").await.status, 404);
    let asked = one.requests().len() + two.requests().len();
    assert_eq!(asked, 2);
    let misses = "xspd_event_routing_total{hint=\"miss\"}";
    scene.metric(misses, |value| value == 2.0).await;
}

#[tokio::test]
async fn a_cookie_and_the_callers_last_xsp_are_hints_for_what_is_unknown() {
    let (one, two) = (EventXsp::start("one").await, EventXsp::start("two").await);
    let scene = Scene::new(&[&one, &two], "").await;
    let mut channel = scene.open("s").await;
    let id = channel.id().await;
    let (holder, cookie) = if id == "one-1" {
        (&one, "JSESSIONID=S-one-1")
    } else {
        (&two, "JSESSIONID=S-two-1")
    };
    let before = holder.requests().len();
    let path = format!("{EVENTS}/channel/unknown/heartbeat");
    let by_user = request("PUT", &path, "alice", "");
    let with_cookie = format!(
        "PUT {path} HTTP/1.1\r\nHost: {HOST}\r\nCookie: a=b; {cookie}\r\nContent-Length: 0\r\n\r\n"
    );
    for beat in [by_user.as_slice(), with_cookie.as_bytes()] {
        assert_eq!(scene.client().exchange(beat).await.unwrap().status, 404);
    }
    assert_eq!(holder.requests().len(), before + 2);
    for hint in ["identity", "cookie"] {
        let series = format!("xspd_event_routing_total{{hint=\"{hint}\"}}");
        scene.metric(&series, |value| value == 1.0).await;
    }
}

#[tokio::test]
async fn what_an_xsp_refuses_does_not_move_the_hint_of_the_user_whose_name_it_bears() {
    let (one, two) = (EventXsp::start("one").await, EventXsp::start("two").await);
    let scene = Scene::new(&[&one, &two], "").await;
    let mut alices = scene.open("s").await;
    let (holder, other) = if alices.id().await == "one-1" {
        (&one, &two)
    } else {
        (&two, &one)
    };
    let mut bobs = Channel::open(&scene.client(), &asking("bob", "s", "app")).await;
    let id = bobs.id().await;
    other.send(&id, &event("foreign-event"));
    bobs.text().await;
    let refused = acknowledge(&scene.client(), "foreign-event").await;
    assert_eq!(refused.status, 404);
    let before = holder.requests().len();
    assert_eq!(beat(&scene.client(), "unknown").await.status, 404);
    assert_eq!(holder.requests().len(), before + 1);
}

#[tokio::test]
async fn a_redirection_to_another_xsp_is_followed_and_one_to_a_stranger_is_passed() {
    let (one, two) = (EventXsp::start("one").await, EventXsp::start("two").await);
    let scene = Scene::new(&[&one, &two], "").await;
    one.redirects_to(&format!("http://{}", two.address()));
    for set in ["a", "b", "c"] {
        let mut channel = scene.open(set).await;
        assert_eq!(channel.status(), "200", "{set}");
        let id = channel.id().await;
        assert!(id.starts_with("two-"), "{id}");
        assert_eq!(beat(&scene.client(), &id).await.status, 200);
    }
    let followed = "xspd_event_redirects_total{result=\"followed\"}";
    scene.metric(followed, |value| value >= 1.0).await;

    for xsp in [&one, &two] {
        xsp.redirects_to("http://stranger.example.com");
    }
    let channel = scene.open("d").await;
    assert_eq!(channel.status(), "302");
    assert!(
        channel.head.contains("http://stranger.example.com/"),
        "{}",
        channel.head
    );
    let passed = "xspd_event_redirects_total{result=\"passed\"}";
    scene.metric(passed, |value| value == 1.0).await;
}

#[tokio::test]
async fn a_loop_of_redirections_ends() {
    let (one, two) = (EventXsp::start("one").await, EventXsp::start("two").await);
    let scene = Scene::new(&[&one, &two], "").await;
    one.redirects_to(&format!("http://{}", two.address()));
    two.redirects_to(&format!("http://{}", one.address()));
    let channel = scene.open("a").await;
    assert_eq!(channel.status(), "302");
    assert_eq!(one.requests().len() + two.requests().len(), 4);
}

#[tokio::test]
async fn a_request_body_that_stays_open_streams_beside_its_answer() {
    let one = EventXsp::start("one").await;
    let scene = Scene::new(&[&one], "").await;
    let head = format!(
        "POST {CHANNEL} HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n<Channel xmlns=\"n\"/>\r\n"
    );
    let mut channel = Channel::open(&scene.client(), head.as_bytes()).await;
    assert_eq!(channel.id().await, "one-1");
    for _ in 0..3 {
        let beat = b"20\r\n<ChannelHeartBeat xmlns=\"nnnn\"/>\r\n";
        channel.stream.write_all(beat).await.unwrap();
        assert_eq!(channel.text().await, ECHO);
    }
}

#[tokio::test]
async fn names_that_are_not_known_are_told_once() {
    let one = EventXsp::start("one").await;
    let scene = Scene::new(&[&one], "").await;
    let mut channel = scene.open("s").await;
    let id = channel.id().await;
    for number in 0..3 {
        let event = event_of(&format!("one-{number}"), "BrandNewEvent", "");
        one.send(&id, &event);
        assert_eq!(channel.text().await, event);
    }
    let subscription = "<Subscription xmlns=\"n\"><event>Busy Lamp Field</event></Subscription>";
    let path = format!("{EVENTS}/User/alice/subscription");
    for _ in 0..2 {
        let post = request("POST", &path, "alice", subscription);
        let answer = scene.client().exchange(&post).await.unwrap();
        assert_eq!(answer.status, 200);
    }
    for name in ["BrandNewEvent", "Busy Lamp Field"] {
        scene.daemon.logged(&["told once", name]).await;
        let lines = scene.daemon.lines();
        let told = lines
            .iter()
            .filter(|line| line.contains("told once") && line.contains(name));
        assert_eq!(told.count(), 1, "{name}");
    }
    let other = "xspd_events_total{type=\"other\"}";
    scene.metric(other, |value| value == 3.0).await;
}

#[tokio::test]
async fn a_reload_keeps_streams_and_what_is_known_of_them() {
    let (one, two) = (EventXsp::start("one").await, EventXsp::start("two").await);
    let scene = Scene::new(&[&one, &two], "heartbeat-interval = \"0s\"").await;
    let mut held = scene.open("s").await;
    let id = held.id().await;
    let holder = if id == "one-1" { &one } else { &two };
    let event_id = format!("{}-e", id.split('-').next().unwrap());
    holder.send(&id, &event(&event_id));
    assert_eq!(held.text().await, event(&event_id));
    let next = config(
        &scene.stage,
        &[&one, &two],
        "heartbeat-interval = \"0s\"\nchannels-per-user = 1",
    );
    std::fs::write(scene.stage.path().join("xspd.toml"), next).unwrap();
    scene.daemon.signal("HUP");
    scene.daemon.logged(&["Reload done"]).await;
    assert_eq!(beat(&scene.client(), &id).await.status, 200);
    assert_eq!(held.text().await, ECHO);
    assert_eq!(acknowledge(&scene.client(), &event_id).await.status, 200);
    let refused = scene.open("t").await;
    assert_eq!(
        refused.status(),
        "429",
        "the new limit counts the old stream"
    );
    let listed = scene.daemon.admin("/events/streams").await;
    assert_eq!(listed.status, 200);
    assert!(
        listed.text().contains(&format!("\"channel\":\"{id}\"")),
        "{}",
        listed.text()
    );
    assert!(
        listed.text().starts_with("{\"open\":1,"),
        "{}",
        listed.text()
    );
}

#[tokio::test]
async fn the_head_of_a_request_for_a_channel_loses_its_encodings_and_nothing_else() {
    let one = EventXsp::start("one").await;
    let scene = Scene::new(&[&one], "").await;
    let mut held = Channel::open(&scene.client(), &asking("alice", "s", "a")).await;
    assert_eq!(held.text().await, channel("one-1"));
    let head = one.heads().pop().unwrap().to_ascii_lowercase();
    assert!(head.contains("\r\nauthorization: basic "), "{head}");
    assert!(!head.contains("accept-encoding"), "{head}");
    assert!(
        !held
            .head
            .to_ascii_lowercase()
            .contains("keep-alive: timeout"),
        "{}",
        held.head
    );
}
