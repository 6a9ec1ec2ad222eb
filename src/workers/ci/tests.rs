//! The desk against a CI that does what its script says.

use std::fs;
use std::future::Future;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::time::UNIX_EPOCH;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use prometheus_client::registry::Registry;
use tokio::time::sleep;
use tokio::time::timeout;

use super::*;

use crate::config::secret::SecretRef;
use crate::domain::auth::ci::grant::GrantFault;
use crate::domain::auth::ci::refusal::TokenFlaw;
use crate::outbound::web::tests::service::Answer;
use crate::outbound::web::tests::service::Service;
use crate::outbound::web::tests::service::json;
use crate::outbound::web::tests::service::json_bytes;

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(200);

const TOKEN: &str = "/idb/oauth2/v1/access_token";
const INFO: &str = "/info";
const LIST: &str = "/federation";

const YES: &str = r#"{"active":true,"scope":"broadworks-connector:user","broadworksUserId":"alice@as.example.net","orgId":"org-1"}"#;

fn grant(token: &str) -> Answer {
    let body = format!(
        r#"{{"access_token":"{token}","expires_in":43199,"token_type":"Bearer","refresh_token_expires_in":5183999}}"#
    );
    json("200 OK", &body)
}

fn refused(error: &str) -> Answer {
    json("400 Bad Request", &format!(r#"{{"error":"{error}"}}"#))
}

fn alice() -> CiUser {
    CiUser {
        broadworks_user: "alice@as.example.net".to_owned(),
        org: Some("org-1".to_owned()),
    }
}

struct Bench {
    ci: Service,
    tasks: Tasks,
    registry: Registry,
    cisco: config::Cisco,
    timing: Timing,
}

impl Bench {
    /// A CI that grants, knows Alice and lists itself.
    async fn new() -> Self {
        let ci = Service::start().await;
        ci.on(TOKEN, [grant("service-1"), grant("service-2")]);
        ci.on(INFO, [json("200 OK", YES)]);
        let list = format!(r#"{{"eu":"{}"}}"#, ci.url("/idb"));
        ci.on(LIST, [json("200 OK", &list)]);
        let secret = |name: &str, text: &str| {
            let path = ci.directory.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            SecretRef::File(path)
        };
        let cisco = config::Cisco {
            issuer_name: ci.url("/idb"),
            issuer_url: ci.url("/idb"),
            token_info_url: ci.url(INFO),
            token_info_format: TokenInfoFormat::IdpProxy,
            organization: None,
            client_id: "xspd".to_owned(),
            client_secret: secret("client", "secret\n"),
            ca: Some(ci.ca()),
            scopes: vec!["broadworks-connector:user".to_owned()],
            user_claim: None,
            response_bytes: 4096,
            federation: config::Federation {
                url: ci.url(LIST),
                refresh: LONG,
                refresh_token: secret("refresh", "refresh+1\n"),
                partner: None,
            },
        };
        Self {
            ci,
            tasks: Tasks::new(),
            registry: Registry::with_prefix("xspd"),
            cisco,
            timing: Timing {
                limits: Limits {
                    connect: LONG,
                    total: LONG,
                },
                denial_pause: LONG,
            },
        }
    }

    fn start(&mut self) -> CiDesk {
        let metrics = CiMetrics::register(&mut self.registry);
        let state = self.ci.directory.path();
        CiDesk::start_with(&self.cisco, state, &self.tasks, metrics, self.timing).unwrap()
    }

    /// A token of this CI's whose claims differ by `mark`.
    fn token(&self, mark: &str) -> String {
        let ends = clock::wall() + Duration::from_secs(3600);
        let ends = ends.duration_since(UNIX_EPOCH).unwrap().as_millis();
        let issuer = &self.cisco.issuer_name;
        let claims = format!(
            r#"{{"token_type":"Bearer","iss":"{issuer}","expiry_time":{ends},"token_id":"{mark}"}}"#
        );
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!(
            "{}.{}.{}",
            encode(r#"{"alg":"RS256"}"#),
            encode(&claims),
            encode("signed")
        )
    }

    fn calls(&self, path: &str) -> usize {
        self.ci.heard(path).len()
    }

    fn metrics(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        text
    }

    async fn end(self) {
        self.tasks.stop().cancel();
        timeout(LONG, self.tasks.join()).await.unwrap();
    }
}

async fn until(mut holds: impl FnMut() -> bool) {
    let wait = async {
        while !holds() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, wait).await.unwrap();
}

async fn in_time<T>(work: impl Future<Output = T>) -> T {
    timeout(LONG * 2, work).await.unwrap()
}

#[tokio::test]
async fn a_user_of_ciscos_is_named_and_asked_for_once() {
    let mut bench = Bench::new().await;
    let desk = bench.start();
    let token = bench.token("1");
    for _ in 0..3 {
        assert_eq!(in_time(desk.check(&token)).await, Ok(alice()));
    }
    assert_eq!(bench.calls(INFO), 1);
    let asked = &bench.ci.heard(INFO)[0];
    assert!(asked.starts_with("POST /info HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("\r\nauthorization: Bearer service-1\r\n"));
    assert!(asked.contains("\r\ncontent-type: application/json\r\n"));
    assert!(asked.ends_with(&format!("\r\n\r\n{{\"token\":\"{token}\"}}")));
    let refresh = &bench.ci.heard(TOKEN)[0];
    assert!(
        refresh.contains("\r\nauthorization: Basic eHNwZDpzZWNyZXQ=\r\n"),
        "{refresh}"
    );
    assert!(refresh.contains("\r\ncontent-type: application/x-www-form-urlencoded\r\n"));
    assert!(refresh.ends_with("\r\n\r\ngrant_type=refresh_token&refresh_token=refresh%2B1"));
    assert!(
        bench
            .metrics()
            .contains("xspd_ci_checks_total{outcome=\"accepted\"} 3")
    );
    bench.end().await;
}

#[tokio::test]
async fn an_introspection_is_asked_with_a_form() {
    let mut bench = Bench::new().await;
    bench.cisco.token_info_format = TokenInfoFormat::Rfc7662;
    bench.ci.on(
        INFO,
        [json("200 OK", &YES.replace("broadworksUserId", "username"))],
    );
    let desk = bench.start();
    assert_eq!(in_time(desk.check("opaque+/=")).await, Ok(alice()));
    let asked = &bench.ci.heard(INFO)[0];
    assert!(
        asked.ends_with("\r\n\r\ntoken=opaque%2B%2F%3D&token_type_hint=access_token"),
        "{asked}"
    );
    bench.end().await;
}

#[tokio::test]
async fn a_token_that_cannot_be_valid_costs_no_question() {
    let mut bench = Bench::new().await;
    let desk = bench.start();
    let foreign = {
        let other = Bench::new().await;
        other.token("1")
    };
    for (token, refusal) in [
        ("a.b".to_owned(), CiRefusal::Malformed(TokenFlaw::Parts)),
        ("a".repeat(17 * 1024), CiRefusal::TokenTooLarge),
        (foreign, CiRefusal::WrongIssuer),
    ] {
        assert_eq!(in_time(desk.check(&token)).await, Err(refusal));
    }
    assert_eq!(bench.calls(INFO), 0);
    assert!(
        bench
            .metrics()
            .contains("xspd_ci_checks_total{outcome=\"malformed\"} 1")
    );
    bench.end().await;
}

#[tokio::test]
async fn all_who_present_the_same_token_wait_for_one_answer() {
    let mut bench = Bench::new().await;
    let gate = Arc::new(Semaphore::new(0));
    bench.ci.on(
        INFO,
        [Answer::SayAfter(
            Arc::clone(&gate),
            json_bytes("200 OK", YES),
        )],
    );
    let desk = bench.start();
    let token = bench.token("1");
    // The first one gives up; the others get the answer all the same.
    let hasty = timeout(SHORT, desk.check(&token)).await;
    assert!(hasty.is_err());
    let checks = join_all((0..20).map(|_| desk.check(&token)));
    let open = async {
        until(|| bench.calls(INFO) == 1).await;
        gate.add_permits(1);
    };
    let (verdicts, ()) = in_time(async { tokio::join!(checks, open) }).await;
    assert!(verdicts.iter().all(|verdict| *verdict == Ok(alice())));
    assert_eq!(bench.calls(INFO), 1);
    assert!(desk.0.desk.flights.lock().unwrap().is_empty());
    bench.end().await;
}

#[tokio::test]
async fn a_flood_of_tokens_is_refused_and_not_queued_without_end() {
    let mut bench = Bench::new().await;
    bench.ci.on(TOKEN, [Answer::Hold]);
    let desk = bench.start();
    let tokens: Vec<_> = (0..600).map(|number| format!("opaque{number}")).collect();
    let mut checks: Vec<_> = tokens
        .iter()
        .map(|token| Box::pin(desk.check(token)))
        .collect();
    let busy = checks
        .iter_mut()
        .filter_map(futures_util::FutureExt::now_or_never)
        .filter(|verdict| *verdict == Err(CiRefusal::Busy))
        .count();
    assert_eq!(busy, 600 - 512);
    drop(checks);
    drop(desk);
    bench.end().await;
}

#[tokio::test]
async fn each_bad_answer_is_its_own_refusal_and_asked_again() {
    let mut bench = Bench::new().await;
    let desk = bench.start();
    let token = bench.token("1");
    let moved = format!(
        "HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
        bench.ci.url("/elsewhere")
    );
    let large = format!("{{\"active\":true,\"x\":\"{}\"}}", "x".repeat(4096));
    for (answer, refusal) in [
        (json("200 OK", &large), CiRefusal::ResponseTooLarge),
        (
            json("500 Internal Server Error", YES),
            CiRefusal::Unreachable,
        ),
        (json("503 Service Unavailable", ""), CiRefusal::Unreachable),
        (json("200 OK", "{\"active\":tr"), CiRefusal::BadAnswer),
        (json("200 OK", "<html></html>"), CiRefusal::BadAnswer),
        (json("200 OK", "{}"), CiRefusal::BadAnswer),
        (json("204 No Content", ""), CiRefusal::BadAnswer),
        (Answer::Say(moved.into_bytes()), CiRefusal::BadAnswer),
        (
            Answer::Say(b"garbage\r\n\r\n".to_vec()),
            CiRefusal::Unreachable,
        ),
    ] {
        bench.ci.on(INFO, [answer]);
        assert_eq!(in_time(desk.check(&token)).await, Err(refusal));
    }
    assert_eq!(bench.calls(INFO), 9);
    assert_eq!(bench.calls("/elsewhere"), 0);
    bench.ci.on(INFO, [json("200 OK", YES)]);
    assert_eq!(in_time(desk.check(&token)).await, Ok(alice()));
    bench.end().await;
}

#[tokio::test]
async fn a_slow_answer_is_not_waited_for() {
    let mut bench = Bench::new().await;
    bench.timing.limits.total = SHORT * 5;
    bench.ci.on(INFO, [Answer::Hold]);
    let desk = bench.start();
    until(|| desk.standing().service_token).await;
    let refusal = Err(CiRefusal::Unreachable);
    assert_eq!(in_time(desk.check("opaque1")).await, refusal);
    bench.end().await;
}

#[tokio::test]
async fn a_refusal_of_the_user_is_remembered_for_a_moment() {
    let mut bench = Bench::new().await;
    let desk = bench.start();
    let lacking = r#"{"error":"insufficient_scope"}"#;
    for (mark, answer, refusal) in [
        ("1", json("401 Unauthorized", "{}"), CiRefusal::Inactive),
        (
            "2",
            json("200 OK", "{\"active\":false}"),
            CiRefusal::Inactive,
        ),
        (
            "3",
            json("403 Forbidden", lacking),
            CiRefusal::InsufficientScope,
        ),
        (
            "4",
            json("200 OK", &YES.replace("broadworksUserId", "x")),
            CiRefusal::NoBroadWorksUser,
        ),
    ] {
        let (before, token) = (bench.calls(INFO), bench.token(mark));
        bench.ci.on(INFO, [answer]);
        for _ in 0..3 {
            assert_eq!(in_time(desk.check(&token)).await, Err(refusal));
        }
        assert_eq!(bench.calls(INFO), before + 1, "{refusal}");
    }
    assert_eq!(bench.calls(TOKEN), 1, "users' tokens cost no refresh");
    bench.end().await;
}

#[tokio::test]
async fn a_denied_service_token_is_renewed_once() {
    let mut bench = Bench::new().await;
    bench.timing.denial_pause = Duration::ZERO;
    let denied = json("401 Unauthorized", "{}");
    bench.ci.on(INFO, [denied.clone(), json("200 OK", YES)]);
    let desk = bench.start();
    assert_eq!(in_time(desk.check("opaque1")).await, Ok(alice()));
    assert_eq!((bench.calls(TOKEN), bench.calls(INFO)), (2, 2));
    assert!(bench.ci.heard(INFO)[1].contains("Bearer service-2\r\n"));
    // A 403 that does not speak of the scope means us, too.
    let invalid = json("403 Forbidden", "{\"error\":\"invalid_client\"}");
    bench.ci.on(TOKEN, [grant("service-3")]);
    bench.ci.on(INFO, [invalid, json("200 OK", YES)]);
    assert_eq!(in_time(desk.check("opaque3")).await, Ok(alice()));
    assert_eq!((bench.calls(TOKEN), bench.calls(INFO)), (3, 4));
    // Denied again with a new one: it is the user's.
    bench.ci.on(TOKEN, [grant("service-4")]);
    bench.ci.on(INFO, [denied]);
    let inactive = Err(CiRefusal::Inactive);
    assert_eq!(in_time(desk.check("opaque2")).await, inactive);
    assert_eq!((bench.calls(TOKEN), bench.calls(INFO)), (4, 6));
    bench.end().await;
}

#[tokio::test]
async fn an_access_token_that_comes_again_is_no_new_one() {
    let mut bench = Bench::new().await;
    bench.timing.denial_pause = Duration::ZERO;
    bench.ci.on(TOKEN, [grant("service-1")]);
    bench.ci.on(INFO, [json("401 Unauthorized", "{}")]);
    let desk = bench.start();
    let refusal = Err(CiRefusal::ServiceToken);
    assert_eq!(in_time(desk.check("opaque1")).await, refusal);
    assert!(
        bench
            .metrics()
            .contains("xspd_ci_refresh_total{outcome=\"unchanged\"} 1")
    );
    bench.end().await;
}

#[tokio::test]
async fn a_refused_refresh_token_raises_an_alarm_and_a_new_one_in_the_file_is_used() {
    let mut bench = Bench::new().await;
    bench.timing.denial_pause = Duration::ZERO;
    bench.ci.on(TOKEN, [refused("invalid_grant")]);
    let desk = bench.start();
    let alarm = Alarm::Refused(GrantFault::InvalidGrant);
    until(|| desk.standing().alarms == [alarm]).await;
    let refusal = Err(CiRefusal::ServiceToken);
    assert_eq!(in_time(desk.check("opaque1")).await, refusal);
    assert_eq!(bench.calls(INFO), 0);
    assert_eq!(bench.calls(TOKEN), 1, "it is not hammered");
    let SecretRef::File(path) = &bench.cisco.federation.refresh_token else {
        panic!("a file");
    };
    fs::write(path, "refresh-2").unwrap();
    bench.ci.on(TOKEN, [grant("service-1")]);
    // What the session's slow clock would do in minutes.
    desk.0.desk.inputs.send(Input::Denied).await.unwrap();
    until(|| desk.standing().alarms.is_empty()).await;
    assert!(bench.ci.heard(TOKEN)[1].ends_with("refresh_token=refresh-2"));
    assert_eq!(in_time(desk.check("opaque1")).await, Ok(alice()));
    bench.end().await;
}

#[tokio::test]
async fn each_failure_to_refresh_is_counted_by_its_word() {
    for (answer, word) in [
        (refused("invalid_client"), "invalid-client"),
        (json("200 OK", "no JSON"), "bad-answer"),
        (json("200 OK", &"x".repeat(5000)), "response-too-large"),
        (json("502 Bad Gateway", ""), "unreachable"),
        (Answer::Say(Vec::new()), "unreachable"),
    ] {
        let mut bench = Bench::new().await;
        bench.ci.on(TOKEN, [answer]);
        let desk = bench.start();
        let refusal = Err(CiRefusal::ServiceToken);
        assert_eq!(in_time(desk.check("opaque1")).await, refusal, "{word}");
        let line = format!("xspd_ci_refresh_total{{outcome=\"{word}\"}} 1");
        assert!(bench.metrics().contains(&line), "{line}");
        bench.end().await;
    }
}

#[tokio::test]
async fn the_last_good_federation_list_holds() {
    let mut bench = Bench::new().await;
    bench.cisco.federation.refresh = Duration::from_millis(20);
    let us = "https://idbroker.webex.com/idb";
    bench.ci.on(
        LIST,
        [
            json("200 OK", &format!("[\"{us}\"]")),
            json("503 Service Unavailable", ""),
            json("200 OK", "no JSON"),
            json("200 OK", "{}"),
        ],
    );
    let desk = bench.start();
    assert_eq!(*desk.standing().issuers, [bench.ci.url("/idb")]);
    until(|| bench.calls(LIST) >= 5).await;
    let standing = desk.standing();
    assert_eq!(*standing.issuers, [us.to_owned(), bench.ci.url("/idb")]);
    assert!(standing.federation_refreshed.is_some());
    assert!(bench.ci.heard(LIST)[0].contains("authorization: Bearer service-1\r\n"));
    let stamp = "xspd_ci_federation_refreshed_timestamp_seconds 0\n";
    assert!(!bench.metrics().contains(stamp));
    bench.end().await;
}

#[tokio::test]
async fn the_last_use_of_the_refresh_token_is_kept_for_the_next_start() {
    let mut bench = Bench::new().await;
    let file = bench
        .ci
        .directory
        .path()
        .join("authservice/ci-session.json");
    {
        let desk = bench.start();
        let first_seen = desk.standing().refresh_token_used;
        until(|| desk.standing().refresh_token_used > first_seen).await;
    }
    bench.tasks.stop().cancel();
    timeout(LONG, bench.tasks.join()).await.unwrap();
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&file).unwrap();
    assert!(!text.contains("refresh+1"), "{text}");
    // As if that had been 50 days ago, and CI were away since.
    let mut record: serde_json::Value = serde_json::from_str(&text).unwrap();
    let used = record["used-ms"].as_u64().unwrap() - 50 * 86_400_000;
    record["used-ms"] = used.into();
    fs::write(&file, record.to_string()).unwrap();
    bench.ci.on(TOKEN, [json("503 Service Unavailable", "")]);
    bench.tasks = Tasks::new();
    let desk = bench.start();
    let ends = UNIX_EPOCH + Duration::from_millis(used) + REFRESH_TOKEN_LIFE;
    until(|| desk.standing().alarms == [Alarm::RefreshTokenEnding { ends }]).await;
    assert_eq!(desk.standing().refresh_token_ends, ends);
    bench.end().await;
}

#[tokio::test]
async fn the_session_ends_with_the_last_handle() {
    let mut bench = Bench::new().await;
    let desk = bench.start();
    let other = desk.clone();
    drop(desk);
    assert_eq!(in_time(other.check("opaque1")).await, Ok(alice()));
    assert_eq!(bench.tasks.leftovers(), ["ci-session"]);
    drop(other);
    timeout(LONG, bench.tasks.join()).await.unwrap();
    assert!(bench.tasks.leftovers().is_empty());
}

#[tokio::test]
async fn what_cannot_be_used_is_told_at_the_start_by_its_key() {
    let bench = Bench::new().await;
    let start = |cisco: &config::Cisco| {
        let metrics = CiMetrics::register(&mut Registry::default());
        let state = bench.ci.directory.path();
        CiDesk::start(cisco, state, &bench.tasks, metrics)
            .err()
            .map(|error| error.to_string())
            .unwrap()
    };
    let mut cisco = bench.cisco.clone();
    cisco.token_info_url = "http://a/".to_owned();
    assert!(start(&cisco).contains("cisco.token-info-url"));
    let mut cisco = bench.cisco.clone();
    cisco.ca = Some("/nowhere.pem".into());
    assert!(start(&cisco).contains("/nowhere.pem"));
    let mut cisco = bench.cisco.clone();
    cisco.federation.refresh_token = SecretRef::File("/nowhere".into());
    let text = start(&cisco);
    assert!(text.contains("federation.refresh-token") && text.contains("/nowhere"));
}
