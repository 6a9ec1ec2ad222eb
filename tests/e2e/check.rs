//! `xspd check …` as a monitoring system runs it: the real binary against the real daemon, one line,
//! performance data, and exit codes 0 to 3.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::sleep;
use tokio::time::timeout;

use crate::e2e::stage::HOST;
use crate::e2e::stage::Stage;
use crate::e2e::stage::is_health_check;
use crate::support::BOUND;
use crate::support::daemon::free_address;
use crate::support::upstream::Reply;
use crate::support::verb::Said;

/// Between two runs of a plug-in.
const PAUSE: Duration = Duration::from_millis(100);

/// Looks that are quick enough for a test.
const QUICK: &str = r#"
[alarms]
hold-down = 1
[certificates]
scan-interval = "200ms"
probe-interval = "200ms"
[admin]
"#;

const HEALTH: &str = "[pool.health]\ninterval = \"2s\"\ntimeout = \"2s\"\nfall = 1\nrise = 1\n\
                      [[pool.upstream]]";

/// What a plug-in says: the state, a line that begins as its title does, and the performance data.
fn perfdata<'a>(said: &'a Said, title: &str) -> &'a str {
    let word = ["OK", "WARNING", "CRITICAL", "UNKNOWN"][usize::try_from(said.code).unwrap()];
    let first = said.out.lines().next().unwrap_or_default();
    assert!(first.starts_with(&format!("{title} {word}")), "{said:?}");
    first.split_once('|').map_or("", |(_, data)| data.trim())
}

struct Scene {
    stage: Stage,
    well: Arc<AtomicBool>,
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
        Self { stage, well }
    }

    fn config(&self) -> String {
        let config = self.stage.mutual().replacen("[admin]", QUICK, 1);
        config.replacen("[[pool.upstream]]", HEALTH, 1)
    }

    async fn check(&self, words: &[&str]) -> Said {
        self.stage.xspd(&[&["check"], words].concat()).await
    }

    /// Runs a plug-in until it ends with this code: what it judges is looked at now and then.
    async fn until(&self, words: &[&str], code: i32) -> Said {
        let checking = async {
            loop {
                let said = self.check(words).await;
                if said.code == code {
                    return said;
                }
                sleep(PAUSE).await;
            }
        };
        match timeout(BOUND, checking).await {
            Ok(said) => said,
            Err(_) => panic!("never {code}: {:?}", self.check(words).await),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_judged_by_days_and_by_share_of_their_lifetime() {
    let scene = Scene::new().await;
    let daemon = scene.stage.start(&scene.config()).await;
    // Of the server's certificate three quarters are left: 90 of 120 days.
    let said = scene.until(&["cert"], 0).await;
    let data = perfdata(&said, "CERT");
    assert!(data.contains(HOST) && data.contains("s;"), "{said:?}");
    for (words, code) in [
        (["--warning", "25%", "--critical", "10%"], 0),
        (["--warning", "30d", "--critical", "7d"], 0),
        (["--warning", "80%", "--critical", "10%"], 1),
        (["--warning", "100d", "--critical", "7d"], 1),
        (["--warning", "100%", "--critical", "80%"], 2),
        (["--warning", "200d", "--critical", "100d"], 2),
    ] {
        let mut all = vec!["cert", "--name", HOST];
        all.extend(words);
        let said = scene.check(&all).await;
        assert_eq!(said.code, code, "{words:?}: {said:?}");
        assert!(perfdata(&said, "CERT").contains(HOST), "{said:?}");
    }
    let said = scene.check(&["cert", "--name", "nobody-has-this"]).await;
    assert_eq!(said.code, 3, "{said:?}");
    perfdata(&said, "CERT");
    assert!(daemon.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn farm_and_alarms_go_from_ok_over_warning_to_critical_and_back() {
    let scene = Scene::new().await;
    // Of two XSPs one is never there.
    let nobody = free_address();
    let two = format!("{HEALTH}\nname = \"two\"\nurl = \"http://{nobody}\"\n[[pool.upstream]]");
    let config = scene.config().replacen(HEALTH, &two, 1);
    let daemon = scene.stage.start(&config).await;
    let said = scene.until(&["farm"], 1).await;
    assert!(perfdata(&said, "FARM").contains("xsp up"), "{said:?}");
    assert!(said.out.contains("two"), "{said:?}");
    let said = scene.until(&["alarms"], 1).await;
    assert!(perfdata(&said, "ALARMS").contains("medium"), "{said:?}");
    let said = scene.check(&["events"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        perfdata(&said, "EVENTS").contains("'streams'=0"),
        "{said:?}"
    );

    scene.well.store(false, Ordering::Relaxed);
    let said = scene.until(&["farm"], 2).await;
    perfdata(&said, "FARM");
    let said = scene.until(&["alarms"], 2).await;
    assert!(perfdata(&said, "ALARMS").contains("critical"), "{said:?}");
    let json = scene.check(&["--json", "farm"]).await;
    let document = json.document();
    assert_eq!((json.code, &document["state"]), (2, &"CRITICAL".into()));

    scene.well.store(true, Ordering::Relaxed);
    scene.until(&["farm"], 1).await;
    scene.until(&["alarms"], 1).await;
    assert!(daemon.stop().await.success());

    // Both there.
    let daemon = scene.stage.start(&scene.config()).await;
    let said = scene.until(&["farm"], 0).await;
    perfdata(&said, "FARM");
    scene.until(&["alarms"], 0).await;
    assert!(daemon.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_told_is_unknown_and_a_daemon_that_is_not_there_is_critical() {
    let scene = Scene::new().await;
    let daemon = scene.stage.start(&scene.config()).await;
    let said = scene.check(&["queue"]).await;
    assert_eq!(said.code, 3, "nobody is provisioned here: {said:?}");
    perfdata(&said, "QUEUE");
    let said = scene.check(&["cert", "--name", "nobody-has-this"]).await;
    assert_eq!(said.code, 3, "{said:?}");
    perfdata(&said, "CERT");
    assert!(daemon.stop().await.success());
    for (verb, title) in [
        ("alarms", "ALARMS"),
        ("cert", "CERT"),
        ("events", "EVENTS"),
        ("farm", "FARM"),
        ("queue", "QUEUE"),
    ] {
        let said = scene.check(&[verb]).await;
        assert_eq!(said.code, 2, "{said:?}");
        perfdata(&said, title);
        for words in [&scene.stage.admin.to_string(), "systemctl status xspd"] {
            assert!(said.out.contains(words), "no {words} in {said:?}");
        }
        // A monitoring system that runs it with a mistake must not take that for a verdict.
        let said = scene
            .check(&[verb, "--warning", "much", "--no-such-option"])
            .await;
        assert_eq!(said.code, 3, "{said:?}");
    }
    std::fs::write(scene.stage.path().join("xspd.toml"), "[").unwrap();
    let said = scene.check(&["farm"]).await;
    assert_eq!(said.code, 3, "{said:?}");
    perfdata(&said, "FARM");
}
