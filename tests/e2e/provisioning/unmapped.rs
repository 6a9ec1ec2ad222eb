//! Calls that no rule of the mapping knows are refused, captured and alarmed, until the mapping is
//! another one.

use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio::time::timeout;

use crate::e2e::provisioning::adapter_scene::API;
use crate::e2e::provisioning::adapter_scene::Scene;
use crate::e2e::provisioning::adapter_scene::refusal;
use crate::support::client::exchange;
use crate::support::pki::write_private;

const TOKEN: &str = "operators-only-4711";

/// What stands wrong is an alarm after two looks, five seconds apart.
const LONG: Duration = Duration::from_secs(60);

async fn asked(scene: &Scene, target: &str) -> Value {
    let mut stream = TcpStream::connect(scene.admin).await.unwrap();
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: admin\r\nAuthorization: Bearer {TOKEN}\r\n\
         Connection: close\r\n\r\n"
    );
    let answer = exchange(&mut stream, request.as_bytes()).await.unwrap();
    assert_eq!(answer.status, 200, "{target}: {}", answer.text());
    serde_json::from_str(&answer.text()).unwrap()
}

/// Waits until the alarm is on, or is not.
async fn alarm(scene: &Scene, is_on: bool) -> Value {
    let looking = async {
        loop {
            let said = asked(scene, "/alarms/v1/alarms").await;
            let all = said["alarms"].as_array().unwrap().clone();
            let mut all = all.into_iter();
            let found = all.find(|alarm| alarm["name"] == "adapterCallsUnmapped");
            if found.is_some() == is_on {
                return found.unwrap_or_default();
            }
            sleep(Duration::from_millis(200)).await;
        }
    };
    let found = timeout(LONG, looking).await;
    found.unwrap_or_else(|_| panic!("never {is_on}"))
}

#[tokio::test]
async fn a_call_that_no_rule_knows_is_an_alarm_until_the_mapping_is_another_one() {
    let scene = Scene::new();
    let token = scene.path().join("operator-token");
    write_private(&token, TOKEN);
    let config = |more: &str| {
        format!(
            "{}\n{more}\n[alarms]\nhold-down = 1\nhold-time = \"1s\"\n[provisioning.operations]\n\
             operator-token = \"file:{}\"\n",
            scene.config("allow = [\"127.0.0.0/8\"]", ""),
            token.display()
        )
    };
    let daemon = scene.start(&config("")).await;
    for _ in 0..2 {
        let answer = scene.call("POST", API, "<hello/>").await;
        let (status, code, _) = refusal(&answer);
        assert_eq!((status, code.as_str()), (400, "A1008"));
    }
    let held = alarm(&scene, true).await;
    assert_eq!(held["object"], "template acme-api", "{held}");
    assert_eq!(held["severity"], "medium", "{held}");
    let text = held["text"].as_str().unwrap();
    assert!(
        text.contains("acme-api") && text.contains("A1008"),
        "{text}"
    );
    // The line to paste leads to the call.
    let whole = held.to_string();
    let (_, id) = whole
        .split_once("xspd provision captures ")
        .expect("a command");
    let id: String = id
        .chars()
        .take_while(|letter| !matches!(letter, '"' | ' '))
        .collect();
    let capture = asked(&scene, &format!("/ops/v1/captures/{id}")).await;
    assert_eq!(capture["id"], id.as_str(), "{capture}");

    let rules = include_str!("../../../config/adapter-mapping.toml");
    let mapping = scene.path().join("mapping.toml");
    std::fs::write(&mapping, format!("# Looked at.\n{rules}")).unwrap();
    let other = format!("mapping = \"{}\"", mapping.display());
    std::fs::write(scene.path().join("xspd.toml"), config(&other)).unwrap();
    daemon.signal("HUP");
    daemon.logged(&["Reload done"]).await;
    alarm(&scene, false).await;
    assert!(daemon.stop().await.success());
}
