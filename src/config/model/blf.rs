//! Busy lamps.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::BlfListSource;
use crate::config::BlfMode;
use crate::config::BlfPackage;
use crate::config::BlfScope;
use crate::config::secret::SecretRef;

/// Busy lamps. Absent: no line is tracked.
#[derive(Debug, Clone, PartialEq)]
pub struct Blf {
    /// How the state of lines is learned.
    pub mode: BlfMode,
    /// Name of the pool whose XSPs are asked.
    pub pool: String,
    /// The account that asks them; always present unless the mode is passive.
    pub account: Option<BlfAccount>,
    /// User ids whose lists are always tracked.
    pub watchers: Vec<String>,
    /// Directories whose members' lists are always tracked.
    pub directories: Vec<BlfDirectory>,
    /// Where lists are read.
    pub list_source: BlfListSource,
    /// How often lists are read again.
    pub list_refresh: Duration,
    /// Event packages subscribed to for each line; one of the call packages is among them.
    pub packages: Vec<BlfPackage>,
    /// Subscriptions made or refreshed a second.
    pub subscriptions_per_second: u32,
    /// Application id of the subscriptions.
    pub application_id: String,
    /// One subscription for a whole service provider.
    pub service_provider: BlfServiceProvider,
    /// Our event channels.
    pub channel: BlfChannel,
    /// States that last too long to be believed.
    pub doubt: BlfDoubt,
    /// What watchers get when they ask for nothing else.
    pub notification: BlfNotification,
    /// Bounds.
    pub limits: BlfLimits,
    /// What watchers and operators may ask for over HTTP.
    pub api: BlfApi,
    /// An HTTP receiver of all notifications.
    pub webhook: Option<BlfWebhook>,
}

/// What watchers and operators may ask for over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlfApi {
    /// Bearer secret of operators on the admin listener; absent: the one of the AuthService, if
    /// that has one.
    pub operator_token: Option<SecretRef>,
    /// Streams and long polls in all.
    pub streams: usize,
    /// Streams and long polls of one watcher.
    pub streams_per_watcher: usize,
    /// Streams and long polls of one address.
    pub streams_per_address: usize,
    /// Time between two signs of life on a quiet stream.
    pub keep_alive: Duration,
    /// How often the right to an open stream is looked at again.
    pub re_check: Duration,
    /// How long an answer may wait for a reader that takes nothing.
    pub write_stall: Duration,
}

/// The account that asks the XSPs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlfAccount {
    /// User id of an administrator over all watchers and lines.
    pub user_id: String,
    /// Its password.
    pub password: SecretRef,
}

/// A directory whose members are watchers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlfDirectory {
    /// A user who sees the directory.
    pub user_id: String,
    /// Which of its directories.
    pub scope: BlfScope,
}

/// One subscription for a whole service provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlfServiceProvider {
    /// Number of lines above which it is used, when there are ids.
    pub above: u32,
    /// Service providers or enterprises that all lines belong to.
    pub ids: Vec<String>,
}

/// Our event channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlfChannel {
    /// Channel set id; absent: one of this node, kept in the state directory.
    pub set_id: Option<String>,
    /// Time between two heartbeats, at most half of `event_timeout`.
    pub heartbeat: Duration,
    /// The XSP's `eventTimeout`, and how long states are believed without a channel.
    pub event_timeout: Duration,
    /// Life asked for channels and subscriptions.
    pub expires: Duration,
    /// Time limit of one request.
    pub timeout: Duration,
}

/// States that last too long to be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlfDoubt {
    /// A call of this age is asked about.
    pub call: Duration,
    /// A line that rings this long is asked about.
    pub ringing: Duration,
}

/// What watchers get when they ask for nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlfNotification {
    /// How long a line must ring before a watcher is told.
    pub delay: Duration,
    /// Tell who is calling.
    pub display_caller: bool,
}

/// Bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlfLimits {
    /// Watchers.
    pub watchers: usize,
    /// Lines of all watchers together.
    pub lines: usize,
    /// Lines of one watcher.
    pub lines_per_watcher: usize,
    /// Notifications that wait for one slow reader before it gets the full state instead.
    pub queue: usize,
}

/// An HTTP receiver of all notifications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlfWebhook {
    /// Where notifications are posted.
    pub url: String,
    /// Key of their signature.
    pub secret: SecretRef,
    /// PEM file with the CA certificates of the receiver; absent: public roots.
    pub ca: Option<PathBuf>,
    /// Time limit of one delivery.
    pub timeout: Duration,
    /// Further attempts of one delivery.
    pub retries: u32,
}
