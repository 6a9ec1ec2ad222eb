//! What is on its way to the store.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use crate::domain::provisioning::conductor::Action;
use crate::domain::provisioning::conductor::Change;
use crate::domain::provisioning::conductor::Conductor;
use crate::domain::provisioning::conductor::SaveToken;
use crate::domain::provisioning::conductor::customers::CustomerId;
use crate::domain::provisioning::conductor::job::Slot;

/// Records of one save; the steps that led to them come on top.
pub const MOST_CHANGES: usize = 128;
/// Saves on their way: one commits while the next gathers, and two more hide a slow disk.
pub const MOST_SAVES: usize = 4;

#[derive(Default)]
pub(super) struct Ledger {
    jobs: VecDeque<Slot>,
    customers: VecDeque<CustomerId>,
    under_way: BTreeMap<SaveToken, Batch>,
    last: u64,
}

struct Batch {
    jobs: Vec<Slot>,
    customers: Vec<CustomerId>,
}

impl Ledger {
    pub(super) fn is_empty(&self) -> bool {
        self.jobs.is_empty() && self.customers.is_empty() && self.under_way.is_empty()
    }

    /// Whether something can be sent to the store.
    pub(super) fn has_news(&self) -> bool {
        let waits = !self.jobs.is_empty() || !self.customers.is_empty();
        waits && self.under_way.len() < MOST_SAVES
    }

    pub(super) fn saves(&self) -> usize {
        self.under_way.len()
    }
}

impl Conductor {
    /// The record of a job differs from the one in the store.
    pub(super) fn soil(&mut self, slot: Slot) {
        let Some(job) = self.job_mut(slot) else {
            return;
        };
        let new = !job.dirty;
        job.dirty = true;
        if new && !job.saving {
            self.ledger.jobs.push_back(slot);
        }
    }

    /// The record of a customer differs from the one in the store.
    pub(super) fn soil_customer(&mut self, id: CustomerId) {
        let Some(customer) = self.customers.get_mut(id) else {
            return;
        };
        let new = !customer.dirty;
        customer.dirty = true;
        if new && !customer.saving {
            self.ledger.customers.push_back(id);
        }
    }

    /// Sends to the store what waits for it. A record is on its way once at a time, so that no
    /// order among saves is needed.
    pub(super) fn flush(&mut self) {
        while self.ledger.under_way.len() < MOST_SAVES {
            let mut changes = Vec::new();
            let mut batch = Batch {
                jobs: Vec::new(),
                customers: Vec::new(),
            };
            let mut records = 0;
            while records < MOST_CHANGES
                && let Some(id) = self.ledger.customers.pop_front()
            {
                if let Some(customer) = self.customers.get_mut(id) {
                    customer.dirty = false;
                    customer.saving = true;
                    let record = Box::new(customer.record.clone());
                    changes.push(Change::Enterprise(record));
                    batch.customers.push(id);
                    records += 1;
                }
            }
            while records < MOST_CHANGES
                && let Some(slot) = self.ledger.jobs.pop_front()
            {
                let Some(job) = self.job_mut(slot) else {
                    continue;
                };
                let Some(way) = &mut job.way else {
                    job.dirty = false;
                    continue;
                };
                job.dirty = false;
                job.saving = true;
                changes.push(Change::Job(Box::new(way.record.clone())));
                let steps = std::mem::take(&mut way.steps);
                changes.extend(steps.into_iter().map(|step| Change::Step(Box::new(step))));
                batch.jobs.push(slot);
                records += 1;
            }
            if changes.is_empty() {
                return;
            }
            self.ledger.last += 1;
            let token = SaveToken(self.ledger.last);
            self.ledger.under_way.insert(token, batch);
            self.actions.push_back(Action::Save { token, changes });
        }
    }

    /// A save is durable.
    pub(super) fn saved(&mut self, token: SaveToken) {
        let Some(batch) = self.ledger.under_way.remove(&token) else {
            return;
        };
        for id in batch.customers {
            if let Some(customer) = self.customers.get_mut(id) {
                customer.saving = false;
                if customer.dirty {
                    self.ledger.customers.push_back(id);
                }
                // Whoever goes first may have waited for this.
                if let Some(candidate) = customer.candidate {
                    self.wake(candidate, true);
                }
            }
        }
        for slot in batch.jobs {
            if let Some(job) = self.job_mut(slot) {
                job.saving = false;
                if job.dirty {
                    self.ledger.jobs.push_back(slot);
                } else {
                    self.wake(slot, true);
                }
            }
        }
    }
}
