//! An app gets a BroadWorks token through the IdP proxy.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::lab::webex::Setup;
use crate::lab::webex::WebexError;
use crate::lab::webex::identity::body;
use crate::lab::webex::identity::fetch::Provider;
use crate::lab::webex::identity::fetch::Route;
use crate::lab::webex::identity::tests::FETCH;
use crate::lab::webex::identity::tests::World;
use crate::lab::webex::identity::tests::basic;
use crate::lab::webex::identity::tests::bearer;
use crate::lab::webex::identity::tests::pki::QuickPki;
use crate::lab::webex::identity::tests::provider::Asked;
use crate::lab::webex::identity::tests::provider::Behaviour;
use crate::lab::webex::identity::tests::provider::FakeProvider;
use crate::lab::webex::identity::tests::setup;

fn jws() -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT","kid":"k"}"#);
    let payload = URL_SAFE_NO_PAD.encode(r#"{"sub":"alice@as.example.net","exp":1795262400}"#);
    format!("{header}.{payload}.{}", URL_SAFE_NO_PAD.encode("signature"))
}

#[tokio::test]
async fn a_ci_token_becomes_a_token_of_the_provider() {
    let world = World::start().await;
    let token = world.user_token("alice").await;
    for behaviour in [Behaviour::Json(jws()), Behaviour::Raw(jws())] {
        world.provider.behave(behaviour);
        let reply = world.get(FETCH, &bearer(&token)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(reply.json()["token"]["bearer"], jws());
        let asked = Asked {
            path: "/authService/token".to_owned(),
            authorization: bearer(&token),
            with_certificate: false,
        };
        assert_eq!(world.provider.asked(), [asked]);
    }
    world.end().await;
}

#[tokio::test]
async fn a_users_password_goes_with_webex_certificate() {
    let world = World::start().await;
    world.provider.behave(Behaviour::Json(jws()));
    let user = basic("alice@as.example.net", "Passw0rd!");
    let reply = world.get(FETCH, &user).await;
    assert_eq!(reply.json()["token"]["bearer"], jws());
    let asked = Asked {
        path: "/authService/token".to_owned(),
        authorization: user,
        with_certificate: true,
    };
    assert_eq!(world.provider.asked(), [asked]);
    world.end().await;
}

#[tokio::test]
async fn who_is_not_signed_in_does_not_reach_the_provider() {
    let world = World::start().await;
    let service = bearer(&world.service_token().await);
    for (authorization, expected) in [
        ("", "invalid_request"),
        ("Bearer x", "invalid_token"),
        (&service, "invalid_token"),
    ] {
        let reply = world.get(FETCH, authorization).await;
        assert_eq!(reply.error(), (401, expected.to_owned()));
    }
    assert_eq!(world.provider.asked(), []);
    world.end().await;
}

#[tokio::test]
async fn what_the_provider_did_wrong_is_told_to_whoever_asked() {
    let world = World::start().await;
    let token = bearer(&world.user_token("alice").await);
    let refusal = r#"{"error":"insufficient_scope","error_description":"not entitled"}"#;
    let say = |status, body: &str| Behaviour::Say(status, body.to_owned());
    for (behaviour, word, part) in [
        (
            say(403, refusal),
            "insufficient_scope",
            "403 Forbidden insufficient_scope: not entitled",
        ),
        (
            say(503, "busy"),
            "provider_refused",
            "503 Service Unavailable",
        ),
        (say(302, ""), "provider_refused", "302 Found"),
        (
            say(200, "hello"),
            "provider_answer_not_encrypted",
            "five parts",
        ),
        (
            say(200, r#"{"token":"a.b.c"}"#),
            "provider_answer_not_encrypted",
            "five parts",
        ),
        (
            Behaviour::Json("a.b".to_owned()),
            "provider_token_not_readable",
            "three parts",
        ),
        (
            say(200, &"x".repeat(body::CAP + 1)),
            "provider_unreachable",
            "too large",
        ),
        (
            Behaviour::HangUp,
            "provider_unreachable",
            "cannot be reached",
        ),
    ] {
        world.provider.behave(behaviour.clone());
        let reply = world.get(FETCH, &token).await;
        assert_eq!(reply.error(), (502, word.to_owned()), "{behaviour:?}");
        let message = reply.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(part), "{message}");
    }
    world.end().await;
}

#[tokio::test]
async fn a_provider_with_a_certificate_of_nobody_is_not_spoken_to() {
    let world = World::start().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let stranger = FakeProvider::start(&QuickPki::mint(elsewhere.path()), &world.tasks).await;
    stranger.behave(Behaviour::Json(jws()));
    let provider = Provider::new(&setup(&world.pki, 1, &stranger)).unwrap();
    let route = Route::Ci {
        token: "x".to_owned(),
    };
    let failure = provider.fetch(&route).await.unwrap_err();
    assert_eq!(failure.word(), "provider_unreachable");
    let text = failure.to_string();
    assert!(text.contains("invalid peer certificate"), "{text}");
    assert_eq!(stranger.asked(), []);
    world.end().await;
}

#[tokio::test]
async fn addresses_that_are_no_provider_are_refused_at_the_start() {
    let world = World::start().await;
    for url in [
        "http://localhost:1",
        "localhost:1",
        "https://localhost/x",
        "",
    ] {
        let setup = Setup {
            provider_ci: url.to_owned(),
            ..setup(&world.pki, 1, &world.provider)
        };
        let error = Provider::new(&setup).unwrap_err();
        assert!(
            matches!(error, WebexError::Provider { .. }),
            "{url}: {error}"
        );
    }
    world.end().await;
}
