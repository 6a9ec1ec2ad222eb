//! What operators may do with provisioning.

use std::time::Duration;

use crate::config::secret::SecretRef;

/// What operators may do with provisioning, on the admin listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operations {
    /// Bearer secret of operators; absent: the one of the AuthService, if that has one.
    pub operator_token: Option<SecretRef>,
    /// Whether BroadWorks and Webex are compared every night.
    pub reconcile_nightly: bool,
    /// At which hour, UTC.
    pub reconcile_hour: u32,
    /// Between two questions of a comparison.
    pub reconcile_pause: Duration,
    /// How long a user may be pending before a comparison calls it stuck.
    pub stuck_after: Duration,
}
