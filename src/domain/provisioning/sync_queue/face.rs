//! What may happen to the lines of directory syncs, what they want done, and how a sync stands.

use std::time::Duration;

use crate::domain::provisioning::ids::EnterpriseKey;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::sync_queue::WAITING;

/// What may happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Somebody wants a sync.
    Wanted(EnterpriseKey),
    /// Nobody wants it any more; one that runs at Webex goes on there.
    Unwanted(EnterpriseKey),
    /// What came of an [`Action`].
    Heard(EnterpriseKey, Heard),
    /// Somebody looks at how it stands.
    Watched(EnterpriseKey),
}

/// What came of a trigger or a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// The cluster is busy: 429, or a code that says so.
    Busy {
        /// How long Webex asked us to wait.
        retry_after: Option<Duration>,
    },
    /// No usable answer.
    Failed(String),
    /// It will never work so.
    Refused(String),
    /// It runs.
    Running,
    /// It is over, with Webex's word for how.
    Settled {
        /// Whether it went well.
        well: bool,
        /// What is to be shown.
        text: String,
    },
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Read the status.
    Look(EnterpriseKey),
    /// Start the sync.
    Trigger(EnterpriseKey),
}

/// How the sync of an enterprise stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It ended well.
    Done {
        /// When.
        at: Moment,
        /// What Webex said.
        text: String,
    },
    /// It did not.
    Failed {
        /// When.
        at: Moment,
        /// Why.
        text: String,
    },
    /// It goes on.
    Running {
        /// Since when.
        since: Moment,
    },
    /// So many others of the cluster come first.
    Waiting {
        /// How many.
        before: usize,
        /// How often the cluster was busy.
        put_back: u32,
    },
}

impl Standing {
    /// Whether it is still to come to its end.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        match self {
            Self::Running { .. } | Self::Waiting { .. } => true,
            Self::Done { .. } | Self::Failed { .. } => false,
        }
    }
}

/// Too many wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{WAITING} directory syncs of this cluster wait already; try again when some are done")]
pub struct Full;
