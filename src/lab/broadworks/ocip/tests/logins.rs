//! Logins by digest and by password, sessions, and what each may ask.

use std::sync::Arc;

use rcgen::CertifiedKey;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::ocip::session::Sessions;
use crate::lab::broadworks::ocip::tests::wire::ALICE;
use crate::lab::broadworks::ocip::tests::wire::Answers;
use crate::lab::broadworks::ocip::tests::wire::BAD_PASSWORD;
use crate::lab::broadworks::ocip::tests::wire::Client;
use crate::lab::broadworks::ocip::tests::wire::INVALID;
use crate::lab::broadworks::ocip::tests::wire::NOT_AUTHORIZED;
use crate::lab::broadworks::ocip::tests::wire::Served;
use crate::lab::broadworks::ocip::tests::wire::command;
use crate::lab::broadworks::ocip::tests::wire::document;
use crate::lab::broadworks::ocip::tests::wire::seeded;
use crate::platform::tasks::Tasks;

#[tokio::test]
async fn administrators_log_in_by_digest() {
    let served = Served::start().await;
    for account in [
        served.lab.administrator(),
        served.lab.provisioning_administrator(),
    ] {
        let mut client = served.connect().await;
        let answer = client.digest_login(&account.id, &account.password).await;
        assert_eq!(answer.name(), "LoginResponse14sp4");
        let expected = [
            "loginType",
            "locale",
            "encoding",
            "isEnterprise",
            "userDomain",
        ];
        assert_eq!(answer.names(), expected);
        assert_eq!(answer.text("loginType"), "System");
        assert_eq!(answer.text("userDomain"), "as.example.net");
        let answer = client.ask("VerifySessionIsValidRequest", "").await;
        answer.expect_success();
    }
}

#[tokio::test]
async fn a_digest_is_good_for_its_user_and_nonce_and_once() {
    let served = Served::start().await;
    let account = served.lab.provisioning_administrator();
    let (id, password) = (account.id.as_str(), account.password.as_str());
    let mut client = served.connect().await;
    let answer = client.digest_login(id, "wrong").await;
    assert_eq!(answer.summary(), BAD_PASSWORD);
    let answer = client.sign(id, "1493661742798", password).await;
    assert_eq!(answer.summary(), BAD_PASSWORD, "without a nonce");
    let nonce = client
        .about("AuthenticationRequest", id)
        .await
        .text("nonce");
    assert_eq!(
        client.sign(id, &nonce, password).await.name(),
        "LoginResponse14sp4"
    );
    let answer = client.sign(id, &nonce, password).await;
    assert_eq!(answer.summary(), BAD_PASSWORD, "used twice");
    let nonce = client
        .about("AuthenticationRequest", ALICE)
        .await
        .text("nonce");
    let answer = client.sign(id, &nonce, password).await;
    assert_eq!(answer.summary(), BAD_PASSWORD, "asked for somebody else");
}

#[tokio::test]
async fn users_learn_why_their_digest_is_not_taken() {
    let served = Served::start().await;
    let mut client = served.connect().await;
    let answer = client.digest_login(ALICE, "Passw0rd!").await;
    assert_eq!(answer.summary(), BAD_PASSWORD);
    assert!(answer.text("detail").contains("LoginRequest22V5"));
    let answer = client.digest_login("nobody", "Passw0rd!").await;
    assert_eq!(answer.summary(), BAD_PASSWORD);
    assert!(!answer.has("detail"));
}

#[tokio::test]
async fn passwords_log_in_with_every_version() {
    let served = Served::start().await;
    let account = served.lab.administrator();
    for (request, response, element) in [
        (
            "LoginRequest14sp4",
            "LoginResponse14sp4",
            "plainTextPassword",
        ),
        ("LoginRequest22V3", "LoginResponse22V3", "password"),
        ("LoginRequest22V4", "LoginResponse22V4", "password"),
        ("LoginRequest22V5", "LoginResponse22V5", "password"),
    ] {
        for (id, password, kind) in [
            (account.id.as_str(), account.password.as_str(), "System"),
            ("Alice@AS.example.net", "Passw0rd!", "User"),
        ] {
            let mut client = served.connect().await;
            let login = |id: &str, password: &str| {
                format!("<userId>{id}</userId><{element}>{password}</{element}>")
            };
            for (id, password) in [(id, "wrong"), ("nobody", password)] {
                let answer = client.ask(request, &login(id, password)).await;
                assert_eq!(answer.summary(), BAD_PASSWORD, "{request} {id}");
            }
            let answer = client.ask(request, &format!("<userId>{id}</userId>")).await;
            assert_eq!(answer.summary(), BAD_PASSWORD, "{request} {id}");
            let answer = client.ask(request, &login(id, password)).await;
            assert_eq!(answer.name(), response);
            assert_eq!(answer.text("loginType"), kind);
            if kind == "User" {
                assert_eq!(answer.text("groupId"), "hq");
                assert_eq!(answer.text("serviceProviderId"), "ent1");
                assert_eq!(answer.text("isEnterprise"), "true");
            }
        }
    }
    let mut client = served.connect().await;
    let answer = client
        .ask("LoginRequest22V5", "<password>x</password>")
        .await;
    assert_eq!(answer.summary(), INVALID);
}

#[tokio::test]
async fn a_password_in_clear_is_not_looked_at_on_a_foreign_wire() {
    let state = tempfile::tempdir().unwrap();
    std::fs::write(state.path().join("broadworks.json"), seeded()).unwrap();
    let lab = BroadWorks::open(state.path(), false).unwrap();
    let mut sessions = Sessions::new(lab, Tasks::new(), false);
    let inner = format!("<userId>{ALICE}</userId><password>Passw0rd!</password>");
    let message = document("a", &command("LoginRequest22V5", &inner));
    let (answer, _) = sessions.answer(message.as_bytes()).await;
    let answer = Answers::parse(&answer).commands.remove(0);
    assert_eq!(answer.summary(), BAD_PASSWORD);
    assert!(answer.text("detail").contains("TLS"));
    assert!(!sessions.is_in_use());
}

#[tokio::test]
async fn nothing_is_told_before_the_login_and_after_the_logout() {
    let served = Served::start().await;
    let mut client = served.connect().await;
    client
        .ask("AvailabilityTestRequest", "")
        .await
        .expect_success();
    for name in [
        "VerifySessionIsValidRequest",
        "SystemSoftwareVersionGetRequest",
    ] {
        assert_eq!(client.ask(name, "").await.summary(), NOT_AUTHORIZED);
    }
    assert_eq!(
        client.about("UserGetRequest22", ALICE).await.summary(),
        NOT_AUTHORIZED
    );
    assert_eq!(
        client.about("LogoutRequest", ALICE).await.summary(),
        NOT_AUTHORIZED
    );
    let mut client = served.administrator().await;
    client
        .about("LogoutRequest", "xspd-ocip")
        .await
        .expect_success();
    let answer = client.ask("VerifySessionIsValidRequest", "").await;
    assert_eq!(answer.summary(), NOT_AUTHORIZED);
}

#[tokio::test]
async fn a_login_is_of_its_session_id_and_sessions_are_bounded() {
    let served = Served::start().await;
    let mut client = served.administrator().await;
    client.session = "lab-2".to_owned();
    let answer = client.ask("VerifySessionIsValidRequest", "").await;
    assert_eq!(answer.summary(), NOT_AUTHORIZED);
    client.session = "lab-1".to_owned();
    client
        .ask("VerifySessionIsValidRequest", "")
        .await
        .expect_success();
    for number in 2..=64 {
        client.session = format!("lab-{number}");
        client
            .about("AuthenticationRequest", ALICE)
            .await
            .text("nonce");
    }
    client.session = "lab-65".to_owned();
    let answer = client.about("AuthenticationRequest", ALICE).await;
    assert_eq!(answer.summary(), INVALID);
}

#[tokio::test]
async fn users_ask_about_themselves_only() {
    let served = Served::start().await;
    let mut client = served.user(ALICE).await;
    for name in [
        "UserGetRequest23V2",
        "UserGetLoginInfoRequestRI",
        "UserIntegratedIMPGetRequest21sp1",
        "UserBusyLampFieldGetRequest16sp2",
        "ExternalAuthenticationCreateLoginTokenRequest",
    ] {
        let answer = client.about(name, "renée.example@alias.example.net").await;
        assert!(answer.name().contains("Response"), "{answer:?}");
        assert!(!answer.has("summary"), "{answer:?}");
        for other in ["bob@as.example.net", "nobody"] {
            assert_eq!(client.about(name, other).await.summary(), NOT_AUTHORIZED);
        }
    }
    for (name, inner) in [
        ("UserDeleteRequest", format!("<userId>{ALICE}</userId>")),
        ("LongLivedTokenRevokeRequest", String::new()),
        ("SystemClientIdentityGetListRequest", String::new()),
        (
            "UserGetListInServiceProviderRequest",
            "<serviceProviderId>ent1</serviceProviderId>".to_owned(),
        ),
    ] {
        assert_eq!(
            client.ask(name, &inner).await.summary(),
            NOT_AUTHORIZED,
            "{name}"
        );
    }
    assert!(served.lab.delete_user(ALICE).unwrap());
    let answer = client.ask("VerifySessionIsValidRequest", "").await;
    assert_eq!(answer.summary(), NOT_AUTHORIZED, "deleted meanwhile");
}

#[tokio::test]
async fn the_same_is_spoken_over_tls() {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let server = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let served = Served::start_with(Some(Arc::new(server))).await;
    let stream = TcpStream::connect(served.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::new(client));
    let mut client = Client::over(connector.connect(name, stream).await.unwrap());
    let account = served.lab.provisioning_administrator();
    let inner = format!(
        "<userId>{}</userId><password>{}</password>",
        account.id, account.password
    );
    let answer = client.ask("LoginRequest22V5", &inner).await;
    assert_eq!(answer.name(), "LoginResponse22V5");
    let mut plain = served.connect().await;
    plain
        .send(document("a", &command("AvailabilityTestRequest", "")).as_bytes())
        .await;
    assert!(plain.receive().await.is_none());
}

#[test]
fn the_state_of_an_older_lab_gets_what_ocip_needs() {
    let state = tempfile::tempdir().unwrap();
    let path = state.path().join("broadworks.json");
    let mut file: serde_json::Value = serde_json::from_slice(seeded()).unwrap();
    let directory = file["directory"].as_object_mut().unwrap();
    assert!(directory.remove("provisioning").is_some());
    std::fs::write(&path, serde_json::to_vec(&file).unwrap()).unwrap();
    let lab = BroadWorks::open(state.path(), false).unwrap();
    let held = lab.directory().provisioning.administrators.clone();
    let ids: Vec<_> = held.keys().map(String::as_str).collect();
    assert_eq!(ids, ["admin@as.example.net", "xspd-ocip@as.example.net"]);
}
