//! Access tokens: how they are had, renewed once for all, and kept.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use futures_util::future::join_all;
use serde_json::Value;

use xspd::domain::auth::ci::grant::GrantFault;
use xspd::domain::auth::ci::session::Alarm;
use xspd::domain::provisioning::ids::SubscriberId;
use xspd::domain::provisioning::webex::FailureKind;
use xspd::domain::provisioning::webex::WebexOp;

use super::Bench;
use super::Count;
use super::Heard;
use super::TOKEN;
use super::grant;
use super::json;
use super::nothing;
use super::secret;
use super::soon;
use crate::support::upstream::Reply;

fn delete() -> WebexOp {
    WebexOp::DeleteSubscriber(SubscriberId::parse("S1").expect("an id"))
}

/// The refresh token of a form.
fn shown(heard: &Heard) -> &str {
    let field = heard
        .body
        .split('&')
        .find_map(|field| field.strip_prefix("refresh_token="));
    field.expect("a refresh token")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_is_shown_as_published_and_its_successor_after_a_restart() {
    let mut bench = Bench::new("", |_| nothing()).await;
    soon(bench.partner().perform(&delete()))
        .await
        .expect("done");
    let refreshes = bench.refreshes();
    assert_eq!(refreshes.len(), 1);
    assert_eq!(
        refreshes[0].body,
        "grant_type=refresh_token&client_id=C1&client_secret=s3cr3t&refresh_token=refresh-0"
    );
    let form = Some("application/x-www-form-urlencoded");
    assert_eq!(refreshes[0].field("content-type"), form);
    let standing = bench.partner().standing();
    assert!(standing.access_token && standing.kept && standing.alarms.is_empty());

    let mode = fs::metadata(bench.record())
        .expect("a record")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    bench.restart();
    soon(bench.partner().perform(&delete()))
        .await
        .expect("done");
    assert_eq!(shown(&bench.refreshes()[1]), "refresh-1");

    // A newly configured one takes the place of what is kept.
    secret(bench.folder.path(), "refresh-token", "refresh-new");
    bench.restart();
    soon(bench.partner().perform(&delete()))
        .await
        .expect("done");
    assert_eq!(shown(&bench.refreshes()[2]), "refresh-new");
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_denied_calls_bring_about_one_refresh_and_one_repetition_each() {
    let bench = Bench::new("in-flight = 64", |heard: &Heard| {
        match heard.field("authorization") {
            Some("Bearer access-2") => nothing(),
            _ => json(
                401,
                r#"{"message":"The request requires a valid access token"}"#,
            ),
        }
    })
    .await;
    let partner = bench.partner();
    let op = delete();
    let calls = (0..50).map(|_| partner.perform(&op));
    for done in soon(join_all(calls)).await {
        done.expect("done");
    }
    assert_eq!(bench.refreshes().len(), 2, "the first one, and one for all");
    let by = |token: &str| {
        let calls = bench.calls().into_iter();
        calls
            .filter(|call| call.field("authorization") == Some(token))
            .count()
    };
    // A call that leaves after the refresh is not denied at all.
    assert!((1..=50).contains(&by("Bearer access-1")));
    assert_eq!(by("Bearer access-2"), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_denied_with_a_new_token_too_is_not_repeated_again() {
    let bench = Bench::new("", |_| json(401, "")).await;
    let failure = soon(bench.partner().perform(&delete()))
        .await
        .expect_err("a failure");
    assert_eq!(failure.kind, FailureKind::Status(401));
    assert_eq!((bench.calls().len(), bench.refreshes().len()), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_refresh_token_is_an_alarm_with_webexs_words() {
    let bench = Bench::by("", |_| {
        json(400, r#"{"message":"The refresh token is gone"}"#)
    })
    .await;
    let failure = soon(bench.partner().perform(&delete()))
        .await
        .expect_err("a failure");
    assert_eq!(failure.kind, FailureKind::NoToken);
    assert!(!failure.kind.may_have_happened());
    assert!(
        failure.text.contains("The refresh token is gone"),
        "{failure:?}"
    );
    assert!(failure.text.contains("partner"), "{failure:?}");
    // Whoever waited hears of it as soon as the alarm does, in either order.
    soon(async {
        while bench.partner().standing().alarms.is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let standing = bench.partner().standing();
    assert!(!standing.access_token);
    assert_eq!(standing.alarms, [Alarm::Refused(GrantFault::InvalidGrant)]);
    let metrics = bench.telemetry.render();
    for line in [
        "xspd_webex_token_refreshes_total{outcome=\"invalid-grant\"} 1",
        "xspd_webex_requests_total{op=\"delete-subscriber\",code_class=\"no-token\"} 1",
        "xspd_webex_token_expiry_timestamp_seconds{partner=\"partner\",kind=\"access\"} 0",
    ] {
        assert!(metrics.contains(line), "{line} is missing in\n{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_takes_no_record_is_told_and_nobody_waits_for_it() {
    let mut bench = Bench::new("", |_| nothing()).await;
    soon(bench.partner().perform(&delete()))
        .await
        .expect("done");
    fs::remove_dir_all(bench.folder.path().join("state")).expect("removed");
    // A file where the directory should be stops root too.
    fs::write(bench.folder.path().join("state"), "").expect("a file");
    bench.restart();
    soon(bench.partner().perform(&delete()))
        .await
        .expect("done");
    let standing = bench.partner().standing();
    assert!(standing.access_token && !standing.kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_record_is_no_reason_to_stop() {
    let mut bench = Bench::new("", |_| nothing()).await;
    soon(bench.partner().perform(&delete()))
        .await
        .expect("done");
    fs::write(bench.record(), "{\"refresh-token\":").expect("a file");
    bench.restart();
    soon(bench.partner().perform(&delete()))
        .await
        .expect("done");
    assert_eq!(shown(&bench.refreshes()[1]), "refresh-0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_that_changes_no_account_keeps_its_token() {
    let mut bench = Bench::new("", |_| nothing()).await;
    soon(bench.partner().perform(&delete()))
        .await
        .expect("done");
    let old = bench.partner();
    bench.lines = "in-flight = 9".to_owned();
    bench.publish();
    assert_eq!(bench.partner().in_flight(), 9);
    soon(bench.partner().perform(&delete()))
        .await
        .expect("done");
    soon(old.perform(&delete()))
        .await
        .expect("what is under way goes on");
    assert_eq!(bench.refreshes().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tokens_of_a_service_app_are_made_and_then_refreshed() {
    let lines = r#"auth = "service-app"
        application-id = "app/1"
        target-org-id = "org-1"
        application-token = "file:FOLDER/application-token""#;
    let count = Count::default();
    let mut bench = Bench::by(lines, move |heard| match heard.target.as_str() {
        "/v1/applications/app%2F1/token" => grant(count.next()),
        TOKEN if shown(heard) == "refresh-1" => grant(count.next()),
        TOKEN => json(400, r#"{"error":"invalid_grant"}"#),
        _ => nothing(),
    })
    .await;
    soon(bench.partner().perform(&delete()))
        .await
        .expect("done");
    let made = &bench.heard()[0];
    assert_eq!(made.field("authorization"), Some("Bearer proof"));
    let body: Value = serde_json::from_str(&made.body).expect("JSON");
    let expected = serde_json::json!({
        "clientId": "C1", "clientSecret": "s3cr3t", "targetOrgId": "org-1",
    });
    assert_eq!(body, expected);
    let targets = |bench: &Bench| -> Vec<String> {
        let heard = bench.heard().into_iter();
        let targets = heard.map(|heard| heard.target);
        targets.filter(|target| target.ends_with("token")).collect()
    };
    bench.restart();
    soon(bench.partner().perform(&delete()))
        .await
        .expect("done");
    assert_eq!(targets(&bench), [made.target.as_str(), TOKEN]);
    // The refresh token ends: the tokens are made anew.
    bench.restart();
    soon(bench.partner().perform(&delete()))
        .await
        .expect("done");
    let expected = [made.target.as_str(), TOKEN, TOKEN, made.target.as_str()];
    assert_eq!(targets(&bench), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_tokens_nor_secrets_show_in_what_prints() {
    let bench = Bench::new("", |_| Reply::Close).await;
    let failure = soon(bench.partner().perform(&delete()))
        .await
        .expect_err("a failure");
    let printed = format!("{failure:?} {:?}", bench.config());
    for held in ["access-1", "refresh-0", "s3cr3t"] {
        assert!(!printed.contains(held), "{held}");
    }
}
