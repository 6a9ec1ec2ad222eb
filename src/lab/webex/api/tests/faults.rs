//! What goes wrong on request.

use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::lab::webex::api::Fault;
use crate::lab::webex::api::Operation;
use crate::lab::webex::api::Script;
use crate::lab::webex::api::tests::AT_ONCE;
use crate::lab::webex::api::tests::SUBSCRIBERS;
use crate::lab::webex::api::tests::World;
use crate::lab::webex::api::tests::new;
use crate::platform::clock;

#[tokio::test]
async fn a_storm_passes_and_tells_how_long_to_wait_or_does_not() {
    let world = World::start(1).await;
    let storm = json!([
        { "fault": "status", "at": "list-subscribers", "count": 2, "status": 429,
          "retry-after": 37, "text": "Too many requests" },
        { "fault": "status", "at": "list-subscribers", "count": 1, "status": 429 },
    ]);
    world.control("PUT", "faults", &storm);
    for after in [Some("37"), Some("37"), None] {
        let reply = world.call("GET", SUBSCRIBERS, &Value::Null).await;
        assert_eq!(reply.error().0, 429);
        assert_eq!(reply.header("retry-after"), after);
    }
    world.good("GET", SUBSCRIBERS, &Value::Null).await;
    let counts = world.control("GET", "counts", &Value::Null);
    let counts = &counts["list-subscribers"];
    assert_eq!((&counts["429"], &counts["200"]), (&json!(3), &json!(1)));
    world.end().await;
}

#[tokio::test]
async fn a_lost_answer_is_done_and_a_lost_request_is_not() {
    let world = World::start(1).await;
    let post = Operation::ProvisionSubscriber;
    for (fault, subscribers) in [(Fault::RequestLost, 0), (Fault::AnswerLost, 1)] {
        world
            .api
            .faults()
            .add(Script::next(fault, post, 1))
            .unwrap();
        let request = world.request("POST", SUBSCRIBERS, &new("alice", "ent1"));
        world.try_ask(request).await.unwrap_err();
        let all = world.control("GET", "subscribers", &Value::Null);
        assert_eq!(all.as_array().unwrap().len(), subscribers, "{fault:?}");
    }
    // Whoever repeats it blindly is told.
    let again = world.call("POST", SUBSCRIBERS, &new("alice", "ent1")).await;
    assert_eq!(again.error().1, Some(10022));
    let counts = world.control("GET", "counts", &Value::Null);
    assert_eq!(
        counts["provision-subscriber"],
        json!({ "cut": 2, "409": 1, "total": 3 })
    );
    let state = world.control("GET", "state", &Value::Null);
    assert_eq!(state["users-with-two-subscribers"], json!([]));
    world.end().await;
}

#[tokio::test]
async fn a_cut_answer_is_not_whole_and_a_malformed_one_is_no_json() {
    let world = World::start(1).await;
    for bytes in [0, 1, 20] {
        let mut cut = Script::next(Fault::Cut, Operation::ProvisionSubscriber, 1);
        cut.bytes = bytes;
        world.api.faults().add(cut).unwrap();
        let name = format!("user{bytes}");
        let request = world.request("POST", SUBSCRIBERS, &new(&name, &name));
        world.try_ask(request).await.unwrap_err();
    }
    let state = world.control("GET", "state", &Value::Null);
    assert_eq!(state["subscribers"]["provisioning"], 3);
    world.api.faults().add(Fault::Malformed.into()).unwrap();
    let reply = world.call("GET", SUBSCRIBERS, &Value::Null).await;
    assert_eq!(reply.status, 200);
    assert!(serde_json::from_str::<Value>(&reply.text).is_err());
    world.end().await;
}

#[tokio::test]
async fn a_token_ends_a_user_fails_with_a_new_code_and_a_status_has_a_new_word() {
    let world = World::start(AT_ONCE).await;
    world.control(
        "PUT",
        "faults",
        &json!({ "fault": "unauthorized", "count": 1 }),
    );
    assert_eq!(
        world.call("GET", SUBSCRIBERS, &Value::Null).await.error().0,
        401
    );
    assert_eq!(
        world.call("GET", SUBSCRIBERS, &Value::Null).await.error().0,
        401
    );
    let mut world = world;
    world.token = world.api.access_token().unwrap();
    let faults = json!([
        { "fault": "fail", "count": 1, "code": 4711, "text": "Nobody has seen this before." },
        { "fault": "stall", "count": 1 },
        { "fault": "word", "at": "get-subscriber", "text": "provisioning_paused" },
        { "fault": "slow", "at": "list-enterprises", "delay-ms": 1 },
    ]);
    world.control("PUT", "faults", &faults);
    world.good("POST", SUBSCRIBERS, &new("alice", "ent1")).await;
    let failed = world.until("alice@as.example.net", "error").await;
    assert_eq!(failed["errors"][0]["errorCode"], 4711);
    let bob = world.good("POST", SUBSCRIBERS, &new("bob", "ent1")).await;
    let one = format!("{SUBSCRIBERS}/{}", bob["id"].as_str().unwrap());
    let shown = world.good("GET", &one, &Value::Null).await;
    assert_eq!(shown["status"], "provisioning_paused");
    let listed = world.good("GET", SUBSCRIBERS, &Value::Null).await;
    assert_eq!(listed["items"][1]["status"], "provisioning");
    let begun = clock::mono();
    world
        .good("GET", "/v1/broadworks/enterprises", &Value::Null)
        .await;
    assert!(begun.elapsed() >= Duration::from_millis(1));
    world.end().await;
}

#[tokio::test]
async fn wrong_faults_are_named() {
    let world = World::start(1).await;
    for (body, word) in [
        (json!({ "fault": "rain" }), "answer-lost"),
        (
            json!([{ "fault": "stall", "at": "get-person" }]),
            "get-person",
        ),
        (json!("slow"), "expected"),
    ] {
        let (status, answer) = world.api.control("PUT", "/lab/faults", &body);
        assert_eq!(status, 400);
        assert!(answer["error"].as_str().unwrap().contains(word), "{answer}");
    }
    assert_eq!(world.control("GET", "faults", &Value::Null), json!([]));
    world.end().await;
}
