//! The one task that writes. What waits while it commits goes into its next commit.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::domain::provisioning::ids::Moment;
use crate::platform::clock;
use crate::store::StoreError;
use crate::store::batch::Accepted;
use crate::store::batch::Batch;
use crate::store::batch::Write;
use crate::store::engine::Engine;

/// Most writes of one commit: some 5 KB each, so that a commit stays below a megabyte and the last
/// of them does not wait for long.
const GROUP: usize = 128;

/// Writes until `stop` fires or every handle is gone, and what waits then; closes the engine.
pub(super) async fn run(
    engine: Arc<dyn Engine>,
    mut waiting: mpsc::Receiver<Write>,
    feed: mpsc::Sender<Accepted>,
    stop: CancellationToken,
) {
    let mut group = Vec::with_capacity(GROUP);
    loop {
        // Whoever was just answered has a turn: their next writes go into this commit together.
        tokio::task::yield_now().await;
        // Both may be dropped halfway: `recv_many` then has taken nothing.
        tokio::select! {
            biased;
            taken = waiting.recv_many(&mut group, GROUP) => if taken == 0 { break },
            // Whoever comes now is told so; what waits is still written.
            () = stop.cancelled(), if !waiting.is_closed() => waiting.close(),
        }
        group.retain(Write::is_wanted);
        if !group.is_empty() {
            let accepted = commit(engine.as_ref(), std::mem::take(&mut group)).await;
            for accepted in accepted {
                // Nobody drives them any more: the next start finds them.
                drop(feed.send(accepted).await);
            }
        }
    }
    engine.close().await;
}

async fn commit(engine: &dyn Engine, group: Vec<Write>) -> Vec<Accepted> {
    let (mut works, mut answers, mut asks) = (Vec::new(), Vec::new(), Vec::new());
    for write in group {
        write.work.asks(&mut asks);
        works.push(write.work);
        answers.push(write.answer);
    }
    // What became of each one by itself; empty when it did not come to that.
    let mut own = Vec::with_capacity(works.len());
    let mut accepted = Vec::new();
    let (told, fresh) = (&mut own, &mut accepted);
    let now = Moment::of(clock::wall());
    let questions = asks.clone();
    let plan = Box::new(move |found| {
        let mut batch = Batch::new(&asks, found);
        told.extend(works.into_iter().map(|work| batch.take(work)));
        let (delta, wishes) = batch.into_parts(now);
        *fresh = wishes;
        delta
    });
    let outcome = engine.transact(questions, plan).await;
    let mut own = own.into_iter();
    for answer in answers {
        let own: Result<(), StoreError> = own.next().unwrap_or(Ok(()));
        // Nobody waits any more when this fails.
        drop(answer.send(own.and_then(|()| outcome.clone())));
    }
    if outcome.is_err() {
        accepted.clear();
    }
    accepted
}
