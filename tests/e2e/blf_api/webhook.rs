//! The webhook against a real receiver that checks signatures, is away for a while and comes back.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use aws_lc_rs::hmac;
use serde_json::Value;
use tokio::sync::mpsc;

use super::Cast;
use super::HQ;
use super::scene::Scene;
use crate::support::BOUND;
use crate::support::pki;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;
use crate::support::wire;

/// The key of the signatures.
pub(crate) const SECRET: &str = "a-webhook-secret-of-this-test";

/// One delivery that was taken.
struct Delivery {
    document: Value,
}

/// Checks a request as the README tells receivers to.
fn verified(request: &[u8]) -> Value {
    let end = wire::find(request, b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&request[..end]);
    let body = &request[end + 4..];
    assert!(head.starts_with("POST /blf HTTP/1.1"), "{head}");
    let signature = wire::field(&head, "x-xspd-signature").expect("a signature");
    let (time, hex) = signature
        .strip_prefix("t=")
        .and_then(|rest| rest.split_once(",v1="))
        .expect("t=…,v1=…");
    let mut signed = format!("{time}.").into_bytes();
    signed.extend_from_slice(body);
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let bytes: Vec<u8> = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect();
    hmac::verify(&key, &signed, &bytes).expect("the signature of these very bytes");
    serde_json::from_slice(body).expect("JSON")
}

#[tokio::test]
async fn the_receiver_gets_signed_notices_and_the_newest_state_after_it_was_away() {
    let ca = pki::Authority::new("webhook");
    let identity = ca.server(&["localhost"], pki::Key::P256);
    let (taken, mut heard) = mpsc::unbounded_channel();
    let down = Arc::new(AtomicUsize::new(0));
    let script = Arc::clone(&down);
    let receiver = Upstream::start_tls(&identity, None, move |request| {
        let document = verified(request);
        let away = script.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            left.checked_sub(1)
        });
        if away.is_ok() {
            return Reply::text(503, "away");
        }
        taken.send(Delivery { document }).unwrap();
        Reply::text(200, "ok")
    })
    .await;
    let port = receiver.address().port();
    let root = ca.root_pem();
    let scene = Scene::start_with(|config| {
        let folder = config.split("operator-token = \"file:").nth(1).unwrap();
        let folder = folder.split("/operator\"").next().unwrap().to_owned();
        std::fs::write(format!("{folder}/ca.pem"), &root).unwrap();
        config
            + &format!(
                "[blf.webhook]\nurl = \"https://localhost:{port}/blf\"\n\
                 secret = \"file:{folder}/webhook\"\nca = \"{folder}/ca.pem\"\nretries = 2\n"
            )
    })
    .await;
    assert!(scene.folder().join("ca.pem").is_file());
    let Cast {
        watcher,
        line,
        caller,
        ..
    } = HQ;
    scene.watches(&watcher, &[&line]).await;
    let stream = scene.stream(&watcher, "").await;
    let mut next = async |kind: &str, lamp: Option<&str>| {
        let found = tokio::time::timeout(BOUND, async {
            loop {
                let Delivery { document } = heard.recv().await.unwrap();
                let mine = document["user"] == line.0 && document["kind"] == kind;
                if mine && lamp.is_none_or(|lamp| document["full"] == lamp) {
                    return document;
                }
            }
        });
        found.await.unwrap_or_else(|_| panic!("no {kind} {lamp:?}"))
    };
    next("state", Some("idle")).await;
    let call = scene.call(&caller, &line).await;
    let offer = next("offer", None).await;
    assert_eq!(offer["watchers"], serde_json::json!([watcher.0]), "{offer}");
    scene.hang_up(&caller, &call).await;
    next("state", Some("idle")).await;

    // Away for some attempts, while the line changes to and fro.
    down.store(2, Ordering::Relaxed);
    let call = scene.call(&caller, &line).await;
    let ringing = scene.ringing(&line).await;
    scene.command(&line, &ringing, "Talk").await;
    next("state", Some("on-call")).await;
    assert_eq!(down.load(Ordering::Relaxed), 0);
    let failed = "xspd_blf_webhook_posts_total{outcome=\"server-error\"}";
    assert_eq!(scene.metric(failed).await, Some(2.0));
    scene.hang_up(&caller, &call).await;
    drop(stream);
    scene.end().await;
}
