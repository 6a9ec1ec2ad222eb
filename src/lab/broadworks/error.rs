//! What keeps the lab from working.

use std::io;
use std::path::PathBuf;

/// Why the lab's BroadWorks cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The state file is there and is not what we wrote.
    #[error("{} is not a state file of the lab; move it away or start with a fresh state", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where and how.
        #[source]
        source: serde_json::Error,
    },
    /// A password could not be hashed.
    #[error("cannot hash a password: {0}")]
    Hash(argon2::password_hash::Error),
    /// The state cannot be put into a file.
    #[error("the state cannot be written as JSON")]
    Encode(#[source] serde_json::Error),
    /// The random source failed.
    #[error("the system gives no random bytes")]
    Random,
    /// The state file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The roots that messaging servers must end at cannot be used.
    #[error("{}: {why}", path.display())]
    Trust {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The state file was written by another version of the lab.
    #[error("{} has format {found}, this lab reads {}; start with a fresh state", path.display(), crate::lab::broadworks::store::FORMAT)]
    Version {
        /// The file.
        path: PathBuf,
        /// The format that it names.
        found: u32,
    },
    /// The state file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}
