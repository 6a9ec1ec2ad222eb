//! The store.

use std::path::PathBuf;
use std::time::Duration;

/// Where provisioning keeps what must survive a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// The SQLite file.
    pub path: PathBuf,
    /// How long the history of finished jobs, and users removed from Webex, are kept.
    pub history: Duration,
}
