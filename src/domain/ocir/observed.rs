//! What was observed, for whoever keeps the wishes: values only.

use std::sync::Arc;

use crate::domain::ocip::facts::MessagingServer;
use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::ids::ClusterName;
use crate::domain::provisioning::ids::GroupId;
use crate::domain::provisioning::ids::SpId;
use crate::domain::provisioning::profile::Profile;

/// What a report came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Where.
    pub cluster: ClusterName,
    /// Which Application Server told, as the configuration calls it.
    pub told_by: Arc<str>,
    /// What it is.
    pub what: Observed,
}

/// What is so now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observed {
    /// The user has no active Integrated IM&P service, or is gone.
    Absent(BwUserId),
    /// The Application Server could not be asked; this is what the report itself says.
    Hint {
        /// About whom.
        user: BwUserId,
        /// What it says.
        hint: Hint,
    },
    /// Every user of a group, or of all groups of a service provider, is gone.
    Left {
        /// The service provider or enterprise.
        sp: SpId,
        /// The group; `None`: all.
        group: Option<GroupId>,
    },
    /// A level uses another messaging server now.
    Messaging {
        /// Which level.
        scope: Scope,
        /// Which one, when the Application Server could be asked.
        server: Option<MessagingServer>,
    },
    /// The user has an active Integrated IM&P service.
    Present {
        /// As the Application Server describes it.
        profile: Box<Profile>,
        /// The URL that the Application Server provisions the user at, which tells the template.
        url: Option<String>,
    },
    /// So much may have changed that users are to be compared one by one.
    Reconcile {
        /// The service provider or enterprise.
        sp: SpId,
        /// The group; `None`: all.
        group: Option<GroupId>,
    },
    /// The user has another user id. What the new one is follows as an observation of its own.
    Renamed {
        /// Before.
        from: BwUserId,
        /// Now.
        to: BwUserId,
    },
}

/// What a report lets one suppose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    /// The service was taken away.
    Absent,
    /// Something about the user changed.
    Changed,
    /// The service was given.
    Present,
}

/// A level at which the messaging server can be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// A group.
    Group(SpId, GroupId),
    /// A reseller, by its id.
    Reseller(String),
    /// A service provider or enterprise.
    ServiceProvider(SpId),
    /// All.
    System,
}
