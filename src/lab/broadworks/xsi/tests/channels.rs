//! Channels over HTTP: what clients send, what streams carry, what each XSP knows.

use std::time::Duration;

use super::farm::ADMIN;
use super::farm::End;
use super::farm::Farm;
use super::farm::Stream;
use super::farm::channel;
use super::wire::ALICE;
use crate::domain::xsi::codec::parse_xml;
use crate::lab::broadworks::LabError;

const BOB: &str = "bob@as.example.net:Passw0rd!";
const SELF: &str = "user/alice@as.example.net";

#[tokio::test]
async fn a_call_is_told_as_it_goes_and_every_event_acknowledged() {
    let farm = Farm::start().await;
    forget_services(&farm, "bob@as.example.net");
    let mut stream = farm.open(farm.first, ALICE, "set").await;
    farm.subscribe(ALICE, SELF, "Standard Call", "set").await;
    let snapshot = stream.event().await;
    assert_eq!(
        (snapshot.kind.as_str(), snapshot.number),
        ("CallSubscriptionEvent", 1)
    );
    let channel = snapshot.root.child_text("channelId");
    assert_eq!(channel, Some(stream.id.as_str()));
    assert!(snapshot.root.child("targetId").is_none(), "the owner");
    let call = call_bob(&farm).await;
    let mut events = vec![snapshot];
    let mut kinds = Vec::new();
    while kinds.last().map(String::as_str) != Some("CallReleasedEvent") {
        let event = stream.event().await;
        kinds.push(event.kind.clone());
        events.push(event);
    }
    let told = [
        "CallOriginatedEvent",
        "HookStatusEvent",
        "CallAnsweredEvent",
        "CallHeldEvent",
        "CallReleasedEvent",
    ];
    assert_eq!(kinds, told);
    let data = events[1].root.child("eventData").unwrap();
    let told = data.child("call").unwrap().child_text("callId");
    assert_eq!(told, Some(call.as_str()), "the id of Xsi-Actions");
    for (event, number) in events.iter().zip(1..) {
        assert_eq!(event.number, number);
        assert!(!event.text.contains('\n'));
        let acknowledged = farm.respond(farm.first, ALICE, &event.id, 200).await;
        assert_eq!(acknowledged, 200);
    }
    let again = farm.respond(farm.first, ALICE, &events[0].id, 200).await;
    assert_eq!(again, 404, "it is known no more");
}

/// Nothing answers or forwards the calls of a user.
fn forget_services(farm: &Farm, id: &str) {
    let forgotten = farm.served.lab.store.update(|directory| {
        directory.users.get_mut(id).unwrap().settings.clear();
        Ok::<(), LabError>(())
    });
    forgotten.unwrap();
}

/// Alice calls Bob, who answers; she holds the call and hangs up.
async fn call_bob(farm: &Farm) -> String {
    let new = format!("{SELF}/calls/new?address=0102");
    let reply = farm.actions(ALICE, "POST", &new).await.document();
    let call = reply.child_text("callId").unwrap().to_owned();
    let bob = "user/bob@as.example.net/calls";
    let bobs = farm.actions(BOB, "GET", bob).await.document();
    let ringing = bobs.children()[0].child_text("callId").unwrap();
    farm.actions(BOB, "PUT", &format!("{bob}/{ringing}/Talk"))
        .await;
    let own = format!("{SELF}/calls/{call}");
    farm.actions(ALICE, "PUT", &format!("{own}/Hold")).await;
    farm.actions(ALICE, "DELETE", &own).await;
    call
}

#[tokio::test]
async fn the_head_of_a_stream_is_as_recorded() {
    let farm = Farm::start().await;
    let mut stream = Stream::ask(farm.first, ALICE, &channel("set", 1)).await;
    for (name, value) in [
        ("x-frame-options", "SAMEORIGIN"),
        ("x-content-type-options", "nosniff"),
        ("x-xss-protection", "1; mode=block"),
        ("expires", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ("content-type", "text/xml;charset=UTF-8"),
        ("transfer-encoding", "chunked"),
        ("keep-alive", "timeout=4"),
        ("connection", "keep-alive"),
        ("server", "HTTP Server"),
    ] {
        assert_eq!(stream.head.header(name), Some(value), "{name}");
    }
    let tracking = stream.head.header("trackingid").unwrap();
    assert!(
        tracking.starts_with("NA_") && tracking.len() == 39,
        "{tracking}"
    );
    let cookie = stream.head.header("set-cookie").unwrap();
    let (id, rest) = cookie.split_once("; ").unwrap();
    assert!(id.starts_with("JSESSIONID="));
    assert_eq!(rest, "Path=/com.broadsoft.xsi-events; Secure; HttpOnly");
    assert!(stream.head.header("cache-control").is_none());
    let first = stream.next().await.unwrap();
    assert_eq!(first.len(), 0xb5, "the very bytes: {first}");
}

#[tokio::test]
async fn a_heartbeat_is_echoed_where_the_stream_is_and_unknown_elsewhere() {
    let farm = Farm::start().await;
    let mut stream = farm.open(farm.first, ALICE, "set").await;
    let path = format!("channel/{}/heartbeat", stream.id);
    let reply = farm.done(ALICE, "PUT", &path, "").await;
    assert_eq!(reply.text(), "");
    let echo = concat!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
        "<ChannelHeartBeat xmlns=\"http://schema.broadsoft.com/xsi\"/>"
    );
    assert_eq!(stream.next().await.unwrap(), echo);
    let upper = format!("Channel/{}/HeartBeat", stream.id.to_uppercase());
    farm.done(ALICE, "PUT", &upper, "").await;
    assert_eq!(stream.next().await.unwrap(), echo);
    for (at, who, path, status) in [
        (farm.second, ALICE, path.as_str(), 404),
        (farm.first, BOB, path.as_str(), 404),
        (farm.first, ADMIN, path.as_str(), 404),
        (farm.first, "alice@as.example.net:wrong", path.as_str(), 401),
        (farm.first, ALICE, "channel/none/heartbeat", 404),
        (
            farm.first,
            ALICE,
            "channel/2a17a4d9-02b3-4d0f-bc41-58ac8c1937fa/heartbeat",
            404,
        ),
    ] {
        assert_eq!(
            farm.ask(at, who, "PUT", path, "").await.status,
            status,
            "{who} {path}"
        );
    }
    drop(stream);
}

#[tokio::test]
async fn a_channel_is_prolonged_shown_and_deleted_as_clients_do() {
    let farm = Farm::start().await;
    let mut one = farm.open(farm.first, ALICE, "set").await;
    let mut two = Stream::open(farm.second, ALICE, &channel("set", 2)).await;
    let longer =
        "<Channel xmlns=\"http://schema.broadsoft.com/xsi\"><expires>7200</expires></Channel>";
    let reply = farm
        .done(ALICE, "PUT", &format!("channel/{}", one.id), longer)
        .await;
    assert_eq!(reply.document().child_text("expires"), Some("7200"));
    let set = farm
        .done(ALICE, "GET", "channelset/set", "")
        .await
        .document();
    assert_eq!(set.local(), "ChannelSet");
    let priorities: Vec<_> = set
        .children()
        .iter()
        .map(|channel| {
            let names: Vec<_> = channel
                .children()
                .iter()
                .map(|child| child.local())
                .collect();
            assert_eq!(
                names,
                ["channelId", "channelSetId", "priority", "weight", "expires"]
            );
            channel.child_text("priority").unwrap()
        })
        .collect();
    assert_eq!(priorities.len(), 2);
    let twice = format!("channel/{}/{}", one.id, one.id);
    assert_eq!(
        farm.ask(farm.first, ALICE, "DELETE", &twice, "")
            .await
            .status,
        404
    );
    farm.done(ALICE, "DELETE", &format!("channel/{}", one.id), "")
        .await;
    let last = one.next().await.unwrap();
    assert!(
        last.contains("xsi1:type=\"xsi:ChannelTerminatedEvent\""),
        "{last}"
    );
    assert!(last.contains("<xsi:reason>ExplicitDelete</xsi:reason>"));
    assert_eq!(one.next().await, Err(End::InOrder));
    // libxsi deletes with the streaming prefix, and wherever it is led to.
    let path = format!(
        "/com.broadsoft.async{}/channel/{}",
        super::farm::EVENTS,
        two.id
    );
    let reply = super::farm::exchange(farm.first, "DELETE", &path, Some(ALICE), "").await;
    assert_eq!(reply.status, 200);
    two.next().await.unwrap();
    assert_eq!(two.next().await, Err(End::InOrder));
}

#[tokio::test]
async fn only_the_streaming_path_opens_a_channel_and_documents_are_judged() {
    let farm = Farm::start().await;
    let plain = farm
        .ask(farm.first, ALICE, "POST", "channel", &channel("set", 1))
        .await;
    assert_eq!(plain.status, 404);
    for body in [
        "",
        "<Channel xmlns=\"http://schema.broadsoft.com/xsi\"/>",
        "<!DOCTYPE a><Channel><channelSetId>x</channelSetId></Channel>",
        "<Channel><channelSetId>x</channelSetId><priority>0</priority></Channel>",
        "<Channel><channelSetId>x</channelSetId><expires>-1</expires></Channel>",
        "<Subscription/>",
    ] {
        let refused = Stream::ask(farm.first, ALICE, body).await;
        assert_eq!(refused.head.status, 400, "{body}");
    }
    let long = "x".repeat(257);
    let refused = Stream::ask(farm.first, ALICE, &channel(&long, 1)).await;
    assert_eq!(refused.head.status, 400);
    let refused = Stream::ask(farm.first, "alice@as.example.net:wrong", &channel("x", 1)).await;
    assert_eq!(refused.head.status, 401);
    let huge = format!("<Channel>{}</Channel>", " ".repeat(70_000));
    let path = format!("/com.broadsoft.async{}/channel", super::farm::EVENTS);
    let reply = super::farm::exchange(farm.first, "POST", &path, Some(ALICE), &huge).await;
    assert_eq!(reply.status, 413);
}

#[tokio::test]
async fn an_event_goes_to_the_next_xsp_when_its_own_is_stopped() {
    let farm = Farm::start().await;
    let mut one = Stream::open(farm.first, ALICE, &channel("set", 1)).await;
    let mut two = Stream::open(farm.second, ALICE, &channel("set", 2)).await;
    farm.subscribe(ALICE, SELF, "Basic Call", "set").await;
    let snapshot = one.event().await;
    assert_eq!(
        farm.respond(farm.second, ALICE, &snapshot.id, 200).await,
        404
    );
    farm.order("POST", "xsp/1/stop", "").await;
    assert!(matches!(one.next().await, Err(End::Cut(_))));
    let moved = two.event().await;
    assert_eq!((moved.id.as_str(), moved.number), (snapshot.id.as_str(), 1));
    assert_eq!(moved.root.child_text("channelId"), Some(two.id.as_str()));
    assert_eq!(farm.respond(farm.second, ALICE, &moved.id, 200).await, 200);
    let refused = tokio::net::TcpStream::connect(farm.first).await;
    assert!(refused.is_err(), "nobody listens");
    let state = farm.order("GET", "state", "").await;
    assert_eq!(state["xsps"][0]["running"], false);
    assert_eq!(state["xsps"][1]["channels"], 1);
    farm.order("POST", "xsp/1/start", "").await;
    let again = farm.open(farm.first, ALICE, "set").await;
    assert_ne!(again.id, one.id);
}

#[tokio::test]
async fn a_client_that_leaves_is_noticed_at_once() {
    let farm = Farm::start().await;
    let one = Stream::open(farm.first, ALICE, &channel("set", 1)).await;
    let mut two = Stream::open(farm.second, ALICE, &channel("set", 2)).await;
    farm.order("PUT", "faults", r#"{"fault":"withhold-events","count":1}"#)
        .await;
    farm.subscribe(ALICE, SELF, "Basic Call", "set").await;
    drop(one);
    assert_eq!(two.event().await.kind, "CallSubscriptionEvent");
}

#[tokio::test]
async fn a_client_application_is_fed_with_the_calls_of_everybody() {
    let farm = Farm::start().await;
    let mut feed = farm.served.lab.event_feed("bwcticlient.webex.com").unwrap();
    let mut second = farm.served.lab.event_feed("bwcticlient.webex.com").unwrap();
    assert_ne!(feed.channel(), second.channel());
    let new = format!("{SELF}/calls/new?address=2405550017");
    farm.actions(ALICE, "POST", &new).await;
    for feed in [&mut feed, &mut second] {
        let next = tokio::time::timeout(Duration::from_secs(10), feed.next()).await;
        let document = next.unwrap().unwrap();
        let root = parse_xml(&document, usize::MAX, None).unwrap().into_root();
        let names: Vec<_> = root.children().iter().map(|child| child.local()).collect();
        let envelope = [
            "eventID",
            "sequenceNumber",
            "clientId",
            "externalApplicationId",
            "subscriptionId",
            "channelId",
            "targetId",
            "eventData",
        ];
        assert_eq!(names, envelope);
        assert_eq!(root.child_text("clientId"), Some("bwcticlient.webex.com"));
        assert_eq!(root.child_text("targetId"), Some("alice@as.example.net"));
    }
    drop((feed, second));
    let state = farm.order("GET", "state", "").await;
    assert_eq!(state["subscriptions"], 0);
}

#[tokio::test]
async fn streams_end_with_the_lab() {
    let farm = Farm::start().await;
    let mut stream = farm.open(farm.second, ALICE, "set").await;
    farm.served.tasks.stop().cancel();
    assert!(stream.next().await.is_err());
    farm.served.tasks.join().await;
}
