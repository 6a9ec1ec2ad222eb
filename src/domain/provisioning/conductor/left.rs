//! Customers that a job has left while it was their first user: each keeps its gate closed until it
//! is known what became of what the job began there.

use crate::domain::machine::Now;
use crate::domain::provisioning::conductor::Conductor;
use crate::domain::provisioning::conductor::compare;
use crate::domain::provisioning::conductor::customers::CustomerId;
use crate::domain::provisioning::conductor::job::Known;
use crate::domain::provisioning::conductor::job::Slot;
use crate::domain::provisioning::conductor::plan;
use crate::domain::provisioning::record::EnterpriseState;
use crate::domain::provisioning::record::JobState;

impl Conductor {
    /// A user that comes into memory may be written down as the first of a customer that it has
    /// left since.
    pub(super) fn note_left(&mut self, slot: Slot) {
        let Some(job) = self.job(slot) else {
            return;
        };
        let Some(id) = self.firsts.get(&job.desired.key).copied() else {
            return;
        };
        if job.customer != Some(id)
            && self.is_first_of(slot, id)
            && let Some(job) = self.job_mut(slot)
        {
            job.left.push(id);
        }
    }

    /// A job is of another customer from now on. What it began for the one before keeps that gate
    /// closed until it is known what became of it.
    pub(super) fn change_customer(&mut self, slot: Slot, customer: Option<CustomerId>) {
        let Some(job) = self.job(slot) else {
            return;
        };
        let (before, calling) = (job.customer, job.calling);
        if let Some(id) = before {
            let candidate = |held: &Self| {
                let customer = held.customers.get(id);
                customer.is_some_and(|customer| customer.candidate == Some(slot))
            };
            let pending = self.is_first_of(slot, id)
                && job.way.as_ref().is_some_and(|way| {
                    way.record.actual.subscriber.is_some() || matches!(way.known, Known::Unknown)
                });
            if !calling && !pending {
                self.step_back(slot);
            }
            if (candidate(self) || self.is_first_of(slot, id))
                && let Some(job) = self.job_mut(slot)
                && !job.left.contains(&id)
            {
                job.left.push(id);
            }
        }
        if let Some(job) = self.job_mut(slot) {
            job.customer = customer;
            job.left.retain(|left| Some(*left) != customer);
        }
    }

    /// Webex has shown what became of what a job began for customers that it has left.
    pub(super) fn settle_left(&mut self, slot: Slot, now: Now) {
        let Some(job) = self.job(slot) else {
            return;
        };
        if job.left.is_empty() || job.calling {
            return;
        }
        let Some(way) = &job.way else {
            return;
        };
        let keeps = |id: CustomerId| match &way.known {
            Known::Unknown => true,
            Known::Absent(_) => way.lost,
            Known::Found(shown) => {
                let there = self.customers.get(id).is_some_and(|customer| {
                    let theirs = shown.enterprise.as_deref().unwrap_or_default();
                    compare::same_customer(&customer.record.sent_as, theirs)
                });
                there && plan::waits(&shown.status).is_some()
            }
        };
        let (kept, settled): (Vec<_>, Vec<_>) = job.left.iter().partition(|id| keeps(**id));
        if let Some(job) = self.job_mut(slot) {
            job.left = kept;
        }
        for id in settled {
            self.open_gate(slot, id);
        }
        self.look_back(slot, now);
    }

    /// A job that stands still is looked at now and then while the gate of an earlier customer is
    /// closed because of it.
    pub(super) fn look_back(&mut self, slot: Slot, now: Now) {
        let every = self.settings.rules.stalled_every;
        let stands = self
            .job(slot)
            .is_some_and(|job| job.state() == JobState::Attention && !job.left.is_empty());
        if stands {
            self.set_due(slot, Some(now.mono + every));
        }
    }

    /// Whoever could not be looked at for want of a template or a partner may be now.
    pub(super) fn look_back_again(&mut self, now: Now) {
        let guards: Vec<Slot> = (0..self.jobs.len())
            .filter(|slot| self.job(*slot).is_some_and(|job| !job.left.is_empty()))
            .collect();
        for slot in guards {
            self.look_back(slot, now);
        }
    }

    /// A job has come to its end: no gate is closed because of it any more.
    pub(super) fn leave_all(&mut self, slot: Slot) {
        let left = self.job_mut(slot).map(|job| std::mem::take(&mut job.left));
        for id in left.unwrap_or_default() {
            self.open_gate(slot, id);
        }
    }

    /// The next of a customer's users may go first, if this one did.
    pub(super) fn open_gate(&mut self, slot: Slot, id: CustomerId) {
        let first = self.is_first_of(slot, id);
        let Some(customer) = self.customers.get_mut(id) else {
            return;
        };
        if customer.candidate != Some(slot) && !first {
            return;
        }
        customer.candidate = None;
        customer.looked = false;
        let admin = customer.record.state == EnterpriseState::WaitingCustomerAdmin;
        if first {
            customer.record.first_user = None;
            customer.record.state = EnterpriseState::New;
            self.soil_customer(id);
        }
        if !admin {
            self.next_candidate(id);
        }
    }
}
