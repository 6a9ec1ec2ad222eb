//! All pools together.

use std::sync::Arc;

use http::Method;

use super::fake::Fake;
use super::fake::Script;
use super::setup::Bench;
use super::setup::PLAN;
use super::setup::config;
use super::setup::metrics;
use super::setup::pool;
use super::setup::request;
use crate::config::Affinity;
use crate::config::UpstreamTls;
use crate::domain::upstream::Failure;
use crate::domain::upstream::health::Change;
use crate::outbound::Pools;
use crate::outbound::SendPlan;

#[test]
fn inner_authorities_are_known_by_address_alias_and_implied_port() {
    let mut farm = pool(&[
        "127.0.0.1:80".parse().unwrap(),
        "[::1]:8080".parse().unwrap(),
    ]);
    farm.upstreams[0].aliases = vec!["XSP1.example.com".to_owned(), "xsp1:8443".to_owned()];
    let (metrics, _registry) = metrics();
    let pools = Pools::build(&config([farm]), &metrics).unwrap();
    let table = [
        ("127.0.0.1", true),
        ("127.0.0.1:80", true),
        ("127.0.0.1:443", false),
        ("xsp1.EXAMPLE.com", true),
        ("xsp1.example.com:443", true),
        ("xsp1.example.com:80", true),
        ("xsp1.example.com:8443", false),
        ("xsp1:8443", true),
        ("xsp1", false),
        ("[::1]:8080", true),
        ("[::1]", false),
        ("user@127.0.0.1", false),
        ("", false),
    ];
    for (authority, inner) in table {
        assert_eq!(pools.is_inner_authority(authority), inner, "{authority}");
    }
    assert!(pools.get("farm").is_some());
    assert!(pools.get("other").is_none());
}

#[test]
fn all_that_is_wrong_with_the_pools_is_told_at_once() {
    let address = "127.0.0.1:443".parse().unwrap();
    let mut farm = pool(&[address, address, address]);
    farm.upstreams[0].host_header = Some("a\nb".to_owned());
    farm.upstreams[1].tls = Some(UpstreamTls {
        ca: Some("/nowhere/ca.pem".into()),
        pins: Vec::new(),
        server_name: "xsp2".to_owned(),
        client_certificate: None,
    });
    farm.upstreams[2].tls = Some(UpstreamTls {
        ca: None,
        pins: vec![[0; 32]],
        server_name: "not a name".to_owned(),
        client_certificate: None,
    });
    let mut other = pool(&[address]);
    other.name = "other".to_owned();
    other.health.path = "health".to_owned();
    let (metrics, _registry) = metrics();
    let errors = Pools::build(&config([farm, other]), &metrics)
        .err()
        .unwrap();
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), 4, "{texts:?}");
    assert!(texts[0].contains("pool.farm, upstream xsp1: the Host header"));
    assert!(
        texts[1].contains("/nowhere/ca.pem: cannot be read"),
        "{}",
        texts[1]
    );
    assert_eq!(texts[1].matches("No such file").count(), 1, "{}", texts[1]);
    assert!(texts[2].contains("\"not a name\" is no server name"));
    assert!(texts[3].contains("pool.other: the health check's path"));
}

#[test]
fn the_pools_are_ready_while_each_has_an_upstream_that_is_fit() {
    let address = "127.0.0.1:80".parse().unwrap();
    let (metrics, _registry) = metrics();
    let pools = Pools::build(&config([pool(&[address, address])]), &metrics).unwrap();
    let upstreams: Vec<_> = pools.upstreams().cloned().collect();
    assert!(pools.ready());
    upstreams[0].announce(Change::Down(Failure::ConnectFailed));
    assert!(pools.ready());
    upstreams[1].announce(Change::Ejected(Failure::ConnectFailed));
    assert!(!pools.ready());
    upstreams[1].announce(Change::Probation);
    assert!(pools.ready());
}

#[tokio::test]
async fn a_user_stays_at_one_upstream_until_it_is_lost_and_comes_back_with_it() {
    let fakes = [
        Fake::start([Script::ok()]).await,
        Fake::start([Script::ok()]).await,
        Fake::start([Script::ok()]).await,
    ];
    let mut farm = pool(&fakes.each_ref().map(|fake| fake.address));
    farm.affinity = Affinity::User;
    let bench = Bench::new(&farm);
    let served = async |user: u64| {
        let plan = SendPlan {
            affinity: Some(user),
            ..PLAN
        };
        let sent = bench.pool.send(request(Method::GET, "/x", ""), &plan).await;
        sent.unwrap().upstream
    };
    for user in 0..20 {
        let home = served(user).await;
        assert_eq!(served(user).await, home);
        let upstream = bench
            .pool
            .upstreams()
            .iter()
            .find(|one| *one.name() == home);
        let upstream = Arc::clone(upstream.unwrap());
        upstream.announce(Change::Down(Failure::ConnectFailed));
        let refuge = served(user).await;
        assert_ne!(refuge, home);
        assert_eq!(served(user).await, refuge);
        upstream.announce(Change::Up);
        assert_eq!(served(user).await, home);
    }
}

#[tokio::test]
async fn requests_without_a_user_take_turns() {
    let fakes = [
        Fake::start([Script::ok()]).await,
        Fake::start([Script::ok()]).await,
    ];
    let bench = Bench::new(&pool(&fakes.each_ref().map(|fake| fake.address)));
    for _ in 0..10 {
        bench.text(Method::GET).await.unwrap();
    }
    assert_eq!(fakes[0].heard().len(), 5);
    assert_eq!(fakes[1].heard().len(), 5);
}

#[tokio::test]
async fn a_farm_whose_checks_all_fail_still_gets_requests() {
    let fake = Fake::start([Script::ok()]).await;
    let bench = Bench::new(&pool(&[fake.address]));
    bench.pool.upstreams()[0].announce(Change::Down(Failure::ServerError));
    assert_eq!(bench.text(Method::GET).await.unwrap(), "200 ok");
    assert_eq!(bench.metric("xspd_upstream_last_resort_requests_total"), 1);
}

#[tokio::test]
async fn an_upstream_on_probation_gets_one_request_at_a_time() {
    let fakes = [
        Fake::start([Script::ok()]).await,
        Fake::start([Script::ok()]).await,
    ];
    let bench = Bench::new(&pool(&fakes.each_ref().map(|fake| fake.address)));
    bench.pool.upstreams()[0].announce(Change::Probation);
    let requests = (0..8).map(|_| bench.text(Method::GET));
    for answer in futures_util::future::join_all(requests).await {
        assert_eq!(answer.unwrap(), "200 ok");
    }
    assert_eq!(fakes[0].accepted(), 1);
    assert!(fakes[1].heard().len() >= 4);
}
