//! Relayed templates: calls go to the bridge untouched, its answers come back untouched, and users
//! are tracked only after it took them.

use crate::e2e::provisioning::adapter_scene::HOST;
use crate::e2e::provisioning::adapter_scene::PASSWORD;
use crate::e2e::provisioning::adapter_scene::Scene;
use crate::e2e::provisioning::adapter_scene::basic;
use crate::e2e::provisioning::adapter_scene::element;
use crate::e2e::provisioning::adapter_scene::profile;
use crate::e2e::provisioning::adapter_scene::request;
use crate::support::pki::Authority;
use crate::support::pki::Key;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

const RELAY: &str = "/adapter/v1/t/acme-relay";

/// A bridge behind TLS, and the text of a template that leads to it.
async fn bridge(
    scene: &Scene,
    more: &str,
    script: impl Fn(&[u8]) -> Reply + Send + Sync + 'static,
) -> (Upstream, String) {
    let authority = Authority::new("Bridge");
    let ca = authority.write(scene.path(), "bridge-ca");
    let identity = authority.server(&["localhost"], Key::P256);
    let bridge = Upstream::start_tls(&identity, None, script).await;
    let text = format!(
        r#"
[[template]]
name = "acme-relay"
cluster = "as-east"
partner = "acme"
bridge-url = "https://localhost:{port}/base"
account = "webexprov"
password = "file:{folder}/password"
[template.relay]
connect-timeout = "10s"
total-timeout = "30s"
ca = "{ca}"
{more}
"#,
        port = bridge.address().port(),
        folder = scene.path().display(),
        ca = ca.display(),
    );
    (bridge, text)
}

const ALLOW: &str = "allow = [\"127.0.0.0/8\"]";

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one call, looked at from both sides")]
async fn a_call_reaches_the_bridge_untouched_and_its_answer_comes_back_so() {
    let scene = Scene::new();
    let (bridge, text) = bridge(&scene, "", |_| {
        let body = "<b:ok\t xmlns:b='u'/>\r\n";
        Reply::Raw(
            format!(
                "HTTP/1.1 200 Fine\r\nContent-Type: application/xml\r\nX-Bridge: 7\r\n\
                 TrackingID: NA_1\r\nKeep-Alive: x\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .into_bytes(),
        )
    })
    .await;
    let daemon = scene.start(&scene.config(ALLOW, &text)).await;
    let body = profile("anna@sp.test");
    let target = format!("{RELAY}/userservice//x%2Fy;v=1?a=b%20c&d");
    let lines = format!(
        "{}X-Own: 1\r\nx-own: 2\r\nUser-Agent: BroadWorks\r\nX-Hop: 1\r\n\
         Connection: keep-alive, X-Hop\r\nExpect: 100-continue\r\n",
        basic(PASSWORD)
    );
    let mut stream = scene.client().connect().await.unwrap();
    let call = request("POST", &target, &lines, body.as_bytes());
    tokio::io::AsyncWriteExt::write_all(&mut stream, &call)
        .await
        .unwrap();
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    while !answer.ends_with(b"/>\r\n") {
        let read = tokio::io::AsyncReadExt::read(&mut stream, &mut piece).await;
        let read = read.unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&piece[..read]);
    }
    let answer = String::from_utf8(answer).unwrap();
    let answer = answer
        .strip_prefix("HTTP/1.1 100 Continue\r\n\r\n")
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let lower = answer.to_ascii_lowercase();
    for kept in [
        "x-bridge: 7",
        "trackingid: na_1",
        "content-type: application/xml",
    ] {
        assert!(lower.contains(kept), "{answer}");
    }
    assert!(!lower.contains("keep-alive: x"), "{answer}");
    assert!(
        answer.ends_with("\r\n\r\n<b:ok\t xmlns:b='u'/>\r\n"),
        "{answer}"
    );

    let seen = bridge.requests();
    assert_eq!(seen.len(), 1);
    let seen = String::from_utf8(seen[0].clone()).unwrap();
    let line = "POST /base/userservice//x%2Fy;v=1?a=b%20c&d HTTP/1.1\r\n";
    assert!(seen.starts_with(line), "{seen}");
    assert!(seen.ends_with(&format!("\r\n\r\n{body}")), "{seen}");
    let lower = seen.to_ascii_lowercase();
    let host = format!("host: localhost:{}\r\n", bridge.address().port());
    for kept in [
        host.as_str(),
        "x-own: 1\r\n",
        "x-own: 2\r\n",
        "user-agent: broadworks\r\n",
    ] {
        assert!(lower.contains(kept), "{seen}");
    }
    let authorization = basic(PASSWORD).trim().to_ascii_lowercase();
    assert!(lower.contains(&authorization), "{seen}");
    for gone in ["expect:", "x-hop", HOST, "transfer-encoding"] {
        assert!(!lower.contains(gone), "{gone} in {seen}");
    }
    let users = scene.users().await;
    assert_eq!(users.len(), 1, "{users:?}");
    assert_eq!(users[0].0, "anna@sp.test");
    let series =
        "xspd_inbound_provisioning_total{template=\"acme-relay\",op=\"relay\",code=\"passed\"}";
    assert_eq!(daemon.metric(series).await, Some(1.0));
}

#[tokio::test]
async fn a_refusal_of_the_bridge_is_passed_back_and_nobody_is_tracked() {
    let scene = Scene::new();
    let (_bridge, text) = bridge(&scene, "", |request| {
        if request.starts_with(b"DELETE") {
            Reply::Raw(
                b"HTTP/1.1 302 X\r\nLocation: https://evil.test/\r\nContent-Length: 0\r\n\r\n"
                    .to_vec(),
            )
        } else {
            Reply::text(409, "conflict")
        }
    })
    .await;
    let daemon = scene.start(&scene.config(ALLOW, &text)).await;
    let answer = scene.call("POST", RELAY, &profile("anna@sp.test")).await;
    assert_eq!((answer.status, answer.text().as_str()), (409, "conflict"));
    let answer = scene.call("DELETE", &format!("{RELAY}/x"), "").await;
    assert_eq!(answer.status, 302);
    assert_eq!(scene.users().await, []);
    daemon.logged(&["bridge refused", "anna@sp.test"]).await;
}

#[tokio::test]
async fn what_is_not_understood_is_relayed_all_the_same_and_said_to_be_untracked() {
    let scene = Scene::new();
    let (bridge, text) = bridge(&scene, "", |_| Reply::text(200, "done")).await;
    let daemon = scene.start(&scene.config(ALLOW, &text)).await;
    let answer = scene.call("PATCH", RELAY, "not xml at all").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "done"));
    assert!(bridge.requests()[0].ends_with(b"not xml at all"));
    daemon.logged(&["not tracked", "acme-relay"]).await;
    let series = "xspd_provisioning_untracked_total{reason=\"unmapped\"}";
    assert_eq!(daemon.metric(series).await, Some(1.0));
    // Guests concern no subscriber.
    let guest = format!("{RELAY}/userservice/impguest");
    assert_eq!(scene.call("POST", &guest, "<g/>").await.status, 200);
    assert_eq!(daemon.metric(series).await, Some(1.0));
    assert_eq!(scene.users().await, []);
}

#[tokio::test]
async fn a_bridge_without_an_answer_is_502_and_its_certificate_is_verified() {
    let scene = Scene::new();
    let (bridge, text) = bridge(&scene, "", |_| Reply::Close).await;
    let stranger = Authority::new("Stranger").write(scene.path(), "stranger");
    let wrong = text.replace(
        &scene.path().join("bridge-ca").display().to_string(),
        &stranger.with_extension("").display().to_string(),
    );
    assert_ne!(wrong, text);
    let daemon = scene.start(&scene.config(ALLOW, &text)).await;
    let answer = scene.call("POST", RELAY, &profile("anna@sp.test")).await;
    assert_eq!(
        (answer.status, element(&answer, "code")),
        (502, "A1203".into())
    );
    assert!(
        element(&answer, "message").contains("bridge"),
        "{}",
        answer.text()
    );
    assert_eq!(bridge.requests().len(), 1);
    assert!(daemon.stop().await.success());

    let daemon = scene.start(&scene.config(ALLOW, &wrong)).await;
    let answer = scene.call("POST", RELAY, &profile("anna@sp.test")).await;
    assert_eq!(
        (answer.status, element(&answer, "code")),
        (502, "A1203".into())
    );
    assert_eq!(bridge.requests().len(), 1, "nothing is sent to a stranger");
    assert_eq!(scene.users().await, []);
    daemon.logged(&["A1203", "TLS"]).await;
}

#[tokio::test]
async fn a_store_that_cannot_be_written_does_not_change_what_the_bridge_said() {
    let scene = Scene::new();
    let (_bridge, text) = bridge(&scene, "", |_| Reply::text(200, "done")).await;
    let daemon = scene.start(&scene.config(ALLOW, &text)).await;
    let mut holder = scene.database().await;
    sqlx::query("BEGIN EXCLUSIVE")
        .execute(&mut holder)
        .await
        .unwrap();
    let answer = scene.call("POST", RELAY, &profile("anna@sp.test")).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "done"));
    daemon.logged(&["not tracked", "not-stored"]).await;
}

#[tokio::test]
async fn credentials_of_the_bridge_take_the_place_of_those_shown() {
    let scene = Scene::new();
    crate::support::pki::write_private(&scene.path().join("other"), "another");
    let own = format!(
        "account = \"bridge\"\npassword = \"file:{}/other\"",
        scene.path().display()
    );
    let (bridge, text) = bridge(&scene, &own, |_| Reply::text(200, "done")).await;
    let _daemon = scene.start(&scene.config(ALLOW, &text)).await;
    assert_eq!(
        scene
            .call("POST", RELAY, &profile("anna@sp.test"))
            .await
            .status,
        200
    );
    let seen = String::from_utf8(bridge.requests()[0].clone()).unwrap();
    let lower = seen.to_ascii_lowercase();
    assert_eq!(lower.matches("authorization:").count(), 1, "{seen}");
    // bridge:another
    assert!(seen.contains("Basic YnJpZGdlOmFub3RoZXI="), "{seen}");
}
