//! What Application Servers report, until it becomes wishes: a line in the log each.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::domain::ocir::Observation;

/// Takes observations until `stop`.
pub(super) async fn run(mut observed: mpsc::Receiver<Observation>, stop: CancellationToken) {
    loop {
        let next = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            next = observed.recv() => next,
        };
        let Some(Observation {
            cluster,
            told_by,
            what,
        }) = next
        else {
            return;
        };
        debug!(%cluster, %told_by, ?what, "Something changed in BroadWorks.");
    }
}
