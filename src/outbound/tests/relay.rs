//! Bytes there and back.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use http::header::CONTENT_LENGTH;
use http_body_util::Full;
use http_body_util::StreamBody;
use tokio::sync::Semaphore;

use super::fake::Fake;
use super::fake::OK;
use super::fake::Script;
use super::setup::Bench;
use super::setup::LONG;
use super::setup::PLAN;
use super::setup::nobody;
use super::setup::pool;
use super::setup::request;
use crate::outbound::SendPlan;
use crate::platform::tasks::Tasks;

const WITH_BODY: SendPlan = SendPlan {
    body_is_empty: false,
    ..PLAN
};

#[tokio::test]
async fn the_target_goes_out_byte_for_byte() {
    let fake = Fake::start([Script::ok()]).await;
    let bench = Bench::new(&pool(&[fake.address]));
    let target = "/com.broadsoft.xsi-actions/v2.0/user/a%2Fb@x//../;p=1/Ä%c3?q=%20+a&&x=?";
    let sent = bench
        .pool
        .send(request(Method::GET, target, ""), &PLAN)
        .await;
    assert_eq!(sent.unwrap().text().await.unwrap(), "200 ok");
    assert_eq!(
        fake.heard(),
        [format!(
            "GET {target} HTTP/1.1\r\nhost: xsp.example.com\r\n\r\n"
        )]
    );
}

#[tokio::test]
async fn an_upstreams_own_host_header_replaces_the_clients_for_it_alone() {
    let fake = Fake::start([Script::ok()]).await;
    let mut config = pool(&[nobody(), nobody(), fake.address]);
    config.upstreams[0].host_header = Some("one.example.com".to_owned());
    config.upstreams[1].host_header = Some("two.example.com".to_owned());
    let bench = Bench::new(&config);
    bench.get().await.unwrap();
    assert!(fake.heard()[0].contains("host: xsp.example.com\r\n"));

    config.upstreams[2].host_header = Some("three.example.com:81".to_owned());
    let bench = Bench::new(&config);
    bench.get().await.unwrap();
    assert!(fake.heard()[1].contains("host: three.example.com:81\r\n"));
    assert!(!fake.heard()[1].contains("xsp.example.com"));
}

#[tokio::test]
async fn one_connection_carries_request_after_request() {
    let fake = Fake::start([Script::ok()]).await;
    let bench = Bench::new(&pool(&[fake.address]));
    for _ in 0..5 {
        assert_eq!(bench.text(Method::GET).await.unwrap(), "200 ok");
        assert_eq!(bench.text(Method::POST).await.unwrap(), "200 ok");
    }
    assert_eq!(fake.accepted(), 1);
    assert_eq!(fake.heard().len(), 10);
    assert_eq!(bench.metric("xspd_upstream_requests_total"), 10);
    assert_eq!(bench.metric("xspd_upstream_retries_total"), 0);
    let connections = "xspd_upstream_connections{pool=\"farm\",upstream=\"xsp1\",state=";
    assert_eq!(bench.metric(&format!("{connections}\"idle\"")), 1);
    assert_eq!(bench.metric(&format!("{connections}\"active\"")), 0);
}

#[tokio::test]
async fn a_connection_goes_back_after_every_kind_of_answer_that_allows_it() {
    let large = "x".repeat(300_000);
    let by_length = format!("HTTP/1.1 200 OK\r\ncontent-length: 300000\r\n\r\n{large}");
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n",
        large.len()
    );
    let script = Script::new()
        .hear()
        .say(by_length)
        .hear()
        .say(chunked)
        .hear()
        .say("HTTP/1.1 204 No Content\r\n\r\n")
        .hear()
        .say("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n")
        .say(OK);
    let fake = Fake::start([script]).await;
    let bench = Bench::new(&pool(&[fake.address]));
    assert_eq!(
        bench.text(Method::GET).await.unwrap(),
        format!("200 {large}")
    );
    assert_eq!(
        bench.text(Method::GET).await.unwrap(),
        format!("200 {large}")
    );
    assert_eq!(bench.text(Method::GET).await.unwrap(), "204 ");
    assert_eq!(bench.text(Method::GET).await.unwrap(), "200 ok");
    assert_eq!(fake.accepted(), 1);
}

#[tokio::test]
async fn a_head_request_has_no_body_to_wait_for() {
    let fake = Fake::start([Script::always(
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n",
    )])
    .await;
    let bench = Bench::new(&pool(&[fake.address]));
    assert_eq!(bench.text(Method::HEAD).await.unwrap(), "200 ");
    assert_eq!(bench.text(Method::HEAD).await.unwrap(), "200 ");
    assert_eq!(fake.accepted(), 1);
}

#[tokio::test]
async fn an_answer_that_ends_with_its_connection_is_relayed_and_the_connection_not_kept() {
    for answer in [
        "HTTP/1.1 200 OK\r\n\r\nok",
        "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",
    ] {
        let fake = Fake::start([Script::new().hear().say(answer)]).await;
        let bench = Bench::new(&pool(&[fake.address]));
        assert_eq!(bench.text(Method::GET).await.unwrap(), "200 ok");
        assert_eq!(bench.text(Method::GET).await.unwrap(), "200 ok");
        assert_eq!(fake.accepted(), 2, "{answer}");
    }
}

#[tokio::test]
async fn bodies_go_out_with_every_method() {
    let fake = Fake::start([Script::ok()]).await;
    let bench = Bench::new(&pool(&[fake.address]));
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::GET] {
        let sent = bench
            .pool
            .send(request(method, "/x", "<a/>"), &WITH_BODY)
            .await;
        assert_eq!(sent.unwrap().text().await.unwrap(), "200 ok");
        let heard = fake.heard().pop().unwrap();
        assert!(heard.contains("content-length: 4\r\n"), "{heard}");
        assert!(heard.ends_with("\r\n\r\n<a/>"), "{heard}");
    }
    assert_eq!(fake.accepted(), 1);
}

#[tokio::test]
async fn bodies_of_unknown_length_go_out_in_chunks() {
    let fake = Fake::start([Script::ok()]).await;
    let bench = Bench::new(&pool(&[fake.address]));
    for method in [Method::POST, Method::GET] {
        let pieces = ["<a>", "</a>"].map(|piece| {
            Ok::<_, std::io::Error>(http_body::Frame::data(Bytes::from_static(piece.as_bytes())))
        });
        let body = StreamBody::new(futures_util::stream::iter(pieces));
        let request = request(method, "/x", "").map(|_| body);
        let sent = bench.pool.send(request, &WITH_BODY).await;
        assert_eq!(sent.unwrap().text().await.unwrap(), "200 ok");
        let heard = fake.heard().pop().unwrap();
        assert!(heard.contains("transfer-encoding: chunked\r\n"), "{heard}");
        assert!(
            heard.ends_with("3\r\n<a>\r\n4\r\n</a>\r\n0\r\n\r\n"),
            "{heard}"
        );
    }
}

#[tokio::test]
async fn an_empty_body_is_always_announced_as_empty() {
    let fake = Fake::start([Script::ok()]).await;
    let bench = Bench::new(&pool(&[fake.address]));
    for announced in [Some("0"), Some("17"), None] {
        let mut request = request(Method::PUT, "/x", "").map(|_| Full::new(Bytes::new()));
        if let Some(announced) = announced {
            let announced = announced.parse().unwrap();
            request.headers_mut().insert(CONTENT_LENGTH, announced);
        }
        let sent = bench.pool.send(request, &PLAN).await;
        assert_eq!(sent.unwrap().text().await.unwrap(), "200 ok");
        let heard = fake.heard().pop().unwrap();
        assert!(heard.contains("content-length: 0\r\n"), "{heard}");
    }
    assert_eq!(fake.accepted(), 1);
}

#[tokio::test]
async fn an_answer_before_the_end_of_the_upload_is_relayed_and_its_connection_closed() {
    let early = "HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno";
    let fake = Fake::start([Script::new().hear_head().say(early).hold(), Script::ok()]).await;
    let bench = Bench::new(&pool(&[fake.address]));
    let endless = futures_util::stream::repeat_with(|| {
        Ok::<_, std::io::Error>(http_body::Frame::data(Bytes::from_static(&[b'x'; 1024])))
    });
    let request = request(Method::POST, "/x", "").map(|_| StreamBody::new(endless));
    let sent = bench.pool.send(request, &WITH_BODY).await.unwrap();
    assert_eq!(sent.text().await.unwrap(), "413 no");
    fake.ended(1).await;
    assert_eq!(bench.text(Method::GET).await.unwrap(), "200 ok");
}

/// Connections move between tasks and threads with every request; a wake-up that went to the last
/// user instead of the present one would leave a request waiting.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn connections_shared_by_many_tasks_lose_no_wake_up() {
    let piece = "x".repeat(20_000);
    let chunk = format!("{:x}\r\n{piece}\r\n", piece.len());
    let chunked = Script::new()
        .hear()
        .say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        .say(chunk.clone())
        .say(chunk)
        .say("0\r\n\r\n")
        .hear()
        .say(OK)
        .again();
    let fakes = [
        Fake::start([chunked.clone()]).await,
        Fake::start([chunked]).await,
    ];
    let mut config = pool(&fakes.each_ref().map(|fake| fake.address));
    config.connections = 4;
    let bench = Arc::new(Bench::new(&config));
    let tasks = Tasks::new();
    let answered = Arc::new(Semaphore::new(0));
    for _ in 0..8 {
        let (bench, answered) = (Arc::clone(&bench), Arc::clone(&answered));
        tasks.connection(async move {
            for _ in 0..100 {
                let text = bench.text(Method::GET).await.unwrap();
                assert!(["200 ok".len(), 40_004].contains(&text.len()));
                answered.add_permits(1);
            }
        });
    }
    let all = answered.acquire_many(800);
    let all = tokio::time::timeout(LONG, all).await;
    assert!(all.is_ok(), "{} of 800", answered.available_permits());
    tasks.join().await;
    assert_eq!(tasks.connection_panics(), 0);
    assert!(fakes.iter().all(|fake| fake.accepted() <= 4));
}
