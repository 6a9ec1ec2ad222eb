//! A Webex that does everything wrong that its double can do, in front of a real daemon.

use serde_json::Value;
use serde_json::json;
use xspd::lab::webex::api::Template;

use crate::e2e::provisioning::theatre::FAST;
use crate::e2e::provisioning::theatre::Theatre;
use crate::e2e::provisioning::theatre::text;

/// The first of her customer.
const ANNA: &str = "anna@initech.test";

/// As many as there are calls that go wrong.
const USERS: usize = 12;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_on_the_way_everybody_is_provisioned_once() {
    let theatre = Theatre::open(FAST).await;
    let trusted = Template::trusted();
    let daemon = theatre.daemon().await;
    theatre.assign(&trusted, ANNA).await;
    theatre.reaches(&daemon, ANNA, "provisioned").await;
    let at = "provision-subscriber";
    let faults = json!([
        { "fault": "status", "at": at, "count": 1, "status": 429, "retry-after": 1 },
        { "fault": "status", "at": at, "count": 1, "status": 429 },
        { "fault": "answer-lost", "at": at, "count": 2 },
        { "fault": "status", "at": at, "count": 1, "status": 503 },
        { "fault": "cut", "at": at, "count": 2, "bytes": 20 },
        { "fault": "request-lost", "at": at, "count": 2 },
        { "fault": "status", "at": at, "count": 1, "status": 500, "text": "Oops." },
        { "fault": "malformed", "at": at, "count": 1 },
        { "fault": "unauthorized", "at": at, "count": 1 },
        { "fault": "status", "at": at, "count": 1, "status": 403 },
        { "fault": "malformed", "at": "get-subscriber", "count": 2 },
        { "fault": "status", "at": "list-subscribers", "count": 2, "status": 429, "retry-after": 1 },
    ]);
    theatre.control("PUT", "faults", &faults);
    let users: Vec<_> = (0..USERS)
        .map(|n| format!("user{n}@initech.test"))
        .collect();
    for user in &users {
        theatre.assign(&trusted, user).await;
    }
    // Whose answer was lost is found there: nothing is to be changed then.
    let there = |row: &Value| {
        row["final"] == true && matches!(row["state"].as_str(), Some("provisioned" | "no-change"))
    };
    for user in &users {
        theatre
            .until(&daemon, &format!("{user} is there"), async || {
                there(&theatre.row(user).await)
            })
            .await;
    }
    let left = theatre.control("GET", "faults", &Value::Null);
    let left = left.as_array().unwrap().iter();
    let left: Vec<_> = left.filter(|script| script["at"] == at).collect();
    assert_eq!(left, Vec::<&Value>::new(), "all of it happened");
    let state = theatre.control("GET", "state", &Value::Null);
    assert_eq!(state["users-with-two-subscribers"], json!([]), "{state}");
    assert_eq!(state["subscribers"]["provisioned"], USERS + 1, "{state}");
    assert!(daemon.stop().await.success());
    theatre.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_nobody_knows_a_stall_and_a_new_error_are_shown_as_they_are() {
    let mut theatre = Theatre::open(FAST).await;
    theatre.replace(
        "poll-every = \"2s\"",
        "poll-every = \"2s\"\nsettle-within = \"3s\"\nstalled-every = \"1s\"",
    );
    let trusted = Template::trusted();
    let daemon = theatre.daemon().await;
    theatre.assign(&trusted, ANNA).await;
    theatre.reaches(&daemon, ANNA, "provisioned").await;

    let word = "word@initech.test";
    let fault = json!({ "fault": "word", "text": "teleporting" });
    theatre.control("PUT", "faults", &fault);
    theatre.assign(&trusted, word).await;
    theatre
        .until(&daemon, "the word is shown", async || {
            theatre.row(word).await["webex-status"] == "teleporting"
        })
        .await;
    assert_ne!(theatre.row(word).await["final"], true);
    theatre.control("DELETE", "faults", &Value::Null);
    theatre.reaches(&daemon, word, "provisioned").await;

    let stall = "stall@initech.test";
    let fault = json!({ "fault": "stall", "count": 1 });
    theatre.control("PUT", "faults", &fault);
    theatre.assign(&trusted, stall).await;
    theatre.reaches(&daemon, stall, "stalled").await;

    let fails = "fails@initech.test";
    let fault =
        json!({ "fault": "fail", "count": 1, "code": 987_654, "text": "The moon is full." });
    theatre.control("PUT", "faults", &fault);
    theatre.assign(&trusted, fails).await;
    let row = theatre.reaches(&daemon, fails, "attention").await;
    assert!(
        text(&row["error"], "text").contains("The moon is full."),
        "{row}"
    );
    assert!(text(&row["error"], "code").contains("987654"), "{row}");
    theatre.done(&["provision", "retry", fails]).await;
    theatre.reaches(&daemon, fails, "provisioned").await;
    let state = theatre.control("GET", "state", &Value::Null);
    assert_eq!(state["users-with-two-subscribers"], json!([]), "{state}");
    assert!(daemon.stop().await.success());
    theatre.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_that_is_let_in_no_more_loses_no_work() {
    let theatre = Theatre::open(FAST).await;
    let trusted = Template::trusted();
    let daemon = theatre.daemon().await;
    theatre.assign(&trusted, ANNA).await;
    theatre.reaches(&daemon, ANNA, "provisioned").await;
    let fault = json!({ "fault": "status", "status": 403, "at": "provision-subscriber" });
    theatre.control("PUT", "faults", &fault);
    let users: Vec<_> = (0..6).map(|n| format!("user{n}@initech.test")).collect();
    for user in &users {
        theatre.assign(&trusted, user).await;
    }
    // Enough of them are refused that the partner rests as a whole.
    theatre
        .until(&daemon, "the partner is refused", async || {
            theatre
                .webex
                .count(xspd::lab::webex::api::Operation::ProvisionSubscriber)
                > 4
        })
        .await;
    theatre.control("DELETE", "tokens", &Value::Null);
    theatre.control("DELETE", "faults", &Value::Null);
    for user in &users {
        let list = theatre.row(user).await;
        if list["state"] == "attention" {
            theatre.done(&["provision", "retry", user]).await;
        }
        theatre.reaches(&daemon, user, "provisioned").await;
    }
    assert!(daemon.stop().await.success());
    theatre.close().await;
}
