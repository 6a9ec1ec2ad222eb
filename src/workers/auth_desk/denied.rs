//! Tokens revoked one by one: their ids until they would have ended anyway, kept in a file so
//! that a restart does not bring them back to life.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use arc_swap::ArcSwap;
use serde::Deserialize;
use serde::Serialize;

use crate::platform::files;

/// Name of the file in the directory of the keys.
const FILE: &str = "revoked.json";

/// Most revoked tokens at once. Whoever needs more revokes by user or all together.
const MOST: usize = 100_000;

/// Largest file read, in bytes: 100,000 ids of 64 bytes with their ends.
const FILE_BYTES: u64 = 16 * 1024 * 1024;

/// The list.
pub(super) struct Denied {
    path: PathBuf,
    current: ArcSwap<BTreeMap<String, i64>>,
    /// Held while a new list is written, so that none is lost.
    writing: Mutex<()>,
}

/// Why a token could not be put on the list.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotDenied {
    /// Its file could not be written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There are [`MOST`] on it.
    #[error("{MOST} tokens are revoked one by one already; revoke by user, or all")]
    Full,
}

/// Why the list could not be read.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableList {
    /// The file could not be read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It does not hold a list.
    #[error(
        "{path} is damaged ({what}); tokens revoked one by one would be good again. Restore the file, or remove it and revoke by user"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Ids and the Unix time at which each would have ended.
    revoked: BTreeMap<String, i64>,
}

impl Denied {
    /// Reads the list in `directory`; without a file it is empty. Blocks on the disk.
    ///
    /// # Errors
    /// A file that is there and cannot be read: starting without it would bring revoked tokens
    /// back to life.
    pub(super) fn open(directory: &Path) -> Result<Self, UnreadableList> {
        let path = directory.join(FILE);
        let revoked = read(&path)?;
        Ok(Self {
            path,
            current: ArcSwap::from_pointee(revoked),
            writing: Mutex::new(()),
        })
    }

    /// Whether the token of that id is on it.
    pub(super) fn holds(&self, jti: &str) -> bool {
        let current = self.current.load();
        !current.is_empty() && current.contains_key(jti)
    }

    /// Tokens on it.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.current.load().len()
    }

    /// Puts a token on it, and takes off those that have ended. When this returns, a loss of
    /// power does not undo it. Blocks on the disk.
    ///
    /// # Errors
    /// Then the token is not on it.
    pub(super) fn add(&self, jti: &str, ends: i64, now: i64) -> Result<(), NotDenied> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut revoked = BTreeMap::clone(&self.current.load());
        revoked.retain(|_, ends| *ends > now);
        if revoked.len() >= MOST && !revoked.contains_key(jti) {
            return Err(NotDenied::Full);
        }
        revoked.insert(jti.to_owned(), ends);
        self.write(revoked).map_err(|source| NotDenied::Io {
            path: self.path.clone(),
            source,
        })
    }

    fn write(&self, revoked: BTreeMap<String, i64>) -> io::Result<()> {
        if let Some(directory) = self.path.parent() {
            files::create_private_dir(directory)?;
        }
        let file = File { revoked };
        let text = serde_json::to_vec(&file).map_err(io::Error::from)?;
        files::write_atomic(&self.path, &text, files::PRIVATE)?;
        self.current.store(Arc::new(file.revoked));
        Ok(())
    }
}

fn read(path: &Path) -> Result<BTreeMap<String, i64>, UnreadableList> {
    let failed = |source| UnreadableList::Io {
        path: path.to_owned(),
        source,
    };
    let damaged = |what: String| UnreadableList::Damaged {
        path: path.to_owned(),
        what,
    };
    let text = match files::read(path, FILE_BYTES) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            return Err(damaged(error.to_string()));
        }
        Err(error) => return Err(failed(error)),
    };
    let file: File = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
    Ok(file.revoked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revoked_token_stays_so_over_a_restart_until_it_has_ended() {
        let directory = tempfile::tempdir().unwrap();
        let denied = Denied::open(directory.path()).unwrap();
        denied.add("one", 100, 50).unwrap();
        denied.add("two", 200, 50).unwrap();
        let again = Denied::open(directory.path()).unwrap();
        assert!(again.holds("one") && again.holds("two") && !again.holds("three"));
        again.add("three", 300, 150).unwrap();
        assert!(!again.holds("one"), "it has ended by itself");
        assert_eq!(Denied::open(directory.path()).unwrap().len(), 2);
    }

    #[test]
    fn a_damaged_list_is_not_taken_for_an_empty_one() {
        let directory = tempfile::tempdir().unwrap();
        for text in [
            "",
            "{",
            "[]",
            r#"{"revoked":{"a":"b"}}"#,
            r#"{"revoked":{},"x":1}"#,
        ] {
            std::fs::write(directory.path().join(FILE), text).unwrap();
            let opened = Denied::open(directory.path());
            assert!(
                matches!(opened, Err(UnreadableList::Damaged { .. })),
                "{text}"
            );
        }
    }

    #[test]
    fn what_cannot_be_kept_is_not_revoked() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("place");
        std::fs::write(&place, "a file where the directory should be").unwrap();
        let denied = Denied {
            path: place.join(FILE),
            current: ArcSwap::default(),
            writing: Mutex::new(()),
        };
        assert!(denied.add("one", 100, 50).is_err());
        assert!(!denied.holds("one"));
    }
}
