//! How users and customers come into the machine's memory, and what is heard of them there.

use std::time::Duration;
use std::time::Instant;

use crate::domain::machine::Now;
use crate::domain::provisioning::conductor::Action;
use crate::domain::provisioning::conductor::Conductor;
use crate::domain::provisioning::conductor::Event;
use crate::domain::provisioning::conductor::Standing;
use crate::domain::provisioning::conductor::job::Slot;
use crate::domain::provisioning::conductor::job::Way;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::PartnerName;
use crate::domain::provisioning::ids::UserKey;
use crate::domain::provisioning::policy::Settings;
use crate::domain::provisioning::record::Desired;
use crate::domain::provisioning::record::EnterpriseRecord;
use crate::domain::provisioning::record::EnterpriseState;
use crate::domain::provisioning::record::JobRecord;
use crate::domain::provisioning::record::JobState;

impl Conductor {
    /// Takes in a customer, at start.
    pub fn load_enterprise(&mut self, record: EnterpriseRecord, now: Now) {
        if self.customers.find(&record.key).is_some() {
            return;
        }
        let waits = record.state == EnterpriseState::WaitingCustomerAdmin;
        let asked = record.knocked.unwrap_or(record.since).max(record.since);
        let age = Moment::of(now.wall).since(asked);
        let first = record.first_user.clone();
        let begins = record.state == EnterpriseState::FirstUser;
        let id = self.customers.add(record);
        if let Some(first) = first.filter(|_| begins) {
            self.firsts.insert(first, id);
        }
        if waits {
            self.schedule_knock(id, age, now);
        }
    }

    /// Takes in a user, at start, after all customers. Those whose job has come to its end at
    /// their newest revision need not be shown, and do no harm.
    ///
    /// The first [`Machine::handle_timeout`](crate::domain::machine::Machine::handle_timeout)
    /// sets all of them going.
    pub fn load(&mut self, desired: Desired, job: Option<JobRecord>, now: Now) {
        let over = job
            .as_ref()
            .is_some_and(|job| job.revision == desired.revision && job.state.is_final());
        if over || self.index.contains_key(&desired.key) {
            return;
        }
        let slot = self.place(desired, job.map(|record| Self::resumed(record, now)));
        // Its lane, so that it can be found by lists.
        self.lane_of(slot, now);
        let Some(job) = self.job(slot) else {
            return;
        };
        // A newer wish does not undo what the older may have sent.
        let sent = job.way.as_ref().map(|way| way.record.state);
        match sent.unwrap_or(JobState::Queued) {
            JobState::Submitting => self.resume_submission(slot, now),
            JobState::Removing | JobState::DeletingPerson => self.resume_call(slot, now),
            JobState::Queued
            | JobState::WaitingFirstUser
            | JobState::WaitingCustomerAdmin
            | JobState::Prechecking
            | JobState::WaitingWebex
            | JobState::Stalled
            | JobState::WaitingEmailInput
            | JobState::WaitingEmailValidation
            | JobState::WaitingConsent
            | JobState::Attention
            | JobState::Provisioned
            | JobState::NoChange
            | JobState::Removed
            | JobState::PersonDeleted
            | JobState::Cancelled
            | JobState::Superseded => self.resume(slot, now),
        }
    }

    fn resume(&mut self, slot: Slot, now: Now) {
        let Some(job) = self.job(slot) else {
            return;
        };
        match job.state() {
            JobState::Attention => {
                let orphan = job.way.as_ref().and_then(|way| way.record.fault.as_ref());
                if orphan.is_some_and(|fault| fault.code == "A1012") {
                    self.orphans.insert(slot);
                }
                self.look_back(slot, now);
            }
            JobState::WaitingWebex
            | JobState::Stalled
            | JobState::WaitingEmailInput
            | JobState::WaitingEmailValidation
            | JobState::WaitingConsent => {
                self.list(slot);
                self.wait_on(slot, now);
            }
            JobState::Queued => {
                let wait = self.pause_left(slot, now);
                if wait.is_zero() {
                    self.enqueue(slot, false, now);
                } else {
                    self.set_due(slot, Some(now.mono + wait));
                }
            }
            JobState::WaitingFirstUser
            | JobState::WaitingCustomerAdmin
            | JobState::Prechecking
            | JobState::Submitting
            | JobState::Removing
            | JobState::DeletingPerson
            | JobState::Provisioned
            | JobState::NoChange
            | JobState::Removed
            | JobState::PersonDeleted
            | JobState::Cancelled
            | JobState::Superseded => self.enqueue(slot, false, now),
        }
    }

    /// What is left of the pause after a failure. A clock that was put right must not make it long.
    fn pause_left(&self, slot: Slot, now: Now) -> Duration {
        let way = self.job(slot).and_then(|job| job.way.as_ref());
        let next = way.and_then(|way| way.record.next);
        let wait = next.map(|next| next.since(Moment::of(now.wall)));
        let rules = &self.settings.rules;
        let longest = rules.retry_longest.max(rules.retry_after_longest);
        wait.unwrap_or_default().min(longest)
    }

    /// A call may have left just before the daemon ended, and still be under way: Webex is asked
    /// after the pause that follows a call without an answer.
    fn resume_call(&mut self, slot: Slot, now: Now) {
        let pause = self.pause_left(slot, now);
        let at = now.mono + self.settings.rules.unanswered_pause.max(pause);
        if let Some(job) = self.job_mut(slot) {
            job.not_before = Some(at);
        }
        self.set_due(slot, Some(at));
    }

    /// A way as it was before the daemon ended. Waits count from when they began.
    fn resumed(record: JobRecord, now: Now) -> Way {
        let age = Moment::of(now.wall).since(record.since);
        Way::new(record, earlier(now.mono, age))
    }

    /// A create may have left before the daemon ended.
    fn resume_submission(&mut self, slot: Slot, now: Now) {
        self.resume_call(slot, now);
        let Some(job) = self.job_mut(slot) else {
            return;
        };
        let customer = job.customer;
        if let Some(way) = &mut job.way {
            way.lost = true;
        }
        // Whoever knocked at a customer's administrator may have been let in.
        if let Some(customer) = customer.and_then(|id| self.customers.get_mut(id)) {
            let waits = customer.record.state == EnterpriseState::WaitingCustomerAdmin;
            if waits && customer.candidate.is_none() {
                customer.candidate = Some(slot);
            }
        }
    }

    /// A new revision, durable already.
    pub(super) fn desired(&mut self, desired: Desired, enterprise: Option<EnterpriseRecord>) {
        if let Some(record) = enterprise {
            self.bind(record);
        }
        if let Some(slot) = self.index.get(&desired.key).copied() {
            self.renew(slot, desired);
            return;
        }
        let first = desired.revision <= 1;
        let key = desired.key.clone();
        let slot = self.place(desired, None);
        if first {
            self.wake(slot, false);
        } else if let Some(job) = self.job_mut(slot) {
            job.recalling = true;
            self.actions.push_back(Action::Recall(key));
        }
    }

    fn bind(&mut self, record: EnterpriseRecord) {
        let Some(id) = self.customers.find(&record.key) else {
            self.customers.add(record);
            return;
        };
        let Some(customer) = self.customers.get_mut(id) else {
            return;
        };
        // Bound anew before Webex was asked; what the machine knows of it stays.
        if customer.record.state == EnterpriseState::New && customer.record.webex.is_none() {
            customer.record.template = record.template;
            customer.record.sent_as = record.sent_as;
        }
    }

    fn renew(&mut self, slot: Slot, desired: Desired) {
        let customer = self.customer_of(&desired);
        let Some(job) = self.job_mut(slot) else {
            return;
        };
        if desired.revision <= job.desired.revision {
            return;
        }
        let was_final = job.is_final();
        job.desired = desired;
        let moved = job.customer != customer;
        if was_final {
            self.open += 1;
        }
        self.leave_queue(slot);
        if moved {
            self.change_customer(slot, customer);
        }
        self.orphans.remove(&slot);
        self.note_rename(slot);
        self.set_due(slot, None);
        self.wake(slot, false);
    }

    /// What the store holds of a user that was not in memory.
    pub(super) fn recalled(&mut self, key: &UserKey, record: Option<JobRecord>, now: Now) {
        let Some(slot) = self.index.get(key).copied() else {
            return;
        };
        let Some(job) = self.job_mut(slot).filter(|job| job.recalling) else {
            return;
        };
        job.recalling = false;
        job.way = record.map(|record| Box::new(Self::resumed(record, now)));
        if job.is_final() {
            self.open = self.open.saturating_sub(1);
        }
        self.wake(slot, false);
    }

    /// Something was heard of a user.
    pub(super) fn observed(&mut self, key: &UserKey) {
        let Some(slot) = self.index.get(key).copied() else {
            return;
        };
        let waits = self.job(slot).is_some_and(|job| job.due.is_some());
        if waits {
            self.set_due(slot, None);
            self.timer(slot);
        }
    }

    /// A wait of a job is over.
    pub(super) fn timer(&mut self, slot: Slot) {
        let looks_back = self.job(slot).is_some_and(|job| !job.left.is_empty());
        if let Some(way) = self.job_mut(slot).and_then(|job| job.way.as_mut()) {
            way.refresh |= way.record.state.polls() || looks_back;
            way.asked_customer = false;
        }
        self.wake(slot, false);
    }

    /// Whether there is a token of a partner.
    pub(super) fn token(&mut self, partner: &PartnerName, ok: bool, now: Now) {
        let id = self.lane(partner, now.mono);
        let rules = &self.settings.rules;
        let Some(lane) = self.lanes.get_mut(id) else {
            return;
        };
        let standing = if ok {
            lane.open().then_some(Standing::Open)
        } else {
            lane.refuse(true, rules, now.mono)
                .then_some(Standing::Refused)
        };
        if let Some(standing) = standing {
            let partner = partner.clone();
            self.tell(Event::Partner { partner, standing });
        }
    }

    /// The configuration has changed. What is under way goes on by the new one.
    pub(super) fn take_settings(&mut self, settings: Settings, now: Now) {
        self.settings = settings;
        self.change_lanes(now);
        self.look_back_again(now);
        for slot in std::mem::take(&mut self.orphans) {
            let known = self
                .job(slot)
                .is_some_and(|job| self.settings.templates.contains_key(&job.desired.template));
            if known {
                self.move_to(slot, JobState::Queued, "the template is back", None, now);
                self.wake(slot, false);
            } else {
                self.orphans.insert(slot);
            }
        }
    }
}

/// A moment in the past, as far back as the clock can tell.
fn earlier(now: Instant, age: Duration) -> Instant {
    /// Beyond this no wait is told from a longer one.
    const MOST: Duration = Duration::from_secs(400 * 86_400);
    let mut age = age.min(MOST);
    loop {
        if let Some(then) = now.checked_sub(age) {
            return then;
        }
        age /= 2;
    }
}
