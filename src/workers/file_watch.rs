//! Watches certificate and trust files: by directory events, which see a rename into place, and
//! by a poll, for file systems that send none. Only a change of content, owner or mode counts: a
//! key that others could read is refused until its mode is mended.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use notify::RecommendedWatcher;
use notify::RecursiveMode;
use notify::Watcher as _;
use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::domain::ids::Fingerprint;
use crate::platform::tasks::Tasks;

/// Larger files are no certificates; their first part stands for them.
const READ_LIMIT: u64 = 1024 * 1024;

/// What is watched and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Files, and directories whose files count one by one.
    pub paths: Vec<PathBuf>,
    /// Poll interval.
    pub poll: Duration,
    /// Quiet time after the last event.
    pub debounce: Duration,
}

/// What to watch, and what the files held before they were read for the first time.
pub struct Watching {
    /// The plan and its successors.
    pub plan: watch::Receiver<Plan>,
    /// From [`look`], taken before the files were read: nothing may change unseen in between.
    pub known: Snapshot,
}

/// What was seen by file; `None` when it cannot be read.
pub type Snapshot = BTreeMap<PathBuf, Option<Seen>>;

/// What matters of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    content: Fingerprint,
    owner: u32,
    mode: u32,
}

/// Watches until `stop`. A unit is sent for every change of content since the files were last looked
/// at; one is enough for several.
pub async fn run(
    watching: Watching,
    changed: mpsc::Sender<()>,
    tasks: Tasks,
    stop: CancellationToken,
) {
    let Watching {
        mut plan,
        mut known,
    } = watching;
    let mut current = plan.borrow_and_update().clone();
    let (mut _watcher, mut events) = directories(&current, &tasks).await;
    loop {
        // Only now that the directories are watched: nothing can change unseen in between.
        let paths = current.paths.clone();
        if let Some(fresh) = tasks.blocking(move || look(&paths)).await
            && fresh != known
        {
            known = fresh;
            // A full queue already says that something changed.
            changed.try_send(()).ok();
        }
        tokio::select! {
            () = stop.cancelled() => return,
            replaced = plan.changed() => {
                if replaced.is_err() {
                    return;
                }
                // A directory may have been made anew, so the same paths need a new watch too.
                current = plan.borrow_and_update().clone();
                (_watcher, events) = directories(&current, &tasks).await;
            }
            Some(()) = events.recv() => settle(&mut events, current.debounce).await,
            () = tokio::time::sleep(current.poll) => {}
        }
    }
}

async fn directories(
    plan: &Plan,
    tasks: &Tasks,
) -> (Option<RecommendedWatcher>, mpsc::Receiver<()>) {
    let paths = plan.paths.clone();
    let begun = tasks.blocking(move || directory_events(&paths)).await;
    begun.unwrap_or_else(|| (None, mpsc::channel(1).1))
}

/// What these files hold now. Blocking.
#[must_use]
pub fn look(paths: &[PathBuf]) -> Snapshot {
    paths.iter().flat_map(|path| digests(path)).collect()
}

/// Waits until no event has come for `debounce`, but no longer than ten times that.
async fn settle(events: &mut mpsc::Receiver<()>, debounce: Duration) {
    let quiet =
        async { while let Ok(Some(())) = tokio::time::timeout(debounce, events.recv()).await {} };
    drop(tokio::time::timeout(debounce * 10, quiet).await);
}

/// A unit for every change in the directories of these paths, as long as the watcher is kept. Blocks.
pub(super) fn directory_events(
    paths: &[PathBuf],
) -> (Option<RecommendedWatcher>, mpsc::Receiver<()>) {
    // One pending event is as good as many: it only says "look".
    let (sender, receiver) = mpsc::channel(1);
    let made = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| !event.kind.is_access()) {
            sender.try_send(()).ok();
        }
    });
    let mut watcher = match made {
        Ok(watcher) => watcher,
        Err(error) => {
            warn!(%error, "No directory watch; changed files are found by the poll alone.");
            return (None, receiver);
        }
    };
    let mut directories: Vec<&Path> = paths
        .iter()
        .filter_map(|path| {
            if path.is_dir() {
                Some(path.as_path())
            } else {
                path.parent()
            }
        })
        .collect();
    directories.sort_unstable();
    directories.dedup();
    for directory in directories {
        if let Err(error) = watcher.watch(directory, RecursiveMode::NonRecursive) {
            warn!(%error, directory = %directory.display(), "No watch; the poll finds changes.");
        }
    }
    (Some(watcher), receiver)
}

fn digests(path: &Path) -> Vec<(PathBuf, Option<Seen>)> {
    if !path.is_dir() {
        return vec![(path.to_owned(), digest(path))];
    }
    let Ok(entries) = std::fs::read_dir(path) else {
        return vec![(path.to_owned(), None)];
    };
    let files = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_file());
    files.map(|path| (path.clone(), digest(&path))).collect()
}

fn digest(path: &Path) -> Option<Seen> {
    use std::io::Read as _;
    use std::os::unix::fs::MetadataExt as _;
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).ok()?;
    let metadata = file.metadata().ok()?;
    file.take(READ_LIMIT).read_to_end(&mut bytes).ok()?;
    Some(Seen {
        content: Fingerprint::of(&bytes),
        owner: metadata.uid(),
        mode: metadata.mode(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_renamed_file_is_seen_and_an_untouched_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("leaf.pem");
        std::fs::write(&file, "one").unwrap();
        let plan = Plan {
            paths: vec![file.clone()],
            poll: Duration::from_millis(50),
            debounce: Duration::from_millis(5),
        };
        let known = look(&plan.paths);
        let (_keep, plan) = watch::channel(plan);
        let watching = Watching { plan, known };
        let (sender, mut changes) = mpsc::channel(1);
        let tasks = Tasks::new();
        tasks.worker(
            "file-watch",
            run(watching, sender, tasks.clone(), tasks.stop()),
        );
        let wait = Duration::from_millis(300);
        assert!(
            tokio::time::timeout(wait, changes.recv()).await.is_err(),
            "nothing changed"
        );
        std::fs::write(directory.path().join("new"), "two").unwrap();
        std::fs::rename(directory.path().join("new"), &file).unwrap();
        let patience = Duration::from_secs(20);
        assert_eq!(
            tokio::time::timeout(patience, changes.recv()).await,
            Ok(Some(()))
        );
        tasks.stop().cancel();
        tasks.join().await;
    }

    #[test]
    fn a_mended_mode_is_a_change_and_an_unreadable_file_is_told_from_both() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("leaf.key");
        assert_eq!(digest(&file), None);
        std::fs::write(&file, "key").unwrap();
        let seen = |mode| {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            digest(&file).unwrap()
        };
        assert_ne!(seen(0o640), seen(0o600));
        assert_eq!(seen(0o600), seen(0o600));
    }
}
