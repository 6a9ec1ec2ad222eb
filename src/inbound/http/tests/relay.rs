//! What passes, and how.

use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;

use super::setup::Edge;
use super::setup::HOST;
use super::setup::PROFILE;
use super::setup::caller;
use super::setup::config;
use super::setup::peer;
use super::setup::read_all;
use super::setup::request;
use crate::domain::edge::reason::Reason;
use crate::outbound::tests::fake::Fake;
use crate::outbound::tests::fake::Script;
use crate::outbound::tests::setup::nobody;

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[tokio::test]
async fn a_request_arrives_byte_for_byte_and_says_who_sent_it() {
    let fake = Fake::start([Script::ok()]).await;
    let edge = Edge::new(config(&[fake.address], |config| {
        config.forwarding.identity_header = Some("x-client-identity".to_owned());
    }));
    let target = "/com.broadsoft.Xsi-actions/v2.0/user/Alice@as.example.net//calls/callhalf-722:0\
                  /x;p=1/%2B49%2f?playdtmf=23456%23%2C123&lastName=b*/i&";
    let raw = format!(
        "PUT {target} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Basic YTpi\r\n\
         Connection: close, x-hop\r\nX-Hop: 1\r\nX-Forwarded-For: 6.6.6.6\r\n\
         X-Client-Identity: admin\r\nContent-Length: 0\r\ntrackingID: NA_1\r\n\
         X-BroadWorks-Protocol-Version: 25.0\r\n\r\n"
    );
    let answer = edge.wire(&raw).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let heard = fake.heard().remove(0);
    assert!(
        heard.starts_with(&format!("PUT {target} HTTP/1.1\r\n")),
        "{heard}"
    );
    for line in [
        "host: xsp.example.net",
        "authorization: Basic YTpi",
        "content-length: 0",
        "trackingid: NA_1",
        "x-broadworks-protocol-version: 25.0",
        "x-forwarded-for: 192.0.2.7",
        "x-forwarded-proto: https",
        "x-forwarded-host: xsp.example.net",
    ] {
        assert!(
            heard.contains(&format!("\r\n{line}\r\n")),
            "{line} in {heard}"
        );
    }
    for name in [
        "connection",
        "x-hop",
        "x-client-identity",
        "6.6.6.6",
        "transfer-encoding",
    ] {
        assert!(!heard.contains(name), "{name} in {heard}");
    }
    let mut peer = peer();
    peer.caller = Some(caller(true));
    edge.ask_as(request("GET", PROFILE, &[]), peer, Some(0))
        .await;
    let heard = fake.heard().remove(1);
    assert!(
        heard.contains("\r\nx-client-identity: client.webex.example\r\n"),
        "{heard}"
    );
    assert!(heard.contains("\r\ntrackingid: XSPD_"), "{heard}");
}

#[tokio::test]
async fn bodies_pass_with_any_method_and_framing() {
    let fake = Fake::start([Script::ok()]).await;
    let edge = Edge::new(config(&[fake.address], |_| {}));
    for method in ["PUT", "POST", "DELETE"] {
        let head = format!("{method} {PROFILE} HTTP/1.1\r\nHost: {HOST}\r\n");
        edge.wire(&format!("{head}Content-Length: 4\r\n\r\n<a/>"))
            .await;
        let heard = fake.heard().pop().unwrap();
        assert!(heard.contains("content-length: 4\r\n") && heard.ends_with("\r\n\r\n<a/>"));
        let chunks = "2\r\n<a\r\n2;x=y\r\n/>\r\n0\r\nTrailer: x\r\n\r\n";
        edge.wire(&format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunks}"))
            .await;
        let heard = fake.heard().pop().unwrap();
        assert!(heard.contains("transfer-encoding: chunked\r\n"), "{heard}");
        assert!(
            heard.ends_with("0\r\n\r\n") && !heard.contains("Trailer"),
            "{heard}"
        );
    }
}

#[tokio::test]
async fn answers_pass_with_links_and_cookies_made_public() {
    let bytes = "HTTP/1.1 201 Created\r\nLocation: http://xsp1.inner/com.broadsoft.xsi-actions/x\r\n\
                 Set-Cookie: JSESSIONID=1; Path=/p; Domain=inner\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\
                 WWW-Authenticate: BroadWorksSIP\r\nKeep-Alive: timeout=4\r\nConnection: keep-alive\r\n\
                 Server: Tomcat\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n<a>\r\n4\r\n</a>\r\n0\r\n\r\n";
    let fake = Fake::start([Script::always(bytes)]).await;
    let edge = Edge::new(config(&[fake.address], |config| {
        let pool = config.pools.get_mut("farm").unwrap();
        pool.upstreams[0].aliases.push("xsp1.inner".to_owned());
    }));
    let answer = edge.ask(request("POST", PROFILE, &[])).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.text, "<a></a>");
    let headers = &answer.headers;
    assert_eq!(
        headers["location"],
        "https://xsp.example.net/com.broadsoft.xsi-actions/x"
    );
    assert_eq!(headers["set-cookie"], "JSESSIONID=1; Path=/p; Secure");
    assert_eq!(headers["server"], "Tomcat");
    assert_eq!(headers.get_all("www-authenticate").iter().count(), 2);
    for gone in ["keep-alive", "connection", "transfer-encoding"] {
        assert!(!headers.contains_key(gone), "{gone}");
    }
}

#[tokio::test]
async fn head_is_answered_without_a_body_and_upgrades_are_ignored() {
    let bytes = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n";
    let fake = Fake::start([Script::new().hear().say(bytes).again()]).await;
    let edge = Edge::new(config(&[fake.address], |_| {}));
    let raw = format!(
        "HEAD {PROFILE} HTTP/1.1\r\nHost: {HOST}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    );
    let answer = edge.wire(&raw).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(
        answer.contains("content-length: 7\r\n") && answer.ends_with("\r\n\r\n"),
        "{answer}"
    );
    assert!(!fake.heard()[0].contains("upgrade"));
    assert_eq!(edge.metric("xspd_http_requests_in_flight"), 0);
}

#[tokio::test]
async fn a_user_stays_at_one_xsp_on_every_route() {
    let fakes = [
        Fake::start([Script::ok()]).await,
        Fake::start([Script::ok()]).await,
    ];
    let edge = Edge::new(config(&[fakes[0].address, fakes[1].address], |_| {}));
    for number in 0..12 {
        let before = [fakes[0].heard().len(), fakes[1].heard().len()];
        let targets = [
            format!("/com.broadsoft.xsi-actions/v2.0/user/u{number}@as/profile"),
            format!("/com.broadsoft.xsi-actions/v2.0/user/U{number}%40AS/calls"),
            format!("/com.broadsoft.xsi-events/v2.0/user/u{number}@as/subscription"),
            format!("/authService/token/u{number}@as?format=json"),
        ];
        for target in targets {
            edge.ask(request("GET", &target, &[])).await;
        }
        let basic = format!("Basic {}", base64(&format!("u{number}@as:secret")));
        let channel = "/com.broadsoft.xsi-events/v2.0/channel/1/heartbeat";
        edge.ask(request("PUT", channel, &[("authorization", &basic)]))
            .await;
        let counts = [
            fakes[0].heard().len() - before[0],
            fakes[1].heard().len() - before[1],
        ];
        assert!(counts == [5, 0] || counts == [0, 5], "{counts:?}");
    }
    assert!(fakes.iter().all(|fake| !fake.heard().is_empty()));
}

#[tokio::test]
async fn a_silent_or_absent_xsp_is_told_apart() {
    let absent = nobody();
    let closing = Fake::start([Script::new().hear()]).await;
    let silent = Fake::start([Script::new().hear().hold()]).await;
    let garbage = Fake::start([Script::always("SSH-2.0\r\n\r\n")]).await;
    let switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
    let switching = Fake::start([Script::always(switching)]).await;
    let cases = [
        (absent, Reason::UpstreamConnect),
        (closing.address, Reason::UpstreamClosed),
        (silent.address, Reason::UpstreamResponseTimeout),
        (garbage.address, Reason::UpstreamBadAnswer),
        (switching.address, Reason::UpstreamBadAnswer),
    ];
    for (address, reason) in cases {
        // Only who is silent is waited for in vain.
        let patience = match reason {
            Reason::UpstreamResponseTimeout => Duration::from_millis(50),
            _ => Duration::from_secs(20),
        };
        let edge = Edge::new(config(&[address], |config| {
            config.routes.get_mut("actions").unwrap().response_timeout = patience;
        }));
        let answer = edge
            .ask(request("POST", PROFILE, &[("accept", "application/json")]))
            .await;
        answer.assert_is(reason, reason.as_str());
        assert!(answer.text.starts_with("{\"ErrorInfo\""), "{}", answer.text);
    }
}

#[tokio::test]
async fn too_much_or_too_slow_a_body_is_refused_while_it_streams() {
    let fake = Fake::start([Script::new().hear().say("x").hold()]).await;
    let edge = Edge::new(config(&[fake.address], |config| {
        config.listeners[0].limits.body_timeout = Duration::from_millis(50);
    }));
    let head =
        format!("PUT {PROFILE} HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n");
    let mut stream = edge.connect();
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..3 {
        let chunk = format!("190\r\n{}\r\n", "a".repeat(400));
        stream.write_all(chunk.as_bytes()).await.unwrap();
    }
    let answer = read_all(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    let mut stream = edge.connect();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(b"1\r\na\r\n").await.unwrap();
    let answer = read_all(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains(Reason::BodyStalled.sentence()), "{answer}");
}

#[tokio::test]
async fn an_answer_streams_before_the_xsp_has_ended_it() {
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n<live>\r\n";
    let script = Script::new()
        .hear()
        .say(head)
        .wait_for(&gate)
        .say("0\r\n\r\n");
    let fake = Fake::start([script]).await;
    let edge = Edge::new(config(&[fake.address], |_| {}));
    let mut stream = edge.connect();
    let raw = format!("GET {PROFILE} HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    stream.write_all(raw.as_bytes()).await.unwrap();
    let mut text = Vec::new();
    while !text.ends_with(b"<live>\r\n") {
        text.push(stream.read_u8().await.unwrap());
    }
    assert_eq!(edge.metric("xspd_http_requests_in_flight"), 1);
    gate.add_permits(1);
    while !text.ends_with(b"0\r\n\r\n") {
        text.push(stream.read_u8().await.unwrap());
    }
}
