//! What ends is watched: by the daemon, by its verbs with and without it.

use std::io::Write as _;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::e2e::stage::HOST;
use crate::e2e::stage::PROFILE;
use crate::e2e::stage::Stage;
use crate::support::BOUND;
use crate::support::daemon::Daemon;
use crate::support::pki::Key;
use crate::support::verb;

/// Looks at everything several times a second.
const QUICK: &str = r#"
[certificates]
scan-interval = "200ms"
probe-interval = "200ms"
deploy-grace = "0s"
nodes-grace = "0s"
lost-after = 2
"#;

/// The list of the daemon, once it is as wanted.
async fn list_with(daemon: &Daemon, wanted: impl Fn(&Value) -> bool) -> Value {
    let look = async {
        loop {
            let answer = daemon.admin("/certs/v1/certificates").await;
            assert_eq!(answer.status, 200);
            let list: Value = serde_json::from_str(&answer.text()).unwrap();
            if wanted(&list) {
                return list;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let found = tokio::time::timeout(BOUND, look).await;
    found.unwrap_or_else(|_| panic!("never so; the daemon said {:#?}", daemon.lines()))
}

fn find<'a>(list: &'a Value, name: &str) -> Option<&'a Value> {
    let mut all = list["certificates"].as_array()?.iter();
    all.find(|held| held["name"] == name)
}

fn alarms(list: &Value, name: &str) -> Vec<String> {
    let problems = find(list, name).and_then(|held| held["problems"].as_array());
    let alarms = problems.into_iter().flatten();
    alarms
        .filter_map(|problem| problem["alarm"].as_str().map(str::to_owned))
        .collect()
}

#[tokio::test]
async fn a_certificate_that_lies_there_and_is_not_served_is_told_until_it_is() {
    let stage = Stage::new().await;
    let daemon = stage
        .start(
            &stage
                .config("", "")
                .replacen("[admin]", &format!("{QUICK}\n[admin]"), 1),
        )
        .await;
    let name = format!("listener edge {HOST}");
    let seen = |list: &Value| {
        find(list, &name).is_some_and(|held| {
            held["seen-at"]
                .as_str()
                .is_some_and(|at| at.starts_with("served"))
        })
    };
    list_with(&daemon, seen).await;
    // A chain whose key is not there: the daemon goes on with the old pair.
    let stranger = stage.public.server(&[HOST], Key::P256);
    std::fs::write(stage.path().join("server.pem"), stranger.chain_pem()).unwrap();
    let not_deployed = "certificateNotDeployed".to_owned();
    let list = list_with(&daemon, |list| alarms(list, &name).contains(&not_deployed)).await;
    let held = find(&list, &name).unwrap();
    assert_eq!(held["places"].as_array().unwrap().len(), 2, "{held:#}");
    daemon.logged(&[&name, "certificateNotDeployed"]).await;
    stage.replace_server(&stage.public.server(&[HOST], Key::P256));
    list_with(&daemon, |list| !alarms(list, &name).contains(&not_deployed)).await;
    // Looking at ourselves counts nowhere.
    assert_eq!(stage.client().get(PROFILE).await.unwrap().status, 200);
    let failures = daemon.admin("/metrics").await.text();
    let failures: f64 = failures
        .lines()
        .filter_map(|line| line.strip_prefix("xspd_handshake_failures_total{"))
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
        .sum();
    assert!(failures.abs() < f64::EPSILON, "{failures}");
    let end = daemon.admin("/metrics").await.text();
    let mine = end
        .lines()
        .find(|line| line.starts_with("x509_cert_not_after{") && line.contains(&name));
    let mine = mine.unwrap_or_else(|| panic!("{end}"));
    for label in [
        "serial_number=",
        "issuer_CN=",
        "listener=\"edge\"",
        "role=\"server\"",
        "managed=\"false\"",
    ] {
        assert!(mine.contains(label), "{label}: {mine}");
    }
}

#[tokio::test]
async fn files_by_a_pattern_nodes_by_a_probe_and_their_loss_are_told() {
    let stage = Stage::new().await;
    let farm = stage.path().join("farm");
    std::fs::create_dir(&farm).unwrap();
    for (stem, host) in [("a", "a.test"), ("b", "b.test")] {
        let identity = stage.public.server(&[host], Key::Rsa2048);
        std::fs::write(farm.join(format!("{stem}.pem")), identity.chain_pem()).unwrap();
    }
    let config = stage.config("", "")
        + QUICK
        + &format!(
            r#"
[[certificate]]
name = "farm"
files = ["{}/*.pem"]
owner = "Voice platform"
[[certificate]]
name = "node"
probe = ["{}"]
server-name = "{HOST}"
hosts = ["other.test"]
[[certificate]]
name = "cucm"
managed = true
region = "amer"
not-before = "2026-01-01"
not-after = "2097-01-01"
"#,
            farm.display(),
            stage.address,
        );
    let daemon = stage.start(&config).await;
    let list = list_with(&daemon, |list| {
        find(list, "node").is_some_and(|held| held["seen-at"].is_string())
    })
    .await;
    assert!(
        alarms(&list, "node").contains(&"certificateUnsuitable".to_owned()),
        "{list:#}"
    );
    assert_eq!(
        find(&list, "farm a.test").unwrap()["owner"],
        "Voice platform"
    );
    std::fs::remove_file(farm.join("a.pem")).unwrap();
    let lost = "certificateSourceLost".to_owned();
    let list = list_with(&daemon, |list| alarms(list, "farm a.test").contains(&lost)).await;
    assert!(alarms(&list, "farm b.test").is_empty());
    // The verbs ask the daemon.
    let list = ["certs", "list", "--json"];
    let said = stage.xspd(&list).await;
    assert_eq!(said.code, 2, "{said:?}");
    assert!(find(&said.document(), "farm a.test").is_some());
    let text = stage.xspd(&["certs", "show", "farm b.test"]).await.well();
    assert!(
        text.contains("Voice platform") && text.contains("b.test"),
        "{text}"
    );
    let said = stage.xspd(&["certs", "check"]).await;
    assert!(said.out.starts_with("high: "), "{said:?}");
    assert_eq!(said.code, 2);
    // A reload says that the file was meant to go.
    daemon.signal("HUP");
    list_with(&daemon, |list| find(list, "farm a.test").is_none()).await;
    drop(daemon);
    // And without the daemon they look for themselves.
    let said = stage.xspd(&list).await;
    assert!(said.complaints.contains("does not answer"), "{said:?}");
    let told = said.document();
    assert!(find(&told, "farm b.test").is_some() && find(&told, "cucm").is_some());
}

#[tokio::test]
async fn files_alone_are_judged_without_any_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let public = crate::support::pki::Authority::new("Public");
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    for (name, days) in [("fine", 300), ("soon", 10), ("over", -1)] {
        let identity = public.server_ending(&[&format!("{name}.test")], days);
        std::fs::write(file(name), identity.chain_pem()).unwrap();
    }
    let check = async |names: &[&str]| {
        let files: Vec<String> = names.iter().map(|name| file(name)).collect();
        let mut words = vec!["certs", "check", "--color", "never"];
        for file in &files {
            words.extend(["--file", file]);
        }
        verb::typed(&words).await
    };
    check(&["fine"]).await.well();
    assert_eq!(check(&["fine", "soon"]).await.code, 1);
    let said = check(&["fine", "soon", "over"]).await;
    assert_eq!(said.code, 2);
    assert!(
        said.out.starts_with("critical: 3 watched, 2 problems"),
        "{said:?}"
    );
    assert!(said.out.contains("certificateExpired"), "{said:?}");
    assert_eq!(check(&["nowhere"]).await.code, 1);
}

/// Reads a calendar with a library that is not ours; prints what it found.
const READER: &str = r#"
import sys, icalendar
calendar = icalendar.Calendar.from_ical(sys.stdin.buffer.read())
for event in calendar.walk("VEVENT"):
    start = event.decoded("DTSTART")
    assert event.get("UID") and event.get("DTSTAMP")
    print(type(start).__name__, start.isoformat(), event.get("SUMMARY"))
"#;

/// What has one renewal to plan.
const PLANNED: &str = r#"
[[pool]]
name = "xsp"
upstream = [{ name = "one", url = "http://127.0.0.1:9" }]
[[listener]]
name = "edge"
addresses = ["127.0.0.1:0"]
plaintext = true
[[listener.host]]
names = ["*"]
[[certificate]]
name = "cucm-tomcat"
managed = true
region = "amer"
owner = "Voice platform; second floor, the very long corridor behind the lift, Zürich"
not-before = "2026-01-01"
not-after = "2096-12-31"
"#;

/// The calendar as Python reads it; `None` without its library.
fn read_by_others(calendar: &[u8]) -> Option<String> {
    let python = "/usr/bin/python3";
    let has_reader = Command::new(python)
        .args(["-c", "import icalendar"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !has_reader {
        return None;
    }
    let mut reader = Command::new(python)
        .args(["-c", READER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    reader.stdin.take().unwrap().write_all(calendar).unwrap();
    let read = reader.wait_with_output().unwrap();
    assert!(read.status.success());
    Some(String::from_utf8(read.stdout).unwrap())
}

#[tokio::test]
async fn a_plan_is_a_table_a_document_and_a_calendar_that_others_read() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("xspd.toml");
    std::fs::write(&config, PLANNED).unwrap();
    let plan = async |more: &[&str]| {
        let words = ["certs", "plan", "--offline", "--within", "36500d"];
        verb::xspd(folder.path(), &[&words, more].concat()).await
    };
    let text = plan(&[]).await.well();
    assert!(
        text.contains("America/New_York") && text.contains("21:00 - 06:00"),
        "{text}"
    );
    let document = plan(&["--json"]).await.document();
    let planned = &document["plan"][0];
    assert_eq!(planned["name"], "cucm-tomcat");
    assert_eq!(
        planned["renew-on"], "2096-12-24",
        "the seventh day before, a Monday"
    );
    let text = plan(&["--ics"]).await.out;
    assert!(
        text.split("\r\n")
            .all(|line| line.len() <= 75 && !line.contains('\n')),
        "{text}"
    );
    let Some(text) = read_by_others(text.as_bytes()) else {
        println!("skipped: python3-icalendar is not installed");
        return;
    };
    let opens = planned["opens"].as_str().unwrap().trim_end_matches('Z');
    assert!(
        text.contains(&format!("datetime {opens}+00:00 Renew cucm-tomcat")),
        "{text}"
    );
    let notice = planned["notice-by"].as_str().unwrap();
    assert!(
        text.contains(&format!("date {notice} Last day to give notice")),
        "{text}"
    );
}
