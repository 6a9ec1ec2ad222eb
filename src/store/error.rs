//! What can go wrong with what is kept, and what an operator does then.

use std::path::PathBuf;

/// Why something was not kept or not found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// More waits to be written than the queue holds.
    #[error("the store has more to write than it can take at the moment")]
    Busy,
    /// It is ending with the daemon.
    #[error("the store is closed")]
    Closed,
    /// The file is damaged.
    #[error(
        "{} is damaged ({detail}): stop xspd, put a good copy in its place, or move it and its \
         -wal file away to begin without history",
        path.display()
    )]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What the engine said.
        detail: String,
    },
    /// The disk, or the quota, is full.
    #[error("{}: the disk is full ({detail}): free space there", path.display())]
    Full {
        /// The database.
        path: PathBuf,
        /// What the engine said.
        detail: String,
    },
    /// Another process is the daemon of this file.
    #[error(
        "{} belongs to another running xspd ({} is locked): stop that one first, or give this one \
         another `state-dir` or `store.path`",
        path.display(), lock.display()
    )]
    InUse {
        /// The database.
        path: PathBuf,
        /// The file that is locked.
        lock: PathBuf,
    },
    /// The disk failed.
    #[error("{}: {detail}: look at the disk, its mount and its permissions", path.display())]
    Io {
        /// The database.
        path: PathBuf,
        /// What the engine or the system said.
        detail: String,
    },
    /// Someone else holds the database, a tool or a backup.
    #[error(
        "{} is locked by another program, maybe a backup or sqlite3: end it ({detail})",
        path.display()
    )]
    Locked {
        /// The database.
        path: PathBuf,
        /// What the engine said.
        detail: String,
    },
    /// It was written by a later version.
    #[error(
        "{} was written by a later version of xspd (schema {found}, this one knows {known}): \
         install that version again, or put the copy from before its installation back",
        path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// Nothing may be written.
    #[error(
        "{} cannot be written ({detail}): its directory and its files must belong to xspd",
        path.display()
    )]
    ReadOnly {
        /// The database.
        path: PathBuf,
        /// What the engine said.
        detail: String,
    },
    /// Nothing came back in time.
    #[error("the store did not answer in time")]
    Slow,
    /// Something that must not happen.
    #[error("the store failed in a way it should not, please report it: {detail}")]
    Unexpected {
        /// What.
        detail: String,
    },
    /// A job was to be kept of a user whom nobody wished for.
    #[error("there is no such user in the store")]
    UnknownUser,
    /// A record that this version cannot read.
    #[error("a record cannot be read, please report it: {detail}")]
    Unreadable {
        /// What was said; without the record.
        detail: String,
    },
}

impl StoreError {
    /// Every word of [`StoreError::as_str`].
    pub const WORDS: [&'static str; 13] = [
        "busy",
        "closed",
        "damaged",
        "full",
        "in-use",
        "io",
        "locked",
        "newer",
        "read-only",
        "slow",
        "unexpected",
        "unknown-user",
        "unreadable",
    ];

    /// As logs and metrics write it.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Closed => "closed",
            Self::Damaged { .. } => "damaged",
            Self::Full { .. } => "full",
            Self::InUse { .. } => "in-use",
            Self::Io { .. } => "io",
            Self::Locked { .. } => "locked",
            Self::Newer { .. } => "newer",
            Self::ReadOnly { .. } => "read-only",
            Self::Slow => "slow",
            Self::Unexpected { .. } => "unexpected",
            Self::UnknownUser => "unknown-user",
            Self::Unreadable { .. } => "unreadable",
        }
    }
}
