//! What strangers and users try against the desk.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use serde_json::Value;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::setup::ALICE;
use super::setup::Bench;
use super::setup::Client;
use super::setup::PASSWORD;
use super::setup::make_keys;
use super::setup::write_keys;
use crate::config;
use crate::config::secret::Secret;
use crate::config::secret::SecretRef;
use crate::domain::auth::answer::AuthReason;
use crate::domain::auth::backoff::Peer;
use crate::domain::auth::keys::KeySet;
use crate::domain::auth::parameters::Password;
use crate::domain::auth::parameters::basic;
use crate::domain::auth::token::Amr;
use crate::domain::auth::token::Claims;
use crate::domain::auth::validation::NotValid;
use crate::jose::KeyRing;
use crate::outbound::broadworks::ocip::Login;
use crate::outbound::web::tests::service::Answer;
use crate::outbound::web::tests::service::Service;
use crate::outbound::web::tests::service::json;
use crate::outbound::web::tests::service::json_bytes;
use crate::platform::clock;
use crate::telemetry::Telemetry;
use crate::workers::auth_desk::AuthDesk;
use crate::workers::auth_desk::issue::Proof;
use crate::workers::auth_desk::keys;
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
    let before = bench.desk.revocations();
    let password = Secret::new(PASSWORD.as_bytes().to_vec());
    let credentials = Login::Password {
        user: ALICE,
        password: &password,
    };
    let verified = bench.desk.0.ocip.verify(&credentials).await.unwrap();
    let revoke = Revoke::User(ALICE.to_owned());
    bench.desk.revoke(revoke, "test").await.unwrap();
    // Its answer arrives late.
    bench.desk.learn(&verified, before, clock::mono());
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
    server.response_timeout = Duration::from_secs(20);
    let (desk, key) = (bench.another(), Client::new().key);
    // Each from an address and for a user of its own, so that no back-off stops it, and so many
    // that everything is waited for as long as it may be.
    let guess = async |number: u8| {
        let proof = Proof::Password(Password {
            user: format!("nobody{number}@as.example.net"),
            password: Zeroizing::new("wrong".to_owned()),
        });
        let peer = Peer::Address([198, 51, 100, number].into());
        drop(desk.issue(&key, proof, peer).await);
    };
    let flood = join_all((0..100).map(guess));
    let user = async {
        tokio::task::yield_now().await;
        let valid = desk.validate(&token).await;
        assert!(valid.is_ok(), "{:?}", valid.err());
        let token = valid.unwrap().token;
        assert!(desk.pass(&token, Wanted::Any).await.is_ok());
    };
    tokio::join!(flood, user);
}

#[tokio::test]
async fn blanks_around_a_user_do_not_make_another_one_to_guess_at() {
    let bench = Bench::new().await;
    let key = Client::new().key;
    let peer = Peer::Address([192, 0, 2, 9].into());
    let ask = async |user: &str, password: &str| {
        let pair = STANDARD.encode(format!("{user}:{password}"));
        let password = basic(format!("Basic {pair}").as_bytes()).unwrap();
        let issued = bench
            .desk
            .issue(&key, Proof::Password(password), peer)
            .await;
        issued.map(|issued| issued.user)
    };
    let padded = |blanks: usize| format!("{}{ALICE}", " ".repeat(blanks));
    assert_eq!(ask(&padded(1), PASSWORD).await.unwrap(), ALICE);
    let mut reasons = Vec::new();
    for blanks in 1..9 {
        reasons.push(ask(&padded(blanks), "wrong").await.unwrap_err().reason);
    }
    assert!(reasons.contains(&AuthReason::LoginBackOff), "{reasons:?}");
}

#[tokio::test]
async fn a_retiring_key_whose_end_is_brought_forward_ends_then() {
    let bench = Bench::new().await;
    let path = bench.directory.path();
    let file = path.join("authservice/keys.json");
    let mut set = KeySet::parse(&std::fs::read(&file).unwrap()).unwrap();
    make_keys(path, &mut set);
    let now = clock::wall();
    set.rotate(now, Duration::from_secs(30 * 86_400)).unwrap();
    write_keys(path, &set);
    let held = keys::load(&path.join("authservice"), now).unwrap();
    let again = keys::load_instead_of(&held, &path.join("authservice"), now);
    assert!(again.unwrap().is_none());
    let mut json: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let soon = time::OffsetDateTime::from(now + Duration::from_secs(60));
    let soon = soon.format(&time::format_description::well_known::Rfc3339);
    let soon = soon.unwrap();
    let retiring = json["keys"].as_array_mut().unwrap().iter_mut();
    for key in retiring.filter(|key| key["retires"].is_string()) {
        key["retires"] = soon.as_str().into();
    }
    std::fs::write(&file, json.to_string()).unwrap();
    let earlier = keys::load_instead_of(&held, &path.join("authservice"), now);
    assert!(earlier.unwrap().is_some());
}

const GRANT: &str = r#"{"access_token":"service","expires_in":43199,"token_type":"Bearer"}"#;
const YES: &str = r#"{"active":true,"scope":"broadworks-connector:user","broadworksUserId":"alice@as.example.net"}"#;

#[tokio::test]
async fn made_up_ci_tokens_leave_cisco_to_those_who_came_with_good_ones() {
    let ci = Service::start().await;
    ci.on("/idb/oauth2/v1/access_token", [json("200 OK", GRANT)]);
    ci.on("/federation", [json("200 OK", "{}")]);
    let answers = Arc::new(Semaphore::new(1));
    let slow = Answer::SayAfter(Arc::clone(&answers), json_bytes("200 OK", YES));
    ci.on("/info", [slow]);
    let secret = |name: &str| {
        let path = ci.directory.path().join(name);
        std::fs::write(&path, name).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        SecretRef::File(path)
    };
    let cisco = config::Cisco {
        issuer_name: ci.url("/idb"),
        issuer_url: ci.url("/idb"),
        token_info_url: ci.url("/info"),
        token_info_format: config::TokenInfoFormat::IdpProxy,
        organization: None,
        client_id: "xspd".to_owned(),
        client_secret: secret("client"),
        ca: Some(ci.ca()),
        scopes: vec!["broadworks-connector:user".to_owned()],
        user_claim: None,
        response_bytes: 4096,
        federation: config::Federation {
            url: ci.url("/federation"),
            refresh: Duration::from_secs(3600),
            refresh_token: secret("refresh"),
            partner: None,
        },
    };
    let bench = Bench::with(|rules| rules.cisco = Some(cisco)).await;
    let key = Client::new().key;
    let ask = |token: String, peer: Peer| {
        let (desk, key) = (&bench.desk, &key);
        async move { desk.issue(key, Proof::Ci(token), peer).await }
    };
    let webex = Peer::Address([192, 0, 2, 1].into());
    let issued = ask("good".to_owned(), webex).await;
    assert_eq!(issued.map(|issued| issued.user).unwrap(), ALICE);
    let flood = (0..1000_u16).map(|number| {
        let peer = Peer::Address([198, 51, 100, number as u8].into());
        ask(format!("bad{number}"), peer)
    });
    let flood = join_all(flood);
    let user = async {
        tokio::task::yield_now().await;
        let asked = ask("better".to_owned(), webex);
        // Enough for all who are in front of it, but not for a thousand.
        answers.add_permits(100);
        let issued = asked.await.map(|issued| issued.user);
        assert_eq!(issued.unwrap(), ALICE);
    };
    tokio::select! {
        _all = flood => panic!("the flood was over first"),
        () = user => {}
    }
}
