//! Time limits, caps, and answers that are none.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http_body::Body;
use http_body::Frame;
use http_body_util::BodyExt;
use tokio::sync::Semaphore;
use tokio::time::Sleep;
use tokio::time::sleep;

use super::fake::Fake;
use super::fake::OK;
use super::fake::Script;
use super::setup::Bench;
use super::setup::LONG;
use super::setup::PLAN;
use super::setup::SHORT;
use super::setup::pool;
use super::setup::request;
use crate::outbound::SendFailure;
use crate::outbound::SendPlan;
use crate::outbound::UpstreamBodyError;
use crate::outbound::read_capped;

const IMPATIENT: SendPlan = SendPlan {
    response_timeout: SHORT,
    ..PLAN
};

async fn failure_of(script: Script) -> (String, Fake) {
    let fake = Fake::start([script, Script::ok()]).await;
    let bench = Bench::new(&pool(&[fake.address]));
    let failure = bench.text(Method::GET).await.unwrap_err();
    (failure.as_str().to_owned(), fake)
}

#[tokio::test]
async fn a_silent_upstream_is_given_up_and_the_request_not_repeated() {
    let fake = Fake::start([Script::new().hear().hold(), Script::ok()]).await;
    let bench = Bench::new(&pool(&[fake.address]));
    let sent = bench
        .pool
        .send(request(Method::GET, "/x", ""), &IMPATIENT)
        .await;
    assert_eq!(sent.err().unwrap().as_str(), "response-timeout");
    fake.ended(1).await;
    assert_eq!(fake.heard().len(), 1);
    assert_eq!(bench.text(Method::GET).await.unwrap(), "200 ok");
}

#[tokio::test]
async fn a_time_limit_left_over_from_an_earlier_request_does_not_cut_a_later_one() {
    // Whoever answers at once is in time, whatever else the machine does.
    const LIMIT: Duration = Duration::from_secs(2);
    let gate = Arc::new(Semaphore::new(0));
    let script = Script::new().hear().say(OK).hear().wait_for(&gate).say(OK);
    let fake = Fake::start([script]).await;
    let bench = Bench::new(&pool(&[fake.address]));
    let plan = SendPlan {
        response_timeout: LIMIT,
        ..PLAN
    };
    let sent = bench.pool.send(request(Method::GET, "/x", ""), &plan).await;
    sent.unwrap().text().await.unwrap();
    let (answer, ()) = tokio::join!(bench.text(Method::GET), async {
        sleep(LIMIT + SHORT).await;
        gate.add_permits(1);
    });
    assert_eq!(answer.unwrap(), "200 ok");
    assert_eq!(fake.accepted(), 1);
}

/// A body whose pieces come slowly, and which may break off at its end.
struct SlowBody {
    pieces: u32,
    pause: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    breaks: bool,
}

impl Body for SlowBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let pause = self.pause;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep(pause)));
        std::task::ready!(sleep.as_mut().poll(cx));
        self.sleep = None;
        Poll::Ready(if self.pieces == 0 {
            let broken = std::io::Error::other("the client went away");
            self.breaks.then_some(Err(broken))
        } else {
            self.pieces -= 1;
            Some(Ok(Frame::data(Bytes::from_static(b"piece"))))
        })
    }
}

#[tokio::test]
async fn a_long_upload_is_not_cut_by_the_time_limit_of_the_answer() {
    const LIMIT: Duration = Duration::from_secs(2);
    for (pieces, pause) in [(6, LIMIT / 5), (1, LIMIT + SHORT)] {
        let fake = Fake::start([Script::ok()]).await;
        let bench = Bench::new(&pool(&[fake.address]));
        let body = SlowBody {
            pieces,
            pause,
            sleep: None,
            breaks: false,
        };
        let plan = SendPlan {
            body_is_empty: false,
            response_timeout: LIMIT,
            ..PLAN
        };
        let request = request(Method::POST, "/x", "").map(|_| body);
        let sent = bench.pool.send(request, &plan).await;
        assert_eq!(sent.unwrap().text().await.unwrap(), "200 ok");
    }
}

#[tokio::test]
async fn the_time_limit_of_the_answer_starts_after_the_upload() {
    let fake = Fake::start([Script::new().hear().hold()]).await;
    let bench = Bench::new(&pool(&[fake.address]));
    let plan = SendPlan {
        body_is_empty: false,
        ..IMPATIENT
    };
    let sent = bench
        .pool
        .send(request(Method::POST, "/x", "<a/>"), &plan)
        .await;
    assert_eq!(sent.err().unwrap().as_str(), "response-timeout");
}

#[tokio::test]
async fn a_clients_broken_body_is_the_clients_fault() {
    let fake = Fake::start([Script::new().hold()]).await;
    let mut config = pool(&[fake.address]);
    config.ejection.failures = 1;
    let bench = Bench::new(&config);
    let body = SlowBody {
        pieces: 2,
        pause: Duration::ZERO,
        sleep: None,
        breaks: true,
    };
    let plan = SendPlan {
        body_is_empty: false,
        ..PLAN
    };
    let request = request(Method::POST, "/x", "").map(|_| body);
    let failure = bench.pool.send(request, &plan).await.err().unwrap();
    assert_eq!(
        failure,
        SendFailure::RequestBody {
            upstream: "xsp1".into()
        }
    );
    fake.ended(1).await;
    let mut inputs = bench.pool.upstreams()[0].take_inputs().unwrap();
    assert!(inputs.try_recv().is_err(), "the upstream was blamed");
}

#[tokio::test]
async fn a_pause_in_the_answer_ends_it_with_an_error() {
    let begun = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345";
    let fake = Fake::start([Script::new().hear().say(begun).hold()]).await;
    let bench = Bench::new(&pool(&[fake.address]));
    let plan = SendPlan {
        idle_timeout: SHORT,
        ..PLAN
    };
    let sent = bench.pool.send(request(Method::GET, "/x", ""), &plan).await;
    let mut body = sent.unwrap().response.into_body();
    let piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(piece, "12345");
    let error = body.frame().await.unwrap().unwrap_err();
    assert!(matches!(error, UpstreamBodyError::IdleTimeout(SHORT)));
    fake.ended(1).await;
    let idle =
        "xspd_upstream_failures_total{pool=\"farm\",upstream=\"xsp1\",reason=\"idle-timeout\"}";
    assert_eq!(bench.metric(idle), 1);
}

#[tokio::test]
async fn an_answer_that_keeps_coming_has_no_total_limit() {
    // Longer in all than one pause may be.
    const PIECES: usize = 20;
    let gate = Arc::new(Semaphore::new(0));
    let mut script = Script::new()
        .hear()
        .say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    for _ in 0..PIECES {
        script = script.wait_for(&gate).say("1\r\nx\r\n");
    }
    let fake = Fake::start([script.say("0\r\n\r\n").hold()]).await;
    let bench = Bench::new(&pool(&[fake.address]));
    let plan = SendPlan {
        idle_timeout: SHORT * 15,
        ..PLAN
    };
    let sent = bench
        .pool
        .send(request(Method::GET, "/x", ""), &plan)
        .await
        .unwrap();
    let (text, ()) = tokio::join!(sent.text(), async {
        for _ in 0..PIECES {
            sleep(SHORT).await;
            gate.add_permits(1);
        }
    });
    assert_eq!(text.unwrap(), format!("200 {}", "x".repeat(PIECES)));
}

#[tokio::test]
async fn an_answer_that_breaks_off_ends_with_an_error() {
    for broken in [
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\nzz\r\n",
    ] {
        let fake = Fake::start([Script::new().hear().say(broken)]).await;
        let bench = Bench::new(&pool(&[fake.address]));
        let mut body = bench.get().await.unwrap().response.into_body();
        let piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(piece, "12345");
        let error = body.frame().await.unwrap().unwrap_err();
        assert!(matches!(error, UpstreamBodyError::Lost(_)), "{broken}");
        let failures = "xspd_upstream_failures_total{pool=\"farm\",upstream=\"xsp1\",reason=\"closed-during-answer\"}";
        assert_eq!(bench.metric(failures), 1);
    }
}

#[tokio::test]
async fn an_answer_that_nobody_wants_any_more_closes_its_connection() {
    let begun = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n";
    let fake = Fake::start([Script::new().hear().say(begun).hold(), Script::ok()]).await;
    let bench = Bench::new(&pool(&[fake.address]));
    drop(bench.get().await.unwrap());
    fake.ended(1).await;
    assert_eq!(bench.text(Method::GET).await.unwrap(), "200 ok");
}

#[tokio::test]
async fn a_request_that_nobody_waits_for_any_more_closes_its_connection() {
    let fake = Fake::start([Script::new().hear().hold()]).await;
    let bench = Bench::new(&pool(&[fake.address]));
    let waited = tokio::time::timeout(SHORT, bench.get()).await;
    assert!(waited.is_err());
    fake.ended(1).await;
    let active = "xspd_upstream_connections{pool=\"farm\",upstream=\"xsp1\",state=\"active\"}";
    assert_eq!(bench.metric(active), 0);
}

#[tokio::test]
async fn an_upstream_writes_no_more_than_the_client_reads() {
    const PIECE: usize = 1 << 20;
    let gate = Arc::new(Semaphore::new(0));
    let written = Arc::new(Semaphore::new(0));
    let mut script = Script::new()
        .hear()
        .say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    for _ in 0..64 {
        let chunk = format!("{PIECE:x}\r\n{}\r\n", "x".repeat(PIECE));
        script = script.say(chunk).release(&written);
    }
    let fake = Fake::start([script.say("0\r\n\r\n").wait_for(&gate)]).await;
    let bench = Bench::new(&pool(&[fake.address]));
    let mut body = bench.get().await.unwrap().response.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    // The fake goes on until the socket buffers are full, then it must stand still.
    sleep(SHORT * 4).await;
    assert!(
        written.available_permits() < 16,
        "{} MiB were taken without a reader",
        written.available_permits()
    );
    let mut total = first.len();
    while let Some(frame) = body.frame().await {
        total += frame.unwrap().into_data().unwrap().len();
    }
    assert_eq!(total, 64 * PIECE);
}

#[tokio::test]
async fn what_is_not_http_is_a_bad_response() {
    let large = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "x".repeat(70_000));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(120));
    let table: [&str; 8] = [
        "SSH-2.0-OpenSSH_9.2\r\n",
        "\u{16}\u{3}\u{1}garbage garbage",
        "HTTP/1.1 xxx\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\na b: c\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
        &large,
        &many,
    ];
    for garbage in table {
        let (failure, fake) = failure_of(Script::new().hear().say(garbage)).await;
        assert_eq!(failure, "bad-response", "{}", &garbage[..20]);
        assert_eq!(fake.heard().len(), 1);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    /// Whatever comes back, there is an answer or a failure, in time and without a panic.
    #[test]
    fn no_answer_upsets_the_pool(
        head in proptest::sample::select(vec![
            "",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 30\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\n",
            "HTTP/1.0 204 \r\n",
        ]),
        rest in proptest::collection::vec(
            proptest::prop_oneof![
                proptest::prelude::any::<u8>(),
                proptest::sample::select(b"\r\n :;0123456789abcdef".to_vec()),
            ],
            0..200,
        ),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let bytes = [head.as_bytes(), &rest].concat();
            let fake = Fake::start([Script::new().hear().say(bytes)]).await;
            let bench = Bench::new(&pool(&[fake.address]));
            let all = async {
                if let Ok(sent) = bench.get().await {
                    read_capped(sent.response.into_body(), 1 << 16).await.ok();
                }
            };
            tokio::time::timeout(LONG, all).await.unwrap();
            let active = "xspd_upstream_connections{pool=\"farm\",upstream=\"xsp1\",state=\"active\"}";
            assert_eq!(bench.metric(active), 0);
        });
    }
}

#[tokio::test]
async fn a_head_without_an_end_is_a_bad_response() {
    let endless = format!("HTTP/1.1 200 OK\r\nx: {}", "x".repeat(70_000));
    let (failure, _fake) = failure_of(Script::new().hear().say(endless).hold()).await;
    assert_eq!(failure, "bad-response");
}

#[tokio::test]
async fn bytes_after_an_answer_do_not_become_the_next_one() {
    let two = format!("{OK}{}", OK.replace("ok", "no"));
    let fake = Fake::start([Script::new().hear().say(two).hold(), Script::ok()]).await;
    let bench = Bench::new(&pool(&[fake.address]));
    assert_eq!(bench.text(Method::GET).await.unwrap(), "200 ok");
    assert_eq!(bench.text(Method::GET).await.unwrap(), "200 ok");
    assert_eq!(fake.accepted(), 2);
}

#[tokio::test]
async fn beyond_the_cap_of_connections_a_request_is_refused_soon() {
    let gate = Arc::new(Semaphore::new(0));
    let script = Script::new().hear().wait_for(&gate).say(OK).again();
    let fake = Fake::start([script]).await;
    let mut config = pool(&[fake.address]);
    config.connections = 1;
    let bench = Bench::new(&config);
    let (first, second) = tokio::join!(bench.text(Method::GET), async {
        let refused = bench.text(Method::GET).await;
        gate.add_permits(10);
        refused
    });
    assert_eq!(first.unwrap(), "200 ok");
    assert_eq!(second.unwrap_err().as_str(), "busy");
    assert_eq!(bench.text(Method::GET).await.unwrap(), "200 ok");
    assert_eq!(fake.accepted(), 1);
}

#[tokio::test]
async fn a_request_waits_a_little_for_a_connection_to_come_free() {
    let fake = Fake::start([Script::ok()]).await;
    let mut config = pool(&[fake.address]);
    config.connections = 2;
    let bench = Bench::new(&config);
    let requests = (0..20).map(|_| bench.text(Method::GET));
    for answer in futures_util::future::join_all(requests).await {
        assert_eq!(answer.unwrap(), "200 ok");
    }
    assert!(fake.accepted() <= 2);
}

#[tokio::test]
async fn a_connect_that_hangs_is_given_up() {
    // A listener whose queue is full does not answer the next connection.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    while let Ok(stream) =
        tokio::time::timeout(SHORT * 10, tokio::net::TcpStream::connect(address)).await
    {
        queued.push(stream);
    }
    let mut config = pool(&[address]);
    config.connect_timeout = SHORT;
    let failure = Bench::new(&config).text(Method::GET).await.unwrap_err();
    assert_eq!(failure.as_str(), "connect-timeout");
}
