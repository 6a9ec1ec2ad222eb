//! Several addresses, in order of preference.

use std::time::Duration;

use tokio::net::TcpListener;

use super::fake::Asked;
use super::fake::Fake;
use super::fake::Reply;
use super::fake::login_info;
use super::setup::Plan;
use super::setup::SHORT;
use super::setup::until;
use crate::outbound::tests::setup::nobody;

fn alice(asked: &Asked) -> Reply {
    match asked.name.as_str() {
        "UserGetLoginInfoRequestRI" => login_info("1"),
        _ => Reply::Usual,
    }
}

#[tokio::test]
async fn the_first_address_is_used_while_it_works() {
    let (first, second) = (Fake::start(alice).await, Fake::start(alice).await);
    let bench = Plan::to(&[first.address, second.address]).start();
    bench.ocip.login_info("alice").await.unwrap();
    assert_eq!(second.connections(), 0);
}

#[tokio::test]
async fn the_next_address_takes_over_and_the_first_gets_its_place_back() {
    let address = nobody();
    let second = Fake::start(alice).await;
    let plan = Plan {
        rhythm: Some(Duration::from_millis(20)),
        ..Plan::to(&[address, second.address])
    };
    let bench = plan.start();
    bench.ocip.login_info("alice").await.unwrap();
    assert_eq!(second.all("UserGetLoginInfoRequestRI").len(), 1);

    let listener = TcpListener::bind(address).await.unwrap();
    let first = Fake::serve(listener, None, alice);
    until(|| first.names().contains(&"LoginRequest14sp4".to_owned())).await;
    while first.all("UserGetLoginInfoRequestRI").is_empty() {
        bench.ocip.login_info("alice").await.unwrap();
    }
}

#[tokio::test]
async fn an_address_that_connects_and_stays_silent_is_passed_over_and_then_avoided() {
    let silent = Fake::start(|_| Reply::Silence).await;
    let second = Fake::start(alice).await;
    let plan = Plan {
        limit: SHORT,
        ..Plan::to(&[silent.address, second.address])
    };
    let bench = plan.start();
    bench.ocip.login_info("alice").await.unwrap();
    let tried = silent.connections();
    for _ in 0..3 {
        second.cut();
        bench.ocip.login_info("alice").await.unwrap();
    }
    assert_eq!(silent.connections(), tried);
}

#[tokio::test]
async fn an_address_that_refuses_logins_for_its_own_reasons_is_passed_over() {
    let standby = Fake::start(|asked| match asked.name.as_str() {
        "AuthenticationRequest" => Reply::Error("The server is on standby".to_owned()),
        _ => Reply::Usual,
    })
    .await;
    let second = Fake::start(alice).await;
    let bench = Plan::to(&[standby.address, second.address]).start();
    bench.ocip.login_info("alice").await.unwrap();
}
