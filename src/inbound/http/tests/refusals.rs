//! Every decision before the relay, in its order.

use bytes::Bytes;
use http::Version;
use http_body_util::Full;

use super::setup::Edge;
use super::setup::HOST;
use super::setup::PROFILE;
use super::setup::caller;
use super::setup::config;
use super::setup::peer;
use super::setup::request;
use crate::config::IdentityMode;
use crate::domain::edge::reason::Reason;
use crate::outbound::tests::fake::Fake;
use crate::outbound::tests::fake::Script;

async fn edge() -> (Edge, Fake) {
    let fake = Fake::start([Script::ok()]).await;
    (Edge::new(config(&[fake.address], |_| {})), fake)
}

/// Targets under the actions' prefix, each with what is wrong.
const BAD_TARGETS: [(Reason, &str, &str); 9] = [
    (Reason::MethodNotAllowed, "TRACE", "/v2.0/versions"),
    (Reason::MethodUnknown, "PROPFIND", "/v2.0/versions"),
    (Reason::TargetDotSegment, "GET", "/v2.0/%2e%2e/x"),
    (Reason::TargetControlCharacter, "GET", "/a%00"),
    (Reason::TargetHiddenSeparator, "GET", "/v2.0;%2f/system"),
    (Reason::TargetOverlong, "GET", "/%c0%ae"),
    (
        Reason::CallMeNowDenied,
        "POST",
        "/v2.0/user/a/calls/%43allMeNow?address=1",
    ),
    (Reason::Version1Denied, "GET", "//v1.0/user/a"),
    (Reason::SystemDenied, "GET", ";x/V2.0/%73ystem"),
];

/// Headers of a PUT, each with what is wrong.
const BAD_HEADERS: [(Reason, [(&str, &str); 2]); 11] = [
    (Reason::HostMissing, [("host", ""), ("a", "b")]),
    (Reason::HostDuplicate, [("host", HOST), ("host", HOST)]),
    (Reason::HostMalformed, [("host", "a/b"), ("a", "b")]),
    (
        Reason::HostMalformed,
        [("host", "u@xsp.example.net"), ("a", "b")],
    ),
    (
        Reason::HostMalformed,
        [("host", "xsp.example.net evil"), ("a", "b")],
    ),
    (
        Reason::HostNotServerName,
        [("host", "other.example.net"), ("a", "b")],
    ),
    (
        Reason::LengthConflict,
        [("content-length", "0"), ("content-length", "0")],
    ),
    (
        Reason::LengthConflict,
        [("content-length", "4"), ("transfer-encoding", "chunked")],
    ),
    (
        Reason::LengthConflict,
        [("content-length", "+4"), ("a", "b")],
    ),
    (
        Reason::TransferCoding,
        [("transfer-encoding", "gzip, chunked"), ("a", "b")],
    ),
    (
        Reason::BodyTooLarge,
        [("content-length", "1001"), ("a", "b")],
    ),
];

#[tokio::test]
async fn whatever_is_wrong_with_a_head_never_reaches_the_xsp() {
    let (edge, fake) = edge().await;
    for (reason, method, below) in BAD_TARGETS {
        let target = format!("/com.broadsoft.xsi-actions{below}");
        let answer = edge.ask(request(method, &target, &[])).await;
        answer.assert_is(reason, below);
        let series = format!("xspd_http_refusals_total{{reason=\"{}\"}}", reason.as_str());
        assert_eq!(edge.metric(&series), 1);
    }
    for (reason, headers) in BAD_HEADERS {
        let answer = edge.ask(request("PUT", PROFILE, &headers)).await;
        answer.assert_is(reason, &format!("{headers:?}"));
    }
    let long = format!("/{}", "a".repeat(9000));
    let below_events =
        "/com.broadsoft.xsi-events/com.broadsoft.Xsi-actions/v2.0/user/a/calls/CallMeNow";
    let elsewhere = format!("https://other.example.net{PROFILE}");
    for (reason, method, target) in [
        (Reason::MethodNotAllowed, "CONNECT", "xsp.example.net:443"),
        (Reason::TargetAuthority, "GET", &elsewhere),
        (Reason::TargetMalformed, "OPTIONS", "*"),
        (Reason::TargetTooLong, "GET", &long),
        (Reason::RouteUnknown, "GET", "/nothing"),
        (Reason::RouteUnserved, "GET", "/hidden/x"),
        (Reason::CertificateRequired, "GET", "/secure/x"),
        (Reason::CallMeNowDenied, "POST", below_events),
    ] {
        let answer = edge.ask(request(method, target, &[])).await;
        answer.assert_is(reason, target);
    }
    assert_eq!(fake.accepted(), 0);
    assert_eq!(edge.metric("xspd_http_requests_in_flight"), 0);
}

#[tokio::test]
async fn a_host_must_be_the_server_name_or_be_covered_by_the_block() {
    let (edge, _fake) = edge().await;
    let with_name = |name: Option<&str>| {
        let mut peer = peer();
        peer.tls.as_mut().unwrap().server_name = name.map(str::to_owned);
        peer
    };
    let cases = [
        (Some(HOST), "XSP.example.net:443", Some(0), None),
        (Some(HOST), "xsp.example.net.", Some(0), None),
        (
            Some(HOST),
            "a.wild.example.net",
            Some(0),
            Some(Reason::HostNotServerName),
        ),
        (None, "a.wild.example.net", Some(0), None),
        (
            None,
            "a.b.wild.example.net",
            Some(0),
            Some(Reason::HostUnknown),
        ),
        (None, HOST, None, Some(Reason::HostUnknown)),
        (
            Some("a.wild.example.net"),
            "a.wild.example.net",
            Some(0),
            None,
        ),
        (
            Some("a.wild.example.net"),
            "b.wild.example.net",
            Some(0),
            Some(Reason::HostNotServerName),
        ),
    ];
    for (name, host, block, expected) in cases {
        let asked = request("GET", PROFILE, &[("host", host)]);
        let answer = edge.ask_as(asked, with_name(name), block).await;
        match expected {
            Some(reason) => answer.assert_is(reason, host),
            None => assert_eq!(answer.status, 200, "{name:?} {host} {answer:?}"),
        }
    }
}

#[tokio::test]
async fn certificates_open_routes_only_for_listed_owners() {
    let (edge, _fake) = edge().await;
    let observing = {
        let fake = Fake::start([Script::ok()]).await;
        let observe = config(&[fake.address], |config| {
            config.listeners[0].hosts[0].client_auth.mode = IdentityMode::Observe;
        });
        (Edge::new(observe), fake)
    };
    let with = |listed| {
        let mut peer = peer();
        peer.caller = Some(caller(listed));
        peer
    };
    let asked = || request("GET", "/secure/x", &[]);
    assert_eq!(edge.ask_as(asked(), with(true), Some(0)).await.status, 200);
    edge.ask_as(asked(), with(false), Some(0))
        .await
        .assert_is(Reason::IdentityNotListed, "unlisted");
    assert_eq!(
        observing
            .0
            .ask_as(asked(), with(false), Some(0))
            .await
            .status,
        200
    );
    let plain = edge.ask_as(request("GET", PROFILE, &[]), with(false), Some(0));
    plain
        .await
        .assert_is(Reason::IdentityNotListed, "unlisted on an open route");
}

#[tokio::test]
async fn refusals_have_the_form_that_the_asker_reads() {
    let (edge, _fake) = edge().await;
    let denied = "/com.broadsoft.xsi-actions/v1.0/user/a";
    let cases = [
        (
            denied,
            "",
            "application/xml;charset=UTF-8",
            "<ErrorInfo xmlns=",
        ),
        (
            denied,
            "application/json",
            "application/json;charset=UTF-8",
            "{\"ErrorInfo\":",
        ),
        (
            "/com.broadsoft.xsi-actions/%2e%2e?format=json",
            "text/xml",
            "application/json;charset=UTF-8",
            "{\"ErrorInfo\":",
        ),
        (
            "/com.broadsoft.xsi-events/%2e%2e",
            "",
            "application/xml;charset=UTF-8",
            "<ErrorInfo xmlns=",
        ),
        (
            "/authService/%2e%2e",
            "application/json",
            "text/plain;charset=UTF-8",
            "The target",
        ),
        (
            "/nothing",
            "application/json",
            "text/plain;charset=UTF-8",
            "There is nothing",
        ),
    ];
    for (target, accept, content_type, text) in cases {
        let headers = [("accept", accept), ("trackingid", "NA_4711")];
        let answer = edge.ask(request("GET", target, &headers)).await;
        assert_eq!(answer.headers["content-type"], content_type, "{target}");
        assert!(answer.text.contains(text), "{target}: {}", answer.text);
        assert!(
            answer.text.contains("(NA_4711)"),
            "{target}: {}",
            answer.text
        );
        assert_eq!(answer.headers["trackingid"], "NA_4711");
    }
}

#[tokio::test]
async fn http_2_has_its_host_in_the_target_and_may_not_contradict_it() {
    let (edge, fake) = edge().await;
    let version_2 = |host: Option<&str>| {
        let target = format!("https://xsp.example.net:443{PROFILE}?a=b");
        let mut builder = http::Request::builder()
            .uri(target)
            .version(Version::HTTP_2);
        if let Some(host) = host {
            builder = builder.header("host", host);
        }
        builder
            .header("cookie", "a=1")
            .header("cookie", "b=2")
            .body(Full::<Bytes>::default())
            .unwrap()
    };
    assert_eq!(edge.ask(version_2(None)).await.status, 200);
    assert_eq!(edge.ask(version_2(Some(HOST))).await.status, 200);
    let answer = edge.ask(version_2(Some("other.example.net"))).await;
    answer.assert_is(Reason::TargetAuthority, "contradiction");
    let heard = fake.heard();
    let first = heard.first().unwrap();
    assert!(
        first.starts_with(&format!("GET {PROFILE}?a=b HTTP/1.1\r\n")),
        "{first}"
    );
    assert!(first.contains("host: xsp.example.net:443\r\n"), "{first}");
    assert!(first.contains("cookie: a=1; b=2\r\n"), "{first}");
}
