//! Answers that are cut, late, too large, in another form, or lead elsewhere.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::join_all;

use xspd::domain::provisioning::customer::SubscriberFilter;
use xspd::domain::provisioning::ids::SubscriberId;
use xspd::domain::provisioning::webex::CallFailure;
use xspd::domain::provisioning::webex::FailureKind;
use xspd::domain::provisioning::webex::WebexOp;

use super::Bench;
use super::Count;
use super::Heard;
use super::json;
use super::requests::new_subscriber;
use super::sample;
use super::soon;
use super::with;
use crate::support::upstream::Gate;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

fn get() -> WebexOp {
    WebexOp::GetSubscriber(SubscriberId::parse("S1").expect("an id"))
}

fn create() -> WebexOp {
    WebexOp::Provision(Box::new(new_subscriber()))
}

fn subscriber() -> String {
    sample("b05-subscriber-get-provisioned.json")
}

async fn failed(bench: &Bench, op: &WebexOp) -> CallFailure {
    soon(bench.partner().perform(op))
        .await
        .expect_err("a failure")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_1050_is_read_page_by_page_over_one_connection() {
    let bench = Bench::new("", |heard: &Heard| {
        let asked = heard.target.split("cursor=").nth(1);
        let page: usize = asked.map_or(0, |page| page.parse().expect("a page"));
        let ids = page * 100..(page * 100 + 100).min(1_050);
        let more = ids.end < 1_050;
        let items: Vec<_> = ids
            .map(|id| format!(r#"{{"id":"S{id}","status":"provisioned"}}"#))
            .collect();
        let body = format!(r#"{{"items":[{}]}}"#, items.join(","));
        let host = heard.field("host").expect("a host");
        let link = format!(
            "<http://{host}/v1/broadworks/subscribers?cursor={}>; rel=\"next\"",
            page + 1
        );
        let headers = [("Link", link.as_str())];
        with(200, if more { &headers } else { &[] }, &body)
    })
    .await;
    let all = soon(bench.partner().subscribers(&SubscriberFilter::default())).await;
    let all = all.expect("a list");
    assert_eq!(all.len(), 1_050);
    assert_eq!(all[1_049].id.as_str(), "S1049");
    let calls = bench.calls();
    assert_eq!(calls.len(), 11);
    assert_eq!(calls[0].target, "/v1/broadworks/subscribers?max=100");
    assert_eq!(calls[10].target, "/v1/broadworks/subscribers?cursor=10");
    assert_eq!(bench.webex.connections(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_does_not_follow_a_link_elsewhere_nor_a_redirect() {
    let other = Upstream::start(|_| panic!("nobody may come")).await;
    let address = other.address();
    let bench = Bench::new("", move |heard: &Heard| {
        let link = format!("<http://{address}/v1/broadworks/subscribers>; rel=\"next\"");
        let location = format!("http://{address}/v1/x");
        match heard.target.contains('?') {
            true => with(200, &[("Link", link.as_str())], r#"{"items":[]}"#),
            false => with(302, &[("Location", location.as_str())], ""),
        }
    })
    .await;
    let list = soon(bench.partner().subscribers(&SubscriberFilter::default())).await;
    let failure = list.expect_err("a failure");
    assert_eq!(failure.kind, FailureKind::Unreadable);
    assert!(
        failure.text.contains("not the configured base-url"),
        "{failure:?}"
    );
    let failure = failed(&bench, &get()).await;
    assert_eq!(failure.kind, FailureKind::Status(302));
    assert!(failure.text.contains("base-url"), "{failure:?}");
    assert_eq!(other.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_without_an_end_is_left() {
    let bench = Bench::new("", |heard: &Heard| {
        let host = heard.field("host").expect("a host");
        let link = format!("<http://{host}/v1/broadworks/subscribers?cursor=1>; rel=\"next\"");
        with(200, &[("Link", link.as_str())], r#"{"items":[]}"#)
    })
    .await;
    let list = soon(bench.partner().subscribers(&SubscriberFilter::default())).await;
    assert_eq!(list.expect_err("a failure").kind, FailureKind::Unreadable);
    assert_eq!(bench.calls().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_over_4_mib_is_not_read_and_may_have_been_carried_out() {
    let bench = Bench::new("", |_| json(200, &" ".repeat(4 * 1024 * 1024 + 1))).await;
    let failure = failed(&bench, &create()).await;
    assert_eq!(failure.kind, FailureKind::Unreadable);
    assert!(failure.kind.may_have_happened());
    assert_eq!(bench.calls().len(), 1, "a create is never repeated");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_answer_leaves_open_what_happened_and_a_create_is_sent_once() {
    let cut = |_: &Heard| {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":";
        Reply::RawThenClose(text.as_bytes().to_vec())
    };
    for (name, script) in [
        (
            "cut",
            Arc::new(cut) as Arc<dyn Fn(&Heard) -> Reply + Send + Sync>,
        ),
        ("closed", Arc::new(|_: &Heard| Reply::Close)),
        ("reset", Arc::new(|_: &Heard| Reply::Reset)),
        (
            "garbage",
            Arc::new(|_: &Heard| Reply::Raw(b"220 smtp\r\n\r\n".to_vec())),
        ),
    ] {
        let bench = Bench::new("", move |heard| script(heard)).await;
        let failure = failed(&bench, &create()).await;
        assert_eq!(failure.kind, FailureKind::Unanswered, "{name}: {failure:?}");
        assert!(failure.ours.is_some(), "{name}");
        assert_eq!(bench.calls().len(), 1, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_over_a_kept_connection_that_just_closed_is_sent_again() {
    let count = Count::default();
    let bench = Bench::new("", move |_| match count.next() {
        2 => Reply::Close,
        _ => json(200, &subscriber()),
    })
    .await;
    let partner = bench.partner();
    for _ in 0..2 {
        soon(partner.perform(&get())).await.expect("a subscriber");
    }
    assert_eq!(bench.calls().len(), 3);
    assert_eq!(bench.webex.connections(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_over_a_kept_connection_that_just_closed_is_not() {
    let count = Count::default();
    let bench = Bench::new("", move |_| match count.next() {
        2 => Reply::Close,
        _ => json(200, &subscriber()),
    })
    .await;
    soon(bench.partner().perform(&get()))
        .await
        .expect("a subscriber");
    let failure = failed(&bench, &create()).await;
    assert_eq!(failure.kind, FailureKind::Unanswered);
    assert_eq!(bench.calls().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webex_that_is_not_there_got_nothing() {
    let mut bench = Bench::new("", |_| json(200, &subscriber())).await;
    let partner = bench.partner();
    soon(partner.perform(&get())).await.expect("a subscriber");
    let other = Upstream::start(|_| Reply::Close).await;
    drop(std::mem::replace(&mut bench.webex, other));
    // Until nobody listens any more.
    soon(async {
        loop {
            let read = partner.perform(&get()).await;
            if read.is_err_and(|failure| failure.kind == FailureKind::NotSent) {
                return;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    let failure = soon(partner.perform(&create()))
        .await
        .expect_err("a failure");
    assert_eq!(failure.kind, FailureKind::NotSent, "{failure:?}");
    assert!(!failure.kind.may_have_happened());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_does_not_come_in_time_leaves_open_what_happened() {
    let lines = "answer-timeout = \"3s\"\ntotal-timeout = \"6s\"";
    let bench = Bench::new(lines, |heard: &Heard| match heard.method.as_str() {
        // A head in time, and then nothing.
        "GET" => Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".to_vec()),
        _ => Reply::Silent,
    })
    .await;
    let failure = failed(&bench, &create()).await;
    assert_eq!(failure.kind, FailureKind::Unanswered);
    assert!(failure.text.contains("3s"), "{failure:?}");
    let failure = failed(&bench, &get()).await;
    assert_eq!(failure.kind, FailureKind::Unanswered);
    assert!(failure.text.contains("6s"), "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_word_for_word_with_code_names_and_pause() {
    let bench = Bench::new("", |heard: &Heard| match heard.method.as_str() {
        "POST" => json(400, &sample("b16-error-2017.json")),
        _ => with(
            429,
            &[("Retry-After", "37"), ("trackingid", "NA_7")],
            "slow down",
        ),
    })
    .await;
    let failure = failed(&bench, &create()).await;
    assert_eq!(failure.kind, FailureKind::Status(400));
    assert_eq!(failure.code.as_deref(), Some("2017"));
    assert_eq!(
        failure.text,
        "Unable to Provision Subscriber into an existing Webex Org."
    );
    let theirs = failure.theirs.expect("Webex's name of it");
    assert!(theirs.as_str().starts_with("NA_dde3a13a"), "{theirs}");
    let ours = failure.ours.expect("our name of it");
    assert_eq!(bench.calls()[0].field("trackingid"), Some(ours.as_str()));

    let failure = failed(&bench, &get()).await;
    assert_eq!(failure.kind, FailureKind::Status(429));
    assert_eq!(failure.text, "slow down");
    assert_eq!(failure.retry_after, Some(Duration::from_secs(37)));
    assert_eq!(failure.theirs.expect("a name").as_str(), "NA_7");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_429_without_a_pause_has_none() {
    let bench = Bench::new("", |_| with(429, &[], "")).await;
    let failure = failed(&bench, &get()).await;
    assert_eq!(failure.kind, FailureKind::Status(429));
    assert_eq!(failure.retry_after, None);
    assert_eq!(failure.text, "Too Many Requests");
    assert_eq!(
        bench.calls().len(),
        1,
        "when to repeat is decided elsewhere"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_calls_are_under_way_than_configured_and_connections_are_kept() {
    let gate = Gate::new();
    let held = gate.clone();
    let body = subscriber();
    let bench = Bench::new("in-flight = 3", move |_| {
        let Reply::Raw(bytes) = json(200, &body) else {
            unreachable!("it is whole");
        };
        Reply::Gated(vec![bytes], held.clone())
    })
    .await;
    let partner = bench.partner();
    let done = Arc::new(Mutex::new(0));
    let calls = (0..9).map(|_| async {
        partner.perform(&get()).await.expect("a subscriber");
        *done.lock().expect("no holder panics") += 1;
    });
    let steps = async {
        for round in 1..=3 {
            // The token, and the calls of each round.
            let requests = bench.webex.received(1 + round * 3).await;
            assert_eq!(
                requests.len(),
                1 + round * 3,
                "more than three were under way"
            );
            gate.open(3);
        }
    };
    soon(async { tokio::join!(join_all(calls), steps) }).await;
    assert_eq!(*done.lock().expect("no holder panics"), 9);
    assert!(
        bench.webex.connections() <= 4,
        "{}",
        bench.webex.connections()
    );
}
