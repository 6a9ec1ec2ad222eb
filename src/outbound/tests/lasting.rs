//! Answers that may last, read without hyper behind their head.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt;
use tokio::sync::Semaphore;

use crate::outbound::SendPlan;
use crate::outbound::Sent;
use crate::outbound::UpstreamBody;
use crate::outbound::UpstreamBodyError;
use crate::outbound::tests::fake::Fake;
use crate::outbound::tests::fake::Script;
use crate::outbound::tests::setup::Bench;
use crate::outbound::tests::setup::PLAN;
use crate::outbound::tests::setup::SHORT;
use crate::outbound::tests::setup::pool;
use crate::outbound::tests::setup::request;

const LASTING: SendPlan = SendPlan {
    body_is_empty: false,
    may_last: true,
    ..PLAN
};

const HEAD: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

async fn open(bench: &Bench) -> Sent {
    let request = request(Method::POST, "/channel", "<Channel/>");
    bench.pool.send(request, &LASTING).await.unwrap()
}

async fn next(body: &mut UpstreamBody) -> Option<Result<Bytes, UpstreamBodyError>> {
    let frame = body.frame().await?;
    Some(frame.map(|frame| frame.into_data().unwrap()))
}

#[tokio::test]
async fn each_chunk_is_one_piece_whenever_it_comes() {
    let gate = Arc::new(Semaphore::new(0));
    let script = Script::new()
        .hear()
        .say("HTTP/1.1 100 Continue\r\n\r\n")
        .say(format!("{HEAD}2\r\nab\r\n3\r\ncde\r\n1"))
        .wait_for(&gate)
        .say("\r\nf\r\n")
        .wait_for(&gate)
        .say("0\r\n\r\n")
        .hold();
    let fake = Fake::start([script]).await;
    let bench = Bench::new(&pool(&[fake.address]));
    let mut body = open(&bench).await.response.into_body();
    for text in ["ab", "cde"] {
        assert_eq!(next(&mut body).await.unwrap().unwrap(), text);
    }
    gate.add_permits(1);
    assert_eq!(next(&mut body).await.unwrap().unwrap(), "f");
    gate.add_permits(1);
    assert!(next(&mut body).await.is_none());
    // It is not used again.
    fake.ended(1).await;
    assert!(fake.heard()[0].ends_with("<Channel/>"));
}

#[tokio::test]
async fn one_that_breaks_off_ends_with_an_error() {
    for broken in ["", "5\r\n12", "zz\r\n", "2\r\nabc\r\n"] {
        let fake = Fake::start([Script::new()
            .hear()
            .say(format!("{HEAD}1\r\nx\r\n{broken}"))]);
        let fake = fake.await;
        let bench = Bench::new(&pool(&[fake.address]));
        let mut body = open(&bench).await.response.into_body();
        assert_eq!(next(&mut body).await.unwrap().unwrap(), "x");
        let error = loop {
            if let Err(error) = next(&mut body).await.unwrap() {
                break error;
            }
        };
        assert!(matches!(error, UpstreamBodyError::Lost(_)), "{broken}");
        let failures = "xspd_upstream_failures_total{pool=\"farm\",upstream=\"xsp1\",reason=\"closed-during-answer\"}";
        assert_eq!(bench.metric(failures), 1);
        let active = "xspd_upstream_connections{pool=\"farm\",upstream=\"xsp1\",state=\"active\"}";
        assert_eq!(bench.metric(active), 0);
    }
}

#[tokio::test]
async fn a_pause_longer_than_allowed_ends_it() {
    let fake = Fake::start([Script::new().hear().say(HEAD).hold()]).await;
    let bench = Bench::new(&pool(&[fake.address]));
    let plan = SendPlan {
        idle_timeout: SHORT,
        ..LASTING
    };
    let request = request(Method::POST, "/channel", "<Channel/>");
    let sent = bench.pool.send(request, &plan).await.unwrap();
    let error = next(&mut sent.response.into_body()).await.unwrap();
    assert!(matches!(error, Err(UpstreamBodyError::IdleTimeout(SHORT))));
    fake.ended(1).await;
}

#[tokio::test]
async fn one_that_nobody_wants_any_more_closes_its_connection() {
    let fake = Fake::start([Script::new().hear().say(HEAD).hold()]).await;
    let bench = Bench::new(&pool(&[fake.address]));
    drop(open(&bench).await);
    fake.ended(1).await;
}

#[tokio::test]
async fn an_answer_that_turns_out_to_end_goes_the_usual_way() {
    for (answer, text) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", "200 ok"),
        ("HTTP/1.1 404 No\r\ncontent-length: 2\r\n\r\nno", "404 no"),
        (
            "HTTP/1.1 503 No\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
            "503 no",
        ),
        ("HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n", "302 "),
    ] {
        let fake = Fake::start([Script::always(answer)]).await;
        let bench = Bench::new(&pool(&[fake.address]));
        for _ in 0..2 {
            assert_eq!(open(&bench).await.text().await.unwrap(), text);
        }
        assert_eq!(fake.accepted(), 1, "the connection is kept");
    }
}
