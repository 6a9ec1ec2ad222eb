//! The first user of a customer: Webex makes the organisation with it, once, so that one goes alone
//! and all others wait until the organisation is there.

use std::time::Duration;

use crate::domain::machine::Now;
use crate::domain::provisioning::conductor::Conductor;
use crate::domain::provisioning::conductor::EnterpriseEvent;
use crate::domain::provisioning::conductor::Event;
use crate::domain::provisioning::conductor::customers::CustomerId;
use crate::domain::provisioning::conductor::job::Slot;
use crate::domain::provisioning::conductor::job::Way;
use crate::domain::provisioning::conductor::plan;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::UserKey;
use crate::domain::provisioning::record::EnterpriseState;
use crate::domain::provisioning::record::Fault;
use crate::domain::provisioning::record::JobState;
use crate::domain::provisioning::webex::Enterprise;
use crate::domain::provisioning::webex::SubscriberStatus;

impl Conductor {
    /// A job goes first for its customer.
    pub(super) fn claim(&mut self, slot: Slot, now: Now) {
        let Some(id) = self.job(slot).and_then(|job| job.customer) else {
            return;
        };
        let Some(customer) = self.customers.get_mut(id) else {
            return;
        };
        customer.candidate = Some(slot);
        customer.looked = false;
        customer.knock_due = false;
        if customer.record.state == EnterpriseState::FirstUser {
            self.set_customer(id, EnterpriseState::New, now);
        }
    }

    /// A job is written down as the first user of its customer.
    pub(super) fn begin_first(&mut self, slot: Slot, now: Now) {
        let Some(job) = self.job(slot) else {
            return;
        };
        let (key, id) = (job.desired.key.clone(), job.customer);
        let Some(id) = id else {
            return;
        };
        if let Some(customer) = self.customers.get_mut(id) {
            customer.record.first_user = Some(key.clone());
        }
        self.firsts.insert(key, id);
        self.set_customer(id, EnterpriseState::FirstUser, now);
    }

    /// There is an organisation: all that wait go on.
    pub(super) fn ready(&mut self, id: CustomerId, found: Option<&Enterprise>, now: Now) {
        let Some(customer) = self.customers.get_mut(id) else {
            return;
        };
        if let Some(found) = found {
            let record = &mut customer.record;
            let new = record.webex.as_ref() != Some(&found.id) || record.org != found.org;
            record.webex = Some(found.id.clone());
            record.org.clone_from(&found.org);
            if new {
                self.soil_customer(id);
            }
        }
        let Some(customer) = self.customers.get_mut(id) else {
            return;
        };
        customer.candidate = None;
        customer.looked = false;
        if customer.record.state == EnterpriseState::Ready {
            return;
        }
        if let Some(at) = customer.knock_at.take() {
            self.knocks.remove(&(at, id));
        }
        self.set_customer(id, EnterpriseState::Ready, now);
        let waiting = self.customers.get_mut(id);
        let waiting = waiting.map(|customer| std::mem::take(&mut customer.waiting));
        for slot in waiting.unwrap_or_default().into_values() {
            if let Some(job) = self.job_mut(slot) {
                job.held = None;
                self.wake(slot, false);
            }
        }
    }

    /// The customer's administrator has to let us in: the whole customer waits.
    pub(super) fn wait_for_admin(&mut self, slot: Slot, fault: &Fault, now: Now) {
        let Some(id) = self.job(slot).and_then(|job| job.customer) else {
            return;
        };
        let Some(customer) = self.customers.get_mut(id) else {
            return;
        };
        customer.candidate = None;
        customer.looked = false;
        customer.record.first_user = None;
        customer.record.knocked = Some(Moment::of(now.wall));
        customer.knock_due = false;
        let again = customer.record.state == EnterpriseState::WaitingCustomerAdmin;
        let waiting: Vec<Slot> = customer.waiting.values().copied().collect();
        if again {
            self.soil_customer(id);
        } else {
            self.set_customer(id, EnterpriseState::WaitingCustomerAdmin, now);
        }
        self.schedule_knock(id, Duration::ZERO, now);
        for waiting in waiting {
            let fault = Some(fault.clone());
            let why = "the customer's administrator has to let the partner in";
            self.move_to(waiting, JobState::WaitingCustomerAdmin, why, fault, now);
        }
    }

    /// When somebody asks again whether we are let in.
    pub(super) fn schedule_knock(&mut self, id: CustomerId, age: Duration, now: Now) {
        let every = self.settings.rules.customer_admin_every;
        let Some(customer) = self.customers.get_mut(id) else {
            return;
        };
        if let Some(before) = customer.knock_at.take() {
            self.knocks.remove(&(before, id));
        }
        if every.is_zero() {
            return;
        }
        let at = now.mono + every.saturating_sub(age);
        customer.knock_at = Some(at);
        self.knocks.insert((at, id));
    }

    /// One of those that wait asks again.
    pub(super) fn knock(&mut self, id: CustomerId, now: Now) {
        let Some(customer) = self.customers.get_mut(id) else {
            return;
        };
        customer.knock_at = None;
        let waits = customer.record.state == EnterpriseState::WaitingCustomerAdmin;
        if !waits {
            return;
        }
        // Just after the start nobody waits yet: the first who does goes.
        customer.knock_due = customer.candidate.is_none() && customer.waiting.is_empty();
        if customer.candidate.is_none() {
            self.next_candidate(id);
        }
        self.schedule_knock(id, Duration::ZERO, now);
    }

    /// The one that waits longest goes first.
    pub(super) fn next_candidate(&mut self, id: CustomerId) {
        let Some(customer) = self.customers.get_mut(id) else {
            return;
        };
        let Some((_, slot)) = customer.waiting.pop_first() else {
            return;
        };
        customer.candidate = Some(slot);
        customer.looked = false;
        if let Some(job) = self.job_mut(slot) {
            job.held = None;
            self.wake(slot, false);
        }
    }

    /// A job waits behind others of its customer.
    pub(super) fn hold(&mut self, slot: Slot, state: JobState, now: Now) {
        let Some(job) = self.job(slot) else {
            return;
        };
        let id = job.customer;
        let fault = job.way.as_ref().and_then(|way| way.record.fault.clone());
        let why = if state == JobState::WaitingCustomerAdmin {
            "the customer's administrator has to let the partner in"
        } else {
            "the first user of the customer has to be through before"
        };
        self.move_to(slot, state, why, fault, now);
        self.leave_queue(slot);
        let place = id.and_then(|id| self.customers.wait(id, slot));
        if let Some(job) = self.job_mut(slot) {
            job.held = place;
        }
    }

    /// A job waits behind nobody any more.
    pub(super) fn leave_queue(&mut self, slot: Slot) {
        let Some(job) = self.job_mut(slot) else {
            return;
        };
        let (held, id) = (job.held.take(), job.customer);
        if let (Some(place), Some(id)) = (held, id)
            && let Some(customer) = self.customers.get_mut(id)
        {
            customer.waiting.remove(&place);
        }
    }

    /// A job goes first no more: the next may, unless what this one began may still be under way.
    pub(super) fn step_back(&mut self, slot: Slot) {
        let Some(job) = self.job(slot) else {
            return;
        };
        let Some(id) = job.customer else {
            return;
        };
        let unsettled = job.way.as_deref().is_some_and(unsettled);
        let cancelled = job.state() == JobState::Cancelled;
        let first = self.is_first_of(slot, id);
        if !first || !unsettled || cancelled {
            self.open_gate(slot, id);
        }
    }

    /// Whether a job is written down as the first user of a customer that has no organisation.
    pub(super) fn is_first_of(&self, slot: Slot, id: CustomerId) -> bool {
        let (Some(job), Some(customer)) = (self.job(slot), self.customers.get(id)) else {
            return false;
        };
        customer.record.state == EnterpriseState::FirstUser
            && customer.record.first_user.as_ref() == Some(&job.desired.key)
    }

    /// The first user of a customer that has an organisation is gone: nobody is known to
    /// administer it.
    pub(super) fn forget_first(&mut self, slot: Slot, customer: Option<CustomerId>) {
        let Some(job) = self.job(slot) else {
            return;
        };
        let key = job.desired.key.clone();
        let Some(id) = customer else {
            return;
        };
        if let Some(customer) = self.customers.get_mut(id)
            && customer.record.state == EnterpriseState::Ready
            && customer.record.first_user == Some(key)
        {
            customer.record.first_user = None;
            self.soil_customer(id);
        }
    }

    /// The first user of a customer that has an organisation goes on under another user id: it
    /// administers the organisation as before.
    pub(super) fn inherit_first(&mut self, slot: Slot) {
        let Some(job) = self.job(slot) else {
            return;
        };
        let key = job.desired.key.clone();
        let former = job.desired.formerly.as_ref();
        let former = former.map(|former| UserKey::new(key.cluster.clone(), former));
        let (Some(former), Some(id)) = (former, job.customer) else {
            return;
        };
        if let Some(customer) = self.customers.get_mut(id)
            && customer.record.state == EnterpriseState::Ready
            && customer.record.first_user.as_ref() == Some(&former)
        {
            customer.record.first_user = Some(key);
            self.soil_customer(id);
        }
    }

    fn set_customer(&mut self, id: CustomerId, state: EnterpriseState, now: Now) {
        let Some(customer) = self.customers.get_mut(id) else {
            return;
        };
        customer.record.state = state;
        customer.record.since = Moment::of(now.wall);
        let key = customer.record.key.clone();
        self.soil_customer(id);
        let what = match state {
            EnterpriseState::New => return,
            EnterpriseState::FirstUser => EnterpriseEvent::FirstUser,
            EnterpriseState::WaitingCustomerAdmin => EnterpriseEvent::WaitingCustomerAdmin,
            EnterpriseState::Ready => EnterpriseEvent::Ready,
        };
        self.tell(Event::Enterprise { key, what });
    }
}

/// Whether Webex may still be at work on what a job began, or come to it as soon as the person has
/// typed an address or consented: nobody has to be asked before that.
fn unsettled(way: &Way) -> bool {
    let status = way.record.actual.status.as_deref();
    way.lost || status.is_some_and(|status| plan::waits(&SubscriberStatus::parse(status)).is_some())
}
