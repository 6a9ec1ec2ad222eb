//! Client identities and the software version.

use crate::lab::broadworks::ocip::tests::wire::INVALID;
use crate::lab::broadworks::ocip::tests::wire::Served;

#[tokio::test]
async fn client_identities_are_added_listed_deleted_and_kept() {
    let served = Served::start().await;
    let mut client = served.administrator().await;
    let list = "SystemClientIdentityGetListRequest";
    let identity = |name: &str| format!("<clientIdentity>{name}</clientIdentity>");
    let add = "SystemClientIdentityAddRequest";
    let delete = "SystemClientIdentityDeleteRequest";
    let answer = client.ask(list, "").await;
    assert_eq!(answer.name(), "SystemClientIdentityGetListResponse");
    assert_eq!(
        answer.table("clientIdentityTable"),
        (vec!["Client Identity".to_owned()], Vec::new())
    );
    for name in ["bwcticlient.webex.com", "other"] {
        client.ask(add, &identity(name)).await.expect_success();
    }
    let summary = client.ask(add, &identity("other")).await.summary();
    assert!(
        summary.ends_with("Client identity already exists: other"),
        "{summary}"
    );
    client
        .ask(delete, &identity("other"))
        .await
        .expect_success();
    let summary = client.ask(delete, &identity("other")).await.summary();
    assert!(
        summary.ends_with("Client identity not found: other"),
        "{summary}"
    );
    for bad in [String::new(), "x".repeat(162)] {
        assert_eq!(client.ask(add, &identity(&bad)).await.summary(), INVALID);
    }
    client
        .ask(add, &identity(&"x".repeat(161)))
        .await
        .expect_success();
    let served = served.restart().await;
    let mut client = served.administrator().await;
    let (_, rows) = client.ask(list, "").await.table("clientIdentityTable");
    assert_eq!(
        rows,
        [["bwcticlient.webex.com".to_owned()], ["x".repeat(161)]]
    );
}

#[tokio::test]
async fn the_software_version_is_told() {
    let served = Served::start().await;
    let mut client = served.administrator().await;
    let answer = client.ask("SystemSoftwareVersionGetRequest", "").await;
    assert_eq!(answer.name(), "SystemSoftwareVersionGetResponse");
    assert_eq!(answer.text("version"), "24.0");
}

#[tokio::test]
async fn a_change_that_cannot_be_kept_is_refused() {
    let served = Served::start().await;
    let mut client = served.administrator().await;
    served.lose_state();
    let answer = client.ask("LongLivedTokenRevokeRequest", "").await;
    assert!(answer.summary().ends_with("The lab cannot keep its state"));
    let answer = client.about("UserGetLoginInfoRequestRI", "alice").await;
    assert!(!answer.has("tokenRevocationTime"));
}
