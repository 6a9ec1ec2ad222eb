//! Verification of users, login information, locks, login tokens and their revocation.

use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

use crate::lab::broadworks::ocip::LOCKING_FAILURES;
use crate::lab::broadworks::ocip::tests::wire::ALICE;
use crate::lab::broadworks::ocip::tests::wire::BAD_PASSWORD;
use crate::lab::broadworks::ocip::tests::wire::INVALID;
use crate::lab::broadworks::ocip::tests::wire::LOCKED;
use crate::lab::broadworks::ocip::tests::wire::Served;

const VERIFY: &str = "AuthenticationVerifyRequest22V4";
const INFO: &str = "UserGetLoginInfoRequestRI";

fn pairs(elements: &[(&str, &str)]) -> String {
    let one = |(name, text): &(&str, &str)| format!("<{name}>{text}</{name}>");
    elements.iter().map(one).collect()
}

#[tokio::test]
async fn users_are_verified_in_every_documented_way() {
    let served = Served::start().await;
    let mut client = served.administrator().await;
    let token = client
        .about("ExternalAuthenticationCreateLoginTokenRequest", ALICE)
        .await
        .text("loginToken");
    for good in [
        &[("userId", ALICE), ("password", "Passw0rd!")][..],
        &[("userId", "alice"), ("password", "Passw0rd!")],
        &[("phoneNumber", "+1-2405550101"), ("passcode", "471147")],
        &[
            ("linePort", "alice_wxt@as.example.net"),
            ("password", "Passw0rd!"),
        ],
        &[("loginToken", token.as_str())],
        &[
            ("sipAuthenticationUserName", "alice"),
            ("sipAuthenticationPassword", "S1p-Passw0rd!"),
            ("userId", ALICE),
        ],
    ] {
        let answer = client.ask(VERIFY, &pairs(good)).await;
        assert_eq!(
            answer.name(),
            "AuthenticationVerifyResponse22V4",
            "{good:?}"
        );
        let expected = [
            "loginType",
            "locale",
            "encoding",
            "groupId",
            "serviceProviderId",
            "isEnterprise",
            "lastName",
            "firstName",
            "userId",
            "phoneNumber",
        ];
        assert_eq!(answer.names(), expected, "{good:?}");
        assert_eq!(answer.text("userId"), ALICE);
        assert_eq!(answer.text("firstName"), "Renée");
        assert_eq!(answer.text("phoneNumber"), "+1-2405550101");
    }
    let account = served.lab.administrator();
    let good = pairs(&[("userId", &account.id), ("password", &account.password)]);
    let answer = client.ask(VERIFY, &good).await;
    assert_eq!(answer.text("loginType"), "System");
    assert_eq!(answer.text("userId"), account.id);
}

#[tokio::test]
async fn what_proves_nothing_is_refused() {
    let served = Served::start().await;
    let mut client = served.administrator().await;
    for (bad, summary) in [
        (
            &[("userId", ALICE), ("password", "wrong")][..],
            BAD_PASSWORD,
        ),
        (&[("userId", "admin"), ("password", "wrong")], BAD_PASSWORD),
        (
            &[("phoneNumber", "2405550101"), ("passcode", "Passw0rd!")],
            BAD_PASSWORD,
        ),
        (&[("loginToken", "AAAA")], BAD_PASSWORD),
        (
            &[
                ("sipAuthenticationUserName", "bob"),
                ("sipAuthenticationPassword", "S1p-Passw0rd!"),
                ("userId", ALICE),
            ],
            BAD_PASSWORD,
        ),
        (
            &[("userId", "nobody@x"), ("password", "x")],
            "[Error 4008] User not found: nobody@x",
        ),
        (
            &[("phoneNumber", "999"), ("passcode", "x")],
            "[Error 4008] User not found: 999",
        ),
        (
            &[("linePort", "x@y"), ("password", "x")],
            "[Error 4008] User not found: x@y",
        ),
        (&[("userId", ALICE)], INVALID),
        (&[("password", "x")], INVALID),
        (&[("phoneNumber", "2405550101")], INVALID),
        (&[("password", "x"), ("userId", ALICE)], INVALID),
        (&[], INVALID),
    ] {
        let answer = client.ask(VERIFY, &pairs(bad)).await;
        assert_eq!(answer.summary(), summary, "{bad:?}");
    }
}

#[tokio::test]
async fn bad_passwords_lock_until_the_operator_unlocks() {
    let served = Served::start().await;
    let mut client = served.administrator().await;
    let bad = pairs(&[("userId", ALICE), ("password", "wrong")]);
    let good = pairs(&[("userId", ALICE), ("password", "Passw0rd!")]);
    for _ in 0..LOCKING_FAILURES {
        assert_eq!(client.ask(VERIFY, &bad).await.summary(), BAD_PASSWORD);
    }
    assert_eq!(client.ask(VERIFY, &good).await.summary(), LOCKED);
    let token = client
        .about("ExternalAuthenticationCreateLoginTokenRequest", ALICE)
        .await
        .text("loginToken");
    let by_token = pairs(&[("loginToken", &token)]);
    assert_eq!(client.ask(VERIFY, &by_token).await.summary(), LOCKED);
    let mut user = served.connect().await;
    assert_eq!(user.ask("LoginRequest22V5", &good).await.summary(), LOCKED);
    assert_eq!(
        client.about(INFO, ALICE).await.text("lockoutPeriodExpiry"),
        "10"
    );
    assert!(served.lab.unlock_user(ALICE));
    assert!(!client.about(INFO, ALICE).await.has("lockoutPeriodExpiry"));
    assert_eq!(client.ask(VERIFY, &good).await.text("userId"), ALICE);
    assert!(served.lab.lock_user(ALICE, Duration::from_secs(61)));
    assert_eq!(
        client.about(INFO, ALICE).await.text("lockoutPeriodExpiry"),
        "2"
    );
    assert!(!served.lab.lock_user("nobody", Duration::from_secs(61)));
    assert!(!served.lab.unlock_user("nobody"));
}

#[tokio::test]
async fn login_information_is_found_by_id_number_and_line() {
    let served = Served::start().await;
    let mut client = served.administrator().await;
    for asked in [
        ("userId", ALICE),
        ("phoneNumber", "+12405550101"),
        ("linePort", "alice_wxt@as.example.net"),
    ] {
        let answer = client.ask(INFO, &pairs(&[asked])).await;
        assert_eq!(answer.name(), "UserGetLoginInfoResponseRI");
        assert_eq!(answer.text("userId"), ALICE, "{asked:?}");
    }
    let answer = client.about("UserGetLoginInfoRequest22V4", ALICE).await;
    assert_eq!(answer.name(), "UserGetLoginInfoResponse22V4");
    let answer = client.about(INFO, "nobody").await;
    assert_eq!(answer.summary(), "[Error 4008] User not found: nobody");
    assert_eq!(client.ask(INFO, "").await.summary(), INVALID);
}

#[tokio::test]
async fn the_later_revocation_is_told_and_survives_a_restart() {
    let served = Served::start().await;
    let mut client = served.administrator().await;
    assert!(!client.about(INFO, ALICE).await.has("tokenRevocationTime"));
    let before =
        crate::lab::broadworks::ocip::operator::milliseconds(crate::platform::clock::wall());
    client
        .about("LongLivedTokenRevokeRequest", ALICE)
        .await
        .expect_success();
    let told = client.about(INFO, ALICE).await.text("tokenRevocationTime");
    assert!(told.parse::<i64>().unwrap() >= before, "{told}");
    let bob = client.about(INFO, "bob@as.example.net").await;
    assert!(!bob.has("tokenRevocationTime"));
    let answer = client.about("LongLivedTokenRevokeRequest", "nobody").await;
    assert_eq!(answer.summary(), "[Error 4008] User not found: nobody");
    let answer = client.about("LongLivedTokenRevokeRequest", "").await;
    assert_eq!(answer.summary(), INVALID, "an empty id is not everybody");
    client
        .ask("LongLivedTokenRevokeRequest", "")
        .await
        .expect_success();
    let system = client.about(INFO, "bob@as.example.net").await;
    let system = system.text("tokenRevocationTime");
    assert!(system.parse::<i64>().unwrap() >= told.parse().unwrap());
    let good = pairs(&[("userId", ALICE), ("password", "Passw0rd!")]);
    let verified = client.ask(VERIFY, &good).await;
    assert_eq!(verified.text("tokenRevocationTime"), system);
    let served = served.restart().await;
    let mut client = served.connect().await;
    let login = client.ask("LoginRequest22V5", &good).await;
    assert_eq!(login.text("tokenRevocationTime"), system);
}

#[tokio::test]
async fn a_login_token_opens_the_xsi_contexts() {
    let served = Served::start().await;
    let mut client = served.administrator().await;
    let request = "ExternalAuthenticationCreateLoginTokenRequest";
    let token = client.about(request, ALICE).await.text("loginToken");
    let answer = client.about(request, "nobody").await;
    assert_eq!(answer.summary(), "[Error 4008] User not found: nobody");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (lab, tasks) = (std::sync::Arc::clone(&served.lab), served.tasks.clone());
    served.tasks.worker("xsi", async move {
        lab.serve_xsi(listener, tasks.stop(), &tasks).await;
    });
    for (token, status) in [(token.as_str(), "200"), ("AAAA", "401")] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET /com.broadsoft.xsi-actions/v2.0/user/{ALICE}/profile HTTP/1.1\r\nHost: x\r\n\
             Connection: close\r\nAuthorization: BroadWorksSSO {token}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).await.unwrap();
        let reply = String::from_utf8_lossy(&reply).into_owned();
        assert_eq!(reply.split(' ').nth(1), Some(status), "{reply}");
    }
}
