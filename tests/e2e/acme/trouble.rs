//! What is told when it goes wrong, and taken back when it goes well again.

use std::fs;

use serde_json::json;

use xspd::workers::acme::state::Folder;
use xspd::workers::acme::state::Status;

use crate::e2e::acme::alarms;
use crate::e2e::acme::automatic;
use crate::e2e::acme::status;
use crate::e2e::acme::until_alarm;
use crate::e2e::acme::xspd;
use crate::e2e::stage::HOST;
use crate::e2e::stage::Stage;
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
    let told = until_alarm(&stage, alarm, object, true).await;
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
    until_alarm(&stage, alarm, object, false).await;
    assert_eq!(status(&stage).await["failures"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_renewed_and_not_served_is_looked_at_again_even_after_a_restart() {
    let stage = Stage::new().await;
    let Some(pebble) = Pebble::start(stage.path(), free_address(), stage.address).await else {
        return;
    };
    // As the daemon left it that renewed in vain; the one that starts serves what the files hold.
    let folder = Folder::new(&stage.path().join("state"), "public");
    let left = Status {
        unserved: vec![format!("edge/{HOST}")],
        ..Status::default()
    };
    fs::create_dir_all(stage.path().join("state")).unwrap();
    folder.keep_status(&left).unwrap();
    let (code, said) = {
        let config = stage.config("", "") + &automatic(&pebble, "tls-alpn-01");
        let daemon = stage.start(&config).await;
        daemon.logged(&["What was renewed is served now"]).await;
        daemon.stop().await;
        xspd(&stage, &["acme", "list", "--json"]).await
    };
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(status(&stage).await["unserved"], json!([]));
}
