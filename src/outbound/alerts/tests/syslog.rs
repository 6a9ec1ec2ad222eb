//! Syslog at rsyslog, whose reading of RFC 5424 is not ours.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use tempfile::TempDir;
use tokio::net::UdpSocket;
use tokio::process::Command;
use tokio::time::timeout;

use crate::config::AlarmWay;
use crate::config::SyslogFacility;
use crate::config::SyslogSink;
use crate::config::SyslogTransport;
use crate::config::UpstreamTls;
use crate::domain::alarms::Notice;
use crate::domain::alarms::NoticeKind;
use crate::outbound::alerts::Outlook;
use crate::outbound::alerts::tests::PATIENT;
use crate::outbound::alerts::tests::mint;
use crate::outbound::alerts::tests::notice;
use crate::outbound::alerts::tests::program::Program;
use crate::outbound::alerts::tests::program::free_port;
use crate::outbound::alerts::tests::program::is_there;
use crate::outbound::alerts::tests::program::until;
use crate::outbound::alerts::tests::sink;

/// What is printed of each message.
const FIELDS: &str =
    "%PRI%|%timereported:::date-rfc3339%|%HOSTNAME%|%APP-NAME%|%MSGID%|%msg%|%STRUCTURED-DATA%\\n";

struct Rsyslog {
    program: Program,
    port: u16,
    directory: TempDir,
}

impl Rsyslog {
    async fn start(transport: SyslogTransport) -> Self {
        let directory = TempDir::new().unwrap();
        let place = directory.path().display();
        mint(directory.path());
        let free = free_port();
        let input = match transport {
            SyslogTransport::Udp => format!(
                "module(load=\"imudp\")\ninput(type=\"imudp\" address=\"127.0.0.1\" port=\"{free}\")"
            ),
            SyslogTransport::Tcp | SyslogTransport::Tls => {
                let tls = match transport {
                    SyslogTransport::Tls => {
                        "StreamDriver.Name=\"gtls\" StreamDriver.Mode=\"1\" StreamDriver.AuthMode=\"anon\""
                    }
                    SyslogTransport::Tcp | SyslogTransport::Udp => "",
                };
                format!(
                    "module(load=\"imtcp\" {tls})\ninput(type=\"imtcp\" address=\"127.0.0.1\" port=\"0\" \
                     listenPortFileName=\"{place}/port\")"
                )
            }
        };
        let rules = format!(
            "global(workDirectory=\"{place}\" maxMessageSize=\"16k\" defaultNetstreamDriverCAFile=\"{place}/ca.pem\" \
             defaultNetstreamDriverCertFile=\"{place}/server.pem\" \
             defaultNetstreamDriverKeyFile=\"{place}/server.key\")\n{input}\n\
             template(name=\"fields\" type=\"string\" string=\"{FIELDS}\")\n\
             action(type=\"omfile\" file=\"/dev/stdout\" template=\"fields\")\n"
        );
        let file = directory.path().join("rsyslog.conf");
        fs::write(&file, rules).unwrap();
        let mut command = Command::new("rsyslogd");
        command.arg("-n").arg("-f").arg(&file);
        command.arg("-i").arg(directory.path().join("pid"));
        let program = Program::start(command, false);
        let port = match transport {
            SyslogTransport::Udp => until("socket", || is_bound(free).then_some(free)).await,
            SyslogTransport::Tcp | SyslogTransport::Tls => {
                let file = directory.path().join("port");
                until("port", || {
                    fs::read_to_string(&file).ok()?.trim().parse().ok()
                })
                .await
            }
        };
        Self {
            program,
            port,
            directory,
        }
    }

    fn way(&self, transport: SyslogTransport, ca: &Path) -> AlarmWay {
        let tls = UpstreamTls {
            ca: Some(ca.to_owned()),
            pins: Vec::new(),
            server_name: "127.0.0.1".to_owned(),
            client_certificate: None,
        };
        AlarmWay::Syslog(SyslogSink {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            transport,
            tls: (transport == SyslogTransport::Tls).then_some(tls),
            facility: SyslogFacility::Local3,
        })
    }
}

/// Whether somebody has a UDP port.
fn is_bound(port: u16) -> bool {
    std::net::UdpSocket::bind(SocketAddr::from(([127, 0, 0, 1], port))).is_err()
}

async fn arrives_whole(transport: SyslogTransport) {
    if !is_there("rsyslogd", "rsyslog") {
        return;
    }
    let mut rsyslog = Rsyslog::start(transport).await;
    let ca = rsyslog.directory.path().join("ca.pem");
    let way = rsyslog.way(transport, &ca);
    let sink = sink(way, PATIENT, rsyslog.directory.path());
    for identifier in [7, 8] {
        sink.deliver(&notice(identifier)).await.unwrap();
        let line = rsyslog.program.line_with("certificateExpiring").await;
        let fields: Vec<_> = line.splitn(7, '|').collect();
        assert_eq!(
            fields[..5],
            [
                "155",
                "2025-11-28T12:00:00Z",
                "sbc-1",
                "xspd",
                "certificateExpiring"
            ]
        );
        assert_eq!(
            fields[5].trim(),
            "The certificate of webex-mtls ends on 2025-12-05 12:00:00 UTC. Renew it: xspd certs csr webex-mtls. xspd alarms show certificateExpiring 'listener webex-mtls'"
        );
        let said = format!("identifier=\"{identifier}\"");
        for part in [
            "[alarm@32473 name=\"certificateExpiring\" object=\"listener webex-mtls\" severity=\"high\"",
            "state=\"raised\"",
            "since=\"2025-11-28T12:00:00Z\"",
            "d-owner=\"\u{c9}quipe r\u{e9}seau\"",
            &said,
        ] {
            assert!(fields[6].contains(part), "{part:?} is not in {line}");
        }
    }
    let mut odd = notice(9);
    odd.kind = NoticeKind::Cleared;
    odd.rule = "a\"]\\|b".to_owned();
    sink.deliver(&odd).await.unwrap();
    let line = rsyslog.program.line_with("certificateExpiring").await;
    assert!(
        line.starts_with("157|") && line.contains(r#"rule="a\"\]\\|b""#),
        "{line}"
    );
}

#[tokio::test]
async fn datagrams_are_read_by_rsyslog() {
    arrives_whole(SyslogTransport::Udp).await;
}

#[tokio::test]
async fn counted_octets_over_tcp_are_read_by_rsyslog() {
    arrives_whole(SyslogTransport::Tcp).await;
}

#[tokio::test]
async fn messages_over_tls_are_read_by_rsyslog() {
    arrives_whole(SyslogTransport::Tls).await;
}

#[tokio::test]
async fn a_receiver_of_another_ca_gets_nothing() {
    if !is_there("rsyslogd", "rsyslog") {
        return;
    }
    let rsyslog = Rsyslog::start(SyslogTransport::Tls).await;
    let other = TempDir::new().unwrap();
    mint(other.path());
    let way = rsyslog.way(SyslogTransport::Tls, &other.path().join("ca.pem"));
    let sink = sink(way, PATIENT, other.path());
    let error = sink.deliver(&notice(1)).await.unwrap_err();
    assert_eq!(
        (error.as_str(), error.outlook()),
        ("tls-failed", Outlook::Retry),
        "{error}"
    );
}

#[tokio::test]
async fn the_longest_notice_is_one_datagram() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    let directory = TempDir::new().unwrap();
    let way = AlarmWay::Syslog(SyslogSink {
        host: "127.0.0.1".to_owned(),
        port,
        transport: SyslogTransport::Udp,
        tls: None,
        facility: SyslogFacility::Local0,
    });
    let sink = sink(way, PATIENT, directory.path());
    let notice = Notice {
        text: "\u{e9}".repeat(9_000),
        ..notice(1)
    };
    sink.deliver(&notice).await.unwrap();
    assert!(!sink.confirms(), "nobody said so");
    let mut bytes = [0; 4_096];
    let length = timeout(PATIENT, socket.recv(&mut bytes))
        .await
        .unwrap()
        .unwrap();
    assert!(length <= 2_048, "{length}");
    assert!(std::str::from_utf8(&bytes[..length]).is_ok());
}
