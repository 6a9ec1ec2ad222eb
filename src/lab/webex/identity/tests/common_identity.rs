//! Access tokens for the provider's AuthenticationService.

use crate::lab::webex::CLIENT_ID;
use crate::lab::webex::CLIENT_SECRET;
use crate::lab::webex::identity::Endpoint;
use crate::lab::webex::identity::tests::ACCESS_TOKEN;
use crate::lab::webex::identity::tests::World;
use crate::lab::webex::identity::tests::basic;
use crate::lab::webex::identity::tests::bearer;
use crate::lab::webex::identity::tests::refresh;

const REVOKE: &str = "/idb/oauth2/v1/revoke";

#[tokio::test]
async fn a_refresh_token_gives_a_new_access_token_each_time() {
    let world = World::start().await;
    let reply = world
        .post(ACCESS_TOKEN, &basic(CLIENT_ID, CLIENT_SECRET), &refresh())
        .await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.headers["cache-control"], "no-store");
    let answer = reply.json();
    assert_eq!(answer["token_type"], "Bearer");
    assert_eq!(answer["expires_in"], 43_200);
    assert_eq!(answer["refresh_token_expires_in"], 5_184_000);
    assert_eq!(answer.get("refresh_token"), None, "CI keeps the old one");
    let first = answer["access_token"].as_str().unwrap();
    assert_ne!(world.service_token().await, first);
    assert_eq!(world.webex.counts().of(Endpoint::AccessToken), 2);
    world.end().await;
}

#[tokio::test]
async fn nobody_else_gets_an_access_token() {
    let world = World::start().await;
    let client = basic(CLIENT_ID, CLIENT_SECRET);
    for (authorization, body, expected) in [
        ("", refresh(), (401, "invalid_client")),
        (&*basic(CLIENT_ID, "x"), refresh(), (401, "invalid_client")),
        (&bearer("x"), refresh(), (401, "invalid_client")),
        (&client, String::new(), (400, "invalid_request")),
        (
            &client,
            "grant_type=password".to_owned(),
            (400, "unsupported_grant_type"),
        ),
        (
            &client,
            "grant_type=refresh_token&refresh_token=x".to_owned(),
            (400, "invalid_grant"),
        ),
        (
            &client,
            "grant_type=refresh_token".to_owned(),
            (400, "invalid_grant"),
        ),
    ] {
        let reply = world.post(ACCESS_TOKEN, authorization, &body).await;
        assert_eq!(reply.error(), (expected.0, expected.1.to_owned()), "{body}");
        assert_eq!(
            reply.headers.contains_key("www-authenticate"),
            reply.status == 401
        );
    }
    world.end().await;
}

#[tokio::test]
async fn an_expired_refresh_token_is_told_as_invalid_grant_as_often_as_asked_for() {
    let world = World::start().await;
    world
        .set_fault(r#"{"fault":"expired-refresh-token","count":1}"#)
        .await;
    let client = basic(CLIENT_ID, CLIENT_SECRET);
    let reply = world.post(ACCESS_TOKEN, &client, &refresh()).await;
    assert_eq!(reply.error(), (400, "invalid_grant".to_owned()));
    assert_eq!(
        reply.json()["error_description"],
        "the refresh token has expired"
    );
    world.service_token().await;
    world.end().await;
}

#[tokio::test]
async fn a_revoked_token_is_good_for_nothing() {
    let world = World::start().await;
    let client = basic(CLIENT_ID, CLIENT_SECRET);
    let token = world.service_token().await;
    let federation = world.get("/federation", &bearer(&token)).await;
    assert_eq!(federation.status, 200);

    let refused = world.post(REVOKE, "", &format!("token={token}")).await;
    assert_eq!(refused.error(), (401, "invalid_client".to_owned()));
    let empty = world.post(REVOKE, &client, "").await;
    assert_eq!(empty.error(), (400, "invalid_request".to_owned()));
    let revoked = world.post(REVOKE, &client, &format!("token={token}")).await;
    assert_eq!(revoked.status, 200);
    let again = world.post(REVOKE, &client, &format!("token={token}")).await;
    assert_eq!(again.status, 200, "RFC 7009 section 2.2");

    let federation = world.get("/federation", &bearer(&token)).await;
    assert_eq!(federation.error(), (401, "invalid_client".to_owned()));
    world.end().await;
}
