//! What no Webex has.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::lab::webex::identity::tests::PING;
use crate::lab::webex::identity::tests::World;
use crate::lab::webex::identity::tests::request;

#[tokio::test]
async fn user_tokens_are_for_users_of_the_lab() {
    let world = World::start().await;
    for (query, expected) in [
        ("", (400, "invalid_request")),
        ("?name=alice", (400, "invalid_request")),
        ("?user=nobody", (404, "unknown_user")),
    ] {
        let path = format!("/lab/user-token{query}");
        let reply = world.post(&path, "", "").await;
        assert_eq!(
            reply.error(),
            (expected.0, expected.1.to_owned()),
            "{query}"
        );
    }
    world.end().await;
}

#[tokio::test]
async fn a_user_token_of_another_issuer_says_so() {
    let world = World::start().await;
    world
        .set_fault(r#"{"fault":"wrong-issuer","count":1}"#)
        .await;
    let issuer = |token: String| {
        let claims = token.split('.').nth(1).unwrap().to_owned();
        let claims = URL_SAFE_NO_PAD.decode(claims);
        let claims: Value = serde_json::from_slice(&claims.unwrap()).unwrap();
        claims["iss"].as_str().unwrap().to_owned()
    };
    let wrong = issuer(world.user_token("alice").await);
    assert_ne!(wrong, world.webex.issuer());
    assert_eq!(
        issuer(world.user_token("alice").await),
        world.webex.issuer()
    );
    world.end().await;
}

#[tokio::test]
async fn calls_are_counted_and_wrong_faults_are_told() {
    let world = World::start().await;
    world.get(PING, "").await;
    world.get(PING, "").await;
    world.get("/federation", "").await;
    let counts = world.get("/lab/counts", "").await.json();
    assert_eq!(counts["ping"], 2);
    assert_eq!(counts["federation"], 1, "refused calls count too");
    assert_eq!(counts["authenticate"], 0);

    let put = |body| world.ask(request("PUT", "/lab/faults", "", body));
    let reply = put(r#"{"fault":"rain"}"#).await;
    assert_eq!(reply.error(), (400, "invalid_request".to_owned()));
    assert!(reply.text.contains("unknown-user"), "{}", reply.text);
    let reply = put(r#"{"fault":"slow","count":2}"#).await;
    assert_eq!(reply.text, r#"{"fault":"slow"}"#);
    world.webex.faults().set(None);
    world.end().await;
}
