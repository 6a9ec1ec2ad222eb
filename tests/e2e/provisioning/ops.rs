//! From the Application Server's call to the end of every user, as an operator sees it: a real
//! daemon that is killed on the way, the lab's Webex, and the commands that operators type.

use serde_json::Value;
use serde_json::json;
use xspd::lab::webex::api::Template;

use crate::e2e::provisioning::theatre::FAST;
use crate::e2e::provisioning::theatre::GUARDED as CARL;
use crate::e2e::provisioning::theatre::Theatre;
use crate::e2e::provisioning::theatre::text;

/// The first user of a customer takes four minutes at Webex, and 24 seconds here: long enough
/// to be seen under way.
const SLOW: u32 = 10;

/// Four seconds.
const BRISK: u32 = 60;

/// The first of her customer; her address is believed.
const ANNA: &str = "anna@initech.test";

/// The second of that customer.
const DORA: &str = "dora@initech.test";

/// Has to confirm his address.
const BEN: &str = "ben@umbrella.test";

#[expect(
    clippy::too_many_lines,
    reason = "one story: each step stands on the one before"
)]
#[tokio::test(flavor = "multi_thread")]
async fn users_come_to_their_ends_over_a_kill_and_operators_see_and_move_them() {
    let theatre = Theatre::open(SLOW).await;
    let (trusted, untrusted) = (Template::trusted(), Template::untrusted());
    let mut daemon = theatre.daemon().await;

    theatre.assign(&trusted, ANNA).await;
    theatre.assign(&trusted, DORA).await;
    theatre.assign(&untrusted, BEN).await;
    theatre.assign(&trusted, CARL).await;
    theatre.reaches(&daemon, ANNA, "waiting-webex").await;
    theatre.reaches(&daemon, DORA, "waiting-first-user").await;
    let carl = theatre
        .reaches(&daemon, CARL, "waiting-customer-admin")
        .await;
    assert_eq!(carl["owner"], "customer administrator");
    assert!(text(&carl["error"], "code").contains("2017"), "{carl}");

    daemon.signal("KILL");
    drop(daemon);
    daemon = theatre.daemon().await;
    theatre.control("PUT", "settings", &json!({ "speed": BRISK }));
    let anna = theatre.reaches(&daemon, ANNA, "provisioned").await;
    assert_eq!(anna["package"], "standard");
    theatre.reaches(&daemon, DORA, "provisioned").await;
    let ben = theatre.reaches(&daemon, BEN, "waiting-email-input").await;
    assert_eq!(ben["owner"], "user");
    theatre
        .reaches(&daemon, CARL, "waiting-customer-admin")
        .await;

    // What persons do.
    let path = format!("users/{BEN}");
    let email = json!({ "email": "ben.b@private.test" });
    theatre.control("POST", &format!("{path}/email"), &email);
    theatre
        .reaches(&daemon, BEN, "waiting-email-validation")
        .await;
    theatre.control("POST", &format!("{path}/validate"), &json!({}));
    let approve = format!("organizations/{}/approve", theatre.globex);
    theatre.control("POST", &approve, &json!({}));
    theatre.done(&["provision", "retry", CARL]).await;
    theatre.reaches(&daemon, CARL, "provisioned").await;
    theatre.reaches(&daemon, BEN, "provisioned").await;

    // The operator's words, with another kill behind a word.
    theatre
        .done(&["provision", "move-package", ANNA, "premium"])
        .await;
    daemon.signal("KILL");
    drop(daemon);
    daemon = theatre.daemon().await;
    let anna = theatre.reaches(&daemon, ANNA, "provisioned").await;
    assert_eq!(anna["package"], "premium");
    assert_eq!(theatre.subscriber(ANNA).unwrap()["package"], "premium");

    theatre.unassign(&trusted, DORA).await;
    theatre.reaches(&daemon, DORA, "removed").await;
    assert_eq!(theatre.subscriber(DORA), None);

    // What they read.
    let export = theatre.done(&["provision", "export", "--csv"]).await;
    assert!(
        export.starts_with("broadworks-id,enterprise,template,"),
        "{export}"
    );
    for (user, words) in [
        (ANNA, ",initech,trusted,premium,provisioned,"),
        (BEN, ",umbrella,untrusted,basic,provisioned,"),
        (CARL, ",globex,trusted,standard,provisioned,"),
        (DORA, ",initech,trusted,"),
    ] {
        let line = export.lines().find(|line| line.starts_with(user));
        assert!(line.is_some_and(|line| line.contains(words)), "{export}");
    }
    let report = theatre.done(&["provision", "report", CARL]).await;
    for words in [theatre.globex.as_str(), "XSPD_", CARL] {
        assert!(report.contains(words), "no {words} in {report}");
    }
    let enterprises = theatre.document(&["enterprise", "list"]).await;
    let enterprises = enterprises["enterprises"].as_array().unwrap();
    let names: Vec<_> = enterprises
        .iter()
        .map(|held| text(held, "enterprise"))
        .collect();
    assert_eq!(names, ["globex", "initech", "umbrella"]);
    assert!(
        enterprises.iter().all(|held| held["state"] == "ready"),
        "{enterprises:#?}"
    );

    // Both sides, compared.
    let same = theatre.done(&["provision", "reconcile"]).await;
    assert_eq!(same.matches("Nothing differs.").count(), 3, "{same}");
    theatre.removed_by_another(ANNA).await;
    let (exit, differs) = theatre.typed(&["provision", "reconcile", "initech"]).await;
    assert_eq!(exit, 1, "{differs}");
    assert!(
        differs.contains(ANNA) && differs.contains("missing"),
        "{differs}"
    );
    let mend = [
        "provision",
        "reconcile",
        "initech",
        "--apply",
        "missing",
        "--yes",
    ];
    theatre.done(&mend).await;
    theatre.reaches(&daemon, ANNA, "provisioned").await;
    assert_eq!(theatre.subscriber(ANNA).unwrap()["package"], "premium");
    theatre.done(&["provision", "reconcile", "initech"]).await;

    let state = theatre.control("GET", "state", &Value::Null);
    assert_eq!(state["users-with-two-subscribers"], json!([]), "{state}");
    assert!(daemon.stop().await.success());
    theatre.close().await;
}

#[expect(
    clippy::too_many_lines,
    reason = "one story: each step stands on the one before"
)]
#[tokio::test(flavor = "multi_thread")]
async fn what_only_a_person_can_do_waits_for_the_words_of_operators() {
    let theatre = Theatre::open(FAST).await;
    let (trusted, untrusted) = (Template::trusted(), Template::untrusted());
    let daemon = theatre.daemon().await;
    theatre.assign(&trusted, ANNA).await;
    let watch = [
        "provision",
        "list",
        "--watch",
        "--until-final",
        "--at-most",
        "60s",
    ];
    let watched = theatre.done(&watch).await;
    assert!(watched.contains("provisioned"), "{watched}");

    // The owner of a free account is asked.
    theatre.control("POST", "accounts", &json!({ "email": DORA }));
    theatre.assign(&trusted, DORA).await;
    let dora = theatre.reaches(&daemon, DORA, "waiting-consent").await;
    assert_eq!(dora["owner"], "user");
    theatre.control("POST", &format!("users/{DORA}/consent"), &json!({}));
    theatre.reaches(&daemon, DORA, "provisioned").await;

    // An address that somebody else has.
    let sown = json!({ "count": 1, "enterprise": "elsewhere" });
    theatre.control("POST", "subscribers", &sown);
    let all = theatre.control("GET", "subscribers", &Value::Null);
    let mut all = all.as_array().unwrap().iter();
    let taken = all
        .find(|held| held["spEnterpriseId"] == "elsewhere")
        .unwrap();
    let fay = "fay@initech.test";
    theatre
        .assign_with(&trusted, fay, text(taken, "email"))
        .await;
    let row = theatre.reaches(&daemon, fay, "attention").await;
    assert!(text(&row["error"], "code").contains("10022"), "{row}");
    let (exit, attention) = theatre.typed(&["provision", "attention"]).await;
    assert_eq!(exit, 1, "{attention}");
    assert!(
        attention.contains(fay) && attention.contains("10022"),
        "{attention}"
    );
    let error = theatre.done(&["provision", "show", "--error", fay]).await;
    assert!(error.contains("Tracking id: "), "{error}");
    theatre
        .done(&["provision", "retry", fay, "--email", fay])
        .await;
    theatre.reaches(&daemon, fay, "provisioned").await;
    theatre.done(&["provision", "attention"]).await;

    // A job is ended, a subscription and a person are removed.
    theatre.assign(&untrusted, BEN).await;
    theatre.reaches(&daemon, BEN, "waiting-email-input").await;
    theatre.done(&["provision", "cancel", BEN, "--yes"]).await;
    theatre.reaches(&daemon, BEN, "cancelled").await;
    theatre.done(&["provision", "remove", DORA, "--yes"]).await;
    theatre.reaches(&daemon, DORA, "removed").await;
    let remove = ["provision", "remove", fay, "--with-person", "--yes"];
    theatre.done(&remove).await;
    theatre.reaches(&daemon, fay, "person-deleted").await;
    let people = theatre.control("GET", "people", &Value::Null).to_string();
    assert!(people.contains(DORA) && !people.contains(fay), "{people}");

    // Users from a file.
    let file = theatre.scene.path().join("users.csv");
    let lines = "action,user,sp,group,first,last,email,extension\n\
                 provision,hal@initech.test,initech,acme,Hal,Young,hal@initech.test,4711\n\
                 provision,,initech,acme,No,Body,nobody@initech.test,4712\n";
    std::fs::write(&file, lines).unwrap();
    let file = file.to_str().unwrap();
    let import = [
        "provision",
        "import",
        file,
        "--template",
        "trusted",
        "--yes",
    ];
    let (exit, results) = theatre.typed(&import).await;
    assert_eq!(exit, 1, "one line is wrong: {results}");
    theatre
        .reaches(&daemon, "hal@initech.test", "provisioned")
        .await;

    let shown = theatre.done(&["enterprise", "show", "initech"]).await;
    assert!(shown.contains("ready"), "{shown}");
    theatre
        .done(&["enterprise", "sync", "enable", "initech"])
        .await;
    theatre
        .done(&["enterprise", "sync", "now", "--wait", "initech"])
        .await;

    let state = theatre.control("GET", "state", &Value::Null);
    assert_eq!(state["users-with-two-subscribers"], json!([]), "{state}");
    assert!(daemon.stop().await.success());
    theatre.close().await;
}
