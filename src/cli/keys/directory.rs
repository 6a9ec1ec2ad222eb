//! The directory with the key file: one writer at a time, read and written whole.

use std::fs;
use std::fs::File;
use std::fs::TryLockError;
use std::io;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use crate::cli::keys::failure::Failure;
use crate::config::secret::Secret;
use crate::config::secret::SecretError;
use crate::config::secret::SecretRef;
use crate::domain::auth::keys::KeySet;
use crate::platform::files;

/// Name of the key file in its directory.
pub const KEY_FILE: &str = "keys.json";

/// Permission bits that let others change what is in a directory.
const OTHERS_WRITE: u32 = 0o022;

/// The directory, locked against other commands until dropped.
pub(super) struct Directory {
    file: PathBuf,
    /// What the file held when it was read; 0 without a file.
    generation: u64,
    _lock: Option<File>,
}

impl Directory {
    /// Makes the directory when it is not there, and reads the key file in it.
    pub(super) fn open(path: &Path) -> Result<(Self, Option<KeySet>), Failure> {
        files::create_private_dir(path).map_err(|source| unwritable(path, source))?;
        let mode = fs::metadata(path).map_err(|source| unreadable(path, source))?;
        let mode = mode.permissions().mode() & 0o777;
        if mode & OTHERS_WRITE != 0 {
            let path = path.to_owned();
            return Err(Failure::OpenDirectory { path, mode });
        }
        let lock = lock(path)?;
        let held = read(path)?;
        let directory = Self {
            file: path.join(KEY_FILE),
            generation: held.as_ref().map_or(0, KeySet::generation),
            _lock: lock,
        };
        Ok((directory, held))
    }

    /// The key file.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// Replaces the key file, durably, unless it is no longer what was read: the lock means
    /// nothing on some network file systems.
    pub(super) fn write(&self, set: &KeySet) -> Result<(), Failure> {
        let directory = self.file.parent().unwrap_or_else(|| Path::new("."));
        let present = read(directory)?.map_or(0, |set| set.generation());
        if present != self.generation {
            return Err(Failure::Stale(self.file.clone()));
        }
        let failed = |source| unwritable(&self.file, source);
        let json = set.to_json().map_err(|error| failed(error.into()))?;
        files::write_atomic(&self.file, &json, files::PRIVATE).map_err(failed)?;
        hand_over(directory, &self.file).map_err(failed)
    }
}

/// Reads the key file of a directory; `None` when there is none. Refuses what others may read.
pub(super) fn read(directory: &Path) -> Result<Option<KeySet>, Failure> {
    let path = directory.join(KEY_FILE);
    let text = match SecretRef::File(path.clone()).read() {
        Ok(text) => text,
        Err(SecretError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(SecretError::Io { source, .. }) => return Err(unreadable(&path, source)),
        Err(SecretError::Empty(_)) => Secret::new(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let set = KeySet::parse(text.expose());
    set.map(Some)
        .map_err(|fault| Failure::BadKeyFile { path, fault })
}

/// Reads the key file of a directory that must have one.
pub(super) fn read_present(directory: &Path) -> Result<KeySet, Failure> {
    let set = read(directory)?.filter(|set| !set.keys().is_empty());
    set.ok_or_else(|| Failure::NoKeys(directory.join(KEY_FILE)))
}

/// What root writes must be readable by the daemon, to which the directory belongs.
fn hand_over(directory: &Path, file: &Path) -> io::Result<()> {
    let (owner, written) = (fs::metadata(directory)?, fs::metadata(file)?);
    if owner.uid() == written.uid() {
        return Ok(());
    }
    std::os::unix::fs::chown(file, Some(owner.uid()), Some(owner.gid()))
}

/// Keeps a second command out until the returned file is dropped.
fn lock(directory: &Path) -> Result<Option<File>, Failure> {
    let file = File::open(directory).map_err(|source| unreadable(directory, source))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(Failure::Locked(directory.to_owned())),
        // Some network file systems have no locks; `write` compares generations.
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

pub(super) fn unreadable(path: &Path, source: io::Error) -> Failure {
    Failure::Unreadable {
        path: path.to_owned(),
        source,
    }
}

pub(super) fn unwritable(path: &Path, source: io::Error) -> Failure {
    Failure::Unwritable {
        path: path.to_owned(),
        source,
    }
}
