//! Alarms of the real daemon: an XSP goes away and comes back, the daemon is killed meanwhile, and
//! people see and say what they do at the prompt.

mod clock;
mod trust;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;
use tokio::time::sleep;
use tokio::time::timeout;

use crate::e2e::stage::Stage;
use crate::e2e::stage::is_health_check;
use crate::support::BOUND;
use crate::support::daemon::Daemon;
use crate::support::daemon::XSPD;
use crate::support::upstream::Reply;
use crate::support::upstream::Upstream;

/// Between two looks at the list.
const PAUSE: Duration = Duration::from_millis(100);

struct Scene {
    stage: Stage,
    well: Arc<AtomicBool>,
    receiver: Upstream,
    received: Arc<Mutex<Vec<(Instant, Value)>>>,
}

impl Scene {
    async fn new() -> Self {
        let well = Arc::new(AtomicBool::new(true));
        let health = Arc::clone(&well);
        let stage = Stage::answering(move |request| {
            if is_health_check(request) && !health.load(Ordering::Relaxed) {
                Reply::text(503, "down")
            } else {
                Reply::text(200, "up")
            }
        })
        .await;
        let received = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&received);
        let receiver = Upstream::start(move |request| {
            let text = String::from_utf8_lossy(request);
            let body = text.split("\r\n\r\n").nth(1).unwrap_or_default();
            if let Ok(value) = serde_json::from_str(body) {
                heard
                    .lock()
                    .unwrap()
                    .push((xspd::platform::clock::mono(), value));
            }
            Reply::text(200, "thanks")
        })
        .await;
        std::fs::write(stage.path().join("token"), "operators-only-4711").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(stage.path().join("token"), mode).unwrap();
        Self {
            stage,
            well,
            receiver,
            received,
        }
    }

    fn config(&self) -> String {
        let folder = self.stage.path().display();
        let health = "[pool.health]\ninterval = \"2s\"\ntimeout = \"2s\"\nfall = 1\nrise = 1\n[[pool.upstream]]";
        let config = self.stage.config("", "");
        let config = config.replacen("[[pool.upstream]]", health, 1);
        format!(
            r#"{config}
[alarms]
system-name = "node1"
hold-down = 1
operator-token = "file:{folder}/token"

[[alarm-sink]]
name = "hook"
kind = "alertmanager"
[alarm-sink.alertmanager]
urls = ["http://{receiver}"]

[[alarm-sink]]
name = "journal"
kind = "journal"
"#,
            receiver = self.receiver.address(),
        )
    }

    async fn start(&self) -> Daemon {
        Daemon::start(self.stage.path(), &self.config(), self.stage.admin).await
    }

    /// Runs `xspd alarms …`; its exit code and what it said.
    async fn say(&self, arguments: &[&str]) -> (i32, String) {
        let words = [&["alarms"], arguments].concat();
        self.stage.xspd(&words).await.all()
    }

    async fn list(&self) -> Vec<Value> {
        let (_, said) = self.say(&["list", "--json"]).await;
        let said: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}"));
        said["alarms"].as_array().unwrap().clone()
    }

    async fn until(&self, what: &str, fits: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let waiting = async {
            loop {
                let list = self.list().await;
                if fits(&list) {
                    return list;
                }
                sleep(PAUSE).await;
            }
        };
        match timeout(BOUND, waiting).await {
            Ok(list) => list,
            Err(_) => panic!("never {what}: {:#?}", self.list().await),
        }
    }
}

fn unreachable(list: &[Value]) -> Option<&Value> {
    list.iter().find(|alarm| alarm["name"] == "xspUnreachable")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_xsp_that_goes_away_is_an_alarm_that_survives_a_kill_and_clears() {
    let scene = Scene::new().await;
    let daemon = scene.start().await;
    assert_eq!(unreachable(&scene.list().await), None);
    scene.well.store(false, Ordering::Relaxed);
    let list = scene
        .until("raised", |list| unreachable(list).is_some())
        .await;
    let alarm = unreachable(&list).unwrap();
    assert_eq!(alarm["object"], "pool xsp");
    assert_eq!(alarm["severity"], "critical");
    assert_eq!(alarm["case"]["level"], "S1");
    let first = alarm["identifier"].as_u64().unwrap();
    daemon
        .logged(&["xspUnreachable", "raised", "pool xsp"])
        .await;
    let (code, said) = scene.say(&["list"]).await;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("1 critical"), "{said}");
    let (code, said) = scene
        .say(&[
            "ack",
            "xspUnreachable",
            "--comment",
            "calling the data centre",
        ])
        .await;
    assert_eq!(code, 0, "{said}");
    daemon.signal("KILL");
    drop(daemon);

    // Not ready without an XSP, so that it is not waited for.
    let path = scene.stage.path().join("xspd.toml");
    let arguments = ["run", "--config", path.to_str().unwrap()];
    let mut daemon = Daemon::start_program(XSPD, &arguments, scene.stage.admin);
    daemon.logged(&["Alarms from before the start"]).await;
    let list = scene
        .until("there again", |list| unreachable(list).is_some())
        .await;
    let alarm = unreachable(&list).unwrap();
    assert_eq!(alarm["ack"]["comment"], "calling the data centre");
    let (code, said) = scene.say(&["show", "xspUnreachable"]).await;
    assert_eq!(code, 0, "{said}");
    for words in [
        "open a case as S1",
        "healthmon",
        "calling the data centre",
        "hook",
    ] {
        assert!(said.contains(words), "{words} is missing in {said}");
    }
    scene.well.store(true, Ordering::Relaxed);
    daemon.ready().await;
    scene
        .until("over", |list| unreachable(list).is_none())
        .await;
    let (code, said) = scene.say(&["history", "xspUnreachable", "--json"]).await;
    assert_eq!(code, 0, "{said}");
    let said: Value = serde_json::from_str(&said).unwrap();
    let rows = said["history"].as_array().unwrap();
    let kinds: Vec<_> = rows
        .iter()
        .map(|row| row["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["cleared", "acknowledged", "raised"]);
    assert!(rows[0]["identifier"].as_u64().unwrap() > first);
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_silence_and_try_sinks_and_strangers_do_not() {
    let scene = Scene::new().await;
    let daemon = scene.start().await;
    let (code, said) = scene.say(&["test", "hook"]).await;
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("hook took notice"), "{said}");
    assert_eq!(scene.received.lock().unwrap().len(), 1);
    let (code, said) = scene.say(&["test", "nobody"]).await;
    assert_eq!(code, 65, "{said}");
    assert!(said.contains("xspd alarms sinks"), "{said}");
    let (code, said) = scene
        .say(&[
            "silence",
            "xsp*",
            "pool *",
            "--for",
            "2h",
            "--comment",
            "change 4711",
        ])
        .await;
    assert_eq!(code, 0, "{said}");
    scene.well.store(false, Ordering::Relaxed);
    let list = scene
        .until("raised", |list| unreachable(list).is_some())
        .await;
    assert_eq!(
        unreachable(&list).unwrap()["silence"]["comment"],
        "change 4711"
    );
    let (_, said) = scene.say(&["silences"]).await;
    assert!(said.contains("change 4711"), "{said}");
    let ended = xspd::platform::clock::mono();
    let (code, said) = scene.say(&["unsilence", "1"]).await;
    assert_eq!(code, 0, "{said}");
    let told = async {
        while scene.received.lock().unwrap().len() < 2 {
            sleep(PAUSE).await;
        }
    };
    timeout(BOUND, told).await.expect("the silence is over");
    let received = scene.received.lock().unwrap().clone();
    assert_eq!(received.len(), 2, "once, and not before: {received:#?}");
    let (at, alerts) = &received[1];
    assert!(*at > ended, "nobody is told while there is a silence");
    assert_eq!(alerts[0]["labels"]["alertname"], "xspUnreachable");
    let (code, said) = scene.say(&["silence", "*", "--for", "91d"]).await;
    assert_eq!(code, 65, "{said}");
    assert!(said.contains("90 days"), "{said}");
    // Without the token there is nothing to see.
    let answer = daemon.admin("/alarms/v1/alarms").await;
    assert_eq!(answer.status, 401);
    assert_eq!(daemon.admin("/alarms/v1/nothing").await.status, 401);
    assert_eq!(
        daemon.metric("xspd_alarms{severity=\"critical\"}").await,
        Some(1.0)
    );
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_reload_is_an_alarm_until_one_succeeds() {
    let scene = Scene::new().await;
    let daemon = scene.start().await;
    let path = scene.stage.path().join("xspd.toml");
    let failed = |list: &[Value]| {
        list.iter()
            .any(|alarm| alarm["name"] == "configReloadFailed")
    };
    std::fs::write(
        &path,
        scene.config().replace("hold-down = 1", "hold-down = 99"),
    )
    .unwrap();
    daemon.signal("HUP");
    daemon.logged(&["Reload rejected"]).await;
    // The prompt reads the same file, which is wrong now.
    std::fs::write(&path, scene.config()).unwrap();
    scene.until("raised", failed).await;
    daemon.signal("HUP");
    scene.until("over", |list| !failed(list)).await;
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_place_to_write_alarms_are_in_memory_and_told_all_the_same() {
    let scene = Scene::new().await;
    // Nobody can make a directory there.
    let place = scene.stage.path().join("state");
    let config = scene.config();
    let nowhere = config.replace(place.to_str().unwrap(), "/proc/xspd/state");
    assert_ne!(config, nowhere);
    let daemon = Daemon::start(scene.stage.path(), &nowhere, scene.stage.admin).await;
    daemon.logged(&["Alarms are kept in memory only"]).await;
    scene.well.store(false, Ordering::Relaxed);
    scene
        .until("raised", |list| unreachable(list).is_some())
        .await;
    let (_, said) = scene.say(&["list"]).await;
    assert!(said.contains("in memory only"), "{said}");
    assert_eq!(daemon.metric("xspd_alarms_kept").await, Some(0.0));
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_with_less_room_than_is_wanted_is_an_alarm() {
    let scene = Scene::new().await;
    // More than this machine has.
    let wanted = scene.config().replacen(
        "hold-down = 1",
        "hold-down = 1\nfree-disk = \"1048576MiB\"",
        1,
    );
    let room = xspd::platform::files::room(scene.stage.path()).unwrap();
    if room.free >= 1 << 40 {
        eprintln!("skipped: more than a tebibyte is free here");
        return;
    }
    let daemon = Daemon::start(scene.stage.path(), &wanted, scene.stage.admin).await;
    let list = scene
        .until("raised", |list| {
            list.iter().any(|alarm| alarm["name"] == "spoolFilling")
        })
        .await;
    assert_eq!(list[0]["object"], "disk of state-dir");
    let text = list[0]["text"].as_str().unwrap();
    assert!(text.contains("1048576 MiB are wanted"), "{text}");
    daemon.stop().await;

    let daemon = scene.start().await;
    scene.until("over", <[Value]>::is_empty).await;
    daemon.stop().await;
}
