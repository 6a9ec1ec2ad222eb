//! Calls on their way to the bridge: they come to their end without their caller, and take no
//! password along that is none of the bridge's business.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use crate::e2e::provisioning::adapter_scene::ID;
use crate::e2e::provisioning::adapter_scene::PASSWORD;
use crate::e2e::provisioning::adapter_scene::Scene;
use crate::e2e::provisioning::adapter_scene::basic;
use crate::e2e::provisioning::adapter_scene::profile;
use crate::e2e::provisioning::adapter_scene::request;
use crate::support::BOUND;
use crate::support::pki::Authority;
use crate::support::pki::Key;
use crate::support::pki::write_private;
use crate::support::upstream::Gate;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

const ALLOW: &str = "allow = [\"127.0.0.0/8\"]";

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// A bridge behind TLS, and a template of this mode that leads to it.
async fn bridge(
    scene: &Scene,
    mode: &str,
    relay: &str,
    script: impl Fn(&[u8]) -> Reply + Send + Sync + 'static,
) -> (Upstream, String) {
    let authority = Authority::new("Bridge");
    let ca = authority.write(scene.path(), "bridge-ca");
    let identity = authority.server(&["localhost"], Key::P256);
    let bridge = Upstream::start_tls(&identity, None, script).await;
    let text = format!(
        r#"
[[template]]
name = "acme-bridge"
mode = "{mode}"
cluster = "as-east"
partner = "acme"
provisioning-id = "{ID}"
bridge-url = "https://localhost:{port}/base"
account = "webexprov"
password = "file:{folder}/password"
[template.relay]
connect-timeout = "2s"
total-timeout = "30s"
ca = "{ca}"
{relay}
"#,
        port = bridge.address().port(),
        folder = scene.path().display(),
        ca = ca.display(),
    );
    (bridge, text)
}

const URL: &str = "/adapter/v1/t/acme-bridge";

/// Looks until it is so.
async fn until(what: &str, mut look: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !look().await {
            tokio::time::sleep(PAUSE).await;
        }
    };
    let seen = tokio::time::timeout(BOUND, looking).await;
    assert!(seen.is_ok(), "never: {what}");
}

#[tokio::test]
async fn a_user_is_tracked_though_the_application_server_hung_up_before_the_bridge_answered() {
    let scene = Scene::new();
    let gate = Gate::new();
    let opened = gate.clone();
    let (bridge, text) = bridge(&scene, "relay", "", move |_| {
        let answer = b"HTTP/1.1 200 Fine\r\nContent-Length: 4\r\n\r\ndone".to_vec();
        Reply::Gated(vec![answer], opened.clone())
    })
    .await;
    let daemon = scene.start(&scene.config(ALLOW, &text)).await;
    let body = profile("anna@sp.test");
    let call = request("POST", URL, &basic(PASSWORD), body.as_bytes());
    let mut stream = scene.client().connect().await.unwrap();
    stream.write_all(&call).await.unwrap();
    bridge.received(1).await;
    drop(stream);
    let open = "xspd_connections_open{listener=\"provisioning\"}";
    until("the connection is seen to have ended", async || {
        daemon.metric(open).await == Some(0.0)
    })
    .await;
    assert_eq!(scene.users().await, [], "the bridge has not taken it yet");
    gate.open(1);
    until("the user is tracked", async || {
        scene.users().await.len() == 1
    })
    .await;
    assert_eq!(scene.users().await[0].0, "anna@sp.test");
    daemon
        .logged(&["hung up before", "acme-bridge", "200"])
        .await;
    assert!(daemon.stop().await.success());
}

#[tokio::test]
async fn an_end_of_the_daemon_waits_for_what_the_bridge_is_doing() {
    let scene = Scene::new();
    let gate = Gate::new();
    let opened = gate.clone();
    let (bridge, text) = bridge(&scene, "relay", "", move |_| {
        let answer = b"HTTP/1.1 200 Fine\r\nContent-Length: 4\r\n\r\ndone".to_vec();
        Reply::Gated(vec![answer], opened.clone())
    })
    .await;
    let daemon = scene.start(&scene.config(ALLOW, &text)).await;
    let body = profile("anna@sp.test");
    let call = request("POST", URL, &basic(PASSWORD), body.as_bytes());
    let mut stream = scene.client().connect().await.unwrap();
    stream.write_all(&call).await.unwrap();
    bridge.received(1).await;
    drop(stream);
    daemon.signal("TERM");
    daemon.logged(&["Draining."]).await;
    gate.open(1);
    // A second signal would cut the wait short.
    until("the user is tracked", async || {
        scene.users().await.len() == 1
    })
    .await;
    assert!(daemon.stop().await.success());
}

#[tokio::test]
async fn the_password_of_our_own_template_is_not_shown_to_the_bridge() {
    for (own, shown) in [(false, None), (true, Some("Basic YnJpZGdlOmFub3RoZXI="))] {
        let scene = Scene::new();
        write_private(&scene.path().join("other"), "another");
        let relay = format!(
            "account = \"bridge\"\npassword = \"file:{}/other\"",
            scene.path().display()
        );
        let relay = if own { relay.as_str() } else { "" };
        let (bridge, text) = bridge(&scene, "api", relay, |_| Reply::text(200, "done")).await;
        let _daemon = scene.start(&scene.config(ALLOW, &text)).await;
        let guest = format!("{URL}/userservice/impguest");
        let answer = scene.call("POST", &guest, "<g/>").await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "done"));
        let seen = String::from_utf8(bridge.requests()[0].clone()).unwrap();
        let credentials = basic(PASSWORD);
        let secret = credentials.trim().rsplit(' ').next().unwrap();
        assert!(!seen.contains(secret), "{seen}");
        match shown {
            Some(shown) => assert!(seen.contains(shown), "{seen}"),
            None => assert!(
                !seen.to_ascii_lowercase().contains("authorization"),
                "{seen}"
            ),
        }
    }
}

#[tokio::test]
async fn a_removal_by_the_url_of_another_template_goes_where_the_user_is() {
    let scene = Scene::new();
    let other = format!(
        r#"
[[template]]
name = "other-api"
mode = "api"
cluster = "as-east"
partner = "acme"
provisioning-id = "{ID}"
account = "webexprov"
password = "file:{folder}/password"
"#,
        folder = scene.path().display(),
    );
    let daemon = scene.start(&scene.config(ALLOW, &other)).await;
    let api = crate::e2e::provisioning::adapter_scene::API;
    let answer = scene.call("POST", api, &profile("anna@sp.test")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let elsewhere = "/adapter/v1/t/other-api?bwUserId=anna%40sp.test";
    let answer = scene.call("DELETE", elsewhere, "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut database = scene.database().await;
    let held: (String, i64) = sqlx::query_as("SELECT template, revision FROM users")
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert_eq!(held, ("acme-api".to_owned(), 2));
    daemon
        .logged(&["call was answered", "goes by the template acme-api"])
        .await;
}
