//! What is asked of the store, and what it answers.

use serde::Deserialize;
use serde::Serialize;

use crate::domain::provisioning::ids::ClusterName;
use crate::domain::provisioning::ids::EnterpriseKey;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::RequestId;
use crate::domain::provisioning::ids::SpEnterpriseId;
use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::ids::UserKey;
use crate::domain::provisioning::record::Desired;
use crate::domain::provisioning::record::JobRecord;
use crate::domain::provisioning::record::JobState;

/// Most users on one page: some 2 KB each.
pub const PAGE: u32 = 1_000;

/// Most steps of one history: a user that is taken in daily has three times as many in a year.
pub const HISTORY: u32 = 1_000;

/// A user as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRecord {
    /// What it is to be.
    pub desired: Desired,
    /// How far it has come; `None` until the machine has looked at it.
    pub job: Option<JobRecord>,
}

impl UserRecord {
    /// Whom it is about.
    #[must_use]
    pub const fn key(&self) -> &UserKey {
        &self.desired.key
    }

    /// Where it is: queued while the newest wish has not been begun and the one before is over.
    #[must_use]
    pub fn state(&self) -> JobState {
        let job = self.job.as_ref();
        job.filter(|job| job.revision >= self.desired.revision || !job.state.is_final())
            .map_or(JobState::Queued, |job| job.state)
    }

    /// Its customer: as we send it, and where Webex's bridge names it, as Webex told.
    #[must_use]
    pub fn enterprise(&self) -> Option<SpEnterpriseId> {
        let told = || {
            let actual = &self.job.as_ref()?.actual;
            SpEnterpriseId::parse(actual.enterprise.as_deref()?).ok()
        };
        self.desired.enterprise.clone().or_else(told)
    }

    /// The customer in which Webex showed the subscriber last, where that is another one than
    /// the user is to be of: until it has moved, or for good.
    #[must_use]
    pub fn found_in(&self) -> Option<SpEnterpriseId> {
        let actual = &self.job.as_ref()?.actual;
        actual.subscriber.as_ref()?;
        let found = SpEnterpriseId::parse(actual.enterprise.as_deref()?.trim()).ok()?;
        let key = |name: &SpEnterpriseId| EnterpriseKey::new(self.key().cluster.clone(), name);
        let own = self.enterprise().map(|own| key(&own));
        (own != Some(key(&found))).then_some(found)
    }

    /// Since when it is there.
    #[must_use]
    pub fn since(&self) -> Moment {
        let job = self.job.as_ref();
        job.filter(|job| job.revision >= self.desired.revision || !job.state.is_final())
            .map_or(self.desired.at, |job| job.since)
    }
}

/// Which users a list shows; what is absent leaves all through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Any of these states; empty: all.
    pub states: Vec<JobState>,
    /// This template's alone.
    pub template: Option<TemplateKey>,
    /// This cluster's alone.
    pub cluster: Option<ClusterName>,
    /// This enterprise's alone.
    pub enterprise: Option<EnterpriseKey>,
    /// User ids that begin so, without case.
    pub user_prefix: Option<String>,
    /// Changed at or after.
    pub since: Option<Moment>,
    /// Whose newest request it is.
    pub request: Option<RequestId>,
}

/// Where the next page begins: after this user. Opaque to whoever is handed one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    pub(super) cluster: String,
    pub(super) user: String,
}

/// A part of a list, in the order of cluster and user id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The users.
    pub users: Vec<UserRecord>,
    /// Where it goes on; `None` at the end.
    pub next: Option<Cursor>,
    /// Records that this version could not read, and left out.
    pub unreadable: u64,
}

/// Users that wait for someone, by what they wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttentionGroup {
    /// Where they are.
    pub state: JobState,
    /// The code of what is wrong.
    pub fault: Option<String>,
    /// Their template.
    pub template: TemplateKey,
    /// How many.
    pub users: u64,
    /// Since when the first of them is there.
    pub oldest: Moment,
}

/// How many users are in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateCount {
    /// The state.
    pub state: JobState,
    /// How many.
    pub users: u64,
    /// Since when the first of them is there.
    pub oldest: Moment,
}

/// What a clean-up came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Lines of history that are gone.
    pub steps: u64,
    /// Users that are gone: removed in Webex for longer than history is kept.
    pub users: u64,
}
