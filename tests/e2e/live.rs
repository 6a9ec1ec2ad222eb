//! What changes under a running daemon: certificates, trust, configuration.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use tokio::task::JoinSet;

use crate::e2e::stage::HOST;
use crate::e2e::stage::PROFILE;
use crate::e2e::stage::Stage;
use crate::e2e::stage::get;
use crate::e2e::stage::presented;
use crate::support::client::exchange;
use crate::support::client::read_answer;
use crate::support::pki::Authority;
use crate::support::pki::Client as Kind;
use crate::support::pki::Key;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_swapped_under_load_without_a_failed_request() {
    let stage = Stage::new().await;
    let daemon = stage.start(&stage.config("", "")).await;
    let old = presented(&stage.client()).await;
    let (stop, done) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let mut load = JoinSet::new();
    for _ in 0..4 {
        let (client, stop, done) = (stage.client(), Arc::clone(&stop), Arc::clone(&done));
        load.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                assert_eq!(client.get(PROFILE).await.unwrap().status, 200);
                done.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    let next = stage.public.server(&[HOST], Key::P256);
    stage.replace_server(&next);
    daemon.logged(&["Reload done", "files"]).await;
    let at_swap = done.load(Ordering::Relaxed);
    while done.load(Ordering::Relaxed) < at_swap + 20 {
        tokio::task::yield_now().await;
    }
    stop.store(true, Ordering::Relaxed);
    load.join_all().await;
    let fresh = presented(&stage.client()).await;
    assert_ne!(fresh, old);
    assert_eq!(Some(&fresh), next.chain.first());
}

#[tokio::test]
async fn a_pair_that_does_not_fit_never_goes_live_and_is_reported() {
    let stage = Stage::new().await;
    let daemon = stage.start(&stage.config("", "")).await;
    let old = presented(&stage.client()).await;
    let stranger = stage.public.server(&[HOST], Key::P256);
    // In one step: half a file would be rejected too.
    std::fs::write(stage.path().join("next.pem"), stranger.chain_pem()).unwrap();
    std::fs::rename(
        stage.path().join("next.pem"),
        stage.path().join("server.pem"),
    )
    .unwrap();
    daemon.logged(&["File rejected", "not a pair"]).await;
    assert_eq!(presented(&stage.client()).await, old);
    assert_eq!(
        daemon.metric("xspd_material_rejected_total").await,
        Some(1.0)
    );
}

#[tokio::test]
async fn an_expired_chain_never_replaces_a_good_one() {
    let stage = Stage::new().await;
    let daemon = stage.start(&stage.config("", "")).await;
    let old = presented(&stage.client()).await;
    stage.replace_server(&stage.public.server_ending(&[HOST], -1));
    daemon.logged(&["File rejected", "server.pem"]).await;
    assert_eq!(presented(&stage.client()).await, old);
}

#[tokio::test]
async fn a_start_with_an_expired_chain_serves_it_and_says_so() {
    let stage = Stage::new().await;
    stage.replace_server(&stage.public.server_ending(&[HOST], -1));
    let daemon = stage.start(&stage.config("", "")).await;
    daemon
        .logged(&["WARN", "outside of its dates", "server.pem", "it ended on"])
        .await;
    // Clients that look refuse it; who does not is served.
    assert!(stage.client().get(PROFILE).await.is_err());
    stage.replace_server(&stage.public.server(&[HOST], Key::P256));
    daemon.logged(&["Reload done", "files"]).await;
    assert_eq!(stage.client().get(PROFILE).await.unwrap().status, 200);
}

#[tokio::test]
async fn removing_an_anchor_closes_the_connections_that_rest_on_it() {
    let stage = Stage::new().await;
    let next = Authority::new("Internal Private");
    next.write(stage.path(), "CombinedCertChain2027");
    let both = stage.mutual().replace(
        "CombinedCertChain2026.txt\"]",
        &format!(
            "CombinedCertChain2026.txt\", \"{}/CombinedCertChain2027.txt\"]",
            stage.path().display()
        ),
    );
    let daemon = stage.start(&both).await;
    let mut on_old = stage.webex_client().connect().await.unwrap();
    let new_client = stage.client().showing(next.client(Kind::Good));
    let mut on_new = new_client.connect().await.unwrap();
    assert_eq!(exchange(&mut on_old, &get("")).await.unwrap().status, 200);
    assert_eq!(exchange(&mut on_new, &get("")).await.unwrap().status, 200);

    // The old generation leaves: its file gets the new one's content.
    std::fs::copy(
        stage.path().join("CombinedCertChain2027.txt"),
        stage.path().join("CombinedCertChain2026.txt"),
    )
    .unwrap();
    daemon.logged(&["Reload done", "files"]).await;
    assert!(
        read_answer(&mut on_old, false).await.is_err(),
        "the old connection is closed"
    );
    assert_eq!(exchange(&mut on_new, &get("")).await.unwrap().status, 200);
    assert!(
        stage.webex_client().get(PROFILE).await.is_err(),
        "the old chain gets in no more"
    );
    let ended = daemon
        .metric("xspd_connection_endings_total{listener=\"edge\",reason=\"trust-removed\"}")
        .await;
    assert_eq!(ended, Some(1.0));
}

#[tokio::test]
async fn a_broken_configuration_is_rejected_with_every_problem_and_the_old_one_stays() {
    let stage = Stage::new().await;
    let config = stage.config("", "");
    let daemon = stage.start(&config).await;
    let broken = config.replace("[drain]", "[drian]") + "\n[policy]\ncall-me-now = \"maybe\"\n";
    std::fs::write(stage.path().join("xspd.toml"), broken).unwrap();
    daemon.signal("HUP");
    daemon.logged(&["Reload rejected", "drian"]).await;
    daemon.logged(&["Reload rejected", "call-me-now"]).await;
    assert_eq!(
        daemon.metric("xspd_reloads_rejected_total").await,
        Some(1.0)
    );
    assert_eq!(stage.client().get(PROFILE).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_live_change_takes_effect_on_open_connections_and_a_restart_change_is_refused() {
    let stage = Stage::new().await;
    let config = stage.config("", "");
    let daemon = stage.start(&config).await;
    let mut open = stage.client().connect().await.unwrap();
    assert_eq!(exchange(&mut open, &get("")).await.unwrap().status, 200);

    let fewer = config.replace("\"xsi-actions\", ", "");
    std::fs::write(stage.path().join("xspd.toml"), &fewer).unwrap();
    daemon.signal("HUP");
    daemon.logged(&["Reload done", "configuration"]).await;
    assert_eq!(exchange(&mut open, &get("")).await.unwrap().status, 404);

    let other = crate::support::daemon::free_address();
    let moved = config.replace(&stage.address.to_string(), &other.to_string());
    std::fs::write(stage.path().join("xspd.toml"), moved).unwrap();
    daemon.signal("HUP");
    daemon.logged(&["Reload rejected", "restart"]).await;
}

#[tokio::test]
async fn without_a_certificate_a_self_signed_one_is_made_kept_and_flagged() {
    let stage = Stage::new().await;
    let line = stage
        .config("", "")
        .lines()
        .filter(|line| !line.starts_with("certificates"))
        .collect::<Vec<_>>()
        .join("\n");
    let client = crate::support::client::Client::new(stage.address).name(HOST);
    let daemon = stage.start(&line).await;
    let first = presented(&client).await;
    let flag = daemon
        .metric("xspd_certificate_self_signed{listener=\"edge\"}")
        .await;
    assert_eq!(flag, Some(1.0));
    daemon.logged(&["WARN", "self-signed"]).await;
    let facts = xspd::domain::certs::CertificateFacts::parse(&first).unwrap();
    let lifetime = facts.not_after.duration_since(facts.not_before).unwrap();
    assert_eq!(
        lifetime.as_secs().div_ceil(86_400),
        366,
        "one year and five minutes"
    );
    assert!(daemon.stop().await.success());
    let _again = stage.start(&line).await;
    assert_eq!(presented(&client).await, first, "kept over a restart");
}
