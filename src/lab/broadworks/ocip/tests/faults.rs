//! Misbehaviour that tests ask for.

use std::time::Duration;

use crate::lab::broadworks::ocip::tests::wire::ALICE;
use crate::lab::broadworks::ocip::tests::wire::Served;
use crate::lab::broadworks::ocip::tests::wire::command;
use crate::lab::broadworks::ocip::tests::wire::document;
use crate::platform::clock;

const TEST: &str = "AvailabilityTestRequest";

#[tokio::test]
async fn requests_and_connections_are_counted() {
    let served = Served::start().await;
    let faults = served.lab.ocip_faults();
    let mut client = served.administrator().await;
    client.ask(TEST, "").await.expect_success();
    client.ask(TEST, "").await.expect_success();
    client.ask("FormatDiskRequest", "").await.summary();
    assert_eq!(faults.requests(TEST), 2);
    assert_eq!(faults.requests("LoginRequest14sp4"), 1);
    assert_eq!(faults.requests("unknown"), 1);
    assert_eq!(faults.requests("UserDeleteRequest"), 0);
    assert_eq!(faults.connections(), 1);
}

#[tokio::test]
async fn the_next_requests_fail_as_scripted() {
    let served = Served::start().await;
    let faults = served.lab.ocip_faults();
    let mut client = served.connect().await;
    faults.fail_next(2, 4962, "Invalid password");
    faults.write_error_codes(true);
    for _ in 0..2 {
        let answer = client.ask(TEST, "").await;
        assert_eq!(answer.summary(), "[Error 4962] Invalid password");
        assert_eq!(answer.text("errorCode"), "4962");
    }
    client.ask(TEST, "").await.expect_success();
    assert_eq!(faults.requests(TEST), 3);
}

#[tokio::test]
async fn an_answer_is_torn_and_the_connection_ends() {
    let served = Served::start().await;
    served.lab.ocip_faults().tear_next(1);
    let mut client = served.connect().await;
    client
        .send(document("a", &command(TEST, "")).as_bytes())
        .await;
    let rest = client.rest().await;
    assert!(
        rest.starts_with(b"<?xml") && !rest.ends_with(b">"),
        "{rest:?}"
    );
    let mut client = served.connect().await;
    client.ask(TEST, "").await.expect_success();
}

#[tokio::test]
async fn a_request_is_ignored_and_the_connection_stays() {
    let served = Served::start().await;
    served.lab.ocip_faults().ignore_next(1);
    let mut client = served.connect().await;
    for session in ["a", "b"] {
        client
            .send(document(session, &command(TEST, "")).as_bytes())
            .await;
    }
    assert_eq!(client.receive().await.unwrap().session, "b");
}

#[tokio::test]
async fn answers_come_late() {
    let served = Served::start().await;
    let mut client = served.connect().await;
    let delay = Duration::from_millis(50);
    served.lab.ocip_faults().delay(delay);
    let start = clock::mono();
    client.ask(TEST, "").await.expect_success();
    assert!(clock::mono().duration_since(start) >= delay);
}

#[tokio::test]
async fn an_answer_lies_about_its_encoding() {
    let served = Served::start().await;
    let mut client = served.administrator().await;
    served.lab.ocip_faults().misencode_next(1);
    let inner = format!("<userId>{ALICE}</userId>");
    let request = document("lab-1", &command("UserGetRequest22", &inner));
    let request = request.replace("UTF-8", "ISO-8859-1");
    for name in ["Ren\u{c3}\u{a9}e", "Renée"] {
        client.send(request.as_bytes()).await;
        let answer = client.receive().await.unwrap().commands.remove(0);
        assert_eq!(answer.text("firstName"), name);
    }
}

#[tokio::test]
async fn connections_are_refused_and_cut() {
    let served = Served::start().await;
    let faults = served.lab.ocip_faults();
    let mut open = served.administrator().await;
    faults.refuse_connections(true);
    let mut refused = served.connect().await;
    assert!(refused.rest().await.is_empty());
    open.ask(TEST, "").await.expect_success();
    faults.cut_connections();
    assert!(open.rest().await.is_empty());
    faults.clear();
    served
        .administrator()
        .await
        .ask(TEST, "")
        .await
        .expect_success();
    assert_eq!(faults.connections(), 3);
}
