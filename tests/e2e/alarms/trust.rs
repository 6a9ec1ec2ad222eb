//! An old chain of Webex beside a new one: it is reported as safe to remove when only the new one has
//! let clients in for a month, and that is over when it is gone.

use std::fs;

use crate::e2e::alarms::Scene;
use crate::e2e::alarms::clock::has;
use crate::e2e::alarms::clock::library;
use crate::e2e::alarms::clock::start_at;
use crate::e2e::stage::PROFILE;
use crate::support::pki::Authority;
use crate::support::pki::Client as Kind;

const OLD: &str = "CombinedCertChain2026.txt";
const UNUSED: &str = "trustGenerationUnused";

#[tokio::test(flavor = "multi_thread")]
async fn an_old_chain_without_clients_for_a_month_is_safe_to_remove_and_that_is_over_without_it() {
    let Some(library) = library() else {
        return;
    };
    let scene = Scene::new().await;
    let folder = scene.stage.path();
    let next = Authority::next("Internal Private");
    let new_file = next.write(folder, "CombinedCertChain2027");
    let new_file = new_file.display();
    let rules = "client-certificates = \"required\"\ntrust = \"webex\"\n[[listener.host]]";
    let config = scene.config().replacen("[[listener.host]]", rules, 1);
    let both = config.replace(&format!("{OLD}\"]"), &format!("{OLD}\", \"{new_file}\"]"));
    assert_ne!(both, config, "the trust set has both");
    let path = folder.join("xspd.toml");
    fs::write(&path, &both).unwrap();
    let on_new = scene.stage.client().showing(next.client(Kind::Good));

    // Both chains let clients in on the first day.
    let daemon = start_at(&scene, &library, "+0d").await;
    let on_old = scene.stage.webex_client();
    assert_eq!(on_old.get(PROFILE).await.unwrap().status, 200);
    assert_eq!(on_new.get(PROFILE).await.unwrap().status, 200);
    assert!(daemon.stop().await.success());

    // A month later the new one alone. What was used is looked at when the daemon ends.
    let daemon = start_at(&scene, &library, "+31d").await;
    assert_eq!(on_new.get(PROFILE).await.unwrap().status, 200);
    assert!(!has(&scene.list().await, UNUSED, ""), "nobody knows yet");
    assert!(daemon.stop().await.success());
    let daemon = start_at(&scene, &library, "+31d").await;
    let list = scene
        .until("told as unused", |list| has(list, UNUSED, OLD))
        .await;
    assert!(!has(&list, UNUSED, "2027"), "the new one stays: {list:#?}");
    assert!(daemon.stop().await.success());

    // It is taken out while the daemon is down.
    fs::write(&path, config.replace(OLD, "CombinedCertChain2027.txt")).unwrap();
    let daemon = start_at(&scene, &library, "+31d").await;
    scene.until("over", |list| !has(list, UNUSED, "")).await;
    assert_eq!(on_new.get(PROFILE).await.unwrap().status, 200);
    assert!(
        on_old.get(PROFILE).await.is_err(),
        "the old chain gets in no more"
    );
    assert!(daemon.stop().await.success());
}
