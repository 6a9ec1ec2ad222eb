//! What the machine wants kept, in its order, tried until it is.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::domain::provisioning::conductor::Change;
use crate::domain::provisioning::conductor::Input;
use crate::domain::provisioning::conductor::SaveToken;
use crate::domain::provisioning::ids::UserKey;
use crate::store::Store;
use crate::store::StoreError;
use crate::telemetry::provisioning::ProvisioningMetrics;

/// Saves of one commit, of a few records each; while one is written the next ones gather.
const GROUP: usize = 64;

/// The first pause after a failure, doubled up to the longest: a full disk is not freed within
/// seconds, and a person who has freed it does not wait for longer.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What waits. The machine wants a new save of a user only when the one before is kept, so there
/// are no more than users.
#[derive(Default)]
pub(super) struct Waiting {
    errands: VecDeque<Errand>,
}

enum Errand {
    Recall(UserKey),
    Save(SaveToken, Vec<Change>),
}

/// What is done in one go.
pub(super) enum Trip {
    Recall(UserKey),
    Save(Vec<(SaveToken, Vec<Change>)>),
}

impl Waiting {
    pub(super) fn save(&mut self, token: SaveToken, changes: Vec<Change>) {
        self.errands.push_back(Errand::Save(token, changes));
    }

    pub(super) fn recall(&mut self, key: UserKey) {
        self.errands.push_back(Errand::Recall(key));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.errands.is_empty()
    }

    /// The next ones of a kind, so that a reading comes after the writings before it.
    pub(super) fn next(&mut self) -> Option<Trip> {
        let mut group = Vec::new();
        while let Some(errand) = self.errands.pop_front() {
            match errand {
                Errand::Recall(key) if group.is_empty() => return Some(Trip::Recall(key)),
                Errand::Save(token, changes) if group.len() < GROUP => {
                    group.push((token, changes));
                }
                later => {
                    self.errands.push_front(later);
                    break;
                }
            }
        }
        (!group.is_empty()).then_some(Trip::Save(group))
    }
}

/// Does it, for as long as it takes; what the machine is told then.
pub(super) async fn go(store: Store, metrics: Arc<ProvisioningMetrics>, trip: Trip) -> Vec<Input> {
    match trip {
        Trip::Recall(key) => vec![recall(&store, &metrics, key).await],
        Trip::Save(group) => save(&store, &metrics, group).await,
    }
}

async fn recall(store: &Store, metrics: &ProvisioningMetrics, key: UserKey) -> Input {
    let mut pause = PAUSE;
    loop {
        match store.user(&key).await {
            Ok(user) => {
                let job = user.and_then(|user| user.job).map(Box::new);
                return Input::Recalled { key, job };
            }
            Err(error) => {
                metrics.store_failed(error.as_str(), &error.to_string());
                wait(&mut pause).await;
            }
        }
    }
}

async fn save(
    store: &Store,
    metrics: &ProvisioningMetrics,
    group: Vec<(SaveToken, Vec<Change>)>,
) -> Vec<Input> {
    let all = group
        .iter()
        .flat_map(|(_, changes)| changes.iter().cloned());
    let all: Vec<_> = all.collect();
    match keep(store, metrics, all).await {
        Ok(()) => group
            .iter()
            .map(|(token, _)| Input::Saved(*token))
            .collect(),
        // One of them cannot be kept: the others must not wait for it.
        Err(_) => {
            let mut kept = Vec::new();
            for (token, changes) in group {
                match keep(store, metrics, changes).await {
                    Ok(()) => kept.push(Input::Saved(token)),
                    Err(error) => metrics.parked(&error.to_string()),
                }
            }
            kept
        }
    }
}

/// Tries until it is kept.
///
/// # Errors
/// It never will be.
async fn keep(
    store: &Store,
    metrics: &ProvisioningMetrics,
    changes: Vec<Change>,
) -> Result<(), StoreError> {
    let mut pause = PAUSE;
    loop {
        match store.save(changes.clone()).await {
            Ok(()) => {
                metrics.store_well();
                return Ok(());
            }
            Err(error @ (StoreError::UnknownUser | StoreError::Unreadable { .. })) => {
                return Err(error);
            }
            Err(error) => {
                metrics.store_failed(error.as_str(), &error.to_string());
                wait(&mut pause).await;
            }
        }
    }
}

async fn wait(pause: &mut Duration) {
    sleep(*pause).await;
    *pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
}
