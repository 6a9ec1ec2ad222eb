//! How the client logs in, and when it does so again.

use super::fake::Asked;
use super::fake::Fake;
use super::fake::NONCE;
use super::fake::Reply;
use super::fake::login_info;
use super::setup::Bench;
use super::setup::PASSWORD;
use super::setup::Plan;
use super::setup::until;
use crate::config::OcipLogin;
use crate::domain::ocip::digest::signed_password;
use crate::outbound::broadworks::ocip::OcipFailure;
use crate::outbound::broadworks::ocip::Standing;
use crate::outbound::broadworks::ocip::Unreachable;

fn alice(asked: &Asked) -> Reply {
    match asked.name.as_str() {
        "UserGetLoginInfoRequestRI" => login_info("1"),
        _ => Reply::Usual,
    }
}

#[tokio::test]
async fn a_digest_login_sends_no_password_and_one_session_id() {
    let fake = Fake::start(alice).await;
    let bench = Bench::to(fake.address);
    bench.ocip.login_info("alice").await.unwrap();
    let first = fake.all("AuthenticationRequest").remove(0);
    assert_eq!(first.text("userId"), "xspd-ocip");
    let login = fake.all("LoginRequest14sp4").remove(0);
    let signed = signed_password(NONCE, PASSWORD.as_bytes());
    assert_eq!(login.text("signedPassword"), *signed);
    assert_eq!(login.session, first.session);
    assert!(fake.all("LoginRequest22V5").is_empty());
}

#[tokio::test]
async fn a_password_login_sends_the_line_of_the_file() {
    let fake = Fake::start(alice).await;
    let plan = Plan {
        login: OcipLogin::Password,
        ..Plan::to(&[fake.address])
    };
    plan.start().ocip.login_info("alice").await.unwrap();
    let login = fake.all("LoginRequest22V5").remove(0);
    assert_eq!(login.text("password"), PASSWORD);
    assert!(fake.all("AuthenticationRequest").is_empty());
}

#[tokio::test]
async fn a_session_that_the_server_forgot_is_logged_in_again() {
    // "Unauthorized" may mean either, so both are tried.
    for gone in ["Not logged in", "[Error 5404] Unauthorized transaction."] {
        let fake = Fake::start(move |asked| match asked.name.as_str() {
            "SystemSoftwareVersionGetRequest" => Reply::Answer(
                "SystemSoftwareVersionGetResponse",
                "<version>24</version>".into(),
            ),
            "UserGetLoginInfoRequestRI" if asked.connection == 1 => Reply::Error(gone.to_owned()),
            _ => alice(asked),
        })
        .await;
        let bench = Bench::to(fake.address);
        until(|| fake.names().contains(&"LoginRequest14sp4".to_owned())).await;
        // The first connection must have been used to be suspected.
        while fake
            .all("SystemSoftwareVersionGetRequest")
            .iter()
            .all(|asked| asked.connection > 1)
        {
            bench.ocip.software_version().await.unwrap();
        }
        let info = bench.ocip.login_info("alice").await.unwrap();
        assert_eq!(info.user_id, "alice@as.example.net", "{gone}");
    }
}

#[tokio::test]
async fn a_lack_of_permission_is_not_answered_with_logins() {
    let refusal = "[Error 5404] Unauthorized transaction.";
    let fake = Fake::start(|asked| match asked.name.as_str() {
        "UserGetLoginInfoRequestRI" => login_info("1"),
        "LongLivedTokenRevokeRequest" => {
            Reply::Error("[Error 5404] Unauthorized transaction.".to_owned())
        }
        _ => Reply::Usual,
    })
    .await;
    let bench = Bench::to(fake.address);
    for _ in 0..10 {
        bench.ocip.login_info("alice").await.unwrap();
        assert_eq!(
            bench.ocip.revoke_tokens(Some("alice")).await,
            Err(OcipFailure::Refused {
                code: Some(5404),
                summary: refusal.to_owned()
            })
        );
    }
    // The keeper's, the first request's, and one to make sure.
    assert!(fake.connections() <= 3, "{}", fake.connections());
    assert_eq!(bench.ocip.standing(), Standing::Up);
}

#[tokio::test]
async fn a_refused_login_is_tried_once() {
    let fake = Fake::start(|asked| match asked.name.as_str() {
        "LoginRequest14sp4" => Reply::Error("[Error 4962] Invalid password".to_owned()),
        _ => Reply::Usual,
    })
    .await;
    let other = Fake::start(alice).await;
    let bench = Plan::to(&[fake.address, other.address]).start();
    until(|| matches!(bench.ocip.standing(), Standing::Down { .. })).await;
    for _ in 0..5 {
        let failure = bench.ocip.login_info("alice").await.unwrap_err();
        assert!(matches!(
            failure,
            OcipFailure::Unreachable(Unreachable::Paused { .. })
        ));
    }
    assert_eq!(fake.all("LoginRequest14sp4").len(), 1);
    assert_eq!(other.connections(), 0);
    assert_eq!(bench.value("xspd_ocip_up"), "0");
}

#[tokio::test]
async fn answers_on_an_old_connection_do_not_bring_a_refused_login_back() {
    let fake = Fake::start(|asked| match asked.name.as_str() {
        "LoginRequest14sp4" if asked.connection > 1 => {
            Reply::Error("[Error 4962] Invalid password".to_owned())
        }
        _ => alice(asked),
    })
    .await;
    let bench = Bench::to(fake.address);
    until(|| fake.names().contains(&"LoginRequest14sp4".to_owned())).await;
    for _ in 0..20 {
        let both = [(), ()].map(|()| bench.ocip.login_info("alice"));
        futures_util::future::join_all(both).await;
    }
    assert!(fake.all("LoginRequest14sp4").len() <= 2);
}

#[tokio::test]
async fn it_logs_out_at_the_end() {
    let fake = Fake::start(alice).await;
    let bench = Bench::to(fake.address);
    bench.ocip.login_info("alice").await.unwrap();
    bench.tasks.stop().cancel();
    bench.tasks.join().await;
    let logout = fake.all("LogoutRequest").remove(0);
    assert_eq!(logout.text("userId"), "xspd-ocip");
    assert!(bench.tasks.leftovers().is_empty());
    let failure = bench.ocip.login_info("alice").await.unwrap_err();
    assert_eq!(failure, OcipFailure::Unreachable(Unreachable::Stopping));
}

#[tokio::test]
async fn the_last_handle_takes_the_connections_with_it() {
    let fake = Fake::start(alice).await;
    let bench = Bench::to(fake.address);
    let clone = bench.ocip.clone();
    clone.login_info("alice").await.unwrap();
    assert_eq!(bench.tasks.leftovers(), ["ocip"]);
    let Bench { ocip, tasks, .. } = bench;
    drop(ocip);
    clone.login_info("alice").await.unwrap();
    drop(clone);
    until(|| tasks.leftovers().is_empty()).await;
    assert!(!fake.all("LogoutRequest").is_empty());
}

#[tokio::test]
async fn it_is_known_to_be_down_without_a_request() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let bench = Bench::to(address);
    until(|| matches!(bench.ocip.standing(), Standing::Down { .. })).await;
}
