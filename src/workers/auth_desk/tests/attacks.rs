//! What strangers and users try against the desk.

use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::setup::ALICE;
use super::setup::Bench;
use super::setup::Client;
use super::setup::PASSWORD;
use super::setup::login;
use crate::config::secret::SecretRef;
use crate::domain::auth::backoff::Peer;
use crate::domain::auth::parameters::Password;
use crate::domain::auth::token::Amr;
use crate::domain::auth::token::Claims;
use crate::domain::auth::validation::NotValid;
use crate::jose::KeyRing;
use crate::platform::clock;
use crate::telemetry::Telemetry;
use crate::workers::auth_desk::AuthDesk;
use crate::workers::auth_desk::issue::Proof;
use crate::workers::auth_desk::login::Wanted;
use crate::workers::auth_desk::revoke::Revoke;

#[tokio::test]
async fn nobody_is_the_operator_when_the_operators_token_is_blank() {
    let mut bench = Bench::new().await;
    let path = bench.directory.path().join("operator");
    std::fs::write(&path, "\n").unwrap();
    let rules = bench.config.auth_service.as_mut().unwrap();
    rules.operator_token = Some(SecretRef::File(path));
    let telemetry = Telemetry::new();
    let desk = AuthDesk::build(&bench.config, &bench.tasks, &telemetry, None);
    let desk = desk.map(|desk| desk.unwrap().is_operator(""));
    assert!(desk.is_err(), "{:?}", desk.ok());
}

#[tokio::test]
async fn uploads_of_one_user_share_a_login_token_for_a_moment() {
    let bench = Bench::new().await;
    let token = bench.token(ALICE).await;
    let token = bench.desk.validate(&token).await.unwrap().token;
    for _ in 0..20 {
        bench.desk.pass(&token, Wanted::New).await.unwrap();
    }
    let asked = bench
        .lab
        .ocip_faults()
        .requests("ExternalAuthenticationCreateLoginTokenRequest");
    assert_eq!(asked, 1);
}

#[tokio::test]
async fn answers_401_in_turn_with_others_do_not_ask_for_a_login_token_each() {
    let bench = Bench::new().await;
    let token = bench.token(ALICE).await;
    let token = bench.desk.validate(&token).await.unwrap().token;
    for _ in 0..20 {
        let pass = bench.desk.pass(&token, Wanted::Any).await.unwrap();
        pass.was_accepted();
        let _again = bench.desk.was_refused(&token, &pass);
    }
    let asked = bench
        .lab
        .ocip_faults()
        .requests("ExternalAuthenticationCreateLoginTokenRequest");
    assert!(asked <= 2, "{asked}");
}

#[tokio::test]
async fn a_login_that_was_under_way_does_not_undo_a_revocation() {
    let bench = Bench::new().await;
    let token = bench.token(ALICE).await;
    assert!(bench.desk.validate(&token).await.is_ok());
    let faults = bench.lab.ocip_faults();
    let verify = "AuthenticationVerifyRequest22V4";
    let before = faults.requests(verify);
    faults.delay(Duration::from_secs(2));
    let desk = bench.desk.clone();
    let login = tokio::spawn(async move {
        drop(login(&desk, &Client::new(), ALICE, PASSWORD).await);
    });
    while faults.requests(verify) == before {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    faults.delay(Duration::ZERO);
    let revoke = Revoke::User(ALICE.to_owned());
    bench.desk.revoke(revoke, "test").await.unwrap();
    login.await.unwrap();
    assert_eq!(
        bench.desk.validate(&token).await.unwrap_err(),
        NotValid::Revoked
    );
}

#[tokio::test]
async fn revoking_by_another_name_of_the_user_holds_at_once() {
    let bench = Bench::new().await;
    let token = bench.token(ALICE).await;
    assert!(bench.desk.validate(&token).await.is_ok());
    let revoke = Revoke::User("alice".to_owned());
    bench.desk.revoke(revoke, "test").await.unwrap();
    assert_eq!(
        bench.desk.validate(&token).await.unwrap_err(),
        NotValid::Revoked
    );
}

#[tokio::test]
async fn a_token_of_a_clock_ahead_is_revoked_before_it_begins() {
    let bench = Bench::new().await;
    let path = bench.directory.path().join("authservice/keys.json");
    let now = clock::wall();
    let ring = KeyRing::from_file(&std::fs::read(path).unwrap(), now).unwrap();
    let claims = Claims::new(
        "BroadWorks",
        ALICE,
        now + Duration::from_secs(300),
        Duration::from_secs(3600),
        [7; 16],
        Amr::Pwd,
    );
    let token = ring.issue(&claims).unwrap();
    bench
        .desk
        .revoke(Revoke::Token(token), "test")
        .await
        .unwrap();
    assert!(bench.desk.0.kept.denied.holds(&claims.jti));
}

#[tokio::test]
async fn strangers_who_guess_leave_the_server_to_those_with_tokens() {
    let mut bench = Bench::new().await;
    let token = bench.token(ALICE).await;
    let server = bench.config.application_server.as_mut().unwrap();
    server.requests_per_second = 5.0;
    server.burst = 5;
    server.response_timeout = Duration::from_secs(2);
    let desk = Arc::new(bench.another());
    let key = Client::new().key;
    let guesses = (0..100_u8).map(|number| {
        let (desk, key) = (Arc::clone(&desk), key.clone());
        tokio::spawn(async move {
            for try_number in 0..=255 {
                let proof = Proof::Password(Password {
                    user: format!("nobody{number}.{try_number}@as.example.net"),
                    password: Zeroizing::new("wrong".to_owned()),
                });
                let peer = Peer::Address([198, 51, number, try_number].into());
                drop(desk.issue(&key, proof, peer).await);
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
    });
    let guesses: Vec<_> = guesses.collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let valid = desk.validate(&token).await;
    assert!(valid.is_ok(), "{:?}", valid.err());
    let token = valid.unwrap().token;
    assert!(desk.pass(&token, Wanted::Any).await.is_ok());
    for guess in guesses {
        guess.abort();
    }
}
