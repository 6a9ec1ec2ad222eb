//! The key file on disk.

use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::config::secret::SecretError;
use crate::config::secret::SecretRef;
use crate::domain::auth::keys::KeyFileFault;
use crate::jose::KeyRing;

/// Name of the file.
const FILE: &str = "keys.json";

/// Why a key file is not used.
#[derive(Debug, thiserror::Error)]
pub enum KeysRejected {
    /// It was there, and is not any more.
    #[error("{0} is gone")]
    Gone(PathBuf),
    /// It cannot be read, or others can read it.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Its content is wrong.
    #[error("{path}: {fault}")]
    Fault {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: KeyFileFault,
    },
}

/// Where the keys of a directory lie.
#[must_use]
pub fn path(directory: &Path) -> PathBuf {
    directory.join(FILE)
}

/// The keys of a directory; none without a file. Blocks on the disk.
pub(super) fn load(directory: &Path, now: SystemTime) -> Result<KeyRing, KeysRejected> {
    let path = path(directory);
    let text = match SecretRef::File(path.clone()).read() {
        Ok(text) => text,
        Err(SecretError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
            return Ok(KeyRing::empty());
        }
        Err(error) => return Err(error.into()),
    };
    KeyRing::from_file(text.expose(), now).map_err(|fault| KeysRejected::Fault { path, fault })
}

/// Other keys than `held`, if there are any.
pub(super) fn load_instead_of(
    held: &KeyRing,
    directory: &Path,
    now: SystemTime,
) -> Result<Option<KeyRing>, KeysRejected> {
    let ring = load(directory, now)?;
    if held.is_ready() && !ring.is_ready() {
        return Err(KeysRejected::Gone(path(directory)));
    }
    Ok((!ring.agrees_with(held)).then_some(ring))
}
