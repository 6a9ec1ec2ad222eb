//! Our tokens on Xsi routes: whom they open what, and what the XSP sees instead.

use http::Request;
use http_body_util::Full;

use super::setup::Edge;
use super::setup::config;
use super::setup::request;
use crate::config;
use crate::domain::edge::reason::Reason;
use crate::outbound::tests::fake::Fake;
use crate::outbound::tests::fake::OK;
use crate::outbound::tests::fake::Script;
use crate::workers::auth_desk::revoke::Revoke;
use crate::workers::auth_desk::tests::setup::ALICE;
use crate::workers::auth_desk::tests::setup::BOB;
use crate::workers::auth_desk::tests::setup::Bench;

const XSI: &str = "/com.broadsoft.xsi-actions/v2.0";
const REFUSED: &str = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";

fn profile(user: &str) -> String {
    format!("{XSI}/user/{user}/profile")
}

fn native(fake: &Fake, bench: &Bench) -> Edge {
    let config = config(&[fake.address], |config| {
        config.listeners[0].limits.body_bytes = 1 << 20;
    });
    Edge::native(config, bench)
}

/// The login token in what the XSP heard.
fn pass(heard: &str) -> &str {
    let line = heard
        .lines()
        .find_map(|line| line.strip_prefix("authorization: "));
    let line = line.unwrap_or_else(|| panic!("no credentials in {heard}"));
    line.strip_prefix("BroadWorksSSO ").unwrap()
}

#[tokio::test]
async fn the_xsp_gets_a_login_token_instead_of_ours() {
    let (fake, bench) = (Fake::start([Script::ok()]).await, Bench::new().await);
    let edge = native(&fake, &bench);
    let token = bench.token(ALICE).await;
    let paths = [
        profile(ALICE),
        profile("ALICE%40as.example.net"),
        format!("{XSI}/versions"),
        "/com.broadsoft.xsi-events/v2.0/channel".to_owned(),
    ];
    for (path, scheme) in paths.iter().zip(["Bearer", "bearer", "BEARER", "Bearer"]) {
        let authorization = format!("{scheme} {token}");
        let headers = [
            ("authorization", authorization.as_str()),
            ("x-broadworks-no-authchallenge", "false"),
        ];
        let answer = edge.ask(request("GET", path, &headers)).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        let heard = fake.heard().pop().unwrap();
        assert!(!heard.contains(&token), "{heard}");
        assert!(!pass(&heard).is_empty());
        let quiet = heard
            .matches("x-broadworks-no-authchallenge: true\r\n")
            .count();
        assert_eq!(quiet, 1, "{heard}");
        assert!(!heard.contains("authchallenge: false"), "{heard}");
        assert!(!answer.text.contains(pass(&heard)));
    }
    let heard = fake.heard();
    assert!(
        heard.iter().all(|one| pass(one) == pass(&heard[0])),
        "one for all"
    );
    assert_eq!(
        bench.metric("xspd_auth_login_tokens_total{result=\"made\"}"),
        1
    );
}

#[tokio::test]
async fn a_token_never_opens_another_users_path_unless_it_is_an_administrators() {
    let fake = Fake::start([Script::ok()]).await;
    let bench = Bench::with(|rules| rules.administrators.push(BOB.to_owned())).await;
    let edge = native(&fake, &bench);
    let alice = format!("Bearer {}", bench.token(ALICE).await);
    for path in [
        profile(BOB),
        profile("bob"),
        profile("alice"),
        profile("alice@as.example.net.evil"),
        profile("%62ob@as.example.net"),
        profile("bob@as.example.net;x=alice@as.example.net"),
        format!("{XSI}//user//{BOB}/profile"),
        format!("{XSI}/USER/{BOB}/profile"),
        format!("/com.broadsoft.xsi-events/v2.0/user/{BOB}/subscription"),
    ] {
        let asked = request("GET", &path, &[("authorization", &alice)]);
        let answer = edge.ask(asked).await;
        answer.assert_is(Reason::TokenOfOtherUser, &path);
        assert!(!answer.headers.contains_key("www-authenticate"));
    }
    assert!(fake.heard().is_empty());
    let bob = format!("Bearer {}", bench.token(BOB).await);
    let asked = request("GET", &profile(ALICE), &[("authorization", &bob)]);
    assert_eq!(edge.ask(asked).await.status, 200);
}

#[tokio::test]
async fn tokens_that_do_not_hold_are_refused_with_a_challenge_unless_unwanted() {
    let (fake, bench) = (Fake::start([Script::ok()]).await, Bench::new().await);
    let edge = native(&fake, &bench);
    let revoked = bench.token(ALICE).await;
    let stranger = Bench::new().await.token(ALICE).await;
    let good = bench.token(ALICE).await;
    let forged = format!("{}.AAAA", good.rsplit_once('.').unwrap().0);
    let revoke = Revoke::Token(revoked.clone());
    bench.desk.revoke(revoke, "test").await.unwrap();
    let table = [
        (revoked, Reason::TokenRevoked),
        (stranger, Reason::TokenForeign),
        ("opaque".to_owned(), Reason::TokenForeign),
        (forged, Reason::TokenInvalid),
        (String::new(), Reason::TokenForeign),
    ];
    for (token, reason) in table {
        let authorization = format!("Bearer {token}");
        for quiet in ["", "true"] {
            let headers = [
                ("authorization", authorization.as_str()),
                ("x-broadworks-no-authchallenge", quiet),
                ("accept", "application/json"),
            ];
            let answer = edge.ask(request("GET", &profile(ALICE), &headers)).await;
            answer.assert_is(reason, &authorization);
            assert!(answer.text.starts_with("{\"ErrorInfo\""), "{answer:?}");
            let challenge = answer.headers.get("www-authenticate");
            assert_eq!(challenge.is_some(), quiet.is_empty());
        }
    }
    assert!(fake.heard().is_empty());
}

#[tokio::test]
async fn foreign_tokens_and_other_credentials_pass_untouched_where_that_is_wanted() {
    let fake = Fake::start([Script::ok()]).await;
    let bench = Bench::with(|rules| rules.foreign_bearer = config::ForeignBearer::Pass).await;
    let edge = native(&fake, &bench);
    for credentials in [
        "Bearer some.body.elses",
        "Basic YTpi",
        "BroadWorksSSO their-own",
        "BroadWorksSIP basic=\"YTpi\",sipUser=\"YQ==\"",
        "OAuth x",
    ] {
        let asked = request("GET", &profile(ALICE), &[("authorization", credentials)]);
        assert_eq!(edge.ask(asked).await.status, 200);
        let heard = fake.heard().pop().unwrap();
        assert!(
            heard.contains(&format!("authorization: {credentials}\r\n")),
            "{heard}"
        );
        assert!(!heard.contains("authchallenge"), "{heard}");
    }
    let answer = edge.ask(request("GET", &profile(ALICE), &[])).await;
    assert_eq!(answer.status, 200, "the XSP judges what has no credentials");
    let mut twice = request("GET", &profile(ALICE), &[("authorization", "Basic YTpi")]);
    let other = "Bearer x".parse().unwrap();
    twice.headers_mut().append("authorization", other);
    edge.ask(twice)
        .await
        .assert_is(Reason::CredentialConflict, "twice");
}

#[tokio::test]
async fn a_refused_login_token_is_replaced_once_and_the_body_sent_again() {
    let script = Script::new()
        .hear()
        .say(OK)
        .hear()
        .say(REFUSED)
        .hear()
        .say(OK);
    let (fake, bench) = (Fake::start([script]).await, Bench::new().await);
    let edge = native(&fake, &bench);
    let authorization = format!("Bearer {}", bench.token(ALICE).await);
    let headers = [("authorization", authorization.as_str())];
    assert_eq!(
        edge.ask(request("GET", &profile(ALICE), &headers))
            .await
            .status,
        200
    );
    let put: Request<Full<_>> = request("PUT", &profile(ALICE), &headers);
    let answer = edge.ask(put.map(|_| Full::from("<a/>"))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let heard = fake.heard();
    assert_eq!(heard.len(), 3);
    assert_eq!(pass(&heard[0]), pass(&heard[1]));
    assert_ne!(pass(&heard[1]), pass(&heard[2]));
    assert!(
        heard[1].ends_with("<a/>") && heard[2].ends_with("<a/>"),
        "{heard:?}"
    );
    assert_eq!(bench.metric("xspd_auth_swaps_retried_total"), 1);
}

#[tokio::test]
async fn a_login_token_that_was_never_good_is_not_replaced_at_once() {
    let (fake, bench) = (
        Fake::start([Script::always(REFUSED)]).await,
        Bench::new().await,
    );
    let edge = native(&fake, &bench);
    let authorization = format!("Bearer {}", bench.token(ALICE).await);
    for _ in 0..3 {
        let asked = request("GET", &profile(ALICE), &[("authorization", &authorization)]);
        assert_eq!(edge.ask(asked).await.status, 401);
    }
    assert_eq!(fake.heard().len(), 3);
    assert_eq!(
        bench.metric("xspd_auth_login_tokens_total{result=\"made\"}"),
        1
    );
}

#[tokio::test]
async fn a_large_body_goes_once_with_a_login_token_of_a_moment_ago() {
    let script = Script::new().hear().say(OK).hear().say(OK);
    let (fake, bench) = (Fake::start([script]).await, Bench::new().await);
    let edge = native(&fake, &bench);
    let authorization = format!("Bearer {}", bench.token(ALICE).await);
    let headers = [("authorization", authorization.as_str())];
    edge.ask(request("GET", &profile(ALICE), &headers)).await;
    let large = "x".repeat(100_000);
    let put = request("PUT", &profile(ALICE), &headers);
    let answer = edge.ask(put.map(|_| Full::from(large.clone()))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let heard = fake.heard();
    assert!(heard[1].ends_with(&large));
    assert_eq!(pass(&heard[0]), pass(&heard[1]));
}

#[tokio::test]
async fn when_nobody_can_say_whether_a_token_holds_it_does_not() {
    let (fake, bench) = (Fake::start([Script::ok()]).await, Bench::new().await);
    let token = bench.token(ALICE).await;
    let config = config(&[fake.address], |_| {});
    let other = Bench {
        desk: bench.another(),
        config: bench.config.clone(),
        lab: std::sync::Arc::clone(&bench.lab),
        telemetry: std::sync::Arc::clone(&bench.telemetry),
        tasks: bench.tasks.clone(),
        directory: tempfile::TempDir::new().unwrap(),
    };
    let edge = Edge::native(config, &other);
    bench.take_server_down();
    let authorization = format!("Bearer {token}");
    let asked = request("GET", &profile(ALICE), &[("authorization", &authorization)]);
    let answer = edge.ask(asked).await;
    answer.assert_is(Reason::AuthUnavailable, "down");
    assert!(answer.headers.contains_key("retry-after"));
    assert!(fake.heard().is_empty());
}

#[tokio::test]
async fn a_preflight_needs_no_token() {
    let (fake, bench) = (Fake::start([Script::ok()]).await, Bench::new().await);
    let origin = "https://client.example.net";
    let config = config(&[fake.address], |config| {
        config.cors = config::Cors::Answer {
            origins: vec![origin.to_owned()],
        };
    });
    let edge = Edge::native(config, &bench);
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "authorization"),
    ];
    let answer = edge
        .ask(request("OPTIONS", &profile(ALICE), &headers))
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["access-control-allow-origin"], origin);
    assert!(fake.heard().is_empty());
}
