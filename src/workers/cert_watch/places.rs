//! Where files may change.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use notify::RecommendedWatcher;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::config::Config;
use crate::platform::tasks::Tasks;
use crate::workers::cert_watch::entries;
use crate::workers::file_watch;

/// How long a file system is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Tells of changes in the directories of what is watched, as long as the watcher is kept. What it
/// does not see is found by the rounds, so a file system that does not answer holds nothing up.
pub(super) async fn directories(
    config: &Arc<Config>,
    tasks: &Tasks,
) -> (Option<RecommendedWatcher>, mpsc::Receiver<()>) {
    let config = Arc::clone(config);
    let begun = tasks.blocking(move || file_watch::directory_events(&places(&config)));
    let stop = tasks.stop();
    let found = tokio::select! {
        () = stop.cancelled() => None,
        found = timeout(PATIENCE, begun) => found.ok().flatten(),
    };
    found.unwrap_or_else(|| (None, mpsc::channel(1).1))
}

/// Where files may change.
fn places(config: &Config) -> Vec<PathBuf> {
    let mut places = Vec::new();
    for entry in entries::entries(config) {
        match entry.source {
            entries::Source::Anchors(path) => places.push(path),
            entries::Source::Bundles { paths, .. } | entries::Source::Crls(paths) => {
                places.extend(paths);
            }
            entries::Source::Chain(files) => places.push(files.chain),
            entries::Source::TrustSet(set) => {
                places.extend(set.files);
                places.extend(set.directory);
            }
            // Beside the keys lies what changes all the time; they are not urgent.
            entries::Source::Declared { .. }
            | entries::Source::Keys(_)
            | entries::Source::Outside(_)
            | entries::Source::Probe(_)
            | entries::Source::Served { .. } => {}
        }
    }
    places
}
