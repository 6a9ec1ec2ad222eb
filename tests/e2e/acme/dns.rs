//! Names that are proven by records.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use xspd::domain::certs::CertificateFacts;

use crate::e2e::acme::PATIENCE;
use crate::e2e::acme::automatic;
use crate::e2e::acme::status;
use crate::e2e::acme::xspd;
use crate::e2e::stage::HOST;
use crate::e2e::stage::Stage;
use crate::e2e::stage::presented;
use crate::support::client::Client;
use crate::support::daemon::free_address;
use crate::support::pebble::Pebble;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_sets_the_records_of_dns_01_for_a_wildcard_too_and_takes_them_away() {
    let stage = Stage::new().await;
    // Nothing but the records can prove anything.
    let Some(pebble) = Pebble::start(stage.path(), free_address(), free_address()).await else {
        return;
    };
    let (hook, calls) = (stage.path().join("hook"), stage.path().join("calls"));
    let script = format!(
        "#!/bin/sh\necho \"$@\" >> {calls}\ncase $1 in set) verb=set-txt;; *) verb=clear-txt;; esac\n\
         exec curl -sSf -d \"{{\\\"host\\\":\\\"$2.\\\",\\\"value\\\":\\\"$3\\\"}}\" {api}/$verb\n",
        calls = calls.display(),
        api = pebble.names_api()
    );
    fs::write(&hook, script).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let wild = format!("*.{HOST}");
    let asked = automatic(&pebble, "dns-01").replace(
        &format!("[\"{HOST}\"]"),
        &format!("[\"{HOST}\", \"{wild}\"]"),
    );
    let asked = format!("{asked}dns-hook = \"{}\"\n", hook.display());
    let config = stage.config("", "") + &asked;
    let _daemon = stage.start(&config).await;
    // What is there lacks the wildcard, so nobody has to ask.
    let renewed = async {
        while !status(&stage).await["renewed"].is_number() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let renewed = tokio::time::timeout(PATIENCE, renewed).await;
    let calls = fs::read_to_string(&calls).unwrap_or_default();
    assert!(renewed.is_ok(), "{:#}\n{calls}", status(&stage).await);
    let leaf = presented(&Client::new(stage.address).name(HOST)).await;
    let mut names = CertificateFacts::parse(&leaf).unwrap().dns_names;
    names.sort();
    assert_eq!(names, [wild.as_str(), HOST]);
    let record = format!("_acme-challenge.{HOST}");
    let count = |verb: &str| {
        let begin = format!("{verb} {record} ");
        calls
            .lines()
            .filter(|line| line.starts_with(&begin))
            .count()
    };
    assert_eq!((count("set"), count("remove")), (2, 2), "{calls}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_that_fails_is_named_and_nothing_is_asked_of_the_ca() {
    let stage = Stage::new().await;
    let Some(pebble) = Pebble::start(stage.path(), free_address(), free_address()).await else {
        return;
    };
    let asked = automatic(&pebble, "dns-01") + "dns-hook = \"/bin/false\"\n";
    let _daemon = stage.start(&(stage.config("", "") + &asked)).await;
    let (code, said) = xspd(&stage, &["certs", "renew", "public"]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("/bin/false set ended with"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ca_without_dns_persist_01_is_a_failure_that_names_what_it_offers() {
    let stage = Stage::new().await;
    let Some(pebble) = Pebble::start(stage.path(), free_address(), free_address()).await else {
        return;
    };
    let asked = automatic(&pebble, "dns-persist-01") + "dns-issuer = \"ca.test\"\n";
    let _daemon = stage.start(&(stage.config("", "") + &asked)).await;
    let (code, said) = xspd(&stage, &["certs", "renew", "public"]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("does not offer dns-persist-01"), "{said}");
    assert!(said.contains("http-01"), "{said}");
    // The account is there, so that the record can be set.
    let (code, said) = xspd(&stage, &["acme", "show-dns", "public"]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("_validation-persist.xsp.test. IN TXT \"ca.test; accounturi=https://"),
        "{said}"
    );
}
