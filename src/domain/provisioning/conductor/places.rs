//! Where a user stands in the machine's memory, and how it leaves it.

use std::sync::Arc;
use std::time::Instant;

use crate::domain::provisioning::conductor::Conductor;
use crate::domain::provisioning::conductor::customers::CustomerId;
use crate::domain::provisioning::conductor::job::Job;
use crate::domain::provisioning::conductor::job::Known;
use crate::domain::provisioning::conductor::job::Slot;
use crate::domain::provisioning::conductor::job::Way;
use crate::domain::provisioning::conductor::lane::Lane;
use crate::domain::provisioning::conductor::lane::LaneId;
use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::ids::EnterpriseKey;
use crate::domain::provisioning::ids::PartnerName;
use crate::domain::provisioning::ids::SpEnterpriseId;
use crate::domain::provisioning::ids::UserKey;
use crate::domain::provisioning::policy::Policy;
use crate::domain::provisioning::record::Desired;
use crate::domain::provisioning::record::Word;

impl Conductor {
    /// Gives a user a place in memory.
    pub(super) fn place(&mut self, mut desired: Desired, way: Option<Way>) -> Slot {
        let customer = self.customer_of(&desired);
        if let Some(customer) = customer.and_then(|id| self.customers.get(id)) {
            // A hundred thousand users of few customers share the texts.
            let record = &customer.record;
            if desired.enterprise.as_ref() == Some(&record.sent_as) {
                desired.enterprise = Some(record.sent_as.clone());
            }
            if desired.template == record.template {
                desired.template = record.template.clone();
            }
            if desired.key.cluster == record.key.cluster {
                desired.key.cluster = record.key.cluster.clone();
            }
        }
        let key = desired.key.clone();
        let mut job = Job::new(desired, customer);
        job.way = way.map(Box::new);
        let open = !job.is_final();
        let slot = match self.free.pop() {
            Some(slot) => {
                if let Some(place) = self.jobs.get_mut(slot) {
                    *place = Some(job);
                }
                slot
            }
            None => {
                self.jobs.push(Some(job));
                self.jobs.len() - 1
            }
        };
        self.index.insert(key, slot);
        self.open += usize::from(open);
        self.note_rename(slot);
        self.note_left(slot);
        slot
    }

    /// Forgets a job that has come to its end and is saved.
    pub(super) fn forget(&mut self, slot: Slot) {
        let Some(job) = self.job(slot) else {
            return;
        };
        if !job.is_final() || !job.is_clean() || job.calling || job.recalling || job.queued {
            return;
        }
        let key = job.desired.key.clone();
        self.set_due(slot, None);
        self.leave_queue(slot);
        self.unlist(slot);
        self.orphans.remove(&slot);
        if let Some(former) = self.job(slot).and_then(former_of)
            && self.renames.get(&former) == Some(&slot)
        {
            self.renames.remove(&former);
        }
        self.index.remove(&key);
        if let Some(place) = self.jobs.get_mut(slot) {
            *place = None;
        }
        self.free.push(slot);
    }

    pub(super) fn note_rename(&mut self, slot: Slot) {
        if let Some(former) = self.job(slot).and_then(former_of) {
            self.renames.insert(former, slot);
        }
    }

    pub(super) fn customer_of(&self, desired: &Desired) -> Option<CustomerId> {
        let enterprise = desired.enterprise.as_ref()?;
        let key = EnterpriseKey::new(desired.key.cluster.clone(), enterprise);
        self.customers.find(&key)
    }

    /// The customer in which Webex shows the subscriber, which may be another one than it is to be
    /// of; unknown of one that nobody told us of.
    pub(super) fn home_of(&self, slot: Slot) -> Option<CustomerId> {
        let job = self.job(slot)?;
        let Known::Found(shown) = &job.way.as_ref()?.known else {
            return job.customer;
        };
        match shown.enterprise.as_deref() {
            Some(theirs) => self.customer_named(slot, theirs),
            None => job.customer,
        }
    }

    /// The customer that Webex calls by a name, of the cluster of a job.
    pub(super) fn customer_named(&self, slot: Slot, theirs: &str) -> Option<CustomerId> {
        let cluster = self.job(slot)?.desired.key.cluster.clone();
        let theirs = SpEnterpriseId::parse(theirs.trim()).ok()?;
        self.customers.find(&EnterpriseKey::new(cluster, &theirs))
    }

    pub(super) fn policy_of(&self, slot: Slot) -> Option<Arc<Policy>> {
        let template = &self.job(slot)?.desired.template;
        self.settings.templates.get(template).cloned()
    }

    /// The lane of a partner, which comes to be when it is first needed.
    pub(super) fn lane(&mut self, partner: &PartnerName, now: Instant) -> LaneId {
        if let Some(id) = self.lane_index.get(partner) {
            return *id;
        }
        let id = self.lanes.len();
        self.lanes.push(Lane::new(partner.clone(), now));
        self.lane_index.insert(partner.clone(), id);
        id
    }
}

/// The user that another one was before, if that one still has to be told apart.
fn former_of(job: &Job) -> Option<UserKey> {
    let formerly: &BwUserId = job.desired.formerly.as_ref()?;
    if job.leaves() || job.desired.word == Some(Word::Cancel) {
        return None;
    }
    Some(UserKey::new(job.desired.key.cluster.clone(), formerly))
}
