//! The access log: one line per request, however it ends, and no secrets.

use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;

use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tracing::Dispatch;
use tracing::subscriber::DefaultGuard;

use super::setup::Edge;
use super::setup::HOST;
use super::setup::PROFILE;
use super::setup::caller;
use super::setup::config;
use super::setup::peer;
use super::setup::request;
use crate::outbound::tests::fake::Fake;
use crate::outbound::tests::fake::Script;
use crate::telemetry::http::ACCESS;

/// Keeps the lines of this thread.
#[derive(Clone, Default)]
pub(super) struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    pub(super) fn listen() -> (Self, DefaultGuard) {
        // While there is one subscriber only, a place that another thread, without any, passes
        // first is taken to interest nobody. With a second one alive it is asked each time.
        static ANOTHER: OnceLock<Dispatch> = OnceLock::new();
        ANOTHER.get_or_init(|| {
            let sink = tracing_subscriber::fmt().with_writer(io::sink);
            Dispatch::new(sink.finish())
        });
        let lines = Self::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_writer(move || writer.clone())
            .finish();
        (lines, tracing::subscriber::set_default(subscriber))
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    pub(super) fn access(&self) -> Vec<Value> {
        self.text()
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|line| line["target"] == ACCESS)
            .collect()
    }

    /// Lets the connections run until so many lines are there.
    async fn wait_for(&self, count: usize) -> Vec<Value> {
        loop {
            let access = self.access();
            if access.len() >= count {
                return access;
            }
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_line_tells_all_but_secrets() {
    let (lines, _guard) = Lines::listen();
    let fake = Fake::start([Script::ok()]).await;
    let edge = Edge::new(config(&[fake.address], |_| {}));
    let mut peer = peer();
    peer.caller = Some(caller(true));
    let target = format!("{PROFILE};jsessionid=c00kie?pin=4711&token=s3cret");
    let headers = [
        ("authorization", "BroadWorksSIP basic=\"cGFzc3dvcmQ=\""),
        ("cookie", "JSESSIONID=c00kie"),
        ("trackingid", "NA_1"),
    ];
    edge.ask_as(request("PUT", &target, &headers), peer, Some(0))
        .await;
    let access = lines.access();
    assert_eq!(access.len(), 1);
    let line = &access[0];
    for (name, expected) in [
        ("client", "192.0.2.7"),
        ("identity", "client.webex.example"),
        ("listener", "public"),
        ("route", "actions"),
        ("method", "PUT"),
        ("path", PROFILE),
        ("upstream", "xsp1"),
        ("auth", "broadworks-sip"),
        ("tracking_id", "NA_1"),
        ("outcome", "complete"),
    ] {
        assert_eq!(line[name], expected, "{name} in {line}");
    }
    assert_eq!(
        (&line["status"], &line["bytes_out"]),
        (&200.into(), &2.into())
    );
    assert!(line["duration_ms"].is_number());
    assert_eq!(line["reason"], Value::Null);
    for secret in ["4711", "s3cret", "c00kie", "cGFzc3dvcmQ"] {
        assert!(
            !lines.text().contains(secret),
            "{secret} in {}",
            lines.text()
        );
    }
}

#[tokio::test]
async fn refusals_aborts_and_losses_are_told_apart() {
    let (lines, _guard) = Lines::listen();
    let reached = Arc::new(tokio::sync::Semaphore::new(0));
    let silent = Script::new().hear().release(&reached).hold();
    let partial = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf";
    let lost = Script::new().hear().say(partial);
    let endless = Script::new().hear().say(partial).hold();
    let fake = Fake::start([silent, lost, endless]).await;
    let edge = Edge::new(config(&[fake.address], |_| {}));
    edge.ask(request("TRACE", PROFILE, &[])).await;
    let raw = format!("POST {PROFILE} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 3\r\n\r\nabc");

    let leaves_early = edge.ask(request("POST", PROFILE, &[]));
    tokio::select! {
        _never = leaves_early => panic!("the upstream is silent"),
        reached = reached.acquire() => reached.unwrap().forget(),
    }
    let mut stream = edge.connect();
    stream.write_all(raw.as_bytes()).await.unwrap();
    lines.wait_for(3).await;
    drop(stream);
    let mut stream = edge.connect();
    stream.write_all(raw.as_bytes()).await.unwrap();
    let mut text = Vec::new();
    while !text.ends_with(b"half") {
        text.push(stream.read_u8().await.unwrap());
    }
    drop(stream);
    let access = lines.wait_for(4).await;

    let told: Vec<_> = access
        .iter()
        .map(|line| {
            let field = |name: &str| line[name].as_str().unwrap_or("-").to_owned();
            let status = line["status"].as_u64().unwrap_or_default();
            let bytes = (
                line["bytes_in"].as_u64().unwrap(),
                line["bytes_out"].as_u64().unwrap(),
            );
            (status, field("outcome"), field("reason"), bytes)
        })
        .collect();
    let refused = told[0].clone();
    assert_eq!(
        (refused.0, &*refused.1, &*refused.2),
        (405, "complete", "method-not-allowed")
    );
    assert_eq!(told[1], (0, "aborted".to_owned(), "-".to_owned(), (0, 0)));
    assert_eq!(
        told[2],
        (200, "upstream-lost".to_owned(), "-".to_owned(), (3, 4))
    );
    assert_eq!(told[3], (200, "aborted".to_owned(), "-".to_owned(), (3, 4)));
    let gone = "xspd_http_requests_total{listener=\"public\",route=\"actions\",status=\"none\"}";
    assert_eq!(edge.metric(gone), 1);
    assert_eq!(edge.metric("xspd_http_requests_in_flight"), 0);
}
