//! Busy lamps as written.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::config::BlfListSource;
use crate::config::BlfMode;
use crate::config::BlfPackage;
use crate::config::BlfScope;
use crate::config::raw::DurationText;
use crate::config::raw::SecretText;

/// Busy lamps: who watches whom, and how the state of lines is learned.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Blf {
    /// Whether lines are tracked at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// How the state of lines is learned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<BlfMode>,
    /// Name of the pool whose XSPs are asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// The account that asks them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<BlfAccount>,
    /// User ids whose lists are always tracked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watchers: Option<Vec<String>>,
    /// Directories whose members' lists are always tracked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<Vec<BlfDirectory>>,
    /// Where lists are read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list_source: Option<BlfListSource>,
    /// How often lists are read again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list_refresh: Option<DurationText>,
    /// Event packages subscribed to for each line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packages: Option<Vec<BlfPackage>>,
    /// Subscriptions made or refreshed a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscriptions_per_second: Option<i64>,
    /// Application id of the subscriptions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_id: Option<String>,
    /// One subscription for a whole service provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_provider: Option<BlfServiceProvider>,
    /// Our event channels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<BlfChannel>,
    /// States that last too long to be believed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubt: Option<BlfDoubt>,
    /// What watchers get when they ask for nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notification: Option<BlfNotification>,
    /// Bounds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<BlfLimits>,
    /// What watchers and operators may ask for over HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api: Option<BlfApi>,
    /// An HTTP receiver of all notifications.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<BlfWebhook>,
}

/// What watchers and operators may ask for over HTTP.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct BlfApi {
    /// Where the bearer secret of operators on the admin listener lies; by default the one of
    /// auth-service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator_token: Option<SecretText>,
    /// Streams and long polls in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub streams: Option<i64>,
    /// Streams and long polls of one watcher.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub streams_per_watcher: Option<i64>,
    /// Streams and long polls of one address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub streams_per_address: Option<i64>,
    /// Time between two signs of life on a quiet stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_alive: Option<DurationText>,
    /// How often the right to an open stream is looked at again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub re_check: Option<DurationText>,
    /// How long an answer may wait for a reader that takes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write_stall: Option<DurationText>,
}

/// The account that asks the XSPs.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct BlfAccount {
    /// User id of an administrator over all watchers and lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Where its password lies: file:/path, env:NAME or cred:NAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretText>,
}

/// A directory whose members are watchers.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct BlfDirectory {
    /// A user who sees the directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Which of its directories.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<BlfScope>,
}

/// One subscription for a whole service provider.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct BlfServiceProvider {
    /// Number of lines above which it is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub above: Option<i64>,
    /// Ids of the service providers or enterprises that all lines belong to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<String>>,
}

/// Our event channels.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct BlfChannel {
    /// Channel set id; by default one of this node, kept in the state directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_id: Option<String>,
    /// Time between two heartbeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<DurationText>,
    /// The XSP's eventTimeout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_timeout: Option<DurationText>,
    /// Life asked for channels and subscriptions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<DurationText>,
    /// Time limit of one request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<DurationText>,
}

/// States that last too long to be believed.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct BlfDoubt {
    /// A call of this age is asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<DurationText>,
    /// A line that rings this long is asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ringing: Option<DurationText>,
}

/// What watchers get when they ask for nothing else.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct BlfNotification {
    /// How long a line must ring before a watcher is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<DurationText>,
    /// Tell who is calling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_caller: Option<bool>,
}

/// Bounds.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct BlfLimits {
    /// Watchers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watchers: Option<i64>,
    /// Lines of all watchers together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<i64>,
    /// Lines of one watcher.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines_per_watcher: Option<i64>,
    /// Notifications that wait for one slow reader before it gets the full state instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<i64>,
}

/// An HTTP receiver of all notifications.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct BlfWebhook {
    /// Where notifications are posted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Where the key of their signature lies: file:/path, env:NAME or cred:NAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretText>,
    /// Absolute path of a PEM file with the CA certificates of the receiver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// Time limit of one delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<DurationText>,
    /// Further attempts of one delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<i64>,
}
