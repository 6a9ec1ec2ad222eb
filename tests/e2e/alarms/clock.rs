//! A clock that is wrong: the daemon's process is made to believe another date by Debian's
//! `faketime`, and what ends is told by that date, once, and over when the clock is right again.
//!
//! The library stands between the process and the C library; monotonic time stays as it is, as when
//! an operator or a time service sets the clock.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;

use crate::e2e::alarms::Scene;
use crate::support::daemon::Daemon;
use crate::support::daemon::XSPD;

/// More notices than raise, step and clear of a few alarms are a storm.
const STORM: usize = 24;

/// The library; `None`, and a line that says so, where it is not installed.
pub(super) fn library() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?;
    let files = folders
        .flatten()
        .map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    let found = files
        .chain([PathBuf::from("/usr/lib/faketime/libfaketimeMT.so.1")])
        .find(|path| path.exists());
    if found.is_none() {
        eprintln!("skipped: faketime is not installed (apt-get install faketime)");
    }
    found
}

/// A daemon without a certificate of its own, so that it starts at any date, beside a file with one
/// that ends in 100 days.
async fn scene() -> Scene {
    let scene = Scene::new().await;
    let path = scene.stage.path();
    let ending = scene.stage.public.server_ending(&["cucm.test"], 100);
    fs::write(path.join("cucm.pem"), ending.chain_pem()).unwrap();
    let config = format!(
        r#"
state-dir = "{folder}/state"
[log]
filter = "debug"
[admin]
address = "{admin}"
[drain]
settle = "0s"
deadline = "5s"
[alarms]
system-name = "node1"
hold-down = 1
operator-token = "file:{folder}/token"
[certificates]
scan-interval = "200ms"
probe-interval = "200ms"
lost-after = 2
[[certificate]]
name = "cucm"
role = "server"
files = ["{folder}/cucm.pem"]
[[alarm-sink]]
name = "hook"
kind = "alertmanager"
[alarm-sink.alertmanager]
urls = ["http://{receiver}"]
[[alarm-sink]]
name = "journal"
kind = "journal"
[[pool]]
name = "xsp"
[pool.health]
interval = "2s"
timeout = "2s"
fall = 1
rise = 1
[[pool.upstream]]
name = "one"
url = "http://{upstream}"
[[listener]]
name = "edge"
addresses = ["{address}"]
routes = ["xsi-actions"]
plaintext = true
[[listener.host]]
names = ["*"]
"#,
        folder = path.display(),
        admin = scene.stage.admin,
        receiver = scene.receiver.address(),
        upstream = scene.stage.upstream.address(),
        address = scene.stage.address,
    );
    fs::write(path.join("xspd.toml"), config).unwrap();
    scene
}

/// A daemon with these variables in its environment.
async fn start(scene: &Scene, library: &Path, variables: &[String]) -> Daemon {
    let path = scene.stage.path().join("xspd.toml");
    let mut arguments = vec![
        format!("LD_PRELOAD={}", library.display()),
        "FAKETIME_DONT_FAKE_MONOTONIC=1".to_owned(),
    ];
    arguments.extend_from_slice(variables);
    let program = [XSPD, "run", "--config", path.to_str().unwrap()];
    arguments.extend(program.map(str::to_owned));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut daemon = Daemon::start_program("env", &arguments, scene.stage.admin);
    daemon.ready().await;
    daemon
}

pub(super) async fn start_at(scene: &Scene, library: &Path, offset: &str) -> Daemon {
    start(scene, library, &[format!("FAKETIME={offset}")]).await
}

pub(super) fn has(list: &[Value], name: &str, object: &str) -> bool {
    list.iter().any(|alarm| {
        let held = alarm["object"].as_str().unwrap_or_default();
        alarm["name"] == name && held.contains(object)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_a_year_ahead_and_one_set_back_tell_what_ends_by_that_date_and_no_more() {
    let Some(library) = library() else {
        return;
    };
    let scene = scene().await;
    let daemon = start_at(&scene, &library, "+365d").await;
    scene
        .until("told as ended", |list| {
            has(list, "certificateExpired", "cucm")
        })
        .await;
    assert!(daemon.stop().await.success());

    // Before its first day, and with an alarm in the store that was raised in a year.
    let daemon = start_at(&scene, &library, "-60d").await;
    scene
        .until("told as not valid yet", |list| {
            has(list, "certificateNotYetValid", "cucm") && !has(list, "certificateExpired", "")
        })
        .await;
    assert!(daemon.stop().await.success());

    let daemon = start_at(&scene, &library, "+0d").await;
    scene
        .until("over", |list| {
            !list
                .iter()
                .any(|alarm| alarm["name"].as_str().unwrap().starts_with("certificate"))
        })
        .await;
    assert!(daemon.stop().await.success());
    let told = scene.received.lock().unwrap().len();
    assert!((4..=STORM).contains(&told), "{told} notices");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_leaps_a_year_and_back_under_the_daemon_is_one_alarm_about_the_clock() {
    let Some(library) = library() else {
        return;
    };
    let scene = scene().await;
    let file = scene.stage.path().join("faketime");
    let set = |offset: &str| {
        let next = file.with_extension("next");
        fs::write(&next, offset).unwrap();
        fs::rename(&next, &file).unwrap();
    };
    set("+0d");
    let variables = [
        format!("FAKETIME_TIMESTAMP_FILE={}", file.display()),
        "FAKETIME_NO_CACHE=1".to_owned(),
    ];
    let daemon = start(&scene, &library, &variables).await;
    scene.until("calm", <[Value]>::is_empty).await;
    set("+365d");
    let list = scene
        .until("told of the clock", |list| has(list, "clockSkew", ""))
        .await;
    // A date that nobody has confirmed for a while ends no certificate.
    assert!(!has(&list, "certificateExpired", ""), "{list:#?}");
    daemon.logged(&["clockSkew", "jumped"]).await;
    set("+0d");
    scene
        .until("told that it went back", |list| {
            list.iter().any(|alarm| {
                // The doubt about the year ahead is over.
                alarm["name"] == "clockSkew" && alarm["step"] == "jump"
            })
        })
        .await;
    let list = scene.list().await;
    assert!(
        list.iter().all(|alarm| alarm["name"] == "clockSkew"),
        "{list:#?}"
    );
    assert!(daemon.stop().await.success());
    let told = scene.received.lock().unwrap().len();
    assert!(told <= STORM, "{told} notices");
}
