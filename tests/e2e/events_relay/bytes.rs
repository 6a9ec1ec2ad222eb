//! Streams pass byte for byte, at once, and end as they end behind.

use crate::e2e::events_relay::Scene;
use crate::support::event_xsp::EventXsp;
use crate::support::event_xsp::channel;
use crate::support::event_xsp::chunk;
use crate::support::event_xsp::event;
use crate::support::event_xsp::event_of;

#[tokio::test]
async fn documents_pass_in_pieces_of_any_kind_and_are_still_understood() {
    let one = EventXsp::start("one").await;
    let scene = Scene::new(&[&one], "").await;
    let mut held = scene.open("s").await;
    let id = held.id().await;
    let text = event_of("one-1", "CallUpdatedEvent", "J\u{fc}rgen \u{1f4de}");
    for size in [1, 7, 100, text.len(), usize::MAX] {
        let stream = format!("{text}\r\n{text}");
        let pieces = stream.as_bytes().chunks(size.min(stream.len()));
        one.write(&id, pieces.flat_map(chunk).collect::<Vec<u8>>());
        assert_eq!(held.bytes(stream.len()).await, stream.as_bytes(), "{size}");
    }
    let counted = "xspd_events_total{type=\"CallUpdatedEvent\"}";
    scene.metric(counted, |value| value == 10.0).await;
}

#[tokio::test]
async fn one_chunk_behind_is_one_chunk_in_front() {
    let one = EventXsp::start("one").await;
    let scene = Scene::new(&[&one], "").await;
    let mut held = scene.open("s").await;
    let id = held.id().await;
    for number in 0..20 {
        let text = event(&format!("one-{number}"));
        one.send(&id, &text);
        assert_eq!(held.text().await, text);
    }
}

#[tokio::test]
async fn what_is_not_looked_into_passes_all_the_same() {
    let one = EventXsp::start("one").await;
    let scene = Scene::new(&[&one], "").await;
    let mut held = scene.open("s").await;
    let id = held.id().await;
    let large = event_of("one-large", "CallUpdatedEvent", &"x".repeat(4 << 20));
    let bomb = "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>";
    let garbage = "\u{0}\u{1}<<<garbage";
    let namespaces = "<?xml version=\"1.0\"?><q:New xmlns:q=\"urn:new\"><q:Event/></q:New>";
    let good = event("one-good");
    for text in [&large, bomb, namespaces, garbage, &good] {
        one.send(&id, text);
        assert_eq!(held.bytes(text.len()).await, text.as_bytes());
    }
    for (reason, count) in [("too-large", 1.0), ("declared", 1.0), ("malformed", 1.0)] {
        let series = format!("xspd_event_documents_unseen_total{{reason=\"{reason}\"}}");
        scene.metric(&series, |value| value == count).await;
    }
    let counted = "xspd_events_total{type=\"CallReceivedEvent\"}";
    scene.metric(counted, |value| value == 1.0).await;
}

#[tokio::test]
async fn a_stream_whose_xsp_dies_breaks_off_after_all_that_came() {
    let one = EventXsp::start("one").await;
    let scene = Scene::new(&[&one], "").await;
    let mut held = scene.open("s").await;
    let id = held.id().await;
    let text = event("one-1");
    let half = &text[..text.len() / 2];
    one.send(&id, half);
    assert_eq!(held.text().await, half);
    one.kill();
    assert!(held.chunk().await.is_err(), "no orderly end was forged");
    assert_eq!(held.buffer, b"", "nothing was added");
    let lost = "xspd_event_stream_endings_total{reason=\"upstream-lost\"}";
    scene.metric(lost, |value| value == 1.0).await;
    let open = "xspd_event_streams_open{upstream=\"one\"}";
    scene.metric(open, |value| value == 0.0).await;
    scene
        .daemon
        .logged(&["An event stream was cut", "upstream-lost"])
        .await;

    let refused = scene.open("s").await;
    assert_eq!(refused.status(), "503");
    assert!(
        refused.head.to_ascii_lowercase().contains("retry-after"),
        "{}",
        refused.head
    );
}

#[tokio::test]
async fn an_orderly_end_passes_as_one() {
    let one = EventXsp::start("one").await;
    let scene = Scene::new(&[&one], "").await;
    let mut held = scene.open("s").await;
    assert_eq!(held.text().await, channel("one-1"));
    let end = "<xsi:Event xmlns:xsi=\"n\" xmlns:x=\"i\" x:type=\"xsi:ChannelTerminatedEvent\"><xsi:channelId>one-1</xsi:channelId><xsi:reason>NonResponsiveChannel</xsi:reason></xsi:Event>";
    one.send("one-1", end);
    one.write("one-1", "0\r\n\r\n");
    assert_eq!(held.text().await, end);
    assert_eq!(held.chunk().await.unwrap(), b"");
    let ended = "xspd_event_stream_endings_total{reason=\"upstream-ended\"}";
    scene.metric(ended, |value| value == 1.0).await;
    let terminated = "xspd_event_channels_terminated_total{reason=\"NonResponsiveChannel\"}";
    scene.metric(terminated, |value| value == 1.0).await;
}

#[tokio::test]
async fn a_client_that_leaves_frees_the_channel_behind_at_once() {
    let one = EventXsp::start("one").await;
    let scene = Scene::new(&[&one], "").await;
    let mut held = scene.open("s").await;
    let id = held.id().await;
    one.send(&id, &event("one-1"));
    assert_eq!(held.text().await, event("one-1"));
    drop(held);
    one.closed(1).await;
    let gone = "xspd_event_stream_endings_total{reason=\"client-gone\"}";
    scene.metric(gone, |value| value == 1.0).await;
    let left = "xspd_event_unacknowledged_total";
    scene.metric(left, |value| value == 1.0).await;
}
