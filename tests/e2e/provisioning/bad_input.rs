//! What nobody should send, at a real adapter: each is refused with its code, leaves nothing behind,
//! and the next good call is taken.

use std::fs;

use futures_util::future::join_all;
use serde_json::Value;
use serde_json::json;
use xspd::lab::webex::api::Operation;
use xspd::lab::webex::api::Template;

use crate::e2e::provisioning::adapter_scene::API;
use crate::e2e::provisioning::adapter_scene::HOST;
use crate::e2e::provisioning::adapter_scene::PASSWORD;
use crate::e2e::provisioning::adapter_scene::Scene;
use crate::e2e::provisioning::adapter_scene::basic;
use crate::e2e::provisioning::adapter_scene::element;
use crate::e2e::provisioning::adapter_scene::profile;
use crate::e2e::provisioning::adapter_scene::refusal;
use crate::e2e::provisioning::adapter_scene::request;
use crate::e2e::provisioning::disk::SmallDisk;
use crate::e2e::provisioning::theatre::FAST;
use crate::e2e::provisioning::theatre::Theatre;
use crate::e2e::provisioning::theatre::profile_of;
use crate::support::client::Answer;

const ALLOW: &str = "allow = [\"127.0.0.0/8\"]";

/// The first of her customer: she stays, so that the others may go.
const ANNA: &str = "anna@initech.test";

/// With lines of its own about the body.
async fn sent(scene: &Scene, lines: &str, body: &[u8]) -> Answer {
    let head = format!(
        "POST {API} HTTP/1.1\r\nHost: {HOST}\r\n{}{lines}Content-Length: {}\r\n\r\n",
        basic(PASSWORD),
        body.len()
    );
    scene.send(&[head.as_bytes(), body].concat()).await
}

/// Documents that no parser may let pass, each with its name.
#[expect(clippy::too_many_lines, reason = "a table")]
fn documents() -> Vec<(&'static str, Vec<u8>)> {
    let good = profile("anna@sp.test");
    let declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    let bare = good.strip_prefix(declaration).unwrap().to_owned();
    let named = |name: &str| good.replace(">John<", &format!(">{name}<"));
    let attributed =
        |attributes: &str| good.replacen("<b:bwUserId>", &format!("<b:bwUserId {attributes}>"), 1);
    let many = |count: usize| {
        let all: Vec<_> = (0..count).map(|n| format!("a{n}=\"\"")).collect();
        attributed(&all.join(" "))
    };
    let after = |text: &str| good.replace("?>", &format!("?>{text}"));
    let laughs: String = (1..10)
        .map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10)))
        .collect();
    let mut all: Vec<(&'static str, String)> = vec![
        ("a DTD", after("<!DOCTYPE b:subscriberProfile>")),
        ("a DTD in small letters", after("<!doctype x>")),
        (
            "a DTD inside",
            good.replace("<b:group>", "<!DOCTYPE x><b:group>"),
        ),
        (
            "a billion laughs",
            after(&format!("<!DOCTYPE l [<!ENTITY l0 \"ha\">{laughs}]>"))
                .replace(">John<", ">&l9;<"),
        ),
        (
            "an external entity",
            after("<!DOCTYPE l [<!ENTITY f SYSTEM \"file:///etc/passwd\">]>")
                .replace(">John<", ">&f;<"),
        ),
        ("an unknown entity", named("J&nbsp;")),
        ("an unfinished reference", named("J&amp")),
        ("a reference to NUL", named("&#0;")),
        ("a reference to a surrogate", named("&#xD800;")),
        ("a reference to no character", named("&#xFFFE;")),
        ("a NUL", named("\0")),
        ("a control character", named("\u{1}")),
        ("less-than in a value", attributed("a=\"<\"")),
        ("the end of a CDATA section", named("]]>")),
        ("two roots", format!("{good}{bare}")),
        ("text behind the root", format!("{good}x")),
        ("text before the root", good.replace("?>", "?>x")),
        ("a declaration that is not first", format!(" {good}")),
        ("two declarations", format!("{declaration}{good}")),
        ("an instruction", after("<?php x?>")),
        (
            "an unfinished comment",
            good.replace("<b:group>", "<!-- <b:group>"),
        ),
        (
            "two hyphens in a comment",
            good.replace("<b:group>", "<!-- -- --><b:group>"),
        ),
        ("the same attribute twice", attributed("a=\"1\" a=\"2\"")),
        ("sixty-five attributes", many(65)),
        ("as many as a slow parser needs for minutes", many(12_000)),
        ("an unbound prefix", good.replace("b:group", "c:group")),
        (
            "tags that do not match",
            good.replace("</b:group>", "</b:grup>"),
        ),
        (
            "thirty-three levels",
            good.replace(
                ">John<",
                &format!(">{}{}<", "<a>".repeat(33), "</a>".repeat(33)),
            ),
        ),
        (
            "two thousand elements",
            good.replace(">John<", &format!(">{}<", "<a/>".repeat(2_001))),
        ),
        (
            "a name of ten thousand letters",
            good.replace(">John<", &format!("><{0}/><", "a".repeat(10_000))),
        ),
        ("half a document", good[..good.len() / 2].to_owned()),
        ("nothing but a declaration", declaration.to_owned()),
    ]
    .into_iter()
    .collect();
    all.push(("text", "bwUserId=anna@sp.test".to_owned()));
    let mut all: Vec<_> = all
        .into_iter()
        .map(|(name, text)| (name, text.into_bytes()))
        .collect();
    let cut = |text: &str, bytes: &[u8]| {
        let (before, behind) = good.split_once(text).unwrap();
        [before.as_bytes(), bytes, behind.as_bytes()].concat()
    };
    all.push(("bytes that are no UTF-8", cut("John", b"J\xc3(n")));
    all.push(("an overlong NUL", cut("John", b"\xc0\x80")));
    all.push(("a surrogate in UTF-8", cut("John", b"\xed\xa0\x80")));
    let wide: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    all.push(("UTF-16", [b"\xff\xfe".as_slice(), &wide].concat()));
    all
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "two tables")]
async fn what_is_not_one_well_formed_document_is_refused_and_leaves_nothing_behind() {
    let scene = Scene::new();
    let daemon = scene.start(&scene.config(ALLOW, "")).await;
    for (name, body) in documents() {
        let answer = sent(&scene, "Content-Type: application/xml\r\n", &body).await;
        let (status, code, sentence) = refusal(&answer);
        assert_eq!(
            (status, code.as_str()),
            (400, "A1001"),
            "{name}: {}",
            answer.text()
        );
        assert!(sentence.ends_with('.'), "{name}: {sentence}");
        // Nothing of what a stranger wrote comes back.
        assert!(!answer.text().contains("root:"), "{name}");
    }
    let good = profile("anna@sp.test");
    let latin = good.replace("UTF-8", "ISO-8859-1");
    for (lines, body, name) in [
        (
            "Content-Type: application/xml; charset=ISO-8859-1\r\n",
            good.as_str(),
            "two charsets",
        ),
        (
            "Content-Type: application/xml; charset=UTF-8\r\n",
            latin.as_str(),
            "the other way round",
        ),
        (
            "Content-Type: application/xml; charset=klingon\r\n",
            good.as_str(),
            "an unknown charset",
        ),
        (
            "Content-Type: application/xml\r\nContent-Encoding: gzip\r\n",
            good.as_str(),
            "packed",
        ),
        (
            "Content-Type: application/xml\r\nContent-Type: application/json\r\n",
            good.as_str(),
            "two types",
        ),
        (
            "Content-Type: application/json\r\n",
            "[1]",
            "JSON that is no object",
        ),
        (
            "Content-Type: application/json\r\n",
            "{\"bwUserId\":\"a\",\"bwUserId\":\"b\"}",
            "a member twice",
        ),
        (
            "Content-Type: application/json\r\n",
            "{\"bwUserId\":NaN}",
            "no JSON",
        ),
        ("Content-Type: application/json\r\n", "{}{}", "two objects"),
        (
            "Content-Type: application/json\r\n",
            good.as_str(),
            "XML that is said to be JSON",
        ),
    ] {
        let answer = sent(&scene, lines, body.as_bytes()).await;
        let (status, code, _) = refusal(&answer);
        let code = if code.is_empty() {
            let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            said["code"].as_str().unwrap_or_default().to_owned()
        } else {
            code
        };
        assert_eq!(
            (status, code.as_str()),
            (400, "A1001"),
            "{name}: {}",
            answer.text()
        );
    }
    let nested = format!("{{\"a\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000));
    let answer = sent(
        &scene,
        "Content-Type: application/json\r\n",
        nested.as_bytes(),
    )
    .await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(scene.users().await, []);
    let answer = scene.call("POST", API, &good).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(daemon.stop().await.success());
}

/// What is well-formed and means nothing, or two things.
fn values() -> Vec<(&'static str, String, &'static str)> {
    let good = profile("anna@sp.test");
    let with = |old: &str, new: &str| {
        assert!(good.contains(old), "{old}");
        good.replace(old, new)
    };
    let user = ">anna@sp.test</b:bwUserId>";
    let email = ">anna@sp.test</b:email>";
    let user_of = |id: &str| with(user, &format!(">{id}</b:bwUserId>"));
    let email_of = |id: &str| with(email, &format!(">{id}</b:email>"));
    let forged = "anna@sp.test&#10;2026-01-01T00:00:00.000000Z  INFO forged";
    let services = |words: &str| {
        with(
            "</b:subscriberProfile>",
            &format!("<b:services>{words}</b:services></b:subscriberProfile>"),
        )
    };
    let on = "<b:service name=\"IMP\" active=\"true\"/>";
    let off = "<b:service name=\"IMP\" active=\"false\"/>";
    vec![
        ("no user id", user_of(""), "A1002"),
        ("a blank user id", user_of(" &#9; "), "A1002"),
        (
            "a user id that is too long",
            user_of(&"a".repeat(162)),
            "A1007",
        ),
        (
            "a user id that forges a line of the log",
            user_of(forged),
            "A1007",
        ),
        (
            "two user ids",
            with(user, &format!("{user}<b:bwUserId>bob@sp.test</b:bwUserId>")),
            "A1007",
        ),
        ("no name", with(">John<", "><"), "A1002"),
        (
            "a name that is too long",
            with(">John<", &format!(">{}<", "J".repeat(31))),
            "A1007",
        ),
        (
            "a service provider that is too long",
            with(">sp1<", &format!(">{}<", "s".repeat(31))),
            "A1007",
        ),
        ("an address that is none", email_of("anna"), "A1005"),
        (
            "an address with a line end",
            email_of("anna@sp.test&#10;b@sp.test"),
            "A1007",
        ),
        (
            "an address that is too long",
            email_of(&format!("{}@sp.test", "a".repeat(80))),
            "A1007",
        ),
        (
            "a service that is on and off",
            services(&format!("{on}{off}")),
            "A1008",
        ),
        (
            "a service that is maybe",
            services("<b:service name=\"IMP\" active=\"maybe\"/>"),
            "A1008",
        ),
    ]
}

#[tokio::test]
async fn values_that_are_none_are_refused_and_forge_no_line_of_the_log() {
    let scene = Scene::new();
    let template = "name = \"acme-api\"\ntrusted-email = true";
    let config = scene
        .config(ALLOW, "")
        .replace("name = \"acme-api\"", template);
    let daemon = scene.start(&config).await;
    for (name, body, code) in values() {
        let answer = scene.call("POST", API, &body).await;
        let (status, found, _) = refusal(&answer);
        let told = answer.text();
        assert_eq!((status, found.as_str()), (400, code), "{name}: {told}");
    }
    for below in [
        "?bwUserId=a%40x.test&bwUserId=b%40x.test",
        "?bwUserId=",
        "?bwUserId=%00",
        "?bwUserId=%ff",
        "?bwUserId=a%0d%0aX-Forged:%201",
        "/userservice/subscriber/..%2f..%2fx",
        "/../acme-api/x",
        "/%2e%2e/x",
    ] {
        let answer = scene.call("DELETE", &format!("{API}{below}"), "").await;
        assert!(
            matches!(answer.status, 400 | 404),
            "{below}: {}",
            answer.head
        );
        assert!(answer.field("X-Forged").is_none(), "{below}");
    }
    assert_eq!(scene.users().await, []);
    let lines = daemon.lines();
    assert!(
        !lines.iter().any(|line| line.starts_with("2026-01-01")),
        "{lines:#?}"
    );
    assert!(daemon.stop().await.success());
}

#[tokio::test]
async fn a_body_beyond_the_cap_is_refused_by_its_length_and_by_its_bytes() {
    let scene = Scene::new();
    let listener = format!("{ALLOW}\nlimits = {{ body-bytes = \"8KiB\" }}");
    let daemon = scene.start(&scene.config(&listener, "")).await;
    // It is refused by what it says, before a byte of it came.
    let head = format!(
        "POST {API} HTTP/1.1\r\nHost: {HOST}\r\n{}Content-Type: text/xml\r\n\
         Content-Length: 99999999\r\n\r\n",
        basic(PASSWORD)
    );
    let answer = scene.send(head.as_bytes()).await;
    assert_eq!(refusal(&answer).1, "A1001");
    // A body that does not say how long it is ends where the cap is.
    let chunk = format!("2000\r\n{}\r\n", " ".repeat(0x2000));
    let chunked = format!(
        "POST {API} HTTP/1.1\r\nHost: {HOST}\r\n{}Content-Type: text/xml\r\n\
         Transfer-Encoding: chunked\r\n\r\n{chunk}{chunk}",
        basic(PASSWORD)
    );
    let answer = scene.send(chunked.as_bytes()).await;
    assert_eq!(refusal(&answer).1, "A1001", "{}", answer.text());
    assert_eq!(answer.field("Connection"), Some("close"));
    assert_eq!(scene.users().await, []);
    assert!(daemon.stop().await.success());
}

#[tokio::test]
async fn strangers_cannot_use_up_the_pace_of_the_application_server() {
    let scene = Scene::new();
    // What is used up does not come back within the test.
    let pace = "[provisioning]\nrequests-per-second = 0.1\nburst = 3\n";
    let config =
        scene
            .config(ALLOW, "")
            .replacen("[[listener]]", &format!("{pace}[[listener]]"), 1);
    let daemon = scene.start(&config).await;
    let good = profile("anna@sp.test");
    let wrong = request("POST", API, &basic("wrong"), good.as_bytes());
    let bare = request("POST", API, "", good.as_bytes());
    for _ in 0..8 {
        for call in [&wrong, &bare] {
            let answer = scene.send(call).await;
            assert_eq!(
                (answer.status, element(&answer, "code")),
                (401, "A1010".into())
            );
        }
        let nowhere = scene.call("POST", "/adapter/v1/t/nobody", &good).await;
        assert_eq!(nowhere.status, 404);
    }
    for user in ["anna@sp.test", "bob@sp.test", "carl@sp.test"] {
        let answer = scene.call("POST", API, &profile(user)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let mut taken = 3;
    let mut answer = scene.call("POST", API, &profile("dora@sp.test")).await;
    // Only a machine that stands still for ten seconds gives one back.
    while answer.status == 200 && taken < 6 {
        taken += 1;
        answer = scene.call("POST", API, &profile("dora@sp.test")).await;
    }
    assert_eq!(
        (answer.status, element(&answer, "code")),
        (429, "A1202".into())
    );
    let wait: u64 = answer.field("Retry-After").unwrap().parse().unwrap();
    assert!((1..=10).contains(&wait), "{wait}");
    // A stranger is told what is wrong, not that others call too much.
    assert_eq!(scene.send(&wrong).await.status, 401);
    assert_eq!(scene.users().await.len(), taken.min(4));
    assert!(daemon.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_request_is_one_wish_and_one_subscriber() {
    let theatre = Theatre::open(FAST).await;
    let daemon = theatre.daemon().await;
    let body = profile_of(ANNA);
    let target = "/adapter/v1/t/trusted";
    let calls = (0..40).map(|_| theatre.scene.call("POST", target, &body));
    let answers = join_all(calls).await;
    let first = element(&answers[0], "requestId");
    for answer in &answers {
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(element(answer, "requestId"), first);
    }
    theatre.reaches(&daemon, ANNA, "provisioned").await;
    let users = theatre.scene.users().await;
    assert_eq!(users, [(ANNA.to_owned(), 1, first.clone())]);
    // Replayed later it is another look at Webex, and nothing is made anew.
    let again = theatre.scene.call("POST", target, &body).await;
    assert_ne!(element(&again, "requestId"), first);
    theatre.reaches(&daemon, ANNA, "no-change").await;
    assert_eq!(theatre.webex.count(Operation::UpdateSubscriber), 0);
    assert_eq!(theatre.webex.count(Operation::ProvisionSubscriber), 1);
    assert!(daemon.stop().await.success());
    theatre.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_at_once_in_a_new_enterprise_wait_for_the_first_and_come_once_each() {
    let theatre = Theatre::open(FAST).await;
    let trusted = Template::trusted();
    let daemon = theatre.daemon().await;
    let users: Vec<_> = (0..100).map(|n| format!("user{n}@initech.test")).collect();
    join_all(users.iter().map(|user| theatre.assign(&trusted, user))).await;
    theatre
        .until(&daemon, "all are provisioned", async || {
            let state = theatre.control("GET", "state", &Value::Null);
            state["subscribers"]["provisioned"] == 100
        })
        .await;
    let state = theatre.control("GET", "state", &Value::Null);
    assert_eq!(state["users-with-two-subscribers"], json!([]), "{state}");
    // One more and the Webex of the lab had failed it: a second beside the first fails there.
    assert_eq!(theatre.webex.count(Operation::ProvisionSubscriber), 100);
    for user in &users {
        theatre.reaches(&daemon, user, "provisioned").await;
    }
    assert!(daemon.stop().await.success());
    theatre.close().await;
}

/// The same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_any_order_of_assigning_and_unassigning_the_last_word_holds() {
    let theatre = Theatre::open(FAST).await;
    let trusted = Template::trusted();
    let daemon = theatre.daemon().await;
    theatre.assign(&trusted, ANNA).await;
    theatre.reaches(&daemon, ANNA, "provisioned").await;
    let users = (0..10).map(async |n: u64| {
        let user = format!("user{n}@initech.test");
        let mut dice = Dice(4711 + n);
        let mut last = None;
        for step in 0..14 {
            if dice.below(2) == 0 {
                theatre.unassign(&trusted, &user).await;
                last = None;
            } else {
                let name = format!("Name{step}");
                let body = profile_of(&user).replace(">John<", &format!(">{name}<"));
                let answer = theatre
                    .scene
                    .call("POST", "/adapter/v1/t/trusted", &body)
                    .await;
                assert_eq!(answer.status, 200, "{}", answer.text());
                last = Some(name);
            }
            // Some come while the one before is on its way, and some when it has arrived.
            for _ in 0..dice.below(4) {
                theatre.row(ANNA).await;
            }
        }
        (user, last)
    });
    let wanted = join_all(users).await;
    for (user, last) in &wanted {
        theatre
            .until(&daemon, &format!("{user} is as in {last:?}"), async || {
                let held = theatre.subscriber(user);
                let held = held.filter(|held| held["status"] == "provisioned");
                held.map(|held| held["firstName"].clone()) == last.clone().map(Value::from)
                    && last.is_none() == theatre.subscriber(user).is_none()
            })
            .await;
    }
    let open = |row: &Value| row["final"] != true;
    theatre
        .until(&daemon, "all jobs are at their end", async || {
            let list = theatre.document(&["provision", "list"]).await;
            !list["jobs"].as_array().unwrap().iter().any(open)
        })
        .await;
    for (user, last) in &wanted {
        assert_eq!(theatre.subscriber(user).is_some(), last.is_some(), "{user}");
    }
    let state = theatre.control("GET", "state", &Value::Null);
    assert_eq!(state["users-with-two-subscribers"], json!([]), "{state}");
    assert!(daemon.stop().await.success());
    theatre.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_no_rule_fits_is_refused_captured_and_told_to_the_operator() {
    let mut theatre = Theatre::open(FAST).await;
    theatre.replace("filter = \"debug\"", "filter = \"info\"");
    let daemon = theatre.daemon().await;
    let odd = profile_of(ANNA).replace("subscriberProfile", "imSubscriber2");
    let answer = theatre
        .scene
        .call("POST", "/adapter/v1/t/trusted", &odd)
        .await;
    let (status, code, sentence) = refusal(&answer);
    assert_eq!((status, code.as_str()), (400, "A1008"));
    assert!(sentence.contains("not known here"), "{sentence}");
    let line = daemon.logged(&["A1008", "was refused"]).await;
    assert!(line.contains("WARN") || line.contains("warn"), "{line}");
    let series =
        "xspd_inbound_provisioning_total{template=\"trusted\",op=\"unknown\",code=\"A1008\"}";
    assert_eq!(daemon.metric(series).await, Some(1.0));
    let captures = theatre.document(&["provision", "captures"]).await;
    let held = captures["captures"].as_array().unwrap();
    assert_eq!(held.len(), 1, "{captures}");
    let id = held[0]["id"].as_str().unwrap();
    let whole = theatre.done(&["provision", "captures", id]).await;
    assert!(whole.contains("imSubscriber2"), "{whole}");
    for hidden in [ANNA, "Andersen", PASSWORD] {
        assert!(!whole.contains(hidden), "{hidden}: {whole}");
    }
    assert_eq!(theatre.scene.users().await, []);
    assert!(daemon.stop().await.success());
    theatre.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_a_call_is_503_and_what_was_answered_is_there() {
    let mut theatre = Theatre::open(FAST).await;
    theatre.replace("filter = \"debug\"", "filter = \"info\"");
    let state = theatre.scene.path().join("state");
    fs::create_dir(&state).unwrap();
    let Some(disk) = SmallDisk::mount_at(&state) else {
        return;
    };
    let ballast = disk.path().join("ballast");
    fs::write(&ballast, vec![7; 1 << 20]).unwrap();
    let daemon = theatre.daemon().await;
    let mut answered = Vec::new();
    let refused = loop {
        let user = format!("user{}@initech.test", answered.len());
        let answer = theatre
            .scene
            .call("POST", "/adapter/v1/t/trusted", &profile_of(&user))
            .await;
        if answer.status != 200 {
            break answer;
        }
        answered.push(user);
        assert!(answered.len() < 5_000, "the disk never fills");
    };
    assert_eq!(
        (refused.status, element(&refused, "code")),
        (503, "A1201".into())
    );
    assert!(answered.len() > 5, "{}", answered.len());
    // Reading goes on.
    let list = theatre.document(&["provision", "list"]).await;
    let listed = list["jobs"].as_array().unwrap();
    for user in &answered {
        assert!(
            listed.iter().any(|row| row["user"] == user.as_str()),
            "{user}"
        );
    }
    let half = format!("user{}@initech.test", answered.len());
    assert!(
        !listed.iter().any(|row| row["user"] == half.as_str()),
        "half-written"
    );
    fs::remove_file(&ballast).unwrap();
    theatre
        .until(&daemon, "there is room again", async || {
            let body = profile_of(&half);
            let call = theatre.scene.call("POST", "/adapter/v1/t/trusted", &body);
            call.await.status == 200
        })
        .await;
    theatre.reaches(&daemon, &answered[0], "provisioned").await;
    assert!(daemon.stop().await.success());
    theatre.close().await;
}
