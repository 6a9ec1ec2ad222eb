//! Readers: slow ones, gone ones, many of one watcher.

use crate::domain::blf::view::Lamp;
use crate::workers::blf_tracker::BoardError;
use crate::workers::blf_tracker::NoticeKind;
use crate::workers::blf_tracker::WatchOptions;
use crate::workers::blf_tracker::tests::fake::Farm;
use crate::workers::blf_tracker::tests::setup::Node;

#[tokio::test]
async fn a_slow_reader_gets_the_full_state_and_its_queue_stays_bounded() {
    let farm = Farm::start(1).await;
    farm.list("alice", &["bob"]);
    let node = Node::start_with(&farm, |blf| blf.limits.queue = 4);
    let mut slow = node.reader("alice").await;
    let mut quick = node.reader("alice").await;
    node.until(&mut quick, "bob", Lamp::Idle).await;
    for round in 0..10 {
        let call = format!("c{round}");
        farm.call("bob", &call, "Terminator", "Active");
        node.until(&mut quick, "bob", Lamp::OnCall).await;
        farm.call("bob", &call, "Terminator", "Released");
        node.until(&mut quick, "bob", Lamp::Idle).await;
    }
    farm.call("bob", "last", "Terminator", "Active");
    node.until(&mut quick, "bob", Lamp::OnCall).await;
    let mut waiting = 0;
    while slow.notices.ready().is_some() {
        waiting += 1;
    }
    assert!(waiting <= 4, "{waiting} waited");
    let full = slow.until(|json| json["kind"] == "snapshot").await;
    assert_eq!(full["lines"][0]["user"], "bob");
    assert_eq!(full["lines"][0]["full"], "on-call");
    assert_eq!(node.metric("xspd_blf_readers_behind_total"), 1);
    // And it goes on from there.
    farm.call("bob", "last", "Terminator", "Released");
    slow.until(|json| json["full"] == "idle").await;
    node.end().await;
}

#[tokio::test]
async fn notices_are_shared_and_their_ids_grow() {
    let farm = Farm::start(1).await;
    farm.list("alice", &["bob"]);
    farm.list("carol", &["bob"]);
    let node = Node::start(&farm);
    let mut one = node.reader("alice").await;
    let mut two = node.reader("carol").await;
    node.until(&mut one, "bob", Lamp::Idle).await;
    // Both lists are read.
    two.until(|json| json["kind"] == "snapshot" || json["full"] == "idle")
        .await;
    while one.notices.ready().is_some() || two.notices.ready().is_some() {}
    farm.call("bob", "c1", "Originator", "Active");
    one.until(|json| json["full"] == "on-call").await;
    two.until(|json| json["full"] == "on-call").await;
    let (first, second) = (one.seen.last().unwrap(), two.seen.last().unwrap());
    assert!(std::sync::Arc::ptr_eq(first, second), "rendered once");
    assert_eq!(first.kind, NoticeKind::State);
    for reader in [&one, &two] {
        let ids: Vec<_> = reader.seen.iter().map(|notice| notice.id).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
    }
    node.end().await;
}

#[tokio::test]
async fn a_watcher_has_a_bounded_number_of_readers_and_those_that_left_make_room() {
    let farm = Farm::start(1).await;
    farm.list("alice", &["bob"]);
    let node = Node::start(&farm);
    let mut readers = Vec::new();
    let refused = loop {
        match node.board().join("alice", WatchOptions::default()).await {
            Ok(joined) => readers.push(joined),
            Err(refused) => break refused,
        }
    };
    assert_eq!(refused, BoardError::TooManyReaders);
    readers.pop();
    let wait = async {
        while node
            .board()
            .join("alice", WatchOptions::default())
            .await
            .is_err()
        {
            tokio::task::yield_now().await;
        }
    };
    let long = crate::outbound::tests::setup::LONG;
    tokio::time::timeout(long, wait).await.unwrap();
    node.end().await;
}

#[tokio::test]
async fn when_the_tracker_ends_readers_end_and_questions_are_answered_so() {
    let farm = Farm::start(1).await;
    let node = Node::start(&farm);
    let mut reader = node.reader("alice").await;
    let board = node.board().clone();
    node.end().await;
    assert!(reader.notices.next().await.is_none());
    assert_eq!(board.lines().await.unwrap_err(), BoardError::Gone);
}
