//! The adapter: what is accepted stands in the store, and what is refused says so in one sentence
//! and leaves nothing behind.

use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;

use crate::e2e::provisioning::adapter_scene::API;
use crate::e2e::provisioning::adapter_scene::HOST;
use crate::e2e::provisioning::adapter_scene::PASSWORD;
use crate::e2e::provisioning::adapter_scene::Scene;
use crate::e2e::provisioning::adapter_scene::basic;
use crate::e2e::provisioning::adapter_scene::element;
use crate::e2e::provisioning::adapter_scene::profile;
use crate::e2e::provisioning::adapter_scene::refusal;
use crate::e2e::provisioning::adapter_scene::request;
use crate::support::client::Client;
use crate::support::pki::write_private;

const ALLOW: &str = "allow = [\"127.0.0.0/8\"]";

#[tokio::test]
async fn what_is_accepted_stands_in_the_store_and_a_repetition_is_the_same_request() {
    let scene = Scene::new();
    let daemon = scene.start(&scene.config(ALLOW, "")).await;
    let first = scene.call("POST", API, &profile("anna@sp.test")).await;
    assert_eq!(first.status, 200, "{}", first.text());
    assert_eq!(element(&first, "status"), "accepted");
    assert_eq!(element(&first, "bwUserId"), "anna@sp.test");
    let request = element(&first, "requestId");
    let tracking = first.field("TrackingID").unwrap().to_owned();
    assert_eq!(tracking, format!("XSPD_{request}"));
    assert_eq!(first.field("Server"), Some("xspd"));
    let held = vec![("anna@sp.test".to_owned(), 1, request.clone())];
    assert_eq!(scene.users().await, held);

    let again = scene.call("PUT", API, &profile("Anna@SP.test")).await;
    // Another way of writing the id is another profile of the same user.
    assert_eq!(again.status, 200);
    assert_eq!(scene.users().await[0].1, 2);
    let same = scene.call("POST", API, &profile("Anna@SP.test")).await;
    assert_eq!(element(&same, "requestId"), element(&again, "requestId"));
    assert_eq!(scene.users().await[0].1, 2);

    let target = format!("{API}/userservice/imp/anna%40sp.test");
    let gone = scene.call("DELETE", &target, "").await;
    assert_eq!(gone.status, 200, "{}", gone.text());
    assert_eq!(scene.users().await[0].1, 3);
    let target = format!("{API}?bwUserId=nobody%40sp.test");
    let unknown = scene.call("DELETE", &target, "").await;
    assert_eq!(unknown.status, 200, "{}", unknown.text());

    let line = daemon.logged(&["call was answered", &request]).await;
    assert!(line.contains("anna@sp.test"), "{line}");
    let series = "xspd_inbound_provisioning_total{template=\"acme-api\",op=\"upsert\",code=\"";
    let count = |code: &str| format!("{series}{code}\"}}");
    assert_eq!(daemon.metric(&count("accepted")).await, Some(2.0));
    assert_eq!(daemon.metric(&count("same")).await, Some(1.0));
    assert!(daemon.stop().await.success());
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of forms")]
async fn other_forms_of_the_same_call_are_understood() {
    let scene = Scene::new();
    let _daemon = scene.start(&scene.config(ALLOW, "")).await;
    let credentials = basic(PASSWORD);

    let body = profile("old@sp.test");
    let old = format!(
        "POST {API} HTTP/1.0\r\n{credentials}Content-Type: text/xml\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = scene.send(old.as_bytes()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());

    let text = profile("latin@sp.test").replace("UTF-8", "ISO-8859-1");
    let text = text.replace("Andersen", "M\u{fc}ller");
    let latin: Vec<u8> = text
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect();
    let call = request("POST", API, &credentials, &latin);
    let call = String::from_utf8_lossy(&call[..call.len() - latin.len()])
        .replace("; charset=UTF-8", "")
        .into_bytes();
    let answer = scene.send(&[call, latin].concat()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut database = scene.database().await;
    let query = "SELECT wish FROM documents JOIN users USING (id) WHERE user_id = 'latin@sp.test'";
    let wish: String = sqlx::query_scalar(query)
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert!(wish.contains("M\u{fc}ller"), "{wish}");

    let (one, two) = body.split_at(100);
    let two = two.replace("old@sp.test", "new@sp.test");
    let one = one.replace("old@sp.test", "new@sp.test");
    let chunked = format!(
        "POST {API} HTTP/1.1\r\nHost: {HOST}\r\n{credentials}Content-Type: text/xml\r\n\
         Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\n\r\n",
        one.len(),
        two.len()
    );
    let answer = scene.send(chunked.as_bytes()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());

    let json = r#"{"bwUserId":"json@sp.test","serviceProvider":"sp1","group":"acme","firstName":"J","lastName":"S","email":"json@sp.test","extension":"1212"}"#;
    let call = format!(
        "POST {API} HTTP/1.1\r\nHost: {HOST}\r\n{credentials}Content-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{json}",
        json.len()
    );
    let answer = scene.send(call.as_bytes()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let read: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(read["bwUserId"], "json@sp.test");
    assert_eq!(read["status"], "accepted");

    // The password comes only after it was asked for, on the same connection.
    let mut stream = scene.client().connect().await.unwrap();
    let head = format!("POST {API} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 0\r\n\r\n");
    let asked = crate::support::client::exchange(&mut stream, head.as_bytes())
        .await
        .unwrap();
    assert_eq!(asked.status, 401);
    let challenge = asked.field("WWW-Authenticate");
    assert_eq!(challenge, Some("Basic realm=\"provisioning\""));
    let call = request(
        "POST",
        API,
        &credentials,
        profile("late@sp.test").as_bytes(),
    );
    let answer = crate::support::client::exchange(&mut stream, &call)
        .await
        .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());

    let users = scene.users().await;
    let users: Vec<_> = users.iter().map(|(user, ..)| user.as_str()).collect();
    let all = ["json", "late", "latin", "new", "old"].map(|user| format!("{user}@sp.test"));
    assert_eq!(users, all);
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of refusals")]
async fn every_refusal_has_its_code_and_a_sentence_and_leaves_nothing_behind() {
    let scene = Scene::new();
    let listener =
        format!("{ALLOW}\nlimits = {{ body-bytes = \"8KiB\", body-timeout = \"200ms\" }}");
    let more = format!(
        r#"
[[template]]
name = "elsewhere"
mode = "api"
partner = "acme"
provisioning-id = "{}"
account = "webexprov"
password = "file:{}/password"
allow = ["192.0.2.11"]
match = ["https://{HOST}/elsewhere"]
[[template]]
name = "bound"
mode = "api"
partner = "acme"
provisioning-id = "{}"
account = "webexprov"
password = "file:{}/password"
match = ["https://other.test/bound"]
"#,
        crate::e2e::provisioning::adapter_scene::ID,
        scene.path().display(),
        crate::e2e::provisioning::adapter_scene::ID,
        scene.path().display(),
    );
    let daemon = scene.start(&scene.config(&listener, &more)).await;
    let user = "anna@sp.test";
    let good = profile(user);
    let without = |element: &str| {
        let (before, rest) = good.split_once(&format!("<b:{element}>")).unwrap();
        let (_, after) = rest.split_once(&format!("</b:{element}>")).unwrap();
        format!("{before}{after}")
    };
    let bomb = good.replace(
        "?>",
        "?><!DOCTYPE b [<!ENTITY a \"x\"><!ENTITY b \"&a;&a;&a;&a;\">]>",
    );
    let deep = format!("{}{}", "<a>".repeat(60), "</a>".repeat(60));
    let no_number = without("primaryPhoneNumber").replace("<b:extension>1212</b:extension>", "");
    let charset = good.replace("UTF-8", "UTF-16");
    for (body, code) in [
        ("no xml", "A1001"),
        (bomb.as_str(), "A1001"),
        (deep.as_str(), "A1001"),
        (charset.as_str(), "A1001"),
        (&good[..good.len() - 20], "A1001"),
        (&without("bwUserId"), "A1002"),
        (&without("serviceProvider"), "A1002"),
        (&no_number, "A1003"),
        (&without("email"), "A1004"),
        ("<other/>", "A1008"),
    ] {
        let answer = scene.call("POST", API, body).await;
        let (status, found, sentence) = refusal(&answer);
        assert_eq!((status, found.as_str()), (400, code), "{body}");
        assert!(
            sentence.ends_with('.') && sentence.len() < 130,
            "{sentence}"
        );
    }
    let large = good.replace("John", &"J".repeat(9_000));
    assert_eq!(refusal(&scene.call("POST", API, &large).await).1, "A1001");

    let target = "/adapter/v1/t/nobody";
    let answer = scene.call("POST", target, &good).await;
    assert_eq!(
        (answer.status, element(&answer, "code")),
        (404, "A1012".into())
    );
    let answer = scene.call("POST", "/elsewhere", &good).await;
    assert_eq!(
        (answer.status, element(&answer, "code")),
        (403, "A1011".into())
    );
    let answer = scene.call("POST", "/adapter/v1/t/bound", &good).await;
    assert_eq!(
        (answer.status, element(&answer, "code")),
        (403, "A1011".into())
    );
    let guest = format!("{API}/userservice/impguest");
    let answer = scene.call("POST", &guest, "<b:x xmlns:b='u'/>").await;
    assert_eq!(
        (answer.status, element(&answer, "code")),
        (404, "A1009".into())
    );

    let call = request("POST", API, &basic("wrong"), good.as_bytes());
    let answer = scene.send(&call).await;
    assert_eq!(
        (answer.status, element(&answer, "code")),
        (401, "A1010".into())
    );
    daemon
        .logged(&["wrong provisioning user or password"])
        .await;

    let host = format!("Host: {HOST}");
    for other in ["Host: 127.0.0.1", "Host: other.test", "Host: a\r\nHost: b"] {
        let call = request("POST", API, &basic(PASSWORD), good.as_bytes());
        let call = String::from_utf8(call).unwrap().replace(&host, other);
        let answer = scene.send(call.as_bytes()).await;
        assert!(
            matches!(answer.status, 400 | 403),
            "{other}: {}",
            answer.head
        );
    }
    let call = request("POST", API, &basic(PASSWORD), good.as_bytes());
    let both = String::from_utf8(call).unwrap().replace(
        "Content-Length",
        "Transfer-Encoding: chunked\r\nContent-Length",
    );
    assert_eq!(scene.send(both.as_bytes()).await.status, 400);

    let slow = format!(
        "POST {API} HTTP/1.1\r\nHost: {HOST}\r\n{}Content-Length: 100\r\n\r\n<a",
        basic(PASSWORD)
    );
    let answer = scene.send(slow.as_bytes()).await;
    assert_eq!(
        (answer.status, element(&answer, "code")),
        (408, "A1001".into())
    );
    assert_eq!(answer.field("Connection"), Some("close"));

    assert_eq!(scene.users().await, []);
    let ping = scene.client().get(&format!("{API}/ping")).await.unwrap();
    assert_eq!((ping.status, ping.text().as_str()), (200, "ok\n"));
    let series =
        "xspd_inbound_provisioning_total{template=\"acme-api\",op=\"unknown\",code=\"A1008\"}";
    assert_eq!(daemon.metric(series).await, Some(1.0));
}

#[tokio::test]
async fn strangers_who_guess_are_locked_out_and_a_listed_server_never_is() {
    let scene = Scene::new();
    let policy = "[policy.guessing]\nfailures = 2\nwindow = \"1h\"\nlockout = \"1h\"";
    let wrong = request("POST", API, &basic("wrong"), b"");
    let config = format!("{}\n{policy}", scene.config(ALLOW, ""));
    let daemon = scene.start(&config).await;
    for _ in 0..4 {
        assert_eq!(scene.send(&wrong).await.status, 401);
    }
    let answer = scene.call("POST", API, &profile("anna@sp.test")).await;
    assert_eq!(answer.status, 200);
    assert!(daemon.stop().await.success());

    let config = format!("{}\n{policy}", scene.config("", ""));
    let daemon = scene.start(&config).await;
    for _ in 0..2 {
        assert_eq!(scene.send(&wrong).await.status, 401);
    }
    let answer = scene.call("POST", API, &profile("bob@sp.test")).await;
    assert_eq!(
        (answer.status, element(&answer, "code")),
        (429, "A1202".into())
    );
    assert!(answer.field("Retry-After").is_some());
    daemon.logged(&["locked out"]).await;
}

#[tokio::test]
async fn a_locked_store_is_503_with_nothing_half_written_and_recovers_by_itself() {
    let scene = Scene::new();
    let config = scene.config(ALLOW, "");
    let daemon = scene.start(&config).await;
    assert_eq!(
        scene
            .call("POST", API, &profile("one@sp.test"))
            .await
            .status,
        200
    );
    let mut holder = scene.database().await;
    sqlx::query("BEGIN EXCLUSIVE")
        .execute(&mut holder)
        .await
        .unwrap();
    let answer = scene.call("POST", API, &profile("two@sp.test")).await;
    assert_eq!(
        (answer.status, element(&answer, "code")),
        (503, "A1201".into())
    );
    sqlx::query("ROLLBACK").execute(&mut holder).await.unwrap();
    let answer = scene.call("POST", API, &profile("three@sp.test")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let users = scene.users().await;
    let users: Vec<_> = users.iter().map(|(user, ..)| user.as_str()).collect();
    assert_eq!(users, ["one@sp.test", "three@sp.test"]);
    drop(daemon);
}

#[tokio::test]
async fn a_daemon_that_ends_refuses_new_calls_and_finishes_the_one_under_way() {
    let scene = Scene::new();
    let config = scene
        .config(ALLOW, "")
        .replace("settle = \"0s\"", "settle = \"10s\"");
    let daemon = scene.start(&config).await;
    let body = profile("anna@sp.test");
    let call = request("POST", API, &basic(PASSWORD), body.as_bytes());
    let (head, rest) = call.split_at(call.len() - 10);
    let mut under_way = scene.client().connect().await.unwrap();
    under_way.write_all(head).await.unwrap();
    // Its head has been judged once another call on another connection was answered.
    assert_eq!(
        scene
            .call("POST", API, &profile("bob@sp.test"))
            .await
            .status,
        200
    );
    daemon.signal("TERM");
    daemon.logged(&["Draining."]).await;
    let answer = scene.call("POST", API, &profile("carl@sp.test")).await;
    assert_eq!(
        (answer.status, element(&answer, "code")),
        (503, "A1201".into())
    );
    under_way.write_all(rest).await.unwrap();
    let mut text = [0; 12];
    under_way.read_exact(&mut text).await.unwrap();
    assert_eq!(&text, b"HTTP/1.1 200");
    assert!(daemon.stop().await.success());
    let users = scene.users().await;
    assert_eq!(users.len(), 2, "{users:?}");
}

#[tokio::test]
async fn a_reload_changes_passwords_texts_and_mappings_and_keeps_what_was_good() {
    let scene = Scene::new();
    let config = scene.config(ALLOW, "");
    let daemon = scene.start(&config).await;
    let texts = "[template.response.accepted]\nstatus = 202\ncontent-type = \"text/plain\"\nbody = \"ok {request_id}\"";
    std::fs::write(scene.path().join("xspd.toml"), format!("{config}\n{texts}")).unwrap();
    daemon.signal("HUP");
    daemon.logged(&["Reload done"]).await;
    let answer = scene.call("POST", API, &profile("anna@sp.test")).await;
    assert_eq!(answer.status, 202);
    assert!(answer.text().starts_with("ok "), "{}", answer.text());

    let mapping = scene.path().join("mapping.toml");
    std::fs::write(
        &mapping,
        "format = \"bwa-adapter/1\"\n[[rule]]\nname = \"x\"\nop = \"nonsense\"\n",
    )
    .unwrap();
    let broken = config.replace(
        "name = \"acme-api\"",
        &format!("name = \"acme-api\"\nmapping = \"{}\"", mapping.display()),
    );
    std::fs::write(scene.path().join("xspd.toml"), &broken).unwrap();
    daemon.signal("HUP");
    let line = daemon.logged(&["template.acme-api.mapping"]).await;
    assert!(line.contains("line 4"), "{line}");
    let answer = scene.call("POST", API, &profile("bob@sp.test")).await;
    assert_eq!(answer.status, 202, "what was good goes on");

    write_private(&scene.path().join("password"), &"x".repeat(21));
    let refused = scene.call("POST", API, &profile("bob@sp.test")).await;
    assert_eq!(
        refused.status, 202,
        "a password that cannot be is not taken over"
    );
}

#[tokio::test]
async fn calls_are_kept_for_a_look_without_passwords_and_personal_data() {
    let scene = Scene::new();
    let more = "[provisioning.capture]\nwhat = \"all\"\nring = 2\nkeep = true";
    let config = scene.config(ALLOW, more);
    let daemon = scene.start(&config).await;
    for user in ["anna@sp.test", "bob@sp.test", "carl@sp.test"] {
        assert_eq!(scene.call("POST", API, &profile(user)).await.status, 200);
    }
    assert_eq!(
        refusal(&scene.call("POST", API, "<other/>").await).1,
        "A1008"
    );
    let folder = scene.path().join("state/captures");
    let bound = tokio::time::sleep(crate::support::BOUND);
    tokio::pin!(bound);
    let texts = loop {
        let entries = std::fs::read_dir(&folder).into_iter().flatten();
        let paths = entries.map(|entry| entry.unwrap().path());
        let texts: Vec<_> = paths
            .filter(|path| path.extension().is_some_and(|e| e == "json"))
            .filter_map(|path| std::fs::read_to_string(path).ok())
            .collect();
        if texts.len() == 2 && texts.iter().any(|text| text.contains("unmapped")) {
            break texts;
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
            () = &mut bound => panic!("{texts:#?}"),
        }
    };
    for text in &texts {
        for hidden in ["carl", "Andersen", "2405551212", "d2ViZXhwcm92", PASSWORD] {
            assert!(!text.contains(hidden), "{hidden} in {text}");
        }
        assert!(text.contains("acme-api"), "{text}");
    }
    drop(daemon);
}

#[tokio::test]
async fn a_client_certificate_may_be_demanded_besides() {
    let scene = Scene::new();
    let webex = crate::support::pki::Authority::new("Internal");
    let anchors = webex.write(scene.path(), "internal");
    let trust = format!(
        "[[trust]]\nname = \"internal\"\nfiles = [\"{}\"]\n",
        anchors.display()
    );
    let rules = format!(
        "{ALLOW}\nclient-certificates = \"required\"\ntrust = \"internal\"\n\
         allowed-identities = [\"as1.test\"]"
    );
    let config =
        scene
            .config(&rules, "")
            .replacen("[[listener]]", &format!("{trust}[[listener]]"), 1);
    let _daemon = scene.start(&config).await;
    let call = request(
        "POST",
        API,
        &basic(PASSWORD),
        profile("anna@sp.test").as_bytes(),
    );
    let showing = |name: &str| -> Client {
        let key = crate::support::pki::Key::P256;
        scene.client().showing(webex.client_named(name, key))
    };
    let answer = showing("as1.test").exchange(&call).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = showing("mallory.test").exchange(&call).await.unwrap();
    assert_eq!(
        (answer.status, element(&answer, "code")),
        (403, "A1011".into())
    );
}
