//! Who gets a token, and what it is worth.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::setup::ALICE;
use super::setup::BOB;
use super::setup::Bench;
use super::setup::Client;
use super::setup::PASSWORD;
use super::setup::login;
use crate::domain::auth::answer::AuthReason;
use crate::domain::auth::backoff::Peer;
use crate::domain::auth::validation::NotValid;
use crate::workers::auth_desk::issue::Proof;

#[tokio::test]
async fn a_password_earns_a_token_that_only_the_asker_can_read_and_that_holds() {
    let bench = Bench::new().await;
    let token = bench.token(ALICE).await;
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap());
    let claims: Value = serde_json::from_slice(&payload.unwrap()).unwrap();
    assert_eq!(claims["sub"], ALICE);
    assert_eq!(claims["iss"], "BroadWorks");
    assert_eq!(claims["amr"][0], "pwd");
    let valid = bench.desk.validate(&token).await.unwrap();
    assert_eq!(valid.token.claims.subject, ALICE);
    assert_eq!(
        bench.metric("xspd_auth_tokens_issued_total{proof=\"pwd\"}"),
        1
    );
}

#[tokio::test]
async fn the_subject_is_the_id_that_the_server_has_whatever_was_typed() {
    let bench = Bench::new().await;
    let client = Client::new();
    for typed in ["ALICE@AS.example.net", "alice"] {
        let issued = login(&bench.desk, &client, typed, PASSWORD).await.unwrap();
        assert_eq!(issued.user, ALICE, "{typed}");
    }
}

#[tokio::test]
async fn refusals_have_their_reasons() {
    let bench = Bench::new().await;
    let client = Client::new();
    let reason = async |user: &str, password: &str| {
        let refused = login(&bench.desk, &client, user, password).await;
        refused.err().unwrap().reason
    };
    let wrong = reason(BOB, "wrong").await;
    assert_eq!(wrong, AuthReason::BadCredentials);
    assert_eq!(reason("nobody@as.example.net", "wrong").await, wrong);
    bench.lab.lock_user(BOB, Duration::from_secs(600));
    let locked = login(&bench.desk, &client, BOB, PASSWORD)
        .await
        .err()
        .unwrap();
    assert_eq!(locked.reason, AuthReason::UserLocked);
    assert!(
        locked.retry_after > Some(Duration::from_secs(60)),
        "{locked:?}"
    );
    let peer = Peer::Listed([192, 0, 2, 1].into());
    let asserted = async |user: &str| {
        let proof = Proof::Asserted(user.to_owned());
        bench
            .desk
            .issue(&client.key, proof, peer)
            .await
            .map(|issued| issued.user)
    };
    assert_eq!(asserted(ALICE).await.unwrap(), ALICE);
    let refused = asserted("nobody@as.example.net").await.unwrap_err();
    assert_eq!(refused.reason, AuthReason::UnknownUser);
    let locked = asserted(BOB).await.unwrap_err();
    assert_eq!(locked.reason, AuthReason::UserLocked);
    assert!(
        locked.retry_after > Some(Duration::from_secs(60)),
        "{locked:?}"
    );
    let proof = Proof::Ci("opaque".to_owned());
    let refused = bench
        .desk
        .issue(&client.key, proof, peer)
        .await
        .err()
        .unwrap();
    assert_eq!(refused.reason, AuthReason::CredentialsNotAccepted);
    for key in ["", "AAAA", "not base64!"] {
        let proof = Proof::Asserted(ALICE.to_owned());
        let refused = bench.desk.issue(key, proof, peer).await.err().unwrap();
        assert_eq!(refused.reason, AuthReason::KeyInvalid, "{key}");
        assert!(refused.detail.is_some(), "{key}");
    }
}

#[tokio::test]
async fn without_keys_nothing_is_issued_and_nothing_accepted() {
    let bench = Bench::new().await;
    let token = bench.token(ALICE).await;
    std::fs::remove_file(bench.directory.path().join("authservice/keys.json")).unwrap();
    let bare = bench.another();
    assert!(!bare.readiness().is_ready());
    let refused = login(&bare, &Client::new(), ALICE, PASSWORD).await.err();
    assert_eq!(refused.unwrap().reason, AuthReason::KeysNotReady);
    let judged = bare.validate(&token).await.unwrap_err();
    assert_eq!(judged, NotValid::Unavailable { retry_after: None });
    bench.desk.reload_keys();
    assert!(
        bench.desk.validate(&token).await.is_ok(),
        "the old keys stay"
    );
    assert_eq!(bench.metric("xspd_auth_keys_rejected_total"), 1);
}

#[tokio::test]
async fn an_application_server_that_is_away_issues_nothing() {
    let bench = Bench::new().await;
    bench.take_server_down();
    let refused = login(&bench.desk, &Client::new(), ALICE, PASSWORD).await;
    assert_eq!(refused.err().unwrap().reason, AuthReason::AsUnreachable);
    // Nobody's password was wrong.
    bench.lab.ocip_faults().clear();
}

#[tokio::test]
async fn a_corrected_password_is_tried_at_once() {
    let bench = Bench::new().await;
    let password = bench.directory.path().join("ocip");
    let right = std::fs::read(&password).unwrap();
    std::fs::write(&password, "wrong").unwrap();
    let (wrong, client) = (bench.another(), Client::new());
    let refused = login(&wrong, &client, ALICE, PASSWORD).await.err();
    assert_eq!(refused.unwrap().reason, AuthReason::AsUnreachable);
    std::fs::write(&password, right).unwrap();
    let reloaded = bench.reloaded(&wrong);
    assert!(login(&reloaded, &client, ALICE, PASSWORD).await.is_ok());
    let same = bench.reloaded(&reloaded);
    assert!(same.asks_as(&reloaded), "what works is kept");
}

#[tokio::test]
async fn a_node_with_the_same_keys_accepts_the_tokens_of_another() {
    let bench = Bench::new().await;
    let token = bench.token(ALICE).await;
    let other = bench.another();
    assert!(other.validate(&token).await.is_ok());
}
