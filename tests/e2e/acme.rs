//! Automatic certificates from a real ACME server.

mod account;
mod dns;
mod trouble;
mod window;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use xspd::domain::certs::CertificateFacts;

use crate::e2e::stage::HOST;
use crate::e2e::stage::PROFILE;
use crate::e2e::stage::Stage;
use crate::e2e::stage::presented;
use crate::support::client;
use crate::support::client::Client;
use crate::support::daemon::free_address;
use crate::support::pebble::Pebble;
use crate::support::pebble::Plan;
use crate::support::pki::Identity;

/// Pebble looks up names and waits a little; this decides only how long a failing test takes.
const PATIENCE: Duration = Duration::from_secs(90);

fn automatic(pebble: &Pebble, challenge: &str) -> String {
    automatic_at(&pebble.directory, pebble, challenge)
}

fn automatic_at(directory: &str, pebble: &Pebble, challenge: &str) -> String {
    format!(
        "[[acme]]\nname = \"public\"\ndirectory = \"{directory}\"\nca = \"{}\"\nterms-agreed = true\n\
         contact = [\"mailto:noc@example.net\"]\nchallenge = \"{challenge}\"\n\
         names = [\"{HOST}\"]\nfor = [\"edge\"]\n",
        pebble.ca.display()
    )
}

/// Two places where alarms are seen: the log, and the verb.
const ALARMS: &str = "[alarms]\nsystem-name = \"node1\"\nhold-down = 1\n\
                      operator-token = \"file:TOKEN\"\n";

/// Settings with which `xspd alarms` works.
fn alarms(stage: &Stage) -> String {
    let token = stage.path().join("token");
    fs::write(&token, "operators-only-4711").unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
    ALARMS.replace("TOKEN", token.to_str().unwrap())
}

/// The status of the one automatic certificate.
async fn status(stage: &Stage) -> Value {
    let (_, said) = xspd(stage, &["acme", "list", "--json"]).await;
    let said: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}"));
    said["acme"][0].clone()
}

/// Waits until the alarm about this object stands, or no longer does.
async fn until_alarm(stage: &Stage, name: &str, object: &str, stands: bool) -> Value {
    let look = async {
        loop {
            let said = stage.xspd(&["alarms", "list", "--json"]).await;
            let said: Value = serde_json::from_str(&said.out).unwrap_or_default();
            let mut alarms = said["alarms"].as_array().into_iter().flatten();
            let found = alarms.find(|alarm| alarm["name"] == name && alarm["object"] == object);
            if said["alarms"].is_array() && found.is_some() == stands {
                return found.cloned().unwrap_or_default();
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    match timeout(PATIENCE, look).await {
        Ok(found) => found,
        Err(_) => panic!(
            "{name} of {object}: never {stands}; {:#}",
            status(stage).await
        ),
    }
}

async fn xspd(stage: &Stage, words: &[&str]) -> (Option<i32>, String) {
    let (code, said) = stage.xspd(words).await.all();
    (Some(code), said)
}

async fn issuer(client: &Client) -> String {
    let leaf = presented(client).await;
    CertificateFacts::parse(&leaf).unwrap().issuer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_renewed_by_http_01_under_load_without_a_failed_request() {
    let (stage, plain) = (Stage::new().await, free_address());
    let plan = Plan::new(plain, stage.address).refusing_nonces(1);
    let Some(pebble) = Pebble::start_as(stage.path(), &plan).await else {
        return;
    };
    let config = format!(
        "{}\n[[listener]]\nname = \"http\"\naddresses = [\"{plain}\"]\nplaintext = true\nroutes = []\n{}",
        stage.config("", ""),
        automatic(&pebble, "http-01")
    );
    let _daemon = stage.start(&config).await;
    // Believes everybody: the new certificate comes from another CA than the old one.
    let any = || Client::new(stage.address).name(HOST);
    assert!(issuer(&any()).await.contains("Public Issuing CA"));
    let (stop, done) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(Semaphore::new(0)),
    );
    let mut load = JoinSet::new();
    for _ in 0..2 {
        let (client, stop, done) = (any(), Arc::clone(&stop), Arc::clone(&done));
        load.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                assert_eq!(client.get(PROFILE).await.unwrap().status, 200);
                done.add_permits(1);
            }
        });
    }
    let (code, said) = xspd(&stage, &["certs", "renew", "public"]).await;
    assert_eq!(code, Some(0), "{said}");
    // Twenty more, by the new certificate. One that fails ends its task.
    done.forget_permits(done.available_permits());
    tokio::select! {
        ended = load.join_next() => panic!("a request failed: {ended:?}"),
        more = timeout(PATIENCE, done.acquire_many(20)) => {
            assert!(more.is_ok(), "requests hang");
        }
    }
    stop.store(true, Ordering::Relaxed);
    load.join_all().await;
    assert!(issuer(&any()).await.contains("Pebble"));

    // Nothing is answered once the order is over, and the old pair can be gone back to.
    let path = "/.well-known/acme-challenge/anything";
    let answer = client::get_plain(plain, path).await.unwrap();
    assert_eq!(answer.status, 404);
    let (code, said) = xspd(&stage, &["certs", "rollback", "edge"]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("The daemon will order again at"), "{said}");
    assert!(issuer(&any()).await.contains("Public Issuing CA"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_self_signed_certificate_is_replaced_by_tls_alpn_01_without_being_asked() {
    let (stage, plain) = (Stage::new().await, free_address());
    let Some(pebble) = Pebble::start(stage.path(), plain, stage.address).await else {
        return;
    };
    Identity::self_signed(HOST).write(stage.path(), "server");
    let config = stage.config("", "") + &automatic(&pebble, "tls-alpn-01");
    let daemon = stage.start(&config).await;
    let client = Client::new(stage.address).name(HOST);
    let renewed = async {
        while !issuer(&client).await.contains("Pebble") {
            tokio::task::yield_now().await;
        }
    };
    let renewed = timeout(PATIENCE, renewed).await;
    assert!(renewed.is_ok(), "{:#?}", daemon.lines());
    daemon.logged(&["Renewed."]).await;

    let folder = stage.path().join("state/acme/public");
    let account = folder.join("account.json");
    let mode = fs::metadata(&account).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (code, said) = xspd(&stage, &["acme", "list", "--json"]).await;
    assert_eq!(code, Some(0), "{said}");
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["acme"][0]["failures"], 0);
    assert!(said["acme"][0]["due"].as_i64() > Some(1_700_000_000));

    let before = fs::read(&account).unwrap();
    let (code, said) = xspd(&stage, &["acme", "roll-key", "public"]).await;
    assert_eq!(code, Some(0), "{said}");
    daemon.logged(&["The account has a new key"]).await;
    assert_ne!(fs::read(&account).unwrap(), before);
    // And it is the key that the CA knows now.
    let (code, said) = xspd(&stage, &["certs", "renew", "public"]).await;
    assert_eq!(code, Some(0), "{said}");
}

#[tokio::test]
async fn a_name_that_cannot_be_proven_is_a_failure_with_the_words_of_the_ca() {
    let (stage, plain) = (Stage::new().await, free_address());
    // It looks for proofs where nobody listens.
    let Some(pebble) = Pebble::start(stage.path(), plain, free_address()).await else {
        return;
    };
    let config = stage.config("", "") + &automatic(&pebble, "tls-alpn-01");
    let daemon = stage.start(&config).await;
    let (code, said) = xspd(&stage, &["certs", "renew", "public"]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains(HOST) && said.contains("tls-alpn-01"),
        "{said}"
    );
    daemon.logged(&["could not be renewed"]).await;
    let (code, _) = xspd(&stage, &["acme", "list"]).await;
    assert_eq!(code, Some(1));
}
