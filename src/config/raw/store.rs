//! The store as written.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::config::raw::DurationText;

/// The database of provisioning: what was wished for, how far it has come, and the history.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Store {
    /// Absolute path of the SQLite file; its -wal, -shm and .lock files stand beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// How long the history of finished jobs, and users removed from Webex, are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<DurationText>,
}
