//! Directory sync: the users of an enterprise who are no subscribers, as contacts.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::lab::webex::api::directory::External;
use crate::lab::webex::api::world::At;
use crate::lab::webex::api::world::Due;
use crate::lab::webex::api::world::Enterprise;
use crate::lab::webex::api::world::Failure;
use crate::lab::webex::api::world::Refusal;
use crate::lab::webex::api::world::Takes;
use crate::lab::webex::api::world::World;

/// Sync cannot be switched off while it runs.
const RUNNING: u64 = 600_020;

/// Sync is not enabled for this customer.
const DISABLED: u64 = 600_011;

/// The BroadWorks cluster of this customer is busy.
const BUSY: u64 = 600_009;

/// The user already is in this organization.
const ALREADY_HERE: u64 = 600_023;

/// No such user in BroadWorks.
const UNKNOWN_USER: u64 = 600_024;

/// No single user before one full sync.
const NOT_YET: u64 = 600_028;

/// Seconds after which a client may try again when another sync runs.
const RETRY_AFTER: u64 = 30;

/// Where a sync is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::lab::webex) enum SyncState {
    /// Never, or no more.
    #[default]
    NotSynced,
    /// It runs; and whom it will have found.
    Running { found: BTreeMap<String, External> },
    /// What it brought goes away.
    CleaningUp,
    /// It went well.
    Complete,
    /// It failed.
    Failed(Failure),
}

impl SyncState {
    pub(in crate::lab::webex) const fn as_str(&self) -> &'static str {
        match self {
            Self::NotSynced => "NOT_SYNCED",
            Self::Running { .. } | Self::CleaningUp => "IN_PROGRESS",
            Self::Complete => "COMPLETE",
            Self::Failed(_) => "FAILED",
        }
    }
}

/// The directory sync of an enterprise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::lab::webex) struct Sync {
    pub(in crate::lab::webex) enabled: bool,
    pub(in crate::lab::webex) state: SyncState,
    pub(in crate::lab::webex) started: Option<At>,
    pub(in crate::lab::webex) ended: Option<At>,
    pub(in crate::lab::webex) succeeded: Option<At>,
    pub(in crate::lab::webex) tracking: Option<String>,
    pub(in crate::lab::webex) added: u64,
    pub(in crate::lab::webex) updated: u64,
    pub(in crate::lab::webex) deleted: u64,
    /// Whom it brought, by user id in lower case.
    pub(super) known: BTreeMap<String, External>,
    /// What the next one fails of.
    pub(super) fails: Option<Failure>,
}

impl Sync {
    pub(in crate::lab::webex) const fn runs(&self) -> bool {
        matches!(
            self.state,
            SyncState::Running { .. } | SyncState::CleaningUp
        )
    }

    pub(in crate::lab::webex) fn total(&self) -> u64 {
        self.known.len() as u64
    }
}

/// What became of a single user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lab::webex) enum Single {
    Added,
    Updated,
    Nothing,
}

impl Single {
    pub(in crate::lab::webex) const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "ADD",
            Self::Updated => "UPDATE",
            Self::Nothing => "NO_OPERATION",
        }
    }
}

impl World {
    /// Switches sync on or off. Off, what it brought is cleaned up.
    pub(in crate::lab::webex) fn enable_sync(
        &mut self,
        id: Uuid,
        enable: bool,
    ) -> Result<&Enterprise, Refusal> {
        let end = self.end_of(Takes::CleanUp);
        let held = self.enterprise_mut(id)?;
        if held.sync.enabled != enable {
            if held.sync.runs() {
                let text = "Directory sync cannot be switched while it runs.";
                return Err(Refusal::conflict(Some(RUNNING), text));
            }
            held.sync.enabled = enable;
            held.sync.state = if enable {
                SyncState::NotSynced
            } else {
                SyncState::CleaningUp
            };
            let key = held.name.to_lowercase();
            if !enable {
                self.due.insert((end, Due::Sync(key)));
            }
        }
        self.enterprise(id)
    }

    /// Begins a sync on demand: one at a time for all customers of a cluster, and the lab has one
    /// cluster.
    pub(in crate::lab::webex) fn trigger_sync(
        &mut self,
        id: Uuid,
        tracking: &str,
        directory: &[External],
    ) -> Result<&Enterprise, Refusal> {
        let held = self.enterprise(id)?;
        if !held.sync.enabled {
            let text = "Directory sync is not enabled for this customer.";
            return Err(Refusal::conflict(Some(DISABLED), text));
        }
        if self.enterprises.values().any(|held| held.sync.runs()) {
            let text = "The BroadWorks cluster of this customer is busy with a directory sync.";
            return Err(Refusal {
                code: Some(BUSY),
                ..Refusal::busy(RETRY_AFTER, text)
            });
        }
        let found = self.found_by_sync(held, directory);
        let (now, end) = (self.now, self.end_of(Takes::Sync));
        let held = self.enterprise_mut(id)?;
        held.sync.state = SyncState::Running { found };
        held.sync.started = Some(now);
        held.sync.tracking = Some(tracking.to_owned());
        let key = held.name.to_lowercase();
        self.due.insert((end, Due::Sync(key)));
        self.enterprise(id)
    }

    /// Syncs one user at once.
    pub(in crate::lab::webex) fn sync_user(
        &mut self,
        id: Uuid,
        user: &str,
        directory: &[External],
    ) -> Result<(External, Single), Refusal> {
        let held = self.enterprise(id)?;
        if !held.sync.enabled {
            let text = "Directory sync is not enabled for this customer.";
            return Err(Refusal::conflict(Some(DISABLED), text));
        }
        if held.sync.succeeded.is_none() {
            let text = "A single user cannot be synced before one full sync has completed.";
            return Err(Refusal::conflict(Some(NOT_YET), text));
        }
        if self.user_taken(user, None) {
            let text = "The user already is in this organization.";
            return Err(Refusal::conflict(Some(ALREADY_HERE), text));
        }
        let user = user.to_lowercase();
        let Some(found) = self.found_by_sync(held, directory).remove(&user) else {
            return Err(Refusal {
                code: Some(UNKNOWN_USER),
                ..Refusal::absent("BroadWorks user")
            });
        };
        let held = self.enterprise_mut(id)?;
        let single = match held.sync.known.insert(user, found.clone()) {
            None => Single::Added,
            Some(before) if before == found => Single::Nothing,
            Some(_) => Single::Updated,
        };
        Ok((found, single))
    }

    /// Lets the next sync of an enterprise fail.
    pub(in crate::lab::webex) fn fail_sync(
        &mut self,
        enterprise: &str,
        failure: Failure,
    ) -> Result<(), Refusal> {
        let held = self.enterprises.get_mut(&enterprise.to_lowercase());
        let held = held.ok_or_else(|| Refusal::absent("Enterprise"))?;
        held.sync.fails = Some(failure);
        Ok(())
    }

    /// A sync or a cleaning ends.
    pub(super) fn end_sync(&mut self, key: &str) {
        let now = self.now;
        let Some(held) = self.enterprises.get_mut(key) else {
            return;
        };
        let sync = &mut held.sync;
        let found = match std::mem::take(&mut sync.state) {
            SyncState::Running { found } => found,
            SyncState::CleaningUp => {
                sync.known.clear();
                return;
            }
            other @ (SyncState::NotSynced | SyncState::Complete | SyncState::Failed(_)) => {
                sync.state = other;
                return;
            }
        };
        sync.ended = Some(now);
        (sync.added, sync.updated, sync.deleted) = (0, 0, 0);
        if let Some(failure) = sync.fails.take() {
            sync.state = SyncState::Failed(failure);
            return;
        }
        for (user, external) in &found {
            match sync.known.get(user) {
                None => sync.added += 1,
                Some(before) if before != external => sync.updated += 1,
                Some(_) => {}
            }
        }
        let gone = sync.known.keys().filter(|user| !found.contains_key(*user));
        sync.deleted = gone.count() as u64;
        sync.known = found;
        sync.succeeded = Some(now);
        sync.state = SyncState::Complete;
    }

    /// The users of an enterprise who are no subscribers.
    fn found_by_sync(
        &self,
        enterprise: &Enterprise,
        directory: &[External],
    ) -> BTreeMap<String, External> {
        let template = self.template(&enterprise.provisioning_id);
        let whole = template.is_some_and(|template| template.enterprise_mode);
        let members = directory.iter().filter(|user| {
            let name = if whole {
                user.provider.clone()
            } else {
                format!("{}+{}", user.provider, user.group)
            };
            let below = user.reseller.as_ref();
            let below = below.map(|reseller| format!("{reseller}+{name}"));
            let mut names = std::iter::once(name).chain(below);
            names.any(|name| name.eq_ignore_ascii_case(&enterprise.name))
                && !self.user_taken(&user.user, None)
        });
        members
            .map(|user| (user.user.to_lowercase(), user.clone()))
            .collect()
    }
}
