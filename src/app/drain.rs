//! The orderly end: not ready, settle, stop accepting, finish what is in flight, end.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tracing::info;
use tracing::warn;

use crate::app::run::Daemon;
use crate::platform::clock;

/// How often the open connections are counted while waiting for them.
const STEP: Duration = Duration::from_millis(50);

/// What other requests get when streams have used the time up.
const AFTER_STREAMS: Duration = Duration::from_secs(1);

/// Ends the daemon. A second signal, seen through `hurry`, skips the waiting.
pub async fn drain(daemon: &Daemon, hurry: impl Future<Output = ()>) {
    let plan = daemon.reloader.live.load().config.drain.clone();
    daemon.admin.draining.store(true, Ordering::Relaxed);
    let hub = daemon.reloader.live.load().front.events().clone();
    let adapter = daemon.reloader.live.load().adapter.clone();
    // Before it is told: whoever reads the line may count on it.
    hub.drain();
    if let Some(adapter) = &adapter {
        adapter.drain();
    }
    info!(settle = ?plan.settle, deadline = ?plan.deadline, "Draining.");
    let orderly = async {
        tokio::time::sleep(plan.settle).await;
        let deadline = clock::mono() + plan.deadline;
        // While streams are open their heartbeats and acknowledgements must still get in, or their
        // XSPs would cut them. New channels are refused.
        while hub.open() > 0 && clock::mono() < deadline {
            tokio::time::sleep(STEP).await;
        }
        hub.cut_staggered().await;
        daemon.accepting.cancel();
        daemon.reloader.connections.drain();
        let deadline = deadline.max(clock::mono() + AFTER_STREAMS);
        while daemon.reloader.connections.open() > 0 && clock::mono() < deadline {
            tokio::time::sleep(STEP).await;
            // A connection that was being accepted meanwhile hears of it too.
            daemon.reloader.connections.drain();
        }
        // Who hung up has no connection any more, and what the bridge does is still to be noted.
        let relaying = || adapter.as_ref().map_or(0, |adapter| adapter.under_way());
        while relaying() > 0 && clock::mono() < deadline {
            tokio::time::sleep(STEP).await;
        }
        if let Some(blf) = &daemon.reloader.blf {
            blf.drain().await;
        }
        if let Some(provisioner) = &daemon.reloader.provisioning.provisioner {
            // The calls to Webex that are under way are worth a moment, even late.
            let left = deadline.saturating_duration_since(clock::mono());
            provisioner.drain(left.max(AFTER_STREAMS)).await;
        }
    };
    tokio::select! {
        () = orderly => {}
        () = hurry => warn!("Asked again; not waiting any longer."),
    }
    let left = daemon.reloader.connections.open();
    if left > 0 {
        warn!(
            connections = left,
            "Connections are still open and are cut."
        );
    }
    daemon.accepting.cancel();
    daemon.tasks.stop().cancel();
    if tokio::time::timeout(Duration::from_secs(1), daemon.workers_gone())
        .await
        .is_err()
    {
        let workers = daemon.tasks.leftovers();
        // Connections that are cut have been told of already.
        if !workers.is_empty() {
            warn!(?workers, "Workers did not end in time.");
        }
    }
    info!("Drained.");
}
