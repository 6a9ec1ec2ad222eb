//! Files that must be whole or not there at all, and directories for what only we may read.

use std::fs;
use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::Permissions;
use std::io;
use std::io::ErrorKind;
use std::io::Read;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::platform::leftovers;

/// Mode of a file that everyone may read: certificates, descriptions.
pub const PUBLIC: u32 = 0o644;

/// Mode of a file that only its owner may read: keys, passwords.
pub const PRIVATE: u32 = 0o600;

/// Mode of a directory that only its owner may enter.
const PRIVATE_DIRECTORY: u32 = 0o700;

/// Keeps temporary names of one process apart; other processes differ in their id.
static SERIAL: AtomicU64 = AtomicU64::new(0);

/// Room on the disk below a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes that we may still write.
    pub free: u64,
    /// Bytes that there are in all.
    pub size: u64,
    /// Files that may still be made; `None` where that has no limit of its own.
    pub files: Option<u64>,
}

/// Looks how much room there is where `path` is, or where it would be made. Blocks on the disk.
///
/// # Errors
/// When nothing of the path can be looked at.
pub fn room(path: &Path) -> io::Result<Room> {
    let there = path.ancestors().find(|path| path.exists());
    let found = rustix::fs::statvfs(there.unwrap_or(path))?;
    Ok(Room {
        free: found.f_bavail.saturating_mul(found.f_frsize),
        size: found.f_blocks.saturating_mul(found.f_frsize),
        files: (found.f_files > 0).then_some(found.f_favail),
    })
}

/// Reads a regular file of at most `most` bytes. Pipes and devices are refused before they are
/// opened: opening one can wait, or have an effect.
///
/// # Errors
/// When it is no regular file, is larger ([`ErrorKind::FileTooLarge`]), or cannot be read.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let regular = |facts: fs::Metadata| {
        if facts.is_file() {
            Ok(())
        } else {
            Err(io::Error::other("it is not a regular file"))
        }
    };
    regular(fs::metadata(path)?)?;
    // A pipe may have taken its place since.
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let mut options = OpenOptions::new();
    let file = options.read(true).custom_flags(flags).open(path)?;
    regular(file.metadata()?)?;
    capped(file, most)
}

/// The same for a text.
///
/// # Errors
/// As [`read`]; and when it is not UTF-8.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    text(read(path, most)?)
}

/// What was read, as a text.
///
/// # Errors
/// When it is not UTF-8.
pub fn text(bytes: Vec<u8>) -> io::Result<String> {
    let text = String::from_utf8(bytes);
    text.map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is not UTF-8"))
}

/// Reads all there is, at most `most` bytes.
///
/// # Errors
/// When there is more ([`ErrorKind::FileTooLarge`]), or it cannot be read.
pub fn capped(source: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = most.saturating_add(1);
    source.take(limit).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > most {
        let what = format!("it has more than {most} bytes");
        return Err(io::Error::new(ErrorKind::FileTooLarge, what));
    }
    Ok(bytes)
}

/// Puts `bytes` at `path` so that a reader, or a machine that loses power, sees the old file or
/// the new one and nothing between. `mode` is the exact permission, whatever the umask.
///
/// Blocks on the disk: call it off the runtime's threads once the daemon serves.
///
/// # Errors
/// When the directory is missing or not writable, or the disk is full. The file at `path` is then
/// as it was; only when the directory itself cannot be synced may the new file already be there.
pub fn write_atomic(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let directory = parent(path);
    let temporary = temporary_name(path)?;
    let written = fill(&temporary, bytes, mode).and_then(|()| {
        leftovers::sweep(path, &temporary);
        fs::rename(&temporary, path)
    });
    if let Err(error) = written {
        // What made it fail is worth telling; that its remains cannot be removed is not.
        drop(fs::remove_file(&temporary));
        return Err(error);
    }
    sync_directory(directory)
}

/// What is to stand in a file.
pub struct Content<'a> {
    /// The file.
    pub path: &'a Path,
    /// All of it.
    pub bytes: &'a [u8],
    /// The widest permission that it may have.
    pub mode: u32,
}

/// Replaces files that belong together: all of them, or none when this fails. Whatever needs room
/// on the disk is done and durable before the first of them is touched; from then on there are only
/// renames. A power cut in between can still leave some replaced and some not.
///
/// A file that is there keeps its owner, and permissions that are no wider than its mode. An
/// engineer at a root prompt must not lock the daemon out of its own key.
///
/// # Errors
/// As [`write_atomic`]; and when the owner cannot be kept.
pub fn replace_all(contents: &[Content<'_>]) -> Result<(), (PathBuf, io::Error)> {
    let mut ready = Vec::new();
    for content in contents {
        let of_it = |error| (content.path.to_owned(), error);
        ready.push(Ready::new(content).map_err(of_it)?);
    }
    swap(ready)
}

fn swap(mut ready: Vec<Ready>) -> Result<(), (PathBuf, io::Error)> {
    for place in 0..ready.len() {
        let Some(Err(error)) = ready.get(place).map(Ready::put) else {
            continue;
        };
        let path = ready.get(place).map(|one| one.path.clone());
        // Of the one that failed only the sync of its directory may be what failed.
        for done in ready.iter_mut().take(place + 1).rev() {
            done.take_back();
        }
        return Err((path.unwrap_or_default(), error));
    }
    Ok(())
}

/// A file that is written beside the one that it is to replace, and that one under a second name.
/// Both go when this does.
struct Ready {
    path: PathBuf,
    fresh: PathBuf,
    held: Option<PathBuf>,
}

impl Ready {
    fn new(content: &Content<'_>) -> io::Result<Self> {
        let path = content.path;
        let mut ready = Self {
            path: path.to_owned(),
            fresh: temporary_name(path)?,
            held: None,
        };
        let held = match fs::metadata(path) {
            Ok(held) => held,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fill(&ready.fresh, content.bytes, content.mode)?;
                return Ok(ready);
            }
            Err(error) => return Err(error),
        };
        let mode = match held.mode() & 0o777 & content.mode {
            0 => content.mode,
            narrower => narrower,
        };
        fill(&ready.fresh, content.bytes, mode)?;
        leftovers::sweep(path, &ready.fresh);
        adopt(&ready.fresh, held.uid(), held.gid())?;
        let second = temporary_name(path)?;
        ready.held = Some(second.clone());
        // Some file systems know no second names.
        fs::hard_link(path, &second).or_else(|_| {
            fill(&second, &fs::read(path)?, held.mode() & 0o777)?;
            adopt(&second, held.uid(), held.gid())
        })?;
        Ok(ready)
    }

    fn put(&self) -> io::Result<()> {
        fs::rename(&self.fresh, &self.path)?;
        sync_directory(parent(&self.path))
    }

    /// Nothing more can be done when this fails too; the first error is the one that is told.
    fn take_back(&mut self) {
        let undone = match &self.held {
            Some(held) => fs::rename(held, &self.path),
            // It was not there, unless the new one never came.
            None if fs::symlink_metadata(&self.fresh).is_ok() => Ok(()),
            None => fs::remove_file(&self.path),
        };
        drop(undone.and_then(|()| sync_directory(parent(&self.path))));
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.fresh));
        if let Some(held) = &self.held {
            drop(fs::remove_file(held));
        }
    }
}

/// Gives `path` to the owner of `like`, when it has another: what root puts below the daemon's
/// directory must be the daemon's.
///
/// # Errors
/// When either cannot be looked at, or the owner cannot be changed.
pub fn own_like(path: &Path, like: &Path) -> io::Result<()> {
    let like = fs::metadata(like)?;
    adopt(path, like.uid(), like.gid())
}

fn adopt(path: &Path, owner: u32, group: u32) -> io::Result<()> {
    let held = fs::symlink_metadata(path)?;
    if (held.uid(), held.gid()) == (owner, group) {
        return Ok(());
    }
    std::os::unix::fs::lchown(path, Some(owner), Some(group))
}

/// Makes `path` and missing parents as directories that only their owner may enter. A directory
/// that is already there keeps its mode: an operator may have opened it to a group on purpose.
///
/// # Errors
/// When it is there and not a directory, or cannot be made.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(PRIVATE_DIRECTORY)
        .create(path)
}

/// Makes names in a directory durable: what was created, renamed or removed in it.
///
/// # Errors
/// When the directory cannot be opened or synced.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn fill(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(PRIVATE)
        .open(path)?;
    file.write_all(bytes)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.sync_all()
}

/// In the same directory, because only there is a rename atomic. The leading dot keeps it away
/// from readers of `*.pem` and `*.toml`.
fn temporary_name(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| {
        io::Error::new(
            ErrorKind::InvalidInput,
            "the path does not end in a file name",
        )
    })?;
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    let process = std::process::id();
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{process}-{serial}.new"));
    Ok(parent(path).join(temporary))
}

/// The directory of a path; `.` for a bare file name.
#[must_use]
pub fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_written_file_has_its_bytes_and_exact_mode_and_leaves_nothing_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        for mode in [0o600, 0o640, 0o644, 0o666] {
            let path = directory.path().join("file");
            write_atomic(&path, b"words", mode).unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"words");
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, mode);
        }
        assert_eq!(names(directory.path()), ["file"]);
    }

    #[test]
    fn writing_replaces_the_file_and_an_open_reader_keeps_the_old_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        write_atomic(&path, b"old", PUBLIC).unwrap();
        let reader = File::open(&path).unwrap();
        write_atomic(&path, b"new and longer", PUBLIC).unwrap();
        assert_eq!(io::read_to_string(reader).unwrap(), "old");
        assert_eq!(fs::read(&path).unwrap(), b"new and longer");
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_remains() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("taken");
        fs::create_dir(&path).unwrap();
        assert!(write_atomic(&path, b"words", PUBLIC).is_err());
        assert_eq!(names(directory.path()), ["taken"]);
    }

    #[test]
    fn files_that_belong_together_are_replaced_all_or_none() {
        fn of<'a>(path: &'a Path, bytes: &'a [u8]) -> Content<'a> {
            Content {
                path,
                bytes,
                mode: PUBLIC,
            }
        }
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let (key, chain, lost) = (at("key"), at("chain"), at("missing/chain"));
        fs::write(&key, "old key").unwrap();
        fs::set_permissions(&key, Permissions::from_mode(0o640)).unwrap();
        // There is no room for the second one: the first is not touched.
        let (path, error) = replace_all(&[of(&key, b"new"), of(&lost, b"new")]).unwrap_err();
        assert_eq!(path, lost);
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(fs::read(&key).unwrap(), b"old key");
        assert_eq!(names(directory.path()), ["key"]);
        // The second one cannot be renamed: the first is as it was, and one that was not there is
        // not there again.
        for first in [&key, &chain] {
            let second = at("second");
            let first = Ready::new(&of(first, b"new")).unwrap();
            let second = Ready::new(&of(&second, b"new")).unwrap();
            fs::remove_file(&second.fresh).unwrap();
            swap(vec![first, second]).unwrap_err();
            assert_eq!(fs::read(&key).unwrap(), b"old key");
            assert_eq!(names(directory.path()), ["key"]);
        }
        replace_all(&[of(&key, b"new key"), of(&chain, b"new chain")]).unwrap();
        assert_eq!(fs::read(&key).unwrap(), b"new key");
        assert_eq!(fs::metadata(&key).unwrap().mode() & 0o777, 0o640);
        assert_eq!(fs::read(&chain).unwrap(), b"new chain");
        assert_eq!(names(directory.path()), ["chain", "key"]);
    }

    #[test]
    fn a_missing_directory_is_an_error_not_a_new_directory() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("missing/file");
        let error = write_atomic(&path, b"words", PUBLIC).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(names(directory.path()), Vec::<String>::new());
    }

    #[test]
    fn only_regular_files_of_their_size_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, b"words").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"words");
        assert_eq!(read(&path, 4).unwrap_err().kind(), ErrorKind::FileTooLarge);
        let pipe = directory.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        for other in [pipe.as_path(), directory.path(), Path::new("/dev/zero")] {
            let error = read(other, 5).unwrap_err();
            assert_eq!(error.to_string(), "it is not a regular file", "{other:?}");
        }
    }

    #[test]
    fn a_path_without_a_file_name_is_refused() {
        for path in ["/", "..", ""] {
            let error = write_atomic(Path::new(path), b"words", PUBLIC).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{path:?}");
        }
    }

    #[test]
    fn a_link_is_replaced_and_its_target_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("target");
        let link = directory.path().join("link");
        fs::write(&target, "kept").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        write_atomic(&link, b"new", PUBLIC).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"kept");
        assert!(fs::symlink_metadata(&link).unwrap().is_file());
    }

    #[test]
    fn a_private_directory_is_made_with_its_parents_and_accepted_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b");
        create_private_dir(&path).unwrap();
        create_private_dir(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_directory_that_is_there_keeps_its_mode_and_a_file_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), Permissions::from_mode(0o750)).unwrap();
        create_private_dir(directory.path()).unwrap();
        assert_eq!(
            fs::metadata(directory.path()).unwrap().mode() & 0o777,
            0o750
        );

        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(create_private_dir(&file).is_err());
    }
}
