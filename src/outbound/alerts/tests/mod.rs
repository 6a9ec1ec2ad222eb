//! Every sink against a receiver that is not ours, where there is one, and against what hangs,
//! refuses and breaks off.

mod faults;
mod mail;
mod posts;
mod program;
mod syslog;
mod traps;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use crate::config::AlarmSink;
use crate::config::AlarmWay;
use crate::config::Config;
use crate::config::Environment;
use crate::config::secret::SecretRef;
use crate::domain::alarms::AlarmKey;
use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Appetite;
use crate::domain::alarms::Notice;
use crate::domain::alarms::NoticeKind;
use crate::domain::alarms::Severity;
use crate::domain::shell::Ending;
use crate::outbound::alerts::AlertSink;
use crate::outbound::alerts::SinkBuilder;

/// A notice with everything in it, of 2025-11-28 12:00 UTC.
pub(super) fn notice(identifier: u64) -> Notice {
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_764_331_200);
    Notice {
        identifier,
        kind: NoticeKind::Raised,
        key: AlarmKey::new(AlarmName::CertificateExpiring, "listener webex-mtls"),
        severity: Severity::High,
        at,
        since: at,
        count: 1,
        system: "sbc-1".to_owned(),
        text: "The certificate of webex-mtls ends on 2025-12-05 12:00:00 UTC.".to_owned(),
        action: "Renew it: xspd certs csr webex-mtls.".to_owned(),
        step: "7d".to_owned(),
        rule: "certificates.manual.high = 7d".to_owned(),
        ends: Some(at + Duration::from_secs(7 * 86_400)),
        details: vec![
            ("fingerprint".to_owned(), "ab".repeat(32)),
            ("listener".to_owned(), "webex-mtls".to_owned()),
            ("owner".to_owned(), "\u{c9}quipe r\u{e9}seau".to_owned()),
        ],
        ending: Ending::default(),
    }
}

/// Long enough for what must happen.
const PATIENT: Duration = Duration::from_secs(20);

/// Short enough for what must not.
const HASTY: Duration = Duration::from_millis(400);

/// A sink of its own.
fn sink(way: AlarmWay, limit: Duration, state_dir: &Path) -> Arc<dyn AlertSink> {
    build(way, limit, state_dir).unwrap_or_else(|error| panic!("{error}"))
}

fn build(way: AlarmWay, limit: Duration, state_dir: &Path) -> Result<Arc<dyn AlertSink>, String> {
    let mut config = empty();
    config.alarm_sinks = vec![AlarmSink {
        name: "tested".to_owned(),
        appetite: Appetite {
            level: Severity::Low,
            quiet: None,
        },
        timeout: limit,
        way,
    }];
    let builder = SinkBuilder::new(Environment::default(), state_dir);
    match builder.build(&config) {
        Ok(mut sinks) => Ok(sinks.remove(0)),
        Err(errors) => Err(errors[0].to_string()),
    }
}

fn empty() -> Config {
    let text = "
        [[pool]]
        name = \"xsp\"
        upstream = [{ name = \"one\", url = \"http://10.0.0.5\" }]
        [[listener]]
        name = \"public\"
        addresses = [\"127.0.0.1:0\"]
        [[listener.host]]
        names = [\"a.example.com\"]
    ";
    crate::config::from_text(text).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// A secret in a file as operators keep it.
fn secret(directory: &Path, name: &str, text: &str) -> SecretRef {
    let path = directory.join(name);
    std::fs::write(&path, format!("{text}\n")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&path, mode).unwrap();
    SecretRef::File(path)
}

#[test]
fn without_a_sink_alarms_are_in_the_journal() {
    let directory = tempfile::tempdir().unwrap();
    let builder = SinkBuilder::new(Environment::default(), directory.path());
    let sinks = builder.build(&empty()).unwrap();
    let kinds: Vec<_> = sinks
        .iter()
        .map(|sink| (sink.name(), sink.kind()))
        .collect();
    assert_eq!(kinds, [("journal", "journal")]);
    // And nobody is anybody for SNMP.
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn the_journal_takes_every_notice() {
    let directory = tempfile::tempdir().unwrap();
    let journal = sink(AlarmWay::Journal, PATIENT, directory.path());
    for kind in NoticeKind::ALL {
        let notice = Notice { kind, ..notice(1) };
        journal.deliver(&notice).await.unwrap();
    }
}

/// `ca.pem`, `server.pem` and `server.key` of a server at 127.0.0.1.
fn mint(directory: &Path) {
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    let ca = rcgen::CertifiedIssuer::self_signed(params, key).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let server = params.signed_by(&key, &ca).unwrap();
    let write = |name: &str, text: String| std::fs::write(directory.join(name), text).unwrap();
    write("ca.pem", ca.pem());
    write("server.pem", server.pem());
    write("server.key", key.serialize_pem());
}
