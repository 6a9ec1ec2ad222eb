//! Reads a file that anybody may have put there: only regular ones, only so much of it, and always the
//! one that was opened, whatever its name comes to mean meanwhile.

use std::fs::File;
use std::fs::Metadata;
use std::fs::OpenOptions;
use std::io;
use std::io::Read as _;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::domain::certs::source::SourceFault;

/// `O_NONBLOCK` of Linux: a pipe that takes the place of the file must not hold us up. It changes
/// nothing for regular files.
const NONBLOCK: i32 = 0o4000;

/// What tells whether a file is still the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// The stamp of a file as it is now.
pub(super) fn stamp(path: &Path) -> Result<Stamp, SourceFault> {
    let metadata = std::fs::metadata(path).map_err(|error| fault(&error))?;
    regular(&metadata)?;
    Ok(Stamp::of(&metadata))
}

/// At most `largest` bytes.
pub(super) fn read(path: &Path, largest: u64) -> Result<(Stamp, Vec<u8>), SourceFault> {
    // Before it is opened: opening a device can have an effect.
    regular(&std::fs::metadata(path).map_err(|error| fault(&error))?)?;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(NONBLOCK)
        .open(path)
        .map_err(|error| fault(&error))?;
    read_opened(&file, largest)
}

fn read_opened(file: &File, largest: u64) -> Result<(Stamp, Vec<u8>), SourceFault> {
    let before = file.metadata().map_err(|error| fault(&error))?;
    regular(&before)?;
    if before.len() > largest {
        return Err(SourceFault::TooLarge(largest));
    }
    let mut bytes = Vec::new();
    let mut bounded = file.take(largest.saturating_add(1));
    bounded
        .read_to_end(&mut bytes)
        .map_err(|error| fault(&error))?;
    let after = file.metadata().map_err(|error| fault(&error))?;
    let read = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if read > largest {
        Err(SourceFault::TooLarge(largest))
    } else if Stamp::of(&before).length != read
        || Stamp::of(&before).modified != Stamp::of(&after).modified
    {
        Err(SourceFault::ChangedWhileRead)
    } else {
        Ok((Stamp::of(&after), bytes))
    }
}

fn regular(metadata: &Metadata) -> Result<(), SourceFault> {
    let kind = metadata.file_type();
    if kind.is_file() {
        Ok(())
    } else if kind.is_dir() {
        Err(SourceFault::Directory)
    } else if kind.is_fifo() {
        Err(SourceFault::Pipe)
    } else if kind.is_socket() {
        Err(SourceFault::Socket)
    } else {
        Err(SourceFault::Device)
    }
}

pub(super) fn fault(error: &io::Error) -> SourceFault {
    if error.kind() == io::ErrorKind::NotFound {
        SourceFault::Missing
    } else if error.kind() == io::ErrorKind::PermissionDenied {
        SourceFault::PermissionDenied
    } else {
        SourceFault::Unreadable
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use super::*;

    const LARGEST: u64 = 4 << 20;

    fn word(path: &Path) -> &'static str {
        read(path, LARGEST).unwrap_err().word()
    }

    #[test]
    fn only_regular_files_are_read_and_others_are_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        assert_eq!(word(&path("nowhere")), "missing");
        assert_eq!(word(directory.path()), "directory");
        assert_eq!(word(Path::new("/dev/null")), "device");
        let pipe = path("pipe");
        assert!(
            Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        assert_eq!(word(&pipe), "pipe");
        let socket = path("socket");
        let _held = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert_eq!(word(&socket), "socket");
        let dangling = path("dangling");
        symlink(path("nowhere"), &dangling).unwrap();
        assert_eq!(word(&dangling), "missing");
        let loops = path("loop");
        symlink(&loops, &loops).unwrap();
        assert_eq!(word(&loops), "unreadable");
        std::fs::write(path("good"), "x").unwrap();
        symlink(path("good"), path("link")).unwrap();
        assert_eq!(read(&path("link"), LARGEST).unwrap().1, b"x");
    }

    #[test]
    fn a_gigabyte_is_refused_by_its_length_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("huge.pem");
        let file = File::create(&path).unwrap();
        file.set_len(1 << 30).unwrap();
        assert_eq!(word(&path), "too-large");
        file.set_len(LARGEST).unwrap();
        assert_eq!(read(&path, LARGEST).unwrap().1.len(), 4 << 20);
    }

    #[test]
    fn what_was_opened_is_read_whatever_its_name_comes_to_mean() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("leaf.pem");
        std::fs::write(&path, "first").unwrap();
        let opened = File::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        symlink("/etc/passwd", &path).unwrap();
        assert_eq!(read_opened(&opened, LARGEST).unwrap().1, b"first");
        // And one that becomes a pipe after it was looked at does not hold us up.
        std::fs::remove_file(&path).unwrap();
        assert!(
            Command::new("mkfifo")
                .arg(&path)
                .status()
                .unwrap()
                .success()
        );
        let pipe = OpenOptions::new()
            .read(true)
            .custom_flags(NONBLOCK)
            .open(&path);
        assert_eq!(read_opened(&pipe.unwrap(), LARGEST), Err(SourceFault::Pipe));
    }
}
