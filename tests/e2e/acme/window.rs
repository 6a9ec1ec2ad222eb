//! Times of renewal that a CA suggests (RFC 9773). This Pebble suggests none, so a stub stands in front
//! of it: its directory is the stub's, all else is Pebble's own.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::json;

use xspd::domain::certs::CertificateFacts;
use xspd::domain::certs::date;
use xspd::platform::clock;

use crate::e2e::acme::PATIENCE;
use crate::e2e::acme::automatic_at;
use crate::e2e::acme::status;
use crate::e2e::acme::xspd;
use crate::e2e::stage::HOST;
use crate::e2e::stage::Stage;
use crate::e2e::stage::presented;
use crate::support::client::Client;
use crate::support::daemon::free_address;
use crate::support::pebble::Pebble;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

/// A window of the stub, in seconds since 1970; without one it answers 500.
type Window = Arc<Mutex<Option<(i64, i64)>>>;

/// The stub.
struct WindowStub {
    front: Upstream,
    window: Window,
}

impl WindowStub {
    async fn start(pebble: &Pebble) -> Self {
        let window = Window::default();
        let told = Arc::clone(&window);
        let own = Arc::new(Mutex::new(String::new()));
        let base = pebble.directory.trim_end_matches("/dir").to_owned();
        let itself = Arc::clone(&own);
        let front = Upstream::start(move |request| {
            let text = String::from_utf8_lossy(request);
            if text.starts_with("GET /dir ") {
                let stub = itself.lock().unwrap().clone();
                return Reply::text(200, &directory(&base, &stub));
            }
            match *told.lock().unwrap() {
                Some((start, end)) => Reply::text(200, &suggestion(start, end)),
                None => Reply::text(500, "not now"),
            }
        })
        .await;
        *own.lock().unwrap() = format!("http://{}", front.address());
        Self { front, window }
    }

    fn directory(&self) -> String {
        format!("http://{}/dir", self.front.address())
    }

    /// The certificates that were asked for.
    fn asked(&self) -> Vec<String> {
        let requests = self.front.requests().into_iter();
        let texts = requests.map(|request| String::from_utf8_lossy(&request).into_owned());
        texts
            .filter_map(|text| {
                Some(
                    text.strip_prefix("GET /window/")?
                        .split(' ')
                        .next()?
                        .to_owned(),
                )
            })
            .collect()
    }
}

/// Pebble's, with what it lacks.
fn directory(base: &str, stub: &str) -> String {
    json!({
        "newNonce": format!("{base}/nonce-plz"),
        "newAccount": format!("{base}/sign-me-up"),
        "newOrder": format!("{base}/order-plz"),
        "keyChange": format!("{base}/rollover-account-key"),
        "renewalInfo": format!("{stub}/window"),
    })
    .to_string()
}

fn suggestion(start: i64, end: i64) -> String {
    let text = |at| {
        let text = date::text(date::from_unix(at).unwrap());
        text.replace(" UTC", "Z").replacen(' ', "T", 1)
    };
    json!({"suggestedWindow": {"start": text(start), "end": text(end)}}).to_string()
}

async fn leaf(stage: &Stage) -> CertificateFacts {
    let leaf = presented(&Client::new(stage.address).name(HOST)).await;
    CertificateFacts::parse(&leaf).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_in_the_past_means_now_and_without_one_two_thirds_of_the_lifetime_pass() {
    let stage = Stage::new().await;
    let plain = free_address();
    let Some(pebble) = Pebble::start(stage.path(), plain, stage.address).await else {
        return;
    };
    let stub = WindowStub::start(&pebble).await;
    let config = stage.config("", "") + &automatic_at(&stub.directory(), &pebble, "tls-alpn-01");
    let daemon = stage.start(&config).await;
    let (code, said) = xspd(&stage, &["certs", "renew", "public"]).await;
    assert_eq!(code, Some(0), "{said}");
    let first = leaf(&stage).await;
    daemon.stop().await;

    // It asks at every start. The CA cannot say: two thirds, and up to a thirtieth more.
    let daemon = stage.start(&config).await;
    let due = async {
        loop {
            let due = status(&stage).await["due"].as_i64();
            if !stub.asked().is_empty() && due > Some(0) {
                return due.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let due = tokio::time::timeout(PATIENCE, due).await.expect("it asks");
    let whole = first.not_after.duration_since(first.not_before).unwrap();
    let at = |share: f64| date::to_unix(first.not_before + whole.mul_f64(share));
    assert!((at(0.66)..at(0.71)).contains(&due), "{due}, {first:?}");
    let serial = stub.asked().pop().unwrap();
    let parts: Vec<_> = serial.split('.').collect();
    assert!(
        parts.len() == 2 && parts.iter().all(|part| !part.is_empty()),
        "{serial}"
    );
    assert_eq!(leaf(&stage).await.fingerprint, first.fingerprint);
    // The watch over what ends knows that nobody has to do it.
    let managed = async {
        while !daemon
            .admin("/metrics")
            .await
            .text()
            .contains("managed=\"true\"")
        {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let managed = tokio::time::timeout(PATIENCE, managed).await;
    managed.expect("it is watched as one that renews itself");
    daemon.stop().await;

    // It was revoked, say.
    let now = date::to_unix(clock::wall());
    *stub.window.lock().unwrap() = Some((now - 7200, now - 3600));
    let daemon = stage.start(&config).await;
    let renewed = async {
        loop {
            let now = leaf(&stage).await;
            if now.fingerprint != first.fingerprint {
                return now;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let second = tokio::time::timeout(PATIENCE, renewed).await;
    let second = second.expect("it is renewed at once");
    drop(daemon);
    assert!(second.issuer.contains("Pebble"));
}
