//! What speaks HTTP: each body field by field, and Alertmanager itself.

use std::path::Path;

use aws_lc_rs::hmac;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

use crate::config::AlarmWay;
use crate::config::AlertmanagerSink;
use crate::config::PagerDutySink;
use crate::config::SinkWeb;
use crate::config::WebexProxy;
use crate::config::WebexSink;
use crate::config::WebexSpeaker;
use crate::config::WebhookSink;
use crate::domain::alarms::Notice;
use crate::domain::alarms::NoticeKind;
use crate::domain::alarms::Severity;
use crate::outbound::alerts::tests::PATIENT;
use crate::outbound::alerts::tests::notice;
use crate::outbound::alerts::tests::program::Program;
use crate::outbound::alerts::tests::program::free_port;
use crate::outbound::alerts::tests::program::is_there;
use crate::outbound::alerts::tests::program::until;
use crate::outbound::alerts::tests::secret;
use crate::outbound::alerts::tests::sink;
use crate::outbound::web::tests::service::Service;
use crate::outbound::web::tests::service::json as answer;

pub(super) fn web(service: &Service) -> SinkWeb {
    SinkWeb {
        proxy: WebexProxy::None,
        ca: Some(service.ca()),
    }
}

pub(super) fn webhook(service: &Service, path: &str, directory: &Path) -> AlarmWay {
    AlarmWay::Webhook(WebhookSink {
        url: service.url(path),
        secret: secret(directory, "hmac", "signing-key"),
        bearer: Some(secret(directory, "bearer", "token-of-the-receiver")),
        web: web(service),
    })
}

/// Head, and the body as JSON.
fn taken_apart(request: &str) -> (String, String, Value) {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let value = serde_json::from_str(body).unwrap();
    (head.to_owned(), body.to_owned(), value)
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let prefix = format!("{name}: ");
    let mut lines = head.lines();
    lines.find_map(|line| line.strip_prefix(&prefix)).unwrap()
}

#[tokio::test]
async fn a_webhook_gets_the_whole_notice_signed_with_its_time() {
    let service = Service::start().await;
    service.on("/noc", [answer("204 No Content", "")]);
    let directory = TempDir::new().unwrap();
    let way = webhook(&service, "/noc", directory.path());
    let sink = sink(way, PATIENT, directory.path());
    sink.deliver(&notice(7)).await.unwrap();
    let (head, body, value) = taken_apart(&service.heard("/noc")[0]);
    assert_eq!(
        value,
        json!({
            "version": 1,
            "identifier": 7,
            "state": "raised",
            "alarm": "certificateExpiring",
            "object": "listener webex-mtls",
            "key": "certificateExpiring/listener webex-mtls",
            "severity": "high",
            "at": "2025-11-28T12:00:00Z",
            "since": "2025-11-28T12:00:00Z",
            "count": 1,
            "system": "sbc-1",
            "text": "The certificate of webex-mtls ends on 2025-12-05 12:00:00 UTC.",
            "action": "Renew it: xspd certs csr webex-mtls.",
            "commands": ["xspd alarms show certificateExpiring 'listener webex-mtls'"],
            "step": "7d",
            "rule": "certificates.manual.high = 7d",
            "ends": "2025-12-05T12:00:00Z",
            "details": [
                { "name": "fingerprint", "value": "ab".repeat(32) },
                { "name": "listener", "value": "webex-mtls" },
                { "name": "owner", "value": "\u{c9}quipe r\u{e9}seau" },
            ],
        })
    );
    assert_eq!(
        header(&head, "authorization"),
        "Bearer token-of-the-receiver"
    );
    assert_eq!(header(&head, "content-type"), "application/json");
    let (time, signature) = header(&head, "x-xspd-signature")
        .split_once(",v1=")
        .unwrap();
    let time = time.strip_prefix("t=").unwrap();
    assert!(time.parse::<u64>().is_ok());
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"signing-key");
    let tag = hmac::sign(&key, format!("{time}.{body}").as_bytes());
    let hex: String = tag
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(signature, hex);
}

#[tokio::test]
async fn webex_hears_of_it_by_a_webhook_and_by_a_bot() {
    let service = Service::start().await;
    let (hook, messages) = ("/v1/webhooks/incoming/secret-part", "/v1/messages");
    service.on(hook, [answer("204 No Content", "")]);
    service.on(messages, [answer("200 OK", "{}")]);
    let directory = TempDir::new().unwrap();
    for speaker in [
        WebexSpeaker::Webhook(secret(directory.path(), "url", &service.url(hook))),
        WebexSpeaker::Bot {
            token: secret(directory.path(), "token", "bot-token"),
            room_id: "Y2lzY29".to_owned(),
            base_url: service.url("/v1"),
        },
    ] {
        let web = web(&service);
        let way = AlarmWay::Webex(WebexSink { speaker, web });
        let sink = sink(way, PATIENT, directory.path());
        sink.deliver(&notice(7)).await.unwrap();
    }
    let (_, _, by_hook) = taken_apart(&service.heard(hook)[0]);
    let (head, _, by_bot) = taken_apart(&service.heard(messages)[0]);
    let markdown = by_hook["markdown"].as_str().unwrap();
    assert!(
        markdown.starts_with(
            "**HIGH raised: certificateExpiring, listener webex-mtls**\n\nThe certificate"
        ),
        "{markdown}"
    );
    assert_eq!(by_hook, json!({ "markdown": markdown }));
    assert_eq!(by_bot, json!({ "roomId": "Y2lzY29", "markdown": markdown }));
    assert_eq!(header(&head, "authorization"), "Bearer bot-token");
}

/// Events API v2, "Send an Alert Event": what is required, and nothing that is unknown.
fn is_event(event: &Value) {
    let top = [
        "routing_key",
        "event_action",
        "dedup_key",
        "payload",
        "client",
    ];
    let inside = [
        "summary",
        "source",
        "severity",
        "timestamp",
        "component",
        "group",
        "class",
        "custom_details",
    ];
    let object = event.as_object().unwrap();
    assert!(
        object.keys().all(|key| top.contains(&key.as_str())),
        "{event}"
    );
    assert_eq!(event["routing_key"], "R0123456789ABCDEF0123456789ABCDE");
    assert!(event["dedup_key"].as_str().unwrap().chars().count() <= 255);
    match event["event_action"].as_str().unwrap() {
        "trigger" => {
            let payload = event["payload"].as_object().unwrap();
            assert!(
                payload.keys().all(|key| inside.contains(&key.as_str())),
                "{event}"
            );
            assert!(payload["summary"].as_str().unwrap().chars().count() <= 1_024);
            assert!(!payload["source"].as_str().unwrap().is_empty());
            let severity = payload["severity"].as_str().unwrap();
            assert!(["critical", "error", "warning", "info"].contains(&severity));
            assert!(payload["timestamp"].as_str().unwrap().ends_with('Z'));
            assert!(payload["custom_details"].is_object());
        }
        "acknowledge" | "resolve" => assert!(event.get("payload").is_none(), "{event}"),
        other => panic!("{other} is no action"),
    }
}

#[tokio::test]
async fn an_incident_is_triggered_acknowledged_and_resolved_by_the_key_of_the_alarm() {
    let service = Service::start().await;
    let accepted = answer("202 Accepted", "{\"status\":\"success\"}");
    service.on("/v2/enqueue", [accepted]);
    let directory = TempDir::new().unwrap();
    let way = AlarmWay::PagerDuty(PagerDutySink {
        url: service.url("/v2/enqueue"),
        routing_key: secret(directory.path(), "key", "R0123456789ABCDEF0123456789ABCDE"),
        web: web(&service),
    });
    let sink = sink(way, PATIENT, directory.path());
    for kind in NoticeKind::ALL {
        let notice = Notice { kind, ..notice(7) };
        sink.deliver(&notice).await.unwrap();
    }
    let mut long = notice(8);
    long.text = "x".repeat(9_000);
    long.key = crate::domain::alarms::AlarmKey::new(long.key.name, &"\u{e9}".repeat(200));
    long.key.name = crate::domain::alarms::AlarmName::WebexTrustChainNewVersion;
    sink.deliver(&long).await.unwrap();
    // The same alarm of another node is another incident.
    let elsewhere = Notice {
        system: "sbc-2".to_owned(),
        ..notice(9)
    };
    sink.deliver(&elsewhere).await.unwrap();
    let events: Vec<Value> = service
        .heard("/v2/enqueue")
        .iter()
        .map(|request| taken_apart(request).2)
        .collect();
    events.iter().for_each(is_event);
    let key = "sbc-1/certificateExpiring/listener webex-mtls";
    let seen: Vec<_> = events
        .iter()
        .map(|event| {
            let word = |name: &str| event[name].as_str().unwrap();
            (word("event_action"), word("dedup_key") == key)
        })
        .collect();
    assert_eq!(
        seen[..6],
        [
            ("trigger", true),
            ("trigger", true),
            ("trigger", true),
            ("acknowledge", true),
            ("resolve", true),
            ("trigger", false),
        ]
    );
    assert_eq!(events[0]["payload"]["severity"], "error");
    assert_eq!(events[0]["payload"]["class"], "certificateExpiring");
    assert_eq!(events[0]["payload"]["component"], "listener webex-mtls");
}

fn alertmanager(urls: Vec<String>) -> AlarmWay {
    AlarmWay::Alertmanager(AlertmanagerSink {
        urls,
        generator_url: Some("https://xspd.example.net/alarms".to_owned()),
        burns_for: std::time::Duration::from_secs(93_600),
        account: None,
        web: SinkWeb {
            proxy: WebexProxy::None,
            ca: None,
        },
    })
}

/// The alerts that burn, as Alertmanager tells them.
async fn burning(port: u16) -> Option<Vec<Value>> {
    let run = Command::new("curl")
        .args(["-s", "-m", "5"])
        .arg(format!("http://127.0.0.1:{port}/api/v2/alerts?active=true"))
        .output()
        .await
        .unwrap();
    serde_json::from_slice(&run.stdout).ok()
}

#[tokio::test]
async fn alertmanager_burns_steps_and_goes_out() {
    if !is_there("prometheus-alertmanager", "prometheus-alertmanager") || !is_there("curl", "curl")
    {
        return;
    }
    let directory = TempDir::new().unwrap();
    let rules = directory.path().join("alertmanager.yml");
    std::fs::write(
        &rules,
        "route:\n  receiver: none\nreceivers:\n  - name: none\n",
    )
    .unwrap();
    let port = free_port();
    let mut command = Command::new("prometheus-alertmanager");
    command
        .arg(format!("--config.file={}", rules.display()))
        .arg(format!("--storage.path={}", directory.path().display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg("--cluster.listen-address=");
    let mut program = Program::start(command, true);
    program.line_with("address=127.0.0.1").await;
    let dead = format!("http://127.0.0.1:{}", free_port());
    let way = alertmanager(vec![dead, format!("http://127.0.0.1:{port}")]);
    let sink = sink(way, PATIENT, directory.path());
    until_listening(port).await;

    // Now, because Alertmanager forgets what has been over for long.
    let mut raised = notice(7);
    raised.at = crate::platform::clock::wall() - std::time::Duration::from_secs(60);
    raised.since = raised.at;
    sink.deliver(&raised).await.unwrap();
    let alerts = burning(port).await.unwrap();
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    let labels = &alerts[0]["labels"];
    assert_eq!(
        *labels,
        json!({
            "alertname": "certificateExpiring",
            "object": "listener webex-mtls",
            "severity": "high",
            "system": "sbc-1",
            "service": "xspd",
        })
    );
    assert_eq!(alerts[0]["generatorURL"], "https://xspd.example.net/alarms");
    assert_eq!(alerts[0]["annotations"]["summary"], raised.text.as_str());

    let stepped = Notice {
        kind: NoticeKind::Stepped,
        severity: Severity::Critical,
        at: raised.at + std::time::Duration::from_secs(1),
        ..raised.clone()
    };
    sink.deliver(&stepped).await.unwrap();
    let severities = async || -> Vec<String> {
        let alerts = burning(port).await.unwrap();
        let word = |alert: &Value| alert["labels"]["severity"].as_str().unwrap().to_owned();
        alerts.iter().map(word).collect()
    };
    assert_eq!(severities().await, ["critical"]);
    let cleared = Notice {
        kind: NoticeKind::Cleared,
        at: stepped.at + std::time::Duration::from_secs(1),
        ..stepped
    };
    sink.deliver(&cleared).await.unwrap();
    assert_eq!(severities().await, [""; 0]);
}

async fn until_listening(port: u16) {
    until("listener", || {
        std::net::TcpStream::connect(("127.0.0.1", port)).ok()
    })
    .await;
}
