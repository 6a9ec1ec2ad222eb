//! Rates, guessing, and what survives a reload.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::time::Duration;

use super::setup::Edge;
use super::setup::PROFILE;
use super::setup::config;
use super::setup::peer;
use super::setup::request;
use crate::config::Guessing;
use crate::config::Rate;
use crate::domain::edge::reason::Reason;
use crate::inbound::peer::Peer;
use crate::outbound::tests::fake::Fake;
use crate::outbound::tests::fake::Script;

const PASSWORD: (&str, &str) = ("authorization", "Basic YWxpY2VAYXM6d3Jvbmc=");
const TOKEN: (&str, &str) = ("authorization", "bearer token");
const REFUSED: &str = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";

async fn guarded() -> (Edge, Fake) {
    let fake = Fake::start([Script::always(REFUSED)]).await;
    let edge = Edge::new(config(&[fake.address], |config| {
        config.policy.guessing = Some(Guessing {
            failures: 3,
            window: Duration::from_secs(60),
            lockout: Duration::from_secs(300),
        });
        config.forwarding.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    }));
    (edge, fake)
}

fn from(address: &str) -> Peer {
    let address: IpAddr = address.parse().unwrap();
    Peer {
        address: SocketAddr::new(address, 50_000),
        ..peer()
    }
}

#[tokio::test]
async fn guessing_locks_passwords_of_one_address_out_and_nothing_else() {
    let (mut edge, fake) = guarded().await;
    for _ in 0..3 {
        assert_eq!(
            edge.ask(request("GET", PROFILE, &[TOKEN])).await.status,
            401
        );
    }
    for _ in 0..3 {
        assert_eq!(
            edge.ask(request("GET", PROFILE, &[PASSWORD])).await.status,
            401
        );
    }
    let locked = edge.ask(request("GET", PROFILE, &[PASSWORD])).await;
    locked.assert_is(Reason::GuessingLockout, "after three");
    assert_eq!(locked.headers["retry-after"], "300");
    assert!(locked.text.contains("<ErrorInfo"));
    assert_eq!(edge.metric("xspd_http_lockouts_total"), 1);
    edge.reload();
    let hidden = request("GET", PROFILE, &[TOKEN, PASSWORD]);
    edge.ask(hidden)
        .await
        .assert_is(Reason::GuessingLockout, "behind a token, reloaded");
    let other = edge.ask_as(
        request("GET", PROFILE, &[PASSWORD]),
        from("192.0.2.8"),
        Some(0),
    );
    assert_eq!(other.await.status, 401);
    assert_eq!(
        edge.ask(request("GET", PROFILE, &[TOKEN])).await.status,
        401
    );
    assert_eq!(edge.ask(request("GET", PROFILE, &[])).await.status, 401);
    assert_eq!(fake.heard().len(), 9);
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_client_is_locked_out_not_the_proxy() {
    let (edge, _fake) = guarded().await;
    let ask = async |client: &str| {
        let headers = [PASSWORD, ("x-forwarded-for", client)];
        let asked = edge.ask_as(request("GET", PROFILE, &headers), from("10.0.0.1"), Some(0));
        asked.await.status.as_u16()
    };
    for _ in 0..3 {
        assert_eq!(ask("6.6.6.6, 198.51.100.7").await, 401);
    }
    assert_eq!(ask("7.7.7.7, 198.51.100.7").await, 429);
    assert_eq!(ask("198.51.100.8").await, 401);
}

#[tokio::test]
async fn a_user_has_a_rate_and_so_have_all_together() {
    let fake = Fake::start([Script::ok()]).await;
    let slow = |burst| Rate {
        per_second: 0.01,
        burst,
    };
    let mut edge = Edge::new(config(&[fake.address], |config| {
        config.policy.user_rate = Some(slow(2));
        config.policy.rate = Some(slow(5));
    }));
    let of = |user: &str| {
        let target = format!("/com.broadsoft.xsi-actions/v2.0/user/{user}/calls");
        request("GET", &target, &[])
    };
    assert_eq!(edge.ask(of("alice@as")).await.status, 200);
    assert_eq!(edge.ask(of("ALICE%40as")).await.status, 200);
    for _ in 0..10 {
        let limited = edge.ask(of("alice@as")).await;
        limited.assert_is(Reason::UserRateLimit, "the third of one user");
        assert_eq!(limited.headers["retry-after"], "100");
    }
    for user in ["b", "c", "d"] {
        assert_eq!(edge.ask(of(user)).await.status, 200);
    }
    edge.ask(of("e"))
        .await
        .assert_is(Reason::RateLimit, "the sixth of all");
    edge.reload();
    edge.ask(of("f"))
        .await
        .assert_is(Reason::RateLimit, "after a reload");
    assert_eq!(fake.heard().len(), 5);
}
