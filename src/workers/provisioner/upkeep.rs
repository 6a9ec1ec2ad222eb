//! What is counted, and what is forgotten by age.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::domain::provisioning::ids::Moment;
use crate::platform::clock;
use crate::store::Store;
use crate::telemetry::provisioning::ProvisioningMetrics;

/// A usual interval of scrapes; 100,000 users are counted in some 20 ms.
const COUNT: Duration = Duration::from_secs(15);

/// Counts between two looks at the history: an hour.
const COUNTS_PER_LOOK: u32 = 240;

/// Counts, and forgets history, until `stop` fires.
pub(super) async fn run(
    store: Store,
    history: watch::Receiver<Duration>,
    metrics: Arc<ProvisioningMetrics>,
    stop: CancellationToken,
) {
    // Dropped halfway, a count is none and a group of lines is forgotten later.
    let work = async {
        loop {
            for _ in 0..COUNTS_PER_LOOK {
                if let Ok(counts) = store.counts().await {
                    let counts = counts.iter();
                    metrics.counted(counts.map(|count| (count.state, count.users, count.oldest)));
                }
                sleep(COUNT).await;
            }
            let kept = *history.borrow();
            // When the store cannot, those who need it tell of it.
            if let Ok(steps @ 1..) = store.prune_steps(ago(kept)).await {
                info!(steps, "Old history of provisioning is forgotten.");
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => {}
    }
}

/// A while before now.
pub(super) fn ago(span: Duration) -> Moment {
    let now = clock::wall();
    Moment::of(now.checked_sub(span).unwrap_or(std::time::UNIX_EPOCH))
}
