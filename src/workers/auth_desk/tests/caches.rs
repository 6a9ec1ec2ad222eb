//! What is remembered, for how long, and what ends it.

use std::time::Duration;

use super::setup::ALICE;
use super::setup::BOB;
use super::setup::Bench;
use super::setup::make_keys;
use super::setup::write_keys;
use crate::domain::auth::keys::KeySet;
use crate::domain::auth::validation::NotValid;
use crate::workers::auth_desk::login::Wanted;
use crate::workers::auth_desk::revoke::Revoke;

const NEVER: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_token_is_verified_once_and_its_user_asked_once() {
    let bench = Bench::new().await;
    let token = bench.token(ALICE).await;
    let other = bench.another();
    let asked = || {
        bench
            .lab
            .ocip_faults()
            .requests("UserGetLoginInfoRequestRI")
    };
    let before = asked();
    for _ in 0..20 {
        assert!(other.validate(&token).await.is_ok());
    }
    assert_eq!(asked() - before, 1);
    for _ in 0..3 {
        assert!(bench.desk.validate(&token).await.is_ok());
    }
    let counted = |source: &str| {
        let labels = format!("outcome=\"valid\",source=\"{source}\"");
        bench.metric(&format!("xspd_auth_validations_total{{{labels}}}"))
    };
    assert_eq!((counted("checked"), counted("cached")), (1, 2));
}

#[tokio::test]
async fn many_at_once_ask_once() {
    let bench = Bench::new().await;
    let token = bench.token(ALICE).await;
    let other = bench.another();
    let before = bench
        .lab
        .ocip_faults()
        .requests("UserGetLoginInfoRequestRI");
    let all = (0..50).map(|_| other.validate(&token));
    let judged = futures_util::future::join_all(all).await;
    assert!(judged.iter().all(Result::is_ok));
    let after = bench
        .lab
        .ocip_faults()
        .requests("UserGetLoginInfoRequestRI");
    assert_eq!(after - before, 1);
}

#[tokio::test]
async fn what_is_no_token_of_ours_is_told_apart() {
    let bench = Bench::new().await;
    let token = bench.token(ALICE).await;
    let stranger = Bench::new().await.token(ALICE).await;
    let (head, tail) = token.rsplit_once('.').unwrap();
    let mut forged = tail.to_owned();
    let first = if forged.starts_with('A') { "B" } else { "A" };
    forged.replace_range(..1, first);
    let table = [
        ("opaque".to_owned(), NotValid::Foreign),
        (stranger, NotValid::Foreign),
        (format!("{head}.{forged}"), NotValid::Invalid),
        (format!("{head}.AAAA"), NotValid::Invalid),
        (format!("{head}.?"), NotValid::Foreign),
    ];
    for (token, expected) in table {
        for _ in 0..2 {
            assert_eq!(bench.desk.validate(&token).await.unwrap_err(), expected);
        }
    }
}

#[tokio::test]
async fn a_revoked_token_is_dead_at_once_and_after_a_restart_and_others_live() {
    let bench = Bench::new().await;
    let (one, two) = (bench.token(ALICE).await, bench.token(ALICE).await);
    assert!(bench.desk.validate(&one).await.is_ok());
    let revoke = Revoke::Token(one.clone());
    bench.desk.revoke(revoke, "test").await.unwrap();
    assert_eq!(
        bench.desk.validate(&one).await.unwrap_err(),
        NotValid::Revoked
    );
    assert!(bench.desk.validate(&two).await.is_ok());
    let restarted = bench.another();
    assert_eq!(
        restarted.validate(&one).await.unwrap_err(),
        NotValid::Revoked
    );
    let foreign = Revoke::Token("a.b.c".to_owned());
    assert_eq!(bench.desk.revoke(foreign, "test").await, Ok(()));
}

#[tokio::test]
async fn a_users_tokens_and_all_tokens_are_revoked_by_the_server() {
    let bench = Bench::new().await;
    let (alice, bob) = (bench.token(ALICE).await, bench.token(BOB).await);
    let revoke = Revoke::User(ALICE.to_owned());
    bench.desk.revoke(revoke, "test").await.unwrap();
    assert_eq!(
        bench.desk.validate(&alice).await.unwrap_err(),
        NotValid::Revoked
    );
    assert!(bench.desk.validate(&bob).await.is_ok());
    bench.desk.revoke(Revoke::All, "test").await.unwrap();
    assert_eq!(
        bench.desk.validate(&bob).await.unwrap_err(),
        NotValid::Revoked
    );
    let nobody = Revoke::User("nobody@as.example.net".to_owned());
    let refused = bench.desk.revoke(nobody, "test").await.unwrap_err();
    assert_eq!(refused.reason.as_str(), "unknown-user");
}

#[tokio::test]
async fn a_revocation_by_somebody_else_holds_within_the_refresh_time() {
    let bench = Bench::with(|rules| rules.revocation.refresh = Duration::ZERO).await;
    let token = bench.token(ALICE).await;
    assert!(bench.desk.validate(&token).await.is_ok());
    bench.lab.revoke_tokens(Some(ALICE)).unwrap();
    // What is known is aging: this request still uses it, and has it asked anew.
    let revoked = async {
        while bench.desk.validate(&token).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), revoked)
        .await
        .unwrap();
    assert_eq!(
        bench.desk.validate(&token).await.unwrap_err(),
        NotValid::Revoked
    );
}

#[tokio::test]
async fn locked_and_deleted_users_lose_their_tokens() {
    let bench = Bench::new().await;
    let (alice, bob) = (bench.token(ALICE).await, bench.token(BOB).await);
    let other = bench.another();
    bench.lab.lock_user(ALICE, Duration::from_secs(600));
    let judged = other.validate(&alice).await.unwrap_err();
    assert!(matches!(judged, NotValid::UserLocked { .. }), "{judged:?}");
    bench.lab.delete_user(BOB).unwrap();
    let judged = other.validate(&bob).await.unwrap_err();
    assert_eq!(judged, NotValid::UserGone);
}

#[tokio::test]
async fn without_the_server_what_is_known_holds_for_the_stale_limit_and_no_longer() {
    let bench = Bench::with(|rules| {
        rules.revocation.refresh = Duration::ZERO;
        rules.revocation.stale_limit = NEVER;
    })
    .await;
    let token = bench.token(ALICE).await;
    bench.take_server_down();
    for _ in 0..3 {
        assert!(bench.desk.validate(&token).await.is_ok());
    }
    assert!(bench.desk.readiness().is_ready(), "degraded, not down");
    // A node that knows nothing refuses: fail closed.
    let judged = bench.another().validate(&token).await.unwrap_err();
    assert!(matches!(judged, NotValid::Unavailable { .. }), "{judged:?}");
    let strict = Bench::with(|rules| {
        rules.revocation.refresh = Duration::ZERO;
        rules.revocation.stale_limit = Duration::ZERO;
    })
    .await;
    let token = strict.token(ALICE).await;
    assert!(strict.desk.validate(&token).await.is_ok());
    strict.take_server_down();
    let judged = strict.desk.validate(&token).await.unwrap_err();
    assert!(matches!(judged, NotValid::Unavailable { .. }), "{judged:?}");
}

#[tokio::test]
async fn a_login_token_is_made_once_and_anew_when_it_was_refused() {
    let bench = Bench::new().await;
    let token = bench.token(ALICE).await;
    let token = bench.desk.validate(&token).await.unwrap().token;
    let pass = async |wanted| bench.desk.pass(&token, wanted).await.unwrap();
    let first = pass(Wanted::Any).await;
    assert!(first.header().is_sensitive());
    assert_eq!(pass(Wanted::Any).await.header(), first.header());
    assert_eq!(pass(Wanted::New).await.header(), first.header());
    let held = pass(Wanted::Any).await;
    assert!(
        !bench.desk.was_refused(&token, &held),
        "never good: hopeless"
    );
    assert_eq!(pass(Wanted::Any).await.header(), held.header());
    held.was_accepted();
    assert!(bench.desk.was_refused(&token, &held));
    let fresh = pass(Wanted::Any).await;
    assert_ne!(fresh.header(), held.header());
    // Somebody slow hears of the old one's refusal now: the new one stays.
    assert!(bench.desk.was_refused(&token, &held));
    assert_eq!(pass(Wanted::Any).await.header(), fresh.header());
}

#[tokio::test]
async fn keys_rotate_under_tokens_in_use() {
    let bench = Bench::new().await;
    let path = bench.directory.path();
    let old = bench.token(ALICE).await;
    let text = std::fs::read(path.join("authservice/keys.json")).unwrap();
    let mut set = KeySet::parse(&text).unwrap();
    make_keys(path, &mut set);
    bench.desk.reload_keys();
    assert!(bench.desk.validate(&old).await.is_ok());
    let now = crate::platform::clock::wall();
    set.rotate(now, NEVER).unwrap();
    write_keys(path, &set);
    bench.desk.reload_keys();
    let new = bench.token(ALICE).await;
    assert!(bench.desk.validate(&old).await.is_ok());
    assert!(bench.desk.validate(&new).await.is_ok());
    assert_ne!(old.split('.').next(), new.split('.').next(), "another kid");
    std::fs::write(path.join("authservice/keys.json"), "{").unwrap();
    bench.desk.reload_keys();
    assert!(
        bench.desk.validate(&new).await.is_ok(),
        "a bad file changes nothing"
    );
}

#[tokio::test]
async fn a_reload_keeps_what_was_learned_and_takes_new_rules() {
    let mut bench = Bench::new().await;
    let token = bench.token(ALICE).await;
    assert!(bench.desk.validate(&token).await.is_ok());
    bench.take_server_down();
    let rules = bench.config.auth_service.as_mut().unwrap();
    rules.administrators.push(ALICE.to_owned());
    let previous = Some(&bench.desk);
    let desk =
        super::super::AuthDesk::build(&bench.config, &bench.tasks, &bench.telemetry, previous);
    let desk = desk.unwrap().unwrap();
    assert!(desk.is_administrator("Alice@as.example.net"));
    assert!(desk.validate(&token).await.is_ok());
    bench.config.auth_service = None;
    let relay =
        super::super::AuthDesk::build(&bench.config, &bench.tasks, &bench.telemetry, previous);
    assert!(relay.unwrap().is_none());
}
