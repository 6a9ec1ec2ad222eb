//! How much room is left where the daemon keeps what must not be lost. A task of its own: a disk
//! that hangs must not keep the other looks waiting.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::app::reload::Reloader;
use crate::app::watchers::looks::look_closely;
use crate::config::Config;
use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Observation;
use crate::domain::alarms::Severity;
use crate::platform::files;
use crate::platform::files::Room;

/// Between two looks: disks do not fill in seconds, and a write that fails is told at once.
const LOOK: Duration = Duration::from_secs(60);

/// This share of what is to be free is critical: hours are left, or minutes.
const CRITICAL: u64 = 8;

/// Files that must be possible: a write makes a second one, the store three.
const FILES: u64 = 1_000;

/// Starts to look.
pub(super) fn start(reloader: &Arc<Reloader>) {
    let (reloader, stop) = (Arc::clone(reloader), reloader.tasks.stop());
    let tasks = reloader.tasks.clone();
    tasks.worker("disk-watch", async move {
        let mut disks = Disks::default();
        loop {
            let config = Arc::clone(&reloader.live.load().config);
            let places = places(&config);
            let looked = reloader.tasks.blocking(move || rooms(places));
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                looked = looked => {
                    for seen in disks.judge(looked.unwrap_or_default(), config.alarms.free_disk) {
                        reloader.alarms.desk.observe(seen);
                    }
                }
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    });
}

/// Where things are kept, by the words of the alarm's object.
fn places(config: &Config) -> Vec<(&'static str, PathBuf)> {
    let state = config.state_dir.clone();
    let store = config.store.path.parent().unwrap_or_else(|| Path::new("/"));
    let mut places = vec![("disk of state-dir", state)];
    if !store.starts_with(&config.state_dir) {
        places.push(("disk of store", store.to_owned()));
    }
    places
}

type Looked = Vec<(&'static str, PathBuf, Room)>;

/// What cannot be looked at is found out by whoever writes there, and told then.
fn rooms(places: Vec<(&'static str, PathBuf)>) -> Looked {
    let looks = places.into_iter().filter_map(|(object, path)| {
        let room = files::room(&path).ok()?;
        Some((object, path, room))
    });
    looks.collect()
}

/// Which disks were told of: what is too full stays so until there is some more room than that.
#[derive(Default)]
struct Disks(BTreeMap<&'static str, bool>);

impl Disks {
    fn judge(&mut self, looked: Looked, bound: u64) -> Vec<Observation> {
        let judge = |(object, path, room): (_, PathBuf, Room)| {
            let told = self.0.entry(object).or_default();
            let limit = if *told {
                bound.saturating_add(bound / CRITICAL)
            } else {
                bound
            };
            let wrong = wrong(&path, room, (limit, bound));
            *told = wrong.is_some();
            look_closely(AlarmName::SpoolFilling, object, wrong)
        };
        looked.into_iter().map(judge).collect()
    }
}

fn wrong(
    path: &Path,
    room: Room,
    (limit, bound): (u64, u64),
) -> Option<(Severity, String, String)> {
    let path = path.display();
    if room.free < limit {
        let severity = if room.free < bound / CRITICAL {
            Severity::Critical
        } else {
            Severity::High
        };
        let step = if severity == Severity::Critical {
            "nearly full"
        } else {
            "filling"
        };
        let text = format!(
            "Below {path} {} MiB of {} MiB are free; {} MiB are wanted.",
            room.free >> 20,
            room.size >> 20,
            bound >> 20
        );
        return Some((severity, step.to_owned(), text));
    }
    let few = room.files.is_some_and(|files| files < FILES);
    few.then(|| {
        let text = format!(
            "Below {path} hardly any new file can be made: {} are left (df -i).",
            room.files.unwrap_or_default()
        );
        (Severity::High, "files".to_owned(), text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alarms::Condition;

    const MIB: u64 = 1 << 20;

    fn looked(free: u64, files: Option<u64>) -> Looked {
        let room = Room {
            free: free * MIB,
            size: 10_000 * MIB,
            files,
        };
        vec![("disk of state-dir", PathBuf::from("/var/lib/xspd"), room)]
    }

    fn told(disks: &mut Disks, free: u64, files: Option<u64>) -> Option<(Severity, String)> {
        let mut seen = disks.judge(looked(free, files), 1_024 * MIB);
        match seen.pop().unwrap().condition {
            Condition::Absent => None,
            Condition::Present(present) => {
                assert!(present.text.contains("/var/lib/xspd"), "{}", present.text);
                Some((present.severity, present.step))
            }
        }
    }

    #[test]
    fn a_disk_is_told_as_it_fills_and_well_when_there_is_clearly_room() {
        let mut disks = Disks::default();
        let mut at = |free| told(&mut disks, free, Some(1_000_000));
        assert_eq!(at(1_024), None);
        assert_eq!(at(1_023), Some((Severity::High, "filling".to_owned())));
        let worst = Some((Severity::Critical, "nearly full".to_owned()));
        assert_eq!(at(127), worst);
        assert_eq!(at(0), worst);
        // A little more room than the bound is no end: it would come and go.
        assert_eq!(at(1_100), Some((Severity::High, "filling".to_owned())));
        assert_eq!(at(1_200), None);
        assert_eq!(at(1_100), None);
    }

    #[test]
    fn a_disk_without_room_for_files_is_full_although_it_is_empty() {
        let mut disks = Disks::default();
        let files = Some((Severity::High, "files".to_owned()));
        assert_eq!(told(&mut disks, 9_000, Some(999)), files);
        assert_eq!(told(&mut disks, 9_000, Some(1_000)), None);
        // Some file systems make them as they go.
        assert_eq!(told(&mut disks, 9_000, None), None);
    }

    #[test]
    fn this_disk_has_room_and_a_place_that_is_not_there_yet_is_on_it() {
        let directory = tempfile::tempdir().unwrap();
        let below = directory.path().join("not/there/yet");
        let seen = rooms(vec![("disk of state-dir", below)]);
        assert_eq!(seen.len(), 1);
        assert!(seen[0].2.size > 0);
    }
}
