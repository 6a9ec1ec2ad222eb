//! Where files may change, and how the same pair of files is called where it is watched and where
//! it is renewed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use notify::RecommendedWatcher;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::config::Config;
use crate::domain::alarms::Whose;
use crate::platform::tasks::Tasks;
use crate::workers::cert_desk::place;
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
            // Beside the keys lies what changes all the time; they are not urgent. Who changes an
            // account says so.
            entries::Source::Account { .. }
            | entries::Source::Declared { .. }
            | entries::Source::Keys(_)
            | entries::Source::Outside(_)
            | entries::Source::Probe(_)
            | entries::Source::Served { .. } => {}
        }
    }
    places
}

/// The place that is meant by the name of an object of the watch list, which is also the object of
/// its alarms: `listener public xsp.example.com` is `public/xsp.example.com`.
#[must_use]
pub fn place_of(config: &Config, object: &str) -> Option<String> {
    let is_it = |entry: &entries::Entry| {
        let ours = matches!(entry.shared.whose, Some(Whose::Ours | Whose::Automatic));
        ours && entry.shared.id.as_str() == object
    };
    let entry = entries::entries(config).into_iter().find(is_it)?;
    if let entries::Source::Chain(files) = &entry.source {
        let (places, _) = place::places(config);
        if let Some(found) = places.into_iter().find(|held| held.chain == files.chain) {
            return Some(found.name);
        }
    }
    // Its key lies elsewhere, or it has no files: that is for who looks for the place.
    match &entry.shared.listener {
        Some(listener) => {
            let host = entry.shared.hosts.first()?;
            Some(format!("{listener}/{host}"))
        }
        None => {
            let listener = object.strip_prefix("bridge client of ")?;
            Some(format!("{listener}/bridge"))
        }
    }
}

/// Whose a thing is that is watched and that no verb renews; `None` where nothing of the name is
/// watched. Anchors and what lies in patterns are called by their content too, which is not read.
#[must_use]
pub fn only_watched(config: &Config, object: &str) -> Option<Option<Whose>> {
    let is_it = |entry: &entries::Entry| {
        let own = entry.shared.id.as_str() == object;
        own || match &entry.source {
            entries::Source::Anchors(_) | entries::Source::TrustSet(_) => {
                let place = object.strip_prefix("anchor ");
                place.is_some_and(|object| object.ends_with(&format!(" of {}", entry.place)))
            }
            entries::Source::Bundles { .. } | entries::Source::Crls(_) => {
                object.starts_with(&format!("{} ", entry.place))
            }
            entries::Source::Account { .. }
            | entries::Source::Chain(_)
            | entries::Source::Declared { .. }
            | entries::Source::Keys(_)
            | entries::Source::Outside(_)
            | entries::Source::Probe(_)
            | entries::Source::Served { .. } => false,
        }
    };
    let entry = entries::entries(config).into_iter().find(is_it)?;
    Some(entry.shared.whose)
}

/// The name of the object that a place is in the watch list.
#[must_use]
pub fn object_of(config: &Config, asked: &str) -> Option<String> {
    let chain = place::find(config, asked).ok()?.chain;
    let is_it = |entry: &entries::Entry| matches!(&entry.source, entries::Source::Chain(files) if files.chain == chain);
    let found = entries::entries(config).into_iter().find(is_it)?;
    Some(found.shared.id.as_str().to_owned())
}
