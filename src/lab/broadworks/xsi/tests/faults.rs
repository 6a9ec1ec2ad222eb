//! The control endpoint: what XSPs do wrong on request, and shorter times.

use super::farm::ADMIN;
use super::farm::End;
use super::farm::Farm;
use super::farm::Stream;
use super::farm::channel;
use super::wire::ALICE;

const SELF: &str = "user/alice@as.example.net";

async fn beat(farm: &Farm, stream: &Stream) -> u16 {
    let path = format!("channel/{}/heartbeat", stream.id);
    farm.ask(farm.first, ALICE, "PUT", &path, "").await.status
}

#[tokio::test]
async fn echoes_are_withheld_as_often_as_told() {
    let farm = Farm::start().await;
    let mut stream = farm.open(farm.first, ALICE, "set").await;
    farm.order("PUT", "faults", r#"{"fault":"withhold-echoes","count":2}"#)
        .await;
    for _ in 0..3 {
        assert_eq!(beat(&farm, &stream).await, 200);
    }
    assert!(stream.next().await.unwrap().contains("ChannelHeartBeat"));
    farm.done(ALICE, "DELETE", &format!("channel/{}", stream.id), "")
        .await;
    let next = stream.next().await.unwrap();
    assert!(next.contains("ExplicitDelete"), "one echo only: {next}");
}

#[tokio::test]
async fn a_withheld_event_is_sent_on_the_next_channel() {
    let farm = Farm::start().await;
    farm.order("PUT", "times", r#"{"notification-timeout-ms":50}"#)
        .await;
    let _one = farm.open(farm.first, ALICE, "set").await;
    let mut two = Stream::open(farm.second, ALICE, &channel("set", 2)).await;
    farm.order("PUT", "faults", r#"{"fault":"withhold-events","xsp":1}"#)
        .await;
    farm.subscribe(ALICE, SELF, "Basic Call", "set").await;
    let event = two.event().await;
    assert_eq!(event.kind, "CallSubscriptionEvent");
    assert_eq!(farm.respond(farm.second, ALICE, &event.id, 200).await, 200);
}

#[tokio::test]
async fn an_event_comes_twice_or_breaks_off_in_the_middle() {
    let farm = Farm::start().await;
    let mut stream = farm.open(farm.first, ALICE, "set").await;
    farm.order("PUT", "faults", r#"{"fault":"duplicate-events","count":1}"#)
        .await;
    farm.subscribe(ALICE, SELF, "Basic Call", "set").await;
    let (one, two) = (stream.event().await, stream.event().await);
    assert_eq!(one.text, two.text);
    farm.order("PUT", "faults", r#"{"fault":"cut-mid-event"}"#)
        .await;
    farm.actions(
        ALICE,
        "POST",
        &format!("{SELF}/calls/new?address=2405550019"),
    )
    .await;
    let half = stream.next().await.unwrap();
    assert!(half.starts_with("<?xml") && !half.ends_with('>'), "{half}");
    assert!(matches!(stream.next().await, Err(End::Cut(_))));
}

#[tokio::test]
async fn channels_are_sent_to_the_other_xsp() {
    let farm = Farm::start().await;
    farm.order("PUT", "faults", r#"{"fault":"redirect","count":1,"xsp":2}"#)
        .await;
    let redirected = Stream::ask(farm.second, ALICE, &channel("set", 1)).await;
    assert_eq!(redirected.head.status, 302);
    let place = redirected.head.header("location").unwrap();
    let expected = format!(
        "http://{}/com.broadsoft.async/com.broadsoft.xsi-events/v2.0/channel",
        farm.first
    );
    assert_eq!(place, expected);
    let again = Stream::ask(farm.second, ALICE, &channel("set", 1)).await;
    assert_eq!(again.head.status, 200);
}

#[tokio::test]
async fn times_are_shortened_and_take_their_defaults_again() {
    let farm = Farm::start().await;
    let times = farm
        .order(
            "PUT",
            "times",
            r#"{"event-timeout-ms":200,"least-expires":1}"#,
        )
        .await;
    assert_eq!(times["event-timeout-ms"], 200);
    assert_eq!(times["notification-timeout-ms"], 5000);
    let mut silent = farm.open(farm.first, ALICE, "set").await;
    assert!(matches!(silent.next().await, Err(End::Cut(_))));
    farm.order("DELETE", "times", "").await;
    farm.order("PUT", "times", r#"{"least-expires":1}"#).await;
    let body = channel("set", 1).replace("86400", "1");
    let mut short = Stream::open(farm.first, ALICE, &body).await;
    assert!(
        short
            .next()
            .await
            .unwrap()
            .contains("<xsi:reason>Expired</xsi:reason>")
    );
    assert_eq!(short.next().await, Err(End::InOrder));
    let state = farm.order("GET", "state", "").await;
    assert_eq!(state["times"]["event-timeout-ms"], 30_000);
}

#[tokio::test]
async fn a_set_that_acknowledges_nothing_is_ended() {
    let farm = Farm::start().await;
    let short = r#"{"notification-timeout-ms":20,"unresponsive-grace-ms":20}"#;
    farm.order("PUT", "times", short).await;
    let mut stream = farm.open(farm.first, ALICE, "set").await;
    farm.subscribe(ALICE, SELF, "Basic Call", "set").await;
    stream.event().await;
    let last = stream.next().await.unwrap();
    assert!(
        last.contains("<xsi:reason>NonResponsiveChannel</xsi:reason>"),
        "{last}"
    );
}

#[tokio::test]
async fn channels_subscriptions_and_users_end_on_request() {
    let farm = Farm::start().await;
    let mut alices = farm.open(farm.first, ALICE, "set").await;
    let mut admins = farm.open(farm.first, ADMIN, "set").await;
    let id = farm.subscribe(ADMIN, SELF, "Call Park", "set").await;
    assert_eq!(admins.event().await.kind, "CallParkedAgainstEvent");
    farm.order("DELETE", &format!("subscriptions/{id}"), "")
        .await;
    assert_eq!(admins.event().await.kind, "SubscriptionTerminatedEvent");
    farm.subscribe(ADMIN, SELF, "Do Not Disturb", "set").await;
    assert_eq!(admins.event().await.kind, "DoNotDisturbEvent");
    farm.order("DELETE", "users/alice@as.example.net", "").await;
    assert_eq!(admins.event().await.kind, "SubscriptionTerminatedEvent");
    let last = alices.next().await.unwrap();
    assert!(
        last.contains("<xsi:reason>UserDeleted</xsi:reason>"),
        "{last}"
    );
    assert_eq!(alices.next().await, Err(End::InOrder));
    farm.order("POST", &format!("channels/{}/cut", admins.id), "")
        .await;
    assert!(matches!(admins.next().await, Err(End::Cut(_))));
    for (method, path, status) in [
        ("DELETE", "users/alice@as.example.net", 404),
        ("DELETE", "subscriptions/x", 404),
        ("POST", "channels/x/cut", 404),
        ("POST", "xsp/3/stop", 404),
        ("GET", "faults", 404),
    ] {
        let (got, answer) = farm.control(method, path, "").await;
        assert_eq!(got, status, "{method} {path}");
        assert!(answer["error"].is_string());
    }
    let (status, answer) = farm.control("PUT", "faults", r#"{"fault":"late"}"#).await;
    assert_eq!(status, 400);
    assert!(answer["error"].as_str().unwrap().contains("redirect"));
}
