//! A look inside, over HTTP.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::Value;
use serde_json::json;

use crate::lab::webex::api::tests::AT_ONCE;
use crate::lab::webex::api::tests::SUBSCRIBERS;
use crate::lab::webex::api::tests::World;
use crate::lab::webex::api::tests::new;

#[tokio::test]
async fn the_controls_answer_over_http_without_a_token() {
    let world = World::start(AT_ONCE).await;
    let ask = |method: &'static str, path: &str, body: &str| {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("Host", "localhost");
        world.ask(
            request
                .body(Full::new(Bytes::from(body.to_owned())))
                .unwrap(),
        )
    };
    world.good("POST", SUBSCRIBERS, &new("alice", "ent1")).await;
    world.until("alice@as.example.net", "provisioned").await;
    let state = ask("GET", "/lab/state", "").await.json();
    assert_eq!(state["subscribers"]["provisioned"], 1);
    assert_eq!(state["speed"], AT_ONCE);
    assert_eq!(state["templates"][0]["bridge"], "/bridge/trusted");
    let organizations = ask("GET", "/lab/organizations", "").await.json();
    assert_eq!(organizations[0]["spEnterpriseId"], "ent1");
    assert_eq!(
        organizations[0]["administrators"],
        json!(["alice@example.net"])
    );
    let calls = ask("GET", "/lab/calls", "").await.json();
    assert_eq!(calls[0]["operation"], "provision-subscriber");
    assert_eq!(calls[0]["body"]["userId"], "alice@as.example.net");
    let token = ask("POST", "/lab/token", "").await.json();
    assert!(token["access_token"].is_string());
    // What `curl -d` sends has another content type.
    let settings = ask("PUT", "/lab/settings", r#"{"speed":60}"#).await.json();
    assert_eq!(settings["speed"], 60);
    for (method, path, body, status) in [
        ("PUT", "/lab/settings", r#"{"speed":0}"#, 400),
        ("PUT", "/lab/settings", r#"{"pace":1}"#, 400),
        ("PUT", "/lab/settings", "x", 400),
        ("GET", "/lab/weather", "", 404),
        ("POST", "/lab/users/nobody/consent", "", 404),
        ("POST", "/lab/users/alice@as.example.net/consent", "", 409),
        ("POST", "/lab/organizations/x/approve", "", 404),
        (
            "POST",
            "/lab/subscribers",
            r#"{"enterprise":"e","count":5001}"#,
            400,
        ),
        (
            "POST",
            "/lab/subscribers",
            r#"{"enterprise":"e","template":"x"}"#,
            404,
        ),
    ] {
        let reply = ask(method, path, body).await;
        assert_eq!(reply.status, status, "{method} {path}: {}", reply.text);
        assert!(reply.json()["error"].is_string());
    }
    world.control("DELETE", "calls", &Value::Null);
    assert_eq!(world.control("GET", "calls", &Value::Null), json!([]));
    world.end().await;
}
