//! What an operator sees from outside, with the log as it is by default.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;

use crate::e2e::stage::HOST;
use crate::e2e::stage::PROFILE;
use crate::e2e::stage::Stage;
use crate::e2e::stage::presented;
use crate::support::BOUND;
use crate::support::daemon::Daemon;
use crate::support::daemon::XSPD;
use crate::support::pki::Authority;
use crate::support::pki::Client as Kind;
use crate::support::pki::Key;
use crate::support::pki::WEBEX_NAME;
use crate::support::process::Process;

/// The stage's configuration with the log's own default.
fn quiet(config: &str) -> String {
    config.replace("filter = \"debug\"", "")
}

#[tokio::test]
async fn without_debug_the_log_says_why_a_client_is_refused_and_does_not_repeat_it() {
    let stage = Stage::new().await;
    let daemon = stage.start(&quiet(&stage.mutual())).await;
    let stranger = Authority::new("Stranger");
    for _ in 0..5 {
        let refused = stage.client().showing(stranger.client(Kind::Good));
        assert!(refused.get(PROFILE).await.is_err());
    }
    let expired = stage.client().showing(stage.webex.client(Kind::Expired));
    assert!(expired.get(PROFILE).await.is_err());
    let unknown = ["WARN", "Client refused", "certificate-unknown-issuer"];
    let line = daemon.logged(&unknown).await;
    for word in ["listener=edge", "127.0.0.1", WEBEX_NAME, "CN=Stranger"] {
        assert!(line.contains(word), "no {word} in {line}");
    }
    daemon
        .logged(&["WARN", "Client refused", "certificate-expired"])
        .await;
    let lines = daemon.lines();
    let told = lines.iter().filter(|line| line.contains(unknown[2]));
    assert_eq!(told.count(), 1, "{lines:#?}");
}

#[tokio::test]
async fn an_identity_that_is_on_no_list_is_named_once() {
    let stage = Stage::new().await;
    let daemon = stage.start(&quiet(&stage.mutual())).await;
    for _ in 0..3 {
        let answer = stage.webex_client().get(PROFILE).await.unwrap();
        assert_eq!(answer.status, 200);
    }
    daemon.logged(&["INFO", "not listed", WEBEX_NAME]).await;
    let lines = daemon.lines();
    let told = lines.iter().filter(|line| line.contains("not listed"));
    assert_eq!(told.count(), 1, "{lines:#?}");
}

#[tokio::test]
async fn a_key_is_taken_as_soon_as_its_mode_is_mended() {
    let stage = Stage::new().await;
    let daemon = stage.start(&stage.config("", "")).await;
    let next = stage.public.server(&[HOST], Key::P256);
    let (chain, key) = next.write(stage.path(), "next");
    let mode = |mode| std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(&key, mode(0o640)).unwrap();
    std::fs::rename(key, stage.path().join("server.key")).unwrap();
    std::fs::rename(chain, stage.path().join("server.pem")).unwrap();
    daemon.logged(&["File rejected", "chmod 600"]).await;
    daemon
        .logged(&["Reload done", "all but the rejected"])
        .await;
    std::fs::set_permissions(stage.path().join("server.key"), mode(0o600)).unwrap();
    daemon.logged(&["Reload done", "trust files\""]).await;
    assert_eq!(Some(&presented(&stage.client()).await), next.chain.first());
}

#[tokio::test]
async fn a_bad_ca_of_an_upstream_does_not_hold_back_a_new_certificate() {
    let stage = Stage::new().await;
    let inner = stage.path().join("inner.pem");
    std::fs::write(&inner, Authority::new("Inner").root_pem()).unwrap();
    let config = format!(
        "{}\n[[pool]]\nname = \"other\"\n[[pool.upstream]]\nname = \"two\"\n\
         url = \"https://127.0.0.1:1\"\nca = \"{}\"\n",
        stage.config("", ""),
        inner.display()
    );
    let daemon = stage.start(&config).await;
    std::fs::write(&inner, "no certificate").unwrap();
    daemon.logged(&["File rejected", "inner.pem"]).await;
    let next = stage.public.server(&[HOST], Key::P256);
    stage.replace_server(&next);
    let taken = async {
        while Some(&presented(&stage.client()).await) != next.chain.first() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(BOUND, taken).await.unwrap();
}

#[tokio::test]
async fn a_check_finds_what_a_start_would_find_in_the_files_and_writes_nothing() {
    let stage = Stage::new().await;
    let stranger = stage.public.server(&[HOST], Key::P256);
    std::fs::write(stage.path().join("server.pem"), stranger.chain_pem()).unwrap();
    std::fs::write(stage.path().join("CombinedCertChain2026.txt"), "nothing").unwrap();
    let path = stage.path().join("xspd.toml");
    std::fs::write(&path, stage.mutual()).unwrap();
    let mut check = Process::spawn(XSPD, &["check-config", path.to_str().unwrap()]);
    let status = check.ended(BOUND).await;
    let said = check.lines().join("\n");
    assert_eq!(status.code(), Some(78), "{said}");
    for words in ["server.pem: does not match", "CombinedCertChain2026.txt"] {
        assert!(said.contains(words), "no {words} in {said}");
    }
    assert!(!stage.path().join("state").exists());
}

#[tokio::test]
async fn a_check_builds_the_sinks_of_alarms_and_sends_and_writes_nothing() {
    let stage = Stage::new().await;
    let folder = stage.path().display();
    for (name, text) in [
        ("short", "seven77"),
        ("good", "long-enough"),
        ("chain", "junk"),
    ] {
        crate::support::pki::write_private(&stage.path().join(name), text);
    }
    let receiver = stage.upstream.address();
    let sinks = format!(
        r#"
[[alarm-sink]]
name = "v3"
kind = "snmp"
[alarm-sink.snmp]
targets = ["127.0.0.1"]
version = "v3"
user = "xspd"
auth-password = "file:{folder}/short"
privacy-password = "file:{folder}/good"
[[alarm-sink]]
name = "well"
kind = "snmp"
[alarm-sink.snmp]
targets = ["127.0.0.1"]
version = "v3"
user = "xspd"
auth-password = "file:{folder}/good"
privacy-password = "file:{folder}/good"
[[alarm-sink]]
name = "hook"
kind = "webhook"
[alarm-sink.webhook]
url = "http://{receiver}/hook"
secret = "file:{folder}/missing"
[[alarm-sink]]
name = "log"
kind = "syslog"
[alarm-sink.syslog]
host = "127.0.0.1"
transport = "tls"
ca = "{folder}/chain"
"#
    );
    let path = stage.path().join("xspd.toml");
    std::fs::write(&path, stage.config("", "") + &sinks).unwrap();
    let mut check = Process::spawn(XSPD, &["check-config", path.to_str().unwrap()]);
    let status = check.ended(BOUND).await;
    let said = check.lines().join("\n");
    assert_eq!(status.code(), Some(78), "{said}");
    for words in [
        ["alarm-sink.v3", "8 characters"],
        ["alarm-sink.hook", "missing"],
        ["alarm-sink.log", "chain"],
    ] {
        let line = said.lines().find(|line| line.contains(words[0]));
        assert!(
            line.is_some_and(|line| line.contains(words[1])),
            "{words:?}: {said}"
        );
    }
    assert!(!said.contains("alarm-sink.well"), "{said}");
    assert!(!stage.path().join("state").exists());
    assert_eq!(stage.upstream.requests(), Vec::<Vec<u8>>::new());
}

#[tokio::test]
async fn systemd_hears_of_start_reload_and_end_and_shows_a_rejected_reload() {
    let stage = Stage::new().await;
    let socket = UnixDatagram::bind(stage.path().join("notify")).unwrap();
    socket.set_read_timeout(Some(BOUND)).unwrap();
    let heard = || {
        let mut message = [0; 512];
        let length = socket.recv(&mut message).unwrap();
        String::from_utf8_lossy(&message[..length]).into_owned()
    };
    let path = stage.path().join("xspd.toml");
    std::fs::write(&path, stage.config("", "")).unwrap();
    let variable = format!("NOTIFY_SOCKET={}/notify", stage.path().display());
    let arguments = [&variable, XSPD, "run", "--config", path.to_str().unwrap()];
    let daemon = Daemon::start_program("env", &arguments, stage.admin);
    assert_eq!(heard(), "READY=1\nSTATUS=Serving.\n");
    for (config, status) in [("[", "the last reload was rejected"), ("", "Serving.")] {
        std::fs::write(&path, format!("{}{config}", stage.config("", ""))).unwrap();
        daemon.signal("HUP");
        let begun = heard();
        assert!(begun.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{begun}");
        let done = heard();
        assert!(
            done.starts_with("READY=1\n") && done.contains(status),
            "{done}"
        );
    }
    assert!(daemon.stop().await.success());
    assert!(heard().starts_with("STOPPING=1\n"));
}
