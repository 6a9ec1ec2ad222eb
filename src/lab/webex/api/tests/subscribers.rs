//! Subscribers and what hangs on them.

use serde_json::Value;
use serde_json::json;

use crate::lab::webex::api::Operation;
use crate::lab::webex::api::tests::AT_ONCE;
use crate::lab::webex::api::tests::SUBSCRIBERS;
use crate::lab::webex::api::tests::World;
use crate::lab::webex::api::tests::new;

#[tokio::test]
async fn a_subscriber_is_provisioned_found_changed_and_removed() {
    let world = World::start(AT_ONCE).await;
    let body = new("alice", "ent1");
    let made = world.good("POST", SUBSCRIBERS, &body).await;
    assert_eq!(made["status"], "provisioning");
    assert_eq!(made["selfActivated"], false);
    assert!(made.get("personId").is_none());
    world.until("alice@as.example.net", "provisioned").await;
    let one = format!("{SUBSCRIBERS}/{}", made["id"].as_str().unwrap());
    let found = world.good("GET", &one, &Value::Null).await;
    assert_eq!(found["email"], "alice@example.net");
    let person = found["personId"].as_str().unwrap().to_owned();

    let changed = world
        .good("PUT", &one, &json!({ "package": "premium" }))
        .await;
    assert_eq!(changed["status"], "updating");
    assert_eq!(changed["package"], "standard");
    let changed = world.until("alice@as.example.net", "provisioned").await;
    assert_eq!(changed["package"], "premium");

    assert_eq!(world.call("DELETE", &one, &Value::Null).await.status, 204);
    assert_eq!(world.call("GET", &one, &Value::Null).await.error().0, 404);
    let person = format!("/v1/people/{person}");
    let held = world.good("GET", &person, &Value::Null).await;
    assert_eq!(held["emails"], json!(["alice@example.net"]));
    let listed = world
        .good("GET", "/v1/people?email=ALICE@example.net", &Value::Null)
        .await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!(
        world.call("DELETE", &person, &Value::Null).await.status,
        204
    );
    world.end().await;
}

#[tokio::test]
async fn what_a_client_misspells_is_refused_as_webex_does() {
    let world = World::start(1).await;
    let with = |name: &str, value: Value| {
        let mut body = new("alice", "ent1");
        body[name] = value;
        body
    };
    let mut without = new("alice", "ent1");
    without.as_object_mut().unwrap().remove("lastName");
    for (body, code, word) in [
        (with("mobile", json!("+1")), None, "mobile"),
        (with("package", json!("platinum")), None, "platinum"),
        (with("extension", json!(101)), None, "extension"),
        (with("extension", json!("")), Some(1002), "extension"),
        (
            with("firstName", json!("x".repeat(31))),
            Some(1002),
            "firstName",
        ),
        (with("email", json!("alice")), None, "email"),
        (with("language", json!("English")), None, "language"),
        (without, Some(1001), "lastName"),
        (json!([]), None, "JSON object"),
    ] {
        let (status, found, text) = world.call("POST", SUBSCRIBERS, &body).await.error();
        assert_eq!((status, found), (400, code), "{text}");
        assert!(text.contains(word), "{text}");
    }
    for target in [
        "?status=ended",
        "?limit=1",
        "?max=0",
        "?max=101",
        "?max=1&max=2",
        "?lastStatusChange=yesterday",
        "?selfActivated=maybe",
        "?cursor=x",
        "?userId=%ff",
    ] {
        let target = format!("{SUBSCRIBERS}{target}");
        let reply = world.call("GET", &target, &Value::Null).await;
        assert_eq!(reply.error().0, 400, "{target}");
    }
    let mut plain = world.request("POST", SUBSCRIBERS, &new("alice", "ent1"));
    plain
        .headers_mut()
        .insert("content-type", "text/plain".parse().unwrap());
    assert_eq!(world.ask(plain).await.error().0, 415);
    let reply = world.call("PATCH", SUBSCRIBERS, &Value::Null).await;
    assert_eq!(reply.error().0, 405);
    assert_eq!(reply.header("allow"), Some("GET, POST"));
    assert_eq!(
        world.call("GET", "/v1/rooms", &Value::Null).await.error().0,
        404
    );
    world.end().await;
}

#[tokio::test]
async fn a_thousand_and_fifty_subscribers_are_listed_page_by_page_each_once() {
    let world = World::start(1).await;
    let seed = json!({ "count": 1050, "enterprise": "SP1+Acme", "template": "groups" });
    world.control("POST", "subscribers", &seed);
    let mut target = format!("{SUBSCRIBERS}?spEnterpriseId=sp1%2Bacme&max=100");
    let mut pages = Vec::new();
    let mut ids = std::collections::BTreeSet::new();
    loop {
        let reply = world.call("GET", &target, &Value::Null).await;
        let items = reply.json()["items"].as_array().unwrap().clone();
        pages.push(items.len());
        for item in &items {
            assert_eq!(item["status"], "provisioned");
            assert!(ids.insert(item["id"].as_str().unwrap().to_owned()));
        }
        let Some(link) = reply.header("link") else {
            break;
        };
        let link = link.strip_prefix("<https://localhost").unwrap();
        target = link.strip_suffix(">; rel=\"next\"").unwrap().to_owned();
        // Who goes between two pages moves nobody else.
        if pages.len() == 3 {
            let gone = ids.first().unwrap();
            let gone = format!("{SUBSCRIBERS}/{gone}");
            world.good("DELETE", &gone, &Value::Null).await;
        }
    }
    assert_eq!(
        pages,
        [100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 50]
    );
    assert_eq!(ids.len(), 1050);
    world.end().await;
}

#[tokio::test]
async fn lists_are_filtered_by_everything_that_is_published() {
    let world = World::start(AT_ONCE).await;
    world.good("POST", SUBSCRIBERS, &new("alice", "ent1")).await;
    let alice = world.until("alice@as.example.net", "provisioned").await;
    for (status, own) in [("pending_email_input", false), ("error", true)] {
        let seed = json!({
            "count": 2, "enterprise": "ent2", "template": "untrusted", "status": status,
            "self-activated": own,
        });
        world.control("POST", "subscribers", &seed);
    }
    let person = alice["personId"].as_str().unwrap();
    let id = alice["provisioningId"].as_str().unwrap();
    for (query, expected) in [
        (String::new(), 5),
        ("userId=ALICE%40as.example.net".to_owned(), 1),
        ("email=alice@example.net".to_owned(), 1),
        (format!("personId={person}"), 1),
        ("personId=x".to_owned(), 0),
        (format!("provisioningId={id}"), 1),
        ("spEnterpriseId=ent2".to_owned(), 4),
        ("status=error".to_owned(), 2),
        ("status=error,pending_email_input".to_owned(), 4),
        ("status=provisioned&spEnterpriseId=ent2".to_owned(), 0),
        ("selfActivated=true".to_owned(), 2),
        ("after=0".to_owned(), 5),
        ("after=2100-01-01T00:00:00Z".to_owned(), 0),
        ("lastStatusChange=4102444800000".to_owned(), 0),
        ("lastStatusChange=1000".to_owned(), 5),
    ] {
        let target = format!("{SUBSCRIBERS}?{query}");
        let found = world.good("GET", &target, &Value::Null).await;
        let found = found["items"].as_array().unwrap().len();
        assert_eq!(found, expected, "{query}");
    }
    assert_eq!(world.api.count(Operation::ListSubscribers), 15);
    world.end().await;
}

#[tokio::test]
async fn a_precheck_says_what_provisioning_would() {
    let world = World::start(AT_ONCE).await;
    let target = format!("{SUBSCRIBERS}/validate");
    let passed = world
        .good("POST", &target, &json!({ "email": "x@example.net" }))
        .await;
    assert_eq!(passed["info"]["infoCode"], 100);
    world.control("PUT", "settings", &json!({ "answers": "examples" }));
    let passed = world.good("POST", &target, &new("alice", "ent1")).await;
    assert_eq!(passed["info"][0]["infoCode"], 100);
    let organization = json!({ "name": "acme", "emails": ["alice@example.net"], "users": 250 });
    let made = world.control("POST", "organizations", &organization);
    let refused = world.call("POST", &target, &new("alice", "ent1")).await;
    let (status, code, text) = refused.error();
    assert_eq!((status, code), (409, Some(2017)), "{text}");
    let path = format!("organizations/{}/approve", made["orgId"].as_str().unwrap());
    world.control("POST", &path, &Value::Null);
    world.good("POST", &target, &new("alice", "ent1")).await;
    let shown = world.good("POST", SUBSCRIBERS, &new("alice", "ent1")).await;
    assert_eq!(shown["selfActivated"], "false");
    let taken = json!({ "email": "alice@example.net" });
    let taken = world.call("POST", &target, &taken).await.error();
    assert_eq!((taken.0, taken.1), (409, Some(10022)));
    assert_eq!(
        world.call("POST", &target, &json!({})).await.error().1,
        Some(1001)
    );
    world.end().await;
}

#[tokio::test]
async fn users_without_a_trusted_address_and_free_accounts_wait_for_people() {
    let world = World::start(AT_ONCE).await;
    let seed = json!({ "enterprise": "ent1" });
    world.control("POST", "subscribers", &seed);
    world.control("POST", "accounts", &json!({ "email": "bob@example.net" }));
    let bob = world.good("POST", SUBSCRIBERS, &new("bob", "ent1")).await;
    assert_eq!(bob["status"], "pending_user_migration");
    let id = bob["id"].as_str().unwrap();
    let mail = format!("/v1/subscribers/{id}/emails/consentMove");
    assert_eq!(world.call("POST", &mail, &Value::Null).await.status, 204);
    let held = world.control("POST", "users/bob%40as.example.net/consent", &Value::Null);
    assert_eq!(held["consentMails"], 1);
    world.until("bob@as.example.net", "provisioned").await;
    assert_eq!(world.call("POST", &mail, &Value::Null).await.error().0, 409);

    let mut carol = new("carol", "ent3");
    carol["provisioningId"] = crate::lab::webex::api::Template::untrusted()
        .provisioning_id
        .into();
    let carol = world.good("POST", SUBSCRIBERS, &carol).await;
    assert_eq!(carol["status"], "pending_email_input");
    let user = "users/carol@as.example.net";
    let email = json!({ "email": "carol@home.example.net" });
    world.control("POST", &format!("{user}/email"), &email);
    world.control("POST", &format!("{user}/validate"), &Value::Null);
    let carol = world.until("carol@as.example.net", "provisioned").await;
    assert_eq!(carol["email"], "carol@home.example.net");
    world.end().await;
}

#[tokio::test]
async fn enterprises_and_workspaces_are_there_with_the_first_user() {
    let world = World::start(AT_ONCE).await;
    let workspace = json!({
        "provisioningId": crate::lab::webex::api::Template::trusted().provisioning_id,
        "userId": "lobby@as.example.net",
        "spEnterpriseId": "ent1",
        "displayName": "Lobby",
        "extension": "0107",
    });
    let target = "/v1/broadworks/workspaces";
    assert_eq!(world.call("POST", target, &workspace).await.error().0, 404);
    world.good("POST", SUBSCRIBERS, &new("alice", "ent1")).await;
    world.until("alice@as.example.net", "provisioned").await;
    let made = world.good("POST", target, &workspace).await;
    assert_eq!(made["displayName"], "Lobby");
    assert_eq!(
        world.call("POST", target, &workspace).await.error().1,
        Some(10022)
    );
    let one = format!("{target}/{}", made["id"].as_str().unwrap());
    let changed = world
        .good("PUT", &one, &json!({ "extension": "0108" }))
        .await;
    assert_eq!(changed["extension"], "0108");
    assert_eq!(world.call("DELETE", &one, &Value::Null).await.status, 204);
    assert_eq!(
        world.call("DELETE", &one, &Value::Null).await.error().0,
        404
    );
    world.end().await;
}

#[tokio::test]
async fn directory_sync_is_switched_on_and_triggered_once_at_a_time() {
    let world = World::start(AT_ONCE).await;
    world.control("POST", "subscribers", &json!({ "enterprise": "ent1" }));
    let list = "/v1/broadworks/enterprises";
    for (query, expected) in [("", 1), ("?startsWith=EN", 1), ("?spEnterpriseId=en", 0)] {
        let found = world
            .good("GET", &format!("{list}{query}"), &Value::Null)
            .await;
        assert_eq!(
            found["items"].as_array().unwrap().len(),
            expected,
            "{query}"
        );
    }
    let found = world.good("GET", list, &Value::Null).await;
    let enterprise = &found["items"][0];
    let sync = format!(
        "{list}/{}/broadworksDirectorySync",
        enterprise["id"].as_str().unwrap()
    );
    let begin = json!({ "syncStatus": "SYNC_NOW" });
    assert_eq!(
        world.call("POST", &sync, &begin).await.error().1,
        Some(600_011)
    );
    world
        .good("PUT", &sync, &json!({ "enableDirSync": true }))
        .await;
    world.control("PUT", "settings", &json!({ "speed": 1 }));
    let begun = world.good("POST", &sync, &begin).await;
    assert_eq!(begun["directorySyncStatus"]["syncStatus"], "IN_PROGRESS");
    let again = world.call("POST", &sync, &begin).await;
    assert_eq!(
        (again.error().0, again.header("retry-after")),
        (429, Some("30"))
    );
    let stands = world.good("GET", &sync, &Value::Null).await;
    assert_eq!(stands["directorySyncStatus"]["syncStatus"], "IN_PROGRESS");
    let organization = format!(
        "/v1/organizations/{}",
        enterprise["orgId"].as_str().unwrap()
    );
    world.good("GET", &organization, &Value::Null).await;
    let reply = world.call("DELETE", &organization, &Value::Null).await;
    assert_eq!(reply.error().0, 409);
    world.end().await;
}
