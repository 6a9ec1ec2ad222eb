//! Mail at a server of other people (aiosmtpd).

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::config::AlarmWay;
use crate::config::EmailSink;
use crate::config::MailSecurity;
use crate::config::secret::SecretRef;
use crate::domain::alarms::Notice;
use crate::domain::alarms::NoticeKind;
use crate::outbound::alerts::Outlook;
use crate::outbound::alerts::tests::PATIENT;
use crate::outbound::alerts::tests::mint;
use crate::outbound::alerts::tests::notice;
use crate::outbound::alerts::tests::program::Program;
use crate::outbound::alerts::tests::program::is_there;
use crate::outbound::alerts::tests::secret;
use crate::outbound::alerts::tests::sink;

struct Catcher {
    program: Program,
    port: u16,
    directory: TempDir,
}

impl Catcher {
    /// `None`, and a word why, where there is no aiosmtpd.
    async fn start(mode: &str) -> Option<Self> {
        if !is_there("python3", "python3") {
            return None;
        }
        let module = std::process::Command::new("python3")
            .args(["-c", "import aiosmtpd"])
            .output()
            .unwrap();
        if !module.status.success() {
            println!("skipped: no aiosmtpd (Debian package python3-aiosmtpd)");
            return None;
        }
        let directory = TempDir::new().unwrap();
        mint(directory.path());
        let mut command = Command::new("python3");
        command
            .args(["-W", "ignore", "-c", include_str!("smtp_catcher.py"), mode])
            .arg(directory.path().join("server.pem"))
            .arg(directory.path().join("server.key"));
        let mut program = Program::start(command, false);
        let port: Value = serde_json::from_str(&program.line_with("port").await).unwrap();
        Some(Self {
            program,
            port: u16::try_from(port["port"].as_u64().unwrap()).unwrap(),
            directory,
        })
    }

    fn way(&self, security: MailSecurity, to: &[&str]) -> EmailSink {
        let ca = self.directory.path().join("ca.pem");
        EmailSink {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            security,
            ca: (security != MailSecurity::Plain).then_some(ca),
            server_name: None,
            account: None,
            from: "xspd@sp.example.net".to_owned(),
            to: to.iter().map(|to| (*to).to_owned()).collect(),
        }
    }

    fn account(&self, password: &str) -> Option<(String, SecretRef)> {
        let secret = secret(self.directory.path(), "mail", password);
        Some(("noc".to_owned(), secret))
    }

    fn state(&self) -> &Path {
        self.directory.path()
    }

    async fn mail(&mut self) -> Value {
        serde_json::from_str(&self.program.line_with("\"mail\"").await).unwrap()
    }
}

const NOC: &str = "noc@sp.example.net";

#[tokio::test]
async fn a_mail_over_starttls_says_what_is_wrong_and_what_to_do() {
    let Some(mut catcher) = Catcher::start("starttls").await else {
        return;
    };
    let mut way = catcher.way(MailSecurity::StartTls, &[NOC, "boss@sp.example.net"]);
    way.account = catcher.account("mail-password");
    let sink = sink(AlarmWay::Email(way), PATIENT, catcher.state());
    sink.deliver(&notice(7)).await.unwrap();
    let got = catcher.mail().await;
    assert_eq!(got["sender"], "xspd@sp.example.net");
    assert_eq!(got["to"], serde_json::json!([NOC, "boss@sp.example.net"]));
    assert_eq!(
        (&got["user"], &got["tls"]),
        (&Value::from("noc"), &Value::from(true))
    );
    assert_eq!(got["hello"], "sbc-1");
    let mail = got["mail"].as_str().unwrap().replace("\r\n", "\n");
    let (head, body) = mail.split_once("\n\n").unwrap();
    for line in [
        "Subject: [sbc-1] HIGH raised: certificateExpiring, listener webex-mtls",
        "Auto-Submitted: auto-generated",
        "Date: Fri, 28 Nov 2025 12:00:00 +0000",
    ] {
        assert!(head.contains(line), "{head}");
    }
    let begin = "The certificate of webex-mtls ends on 2025-12-05 12:00:00 UTC.\n\nWHAT TO DO\nRenew \
                 it: xspd certs csr webex-mtls.\n\nFACTS\n";
    assert!(body.starts_with(begin), "{body}");
    for line in [
        "\nSeverity ",
        "high\n",
        "\nRule ",
        "certificates.manual.high",
    ] {
        assert!(body.contains(line), "{body}");
    }
}

#[tokio::test]
async fn a_mail_over_tls_from_the_first_byte_arrives_and_stays_in_its_thread() {
    let Some(mut catcher) = Catcher::start("tls").await else {
        return;
    };
    let way = catcher.way(MailSecurity::Tls, &[NOC]);
    let sink = sink(AlarmWay::Email(way), PATIENT, catcher.state());
    let mut heads = Vec::new();
    for (identifier, kind) in [
        (7, NoticeKind::Raised),
        (7, NoticeKind::Raised),
        (8, NoticeKind::Cleared),
    ] {
        let notice = Notice {
            kind,
            ..notice(identifier)
        };
        sink.deliver(&notice).await.unwrap();
        let mail = catcher.mail().await;
        assert_eq!(mail["tls"], true);
        let mail = mail["mail"].as_str().unwrap().to_owned();
        let header = |name: &str| {
            let line = mail.lines().find(|line| line.starts_with(name)).unwrap();
            line.to_owned()
        };
        heads.push((header("Message-ID: "), header("References: ")));
    }
    assert_eq!(heads[0], heads[1]);
    assert_eq!(heads[0].1, heads[2].1);
    assert_ne!(heads[0].0, heads[2].0);
}

#[tokio::test]
async fn a_recipient_who_is_not_there_keeps_nobody_else_from_knowing() {
    let Some(mut catcher) = Catcher::start("plain").await else {
        return;
    };
    let way = |to: &[&str]| AlarmWay::Email(catcher.way(MailSecurity::Plain, to));
    let some = sink(
        way(&["nobody@sp.example.net", NOC]),
        PATIENT,
        catcher.state(),
    );
    let none = sink(way(&["nobody@sp.example.net"]), PATIENT, catcher.state());
    let later = sink(
        way(&[NOC, "later@sp.example.net"]),
        PATIENT,
        catcher.state(),
    );
    let error = later.deliver(&notice(1)).await.unwrap_err();
    assert_eq!(
        (error.as_str(), error.outlook()),
        ("asked-to-wait", Outlook::Partly),
        "{error}"
    );
    let got = catcher.mail().await;
    assert_eq!(got["to"], serde_json::json!([NOC]));
    // Another try is for the other alone.
    let error = later.deliver(&notice(1)).await.unwrap_err();
    assert_eq!(error.outlook(), Outlook::Partly, "{error}");
    let error = none.deliver(&notice(2)).await.unwrap_err();
    assert_eq!(
        (error.as_str(), error.outlook()),
        ("refused", Outlook::Retry),
        "{error}"
    );
    some.deliver(&notice(3)).await.unwrap();
    let got = catcher.mail().await;
    assert_eq!(got["to"], serde_json::json!([NOC]));
    assert!(
        got["mail"].as_str().unwrap().contains("<xspd.3."),
        "told of more than one: {got}"
    );
}

#[tokio::test]
async fn a_wrong_password_is_tried_again_and_not_repeated() {
    let Some(catcher) = Catcher::start("starttls").await else {
        return;
    };
    let mut way = catcher.way(MailSecurity::StartTls, &[NOC]);
    way.account = catcher.account("wrong-password");
    let sink = sink(AlarmWay::Email(way), PATIENT, catcher.state());
    let error = sink.deliver(&notice(1)).await.unwrap_err();
    assert_eq!(
        (error.as_str(), error.outlook()),
        ("not-allowed", Outlook::Retry),
        "{error}"
    );
    assert!(!error.to_string().contains("wrong-password"), "{error}");
}

#[tokio::test]
async fn a_server_that_cannot_be_believed_gets_nothing() {
    let Some(catcher) = Catcher::start("starttls").await else {
        return;
    };
    let other = TempDir::new().unwrap();
    mint(other.path());
    let mut way = catcher.way(MailSecurity::StartTls, &[NOC]);
    way.account = catcher.account("mail-password");
    way.ca = Some(other.path().join("ca.pem"));
    let sink = sink(AlarmWay::Email(way), PATIENT, catcher.state());
    let error = sink.deliver(&notice(1)).await.unwrap_err();
    assert_eq!(
        (error.as_str(), error.outlook()),
        ("tls-failed", Outlook::Retry),
        "{error}"
    );
    assert!(fs::metadata(other.path().join("ca.pem")).is_ok());
}
