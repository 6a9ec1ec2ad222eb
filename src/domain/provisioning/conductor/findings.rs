//! What is taken down of what Webex shows: subscribers, customers, remarks.

use crate::domain::machine::Now;
use crate::domain::provisioning::conductor::Conductor;
use crate::domain::provisioning::conductor::Event;
use crate::domain::provisioning::conductor::compare;
use crate::domain::provisioning::conductor::job::Job;
use crate::domain::provisioning::conductor::job::Known;
use crate::domain::provisioning::conductor::job::Slot;
use crate::domain::provisioning::conductor::plan;
use crate::domain::provisioning::ids::EnterpriseKey;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::SpEnterpriseId;
use crate::domain::provisioning::policy::Policy;
use crate::domain::provisioning::record::EnterpriseRecord;
use crate::domain::provisioning::record::EnterpriseState;
use crate::domain::provisioning::record::JobState;
use crate::domain::provisioning::record::Presence;
use crate::domain::provisioning::webex::Enterprise;
use crate::domain::provisioning::webex::Remark;
use crate::domain::provisioning::webex::Subscriber;
use crate::domain::provisioning::webex::SubscriberStatus;

/// The remark of a precheck that says nothing is in the way.
const ALL_WELL: u64 = 100;

impl Conductor {
    pub(super) fn found(&mut self, slot: Slot, all: Vec<Subscriber>, now: Now) {
        let policy = self.policy_of(slot);
        let Some(job) = self.job(slot) else {
            return;
        };
        match choose(job, policy.as_deref(), all) {
            Some(shown) => self.shown(slot, shown, now),
            None => {
                if job.state() == JobState::Removing {
                    self.leave_home(slot);
                }
                let Some(way) = self.way_mut(slot) else {
                    return;
                };
                way.known = Known::Absent(now.mono);
                way.refresh = false;
                way.asked_customer = false;
                way.lost = false;
                let still = way.record.progress.moved;
                way.record.progress.moved = true;
                if way.read_none(now) || !still {
                    self.soil(slot);
                }
            }
        }
    }

    pub(super) fn found_old(&mut self, slot: Slot, all: Vec<Subscriber>, now: Now) {
        let policy = self.policy_of(slot);
        let Some(job) = self.job(slot) else {
            return;
        };
        let old = choose(job, policy.as_deref(), all).filter(|old| {
            let theirs = old.enterprise.as_deref();
            match (&job.desired.enterprise, theirs) {
                (Some(ours), Some(theirs)) => compare::same_customer(ours, theirs),
                (None, _) | (_, None) => true,
            }
        });
        if let Some(way) = self.way_mut(slot) {
            way.old = old.map_or(Known::Absent(now.mono), |old| Known::Found(Box::new(old)));
            way.refresh = false;
        }
    }

    pub(super) fn found_customer(&mut self, slot: Slot, all: &[Enterprise], now: Now) {
        let Some(job) = self.job_mut(slot) else {
            return;
        };
        if let Some(way) = &mut job.way {
            way.asked_customer = true;
        }
        let Some(id) = job.customer else {
            return;
        };
        let Some(customer) = self.customers.get_mut(id) else {
            return;
        };
        let ours = &customer.record.sent_as;
        let mut all = all.iter();
        let found = all.find(|found| {
            let name = found.sp_enterprise_id.as_deref();
            name.is_none_or(|name| compare::same_customer(ours, name))
        });
        match found {
            // Its organisation may still be in the making.
            Some(found)
                if found.org.is_none() && customer.record.state == EnterpriseState::FirstUser => {}
            Some(_) => {
                let found = found.cloned();
                self.ready(id, found.as_ref(), now);
            }
            None => customer.looked = customer.candidate == Some(slot),
        }
    }

    pub(super) fn prechecked(&mut self, slot: Slot, remarks: &[Remark]) {
        if let Some(way) = self.way_mut(slot) {
            way.record.progress.precheck = Some(said(remarks));
        }
        self.soil(slot);
    }

    /// Webex has shown the subscriber.
    pub(super) fn shown(&mut self, slot: Slot, shown: Subscriber, now: Now) {
        if let SubscriberStatus::Unknown(word) = &shown.status {
            let word = crate::domain::provisioning::fault::shortened(word, 40);
            self.tell(Event::UnknownStatus(word));
        }
        self.learn(slot, &shown, now);
        self.has_organisation(slot, &shown, now);
        let Some(job) = self.job_mut(slot) else {
            return;
        };
        let renamed = job.desired.formerly.is_some();
        let Some(way) = &mut job.way else {
            return;
        };
        let fresh = way.record.actual.subscriber.is_none();
        let before = way.record.actual.changed.clone();
        let mut changed = way.read(&shown, now);
        let at_work = plan::waits(&shown.status).is_some();
        let other = before.is_some() && before != shown.last_status_change;
        if (at_work || other) && !way.record.progress.moved {
            way.record.progress.moved = true;
            changed = true;
        }
        let made = way.lost && fresh && !renamed && way.record.state == JobState::Submitting;
        if made {
            // The create whose answer was lost.
            way.record.progress.created = true;
            way.wrote();
        }
        way.known = Known::Found(Box::new(shown));
        way.refresh = false;
        way.asked_customer = false;
        way.lost = false;
        if made {
            self.ours(slot);
        }
        if changed {
            self.soil(slot);
        }
    }

    /// A customer whose user is provisioned has an organisation, whoever is about to leave it.
    fn has_organisation(&mut self, slot: Slot, shown: &Subscriber, now: Now) {
        let Some(theirs) = shown.enterprise.as_deref() else {
            return;
        };
        if shown.status != SubscriberStatus::Provisioned {
            return;
        }
        let Some(cluster) = self.job(slot).map(|job| job.desired.key.cluster.clone()) else {
            return;
        };
        let Ok(theirs) = SpEnterpriseId::parse(theirs) else {
            return;
        };
        if let Some(id) = self.customers.find(&EnterpriseKey::new(cluster, &theirs)) {
            self.ready(id, None, now);
        }
    }

    /// Who only looks on learns from Webex how customers are named.
    fn learn(&mut self, slot: Slot, shown: &Subscriber, now: Now) {
        let Some(policy) = self.policy_of(slot).filter(|policy| policy.mode.tracks()) else {
            return;
        };
        let (Some(job), Some(theirs)) = (self.job(slot), &shown.enterprise) else {
            return;
        };
        let cluster = job.desired.key.cluster.clone();
        let formed = match &job.desired.presence {
            Presence::Absent { .. } => None,
            Presence::Present { profile } => policy.enterprise.of(profile).ok(),
        };
        if let Some(ours) = formed
            && !compare::same_customer(&ours, theirs)
            && self.told_forms.insert(policy.template.clone())
        {
            self.tell(Event::FormDiffers {
                template: policy.template.clone(),
                ours,
                theirs: theirs.clone(),
            });
        }
        let Ok(sent_as) = SpEnterpriseId::parse(theirs) else {
            return;
        };
        let key = EnterpriseKey::new(cluster, &sent_as);
        if self.customers.find(&key).is_none() {
            let id = self.customers.add(EnterpriseRecord {
                key,
                sent_as,
                template: policy.template.clone(),
                state: EnterpriseState::Ready,
                since: Moment::of(now.wall),
                first_user: None,
                knocked: None,
                webex: None,
                org: None,
            });
            self.soil_customer(id);
        }
    }

    /// Webex took a user of a customer whose administrator had to let us in.
    pub(super) fn let_in(&mut self, slot: Slot, now: Now) {
        let customer = self.job(slot).and_then(|job| job.customer);
        let customer = customer.and_then(|id| self.customers.get(id));
        let waits = EnterpriseState::WaitingCustomerAdmin;
        if customer.is_some_and(|customer| customer.record.state == waits) {
            self.begin_first(slot, now);
        }
    }

    /// The subscriber is not there any more.
    pub(super) fn gone(&mut self, slot: Slot, now: Now) {
        self.leave_home(slot);
        let Some(way) = self.way_mut(slot) else {
            return;
        };
        way.known = Known::Absent(now.mono);
        way.read_none(now);
        self.soil(slot);
    }
}

impl Conductor {
    /// The subscriber is not there any more where it was: of another customer than its own it may
    /// have been the first user. Of its own it is until nothing is to come in its place.
    fn leave_home(&mut self, slot: Slot) {
        let Some(job) = self.job(slot) else {
            return;
        };
        let own = job.customer;
        let way = job.way.as_ref();
        let theirs = way.and_then(|way| way.record.actual.enterprise.as_deref());
        let home = theirs.and_then(|theirs| self.customer_named(slot, theirs));
        if home != own {
            self.forget_first(slot, home);
        }
    }

    pub(super) fn email_prechecked(&mut self, slot: Slot, remarks: &[Remark]) {
        let policy = self.policy_of(slot);
        let (Some(job), Some(policy)) = (self.job_mut(slot), policy) else {
            return;
        };
        let Presence::Present { profile } = &job.desired.presence else {
            return;
        };
        let email = compare::email(&job.desired, profile, &policy).map(str::to_owned);
        if let Some(way) = &mut job.way {
            way.checked = email.map(|email| (email, said(remarks)));
            // The subscriber may have come to work meanwhile.
            way.refresh = true;
        }
    }
}

/// What a precheck has to say, in one line.
fn said(remarks: &[Remark]) -> String {
    let remarks = remarks
        .iter()
        .filter(|remark| remark.code != Some(ALL_WELL));
    let told = remarks.map(|remark| match remark.code {
        Some(code) => format!("{code}: {}", remark.description),
        None => remark.description.clone(),
    });
    told.collect::<Vec<_>>().join("; ")
}

/// The subscriber that is meant: the one that we know, else that of our customer, else that of our
/// template, else the first.
fn choose(job: &Job, policy: Option<&Policy>, all: Vec<Subscriber>) -> Option<Subscriber> {
    let known = job.way.as_ref()?.record.actual.subscriber.as_ref();
    let id = policy.and_then(|policy| policy.provisioning_id.as_ref());
    let rank = |shown: &Subscriber| {
        if known == Some(&shown.id) {
            return 0;
        }
        let ours = job.desired.enterprise.as_ref();
        let theirs = shown.enterprise.as_deref();
        if ours
            .zip(theirs)
            .is_some_and(|(ours, theirs)| compare::same_customer(ours, theirs))
        {
            return 1;
        }
        let theirs = shown.provisioning_id.as_deref();
        let same = id.zip(theirs).is_some_and(|(ours, theirs)| {
            ours.as_str().trim_end_matches('=') == theirs.trim_end_matches('=')
        });
        if same { 2 } else { 3 }
    };
    all.into_iter().min_by_key(rank)
}
