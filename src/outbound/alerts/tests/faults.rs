//! Receivers that hang, refuse, break off, ask for patience or are not there: each sink says so in
//! time, says whether another try can help, and says no secret.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::config::AlarmWay;
use crate::config::AlertmanagerSink;
use crate::config::EmailSink;
use crate::config::MailSecurity;
use crate::config::PagerDutySink;
use crate::config::SinkWeb;
use crate::config::SyslogFacility;
use crate::config::SyslogSink;
use crate::config::SyslogTransport;
use crate::config::WebexProxy;
use crate::config::WebexSink;
use crate::config::WebexSpeaker;
use crate::config::WebhookSink;
use crate::outbound::alerts::Outlook;
use crate::outbound::alerts::SinkError;
use crate::outbound::alerts::tests::HASTY;
use crate::outbound::alerts::tests::PATIENT;
use crate::outbound::alerts::tests::notice;
use crate::outbound::alerts::tests::posts::webhook;
use crate::outbound::alerts::tests::secret;
use crate::outbound::alerts::tests::sink;
use crate::outbound::tests::setup::nobody;
use crate::outbound::web::tests::service::Answer;
use crate::outbound::web::tests::service::Service;
use crate::outbound::web::tests::service::json as answer;
use crate::platform::tasks::Tasks;

/// A server that says its lines, one after each that it hears, and then holds the line.
struct Scripted {
    address: SocketAddr,
    heard: Arc<Mutex<String>>,
    tasks: Tasks,
}

impl Scripted {
    async fn start(lines: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(String::new()));
        let tasks = Tasks::new();
        let (hears, stop) = (Arc::clone(&heard), tasks.stop());
        tasks.connection(async move {
            let serve = async {
                let mut held = Vec::new();
                loop {
                    let (mut stream, _) = listener.accept().await.unwrap();
                    for line in lines {
                        stream.write_all(line.as_bytes()).await.unwrap();
                        let mut bytes = [0; 1_024];
                        let length = stream.read(&mut bytes).await.unwrap_or_default();
                        let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
                        hears.lock().unwrap().push_str(&text);
                    }
                    held.push(stream);
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = serve => {}
            }
        });
        Self {
            address,
            heard,
            tasks,
        }
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.tasks.stop().cancel();
    }
}

fn direct() -> SinkWeb {
    SinkWeb {
        proxy: WebexProxy::None,
        ca: None,
    }
}

fn email(address: SocketAddr, security: MailSecurity) -> AlarmWay {
    AlarmWay::Email(EmailSink {
        host: address.ip().to_string(),
        port: address.port(),
        security,
        ca: None,
        server_name: None,
        account: None,
        from: "xspd@sp.example.net".to_owned(),
        to: vec!["noc@sp.example.net".to_owned()],
    })
}

/// Every kind that needs a connection, towards one address.
fn ways(address: SocketAddr, directory: &Path) -> Vec<AlarmWay> {
    let url = format!("http://{address}");
    let key = || secret(directory, "key", "very-secret");
    let hook = secret(directory, "url", &format!("{url}/incoming/very-secret"));
    vec![
        AlarmWay::Syslog(SyslogSink {
            host: address.ip().to_string(),
            port: address.port(),
            transport: SyslogTransport::Tls,
            tls: Some(crate::config::UpstreamTls {
                ca: None,
                pins: vec![[7; 32]],
                server_name: "127.0.0.1".to_owned(),
                client_certificate: None,
            }),
            facility: SyslogFacility::Local0,
        }),
        email(address, MailSecurity::Plain),
        email(address, MailSecurity::StartTls),
        email(address, MailSecurity::Tls),
        AlarmWay::Webhook(WebhookSink {
            url: url.clone(),
            secret: key(),
            bearer: None,
            web: direct(),
        }),
        AlarmWay::Webex(WebexSink {
            speaker: WebexSpeaker::Webhook(hook),
            web: direct(),
        }),
        AlarmWay::Alertmanager(AlertmanagerSink {
            urls: vec![url.clone()],
            generator_url: None,
            burns_for: PATIENT,
            account: Some(("noc".to_owned(), key())),
            web: direct(),
        }),
        AlarmWay::PagerDuty(PagerDutySink {
            url,
            routing_key: key(),
            web: direct(),
        }),
    ]
}

async fn failure(way: AlarmWay, limit: Duration, state: &Path) -> SinkError {
    let kind = way.kind();
    let sink = sink(way, limit, state);
    let error = sink.deliver(&notice(1)).await.unwrap_err();
    assert!(
        !error.to_string().contains("very-secret"),
        "{kind:?}: {error}"
    );
    error
}

#[tokio::test]
async fn whoever_hangs_is_given_up_in_time() {
    let hangs = Scripted::start(&[""]).await;
    let directory = TempDir::new().unwrap();
    for way in ways(hangs.address, directory.path()) {
        let kind = way.kind();
        let error = failure(way, HASTY, directory.path()).await;
        assert_eq!(
            (error.as_str(), error.outlook()),
            ("timeout", Outlook::Retry),
            "{kind:?}: {error}"
        );
    }
}

#[tokio::test]
async fn whoever_is_not_there_may_be_there_later() {
    let directory = TempDir::new().unwrap();
    let address = nobody();
    for way in ways(address, directory.path()) {
        let kind = way.kind();
        let error = failure(way, PATIENT, directory.path()).await;
        let seen = (error.as_str(), error.outlook());
        assert_eq!(
            seen,
            ("connect-failed", Outlook::Retry),
            "{kind:?}: {error}"
        );
    }
}

#[tokio::test]
async fn an_answer_says_whether_another_try_can_help() {
    let service = Service::start().await;
    let directory = TempDir::new().unwrap();
    let wait = |status: &str, after: &str| {
        let text =
            format!("HTTP/1.1 {status}\r\nretry-after: {after}\r\ncontent-length: 0\r\n\r\n");
        Answer::Say(text.into_bytes())
    };
    let after = |seconds| Outlook::RetryAfter(Duration::from_secs(seconds));
    for (path, say, word, outlook) in [
        (
            "/a",
            answer("500 Oops", "token-of-the-receiver"),
            "server-error",
            Outlook::Retry,
        ),
        (
            "/b",
            answer("429 Slow", ""),
            "asked-to-wait",
            Outlook::Retry,
        ),
        ("/c", wait("429 Slow", "30"), "asked-to-wait", after(30)),
        (
            "/d",
            wait("503 Later", "86400"),
            "asked-to-wait",
            after(3_600),
        ),
        ("/e", answer("401 Who", ""), "not-allowed", Outlook::Retry),
        ("/f", answer("404 Gone", ""), "not-found", Outlook::Retry),
        (
            "/g",
            answer("400 Bad", "{\"message\":\"no\"}"),
            "refused",
            Outlook::Doubted,
        ),
        ("/h", wait("301 Moved", "1"), "not-found", Outlook::Retry),
        ("/k", answer("410 Gone", ""), "refused", Outlook::Doubted),
        ("/l", answer("413 Big", ""), "too-large", Outlook::Refused),
        (
            "/i",
            Answer::Say(b"SSH-2.0-x\r\n".to_vec()),
            "broken",
            Outlook::Retry,
        ),
        (
            "/j",
            answer("200 OK", &"x".repeat(100_000)),
            "response-too-large",
            Outlook::Retry,
        ),
    ] {
        service.on(path, [say]);
        let way = webhook(&service, path, directory.path());
        let error = failure(way, PATIENT, directory.path()).await;
        assert_eq!(
            (error.as_str(), error.outlook()),
            (word, outlook),
            "{path}: {error}"
        );
        assert!(
            !error.to_string().contains("token-of-the-receiver"),
            "{error}"
        );
        assert_eq!(
            path == "/g",
            error.to_string().contains("{\"message\":\"no\"}"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_mail_server_without_starttls_gets_nothing_in_clear() {
    let server = Scripted::start(&["220 here\r\n", "250-here\r\n250 SIZE\r\n"]).await;
    let directory = TempDir::new().unwrap();
    let way = email(server.address, MailSecurity::StartTls);
    let error = failure(way, PATIENT, directory.path()).await;
    assert_eq!(
        (error.as_str(), error.outlook()),
        ("tls-failed", Outlook::Retry),
        "{error}"
    );
    assert_eq!(*server.heard.lock().unwrap(), "EHLO sbc-1\r\n");
}

#[tokio::test]
async fn what_is_slipped_in_behind_starttls_is_not_taken_for_the_server() {
    let server = Scripted::start(&[
        "220 here\r\n",
        "250 STARTTLS\r\n",
        "220 go\r\n250 slipped in\r\n",
    ])
    .await;
    let directory = TempDir::new().unwrap();
    let way = email(server.address, MailSecurity::StartTls);
    let error = failure(way, PATIENT, directory.path()).await;
    assert_eq!(
        (error.as_str(), error.outlook()),
        ("tls-failed", Outlook::Retry),
        "{error}"
    );
}

#[tokio::test]
async fn a_mail_server_that_is_busy_or_babbles_is_tried_again() {
    let directory = TempDir::new().unwrap();
    static BABBLE: &[&str] = &["220-x\r\n220-y\r\n220-", "no end"];
    for (lines, word) in [
        (
            &["421 too many\r\n"] as &'static [&'static str],
            "asked-to-wait",
        ),
        (&["hello\r\n"], "broken"),
    ] {
        let server = Scripted::start(lines).await;
        let way = email(server.address, MailSecurity::Plain);
        let error = failure(way, PATIENT, directory.path()).await;
        assert_eq!(
            (error.as_str(), error.outlook()),
            (word, Outlook::Retry),
            "{error}"
        );
    }
    let server = Scripted::start(BABBLE).await;
    let way = email(server.address, MailSecurity::StartTls);
    let error = failure(way, HASTY, directory.path()).await;
    assert_eq!(
        (error.as_str(), error.outlook()),
        ("timeout", Outlook::Retry),
        "{error}"
    );
}

#[tokio::test]
async fn only_a_text_that_a_mail_server_refuses_is_lost() {
    let directory = TempDir::new().unwrap();
    for (lines, outlook) in [
        (
            &["554 not you\r\n"] as &'static [&'static str],
            Outlook::Retry,
        ),
        (
            &["220 x\r\n", "250 x\r\n", "550 whose?\r\n"],
            Outlook::Retry,
        ),
        (
            &["220 x\r\n", "250 x\r\n", "250 x\r\n", "550 nobody\r\n"],
            Outlook::Retry,
        ),
        (
            &[
                "220 x\r\n",
                "250 x\r\n",
                "250 x\r\n",
                "250 x\r\n",
                "554 no\r\n",
            ],
            Outlook::Retry,
        ),
        (
            &[
                "220 x\r\n",
                "250 x\r\n",
                "250 x\r\n",
                "250 x\r\n",
                "354 go\r\n",
                "554 spam\r\n",
            ],
            Outlook::Refused,
        ),
    ] {
        let server = Scripted::start(lines).await;
        let way = email(server.address, MailSecurity::Plain);
        let error = failure(way, PATIENT, directory.path()).await;
        assert_eq!(
            (error.as_str(), error.outlook()),
            ("refused", outlook),
            "{lines:?}: {error}"
        );
    }
}

#[tokio::test]
async fn a_shut_port_is_told_of_a_datagram_too() {
    let directory = TempDir::new().unwrap();
    let way = AlarmWay::Syslog(SyslogSink {
        host: "127.0.0.1".to_owned(),
        port: super::program::free_port(),
        transport: SyslogTransport::Udp,
        tls: None,
        facility: SyslogFacility::Local0,
    });
    let error = failure(way, PATIENT, directory.path()).await;
    assert_eq!(
        (error.as_str(), error.outlook()),
        ("connect-failed", Outlook::Retry),
        "{error}"
    );
}
