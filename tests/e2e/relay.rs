//! What goes through, and in which form it arrives.

use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;

use crate::e2e::stage::HOST;
use crate::e2e::stage::PROFILE;
use crate::e2e::stage::Stage;
use crate::e2e::stage::get;
use crate::e2e::stage::is_health_check;
use crate::support::client::Answer;
use crate::support::client::exchange;
use crate::support::client::read_answer;
use crate::support::upstream::Gate;
use crate::support::upstream::Reply;
use crate::support::wire;
use crate::support::wire::Exchange;

fn head_and_body(message: &[u8]) -> (String, Vec<u8>) {
    let at = wire::find(message, b"\r\n\r\n").unwrap();
    (
        String::from_utf8_lossy(&message[..at]).into_owned(),
        message[at + 4..].to_vec(),
    )
}

/// The body of a scripted response as a client should see it, without chunk framing.
fn body_of(response: &[u8]) -> Vec<u8> {
    let (head, body) = head_and_body(response);
    if !head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked")
    {
        return body;
    }
    let (mut rest, mut whole) = (body.as_slice(), Vec::new());
    loop {
        let end = wire::find(rest, b"\r\n").unwrap();
        let size = std::str::from_utf8(&rest[..end]).unwrap();
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        if size == 0 {
            return whole;
        }
        whole.extend(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 2 + size + 2..];
    }
}

fn fields(head: &str) -> Vec<(String, String)> {
    let mut fields: Vec<_> = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    fields.sort();
    fields
}

/// Fields that the relay sets, drops or frames anew, and the rewritten ones checked elsewhere.
fn is_ours(name: &str) -> bool {
    name.starts_with("x-forwarded-")
        || [
            "connection",
            "date",
            "keep-alive",
            "transfer-encoding",
            "content-length",
            "trackingid",
            "location",
            "set-cookie",
            "host",
        ]
        .contains(&name)
}

fn same_fields(context: &str, before: &str, after: &str) {
    let pick = |head| {
        fields(head)
            .into_iter()
            .filter(|(name, _)| !is_ours(name))
            .collect::<Vec<_>>()
    };
    assert_eq!(pick(before), pick(after), "{context}");
}

#[tokio::test]
async fn every_sample_arrives_byte_for_byte_in_both_directions() {
    let samples = wire::exchanges("xsi-actions");
    let scripted = samples.clone();
    let stage = Stage::answering(move |request| {
        if is_health_check(request) {
            return Reply::text(200, "up");
        }
        let number = String::from_utf8_lossy(request);
        let number = number
            .lines()
            .find_map(|line| line.strip_prefix("x-sample: "))
            .unwrap();
        Reply::Raw(scripted[number.parse::<usize>().unwrap()].response.clone())
    })
    .await;
    let config = stage.config("", "")
        + "[policy]\ncall-me-now = \"allow\"\ngroup = \"allow\"\n\
        call-center = \"allow\"\n";
    let _daemon = stage.start(&config).await;
    for (number, sample) in samples.iter().enumerate() {
        let (head, bytes) = marked(&sample.request, number);
        let before = stage.relayed().len();
        let answer = stage.client().exchange(&bytes).await;
        let answer = answer.unwrap_or_else(|error| panic!("{}: {error}", sample.name));
        let relayed = stage.relayed();
        assert_eq!(
            relayed.len(),
            before + 1,
            "{} went upstream once",
            sample.name
        );
        same_request(sample, &head, relayed.last().unwrap());
        same_response(sample, &answer);
    }
    assert_eq!(samples.len(), 73);
}

/// The sample's request for our host, with a field that tells the upstream which one it is.
fn marked(request: &[u8], number: usize) -> (String, Vec<u8>) {
    let (head, body) = head_and_body(request);
    let is_host = |line: &str| line.to_ascii_lowercase().starts_with("host:");
    let host = format!("Host: {HOST}");
    let lines = head
        .lines()
        .map(|line| if is_host(line) { host.as_str() } else { line });
    let head = format!(
        "{}\r\nx-sample: {number}",
        lines.collect::<Vec<_>>().join("\r\n")
    );
    let mut bytes = format!("{head}\r\n\r\n").into_bytes();
    bytes.extend(&body);
    (head, bytes)
}

fn same_request(sample: &Exchange, head: &str, relayed: &[u8]) {
    let name = &sample.name;
    let (sent_head, sent_body) = head_and_body(relayed);
    assert_eq!(
        sent_head.lines().next(),
        head.lines().next(),
        "{name}: request line"
    );
    assert_eq!(
        sent_body,
        head_and_body(&sample.request).1,
        "{name}: request body"
    );
    same_fields(name, head, &sent_head);
    let length = |head: &str| {
        fields(head)
            .into_iter()
            .find(|(name, _)| name == "content-length")
    };
    assert_eq!(
        length(&sent_head),
        length(head),
        "{name}: Content-Length is kept, 0 too"
    );
}

fn same_response(sample: &Exchange, answer: &Answer) {
    let name = &sample.name;
    let (head, _) = head_and_body(&sample.response);
    assert_eq!(
        Some(answer.status.to_string().as_str()),
        head.split(' ').nth(1),
        "{name}"
    );
    assert_eq!(
        answer.body,
        body_of(&sample.response),
        "{name}: response body"
    );
    same_fields(name, &head, &answer.head);
}

#[tokio::test]
async fn peers_cannot_claim_an_identity_or_an_address() {
    let stage = Stage::new().await;
    let config = stage.mutual() + "[forwarding]\nidentity-header = \"x-xspd-identity\"\n";
    let _daemon = stage.start(&config).await;
    let lies = "X-Client-Cert: x\r\nX-Client-Cert-Subject: x\r\nX-SSL-Client-CN: x\r\n\
        X-Forwarded-Client-Cert: x\r\nForwarded: for=1.2.3.4\r\nX-Forwarded-For: 1.2.3.4\r\n\
        X-Forwarded-Proto: http\r\nX-Forwarded-Host: evil\r\nX_Forwarded_For: 1.2.3.4\r\n\
        X-Xspd-Identity: evil\r\nX-BroadWorks-Protocol-Version: 25.0\r\n";
    assert_eq!(
        stage
            .webex_client()
            .exchange(&get(lies))
            .await
            .unwrap()
            .status,
        200
    );
    let (head, _) = head_and_body(stage.relayed().last().unwrap());
    let found = fields(&head);
    let value = |name: &str| {
        let found: Vec<_> = found.iter().filter(|(held, _)| held == name).collect();
        assert!(found.len() <= 1, "{name} occurs once");
        found.first().map(|(_, value)| value.as_str())
    };
    for name in [
        "x-client-cert",
        "x-client-cert-subject",
        "x-ssl-client-cn",
        "x-forwarded-client-cert",
        "forwarded",
        "x_forwarded_for",
    ] {
        assert_eq!(value(name), None, "{name}");
    }
    assert_eq!(value("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(value("x-forwarded-proto"), Some("https"));
    assert_eq!(value("x-forwarded-host"), Some(HOST));
    assert_eq!(
        value("x-xspd-identity"),
        Some(crate::support::pki::WEBEX_NAME)
    );
    assert_eq!(value("x-broadworks-protocol-version"), Some("25.0"));
}

#[tokio::test]
async fn inner_addresses_in_answers_become_public_ones() {
    let stage = Stage::answering(|request| {
        if is_health_check(request) {
            return Reply::text(200, "up");
        }
        Reply::Raw(
            b"HTTP/1.1 302 Found\r\nLocation: https://xsp2.internal.test/com.broadsoft.xsi-actions/v2.0/x?\r\n\
              Set-Cookie: JSESSIONID=1; Path=/com.broadsoft.xsi-actions; Domain=xsp2.internal.test\r\n\
              Content-Length: 38\r\n\r\nhttps://xsp2.internal.test/stays-as-is"
                .to_vec(),
        )
    })
    .await;
    let config = stage.config("", "").replace(
        "name = \"one\"",
        "name = \"one\"\naliases = [\"xsp2.internal.test\"]",
    );
    let _daemon = stage.start(&config).await;
    let answer = stage.client().get(PROFILE).await.unwrap();
    let location = format!("https://{HOST}/com.broadsoft.xsi-actions/v2.0/x?");
    assert_eq!(answer.field("location"), Some(location.as_str()));
    let cookie = answer.field("set-cookie").unwrap();
    assert!(
        !cookie.contains("internal") && cookie.contains("Secure"),
        "{cookie}"
    );
    assert_eq!(answer.text(), "https://xsp2.internal.test/stays-as-is");
}

#[tokio::test]
async fn an_upstream_that_fails_is_answered_as_an_xsi_client_expects() {
    let stage = Stage::answering(|request| {
        if is_health_check(request) {
            return Reply::text(200, "up");
        }
        let line = String::from_utf8_lossy(request);
        match line.split(' ').nth(1).unwrap().rsplit('/').next().unwrap() {
            "garbage" => Reply::RawThenClose(b"\x00\x01\x02 what?\r\n\r\n".to_vec()),
            "silent" => Reply::Silent,
            _ => Reply::Close,
        }
    })
    .await;
    let config = stage.config("", "")
        + "[[route]]\nname = \"xsi-actions\"\nresponse-timeout = \"5s\"\n\
           [pool.ejection]\nfailures = 0\n";
    let config = move_into_pool(&config);
    let daemon = stage.start(&config).await;
    let user = "/com.broadsoft.xsi-actions/v2.0/user/alice@as.test";
    for (last, status) in [("garbage", 502), ("silent", 504), ("close", 502)] {
        let answer = stage.client().get(&format!("{user}/{last}")).await.unwrap();
        assert_eq!(answer.status, status, "{last}");
        assert!(
            answer.text().starts_with("<?xml"),
            "{last}: {}",
            answer.text()
        );
        assert!(
            answer
                .text()
                .contains("<ErrorInfo xmlns=\"http://schema.broadsoft.com/xsi\">")
        );
        let json = stage
            .client()
            .get(&format!("{user}/{last}?format=json"))
            .await
            .unwrap();
        assert!(
            json.text().starts_with("{\"ErrorInfo\""),
            "{last}: {}",
            json.text()
        );
    }
    drop(daemon);
}

/// Sub-tables of the pool must stand in its table: puts the last table behind the upstream.
fn move_into_pool(config: &str) -> String {
    let (rest, ejection) = config.split_once("[pool.ejection]").unwrap();
    rest.replace(
        "[[pool.upstream]]",
        &format!("[pool.ejection]{ejection}[[pool.upstream]]"),
    )
}

#[tokio::test]
async fn an_upstream_that_is_down_is_503_and_makes_the_daemon_not_ready() {
    let stage = Stage::new().await;
    let config = stage.config("", "").replace(
        &stage.upstream.address().to_string(),
        &crate::support::daemon::free_address().to_string(),
    );
    std::fs::write(stage.path().join("xspd.toml"), config).unwrap();
    let path = stage.path().join("xspd.toml");
    let mut daemon = crate::support::daemon::Daemon::start_program(
        crate::support::daemon::XSPD,
        &["run", "--config", path.to_str().unwrap()],
        stage.admin,
    );
    daemon.readyz(503).await;
    let answer = stage.client().get(PROFILE).await.unwrap();
    assert!([502, 503].contains(&answer.status), "{}", answer.status);
    assert!(answer.text().contains("ErrorInfo"));
}

#[tokio::test]
async fn an_answer_streams_without_being_held_back() {
    let gate = Gate::new();
    let held = gate.clone();
    let stage = Stage::answering(move |request| {
        if is_health_check(request) {
            Reply::text(200, "up")
        } else {
            Reply::gated_chunks(&["first", "second"], &held)
        }
    })
    .await;
    let _daemon = stage.start(&stage.config("", "")).await;
    let mut stream = stage.client().connect().await.unwrap();
    let request = get("");
    tokio::io::AsyncWriteExt::write_all(&mut stream, &request)
        .await
        .unwrap();
    gate.open(2);
    let mut seen = Vec::new();
    while wire::find(&seen, b"first").is_none() {
        let read = tokio::io::AsyncReadExt::read_buf(&mut stream, &mut seen);
        assert!(
            crate::support::client::bounded(read).await.unwrap() > 0,
            "ended too early"
        );
    }
    assert!(wire::find(&seen, b"second").is_none());
    gate.open(2);
    while wire::find(&seen, b"second\r\n0\r\n").is_none() {
        let read = tokio::io::AsyncReadExt::read_buf(&mut stream, &mut seen);
        assert!(
            crate::support::client::bounded(read).await.unwrap() > 0,
            "ended too early"
        );
    }
}

#[tokio::test]
async fn http2_clients_reach_an_http1_upstream() {
    let stage = Stage::new().await;
    let _daemon = stage.start(&stage.config("http2 = true", "")).await;
    let stream = stage.client().alpn(&["h2"]).connect().await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http2::handshake::<
        _,
        _,
        http_body_util::Full<bytes::Bytes>,
    >(TokioExecutor::new(), TokioIo::new(stream))
    .await
    .unwrap();
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let request = |authority: &str| {
        hyper::Request::get(format!("https://{authority}{PROFILE}?a=%2F"))
            .header("cookie", "a=1")
            .header("cookie", "b=2")
            .body(http_body_util::Full::default())
            .unwrap()
    };
    assert_eq!(
        sender.send_request(request(HOST)).await.unwrap().status(),
        200
    );
    assert_eq!(
        sender
            .send_request(request("other.test"))
            .await
            .unwrap()
            .status(),
        421
    );
    let (head, _) = head_and_body(stage.relayed().last().unwrap());
    assert!(
        head.starts_with(&format!("GET {PROFILE}?a=%2F HTTP/1.1\r\n")),
        "{head}"
    );
    let found = fields(&head);
    assert!(
        found.contains(&("host".to_owned(), HOST.to_owned())),
        "{head}"
    );
    assert!(
        found.contains(&("cookie".to_owned(), "a=1; b=2".to_owned())),
        "{head}"
    );
}

#[tokio::test]
async fn a_kept_connection_serves_many_requests_and_the_tracking_id_goes_through() {
    let stage = Stage::new().await;
    let daemon = stage.start(&stage.config("", "")).await;
    let mut stream = stage.client().connect().await.unwrap();
    for _ in 0..10 {
        let request = get("TrackingID: NA_12345-abc\r\n");
        assert_eq!(exchange(&mut stream, &request).await.unwrap().status, 200);
    }
    let (head, _) = head_and_body(stage.relayed().last().unwrap());
    assert!(fields(&head).contains(&("trackingid".to_owned(), "NA_12345-abc".to_owned())));
    let line = daemon.logged(&["NA_12345-abc", "alice@as.test"]).await;
    assert!(!line.contains("Basic"), "{line}");
    let head_request = format!("HEAD {PROFILE} HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    tokio::io::AsyncWriteExt::write_all(&mut stream, head_request.as_bytes())
        .await
        .unwrap();
    assert_eq!(read_answer(&mut stream, true).await.unwrap().status, 200);
}
