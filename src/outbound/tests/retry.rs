//! What may be sent again, and what never.

use http::Method;

use super::fake::Fake;
use super::fake::OK;
use super::fake::Script;
use super::setup::Bench;
use super::setup::nobody;
use super::setup::pool;
use crate::outbound::SendFailure;

/// One good answer, then the next request is heard and not answered.
fn answers_once() -> Script {
    Script::new().hear().say(OK).hear()
}

#[tokio::test]
async fn a_get_on_a_connection_that_closes_under_it_is_sent_once_more() {
    for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
        let fake = Fake::start([answers_once(), Script::ok()]).await;
        let bench = Bench::new(&pool(&[fake.address]));
        bench.text(Method::GET).await.unwrap();
        let sent = bench
            .pool
            .send(super::setup::request(method, "/x", ""), &super::setup::PLAN);
        assert_eq!(sent.await.unwrap().response.status(), 200);
        assert_eq!(fake.heard().len(), 3);
        assert_eq!(bench.metric("xspd_upstream_retries_total"), 1);
    }
}

#[tokio::test]
async fn a_post_on_a_connection_that_closes_under_it_is_never_sent_again() {
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let fake = Fake::start([answers_once(), Script::ok()]).await;
        let bench = Bench::new(&pool(&[fake.address]));
        bench.text(Method::GET).await.unwrap();
        let failure = bench.text(method).await.unwrap_err();
        assert_eq!(
            failure,
            SendFailure::ClosedBeforeAnswer {
                upstream: "xsp1".into()
            }
        );
        assert_eq!(fake.heard().len(), 2, "the GET and one attempt");
        assert_eq!(fake.accepted(), 1);
    }
}

#[tokio::test]
async fn a_get_is_repeated_only_once() {
    let fake = Fake::start([answers_once(), Script::new().hear()]).await;
    let bench = Bench::new(&pool(&[fake.address]));
    bench.text(Method::GET).await.unwrap();
    let failure = bench.text(Method::GET).await.unwrap_err();
    assert_eq!(failure.as_str(), "closed-before-answer");
    assert_eq!(fake.heard().len(), 3);
}

#[tokio::test]
async fn a_request_is_not_repeated_once_a_byte_of_the_answer_came() {
    let fake = Fake::start([Script::new().hear().say("HTTP/1.1 2"), Script::ok()]).await;
    let bench = Bench::new(&pool(&[fake.address]));
    let failure = bench.text(Method::GET).await.unwrap_err();
    assert_eq!(failure.as_str(), "closed-before-answer");
    assert_eq!(fake.heard().len(), 1);
}

/// The connection was closed while it was idle and nothing of the request goes out on it, so it
/// goes elsewhere, whatever the method.
#[tokio::test]
async fn a_request_that_was_never_sent_goes_to_a_fresh_connection() {
    let fake = Fake::start([Script::new().hear().say(OK), Script::ok()]).await;
    let other = Fake::start([Script::ok()]).await;
    let bench = Bench::new(&pool(&[fake.address]));
    bench.text(Method::GET).await.unwrap();
    fake.ended(1).await;
    // A round trip to another fake, so that the runtime has looked at its sockets since.
    Bench::new(&pool(&[other.address]))
        .text(Method::GET)
        .await
        .unwrap();
    assert_eq!(bench.text(Method::POST).await.unwrap(), "200 ok");
    assert_eq!(fake.heard().len(), 2);
    assert_eq!(fake.accepted(), 2);
}

#[tokio::test]
async fn a_connection_idle_for_too_long_is_not_used() {
    let fake = Fake::start([Script::ok()]).await;
    let mut config = pool(&[fake.address]);
    config.keep_alive = std::time::Duration::ZERO;
    let bench = Bench::new(&config);
    bench.text(Method::POST).await.unwrap();
    bench.text(Method::POST).await.unwrap();
    assert_eq!(fake.accepted(), 2);
    bench.pool.upstreams()[0].sweep();
    fake.ended(2).await;
    let idle = "xspd_upstream_connections{pool=\"farm\",upstream=\"xsp1\",state=\"idle\"}";
    assert_eq!(bench.metric(idle), 0);
}

#[tokio::test]
async fn when_one_upstream_refuses_connections_every_request_goes_to_the_other() {
    let fake = Fake::start([Script::ok()]).await;
    let bench = Bench::new(&pool(&[nobody(), fake.address]));
    for method in [Method::GET, Method::POST, Method::DELETE, Method::PUT] {
        let sent = super::setup::request(method, "/x", "");
        let sent = bench.pool.send(sent, &super::setup::PLAN).await.unwrap();
        assert_eq!(&*sent.upstream, "xsp2");
        assert_eq!(sent.text().await.unwrap(), "200 ok");
    }
    assert_eq!(fake.heard().len(), 4);
}

#[tokio::test]
async fn a_body_not_yet_sent_moves_on_with_its_request() {
    let fake = Fake::start([Script::ok()]).await;
    let bench = Bench::new(&pool(&[nobody(), nobody(), fake.address]));
    let plan = crate::outbound::SendPlan {
        body_is_empty: false,
        ..super::setup::PLAN
    };
    let request = super::setup::request(Method::POST, "/x", "<call/>");
    let sent = bench.pool.send(request, &plan).await.unwrap();
    assert_eq!(sent.text().await.unwrap(), "200 ok");
    assert!(fake.heard()[0].ends_with("<call/>"));
}

#[tokio::test]
async fn each_upstream_is_tried_once_and_the_last_failure_told() {
    let bench = Bench::new(&pool(&[nobody(), nobody()]));
    let failure = bench.text(Method::GET).await.unwrap_err();
    assert_eq!(failure.as_str(), "connect-failed");
    for upstream in ["xsp1", "xsp2"] {
        let requests =
            format!("xspd_upstream_requests_total{{pool=\"farm\",upstream=\"{upstream}\"}}");
        assert_eq!(bench.metric(&requests), 1);
    }
}

#[tokio::test]
async fn a_connection_closed_at_once_does_not_loop() {
    let fake = Fake::start([Script::new()]).await;
    let bench = Bench::new(&pool(&[fake.address]));
    let failure = bench.text(Method::POST).await.unwrap_err();
    assert_eq!(failure.as_str(), "closed-before-answer");
    assert!(fake.accepted() <= 2);
}
