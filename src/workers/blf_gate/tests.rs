//! The gate in front of a scripted XSP: who is let in, how often the XSP is asked, and what it costs
//! when it is away.

use std::sync::Arc;

use http::HeaderMap;
use http::HeaderValue;
use http::header::AUTHORIZATION;

use crate::domain::edge::reason::Reason;
use crate::outbound::Pool;
use crate::outbound::broadworks::xsi::XsiLimits;
use crate::outbound::tests::fake::Fake;
use crate::outbound::tests::fake::Script;
use crate::outbound::tests::setup;
use crate::outbound::tests::setup::LONG;
use crate::platform::tasks::Tasks;
use crate::telemetry::Telemetry;
use crate::workers::auth_desk::tests::setup::ALICE;
use crate::workers::auth_desk::tests::setup::BOB;
use crate::workers::auth_desk::tests::setup::Bench;
use crate::workers::blf_gate::Again;
use crate::workers::blf_gate::Gate;

fn headers(authorization: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::from_str(authorization).unwrap());
    headers
}

fn profile(user: &str) -> String {
    let body = format!(
        "<Profile xmlns=\"http://schema.broadsoft.com/xsi\"><details><userId>{user}</userId>\
         </details></Profile>"
    );
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn status(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n")
}

struct Door {
    gate: Gate,
    xsp: Fake,
    _tasks: Tasks,
}

impl Door {
    async fn new(script: Script) -> Self {
        let xsp = Fake::start([script]).await;
        let tasks = Tasks::new();
        let gate = gate(
            None,
            setup::Bench::new(&setup::pool(&[xsp.address])).pool,
            &tasks,
        );
        Self {
            gate,
            xsp,
            _tasks: tasks,
        }
    }
}

fn gate(desk: Option<crate::workers::auth_desk::AuthDesk>, pool: Pool, tasks: &Tasks) -> Gate {
    let limits = XsiLimits {
        call: LONG,
        stream_idle: LONG,
    };
    let metrics = Telemetry::new().blf_api;
    Gate::new(desk, Arc::new(pool), limits, tasks, &metrics, None)
}

#[tokio::test]
async fn a_credential_is_shown_to_the_xsp_once_and_opens_its_own_user_alone() {
    let door = Door::new(Script::always(profile("alice@as.example.net"))).await;
    let basic = headers("Basic YWxpY2U6eA==");
    let (one, two) = tokio::join!(
        door.gate.admit(&basic, "Alice@As.example.net"),
        door.gate.admit(&basic, "alice@as.example.net"),
    );
    let admitted = one.ok().unwrap();
    assert_eq!(&*admitted.watcher, "alice@as.example.net");
    assert!(two.is_ok());
    assert!(
        door.gate
            .admit(&basic, "alice@as.example.net")
            .await
            .is_ok()
    );
    let heard = door.xsp.heard();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(
        heard[0].contains("/user/Alice@As.example.net/profile"),
        "{heard:?}"
    );
    assert!(heard[0].contains("Basic YWxpY2U6eA=="), "in his name");
    // Another user, or another credential, is another question.
    assert!(door.gate.admit(&basic, "bob@as.example.net").await.is_ok());
    let other = headers("Basic b3RoZXI6eA==");
    assert!(
        door.gate
            .admit(&other, "alice@as.example.net")
            .await
            .is_ok()
    );
    assert_eq!(door.xsp.heard().len(), 3);
    let own = door.gate.credential(&admitted).await.unwrap();
    assert_eq!(
        own.unwrap(),
        "Basic YWxpY2U6eA==",
        "it acts with what it showed"
    );
}

#[tokio::test]
async fn what_the_xsp_says_is_what_the_caller_hears() {
    for (answer, reason, wrong_password) in [
        ("401 Unauthorized", Reason::CredentialsRefused, true),
        ("403 Forbidden", Reason::CredentialsOfOtherUser, false),
        ("404 Not Found", Reason::WatcherUnknown, false),
        ("500 Internal Server Error", Reason::AuthUnavailable, false),
        ("503 Service Unavailable", Reason::AuthUnavailable, false),
    ] {
        let door = Door::new(Script::always(status(answer))).await;
        let denied = door.gate.admit(&headers("Basic YTpi"), "a@x").await;
        let denied = denied.err().unwrap();
        assert_eq!(
            (denied.reason, denied.wrong_password),
            (reason, wrong_password),
            "{answer}"
        );
        let again = door.gate.admit(&headers("Basic YTpi"), "a@x").await;
        assert_eq!(again.err().unwrap().reason, reason);
        let asked = if reason == Reason::AuthUnavailable {
            2
        } else {
            1
        };
        assert_eq!(
            door.xsp.heard().len(),
            asked,
            "{answer}: a refusal is remembered"
        );
    }
    let page = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>";
    let door = Door::new(Script::always(page)).await;
    let denied = door.gate.admit(&headers("Basic YTpi"), "a@x").await;
    assert_eq!(
        denied.err().unwrap().reason,
        Reason::AuthUnavailable,
        "no profile, no proof"
    );
}

#[tokio::test]
async fn an_xsp_that_is_away_lets_nobody_in_and_ends_a_stream_only_in_the_end() {
    let door = Door::new(Script::always(profile("a@x"))).await;
    let mut admitted = door
        .gate
        .admit(&headers("Basic YTpi"), "a@x")
        .await
        .ok()
        .unwrap();
    assert_eq!(door.gate.again(&mut admitted).await, Again::Stays);
    assert_eq!(door.xsp.heard().len(), 2, "asked anew, not remembered");
    drop(door.xsp);
    let mut said = Vec::new();
    for _ in 0..3 {
        said.push(door.gate.again(&mut admitted).await);
    }
    assert_eq!(
        said,
        [
            Again::Stays,
            Again::Stays,
            Again::Ends(Reason::AuthUnavailable)
        ]
    );
    let other = door.gate.admit(&headers("Basic Yzpk"), "a@x").await;
    assert_eq!(other.err().unwrap().reason, Reason::AuthUnavailable);
}

#[tokio::test]
async fn no_credential_or_two_or_a_strange_one_ask_nobody() {
    let door = Door::new(Script::always(profile("a@x"))).await;
    let mut two = headers("Basic YTpi");
    two.append(AUTHORIZATION, HeaderValue::from_static("Basic Yzpk"));
    for (headers, reason) in [
        (HeaderMap::new(), Reason::CredentialsMissing),
        (two, Reason::CredentialConflict),
        (headers("Negotiate abc"), Reason::CredentialsRefused),
    ] {
        let denied = door.gate.admit(&headers, "a@x").await;
        assert_eq!(denied.err().unwrap().reason, reason);
    }
    let slash = door.gate.admit(&headers("Basic YTpi"), "a/b").await;
    assert_eq!(slash.err().unwrap().reason, Reason::WatcherUnknown);
    assert_eq!(door.xsp.heard(), [""; 0]);
}

#[tokio::test]
async fn a_token_of_ours_opens_its_subject_and_ends_when_it_is_revoked() {
    let bench = Bench::new().await;
    let xsp = Fake::start([Script::always(status("500 No"))]).await;
    let pool = setup::Bench::new(&setup::pool(&[xsp.address])).pool;
    let gate = gate(Some(bench.desk.clone()), pool, &bench.tasks);
    let token = bench.token(ALICE).await;
    let bearer = headers(&format!("Bearer {token}"));
    let mut admitted = gate
        .admit(&bearer, &ALICE.to_uppercase())
        .await
        .ok()
        .unwrap();
    assert_eq!(&*admitted.watcher, ALICE);
    assert_eq!(gate.again(&mut admitted).await, Again::Stays);
    let other = gate.admit(&bearer, BOB).await;
    assert_eq!(other.err().unwrap().reason, Reason::TokenOfOtherUser);
    let foreign = gate.admit(&headers("Bearer abc.def.ghi"), ALICE).await;
    assert_eq!(foreign.err().unwrap().reason, Reason::TokenForeign);
    let revoke = crate::workers::auth_desk::revoke::Revoke::Token(token.clone());
    bench.desk.revoke(revoke, "a test").await.unwrap();
    assert_eq!(
        gate.again(&mut admitted).await,
        Again::Ends(Reason::TokenRevoked)
    );
    assert_eq!(xsp.heard(), [""; 0], "no XSP knows our tokens");
    let mut operator = Gate::operator("Alice@AS.example.net");
    assert_eq!(&*operator.watcher, ALICE);
    assert_eq!(gate.again(&mut operator).await, Again::Stays);
    assert!(gate.credential(&operator).await.unwrap().is_none());
}
