//! Whose token it is: the provider asks.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use serde_json::json;

use crate::lab::webex::CLIENT_ID;
use crate::lab::webex::CLIENT_SECRET;
use crate::lab::webex::ORGANIZATION;
use crate::lab::webex::identity::Endpoint;
use crate::lab::webex::identity::body;
use crate::lab::webex::identity::tests::ACCESS_TOKEN;
use crate::lab::webex::identity::tests::AUTHENTICATE;
use crate::lab::webex::identity::tests::FETCH;
use crate::lab::webex::identity::tests::PING;
use crate::lab::webex::identity::tests::World;
use crate::lab::webex::identity::tests::basic;
use crate::lab::webex::identity::tests::bearer;
use crate::lab::webex::identity::tests::refresh;
use crate::lab::webex::identity::tests::request;
use crate::platform::clock;

const INTROSPECT: &str = "/idb/oauth2/v1/introspect";

fn subject(token: &str) -> String {
    json!({ "token": token }).to_string()
}

#[tokio::test]
async fn the_provider_learns_whose_a_user_token_is() {
    let world = World::start().await;
    let service = bearer(&world.service_token().await);
    for name in [
        "alice@as.example.net",
        "ALICE@example.net",
        "ren%C3%A9e.example@alias.example.net",
        "alice",
    ] {
        let token = world.user_token(name).await;
        let reply = world.post(AUTHENTICATE, &service, &subject(&token)).await;
        let answer = reply.json();
        assert_eq!(answer["active"], true, "{name}");
        assert_eq!(answer["broadworksUserId"], "alice@as.example.net", "{name}");
        assert_eq!(answer["orgId"], ORGANIZATION);
        let scope = answer["scope"].as_str().unwrap();
        assert!(
            scope
                .split(' ')
                .any(|word| word == "broadworks-connector:user")
        );
        let claims = token.split('.').nth(1).unwrap();
        let claims = URL_SAFE_NO_PAD.decode(claims);
        let claims: Value = serde_json::from_slice(&claims.unwrap()).unwrap();
        assert_eq!(answer["expires"], claims["expiry_time"]);
        assert_eq!(claims["iss"], world.webex.issuer());
    }
    assert_eq!(world.webex.counts().of(Endpoint::Authenticate), 4);
    world.end().await;
}

#[tokio::test]
async fn without_a_good_service_token_or_a_good_user_token_nothing_is_said() {
    let world = World::start().await;
    let service = bearer(&world.service_token().await);
    let user = world.user_token("bob").await;
    let good = subject(&user);
    for (authorization, body, expected) in [
        ("", good.clone(), (403, "invalid_client")),
        (&*bearer("x"), good.clone(), (403, "invalid_client")),
        (&bearer(&user), good.clone(), (403, "invalid_client")),
        (&service, subject("x"), (401, "invalid_token")),
        (&service, subject(&service[7..]), (401, "invalid_token")),
        (&service, "{}".to_owned(), (400, "invalid_request")),
        (&service, "token=x".to_owned(), (400, "invalid_request")),
        (
            &service,
            "{\"token\":1}".to_owned(),
            (400, "invalid_request"),
        ),
    ] {
        let reply = world.post(AUTHENTICATE, authorization, &body).await;
        assert_eq!(reply.error(), (expected.0, expected.1.to_owned()), "{body}");
    }
    world.end().await;
}

#[tokio::test]
async fn introspection_says_the_same_as_the_standard_has_it() {
    let world = World::start().await;
    let service = bearer(&world.service_token().await);
    let token = world.user_token("carol").await;
    let form = format!("token={token}&token_type_hint=access_token");
    let answer = world.post(INTROSPECT, &service, &form).await.json();
    assert_eq!(answer["active"], true);
    assert_eq!(answer["username"], "carol@as.example.net");
    assert_eq!(answer["iss"], world.webex.issuer());
    assert!(answer["exp"].as_u64().unwrap() < 100_000_000_000, "seconds");

    let unknown = world.post(INTROSPECT, &service, "token=x").await;
    assert_eq!(unknown.json(), json!({ "active": false }));
    let refused = world.post(INTROSPECT, "", &form).await;
    assert_eq!(refused.error(), (401, "invalid_client".to_owned()));
    let empty = world.post(INTROSPECT, &service, "").await;
    assert_eq!(empty.error(), (400, "invalid_request".to_owned()));
    world.end().await;
}

#[tokio::test]
async fn users_go_wrong_on_request() {
    let world = World::start().await;
    let service = bearer(&world.service_token().await);
    let token = world.user_token("alice").await;
    let subject = subject(&token);
    let ask = || world.post(AUTHENTICATE, &service, &subject);

    world.set_fault(r#"{"fault":"inactive","count":1}"#).await;
    assert_eq!(ask().await.json(), json!({ "active": false }));
    world
        .set_fault(r#"{"fault":"insufficient-scope","count":1}"#)
        .await;
    assert_eq!(ask().await.error(), (403, "insufficient_scope".to_owned()));
    world.set_fault(r#"{"fault":"no-scope","count":1}"#).await;
    let answer = ask().await.json();
    assert_eq!(answer["active"], true);
    assert!(!answer["scope"].as_str().unwrap().contains("broadworks"));
    world
        .set_fault(r#"{"fault":"unknown-user","count":1}"#)
        .await;
    let answer = ask().await.json();
    assert_eq!(answer["broadworksUserId"], "nobody@as.example.net");

    let answer = ask().await.json();
    assert_eq!(answer["broadworksUserId"], "alice@as.example.net");
    world.end().await;
}

#[tokio::test]
async fn what_the_provider_calls_goes_wrong_on_request() {
    let world = World::start().await;
    let service = bearer(&world.service_token().await);
    let token = world.user_token("alice").await;
    for fault in ["server-error", "malformed", "oversized-body"] {
        world.set_fault(&format!(r#"{{"fault":"{fault}"}}"#)).await;
        let replies = [
            world
                .post(ACCESS_TOKEN, &basic(CLIENT_ID, CLIENT_SECRET), &refresh())
                .await,
            world.post(AUTHENTICATE, &service, &subject(&token)).await,
            world.get("/federation", &service).await,
        ];
        for reply in replies {
            match fault {
                "server-error" => assert_eq!(reply.error(), (503, "server_error".to_owned())),
                "malformed" => {
                    assert_eq!(reply.status, 200);
                    assert!(serde_json::from_str::<Value>(&reply.text).is_err());
                }
                _ => {
                    assert_eq!(reply.status, 200);
                    assert!(reply.text.len() > 65_536);
                }
            }
        }
        assert_eq!(world.get(PING, "").await.status, 200, "{fault}");
    }
    world.set_fault(r#"{"fault":"none"}"#).await;
    assert_eq!(world.get("/federation", &service).await.status, 200);
    world.end().await;
}

#[tokio::test]
async fn a_slow_answer_comes_late_and_whole() {
    let world = World::start().await;
    let service = bearer(&world.service_token().await);
    world
        .set_fault(r#"{"fault":"slow","delay-ms":300,"count":1,"at":"federation"}"#)
        .await;
    let before = clock::mono();
    let reply = world.get("/federation", &service).await;
    assert!(clock::mono() - before >= std::time::Duration::from_millis(300));
    let clusters = reply.json()["clusters"].clone();
    let own = &clusters.as_array().unwrap()[0];
    assert_eq!(own["issuerUrl"], world.webex.issuer());
    assert_eq!(own["issuerName"], world.webex.issuer());
    world.end().await;
}

#[tokio::test]
async fn paths_and_methods_that_webex_lacks_are_told_apart() {
    let world = World::start().await;
    let missing = world.get("/idb", "").await;
    assert_eq!(missing.error(), (404, "not_found".to_owned()));
    for (method, path, allowed) in [
        ("GET", AUTHENTICATE, "POST"),
        ("POST", FETCH, "GET"),
        ("POST", "/lab/faults", "PUT"),
        ("DELETE", "/lab/counts", "GET"),
    ] {
        let reply = world.ask(request(method, path, "", "")).await;
        assert_eq!(reply.status, 405, "{path}");
        assert_eq!(reply.headers["allow"], allowed, "{path}");
    }
    let big = "x".repeat(body::CAP + 1);
    let reply = world.post(AUTHENTICATE, "", &big).await;
    assert_eq!(reply.error(), (413, "invalid_request".to_owned()));
    assert_eq!(world.webex.counts().of(Endpoint::Authenticate), 0);
    world.end().await;
}
