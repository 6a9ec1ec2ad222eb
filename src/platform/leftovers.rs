//! What a process that died, or a machine that lost power, left beside a file that it was writing:
//! nobody else would ever remove it, and it may be half a key.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::SystemTime;

use crate::platform::files::parent;

/// Nothing takes so long to write.
const OLD: Duration = Duration::from_secs(24 * 60 * 60);

/// Most names of a directory that are looked at; there is another start.
const MOST_NAMES: usize = 4_096;

/// Most files that are remembered; whoever writes more writes each once.
const MOST_FILES: usize = 1_024;

/// Files beside which it was looked already: what others leave later waits for the next start.
static LOOKED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Removes what is left beside `path`, once in a process. `ours` is a file that we just made: only
/// what has its owner is touched. That something cannot be removed stops nobody.
pub(super) fn sweep(path: &Path, ours: &Path) {
    // What is written for the first time was not being written before.
    if fs::symlink_metadata(path).is_err() || !is_first(path) {
        return;
    }
    // By the time of the file system: our own clock may be wrong by more than a day, and then what we
    // just made would be old.
    if let (Some(name), Ok(ours)) = (path.file_name(), fs::symlink_metadata(ours))
        && let Ok(now) = ours.modified()
    {
        sweep_by(parent(path), name, ours.uid(), now);
    }
}

fn is_first(path: &Path) -> bool {
    let mut looked = LOOKED.lock().unwrap_or_else(PoisonError::into_inner);
    looked.len() < MOST_FILES && looked.insert(path.to_owned())
}

fn sweep_by(directory: &Path, name: &OsStr, owner: u32, now: SystemTime) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries.take(MOST_NAMES).flatten() {
        let Some(process) = writer(&entry.file_name(), name) else {
            continue;
        };
        // Of the name itself, not of what a link leads to.
        let is_left = |facts: Metadata| {
            facts.is_file() && facts.uid() == owner && (is_gone(process) || is_old(&facts, now))
        };
        if entry.metadata().is_ok_and(is_left) {
            drop(fs::remove_file(entry.path()));
        }
    }
}

/// The process that made a temporary name, when it is one for `name`.
fn writer(temporary: &OsStr, name: &OsStr) -> Option<u32> {
    let rest = temporary.as_bytes().strip_prefix(b".")?;
    let rest = rest.strip_prefix(name.as_bytes())?.strip_prefix(b".")?;
    let rest = std::str::from_utf8(rest.strip_suffix(b".new")?).ok()?;
    let (process, serial) = rest.split_once('-')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(process) && is_number(serial)).then(|| process.parse().ok())?
}

/// Where nobody can tell, none is gone.
fn is_gone(process: u32) -> bool {
    let there = |name: &str| Path::new("/proc").join(name).exists();
    there("self") && !there(&process.to_string())
}

fn is_old(facts: &Metadata, now: SystemTime) -> bool {
    let written = facts.modified().ok();
    let age = written.and_then(|at| now.duration_since(at).ok());
    age.is_some_and(|age| age >= OLD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::files;

    /// No process has it: the kernel's limit is lower.
    const NOBODY: u32 = 4_294_967_000;

    fn names(directory: &Path) -> BTreeSet<String> {
        let entries = fs::read_dir(directory).unwrap();
        let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let names = entries.map(|entry| name(entry).into_string().unwrap());
        names.collect()
    }

    #[test]
    fn what_dead_processes_left_goes_and_everything_else_stays() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let living = std::process::id();
        let stay = [
            format!(".file.{living}-900000.new"),
            format!(".other.{NOBODY}-1.new"),
            format!(".file.{NOBODY}-1.old"),
            format!(".file.{NOBODY}-.new"),
            format!(".file.+{NOBODY}-1.new"),
            format!(".file.x.{NOBODY}-1.new"),
            format!("file.{NOBODY}-1.new"),
        ];
        let left = format!(".file.{NOBODY}-7.new");
        for name in stay.iter().chain([&left]) {
            fs::write(at(name), "half").unwrap();
        }
        fs::create_dir(at(&format!(".file.{NOBODY}-8.new"))).unwrap();
        // Nothing was being written that is not there.
        files::write_atomic(&at("file"), b"one", files::PUBLIC).unwrap();
        assert!(names(directory.path()).contains(&left));
        files::write_atomic(&at("file"), b"two", files::PUBLIC).unwrap();
        let mut expected: BTreeSet<String> = stay.into_iter().collect();
        expected.insert("file".to_owned());
        expected.insert(format!(".file.{NOBODY}-8.new"));
        assert_eq!(names(directory.path()), expected);
        // Once in a process is enough.
        fs::write(at(&left), "half").unwrap();
        files::write_atomic(&at("file"), b"three", files::PUBLIC).unwrap();
        assert!(names(directory.path()).contains(&left));
    }

    #[test]
    fn what_is_old_goes_whoever_has_its_number_now_and_what_others_own_stays() {
        let directory = tempfile::tempdir().unwrap();
        let left = directory
            .path()
            .join(format!(".file.{}-1.new", std::process::id()));
        fs::write(&left, "half").unwrap();
        let facts = fs::metadata(&left).unwrap();
        let (owner, now) = (facts.uid(), facts.modified().unwrap());
        let sweep = |owner, age| {
            sweep_by(directory.path(), OsStr::new("file"), owner, now + age);
            left.exists()
        };
        assert!(sweep(owner, Duration::from_secs(60)));
        assert!(sweep(owner + 1, OLD));
        assert!(!sweep(owner, OLD));
    }
}
