//! Certificates renewed by hand under a running daemon.

use std::fs;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::e2e::stage::HOST;
use crate::e2e::stage::Stage;
use crate::e2e::stage::presented;
use crate::support::BOUND;
use crate::support::pki::Identity;
use crate::support::pki::Key;

async fn certs(stage: &Stage, words: &[&str]) -> (i32, String) {
    stage.xspd(&[&["certs"], words].concat()).await.all()
}

/// What a CA delivers, with its key, in one file.
fn delivered(stage: &Stage, name: &str) -> (Identity, String) {
    let identity = stage.public.server(&[HOST], Key::P256);
    let path = stage.path().join(name);
    let text = format!(
        "{}{}{}",
        identity.key_pem(),
        stage.public.root_pem(),
        identity.chain_pem()
    );
    fs::write(&path, text).unwrap();
    (identity, path.to_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_activated_is_proven_to_be_served_and_so_is_the_way_back() {
    let stage = Stage::new().await;
    let _daemon = stage.start(&stage.config("", "")).await;
    let old = presented(&stage.client()).await;
    let (new, file) = delivered(&stage, "delivered.pem");
    let (code, said) = certs(&stage, &["import", &file, "--for", "edge"]).await;
    assert_eq!(code, 0, "{said}");
    assert_eq!(presented(&stage.client()).await, old);
    let (code, said) = certs(&stage, &["activate", "edge"]).await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("by listener edge"), "{said}");
    // The verb has waited for it.
    assert_eq!(Some(&presented(&stage.client()).await), new.chain.first());
    let (code, said) = certs(&stage, &["rollback", "edge"]).await;
    assert_eq!(code, 0, "{said}");
    assert_eq!(presented(&stage.client()).await, old);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_served_is_said_with_what_is_served_instead() {
    let stage = Stage::new().await;
    let config = stage.config("", "");
    let daemon = stage.start(&config).await;
    // The file on disk names other files than the daemon was started with.
    let (_, _) = stage
        .public
        .server(&[HOST], Key::P256)
        .write(stage.path(), "elsewhere");
    let other = config.replace("/server.", "/elsewhere.");
    fs::write(stage.path().join("xspd.toml"), other).unwrap();
    let (_, file) = delivered(&stage, "delivered.pem");
    let (code, said) = certs(&stage, &["import", &file, "--for", "edge"]).await;
    assert_eq!(code, 0, "{said}");
    let (code, said) = certs(&stage, &["activate", "edge"]).await;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("NOT SERVED by listener edge"), "{said}");
    assert!(said.contains("still served: CN="), "{said}");
    assert!(daemon.stop().await.success());
    let (code, said) = certs(&stage, &["rollback", "edge"]).await;
    assert_eq!(code, 69, "{said}");
    assert!(said.contains("NOT PROVEN: nobody listens"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_put_off_survives_a_restart_and_happens_by_itself() {
    let stage = Stage::new().await;
    let config = stage.config("", "");
    let daemon = stage.start(&config).await;
    let (new, file) = delivered(&stage, "delivered.pem");
    certs(&stage, &["import", &file, "--for", "edge"]).await;
    let soon = OffsetDateTime::from(xspd::platform::clock::wall()) + Duration::from_secs(3);
    let soon = soon
        .replace_nanosecond(0)
        .unwrap()
        .format(&Rfc3339)
        .unwrap();
    let (code, said) = certs(&stage, &["activate", "edge", "--at", &soon]).await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("The daemon will activate it"), "{said}");
    assert!(daemon.stop().await.success());
    let daemon = stage.start(&config).await;
    daemon.logged(&["The new certificate is served"]).await;
    assert_eq!(Some(&presented(&stage.client()).await), new.chain.first());
    let done = tokio::time::timeout(BOUND, certs(&stage, &["staged"])).await;
    let (_, said) = done.unwrap();
    assert!(
        said.contains("scheduled") && said.contains("activated"),
        "{said}"
    );
}
