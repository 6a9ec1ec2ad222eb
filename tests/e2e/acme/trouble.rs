//! What is told when it goes wrong, and taken back when it goes well again.

use std::fs;

use serde_json::json;

use xspd::workers::acme::state::Asked;
use xspd::workers::acme::state::Folder;

use crate::e2e::acme::alarms;
use crate::e2e::acme::automatic;
use crate::e2e::acme::issuer;
use crate::e2e::acme::status;
use crate::e2e::acme::until_alarm;
use crate::e2e::acme::xspd;
use crate::e2e::stage::HOST;
use crate::e2e::stage::Stage;
use crate::support::client::Client;
use crate::support::daemon::free_address;
use crate::support::pebble::Pebble;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ca_that_refuses_is_told_even_over_a_restart_and_taken_back_when_it_issues() {
    let stage = Stage::new().await;
    let Some(pebble) = Pebble::start(stage.path(), free_address(), stage.address).await else {
        return;
    };
    // Nobody listens there.
    let elsewhere = json!({"host": format!("{HOST}."), "addresses": ["127.0.0.9"]});
    pebble.tell_names("add-a", &elsewhere).await;
    let config = stage.config("", "") + &alarms(&stage) + &automatic(&pebble, "tls-alpn-01");
    let daemon = stage.start(&config).await;
    for _ in 0..3 {
        let (code, said) = xspd(&stage, &["certs", "renew", "public"]).await;
        assert_eq!(code, Some(1), "{said}");
    }
    let (alarm, object) = ("certificateRenewalFailed", "acme public");
    let path = stage.path().join("xspd.toml");
    let told = until_alarm(&stage, &path, alarm, object, true).await;
    assert!(told.to_string().contains("tls-alpn-01"), "{told}");
    daemon.stop().await;

    let _daemon = stage.start(&config).await;
    let held = status(&stage).await;
    assert_eq!(held["failures"], 3);
    // It does not try at once only because it was restarted.
    assert!(held["not-before"].as_i64() > Some(0), "{held}");
    pebble.tell_names("clear-a", &elsewhere).await;
    let (code, said) = xspd(&stage, &["certs", "renew", "public"]).await;
    assert_eq!(code, Some(0), "{said}");
    until_alarm(&stage, &path, alarm, object, false).await;
    assert_eq!(status(&stage).await["failures"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_renewed_and_is_not_served_is_told_until_it_is_served() {
    let stage = Stage::new().await;
    let Some(pebble) = Pebble::start(stage.path(), free_address(), stage.address).await else {
        return;
    };
    let config = stage.config("", "") + &alarms(&stage) + &automatic(&pebble, "tls-alpn-01");
    let daemon = stage.start(&config).await;
    let (path, good) = (
        stage.path().join("xspd.toml"),
        stage.path().join("good.toml"),
    );
    fs::copy(&path, &good).unwrap();
    // A slip of the pen: every reload is refused, and the old pair stays in force.
    fs::write(&path, format!("{config}\nslip")).unwrap();
    let folder = Folder::new(&stage.path().join("state"), "public");
    folder.ask(Asked::Renew).unwrap();
    daemon.logged(&["Renewed, but not served"]).await;
    let (alarm, object) = ("certificateNotDeployed", format!("edge/{HOST}"));
    until_alarm(&stage, &good, alarm, &object, true).await;
    let client = Client::new(stage.address).name(HOST);
    assert!(issuer(&client).await.contains("Public Issuing CA"));

    fs::copy(&good, &path).unwrap();
    daemon.signal("HUP");
    until_alarm(&stage, &good, alarm, &object, false).await;
    assert!(issuer(&client).await.contains("Pebble"));
    assert_eq!(status(&stage).await["unserved"], json!([]));
}
