//! Captured calls, as operators see them, and that they do not outlive the switch.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::e2e::provisioning::adapter_scene::API;
use crate::e2e::provisioning::adapter_scene::PASSWORD;
use crate::e2e::provisioning::adapter_scene::Scene;
use crate::e2e::provisioning::adapter_scene::profile;
use crate::support::BOUND;
use crate::support::daemon::Daemon;
use crate::support::pki::write_private;
use crate::support::verb;

const ALLOW: &str = "allow = [\"127.0.0.0/8\"]";

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

fn config(scene: &Scene, capture: &str) -> String {
    let token = scene.path().join("operator-token");
    write_private(&token, "an-operator-of-the-test-0123456789abcdef\n");
    let more = format!(
        "[provisioning.operations]\noperator-token = \"file:{}\"\n\
         [provisioning.capture]\n{capture}\n",
        token.display()
    );
    scene.config(ALLOW, &more)
}

/// The ids of all captures, newest first, with what they were taken for.
async fn listed(scene: &Scene) -> Vec<(String, String)> {
    let said = scene.xspd(&["--json", "provision", "captures"]).await;
    let said = said.document();
    let text = |capture: &Value, member: &str| capture[member].as_str().unwrap().to_owned();
    let captures = said["captures"].as_array().unwrap().iter();
    captures
        .map(|capture| (text(capture, "id"), text(capture, "outcome")))
        .collect()
}

fn files(scene: &Scene) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(scene.path().join("state/captures"));
    let entries = entries.into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Waits until so many captures are on the disk.
async fn on_disk(scene: &Scene, count: usize) {
    let looking = async {
        while files(scene).len() != count {
            tokio::time::sleep(PAUSE).await;
        }
    };
    let seen = tokio::time::timeout(BOUND, looking).await;
    assert!(seen.is_ok(), "not {count}: {:?}", files(scene));
}

async fn reloaded(scene: &Scene, daemon: &Daemon, config: &str, times: usize) {
    std::fs::write(scene.path().join("xspd.toml"), config).unwrap();
    daemon.signal("HUP");
    let looking = async {
        loop {
            let lines = daemon.lines();
            let done = lines.iter().filter(|line| line.contains("Reload done"));
            if done.count() >= times {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    let seen = tokio::time::timeout(BOUND, looking).await;
    assert!(seen.is_ok(), "{:#?}", daemon.lines());
}

#[tokio::test]
async fn captures_are_listed_shown_without_secrets_and_gone_with_the_switch() {
    let scene = Scene::new();
    let open = "what = \"all\"\nkeep = true\npersonal-data = true";
    let daemon = scene.start(&config(&scene, open)).await;
    let body = profile("anna@sp.test").replace(
        "</b:subscriberProfile>",
        "<b:property><b:name>impPassword</b:name><b:value>hunter2</b:value></b:property>\
         </b:subscriberProfile>",
    );
    assert_eq!(scene.call("POST", API, &body).await.status, 200);
    assert_eq!(scene.call("POST", API, "<other/>").await.status, 400);
    on_disk(&scene, 2).await;
    let held = listed(&scene).await;
    let outcomes: Vec<_> = held.iter().map(|(_, outcome)| outcome.as_str()).collect();
    assert_eq!(outcomes, ["unmapped", "upsert"]);
    let shown = ["provision", "captures", &held[1].0];
    let shown = scene.xspd(&shown).await.well();
    assert!(shown.contains("anna@sp.test"), "{shown}");
    for secret in ["hunter2", PASSWORD, "d2ViZXhwcm92"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    // It can be tried on the rules.
    let file = scene.path().join("capture.json");
    std::fs::write(&file, &shown).unwrap();
    let trial = ["provision", "mapping", "test", "--capture"];
    let trial = [&trial[..], &[file.to_str().unwrap()]].concat();
    let said = verb::typed(&trial).await.out;
    assert!(
        said.contains("anna@sp.test is to be a subscriber"),
        "{said}"
    );

    // What has personal data in it goes with the leave to keep that.
    let closed = "what = \"all\"\nkeep = true";
    reloaded(&scene, &daemon, &config(&scene, closed), 1).await;
    assert_eq!(listed(&scene).await, []);
    on_disk(&scene, 0).await;
    assert_eq!(
        scene
            .call("POST", API, &profile("bob@sp.test"))
            .await
            .status,
        200
    );
    on_disk(&scene, 1).await;
    let held = listed(&scene).await;
    let shown = ["provision", "captures", &held[0].0];
    let shown = scene.xspd(&shown).await.well();
    for hidden in ["bob@sp.test", "Andersen", "2405551212"] {
        assert!(!shown.contains(hidden), "{hidden} in {shown}");
    }
    assert!(shown.contains("user-at-host"), "{shown}");

    reloaded(&scene, &daemon, &config(&scene, "what = \"off\""), 2).await;
    assert_eq!(listed(&scene).await, []);
    on_disk(&scene, 0).await;
    assert_eq!(
        scene
            .call("POST", API, &profile("carl@sp.test"))
            .await
            .status,
        200
    );
    assert_eq!(listed(&scene).await, []);
    assert!(daemon.stop().await.success());
}

#[tokio::test]
async fn captures_of_an_earlier_run_are_gone_when_they_are_not_to_be_kept() {
    let scene = Scene::new();
    let kept = config(&scene, "what = \"all\"\nkeep = true");
    let daemon = scene.start(&kept).await;
    assert_eq!(
        scene
            .call("POST", API, &profile("anna@sp.test"))
            .await
            .status,
        200
    );
    on_disk(&scene, 1).await;
    assert!(daemon.stop().await.success());
    let daemon = scene.start(&kept).await;
    assert_eq!(listed(&scene).await.len(), 1, "over a restart");
    assert!(daemon.stop().await.success());
    let _daemon = scene.start(&config(&scene, "what = \"all\"")).await;
    assert_eq!(listed(&scene).await, []);
    on_disk(&scene, 0).await;
}
