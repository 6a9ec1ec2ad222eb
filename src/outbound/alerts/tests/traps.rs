//! Traps and informs at net-snmp's own receiver, read through our MIB.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command as Run;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::UdpSocket;
use tokio::process::Command;
use tokio::time::timeout;

use crate::config::AlarmWay;
use crate::config::SnmpAuthentication;
use crate::config::SnmpForm;
use crate::config::SnmpPrivacy;
use crate::config::SnmpSecurity;
use crate::config::SnmpSink;
use crate::domain::alarms::Notice;
use crate::domain::alarms::NoticeKind;
use crate::outbound::alerts::AlertSink;
use crate::outbound::alerts::Outlook;
use crate::outbound::alerts::snmp::engine;
use crate::outbound::alerts::tests::HASTY;
use crate::outbound::alerts::tests::PATIENT;
use crate::outbound::alerts::tests::build;
use crate::outbound::alerts::tests::notice;
use crate::outbound::alerts::tests::program::Program;
use crate::outbound::alerts::tests::program::free_port;
use crate::outbound::alerts::tests::program::is_there;
use crate::outbound::alerts::tests::secret;
use crate::outbound::alerts::tests::sink;

const USER: &str = "xspd";
const AUTH: &str = "authpass-12345678";
const HIDE: &str = "privpass-12345678";

/// The nine of BroadWorks and ours, in the order that they are sent.
const ORDER: [&str; 16] = [
    "xspdIdentifier.0",
    "xspdTimeStamp.0",
    "xspdAlarmName.0",
    "xspdSystemName.0",
    "xspdSeverity.0",
    "xspdComponent.0",
    "xspdSubcomponent.0",
    "xspdProblemText.0",
    "xspdRecommendedActionsText.0",
    "xspdObject.0",
    "xspdNoticeKind.0",
    "xspdCount.0",
    "xspdSince.0",
    "xspdCertFingerprint.0",
    "xspdCertNotAfter.0",
    "xspdListener.0",
];

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn mibs() -> String {
    let noc = repository().join("config/noc");
    let ours = repository().join("tests/fixtures/mibs");
    format!("{}:{}", ours.display(), noc.display())
}

/// snmptrapd with our MIB.
struct Receiver {
    program: Program,
    port: u16,
    _directory: TempDir,
}

impl Receiver {
    async fn start(rules: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let port = free_port();
        let file = directory.path().join("snmptrapd.conf");
        fs::write(&file, rules).unwrap();
        let mut command = Command::new("snmptrapd");
        command
            .args(["-f", "-n", "-Le", "-C", "-c"])
            .arg(&file)
            .args(["-M", &mibs(), "-m", "XSPD-MIB:SNMPv2-MIB"])
            .arg(format!("udp:127.0.0.1:{port}"))
            .env("SNMP_PERSISTENT_DIR", directory.path());
        let mut program = Program::start(command, true);
        program.line_with("NET-SNMP version").await;
        Self {
            program,
            port,
            _directory: directory,
        }
    }

    /// The next trap: where it came from, and what was in it.
    async fn trap(&mut self) -> (String, String) {
        let from = self.program.line_with("->[127.0.0.1]:").await;
        let fields = self.program.line_with("snmpTrapOID").await;
        (from, fields)
    }
}

fn way(ports: &[u16], form: SnmpForm, security: SnmpSecurity) -> AlarmWay {
    let targets = ports.iter().map(|port| ("127.0.0.1".to_owned(), *port));
    AlarmWay::Snmp(SnmpSink {
        targets: targets.collect(),
        form,
        security,
        source: None,
        oid_base: vec![1, 3, 6, 1, 4, 1, 32_473, 1],
    })
}

fn community(directory: &Path) -> SnmpSecurity {
    SnmpSecurity::Community(secret(directory, "community", "noc-traps"))
}

fn user(directory: &Path, auth: &str, privacy: SnmpPrivacy) -> SnmpSecurity {
    SnmpSecurity::User {
        name: USER.to_owned(),
        authentication: SnmpAuthentication::Sha256,
        auth_password: secret(directory, "auth", auth),
        privacy,
        privacy_password: secret(directory, "privacy", HIDE),
    }
}

fn is_whole(fields: &str) {
    let mut at = 0;
    for name in ORDER {
        let found = fields[at..].find(&format!("XSPD-MIB::{name} = "));
        at += found.unwrap_or_else(|| panic!("{name} is missing or in the wrong place: {fields}"));
    }
    for said in [
        "OID: XSPD-MIB::xspdCertificateExpiring\t",
        "xspdIdentifier.0 = Counter32: 7\t",
        "xspdTimeStamp.0 = STRING: 2025-11-28,12:0:0.0,+0:0\t",
        "xspdAlarmName.0 = STRING: certificateExpiring\t",
        "xspdSystemName.0 = STRING: sbc-1\t",
        "xspdSeverity.0 = INTEGER: high(3)\t",
        "xspdComponent.0 = INTEGER: xspd(1)\t",
        "xspdSubcomponent.0 = INTEGER: certificates(1)\t",
        "xspdProblemText.0 = STRING: The certificate of webex-mtls ends on 2025-12-05 12:00:00 UTC.\t",
        "xspdRecommendedActionsText.0 = STRING: Renew it: xspd certs csr webex-mtls. xspd alarms show certificateExpiring 'listener webex-mtls'\t",
        "xspdObject.0 = STRING: listener webex-mtls\t",
        "xspdNoticeKind.0 = INTEGER: raised(1)\t",
        "xspdCount.0 = Gauge32: 1\t",
        "xspdCertNotAfter.0 = STRING: 2025-12-5,12:0:0.0,+0:0\t",
        "xspdListener.0 = STRING: webex-mtls",
    ] {
        assert!(fields.contains(said), "{said:?} is not in {fields:?}");
    }
}

#[tokio::test]
async fn a_trap_of_version_2c_is_read_through_our_mib() {
    if !is_there("snmptrapd", "snmptrapd") {
        return;
    }
    let directory = TempDir::new().unwrap();
    let mut receiver = Receiver::start("authCommunity log noc-traps\n").await;
    let way = way(
        &[receiver.port],
        SnmpForm::Trap,
        community(directory.path()),
    );
    let sink = sink(way, PATIENT, directory.path());
    sink.deliver(&notice(7)).await.unwrap();
    is_whole(&receiver.trap().await.1);
    for (kind, name) in [
        (NoticeKind::Reminded, "xspdCertificateExpiring"),
        (NoticeKind::Cleared, "xspdCertificateExpiringClear"),
        (NoticeKind::Test, "xspdTest"),
    ] {
        let notice = Notice { kind, ..notice(8) };
        sink.deliver(&notice).await.unwrap();
        let (_, fields) = receiver.trap().await;
        assert!(
            fields.contains(&format!("OID: XSPD-MIB::{name}\t")),
            "{fields}"
        );
    }
    // Version 2c needs nobody to be somebody.
    assert!(!directory.path().join(engine::FILE).exists());
}

#[tokio::test]
async fn a_trap_comes_from_the_address_that_was_chosen_and_below_the_base_that_was_chosen() {
    if !is_there("snmptrapd", "snmptrapd") {
        return;
    }
    let directory = TempDir::new().unwrap();
    let mut receiver = Receiver::start("authCommunity log noc-traps\n").await;
    let AlarmWay::Snmp(mut rules) = way(
        &[receiver.port],
        SnmpForm::Trap,
        community(directory.path()),
    ) else {
        panic!("not SNMP");
    };
    rules.source = Some("127.0.0.2".parse().unwrap());
    rules.oid_base = vec![1, 3, 6, 1, 4, 1, 99_999, 7];
    let sink = sink(AlarmWay::Snmp(rules), PATIENT, directory.path());
    sink.deliver(&notice(7)).await.unwrap();
    let (from, fields) = receiver.trap().await;
    assert!(from.contains("UDP: [127.0.0.2]:"), "{from}");
    assert!(fields.contains("99999.7.0.1"), "{fields}");
}

#[tokio::test]
async fn an_inform_of_version_2c_is_done_when_the_receiver_says_so() {
    if !is_there("snmptrapd", "snmptrapd") {
        return;
    }
    let directory = TempDir::new().unwrap();
    let mut receiver = Receiver::start("authCommunity log noc-traps\n").await;
    let way = |port| way(&[port], SnmpForm::Inform, community(directory.path()));
    let good = sink(way(receiver.port), PATIENT, directory.path());
    good.deliver(&notice(7)).await.unwrap();
    is_whole(&receiver.trap().await.1);
    let nobody = sink(way(free_port()), HASTY, directory.path());
    let error = nobody.deliver(&notice(9)).await.unwrap_err();
    assert_eq!(error.outlook(), Outlook::Retry, "{error}");
}

/// The engine that traps of version 3 come from, as the state directory has it.
fn engine_id(state: &Path) -> String {
    let kept = fs::read(state.join(engine::FILE)).unwrap();
    let kept: serde_json::Value = serde_json::from_slice(&kept).unwrap();
    kept["engine-id"].as_str().unwrap().to_owned()
}

fn v3_trap(port: u16, state: &Path, auth: &str) -> AlarmWay {
    let security = user(state, auth, SnmpPrivacy::Aes128);
    way(&[port], SnmpForm::Trap, security)
}

#[tokio::test]
async fn a_trap_of_version_3_is_believed_before_and_after_a_restart() {
    if !is_there("snmptrapd", "snmptrapd") {
        return;
    }
    let directory = TempDir::new().unwrap();
    let state = directory.path();
    // The first start makes the engine that the receiver must know.
    drop(sink(v3_trap(free_port(), state, AUTH), PATIENT, state));
    let id = engine_id(state);
    let rules = format!(
        "createUser -e 0x{id} {USER} SHA-256 \"{AUTH}\" AES \"{HIDE}\"\nauthUser log {USER} priv\n"
    );
    let mut receiver = Receiver::start(&rules).await;
    let way = |auth| v3_trap(receiver.port, state, auth);
    let stranger = sink(way("another-password"), PATIENT, state);
    let first = sink(way(AUTH), PATIENT, state);
    let second = sink(way(AUTH), PATIENT, state);
    // Who does not know the password is not heard, and the receiver does not tell.
    stranger.deliver(&notice(6)).await.unwrap();
    first.deliver(&notice(7)).await.unwrap();
    is_whole(&receiver.trap().await.1);
    second.deliver(&notice(8)).await.unwrap();
    let (_, fields) = receiver.trap().await;
    assert!(
        fields.contains("xspdIdentifier.0 = Counter32: 8\t"),
        "{fields}"
    );
    assert_eq!(engine_id(state), id);
}

#[tokio::test]
async fn an_inform_of_version_3_is_done_when_the_receiver_says_so() {
    if !is_there("snmptrapd", "snmptrapd") {
        return;
    }
    let directory = TempDir::new().unwrap();
    let state = directory.path();
    let rules =
        format!("createUser {USER} SHA-256 \"{AUTH}\" AES \"{HIDE}\"\nauthUser log {USER} priv\n");
    let mut receiver = Receiver::start(&rules).await;
    let rules = |auth| {
        way(
            &[receiver.port],
            SnmpForm::Inform,
            user(state, auth, SnmpPrivacy::Aes128),
        )
    };
    let (good, stranger) = (
        sink(rules(AUTH), PATIENT, state),
        sink(rules("another-password"), Duration::from_secs(4), state),
    );
    good.deliver(&notice(7)).await.unwrap();
    is_whole(&receiver.trap().await.1);
    let error = stranger.deliver(&notice(8)).await.unwrap_err();
    assert_eq!(error.outlook(), Outlook::Retry, "{error}");
    assert!(error.to_string().contains("passwords"), "{error}");
    assert!(!error.to_string().contains("another-password"), "{error}");
    // The receiver is the one that counts its starts.
    assert!(!state.join(engine::FILE).exists());
}

#[tokio::test]
async fn who_has_a_notice_does_not_get_it_again_because_another_is_dead() {
    if !is_there("snmptrapd", "snmptrapd") {
        return;
    }
    let directory = TempDir::new().unwrap();
    let mut receiver = Receiver::start("authCommunity log noc-traps\n").await;
    let ports = [free_port(), receiver.port];
    let way = way(&ports, SnmpForm::Inform, community(directory.path()));
    let sink: Arc<dyn AlertSink> = sink(way, Duration::from_secs(8), directory.path());
    for _ in 0..2 {
        let error = sink.deliver(&notice(7)).await.unwrap_err();
        assert_eq!(error.outlook(), Outlook::Partly, "{error}");
    }
    let (_, fields) = receiver.trap().await;
    assert!(fields.contains("Counter32: 7\t"), "{fields}");
    drop(sink.deliver(&notice(9)).await);
    let (_, fields) = receiver.trap().await;
    assert!(fields.contains("Counter32: 9\t"), "told twice: {fields}");
}

/// A port that is shut and that nobody else gets: its socket hears only one who is not there.
async fn shut() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect("127.0.0.1:9").await.unwrap();
    socket
}

#[tokio::test]
async fn a_trap_to_a_port_that_nobody_listens_on_is_not_called_taken() {
    let directory = TempDir::new().unwrap();
    let way = |ports: &[u16]| way(ports, SnmpForm::Trap, community(directory.path()));
    let port = |socket: &UdpSocket| socket.local_addr().unwrap().port();
    let (shut, open) = (shut().await, UdpSocket::bind("127.0.0.1:0").await.unwrap());
    let alone = sink(way(&[port(&shut)]), PATIENT, directory.path());
    assert!(!alone.confirms());
    let error = alone.deliver(&notice(7)).await.unwrap_err();
    assert_eq!(
        (error.as_str(), error.outlook()),
        ("connect-failed", Outlook::Retry),
        "{error}"
    );
    assert!(error.to_string().contains("nobody listens"), "{error}");
    // Whoever is there gets it all the same, and once.
    let both = sink(way(&[port(&shut), port(&open)]), PATIENT, directory.path());
    for _ in 0..2 {
        let error = both.deliver(&notice(8)).await.unwrap_err();
        assert_eq!(error.outlook(), Outlook::Partly, "{error}");
    }
    let mut bytes = [0; 2_048];
    let length = timeout(PATIENT, open.recv(&mut bytes)).await.unwrap();
    assert!(length.unwrap() > 100);
    assert!(open.try_recv(&mut bytes).is_err(), "told twice");
}

#[tokio::test]
async fn an_inform_is_confirmed() {
    let directory = TempDir::new().unwrap();
    let rules = way(&[1], SnmpForm::Inform, community(directory.path()));
    assert!(sink(rules, PATIENT, directory.path()).confirms());
}

#[test]
fn a_password_that_receivers_refuse_is_refused_here() {
    let directory = TempDir::new().unwrap();
    let state = directory.path();
    let way = way(
        &[1],
        SnmpForm::Inform,
        user(state, "seven77", SnmpPrivacy::Aes256),
    );
    let error = build(way, PATIENT, state).err().unwrap();
    assert_eq!(
        error,
        "alarm-sink.tested: the password in `auth-password` has fewer than 8 characters, which \
         receivers refuse"
    );
}

#[test]
fn smilint_finds_nothing_and_snmptranslate_everything() {
    let mib = repository().join("config/noc/XSPD-MIB.txt");
    if is_there("smilint", "smitools") {
        let run = Run::new("smilint")
            .args(["-s", "-l", "6"])
            .arg(&mib)
            .env("SMIPATH", repository().join("tests/fixtures/mibs"))
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&run.stderr), "");
        assert_eq!(String::from_utf8_lossy(&run.stdout), "");
    }
    if is_there("snmptranslate", "snmp") {
        for (name, oid) in [
            (
                "xspdCertificateExpiringClear",
                ".1.3.6.1.4.1.32473.1.0.1001",
            ),
            ("xspdProblemText", ".1.3.6.1.4.1.32473.1.1.1.9"),
        ] {
            let run = Run::new("snmptranslate")
                .args(["-M", &mibs(), "-m", "XSPD-MIB", "-On"])
                .arg(format!("XSPD-MIB::{name}"))
                .output()
                .unwrap();
            assert_eq!(String::from_utf8_lossy(&run.stdout).trim(), oid);
        }
    }
}
