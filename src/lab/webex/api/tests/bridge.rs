//! The bridges, in the forms that an Application Server might send.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::Value;
use serde_json::json;

use crate::lab::webex::api::BRIDGE_ACCOUNT;
use crate::lab::webex::api::BRIDGE_PASSWORD;
use crate::lab::webex::api::tests::AT_ONCE;
use crate::lab::webex::api::tests::Reply;
use crate::lab::webex::api::tests::World;

/// The proposed form of a user, as `bwa-adapter/1` has it.
fn profile(name: &str, more: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<b:subscriberProfile \
         xmlns:b=\"http://broadsoft.com/schemas/BroadCloudOSS\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\
         <b:bwUserId>{name}@as.example.net</b:bwUserId><b:serviceProvider>ent1</b:serviceProvider>\
         <b:group>hq</b:group><b:firstName>{name}</b:firstName><b:lastName>Example</b:lastName>\
         {more}</b:subscriberProfile>"
    )
}

fn whole(name: &str) -> String {
    let more = format!(
        "<b:email>{name}@example.net</b:email><b:extension>0101</b:extension>\
         <b:services><b:service name=\"IMP\" active=\"true\"/></b:services>"
    );
    profile(name, &more)
}

async fn call(world: &World, method: &str, target: &str, body: &str) -> Reply {
    let pair = format!("{BRIDGE_ACCOUNT}:{BRIDGE_PASSWORD}");
    let request = request(method, target, "localhost:8450", &pair, body.as_bytes());
    world.ask(request).await
}

fn request(
    method: &str,
    target: &str,
    host: &str,
    pair: &str,
    body: &[u8],
) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(target)
        .header("Host", host)
        .header("Authorization", format!("Basic {}", STANDARD.encode(pair)))
        .header("Content-Type", "application/xml")
        .body(Full::new(Bytes::copy_from_slice(body)))
        .unwrap()
}

#[tokio::test]
async fn a_profile_begins_a_user_and_a_second_one_changes_it() {
    let world = World::start(AT_ONCE).await;
    let reply = call(&world, "POST", "/bridge/trusted", &whole("alice")).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert!(
        reply.text.contains("<status>started</status>"),
        "{}",
        reply.text
    );
    let id = "alice@as.example.net";
    let held = world.until(id, "provisioned").await;
    assert_eq!(
        (&held["package"], &held["extension"]),
        (&json!("standard"), &json!("0101"))
    );
    let changed = whole("alice").replace("0101", "0199");
    call(&world, "PUT", "/bridge/trusted/userservice/user", &changed).await;
    world.until(id, "provisioned").await;
    let held = world.until(id, "provisioned").await;
    assert_eq!(held["extension"], "0199");
    let off = whole("alice").replace("active=\"true\"", "active=\"false\"");
    assert_eq!(
        call(&world, "POST", "/bridge/trusted", &off).await.status,
        200
    );
    assert_eq!(world.control("GET", "subscribers", &Value::Null), json!([]));
    world.end().await;
}

#[tokio::test]
async fn users_of_one_enterprise_come_together_and_go_by_query_and_path() {
    let world = World::start(AT_ONCE).await;
    let names = ["alice", "bob", "carol"];
    for name in names {
        let reply = call(&world, "POST", "/bridge/trusted", &whole(name)).await;
        assert_eq!(reply.status, 200);
    }
    for name in names {
        world
            .until(&format!("{name}@as.example.net"), "provisioned")
            .await;
    }
    for target in [
        "/bridge/trusted?bwUserId=alice%40as.example.net",
        "/bridge/trusted/userservice/user/bob@as.example.net",
        "/bridge/trusted?userId=nobody",
    ] {
        assert_eq!(
            call(&world, "DELETE", target, "").await.status,
            200,
            "{target}"
        );
    }
    let left = world.control("GET", "subscribers", &Value::Null);
    assert_eq!(left.as_array().unwrap().len(), 1);
    world.end().await;
}

#[tokio::test]
async fn refusals_have_the_status_of_the_troubleshooting_guide_and_say_why() {
    let world = World::start(AT_ONCE).await;
    world.control("POST", "subscribers", &json!({ "enterprise": "ent1" }));
    let organization = json!({ "name": "acme", "emails": ["zoe@example.net"], "users": 100 });
    world.control("POST", "organizations", &organization);
    let other = whole("zoe").replace("<b:serviceProvider>ent1", "<b:serviceProvider>ent9");
    for (target, body, status, word) in [
        (
            "/bridge/trusted",
            profile("a", "<b:email>a@x</b:email>"),
            400,
            "extension",
        ),
        (
            "/bridge/trusted",
            profile("a", "<b:extension>1</b:extension>"),
            400,
            "email",
        ),
        (
            "/bridge/trusted",
            "<other/>".to_owned(),
            400,
            "subscriberProfile",
        ),
        ("/bridge/trusted", "<b:x".to_owned(), 400, "message"),
        (
            "/bridge/trusted",
            "<!DOCTYPE x><x/>".to_owned(),
            400,
            "message",
        ),
        ("/bridge/trusted", other, 409, "existing Webex Org"),
        ("/bridge/nowhere", whole("a"), 404, "template"),
        ("/bridge/", whole("a"), 404, "template"),
    ] {
        let reply = call(&world, "POST", target, &body).await;
        assert_eq!(reply.status, status, "{}", reply.text);
        assert!(reply.text.contains(word), "{}", reply.text);
    }
    let body = whole("alice");
    let good = format!("{BRIDGE_ACCOUNT}:{BRIDGE_PASSWORD}");
    let bare = request(
        "POST",
        "/bridge/trusted",
        "127.0.0.1:1",
        &good,
        body.as_bytes(),
    );
    assert_eq!(world.ask(bare).await.status, 403);
    let wrong = request(
        "POST",
        "/bridge/trusted",
        "localhost",
        "webexprov:x",
        body.as_bytes(),
    );
    let reply = world.ask(wrong).await;
    assert_eq!(reply.status, 401);
    assert_eq!(
        reply.header("www-authenticate"),
        Some("Basic realm=\"provisioning\"")
    );
    assert_eq!(call(&world, "GET", "/bridge/trusted", "").await.status, 405);
    world.end().await;
}

#[tokio::test]
async fn guests_and_devices_are_answered_and_every_call_is_kept_without_its_password() {
    let world = World::start(1).await;
    let guest = "<b:impGuestSubscriberProfile \
                 xmlns:b=\"http://broadsoft.com/schemas/BroadCloudOSS\">\
                 <b:impFirstName>Ann</b:impFirstName></b:impGuestSubscriberProfile>";
    let path = "/bridge/trusted/userservice/impguest";
    let reply = call(&world, "POST", path, guest).await;
    assert_eq!(reply.status, 200);
    for word in ["impId", "impMucName", "impOwnerId", "domain"] {
        assert!(reply.text.contains(&format!("<{word}>")), "{}", reply.text);
    }
    let jid = format!("{path}/jid/guest1@guests.example.net");
    assert_eq!(call(&world, "DELETE", &jid, "").await.status, 200);
    let device = "/bridge/trusted/deviceservice/activation";
    assert_eq!(call(&world, "POST", device, "<x/>").await.status, 200);
    let calls = world.api.bridge_calls();
    assert_eq!(calls.len(), 3);
    assert_eq!(calls[0].body, guest.as_bytes());
    assert_eq!(calls[1].path, jid);
    let shown = world
        .control("GET", "bridge-calls", &Value::Null)
        .to_string();
    assert!(!shown.contains("Basic") && shown.contains("impFirstName"));
    world.end().await;
}

#[tokio::test]
async fn a_body_in_latin_1_is_read_by_its_declaration_or_its_content_type() {
    let world = World::start(AT_ONCE).await;
    let good = format!("{BRIDGE_ACCOUNT}:{BRIDGE_PASSWORD}");
    let latin = |text: &str| text.chars().map(|c| c as u8).collect::<Vec<_>>();
    let declared = whole("renée").replace("UTF-8", "ISO-8859-1");
    let bytes = latin(&declared);
    let declared = request("POST", "/bridge/trusted", "localhost", &good, &bytes);
    assert_eq!(world.ask(declared).await.status, 200);
    let bytes = latin(&whole("zoë").replace("encoding=\"UTF-8\"", ""));
    let mut named = request("POST", "/bridge/trusted", "localhost", &good, &bytes);
    let kind = "text/xml; charset=\"iso-8859-1\"".parse().unwrap();
    named.headers_mut().insert("content-type", kind);
    assert_eq!(world.ask(named).await.status, 200);
    for name in ["renée", "zoë"] {
        world
            .until(&format!("{name}@as.example.net"), "provisioned")
            .await;
    }
    world.end().await;
}

#[tokio::test]
async fn a_bridge_fails_on_request() {
    let world = World::start(AT_ONCE).await;
    let faults = json!([
        { "fault": "status", "status": 503, "retry-after": 9, "count": 1, "text": "later" },
        { "fault": "answer-lost", "count": 1 },
        { "fault": "fail", "code": 10022, "text": "taken", "count": 1 },
    ]);
    world.control("PUT", "bridge-faults", &faults);
    let reply = call(&world, "POST", "/bridge/trusted", &whole("alice")).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("retry-after")),
        (503, Some("9"))
    );
    assert!(reply.text.contains("later"));
    let good = format!("{BRIDGE_ACCOUNT}:{BRIDGE_PASSWORD}");
    let body = whole("alice");
    let lost = request(
        "POST",
        "/bridge/trusted",
        "localhost",
        &good,
        body.as_bytes(),
    );
    world.try_ask(lost).await.unwrap_err();
    world.until("alice@as.example.net", "provisioned").await;
    call(&world, "POST", "/bridge/trusted", &whole("bob")).await;
    let bob = world.until("bob@as.example.net", "error").await;
    assert_eq!(bob["errors"][0]["errorCode"], 10022);
    // Assigned once more, it is begun again.
    call(&world, "POST", "/bridge/trusted", &whole("bob")).await;
    world.until("bob@as.example.net", "provisioned").await;
    let state = world.control("GET", "state", &Value::Null);
    assert_eq!(state["users-with-two-subscribers"], json!([]));
    world.end().await;
}
