//! AuthService on a listener for clients: who gets what, in which form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::Value;

use super::log::Lines;
use super::setup::Answer;
use super::setup::Edge;
use super::setup::caller;
use super::setup::config;
use super::setup::peer;
use super::setup::request;
use crate::config;
use crate::domain::auth::answer::AuthReason;
use crate::domain::auth::backoff::FREE_OF_PAIR;
use crate::inbound::peer::Peer;
use crate::workers::auth_desk::tests::setup::ALICE;
use crate::workers::auth_desk::tests::setup::BOB;
use crate::workers::auth_desk::tests::setup::Bench;
use crate::workers::auth_desk::tests::setup::Client;
use crate::workers::auth_desk::tests::setup::OPERATOR;
use crate::workers::auth_desk::tests::setup::PASSWORD;

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

fn listed() -> Peer {
    Peer {
        caller: Some(caller(true)),
        ..peer()
    }
}

fn edge(bench: &Bench) -> Edge {
    let config = config(&[], |config| {
        config.listeners[0].limits.body_bytes = 1 << 20;
    });
    Edge::native(config, bench)
}

impl Answer {
    /// Fails unless AuthService refused for that reason.
    fn refused_for(&self, reason: AuthReason, case: &str) {
        assert_eq!(self.status, reason.status(), "{case}: {self:?}");
        let body: Value = serde_json::from_str(&self.text).unwrap();
        assert_eq!(body["error"], reason.error(), "{case}");
        let id = self.headers["trackingid"].to_str().unwrap();
        assert_eq!(body["trackingId"], id, "{case}");
        assert!(body["error_description"].is_string(), "{case}");
        assert_eq!(self.headers["cache-control"], "no-store", "{case}");
        assert_eq!(self.headers["pragma"], "no-cache", "{case}");
        assert_eq!(self.headers["server"], "xspd", "{case}");
    }
}

#[tokio::test]
async fn a_listed_peer_with_the_users_password_gets_a_token_in_the_form_it_wants() {
    let bench = Bench::new().await;
    let (edge, client) = (edge(&bench), Client::new());
    let target = format!("/AUTHservice/Token?key={}", client.key);
    let credentials = basic(ALICE, PASSWORD);
    for (accept, content_type) in [
        ("", "application/json;charset=UTF-8"),
        ("text/plain", "text/plain;charset=UTF-8"),
        ("application/jose", "application/jose"),
    ] {
        let headers = [("authorization", credentials.as_str()), ("accept", accept)];
        let asked = request("GET", &target, &headers);
        let answer = edge.ask_as(asked, listed(), Some(0)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.headers["content-type"], content_type);
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.headers["pragma"], "no-cache");
        let jwe = if accept.is_empty() {
            let body: Value = serde_json::from_str(&answer.text).unwrap();
            body["token"].as_str().unwrap().to_owned()
        } else {
            answer.text
        };
        let token = client.open(&jwe);
        assert!(bench.desk.validate(&token).await.is_ok());
    }
}

/// Method, target, credentials, and what is wrong with them.
fn refusals(client: &Client) -> Vec<(&'static str, String, String, AuthReason)> {
    let good = basic(ALICE, PASSWORD);
    let wrong = basic(BOB, "wrong");
    let with_key = format!("/authService/token?key={}", client.key);
    let twice = format!("{with_key}&key=x");
    let rows: [(&str, &str, &str, AuthReason); 14] = [
        ("GET", &with_key, "", AuthReason::CredentialsMissing),
        ("GET", &with_key, &wrong, AuthReason::BadCredentials),
        (
            "GET",
            &with_key,
            "Basic ???",
            AuthReason::CredentialsMalformed,
        ),
        (
            "GET",
            &with_key,
            "Bearer a.b.c",
            AuthReason::CredentialsNotAccepted,
        ),
        (
            "GET",
            &with_key,
            "Digest x",
            AuthReason::CredentialsNotAccepted,
        ),
        ("GET", "/authService/token", &good, AuthReason::KeyMissing),
        (
            "GET",
            "/authService/token?key=",
            &good,
            AuthReason::KeyMissing,
        ),
        (
            "GET",
            "/authService/token?key=%20a",
            &good,
            AuthReason::KeyInvalid,
        ),
        (
            "GET",
            "/authService/token?key=AAAA",
            &good,
            AuthReason::KeyInvalid,
        ),
        ("GET", &twice, &good, AuthReason::KeyRepeated),
        ("POST", &with_key, &good, AuthReason::MethodNotAllowed),
        (
            "GET",
            "/authService/token/alice",
            &good,
            AuthReason::NotFound,
        ),
        (
            "GET",
            "/authService/.well-known/jwks.json",
            "",
            AuthReason::NotForYou,
        ),
        ("POST", "/authService/introspect", "", AuthReason::NotForYou),
    ];
    let owned = |(method, target, credentials, reason): (_, &str, &str, _)| {
        (method, target.to_owned(), credentials.to_owned(), reason)
    };
    rows.into_iter().map(owned).collect()
}

#[tokio::test]
async fn every_refusal_is_json_with_its_status_and_error() {
    let bench = Bench::new().await;
    let (edge, client) = (edge(&bench), Client::new());
    for (method, target, authorization, reason) in &refusals(&client) {
        let mut peer = listed();
        if *reason == AuthReason::NotForYou {
            peer.caller = None;
        }
        let asked = request(method, target, &[("authorization", authorization)]);
        let answer = edge.ask_as(asked, peer, Some(0)).await;
        answer.refused_for(*reason, target);
        let challenged = answer.headers.contains_key("www-authenticate");
        assert_eq!(challenged, answer.status == 401, "{target}");
        let allows = answer.headers.contains_key("allow");
        assert_eq!(allows, answer.status == 405, "{target}");
    }
    let refusals = "xspd_auth_refusals_total{reason=\"key-invalid\"}";
    assert_eq!(bench.metric(refusals), 2);
}

#[tokio::test]
async fn under_mtls_nobody_gets_anything_without_a_listed_certificate() {
    let bench = Bench::new().await;
    let (edge, client) = (edge(&bench), Client::new());
    let target = format!("/authService/token?key={}", client.key);
    let credentials = basic(ALICE, PASSWORD);
    let asked = || request("GET", &target, &[("authorization", &credentials)]);
    let answer = edge.ask(asked()).await;
    answer.refused_for(AuthReason::ClientIdentityNotAllowed, "no certificate");
}

#[tokio::test]
async fn a_client_that_wants_no_challenge_gets_none_and_two_credentials_are_none() {
    let bench = Bench::new().await;
    let edge = edge(&bench);
    let target = "/authService/token?key=x";
    let quiet = request("GET", target, &[("x-broadworks-no-authchallenge", "TRUE")]);
    let answer = edge.ask_as(quiet, listed(), Some(0)).await;
    answer.refused_for(AuthReason::CredentialsMissing, "quiet");
    assert!(!answer.headers.contains_key("www-authenticate"));
    let credentials = basic(ALICE, PASSWORD);
    let mut twice = request("GET", target, &[("authorization", &credentials)]);
    let other = "Bearer x".parse().unwrap();
    twice.headers_mut().append("authorization", other);
    let answer = edge.ask_as(twice, listed(), Some(0)).await;
    answer.refused_for(AuthReason::CredentialConflict, "twice");
}

#[tokio::test]
async fn guessing_is_slowed_down_for_the_guesser_alone() {
    let bench = Bench::new().await;
    let (edge, client) = (edge(&bench), Client::new());
    let target = format!("/authService/token?key={}", client.key);
    let ask = async |user: &str, password: &str| {
        let credentials = basic(user, password);
        let asked = request("GET", &target, &[("authorization", &credentials)]);
        edge.ask_as(asked, listed(), Some(0)).await
    };
    // This user does not exist, and looks like one that does.
    for _ in 0..=FREE_OF_PAIR {
        let answer = ask("nobody@as.example.net", "wrong").await;
        answer.refused_for(AuthReason::BadCredentials, "guess");
    }
    let answer = ask("nobody@as.example.net", "wrong").await;
    answer.refused_for(AuthReason::LoginBackOff, "slowed");
    assert!(answer.headers.contains_key("retry-after"));
    assert_eq!(ask(ALICE, PASSWORD).await.status, 200);
}

fn form(target: &str, authorization: &str, body: &str) -> Request<Full<Bytes>> {
    let asked = request("POST", target, &[("authorization", authorization)]);
    asked.map(|_| Full::new(Bytes::copy_from_slice(body.as_bytes())))
}

#[tokio::test]
async fn the_farm_introspects_and_with_the_operator_token_revokes() {
    let bench = Bench::new().await;
    let edge = edge(&bench);
    let token = bench.token(ALICE).await;
    let body = format!("token={token}&token_type_hint=access_token");
    let introspect = async || {
        let asked = form("/authService/introspect", "", &body);
        let answer = edge.ask_as(asked, listed(), Some(0)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        serde_json::from_str::<Value>(&answer.text).unwrap()
    };
    let active = introspect().await;
    assert_eq!(active["active"], true);
    assert_eq!(active["sub"], ALICE);
    assert_eq!(active["bw"]["groupId"], "hq");
    let revoke = async |authorization: &str| {
        let asked = form("/authService/revoke", authorization, &body);
        edge.ask_as(asked, listed(), Some(0)).await
    };
    revoke("")
        .await
        .refused_for(AuthReason::OperatorTokenWrong, "none");
    let wrong = revoke("Bearer guess").await;
    wrong.refused_for(AuthReason::OperatorTokenWrong, "wrong");
    let done = revoke(&format!("Bearer {OPERATOR}")).await;
    assert_eq!(done.status, 200, "{done:?}");
    assert_eq!(introspect().await, serde_json::json!({"active": false}));
    let keys = request("GET", "/authService/.well-known/jwks.json", &[]);
    let keys = edge.ask_as(keys, listed(), Some(0)).await;
    assert_eq!(keys.headers["content-type"], "application/jwk-set+json");
    assert!(
        keys.text.contains("\"kid\"") && !keys.text.contains("\"d\""),
        "{keys:?}"
    );
}

#[tokio::test]
async fn too_large_and_unreadable_bodies_are_refused() {
    let bench = Bench::new().await;
    let edge = edge(&bench);
    let large = format!("token={}", "a".repeat(70_000));
    let table = [
        (large.as_str(), AuthReason::BodyTooLarge),
        ("", AuthReason::RequestMalformed),
        ("token=%", AuthReason::RequestMalformed),
        ("token=a&token=b", AuthReason::RequestMalformed),
    ];
    for (body, reason) in table {
        let asked = form("/authService/introspect", "", body);
        let answer = edge.ask_as(asked, listed(), Some(0)).await;
        answer.refused_for(reason, &body[..body.len().min(20)]);
    }
}

#[tokio::test]
async fn ping_says_what_is_missing_and_options_what_is_there() {
    let bench = Bench::new().await;
    let edge = edge(&bench);
    let answer = edge.ask(request("GET", "/authService/ping", &[])).await;
    assert_eq!(
        (answer.status.as_u16(), answer.text.as_str()),
        (200, "{\"status\":\"UP\"}")
    );
    let options = edge
        .ask(request("OPTIONS", "/authService/token", &[]))
        .await;
    assert_eq!(options.status, 200);
    assert_eq!(options.headers["allow"], "GET, OPTIONS");
    bench.take_server_down();
    let client = Client::new();
    let target = format!("/authService/token?key={}", client.key);
    let down = async {
        loop {
            let credentials = basic(ALICE, PASSWORD);
            let asked = request("GET", &target, &[("authorization", &credentials)]);
            let refused = edge.ask_as(asked, listed(), Some(0)).await;
            refused.refused_for(AuthReason::AsUnreachable, "down");
            assert!(refused.headers.contains_key("retry-after"));
            let answer = edge.ask(request("GET", "/authService/ping", &[])).await;
            if answer.status == 503 {
                return answer;
            }
        }
    };
    let answer = tokio::time::timeout(std::time::Duration::from_secs(20), down)
        .await
        .unwrap();
    assert!(answer.text.contains("Application Server"), "{answer:?}");
}

#[tokio::test]
async fn limits_and_browsers_are_those_of_all_routes_with_refusals_in_json() {
    let bench = Bench::new().await;
    let origin = "https://client.example.net";
    let config = config(&[], |config| {
        config.cors = config::Cors::Answer {
            origins: vec![origin.to_owned()],
        };
        config.policy.rate = Some(config::Rate {
            per_second: 0.1,
            burst: 3,
        });
    });
    let edge = Edge::native(config, &bench);
    let headers = [("origin", origin), ("access-control-request-method", "GET")];
    let preflight = edge
        .ask(request("OPTIONS", "/authService/token", &headers))
        .await;
    assert_eq!(preflight.status, 200);
    assert_eq!(preflight.headers["access-control-allow-origin"], origin);
    let ping = || request("GET", "/authService/ping", &[("origin", origin)]);
    let answer = edge.ask(ping()).await;
    assert_eq!(answer.headers["access-control-allow-origin"], origin);
    assert_eq!(edge.ask(ping()).await.status, 200);
    let limited = edge.ask(ping()).await;
    assert_eq!(limited.status, 429);
    let body: Value = serde_json::from_str(&limited.text).unwrap();
    assert_eq!(body["error"], "slow_down");
    assert_eq!(
        edge.metric("xspd_http_refusals_total{reason=\"rate-limit\"}"),
        1
    );
    let counted = "xspd_http_requests_total{listener=\"public\",route=\"auth\",status=\"2xx\"}";
    assert_eq!(edge.metric(counted), 3);
}

#[tokio::test]
async fn the_log_tells_who_and_what_came_of_it_but_no_secret() {
    let bench = Bench::new().await;
    let (edge, client) = (edge(&bench), Client::new());
    let (lines, _listening) = Lines::listen();
    let target = format!("/authService/token?key={}", client.key);
    for password in [PASSWORD, "wrong-Pa55"] {
        let credentials = basic(ALICE, password);
        let asked = request("GET", &target, &[("authorization", &credentials)]);
        edge.ask_as(asked, listed(), Some(0)).await;
    }
    let text = lines.text();
    for secret in [PASSWORD, "wrong-Pa55", client.key.as_str(), "key=", "eyJ"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let reasons: Vec<_> = lines
        .access()
        .into_iter()
        .map(|line| line["reason"].clone())
        .collect();
    assert_eq!(reasons, [Value::Null, Value::from("bad-credentials")]);
    let told: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["target"] == crate::telemetry::auth::AUDIT)
        .collect();
    assert_eq!(told.len(), 2);
    assert_eq!(told[0]["outcome"], "done");
    assert_eq!(told[0]["user"], ALICE);
    assert_eq!(told[0]["proof"], "pwd");
    assert_eq!(told[0]["identity"], "client.webex.example");
    assert!(told[0]["certificate"].is_string());
    assert_eq!(told[1]["outcome"], "bad-credentials");
}
