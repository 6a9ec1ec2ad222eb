//! An Application Server that is down, silent, slow, torn or talks nonsense.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpListener;

use super::fake::Asked;
use super::fake::Fake;
use super::fake::Reply;
use super::fake::document;
use super::fake::login_info;
use super::setup::Bench;
use super::setup::LONG;
use super::setup::Plan;
use super::setup::SHORT;
use super::setup::until;
use crate::domain::ocip::framing::MESSAGE;
use crate::outbound::broadworks::ocip::Login;
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
async fn a_refused_connection_is_unreachable_and_then_left_alone_until_it_is_back() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let bench = Bench::to(address);
    let mut failures = Vec::new();
    until_down(&bench, &mut failures).await;
    assert!(matches!(
        failures[0],
        OcipFailure::Unreachable(Unreachable::Connect)
    ));
    let failure = bench.ocip.login_info("alice").await.unwrap_err();
    assert!(
        matches!(
            failure,
            OcipFailure::Unreachable(Unreachable::Paused { .. })
        ),
        "{failure}"
    );
    assert_eq!(bench.value("xspd_ocip_up"), "0");

    // The same port again; the keeper finds it without a request.
    let listener = TcpListener::bind(address).await.unwrap();
    let _fake = Fake::serve(listener, None, alice);
    until(|| bench.ocip.standing() == Standing::Up).await;
    bench.ocip.login_info("alice").await.unwrap();
    assert_eq!(bench.value("xspd_ocip_up"), "1");
}

async fn until_down(bench: &Bench, failures: &mut Vec<OcipFailure>) {
    while bench.ocip.standing() == Standing::Up {
        if let Err(failure) = bench.ocip.login_info("alice").await {
            failures.push(failure);
        }
    }
}

#[tokio::test]
async fn a_silent_server_times_out_and_is_left_alone() {
    let fake = Fake::start(|asked| match asked.name.as_str() {
        "UserGetLoginInfoRequestRI" => Reply::Silence,
        _ => Reply::Usual,
    })
    .await;
    let plan = Plan {
        limit: SHORT,
        ..Plan::to(&[fake.address])
    };
    let bench = plan.start();
    assert_eq!(bench.ocip.login_info("a").await, Err(OcipFailure::Timeout));
    let mut failures = Vec::new();
    until_down(&bench, &mut failures).await;
    assert!(failures.contains(&OcipFailure::Timeout));
    let down = "xspd_ocip_requests_total{request=\"login-info\",outcome=\"timeout\"}";
    assert!(bench.value(down).parse::<u32>().unwrap() >= 3);
}

#[tokio::test]
async fn callers_who_leave_early_do_not_hide_a_silent_server() {
    let fake = Fake::start(|asked| match asked.name.as_str() {
        "UserGetLoginInfoRequestRI" => Reply::Silence,
        _ => Reply::Usual,
    })
    .await;
    let plan = Plan {
        limit: SHORT,
        ..Plan::to(&[fake.address])
    };
    let bench = plan.start();
    until(|| fake.names().contains(&"LoginRequest14sp4".to_owned())).await;
    let leaving = async {
        while bench.ocip.standing() == Standing::Up {
            let asking = bench.ocip.login_info("alice");
            let outcome = tokio::time::timeout(Duration::from_millis(10), asking).await;
            assert!(!matches!(outcome, Ok(Ok(_))));
        }
    };
    tokio::time::timeout(LONG, leaving).await.expect("in time");
}

#[tokio::test]
async fn a_torn_answer_is_asked_again_once_on_a_new_connection() {
    let torn = AtomicUsize::new(0);
    let fake = Fake::start(move |asked| match asked.name.as_str() {
        "UserGetLoginInfoRequestRI" if torn.fetch_add(1, Ordering::SeqCst) == 0 => {
            let half = document(&asked.session, "<command xsi:type=\"UserGetLogin");
            Reply::RawThenClose(half.as_bytes()[..half.len() - 30].to_vec())
        }
        _ => alice(asked),
    })
    .await;
    let bench = Bench::to(fake.address);
    bench.ocip.login_info("alice").await.unwrap();
    assert_eq!(fake.all("UserGetLoginInfoRequestRI").len(), 2);
}

#[tokio::test]
async fn a_password_is_never_tried_twice() {
    let fake = Fake::start(|asked| match asked.name.as_str() {
        "AuthenticationVerifyRequest22V4" => Reply::Close,
        _ => Reply::Usual,
    })
    .await;
    let bench = Bench::to(fake.address);
    let failure = bench
        .ocip
        .verify(&Login::LoginToken("t"))
        .await
        .unwrap_err();
    assert_eq!(failure, OcipFailure::Unreachable(Unreachable::Closed));
    assert_eq!(fake.all("AuthenticationVerifyRequest22V4").len(), 1);
}

#[tokio::test]
async fn a_server_that_always_closes_is_asked_twice_and_no_more() {
    let fake = Fake::start(|asked| match asked.name.as_str() {
        "LongLivedTokenRevokeRequest" => Reply::Close,
        _ => Reply::Usual,
    })
    .await;
    let bench = Bench::to(fake.address);
    let failure = bench.ocip.revoke_tokens(Some("alice")).await.unwrap_err();
    assert_eq!(failure, OcipFailure::Unreachable(Unreachable::Closed));
    assert_eq!(fake.all("LongLivedTokenRevokeRequest").len(), 2);
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_is_replaced_unseen() {
    let fake = Fake::start(|asked| match asked.name.as_str() {
        "AuthenticationVerifyRequest22V4" => Reply::Error("[Error 4962] x".to_owned()),
        _ => alice(asked),
    })
    .await;
    let bench = Bench::to(fake.address);
    for _ in 0..3 {
        bench.ocip.login_info("alice").await.unwrap();
        fake.cut();
        // Verification is never repeated, so it needs a whole connection at once.
        until(|| bench.ocip.closed_idle()).await;
        let failure = bench
            .ocip
            .verify(&Login::LoginToken("t"))
            .await
            .unwrap_err();
        assert_eq!(failure, OcipFailure::BadCredentials);
    }
}

#[tokio::test]
async fn nonsense_is_a_bad_answer_and_the_next_request_has_a_new_connection() {
    let other = |text: &str| document("somebody-else", text).into_bytes();
    let endless = [b"<BroadsoftDocument>".to_vec(), vec![b'x'; MESSAGE + 1]].concat();
    for nonsense in [
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        b"\x15\x03\x03\x00\x02\x02\x28".to_vec(),
        b"<html></BroadsoftDocument>".to_vec(),
        b"<BroadsoftDocument></BroadsoftDocument>".to_vec(),
        document("", "<command xsi:type=\"SuccessResponse\"/>")
            .into_bytes()
            .repeat(20),
        other("<command xsi:type=\"UserGetLoginInfoResponseRI\"/>").repeat(20),
        endless,
    ] {
        let first = AtomicUsize::new(0);
        let bytes = nonsense.clone();
        let fake = Fake::start(move |asked| match asked.name.as_str() {
            "UserGetLoginInfoRequestRI" if first.fetch_add(1, Ordering::SeqCst) == 0 => {
                Reply::Raw(bytes.clone())
            }
            _ => alice(asked),
        })
        .await;
        let bench = Bench::to(fake.address);
        let failure = bench.ocip.login_info("alice").await.unwrap_err();
        assert!(matches!(failure, OcipFailure::BadAnswer(_)), "{failure}");
        bench.ocip.login_info("alice").await.unwrap();
    }
}

#[tokio::test]
async fn one_users_odd_answer_does_not_close_the_way_for_others() {
    let fake = Fake::start(|asked| match asked.text("userId") {
        "odd" => Reply::Raw(document(&asked.session, "<a>&nbsp;</a>").into_bytes()),
        _ => alice(asked),
    })
    .await;
    let bench = Bench::to(fake.address);
    for _ in 0..5 {
        let failure = bench.ocip.login_info("odd").await.unwrap_err();
        assert!(matches!(failure, OcipFailure::BadAnswer(_)), "{failure}");
    }
    bench.ocip.login_info("alice").await.unwrap();
}

#[tokio::test]
async fn a_server_of_something_else_is_left_alone() {
    let fake = Fake::start(|_| Reply::Raw(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec())).await;
    let bench = Bench::to(fake.address);
    until(|| bench.ocip.standing() != Standing::Up).await;
    assert!(fake.connections() <= 3);
}

#[tokio::test]
async fn messages_for_others_and_two_in_one_packet_are_sorted_out() {
    let fake = Fake::start(|asked| match asked.name.as_str() {
        "SystemSoftwareVersionGetRequest" => {
            let command = |version: &str| {
                format!(
                    "<command xsi:type=\"SystemSoftwareVersionGetResponse\" xmlns=\"\">\
                     <version>{version}</version></command>"
                )
            };
            let mut bytes = document("somebody-else", &command("theirs")).into_bytes();
            bytes.extend(document(&asked.session, &command("ours")).into_bytes());
            Reply::Raw(bytes)
        }
        _ => Reply::Usual,
    })
    .await;
    let bench = Bench::to(fake.address);
    assert_eq!(bench.ocip.software_version().await.unwrap(), "ours");
}

#[tokio::test]
async fn a_server_that_logs_us_out_is_logged_in_again() {
    let first = AtomicUsize::new(0);
    let fake = Fake::start(move |asked| match asked.name.as_str() {
        "UserGetLoginInfoRequestRI" if first.fetch_add(1, Ordering::SeqCst) == 0 => {
            let command = "<command xsi:type=\"LogoutRequest\" xmlns=\"\"/>";
            Reply::Raw(document(&asked.session, command).into_bytes())
        }
        _ => alice(asked),
    })
    .await;
    let bench = Bench::to(fake.address);
    bench.ocip.login_info("alice").await.unwrap();
}

#[tokio::test]
async fn requests_beyond_the_rate_wait_and_beyond_patience_are_refused() {
    let fake = Fake::start(alice).await;
    let plan = Plan {
        per_second: 0.1,
        burst: 2,
        ..Plan::to(&[fake.address])
    };
    let plan = Plan {
        limit: Duration::from_secs(5),
        ..plan
    };
    let bench = plan.start();
    for _ in 0..2 {
        bench.ocip.login_info("alice").await.unwrap();
    }
    let failure = bench.ocip.login_info("alice").await.unwrap_err();
    let OcipFailure::RateLimited { retry_after } = failure else {
        panic!("{failure}");
    };
    assert!(retry_after > Duration::ZERO && retry_after < LONG);
    assert_eq!(fake.all("UserGetLoginInfoRequestRI").len(), 2);
}

#[tokio::test]
async fn requests_within_patience_wait_for_their_turn() {
    let fake = Fake::start(alice).await;
    let plan = Plan {
        per_second: 100.0,
        burst: 1,
        ..Plan::to(&[fake.address])
    };
    let bench = plan.start();
    let start = crate::platform::clock::mono();
    let asking = (0..10).map(|_| bench.ocip.login_info("alice"));
    let outcomes = futures_util::future::join_all(asking).await;
    assert!(outcomes.iter().all(Result::is_ok));
    let took = crate::platform::clock::mono().saturating_duration_since(start);
    assert!(took >= Duration::from_millis(90), "{took:?}");
}
