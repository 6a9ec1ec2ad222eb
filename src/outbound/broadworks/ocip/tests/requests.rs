//! Every question, what is sent for it and what is made of the answer.

use std::time::Duration;

use super::fake::Asked;
use super::fake::Fake;
use super::fake::Reply;
use super::fake::login_info;
use super::setup::Bench;
use crate::config::secret::Secret;
use crate::outbound::broadworks::ocip::BadAnswer;
use crate::outbound::broadworks::ocip::Login;
use crate::outbound::broadworks::ocip::OcipFailure;

const VERIFIED: &str = "<loginType>User</loginType><locale>en_US</locale>\
    <encoding>ISO-8859-1</encoding><groupId>sales</groupId>\
    <serviceProviderId>acme</serviceProviderId><isEnterprise>false</isEnterprise>\
    <userId>alice@as.example.net</userId>";

fn verifier(asked: &Asked) -> Reply {
    match asked.name.as_str() {
        "AuthenticationVerifyRequest22V4" if asked.text("password") == "wrong" => {
            Reply::Error("[Error 4962] Invalid password".to_owned())
        }
        "AuthenticationVerifyRequest22V4" => {
            Reply::Answer("AuthenticationVerifyResponse22V4", VERIFIED.to_owned())
        }
        _ => Reply::Usual,
    }
}

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec())
}

#[tokio::test]
async fn every_kind_of_login_is_sent_in_the_order_of_the_schema() {
    let fake = Fake::start(verifier).await;
    let bench = Bench::to(fake.address);
    let (password, passcode) = (secret("pässwörd€"), secret("1234"));
    let logins = [
        (
            Login::Password {
                user: "alice",
                password: &password,
            },
            vec![("userId", "alice"), ("password", "pässwörd€")],
        ),
        (
            Login::LinePort {
                line_port: "alice@line",
                password: &password,
            },
            vec![("linePort", "alice@line"), ("password", "pässwörd€")],
        ),
        (Login::LoginToken("t0ken"), vec![("loginToken", "t0ken")]),
        (
            Login::Passcode {
                number: "+15551234",
                passcode: &passcode,
            },
            vec![("phoneNumber", "+15551234"), ("passcode", "1234")],
        ),
        (
            Login::Sip {
                user: "alice",
                sip_user: "alice-sip",
                sip_password: &passcode,
            },
            vec![
                ("sipAuthenticationUserName", "alice-sip"),
                ("sipAuthenticationPassword", "1234"),
                ("userId", "alice"),
            ],
        ),
    ];
    for (place, (login, fields)) in logins.into_iter().enumerate() {
        let verified = bench.ocip.verify(&login).await.unwrap();
        assert_eq!(verified.user_id, "alice@as.example.net");
        assert_eq!(verified.login_type, "User");
        let asked = fake.all("AuthenticationVerifyRequest22V4").remove(place);
        let sent: Vec<_> = asked
            .command
            .children()
            .iter()
            .map(|field| (field.local(), field.text()))
            .collect();
        assert_eq!(sent, fields);
    }
    assert_eq!(
        bench.value("xspd_ocip_requests_total{request=\"verify\",outcome=\"ok\"}"),
        "5"
    );
}

#[tokio::test]
async fn a_wrong_password_and_one_that_cannot_be_sent_are_refused() {
    let fake = Fake::start(verifier).await;
    let bench = Bench::to(fake.address);
    for password in [&b"wrong"[..], b"", b"a\0b", b"\xff\xfe", &[b'x'; 9000]] {
        let password = Secret::new(password.to_vec());
        let login = Login::Password {
            user: "alice",
            password: &password,
        };
        let failure = bench.ocip.verify(&login).await.unwrap_err();
        assert_eq!(failure, OcipFailure::BadCredentials);
    }
    assert_eq!(fake.all("AuthenticationVerifyRequest22V4").len(), 1);
}

#[tokio::test]
async fn an_answer_to_something_else_lets_nobody_in() {
    for (name, content) in [
        ("SuccessResponse", ""),
        ("LoginResponse22V5", VERIFIED),
        ("AuthenticationVerifyResponse22V3", VERIFIED),
        ("AuthenticationVerifyResponse22V4", "<userId></userId>"),
        (
            "AuthenticationVerifyResponse22V4",
            "<loginType>User</loginType>",
        ),
    ] {
        let fake = Fake::start(move |asked| match asked.name.as_str() {
            "AuthenticationVerifyRequest22V4" => Reply::Answer(name, content.to_owned()),
            _ => Reply::Usual,
        })
        .await;
        let bench = Bench::to(fake.address);
        let failure = bench
            .ocip
            .verify(&Login::LoginToken("t"))
            .await
            .unwrap_err();
        assert!(
            matches!(failure, OcipFailure::BadAnswer(_)),
            "{name}: {failure}"
        );
    }
}

#[tokio::test]
async fn a_user_id_under_a_false_encoding_lets_nobody_in() {
    let fake = Fake::start(|asked| match asked.name.as_str() {
        "AuthenticationVerifyRequest22V4" => {
            let command = format!(
                "<command xsi:type=\"AuthenticationVerifyResponse22V4\" xmlns=\"\">{}</command>",
                VERIFIED.replace("alice", "zoë")
            );
            // UTF-8 bytes, ISO-8859-1 declared.
            Reply::Raw(super::fake::document(&asked.session, &command).into_bytes())
        }
        _ => Reply::Usual,
    })
    .await;
    let bench = Bench::to(fake.address);
    let failure = bench
        .ocip
        .verify(&Login::LoginToken("t"))
        .await
        .unwrap_err();
    assert_eq!(
        failure,
        OcipFailure::BadAnswer(BadAnswer::Encoding("userId"))
    );
}

#[tokio::test]
async fn refusals_become_what_they_mean() {
    let fake = Fake::start(|asked| match asked.text("userId") {
        "nobody" => Reply::Error("[Error 4008] User not found: nobody".to_owned()),
        "disabled" => Reply::Error("[Error 5202] Account is disabled.".to_owned()),
        "odd" => Reply::Error("[Error 4711] Something odd".to_owned()),
        "silent" => Reply::Error(String::new()),
        "lost" => Reply::Raw(super::fake::error("", "[Error 4008] x").into_bytes()),
        _ => Reply::Usual,
    })
    .await;
    let bench = Bench::to(fake.address);
    for (user, failure) in [
        ("nobody", OcipFailure::UnknownUser),
        ("disabled", OcipFailure::Locked),
        (
            "odd",
            OcipFailure::Refused {
                code: Some(4711),
                summary: "[Error 4711] Something odd".to_owned(),
            },
        ),
        (
            "silent",
            OcipFailure::Refused {
                code: None,
                summary: String::new(),
            },
        ),
        ("lost", OcipFailure::UnknownUser),
        ("", OcipFailure::UnknownUser),
    ] {
        let found = bench.ocip.create_login_token(user).await.unwrap_err();
        assert_eq!(found, failure, "{user}");
        let word = failure.as_str();
        let series = format!(
            "xspd_ocip_requests_total{{request=\"create-login-token\",outcome=\"{word}\"}}"
        );
        assert_ne!(bench.value(&series), "0");
    }
}

#[tokio::test]
async fn an_empty_user_never_revokes_for_everybody() {
    let fake = Fake::start(|asked| match asked.name.as_str() {
        "LongLivedTokenRevokeRequest" => Reply::Answer("SuccessResponse", String::new()),
        _ => Reply::Usual,
    })
    .await;
    let bench = Bench::to(fake.address);
    for user in ["", " ", "\t"] {
        let failure = bench.ocip.revoke_tokens(Some(user)).await.unwrap_err();
        assert_eq!(failure, OcipFailure::UnknownUser);
    }
    assert!(fake.all("LongLivedTokenRevokeRequest").is_empty());
    bench.ocip.revoke_tokens(Some("alice")).await.unwrap();
    bench.ocip.revoke_tokens(None).await.unwrap();
    let asked = fake.all("LongLivedTokenRevokeRequest");
    assert_eq!(asked[0].text("userId"), "alice");
    assert!(asked[1].command.children().is_empty());
}

#[tokio::test]
async fn facts_are_read() {
    let fake = Fake::start(|asked| {
        match asked.name.as_str() {
        "UserGetLoginInfoRequestRI" => login_info("1616017564343"),
        "ExternalAuthenticationCreateLoginTokenRequest" => Reply::Answer(
            "ExternalAuthenticationCreateLoginTokenResponse",
            "<loginToken>t0ken</loginToken>".into(),
        ),
        "UserIntegratedIMPGetRequest21sp1" => Reply::Answer(
            "UserIntegratedIMPGetResponse21sp1",
            "<isActive>true</isActive><impId>alice@im</impId>".into(),
        ),
        "UserBusyLampFieldGetRequest16sp2" => Reply::Answer(
            "UserBusyLampFieldGetResponse16sp2",
            "<listURI>blf@x</listURI><enableCallParkNotification>false</enableCallParkNotification>\
             <monitoredUserTable><colHeading>User Id</colHeading><row><col>bob</col></row>\
             </monitoredUserTable>"
                .into(),
        ),
        "ServiceProviderGetRequest22V4" => Reply::Answer(
            "ServiceProviderGetResponse22V4",
            "<isEnterprise>true</isEnterprise><defaultDomain>acme.net</defaultDomain>".into(),
        ),
        "SystemClientIdentityGetListRequest" => Reply::Answer(
            "SystemClientIdentityGetListResponse",
            "<clientIdentityTable><colHeading>Client Identity</colHeading>\
             <row><col>bwcticlient.webex.com</col></row></clientIdentityTable>"
                .into(),
        ),
        "SystemSoftwareVersionGetRequest" => Reply::Answer(
            "SystemSoftwareVersionGetResponse",
            "<version>Rel_2023.10</version>".into(),
        ),
        _ => Reply::Usual,
    }
    })
    .await;
    let bench = Bench::to(fake.address);
    let ocip = &bench.ocip;
    let info = ocip.login_info("alice").await.unwrap();
    assert_eq!(info.token_revocation_ms, Some(1_616_017_564_343));
    assert_eq!(info.locked_for, None::<Duration>);
    let token = ocip.create_login_token("alice").await.unwrap();
    assert_eq!(token.expose(), "t0ken");
    let imp = ocip.integrated_imp("alice").await.unwrap();
    assert_eq!(imp.imp_id.as_deref(), Some("alice@im"));
    let field = ocip.busy_lamp_field("alice").await.unwrap();
    assert_eq!(field.monitored, ["bob"]);
    assert!(ocip.service_provider("acme").await.unwrap().is_enterprise);
    assert!(ocip.service_provider(" ").await.is_err());
    let identities = ocip.client_identities().await.unwrap();
    assert_eq!(identities, ["bwcticlient.webex.com"]);
    assert_eq!(ocip.software_version().await.unwrap(), "Rel_2023.10");
}

#[tokio::test]
async fn an_older_server_is_asked_in_its_own_form_and_that_is_remembered() {
    let fake = Fake::start(|asked| match asked.name.as_str() {
        "UserGetRequest21sp1" if asked.text("userId") == "nobody" => {
            Reply::Error("[Error 4008] User not found: nobody".to_owned())
        }
        "UserGetRequest21sp1" => Reply::Answer(
            "UserGetResponse21sp1",
            "<serviceProviderId>acme</serviceProviderId><groupId>sales</groupId>\
             <lastName>Smith</lastName><firstName>Alice</firstName>\
             <alternateUserId><alternateUserId>a.smith</alternateUserId></alternateUserId>"
                .into(),
        ),
        _ => Reply::Usual,
    })
    .await;
    let bench = Bench::to(fake.address);
    let user = bench.ocip.user("alice").await.unwrap();
    assert_eq!(user.last_name, "Smith");
    assert_eq!(user.alternate_user_ids, ["a.smith"]);
    bench.ocip.user("bob").await.unwrap();
    assert_eq!(
        bench.ocip.user("nobody").await,
        Err(OcipFailure::UnknownUser)
    );
    let names: Vec<_> = fake
        .names()
        .into_iter()
        .filter(|name| name.starts_with("User"))
        .collect();
    assert_eq!(
        names,
        [
            "UserGetRequest23V2",
            "UserGetRequest22",
            "UserGetRequest21sp1",
            "UserGetRequest21sp1",
            "UserGetRequest21sp1"
        ]
    );
}

#[tokio::test]
async fn a_server_that_knows_no_form_says_so_in_its_first_words() {
    let fake = Fake::start(|_| Reply::Usual).await;
    let bench = Bench::to(fake.address);
    let failure = bench.ocip.service_provider("acme").await.unwrap_err();
    let summary = "Unknown request: ServiceProviderGetRequest22V4".to_owned();
    assert_eq!(
        failure,
        OcipFailure::Refused {
            code: None,
            summary
        }
    );
    assert_eq!(fake.all("ServiceProviderGetRequest17sp1").len(), 1);
}
