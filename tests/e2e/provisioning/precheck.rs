//! `xspd provision precheck`, with what the lab's Application Server says of each user.

use serde_json::Value;
use xspd::domain::xsi::codec::Element;

use crate::e2e::provisioning::lab_as::ALICE;
use crate::e2e::provisioning::lab_as::BOB;
use crate::e2e::provisioning::lab_as::LabAs;
use crate::e2e::provisioning::theatre::FAST;
use crate::e2e::provisioning::theatre::Theatre;
use crate::e2e::provisioning::theatre::text;

const AMY: &str = "amy@acme.example.net";
const CAROL: &str = "carol@as.example.net";
const DAN: &str = "dan@as.example.net";
const ZOE: &str = "zoe@as.example.net";
const TOM: &str = "tom@as.example.net";
const UMA: &str = "uma@as.example.net";

/// What is said of a user: the verdict, and the findings by severity.
fn of<'a>(said: &'a Value, user: &str) -> (&'a str, Vec<(String, String)>) {
    let mut all = said["users"].as_array().unwrap().iter();
    let held = all.find(|held| held["user"] == user);
    let held = held.unwrap_or_else(|| panic!("{user}: {said:#}"));
    let findings = held["findings"].as_array().unwrap().iter();
    let findings = findings.map(|finding| {
        let word = |name| text(finding, name).to_owned();
        (word("severity"), word("what"))
    });
    (text(held, "verdict"), findings.collect())
}

#[track_caller]
fn has(said: &Value, user: &str, severity: &str, what: &str) {
    let (_, findings) = of(said, user);
    let wanted = (severity.to_owned(), what.to_owned());
    assert!(findings.contains(&wanted), "{user} {wanted:?}: {said:#}");
}

#[expect(clippy::too_many_lines, reason = "a table of users")]
#[tokio::test(flavor = "multi_thread")]
async fn each_user_is_judged_by_what_the_application_server_says_of_it() {
    let mut theatre = Theatre::open(FAST).await;
    let server = LabAs::open(&mut theatre).await;
    server.give(AMY).await.unwrap();
    server.change_user(BOB, &[("emailAddress", "")]).await;
    let shared = [("emailAddress", "desk@example.net")];
    server.change_user(CAROL, &shared).await;
    let shared = [("emailAddress", "Desk@Example.net")];
    server.change_user(DAN, &shared).await;
    let trunk = Element::new("command")
        .with_leaf("userId", TOM)
        .with_all([Element::new("endpoint").with_all([Element::new("trunkAddressing")])]);
    server.administer("UserModifyRequest22", &trunk).await;
    let route = [("userId", UMA), ("serviceName", "Route List")];
    let assign = "UserServiceAssignListRequest";
    server.change(assign, &route).await.unwrap();
    let direct = [("userId", UMA), ("serviceName", "Direct Route")];
    server.change(assign, &direct).await.unwrap();
    let daemon = theatre.daemon().await;
    let words = ["--json", "provision", "precheck", "--template", "trusted"];
    let users = [
        AMY,
        ALICE,
        BOB,
        CAROL,
        DAN,
        ZOE,
        TOM,
        UMA,
        "nobody@as.example.net",
    ];
    let (exit, said) = theatre.typed(&[&words[..], &users].concat()).await;
    assert_eq!(exit, 1, "somebody is refused: {said}");
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(of(&said, AMY), ("ok", Vec::new()), "{said:#}");
    has(&said, BOB, "refused", "email");
    has(&said, CAROL, "refused", "email-unique");
    has(&said, DAN, "refused", "email-unique");
    has(&said, ZOE, "warning", "alternate-id");
    assert_eq!(of(&said, ZOE).0, "warning");
    has(&said, TOM, "refused", "trunk-authentication");
    has(&said, TOM, "refused", "trunk-shared-call-appearance");
    has(&said, UMA, "refused", "route-list");
    has(&said, UMA, "refused", "direct-route");
    assert_eq!(of(&said, "nobody@as.example.net").0, "unknown");
    for refused in [BOB, CAROL, DAN, TOM, UMA] {
        assert_eq!(of(&said, refused).0, "refused", "{said:#}");
    }

    // The trunk user gets what the guide asks for; the address becomes an alternate id.
    for service in ["Authentication", "Shared Call Appearance 5"] {
        let give = [("userId", TOM), ("serviceName", service)];
        server.change(assign, &give).await.unwrap();
    }
    let ids = Element::new("alternateUserIdList").with_all([
        Element::new("alternateUserId").with_leaf("alternateUserId", "zoe@example.net")
    ]);
    let ids = Element::new("command")
        .with_leaf("userId", ZOE)
        .with_all([ids]);
    server.administer("UserModifyRequest22", &ids).await;
    // An untrusted template asks users for their address.
    let words = ["--json", "provision", "precheck", "--template", "untrusted"];
    let (_, said) = theatre
        .typed(&[&words[..], &[BOB, TOM, ZOE]].concat())
        .await;
    let said: Value = serde_json::from_str(&said).unwrap();
    for (user, gone) in [
        (BOB, "email"),
        (TOM, "trunk-authentication"),
        (TOM, "trunk-shared-call-appearance"),
        (ZOE, "alternate-id"),
    ] {
        let (_, findings) = of(&said, user);
        let mut whats = findings.iter().map(|(_, what)| what.as_str());
        assert!(!whats.any(|what| what == gone), "{user} {gone}: {said:#}");
    }

    // Webex has its own opinion: the address belongs to an organisation that must agree.
    let email = [("emailAddress", crate::e2e::provisioning::theatre::GUARDED)];
    server.change_user(AMY, &email).await;
    let webex = ["provision", "precheck", "--webex", "--template", "trusted"];
    let (exit, said) = theatre.typed(&[&webex[..], &[AMY]].concat()).await;
    assert_eq!(exit, 1, "{said}");
    assert!(said.contains(&format!("{AMY}: refused")), "{said}");
    // Nobody was provisioned by a question.
    assert_eq!(theatre.scene.users().await, []);
    assert_eq!(theatre.subscriber(AMY), None);
    assert!(daemon.stop().await.success());
    server.close().await;
    theatre.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_application_server_to_ask_the_remedy_is_named() {
    let theatre = Theatre::open(FAST).await;
    let daemon = theatre.daemon().await;
    let (exit, said) = theatre.typed(&["provision", "precheck", AMY]).await;
    assert_ne!(exit, 0, "{said}");
    assert!(said.contains("[application-server]"), "{said}");
    assert!(daemon.stop().await.success());
    theatre.close().await;
}
