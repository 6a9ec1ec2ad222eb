//! Bad input at the door: each gets its reason, its answer, its counter, and nothing goes
//! upstream.

use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::e2e::stage::HOST;
use crate::e2e::stage::PROFILE;
use crate::e2e::stage::Stage;
use crate::e2e::stage::get;
use crate::e2e::stage::is_health_check;
use crate::support::client::bounded;
use crate::support::client::exchange;
use crate::support::client::read_answer;
use crate::support::daemon::Daemon;
use crate::support::upstream::Reply;

async fn handshake_failures(daemon: &Daemon, reason: &str) -> f64 {
    let series = format!("xspd_handshake_failures_total{{listener=\"edge\",reason=\"{reason}\"}}");
    daemon.metric(&series).await.unwrap()
}

async fn endings(daemon: &Daemon, reason: &str) -> f64 {
    let series = format!("xspd_connection_endings_total{{listener=\"edge\",reason=\"{reason}\"}}");
    daemon.metric(&series).await.unwrap()
}

/// Waits until a counter has reached a value: the peer may hear of its end before we count it.
async fn reaches(daemon: &Daemon, series: &str, value: f64) {
    let reached = async {
        while daemon.metric(series).await.unwrap() < value {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::support::BOUND, reached)
        .await
        .expect(series);
}

#[tokio::test]
async fn what_is_no_tls_hello_gets_its_reason() {
    let stage = Stage::new().await;
    let daemon = stage
        .start(&stage.config("", "[listener.limits]\nhandshake-timeout = \"5s\""))
        .await;

    let mut plain = TcpStream::connect(stage.address).await.unwrap();
    let answer = exchange(&mut plain, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("TLS"), "{}", answer.text());
    assert!(
        answer
            .field("content-type")
            .unwrap()
            .starts_with("text/plain")
    );

    // A TLS 1.0 hello: record 3.1, hello 3.1, no extensions.
    let mut hello = vec![22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 1];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0, 0x2f, 1, 0]);
    let mut old = TcpStream::connect(stage.address).await.unwrap();
    old.write_all(&hello).await.unwrap();
    let mut alert = [0; 7];
    bounded(old.read_exact(&mut alert)).await.unwrap();
    assert_eq!(
        (alert[0], alert[5], alert[6]),
        (21, 2, 70),
        "fatal alert protocol_version"
    );

    let mut garbage = TcpStream::connect(stage.address).await.unwrap();
    garbage.write_all(&[0; 64]).await.unwrap();
    let mut rest = Vec::new();
    bounded(garbage.read_to_end(&mut rest)).await.ok();

    let mut silent = TcpStream::connect(stage.address).await.unwrap();
    let mut rest = Vec::new();
    bounded(silent.read_to_end(&mut rest)).await.ok();

    drop(TcpStream::connect(stage.address).await.unwrap());

    let unknown = crate::support::client::Client::new(stage.address).name("other.test");
    assert!(unknown.connect().await.is_err());

    for reason in [
        "plain-http",
        "tls-too-old",
        "garbage",
        "timeout",
        "closed",
        "unknown-server-name",
    ] {
        let series =
            format!("xspd_handshake_failures_total{{listener=\"edge\",reason=\"{reason}\"}}");
        reaches(&daemon, &series, 1.0).await;
        assert_eq!(handshake_failures(&daemon, reason).await, 1.0, "{reason}");
    }
    assert_eq!(
        stage.client().get(PROFILE).await.unwrap().status,
        200,
        "others go on"
    );
}

#[tokio::test]
async fn a_head_that_can_be_read_in_two_ways_is_answered_400_and_goes_nowhere() {
    let stage = Stage::new().await;
    let daemon = stage.start(&stage.config("", "")).await;
    let start = format!("PUT {PROFILE} HTTP/1.1\r\nHost: {HOST}\r\n");
    let cases = [
        format!("{start}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        format!("{start}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"),
        format!("{start}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        format!("{start}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc"),
        format!("{start}Content-Length: 3, 3\r\n\r\nabc"),
        format!("{start}X: a\r\n b\r\n\r\n"),
        format!("GET {PROFILE} HTTP/1.1\nHost: {HOST}\n\n"),
        format!("{start}Host: {HOST}\r\n\r\n"),
        format!("{start}X : a\r\n\r\n"),
        format!("GET {PROFILE} HTTP/1.1\r\n\r\n"),
        format!("GET {PROFILE} HTTP/1.1\r\nHost: {HOST}/x\r\n\r\n"),
        format!("GET {PROFILE} HTTP/1.1\r\nHost: u@{HOST}\r\n\r\n"),
        format!("GET /com.broadsoft.xsi-actions/../admin HTTP/1.1\r\nHost: {HOST}\r\n\r\n"),
        format!("GET /com.broadsoft.xsi-actions/%2e%2e/x HTTP/1.1\r\nHost: {HOST}\r\n\r\n"),
        format!("GET /com.broadsoft.xsi-actions/a%00b HTTP/1.1\r\nHost: {HOST}\r\n\r\n"),
        "garbage\r\n\r\n".to_owned(),
    ];
    for case in &cases {
        let answer = stage.client().exchange(case.as_bytes()).await;
        assert_eq!(answer.expect(case).status, 400, "{case:?}");
    }
    assert_eq!(stage.relayed(), Vec::<Vec<u8>>::new());
    assert!(endings(&daemon, "head-malformed").await >= 8.0);
}

#[tokio::test]
async fn other_refusals_have_their_status() {
    let stage = Stage::new().await;
    let _daemon = stage
        .start(&stage.config("", "[listener.limits]\nbody-bytes = 1024"))
        .await;
    let head = |line: &str, more: &str| format!("{line} HTTP/1.1\r\nHost: {HOST}\r\n{more}\r\n");
    let cases = [
        (head(&format!("CONNECT {HOST}:443"), ""), 405),
        (head("GET /elsewhere", ""), 404),
        (
            head("GET /com.broadsoft.xsi-actionsx/v2.0/versions", ""),
            404,
        ),
        (
            head(&format!("PUT {PROFILE}"), "Content-Length: 1025\r\n"),
            413,
        ),
        (
            head(
                "POST /com.broadsoft.xsi-actions/v2.0/user/a@b/calls/CallMeNow",
                "Content-Length: 0\r\n",
            ),
            403,
        ),
        (
            head(
                "POST /com.broadsoft.xsi-actions/v2.0/user/a@b/calls/%43allmenow",
                "Content-Length: 0\r\n",
            ),
            403,
        ),
        (
            head("GET /com.broadsoft.xsi-actions/v1.0/user/a@b/profile", ""),
            403,
        ),
    ];
    for (request, status) in &cases {
        let answer = stage
            .client()
            .exchange(request.as_bytes())
            .await
            .expect(request);
        assert_eq!(answer.status, *status, "{request:?}");
        assert_eq!(answer.field("server"), Some("xspd"), "{request:?}");
    }
    let mut long = stage.client().connect().await.unwrap();
    let chunk = format!("400\r\n{}\r\n", "x".repeat(1024));
    let body = format!(
        "{}{chunk}{chunk}0\r\n\r\n",
        head(&format!("PUT {PROFILE}"), "Transfer-Encoding: chunked\r\n")
    );
    assert_eq!(
        exchange(&mut long, body.as_bytes()).await.unwrap().status,
        413
    );
    assert!(
        stage
            .relayed()
            .iter()
            .all(|request| request.starts_with(b"PUT "))
    );
}

#[tokio::test]
async fn a_large_head_is_431_and_too_many_fields_too() {
    let stage = Stage::new().await;
    let daemon = stage
        .start(&stage.config(
            "",
            "[listener.limits]\nheader-bytes = \"16KiB\"\nheader-count = 50",
        ))
        .await;
    let large = get(&format!("X: {}\r\n", "x".repeat(17 * 1024)));
    assert_eq!(stage.client().exchange(&large).await.unwrap().status, 431);
    let many = get(&"a: b\r\n".repeat(51));
    assert_eq!(stage.client().exchange(&many).await.unwrap().status, 431);
    let fits = get(&format!(
        "Authorization: Bearer {}\r\n",
        "x".repeat(15 * 1024)
    ));
    assert_eq!(stage.client().exchange(&fits).await.unwrap().status, 200);
    assert_eq!(endings(&daemon, "head-too-large").await, 2.0);
}

#[tokio::test]
async fn slow_and_silent_clients_are_cut_while_a_good_one_is_served() {
    let stage = Stage::new().await;
    // Long enough for whoever does what is right on a machine that has much else to do.
    let limits = "[listener.limits]\nhandshake-timeout = \"5s\"\nheader-timeout = \"5s\"\n\
                  body-timeout = \"5s\"\nidle-timeout = \"5s\"";
    let daemon = stage.start(&stage.config("http2 = true", limits)).await;

    let mut silent = stage.client().connect().await.unwrap();
    let mut slow_head = stage.client().connect().await.unwrap();
    slow_head.write_all(b"GET / HTTP/1.1\r\nHos").await.unwrap();
    let mut slow_body = stage.client().connect().await.unwrap();
    let head = format!("PUT {PROFILE} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 9\r\n\r\nabc");
    slow_body.write_all(head.as_bytes()).await.unwrap();
    let mut idle = stage.client().connect().await.unwrap();
    assert_eq!(exchange(&mut idle, &get("")).await.unwrap().status, 200);
    let mut silent_h2 = stage.client().alpn(&["h2"]).connect().await.unwrap();

    assert_eq!(stage.client().get(PROFILE).await.unwrap().status, 200);
    let answer = read_answer(&mut slow_head, false).await.unwrap();
    assert_eq!(answer.status, 408);
    assert_eq!(
        read_answer(&mut slow_body, false).await.unwrap().status,
        408
    );
    for stream in [&mut silent, &mut idle, &mut silent_h2] {
        let mut rest = Vec::new();
        bounded(stream.read_to_end(&mut rest)).await.ok();
    }
    let series = "xspd_connection_endings_total{listener=\"edge\",reason=\"idle\"}";
    reaches(&daemon, series, 3.0).await;
    assert_eq!(endings(&daemon, "slow-head").await, 1.0);
}

#[tokio::test]
async fn a_peer_that_does_not_read_its_answer_is_cut() {
    let large = "x".repeat(32 << 20);
    let stage = Stage::answering(move |request| {
        if is_health_check(request) {
            Reply::text(200, "up")
        } else {
            Reply::text(200, &large)
        }
    })
    .await;
    let limits = "[listener.limits]\nidle-timeout = \"1s\"";
    let daemon = stage.start(&stage.config("", limits)).await;
    let mut deaf = stage.client().connect().await.unwrap();
    deaf.write_all(&get("")).await.unwrap();
    let series = "xspd_connection_endings_total{listener=\"edge\",reason=\"slow-reader\"}";
    reaches(&daemon, series, 1.0).await;
}

#[tokio::test]
async fn an_answer_with_length_and_chunks_arrives_whole() {
    let stage = Stage::answering(|request| {
        if is_health_check(request) {
            Reply::text(200, "up")
        } else {
            let head = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n";
            Reply::Raw(format!("{head}5\r\nhello\r\n0\r\n\r\n").into_bytes())
        }
    })
    .await;
    let _daemon = stage.start(&stage.config("", "")).await;
    let answer = stage.client().get(PROFILE).await.unwrap();
    assert_eq!(answer.text(), "hello");
}

#[tokio::test]
async fn slow_uploads_of_one_address_leave_room_for_everybody_else() {
    let stage = Stage::new().await;
    let limits = "[listener.limits]\nuploads-per-address = 2";
    let daemon = stage.start(&stage.config("", limits)).await;
    let slow = format!("PUT {PROFILE} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 9\r\n\r\n");
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = stage.client().connect().await.unwrap();
        stream.write_all(slow.as_bytes()).await.unwrap();
        held.push(stream);
    }
    reaches(&daemon, "xspd_http_requests_in_flight", 2.0).await;
    let whole = format!("{slow}123456789");
    assert_eq!(
        stage
            .client()
            .exchange(whole.as_bytes())
            .await
            .unwrap()
            .status,
        429
    );
    assert_eq!(
        stage.client().get(PROFILE).await.unwrap().status,
        200,
        "no body, no limit"
    );
    for stream in &mut held {
        assert_eq!(exchange(stream, b"123456789").await.unwrap().status, 200);
    }
    assert_eq!(
        stage
            .client()
            .exchange(whole.as_bytes())
            .await
            .unwrap()
            .status,
        200
    );
}

#[tokio::test]
async fn a_peer_that_leaves_in_the_middle_is_counted_and_harms_nobody() {
    let stage = Stage::new().await;
    let daemon = stage.start(&stage.config("", "")).await;
    let mut stream = stage.client().connect().await.unwrap();
    let head = format!("PUT {PROFILE} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 9\r\n\r\nabc");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    drop(stream);
    // Whether the body's reader or the connection's notices first decides which of the two it is.
    let refused = "xspd_http_refusals_total{reason=\"body-broken\"}";
    let counted = async {
        while endings(&daemon, "peer-gone").await + daemon.metric(refused).await.unwrap() < 1.0 {
            tokio::task::yield_now().await;
        }
    };
    let counted = tokio::time::timeout(crate::support::BOUND, counted).await;
    counted.expect("it is counted");
    assert_eq!(stage.client().get(PROFILE).await.unwrap().status, 200);
}

#[tokio::test]
async fn connection_limits_hold_by_address_and_places_come_back() {
    let stage = Stage::new().await;
    let limits = "[listener.limits]\nconnections-per-address = 2";
    let daemon = stage.start(&stage.config("", limits)).await;
    let first = stage.client().connect().await.unwrap();
    let second = stage.client().connect().await.unwrap();
    assert!(
        stage.client().connect().await.is_err(),
        "the third is turned away"
    );
    assert_eq!(endings(&daemon, "address-limit").await, 1.0);
    drop((first, second));
    let series = "xspd_connections_open{listener=\"edge\"}";
    let gone = async {
        while daemon.metric(series).await.unwrap() > 0.0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(crate::support::BOUND, gone)
        .await
        .unwrap();
    assert_eq!(stage.client().get(PROFILE).await.unwrap().status, 200);
}
