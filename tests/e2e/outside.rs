//! What our public URLs show, as a prober outside sees it: Debian's Prometheus blackbox exporter.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpStream;

use crate::e2e::stage::HOST;
use crate::e2e::stage::Stage;
use crate::support::BOUND;
use crate::support::daemon::Daemon;
use crate::support::daemon::free_address;
use crate::support::pki::Key;
use crate::support::process::Process;

const PROGRAM: &str = "prometheus-blackbox-exporter";

/// Starts it; it believes the CA of the stage. `None`, with the reason on standard error, where the
/// package is not installed.
async fn prober(folder: &Path) -> Option<(Process, SocketAddr)> {
    let there = Command::new(PROGRAM)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if there.is_err() {
        eprintln!("skipped: {PROGRAM} is not installed (apt-get install {PROGRAM})");
        return None;
    }
    let config = folder.join("blackbox.yml");
    let text = format!(
        "modules:\n  edge:\n    prober: http\n    timeout: 5s\n    http:\n      \
         preferred_ip_protocol: ip4\n      headers: {{Host: {HOST}}}\n      tls_config:\n        \
         ca_file: {}/outside-ca.pem\n        server_name: {HOST}\n",
        folder.display()
    );
    std::fs::write(&config, text).unwrap();
    let address = free_address();
    let process = Process::spawn(
        PROGRAM,
        &[
            format!("--config.file={}", config.display()),
            format!("--web.listen-address={address}"),
        ],
    );
    let up = async {
        while TcpStream::connect(address).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let up = tokio::time::timeout(BOUND, up).await;
    assert!(up.is_ok(), "{:#?}", process.lines());
    Some((process, address))
}

async fn find(daemon: &Daemon, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let look = async {
        loop {
            let answer = daemon.admin("/certs/v1/certificates").await;
            let list: Value = serde_json::from_str(&answer.text()).unwrap();
            let all = list["certificates"].as_array().cloned().unwrap_or_default();
            if let Some(held) = all.into_iter().find(|held| held["name"] == name)
                && wanted(&held)
            {
                return held;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let found = tokio::time::timeout(BOUND, look).await;
    found.unwrap_or_else(|_| panic!("{name} is never so: {:#?}", daemon.lines()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_prober_outside_sees_is_watched_and_so_is_that_it_sees_nothing() {
    let stage = Stage::new().await;
    std::fs::write(stage.path().join("outside-ca.pem"), stage.public.root_pem()).unwrap();
    let Some((_prober, address)) = prober(stage.path()).await else {
        return;
    };
    let near = stage.public.server_ending(&[HOST], 5);
    near.write(stage.path(), "server");
    let (good, closed) = (
        format!("https://{}/", stage.address),
        format!("https://{}/", free_address()),
    );
    let config = format!(
        "{}[certificates]\nscan-interval = \"200ms\"\nprobe-interval = \"300ms\"\nlost-after = 2\n\
         prober-url = \"http://{address}/probe\"\nprober-module = \"edge\"\n\
         prober-targets = [\"{good}\", \"{closed}\"]\n",
        stage.config("", "")
    );
    let daemon = stage.start(&config).await;
    let name = format!("outside {good}");
    let alarms = |held: &Value| held["problems"].as_array().cloned().unwrap_or_default();
    let raised = |held: &Value, alarm: &str| alarms(held).iter().any(|one| one["alarm"] == alarm);
    let held = find(&daemon, &name, |held| raised(held, "certificateExpiring")).await;
    let leaf = xspd::domain::certs::CertificateFacts::parse(&near.chain[0]).unwrap();
    let ends = xspd::domain::certs::date::text(leaf.not_after);
    assert_eq!(held["not-after"], ends.as_str(), "{held:#}");
    // What cannot be reached from outside is told by the watch, with the prober's word.
    let lost = find(&daemon, &format!("outside {closed}"), |held| {
        raised(held, "certificateSourceLost")
    })
    .await;
    let told = alarms(&lost);
    let told = told.first().and_then(|one| one["text"].as_str());
    assert!(
        told.unwrap_or_default().contains("prober outside"),
        "{lost:#}"
    );
    // A newer one that is served is seen outside, too.
    stage.replace_server(&stage.public.server(&[HOST], Key::P256));
    find(&daemon, &name, |held| !raised(held, "certificateExpiring")).await;
}
