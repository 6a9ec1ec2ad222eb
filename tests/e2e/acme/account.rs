//! Accounts: bound to one that was made elsewhere, and lost.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use tokio::time::timeout;

use crate::e2e::acme::PATIENCE;
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
use crate::support::pebble::Plan;

/// From Pebble's examples.
const KEY: &str = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_is_bound_to_the_one_that_was_made_elsewhere_and_not_without_its_key() {
    let stage = Stage::new().await;
    let plan = Plan::new(free_address(), stage.address).external("kid-1", KEY);
    let Some(pebble) = Pebble::start_as(stage.path(), &plan).await else {
        return;
    };
    let secret = stage.path().join("eab");
    // Another key than the CA has.
    fs::write(&secret, KEY.replace('z', "y")).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let bound = format!(
        "eab-key-id = \"kid-1\"\neab-secret = \"file:{}\"\n",
        secret.display()
    );
    let config = stage.config("", "") + &automatic(&pebble, "tls-alpn-01") + &bound;
    let _daemon = stage.start(&config).await;
    let (code, said) = xspd(&stage, &["certs", "renew", "public"]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("refused"), "{said}");
    assert_eq!(status(&stage).await["account"], "");

    fs::write(&secret, KEY).unwrap();
    let (code, said) = xspd(&stage, &["certs", "renew", "public"]).await;
    assert_eq!(code, Some(0), "{said}");
    let client = Client::new(stage.address).name(HOST);
    assert!(issuer(&client).await.contains("Pebble"));
    assert_eq!(status(&stage).await["account-state"], "valid");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_the_ca_does_not_know_any_more_is_told_until_another_one_is_made() {
    let stage = Stage::new().await;
    let plan = Plan::new(free_address(), stage.address);
    let Some(pebble) = Pebble::start_as(stage.path(), &plan).await else {
        return;
    };
    let config = stage.config("", "") + &alarms(&stage) + &automatic(&pebble, "tls-alpn-01");
    let _daemon = stage.start(&config).await;
    let (code, said) = xspd(&stage, &["certs", "renew", "public"]).await;
    assert_eq!(code, Some(0), "{said}");
    let first = status(&stage).await["account"].clone();
    // It keeps its accounts in memory.
    drop(pebble);
    let ca = fs::read(stage.path().join("pebble-ca.pem")).unwrap();
    let _pebble = Pebble::start_as(stage.path(), &plan).await.unwrap();
    assert_ne!(ca, fs::read(stage.path().join("pebble-ca.pem")).unwrap());

    let (code, said) = xspd(&stage, &["certs", "renew", "public"]).await;
    assert_eq!(code, Some(1), "{said}");
    let (alarm, object) = ("certificateRenewalFailed", "acme account public");
    let told = until_alarm(&stage, alarm, object, true).await;
    let told = told.to_string();
    assert!(told.contains("xspd acme new-account public"), "{told}");
    assert!(told.contains("\"command\""), "{told}");
    let (code, said) = xspd(&stage, &["acme", "list"]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the account: it refused"), "{said}");
    // The daemon looks again when that changes; who looks without it reads the same.
    let listed = async {
        loop {
            let (code, said) = xspd(&stage, &["certs", "show", object]).await;
            if code == Some(1) {
                return said;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let said = timeout(PATIENCE, listed).await.unwrap();
    assert!(
        said.contains("problem") && said.contains("it refused"),
        "{said}"
    );
    let (code, said) = xspd(&stage, &["certs", "show", object, "--offline"]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("it refused"), "{said}");

    let (code, said) = xspd(&stage, &["acme", "new-account", "public"]).await;
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = xspd(&stage, &["certs", "renew", "public"]).await;
    assert_eq!(code, Some(0), "{said}");
    until_alarm(&stage, alarm, object, false).await;
    let now = status(&stage).await;
    assert_eq!(now["account-state"], "valid");
    assert_ne!(now["account"], first);
    let old = stage.path().join("state/acme/public/account.json.old");
    assert!(old.exists());
}
