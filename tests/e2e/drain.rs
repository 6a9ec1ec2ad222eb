//! The end: kill -TERM with requests in flight; and what a daemon says that cannot start.

use crate::e2e::stage::Stage;
use crate::e2e::stage::get;
use crate::e2e::stage::is_health_check;
use crate::support::BOUND;
use crate::support::client::read_answer;
use crate::support::daemon::XSPD;
use crate::support::process::Process;
use crate::support::upstream::Gate;
use crate::support::upstream::Reply;
use tokio::io::AsyncWriteExt as _;

#[tokio::test]
async fn requests_in_flight_are_finished_before_the_end() {
    let gate = Gate::new();
    let held = gate.clone();
    let stage = Stage::answering(move |request| {
        if is_health_check(request) {
            Reply::text(200, "up")
        } else {
            Reply::gated_chunks(&["slow ", "answer"], &held)
        }
    })
    .await;
    let daemon = stage.start(&stage.config("", "")).await;
    let mut stream = stage.client().connect().await.unwrap();
    stream.write_all(&get("")).await.unwrap();
    let asked = async {
        while stage.relayed().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(BOUND, asked).await.unwrap();
    gate.open(2);
    daemon.signal("TERM");
    daemon.logged(&["Draining"]).await;
    gate.open(10);
    let answer = read_answer(&mut stream, false).await.unwrap();
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (200, "slow answer")
    );
    let nobody_new_is_let_in = async {
        while stage.client().connect().await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(BOUND, nobody_new_is_let_in)
        .await
        .unwrap();
    assert!(daemon.stop().await.success());
}

async fn fails_with(config: &str, code: i32, words: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("xspd.toml");
    std::fs::write(&path, config).unwrap();
    let mut process = Process::spawn(XSPD, &["run", "--config", path.to_str().unwrap()]);
    let status = process.ended(BOUND).await;
    let said = process.lines().join("\n");
    assert_eq!(status.code(), Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "no \"{word}\" in:\n{said}");
    }
}

#[tokio::test]
async fn a_start_that_cannot_be_names_the_thing_and_the_remedy() {
    let stage = Stage::new().await;
    let good = stage.config("", "");
    let occupied = std::net::TcpListener::bind(stage.address).unwrap();
    fails_with(&good, 69, &[&stage.address.to_string(), "ss -ltnp"]).await;
    drop(occupied);

    let stranger = stage
        .public
        .server(&["xsp.test"], crate::support::pki::Key::P256);
    std::fs::write(stage.path().join("server.pem"), stranger.chain_pem()).unwrap();
    fails_with(&good, 78, &["server.pem", "not a pair"]).await;

    let client = stage.webex.client(crate::support::pki::Client::Good);
    stage.replace_server(&client);
    fails_with(&good, 78, &["server.pem"]).await;

    std::fs::remove_file(stage.path().join("server.pem")).unwrap();
    fails_with(&good, 78, &["server.pem"]).await;
}

#[tokio::test]
async fn an_anchor_past_its_end_is_left_out_and_the_rest_goes_on() {
    let stage = Stage::new().await;
    std::fs::write(
        stage.path().join("CombinedCertChain2026.txt"),
        "no certificate",
    )
    .unwrap();
    fails_with(&stage.mutual(), 78, &["webex", "CombinedCertChain2026.txt"]).await;
}
