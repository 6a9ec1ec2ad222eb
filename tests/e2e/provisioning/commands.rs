//! Commands that move something or say what to set: `as-commands` with its guard, and `confirm`.

use serde_json::json;
use xspd::lab::webex::api::Template;

use crate::e2e::provisioning::adapter_scene::ACCOUNT;
use crate::e2e::provisioning::adapter_scene::HOST;
use crate::e2e::provisioning::adapter_scene::PASSWORD;
use crate::e2e::provisioning::theatre::FAST;
use crate::e2e::provisioning::theatre::Theatre;
use crate::e2e::provisioning::theatre::text;

const ANNA: &str = "anna@initech.test";
const DORA: &str = "dora@initech.test";

/// Customers of a cluster up to which its URLs may be edited.
const CUSTOMERS: usize = 50;

#[expect(
    clippy::too_many_lines,
    reason = "one story: each step stands on the one before"
)]
#[tokio::test(flavor = "multi_thread")]
async fn the_settings_of_an_application_server_are_printed_until_there_are_too_many_customers() {
    let theatre = Theatre::open(FAST).await;
    let trusted = Template::trusted();
    let daemon = theatre.daemon().await;
    let port = theatre.scene.address.port();
    let url = format!("https://{HOST}:{port}/adapter/v1/t/trusted");
    let system = theatre.done(&["provision", "as-commands", "trusted"]).await;
    for line in [
        "AS_CLI/Maintenance/ContainerOptions> add provisioning bw.imp.useProvisioningUrl true",
        &format!("AS_CLI/Interface/Messaging> set provisioningUrl {url}"),
        &format!("AS_CLI/Interface/Messaging> set provisioningUserId {ACCOUNT}"),
        "AS_CLI/Interface/Messaging> set enableSynchronization true",
        "AS_CLI/Service/IntegratedIMP/DefaultAttribute> set userAttrIsActive true",
    ] {
        assert!(system.lines().any(|held| held == line), "{line}: {system}");
    }
    assert!(!system.contains(PASSWORD), "{system}");
    let page = [
        "provision",
        "as-commands",
        "trusted",
        "--service-provider",
        "sp1",
        "--group",
        "acme",
        "--url",
        "https://adapter.sp.example/x",
    ];
    let page = theatre.done(&page).await;
    assert!(page.contains("group acme of sp1"), "{page}");
    assert!(page.contains("https://adapter.sp.example/x"), "{page}");

    // What the AS cannot hold, and what nobody can reach, is refused at once.
    let long = format!("https://adapter.sp.example/{}", "x".repeat(300));
    for (url, words) in [
        (long.as_str(), "256"),
        ("https://192.0.2.1/x", "fully qualified name"),
        ("http://adapter.sp.example/x", "no https:// URL"),
    ] {
        let words_typed = ["provision", "as-commands", "trusted", "--url", url];
        let (exit, said) = theatre.typed(&words_typed).await;
        assert_eq!(exit, 1, "{said}");
        assert!(said.contains(words), "{said}");
        assert!(!said.contains("AS_CLI"), "{said}");
    }
    let (exit, said) = theatre.typed(&["provision", "as-commands", "nobody"]).await;
    assert_ne!(exit, 0);
    assert!(said.contains("there is: trusted, untrusted"), "{said}");

    // Partner Hub may show more than the daemon has seen.
    let by_hand = ["provision", "as-commands", "trusted", "--customers", "51"];
    let (exit, said) = theatre.typed(&by_hand).await;
    assert_eq!(exit, 1, "{said}");
    assert!(
        said.contains("Cisco TAC") && !said.contains("AS_CLI"),
        "{said}"
    );

    // The daemon counts them itself.
    for number in 0..=CUSTOMERS {
        let user = format!("first@customer{number}.test");
        theatre.assign(&trusted, &user).await;
    }
    theatre
        .until(&daemon, "all customers are known", async || {
            let list = theatre.document(&["enterprise", "list"]).await;
            list["enterprises"].as_array().unwrap().len() == CUSTOMERS + 1
        })
        .await;
    let document = ["--json", "provision", "as-commands", "trusted"];
    let (exit, said) = theatre.typed(&document).await;
    assert_eq!(exit, 1, "{said}");
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["customers"], 51, "{said}");
    assert_eq!(said["commands"], json!([]));
    assert!(said["refused"].to_string().contains("TAC"), "{said}");
    assert!(daemon.stop().await.success());

    // Without the daemon nobody counts, unless somebody says how many there are.
    let (exit, said) = theatre
        .typed(&["provision", "as-commands", "trusted"])
        .await;
    assert_ne!(exit, 0);
    assert!(said.contains("--customers"), "{said}");
    let by_hand = ["provision", "as-commands", "trusted", "--customers", "50"];
    assert!(theatre.done(&by_hand).await.contains(&url));
    theatre.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_persons_word_removes_the_administrator_or_moves_a_user_between_customers() {
    let theatre = Theatre::open(FAST).await;
    let trusted = Template::trusted();
    let daemon = theatre.daemon().await;
    theatre.assign(&trusted, ANNA).await;
    theatre.reaches(&daemon, ANNA, "provisioned").await;
    theatre.assign(&trusted, DORA).await;
    theatre.reaches(&daemon, DORA, "provisioned").await;

    // Nothing is asked: there is nothing to confirm.
    let (exit, said) = theatre
        .typed(&["provision", "confirm", DORA, "--yes"])
        .await;
    assert_ne!(exit, 0, "{said}");
    assert_eq!(theatre.row(DORA).await["state"], "provisioned");

    // The first user of a customer administers it.
    theatre.unassign(&trusted, ANNA).await;
    let row = theatre.reaches(&daemon, ANNA, "attention").await;
    assert_eq!(text(&row["error"], "code"), "A2006", "{row}");
    assert!(theatre.subscriber(ANNA).is_some());
    // Without a terminal and without --yes nobody has said anything.
    let (exit, said) = theatre.typed(&["provision", "confirm", ANNA]).await;
    assert_ne!(exit, 0, "{said}");
    assert!(
        said.contains("administrator"),
        "it says what is asked: {said}"
    );
    assert!(theatre.subscriber(ANNA).is_some());
    theatre.done(&["provision", "confirm", ANNA, "--yes"]).await;
    theatre.reaches(&daemon, ANNA, "removed").await;
    assert_eq!(theatre.subscriber(ANNA), None);

    // A word is good for what was asked, not for the next time.
    theatre.assign(&trusted, ANNA).await;
    theatre.reaches(&daemon, ANNA, "provisioned").await;

    // A user who is a subscriber of another customer stays there until somebody says otherwise.
    let sown = json!({ "count": 1, "enterprise": "elsewhere" });
    theatre.control("POST", "subscribers", &sown);
    let all = theatre.control("GET", "subscribers", &serde_json::Value::Null);
    let mut all = all.as_array().unwrap().iter();
    let held = all
        .find(|held| held["spEnterpriseId"] == "elsewhere")
        .unwrap();
    let user = text(held, "userId").to_owned();
    // `seed-1@elsewhere.example.net` comes with the service provider `elsewhere`, so the call
    // names another one.
    theatre.assign_in(&trusted, &user, "initech").await;
    let row = theatre.reaches(&daemon, &user, "attention").await;
    assert_eq!(text(&row["error"], "code"), "A1103", "{row}");
    assert_eq!(
        theatre.subscriber(&user).unwrap()["spEnterpriseId"],
        "elsewhere"
    );
    theatre
        .done(&["provision", "confirm", &user, "--yes"])
        .await;
    theatre.reaches(&daemon, &user, "provisioned").await;
    assert_eq!(
        theatre.subscriber(&user).unwrap()["spEnterpriseId"],
        "initech"
    );
    let state = theatre.control("GET", "state", &serde_json::Value::Null);
    assert_eq!(state["users-with-two-subscribers"], json!([]), "{state}");
    assert!(daemon.stop().await.success());
    theatre.close().await;
}
