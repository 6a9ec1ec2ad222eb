//! `xspd authservice record` between a client and an AuthService: what passes is what was sent,
//! what is written has no value in it.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;
use tokio::net::TcpStream;

use crate::support::BOUND;
use crate::support::client::exchange;
use crate::support::daemon::XSPD;
use crate::support::process::Process;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

/// `{"alg":"RS256","typ":"JWT"}` and `{"sub":"alice@as.example.com","iat":1616017564}`.
const TOKEN: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.\
                     eyJzdWIiOiJhbGljZUBhcy5leGFtcGxlLmNvbSIsImlhdCI6MTYxNjAxNzU2NH0.c2lnbmF0dXJl";

/// Pieces of what passes that must not be written down.
const SECRETS: [&str; 8] = [
    "alice",
    "hunter2",
    "YWxpY2U",
    "eyJ",
    "c2lnbmF0dXJl",
    "16160",
    "MIIBIj",
    "example",
];

async fn start(arguments: &[&str]) -> (Process, SocketAddr) {
    let mut all = vec!["authservice", "record", "--listen", "127.0.0.1:0"];
    all.extend(arguments);
    let process = Process::spawn(XSPD, &all);
    let address = |line: &str| {
        let (_, rest) = line.split_once("Shapes of http://")?;
        rest.split(' ').next()?.parse().ok()
    };
    let address = process.line(address, BOUND).await;
    process
        .line(|line| (line == "ready").then_some(()), BOUND)
        .await;
    (process, address)
}

#[tokio::test]
async fn what_passes_is_unchanged_and_what_is_recorded_has_no_values() {
    let answer = format!("{{\"token\":\"{TOKEN}\",\"userId\":\"alice@as.example.com\"}}");
    let reply = format!(
        "HTTP/1.1 200 Fine\r\nContent-Type: application/json\r\nX-Odd-Case: hunter2\r\n\
         Content-Length: {}\r\n\r\n{answer}",
        answer.len()
    );
    let upstream = Upstream::start(move |_| Reply::Raw(reply.clone().into_bytes())).await;
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("shapes.jsonl");
    let to = format!("http://{}", upstream.address());
    let (mut process, address) = start(&["--to", &to, "--out", out.to_str().unwrap()]).await;

    let body = "token=hunter2%20hunter2&user=alice";
    let request = format!(
        "POST /authService/token?key=MIIBIjANBgkqhkiG9w0BAQEFAAOC HTTP/1.1\r\nHost: xsp\r\n\
         AUTHORIZATION: Basic YWxpY2U6aHVudGVyMg==\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nX-User: alice\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    let heard = exchange(&mut stream, request.as_bytes()).await.unwrap();
    assert_eq!(heard.text(), answer);
    assert!(
        heard.head.starts_with("HTTP/1.1 200 Fine\r\n"),
        "{}",
        heard.head
    );
    assert!(heard.head.contains("X-Odd-Case: hunter2"), "{}", heard.head);
    let sent = String::from_utf8(upstream.received(1).await[0].clone()).unwrap();
    assert_eq!(sent, request);

    drop(stream);
    process.signal("INT");
    assert!(process.ended(BOUND).await.success());
    let said = process.lines().join("\n");
    assert!(said.contains("POST /authService/token -> 200"), "{said}");
    let mode = std::fs::metadata(&out).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(&out).unwrap();
    for secret in SECRETS {
        assert!(
            !text.contains(secret) && !said.contains(secret),
            "{secret}: {text}\n{said}"
        );
    }
    let record: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(record["path"], "/authService/token");
    assert_eq!(record["query"][0]["name"], "key");
    assert_eq!(record["query"][0]["value"], "string(28, base64url)");
    assert_eq!(
        record["request"]["body"]["form"][1]["value"],
        "string(5, text)"
    );
    assert_eq!(record["status"], 200);
    let answer = &record["answer"]["body"]["json"];
    assert_eq!(answer["userId"], "string(20, user-at-host)");
    assert_eq!(answer["token"]["jws"]["header"]["alg"], "RS256");
    assert_eq!(
        answer["token"]["jws"]["claims"]["iat"],
        "integer(10 digits)"
    );
}

#[tokio::test]
async fn beyond_the_limit_it_relays_and_counts() {
    let upstream = Upstream::start(|_| Reply::chunked(&["one ", "two"])).await;
    let to = format!("http://{}", upstream.address());
    let (mut process, address) = start(&["--to", &to, "--limit", "1", "--json"]).await;
    for _ in 0..3 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = b"GET /authService/ping HTTP/1.1\r\nHost: xsp\r\n\r\n";
        let heard = exchange(&mut stream, request).await.unwrap();
        assert_eq!((heard.status, heard.text().as_str()), (200, "one two"));
    }
    process.signal("TERM");
    assert!(process.ended(BOUND).await.success());
    let lines = process.lines();
    let json: Vec<Value> = lines
        .iter()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let [record, summary] = json.as_slice() else {
        panic!("one record and a summary: {lines:#?}");
    };
    assert_eq!(record["answer"]["body"]["text"], "string(7, text)");
    let summary = &summary["summary"];
    assert_eq!(
        (&summary["recorded"], &summary["beyond-limit"]),
        (&1.into(), &2.into())
    );
    assert_eq!(summary["exchanges"]["GET /authService/ping -> 200"], 3);
}

#[tokio::test]
async fn an_auth_service_that_is_not_there_is_a_502_and_a_record() {
    let upstream = Upstream::start(|_| Reply::Close).await;
    let to = format!("http://{}", upstream.address());
    let (mut process, address) = start(&["--to", &to]).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = b"GET /authService/token HTTP/1.1\r\nHost: xsp\r\n\r\n";
    let heard = exchange(&mut stream, request).await.unwrap();
    assert_eq!(heard.status, 502);
    drop(stream);
    process.signal("INT");
    assert!(process.ended(BOUND).await.success());
    let said = process.lines().join("\n");
    assert!(said.contains("\"fault\":\"answer-broken\""), "{said}");
}

#[tokio::test]
async fn it_refuses_to_listen_where_others_could_reach_it() {
    let arguments = ["authservice", "record", "--listen", "0.0.0.0:0"];
    let mut process = Process::spawn(XSPD, &arguments);
    assert_eq!(process.ended(BOUND).await.code(), Some(64));
    let said = process.lines().join("\n");
    assert!(said.contains("only loopback"), "{said}");
}
