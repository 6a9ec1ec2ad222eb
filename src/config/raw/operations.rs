//! What operators may do with provisioning, as written.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::config::raw::DurationText;
use crate::config::raw::SecretText;

/// What operators may do with provisioning, on the admin listener.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Operations {
    /// Where the bearer secret of operators lies; by default the one of [auth-service]: file:/path,
    /// env:NAME or cred:NAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator_token: Option<SecretText>,
    /// Compare BroadWorks with Webex every night; nothing is changed by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reconcile_nightly: Option<bool>,
    /// At which hour, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reconcile_hour: Option<i64>,
    /// Between two questions of a comparison.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reconcile_pause: Option<DurationText>,
    /// How long a user may be pending before a comparison calls it stuck.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stuck_after: Option<DurationText>,
}
