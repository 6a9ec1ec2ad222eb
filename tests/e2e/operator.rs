//! What an operator sees from outside, with the log as it is by default.

use crate::e2e::stage::PROFILE;
use crate::e2e::stage::Stage;
use crate::support::pki::Authority;
use crate::support::pki::Client as Kind;
use crate::support::pki::WEBEX_NAME;

/// The stage's configuration with the log's own default.
fn quiet(config: &str) -> String {
    config.replace("filter = \"debug\"", "")
}

#[tokio::test]
async fn without_debug_the_log_says_why_a_client_is_refused_and_does_not_repeat_it() {
    let stage = Stage::new().await;
    let daemon = stage.start(&quiet(&stage.mutual())).await;
    let stranger = Authority::new("Stranger");
    for _ in 0..5 {
        let refused = stage.client().showing(stranger.client(Kind::Good));
        assert!(refused.get(PROFILE).await.is_err());
    }
    let expired = stage.client().showing(stage.webex.client(Kind::Expired));
    assert!(expired.get(PROFILE).await.is_err());
    let unknown = ["WARN", "Client refused", "certificate-unknown-issuer"];
    let line = daemon.logged(&unknown).await;
    for word in ["listener=edge", "127.0.0.1", WEBEX_NAME, "CN=Stranger"] {
        assert!(line.contains(word), "no {word} in {line}");
    }
    daemon
        .logged(&["WARN", "Client refused", "certificate-expired"])
        .await;
    let lines = daemon.lines();
    let told = lines.iter().filter(|line| line.contains(unknown[2]));
    assert_eq!(told.count(), 1, "{lines:#?}");
}

#[tokio::test]
async fn an_identity_that_is_on_no_list_is_named_once() {
    let stage = Stage::new().await;
    let daemon = stage.start(&quiet(&stage.mutual())).await;
    for _ in 0..3 {
        let answer = stage.webex_client().get(PROFILE).await.unwrap();
        assert_eq!(answer.status, 200);
    }
    daemon.logged(&["INFO", "not listed", WEBEX_NAME]).await;
    let lines = daemon.lines();
    let told = lines.iter().filter(|line| line.contains("not listed"));
    assert_eq!(told.count(), 1, "{lines:#?}");
}
