//! The directory of one lab, and the lock that keeps a second lab out of it.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::io;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use super::ScenarioError;
use crate::platform::files;

/// Marks the directory as ours, and is locked while a lab runs.
const LOCK: &str = "lab.lock";

const DESCRIPTION: &str = "lab.json";

/// A claimed directory. The lock goes with the process, however it ends.
#[derive(Debug)]
pub(super) struct StateDir {
    path: PathBuf,
    lock: File,
}

/// A lock lasts as long as any copy of its handle, and a child that another thread has just begun
/// has copies of all until it becomes its program. Given up in words it ends for all of them.
impl Drop for StateDir {
    fn drop(&mut self) {
        // If not, the end of the process does it.
        drop(self.lock.unlock());
    }
}

impl StateDir {
    /// Makes the directory, or takes one that an earlier lab made; never one that holds other
    /// things, because a fresh start removes what it finds.
    pub(super) fn claim(path: &Path) -> Result<Self, ScenarioError> {
        let told = |source| ScenarioError::file(path, source);
        files::create_private_dir(path).map_err(told)?;
        let path = path.canonicalize().map_err(told)?;
        if path.to_str().is_none() {
            // Neither TOML nor JSON could name it.
            let source = io::Error::new(io::ErrorKind::InvalidInput, "the path is not UTF-8");
            return Err(told(source));
        }
        let lock_path = path.join(LOCK);
        if !lock_path.exists() && !is_empty(&path).map_err(told)? {
            return Err(ScenarioError::NotOurs { path });
        }
        let lock = lock(&path, &lock_path)?;
        let state = Self { path, lock };
        state.withdraw_description()?;
        Ok(state)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn description_file(&self) -> PathBuf {
        self.path.join(DESCRIPTION)
    }

    /// Removes `lab.json` of this run or of one that was killed.
    pub(super) fn withdraw_description(&self) -> Result<(), ScenarioError> {
        let path = self.description_file();
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(ScenarioError::file(&path, source))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// Removes a directory with all in it, if it is there.
pub(super) fn remove(directory: &Path) -> Result<(), ScenarioError> {
    match fs::remove_dir_all(directory) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(ScenarioError::file(directory, source))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn is_empty(path: &Path) -> io::Result<bool> {
    Ok(fs::read_dir(path)?.next().is_none())
}

fn lock(directory: &Path, path: &Path) -> Result<File, ScenarioError> {
    let told = |source| ScenarioError::file(path, source);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(told)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(ScenarioError::InUse {
                path: directory.to_owned(),
                process: holder(&mut file),
            });
        }
        Err(TryLockError::Error(source)) => return Err(told(source)),
    }
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .map_err(told)?;
    Ok(file)
}

/// Who holds the lock, for the message; the number is in the file for no other reason.
fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    // A process id has ten digits at most; the file may have been tampered with.
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_lab_is_kept_out_and_told_who_is_inside() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("lab");
        let first = StateDir::claim(&path).unwrap();
        match StateDir::claim(&path) {
            Err(ScenarioError::InUse { process, .. }) => {
                assert_eq!(process, Some(std::process::id()));
            }
            other => panic!("{other:?}"),
        }
        // As a child has it that is not yet its program.
        let inherited = first.lock.try_clone().unwrap();
        drop(first);
        StateDir::claim(&path).unwrap();
        drop(inherited);
    }

    #[test]
    fn a_directory_with_other_things_in_it_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let precious = directory.path().join("pki");
        fs::create_dir(&precious).unwrap();
        let error = StateDir::claim(directory.path()).unwrap_err();
        assert!(matches!(error, ScenarioError::NotOurs { .. }), "{error}");
        assert!(precious.exists());
        assert!(!directory.path().join(LOCK).exists());
    }

    #[test]
    fn a_directory_that_no_configuration_could_name_is_refused() {
        use std::os::unix::ffi::OsStrExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(std::ffi::OsStr::from_bytes(b"\xff"));
        let error = StateDir::claim(&path).unwrap_err();
        assert!(matches!(error, ScenarioError::File { .. }), "{error}");
    }

    #[test]
    fn an_empty_directory_is_taken() {
        let directory = tempfile::tempdir().unwrap();
        StateDir::claim(directory.path()).unwrap();
    }

    #[test]
    fn the_description_of_an_earlier_run_is_gone_before_this_one_starts() {
        let directory = tempfile::tempdir().unwrap();
        let state = StateDir::claim(directory.path()).unwrap();
        fs::write(state.description_file(), "{}").unwrap();
        drop(state);
        let state = StateDir::claim(directory.path()).unwrap();
        assert!(!state.description_file().exists());
    }

    #[test]
    fn a_lock_file_with_nonsense_in_it_still_locks() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(LOCK), "\u{fffd}".repeat(99)).unwrap();
        let _first = StateDir::claim(directory.path()).unwrap();
        assert!(matches!(
            StateDir::claim(directory.path()),
            Err(ScenarioError::InUse { .. })
        ));
    }
}
