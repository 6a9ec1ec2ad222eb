//! Several writes in one transaction: each sees what the ones before it have decided.

use std::collections::BTreeMap;
use std::collections::HashMap;

use tokio::sync::oneshot;

use crate::domain::provisioning::conductor::Change;
use crate::domain::provisioning::ids::ClusterName;
use crate::domain::provisioning::ids::EnterpriseKey;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::UserKey;
use crate::domain::provisioning::intake::Held;
use crate::domain::provisioning::record::Desired;
use crate::domain::provisioning::record::EnterpriseRecord;
use crate::domain::provisioning::record::JobRecord;
use crate::domain::provisioning::record::Presence;
use crate::domain::provisioning::record::Step;
use crate::store::StoreError;
use crate::store::engine::Ask;
use crate::store::engine::Delta;
use crate::store::engine::UserWrite;
use crate::store::query::UserRecord;

/// What a decision about a wish wants kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keep {
    /// The new wish.
    pub desired: Option<Desired>,
    /// The enterprise, where it is new or changed.
    pub enterprise: Option<EnterpriseRecord>,
}

/// A wish that has become durable, as it is shown to whoever drives it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The wish.
    pub desired: Box<Desired>,
    /// The enterprise, where it was kept with it.
    pub enterprise: Option<Box<EnterpriseRecord>>,
}

/// Decides about a wish; pure, and run between the reading and the writing of a transaction.
pub(super) type Decide = Box<dyn FnOnce(Held) -> Keep + Send>;

/// One thing that waits to be written.
pub(super) struct Write {
    pub(super) work: Work,
    /// Told when the transaction is durable, or why it is not.
    pub(super) answer: oneshot::Sender<Result<(), StoreError>>,
}

/// What is to be written.
pub(super) enum Work {
    Accept { ask: Ask, decide: Decide },
    Save { changes: Vec<Change> },
}

impl Write {
    /// Whether somebody still wants it done.
    pub(super) fn is_wanted(&self) -> bool {
        match &self.work {
            Work::Accept { .. } => !self.answer.is_closed(),
            // The machine's records are true whether or not it still waits.
            Work::Save { .. } => true,
        }
    }
}

impl Work {
    pub(super) fn asks(&self, into: &mut Vec<Ask>) {
        match self {
            Self::Accept { ask, .. } => into.push(ask.clone()),
            Self::Save { changes } => {
                let users = changes.iter().filter_map(|change| match change {
                    Change::Enterprise(_) => None,
                    Change::Job(job) => Some(&job.key),
                    Change::Step(step) => Some(&step.key),
                });
                for user in users {
                    // The steps of a user come with its job.
                    if into.last().is_none_or(|last| last.user != *user) {
                        into.push(Ask::about(user.clone()));
                    }
                }
            }
        }
    }
}

/// A user while a batch is worked out.
#[derive(Default)]
struct Draft {
    desired: Option<Desired>,
    job: Option<JobRecord>,
    unreadable: Option<StoreError>,
    wish: bool,
    moved: bool,
}

/// What is known while a batch is worked out.
#[derive(Default)]
pub(super) struct Batch {
    users: BTreeMap<UserKey, Draft>,
    enterprises: HashMap<EnterpriseKey, EnterpriseRecord>,
    changed: BTreeMap<EnterpriseKey, EnterpriseRecord>,
    /// Who has an address, of those that are asked for.
    holders: HashMap<Address, UserKey>,
    steps: Vec<Step>,
    accepted: Vec<Accepted>,
}

/// An e-mail address of a cluster, in lower case.
type Address = (ClusterName, String);

impl Batch {
    /// Of what was read, in the order of the questions.
    pub(super) fn new(asks: &[Ask], found: Vec<Result<Held, StoreError>>) -> Self {
        let mut batch = Self::default();
        for (ask, held) in asks.iter().zip(found) {
            let draft = match held {
                Ok(held) => {
                    if let Some(record) = held.enterprise {
                        batch.enterprises.insert(record.key.clone(), record);
                    }
                    if let (Some(address), Some(holder)) = (ask.address(), held.email_holder) {
                        batch.holders.insert(address, holder);
                    }
                    Draft {
                        desired: held.desired,
                        job: held.job,
                        ..Draft::default()
                    }
                }
                Err(error) => Draft {
                    unreadable: Some(error),
                    ..Draft::default()
                },
            };
            batch.users.entry(ask.user.clone()).or_insert(draft);
        }
        batch
    }

    /// Works one write in.
    ///
    /// # Errors
    /// It alone cannot be kept.
    pub(super) fn take(&mut self, work: Work) -> Result<(), StoreError> {
        match work {
            Work::Accept { ask, decide } => self.accept(&ask, decide),
            Work::Save { changes } => self.save(changes),
        }
    }

    fn accept(&mut self, ask: &Ask, decide: Decide) -> Result<(), StoreError> {
        let draft = self.users.entry(ask.user.clone()).or_default();
        if let Some(error) = &draft.unreadable {
            return Err(error.clone());
        }
        let enterprise = ask.enterprise.clone().or_else(|| {
            let of_user = draft.desired.as_ref()?.enterprise.as_ref()?;
            Some(EnterpriseKey::new(ask.user.cluster.clone(), of_user))
        });
        let holder = ask
            .address()
            .and_then(|address| self.holders.get(&address).cloned());
        let keep = decide(Held {
            desired: draft.desired.clone(),
            job: draft.job.clone(),
            enterprise: enterprise.and_then(|key| self.enterprises.get(&key).cloned()),
            email_holder: holder.filter(|holder| *holder != ask.user),
        });
        if let Some(desired) = &keep.desired {
            if desired.key != ask.user {
                let detail = "a wish about one user was decided as one about another".to_owned();
                return Err(StoreError::Unexpected { detail });
            }
            if let Some(left) = draft.desired.as_ref().and_then(address_of)
                && self.holders.get(&left) == Some(&ask.user)
            {
                self.holders.remove(&left);
            }
            if let Some(taken) = address_of(desired) {
                self.holders.insert(taken, ask.user.clone());
            }
            draft.desired = Some(desired.clone());
            draft.wish = true;
            self.accepted.push(Accepted {
                desired: Box::new(desired.clone()),
                enterprise: keep.enterprise.clone().map(Box::new),
            });
        }
        if let Some(record) = keep.enterprise {
            self.put(record);
        }
        Ok(())
    }

    /// All of it or nothing: what cannot be kept is found before anything is.
    fn save(&mut self, changes: Vec<Change>) -> Result<(), StoreError> {
        for change in &changes {
            let user = match change {
                Change::Enterprise(_) => continue,
                Change::Job(job) => &job.key,
                Change::Step(step) => &step.key,
            };
            let draft = self.users.get(user).ok_or(StoreError::UnknownUser)?;
            if let Some(error) = &draft.unreadable {
                return Err(error.clone());
            }
            if draft.desired.is_none() {
                return Err(StoreError::UnknownUser);
            }
        }
        for change in changes {
            match change {
                Change::Enterprise(record) => self.put(*record),
                Change::Job(job) => {
                    let draft = self.users.entry(job.key.clone()).or_default();
                    draft.job = Some(*job);
                    draft.moved = true;
                }
                Change::Step(step) => self.steps.push(*step),
            }
        }
        Ok(())
    }

    fn put(&mut self, record: EnterpriseRecord) {
        self.enterprises.insert(record.key.clone(), record.clone());
        self.changed.insert(record.key.clone(), record);
    }

    /// What the transaction has to write, and the wishes that are durable with it, in their order.
    pub(super) fn into_parts(self, now: Moment) -> (Delta, Vec<Accepted>) {
        let users = self.users.into_values().filter(|d| d.wish || d.moved);
        let users = users.filter_map(|draft| {
            Some(UserWrite {
                record: UserRecord {
                    desired: draft.desired?,
                    job: draft.job,
                },
                wish: draft.wish,
                job: draft.moved,
                updated: now,
            })
        });
        let delta = Delta {
            users: users.collect(),
            enterprises: self.changed.into_values().collect(),
            steps: self.steps,
        };
        (delta, self.accepted)
    }
}

/// The address that a user has, or is to have.
pub(super) fn email_of(desired: &Desired) -> Option<String> {
    let Presence::Present { profile } = &desired.presence else {
        return None;
    };
    let email = desired.email.as_ref().or(profile.email.as_ref())?;
    Some(email.to_lowercase())
}

fn address_of(desired: &Desired) -> Option<Address> {
    Some((desired.key.cluster.clone(), email_of(desired)?))
}
