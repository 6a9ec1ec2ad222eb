//! Subscriptions over HTTP: who may, to what, and what is answered.

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::farm::ADMIN;
use super::farm::Farm;
use super::farm::subscription;
use super::wire::ALICE;

const SELF: &str = "user/alice@as.example.net";

/// The names of the published schema.
const NAMES: [&str; 38] = [
    "Basic Call",
    "Standard Call",
    "Advanced Call",
    "Call Center Queue",
    "Call Center Agent",
    "Call Center Agent Monitoring",
    "Call Center Configuration",
    "Call Center Monitoring",
    "Route Point Queue",
    "Meet Me Conference",
    "Collaborate Room",
    "Voice Mail Message Summary",
    "Call Park",
    "Do Not Disturb",
    "Call Forwarding Always",
    "Call Forwarding Busy",
    "Call Forwarding No Answer",
    "Call Forwarding Always Secondary",
    "BroadWorks Anywhere",
    "Call Transfer",
    "Call Waiting",
    "CommPilot Express",
    "Flexible Seating Guest",
    "Hoteling Guest",
    "Last Number Redial",
    "N-Way Call",
    "Three-Way Call",
    "Music On Hold",
    "Personal Assistant",
    "Push Notification Registration",
    "Remote Office",
    "Security Classification",
    "Sequential Ring",
    "Simultaneous Ring Personal",
    "Silent Alerting",
    "Third-Party Voice Mail Support",
    "Voice Messaging",
    "Call Recording",
];

#[tokio::test]
async fn all_packages_of_the_schema_are_taken_and_no_other() {
    let farm = Farm::start().await;
    let _stream = farm.open(farm.first, ADMIN, "set").await;
    for name in NAMES {
        farm.subscribe(ADMIN, "system", name, "set").await;
    }
    for name in ["Basic call", "Busy Lamp Field", "", " "] {
        let reply = farm
            .ask(
                farm.first,
                ADMIN,
                "POST",
                "system",
                &subscription(name, "set"),
            )
            .await;
        assert_eq!(reply.status, 400, "{name}");
        let document = reply.document();
        assert_eq!(
            document.child_text("errorCode"),
            Some("110013"),
            "{}",
            reply.text()
        );
    }
    let list = farm.done(ADMIN, "GET", "subscription", "").await.document();
    assert_eq!(list.children().len(), NAMES.len());
}

#[tokio::test]
async fn users_watch_themselves_and_the_administrator_everybody() {
    let farm = Farm::start().await;
    let _alices = farm.open(farm.first, ALICE, "set").await;
    let _admins = farm.open(farm.second, ADMIN, "set").await;
    let directory = farm.served.lab.directory();
    let alice = directory.user("alice").unwrap();
    let (provider, group) = (&alice.service_provider, &alice.group);
    let collections = [
        "system".to_owned(),
        format!("serviceprovider/{provider}"),
        format!("Enterprise/{provider}"),
        format!("enterprise/{provider}/group/{group}"),
        format!("ServiceProvider/{provider}/Group/{group}/subscription"),
        format!("group/{group}?enterpriseId={provider}"),
    ];
    let body = subscription("Basic Call", "set");
    for path in &collections {
        let refused = farm.ask(farm.first, ALICE, "POST", path, &body).await;
        assert_eq!(refused.status, 403, "{path}");
        farm.done(ADMIN, "POST", path, &body).await;
    }
    for (who, path, status) in [
        (ALICE, "user/alice@as.example.net", 200),
        (ALICE, "User/alice%40as.example.net/subscription", 200),
        (ALICE, "user/alice/SUBSCRIPTION", 200),
        (ALICE, "user/bob@as.example.net", 403),
        (ADMIN, "user/bob@as.example.net", 200),
        (ADMIN, "user/bob@as.example.net/subId/bridge1", 200),
        (ADMIN, "user/nobody@as.example.net", 404),
        (ADMIN, "serviceprovider/nobody", 404),
        (ADMIN, "user/bob@as.example.net/other", 404),
        (
            "alice@as.example.net:wrong",
            "user/alice@as.example.net",
            401,
        ),
    ] {
        let reply = farm.ask(farm.first, who, "POST", path, &body).await;
        assert_eq!(reply.status, status, "{who} {path}: {}", reply.text());
    }
    let elsewhere = subscription("Basic Call", "none");
    let reply = farm.ask(farm.first, ALICE, "POST", SELF, &elsewhere).await;
    assert_eq!(reply.status, 404, "the set has no channel");
}

#[tokio::test]
async fn a_subscription_is_shown_prolonged_and_ended() {
    let farm = Farm::start().await;
    let mut stream = farm.open(farm.first, ADMIN, "set").await;
    let id = farm.subscribe(ADMIN, SELF, "Basic Call", "set").await;
    assert_eq!(stream.event().await.kind, "CallSubscriptionEvent");
    let path = format!("subscription/{id}");
    let shown = farm.done(ADMIN, "GET", &path, "").await.document();
    let names: Vec<_> = shown.children().iter().map(|child| child.local()).collect();
    let order = [
        "subscriptionId",
        "subscriberId",
        "targetIdType",
        "targetId",
        "event",
        "expires",
        "channelSetId",
        "applicationId",
    ];
    assert_eq!(names, order);
    let longer = "<Subscription><expires>7200</expires></Subscription>";
    let reply = farm.done(ADMIN, "PUT", &path, longer).await.document();
    assert_eq!(reply.child_text("expires"), Some("7200"));
    let anew = stream.event().await;
    assert_eq!(
        (anew.kind.as_str(), anew.number),
        ("CallSubscriptionResyncEvent", 2)
    );
    for (who, method) in [(ALICE, "GET"), (ALICE, "PUT"), (ALICE, "DELETE")] {
        let refused = farm.ask(farm.first, who, method, &path, longer).await;
        assert_eq!(refused.status, 403, "{method}");
    }
    farm.done(ADMIN, "DELETE", &path, "").await;
    assert_eq!(stream.event().await.kind, "SubscriptionTerminatedEvent");
    for method in ["GET", "PUT", "DELETE"] {
        let gone = farm.ask(farm.second, ADMIN, method, &path, longer).await;
        assert_eq!(gone.status, 403, "{method}");
    }
    let none = farm
        .ask(farm.first, ADMIN, "GET", "subscription/x", "")
        .await;
    assert_eq!(none.status, 403);
}

#[tokio::test]
async fn the_list_is_the_callers_and_fits_the_query() {
    let farm = Farm::start().await;
    let _alices = farm.open(farm.first, ALICE, "set").await;
    let _admins = farm.open(farm.first, ADMIN, "set").await;
    farm.subscribe(ALICE, SELF, "Basic Call", "set").await;
    farm.subscribe(ADMIN, "user/bob@as.example.net", "Basic Call", "set")
        .await;
    farm.subscribe(ADMIN, "user/bob@as.example.net", "Do Not Disturb", "set")
        .await;
    farm.subscribe(ADMIN, "system", "Basic Call", "set").await;
    let list = "<Subscription><eventPackageList><event>Basic Call</event><event>Call Park</event>\
                </eventPackageList><channelSetId>set</channelSetId></Subscription>";
    farm.done(ADMIN, "POST", "user/bob@as.example.net", list)
        .await;
    for (who, query, count) in [
        (ALICE, "", 1),
        (ADMIN, "", 5),
        (ADMIN, "?subscriberId=alice@as.example.net", 1),
        (ADMIN, "?targetId=bob@as.example.net", 3),
        (ADMIN, "?targetId=bob@as.example.net&event=Basic%20Call", 1),
        (ADMIN, "?event=Call+Park", 0),
        (ADMIN, "?targetEntityType=System", 1),
        (ADMIN, "?extAppId=app", 4),
        (ADMIN, "?extAppId=other", 0),
    ] {
        let path = format!("subscription{query}");
        let list = farm.done(who, "GET", &path, "").await.document();
        assert_eq!(list.local(), "SubscriptionList");
        assert_eq!(list.children().len(), count, "{who} {query}");
    }
}

#[tokio::test]
async fn what_clients_add_is_tolerated_and_lists_are_checked() {
    let farm = Farm::start().await;
    let mut stream = farm.open(farm.first, ALICE, "set").await;
    let chrome = "<Subscription xmlns=\"http://schema.broadsoft.com/xsi\">\
                  <subscriberId>x</subscriberId><targetIdType>User</targetIdType>\
                  <targetId>nobody@example.net</targetId><event>Do Not Disturb</event>\
                  <expires>3600</expires><channelSetId>set</channelSetId></Subscription>";
    farm.done(ALICE, "POST", SELF, chrome).await;
    let initial = stream.event().await;
    assert_eq!(initial.kind, "DoNotDisturbEvent");
    let json = r#"{"Subscription":{"@xmlns":{"$":"http://schema.broadsoft.com/xsi"},"event":{"$":"Call Park"},"channelSetId":{"$":"set"}}}"#;
    let path = format!("{SELF}?format=json");
    let reply = farm.done(ALICE, "POST", &path, json).await;
    assert!(reply.text().starts_with('{'), "{}", reply.text());
    let park = stream.event().await;
    assert!(
        park.text.starts_with("<?xml"),
        "events are XML nevertheless"
    );
    let list = |events: &str| {
        format!(
            "<Subscription><eventPackageList>{events}</eventPackageList>\
             <channelSetId>set</channelSetId></Subscription>"
        )
    };
    for (events, status) in [
        (
            "<event>Basic Call</event><event>Call Forwarding Always</event>",
            200,
        ),
        ("<event>Basic Call</event><event>Nothing</event>", 400),
        (
            "<event>Basic Call</event><event>Call Center Queue</event>",
            400,
        ),
        ("", 400),
    ] {
        let reply = farm
            .ask(farm.first, ALICE, "POST", SELF, &list(events))
            .await;
        assert_eq!(reply.status, status, "{events}");
    }
    assert_eq!(
        stream.kinds(2).await,
        ["CallSubscriptionEvent", "CallForwardingAlwaysEvent"]
    );
}

#[tokio::test]
async fn a_changed_service_is_told_to_its_watchers() {
    let farm = Farm::start().await;
    let mut stream = farm.open(farm.first, ADMIN, "set").await;
    farm.subscribe(ADMIN, "system", "Do Not Disturb", "set")
        .await;
    let body = "<DoNotDisturb xmlns=\"http://schema.broadsoft.com/xsi\"><active>true</active>\
                <ringSplash>true</ringSplash></DoNotDisturb>";
    let path = format!("{SELF}/services/donotdisturb");
    let reply = farm.served.ask(ALICE, "PUT", &path, body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let event = stream.event().await;
    let info = event
        .root
        .child("eventData")
        .unwrap()
        .child("info")
        .unwrap();
    assert_eq!(info.child_text("active"), Some("true"));
    assert_eq!(
        event.root.child_text("targetId"),
        Some("alice@as.example.net")
    );
}

#[tokio::test]
async fn client_applications_have_system_channels_and_subscriptions() {
    let farm = Farm::start().await;
    let channel = "<xsi:SystemChannel xmlns:xsi=\"http://schema.broadsoft.com/xsi\">\
                   <xsi:channelSetId>set</xsi:channelSetId></xsi:SystemChannel>";
    let refused = farm
        .ask(farm.first, ALICE, "POST", "systemChannel", channel)
        .await;
    assert_eq!(refused.status, 403);
    let reply = farm
        .done(ADMIN, "POST", "systemChannel", channel)
        .await
        .document();
    let id = reply.child_text("channelId").unwrap().to_owned();
    let set = farm
        .done(ADMIN, "GET", "systemChannelSet/set", "")
        .await
        .document();
    assert_eq!(set.children().len(), 1);
    let body = "<xsi:Subscription xmlns:xsi=\"http://schema.broadsoft.com/xsi\">\
                <xsi:targetIdType>User</xsi:targetIdType>\
                <xsi:targetId>alice@as.example.net</xsi:targetId>\
                <xsi:event>Do Not Disturb</xsi:event><xsi:channelSetId>set</xsi:channelSetId>\
                </xsi:Subscription>";
    let reply = farm
        .done(ADMIN, "POST", "systemSubscription", body)
        .await
        .document();
    assert_eq!(reply.child_text("expires"), Some("2147483647"));
    let path = format!(
        "systemSubscription/{}",
        reply.child_text("subscriptionId").unwrap()
    );
    let shown = farm.done(ADMIN, "GET", &path, "").await.document();
    assert!(shown.child_text("clientId").is_some());
    farm.done(ADMIN, "DELETE", &path, "").await;
    farm.done(ADMIN, "DELETE", &format!("systemChannel/{id}"), "")
        .await;
}

#[tokio::test]
async fn events_are_posted_to_an_http_contact_until_it_fails() {
    let farm = Farm::start().await;
    farm.order("PUT", "times", r#"{"contact-pause-ms":1}"#)
        .await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("{}/events", listener.local_addr().unwrap());
    let body = |uri: &str| {
        format!(
            "<Subscription><event>Basic Call</event><httpContact><uri>{uri}</uri></httpContact>\
             </Subscription>"
        )
    };
    for elsewhere in ["192.0.2.14:8800/x", "https://127.0.0.1/x"] {
        let refused = farm
            .ask(farm.first, ALICE, "POST", SELF, &body(elsewhere))
            .await;
        assert_eq!(refused.status, 400, "{elsewhere}");
    }
    farm.done(ALICE, "POST", SELF, &body(&uri)).await;
    let answers = ["200 OK", "500 X", "500 X", "500 X", "200 OK"];
    let mut posted = Vec::new();
    for (place, answer) in answers.into_iter().enumerate() {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut read = Vec::new();
        while !read.ends_with(b"</xsi:Event>") {
            assert!(socket.read_buf(&mut read).await.unwrap() > 0);
        }
        let reply = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n");
        socket.write_all(reply.as_bytes()).await.unwrap();
        posted.push(String::from_utf8(read).unwrap());
        if place == 0 {
            let new = format!("{SELF}/calls/new?address=2405550019");
            farm.actions(ALICE, "POST", &new).await;
        }
    }
    assert!(
        posted[0].starts_with("POST /events HTTP/1.1\r\n"),
        "{}",
        posted[0]
    );
    assert!(posted[0].contains("content-type: application/xml; charset=UTF-8\r\n"));
    assert!(posted[0].contains(&format!(
        "<xsi:httpContact><xsi:uri>{uri}</xsi:uri></xsi:httpContact>"
    )));
    assert!(posted[0].contains("CallSubscriptionEvent"));
    assert!(posted[1].contains("CallOriginatedEvent"));
    assert_eq!(posted[1], posted[3]);
    assert!(posted[4].contains("SubscriptionTerminatedEvent"));
}
