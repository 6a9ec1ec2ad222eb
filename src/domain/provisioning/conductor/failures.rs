//! What becomes of calls that failed, or that nobody answered.

use std::time::Duration;

use crate::domain::machine::Now;
use crate::domain::provisioning::conductor::Conductor;
use crate::domain::provisioning::conductor::job::Asked;
use crate::domain::provisioning::conductor::job::Known;
use crate::domain::provisioning::conductor::job::Slot;
use crate::domain::provisioning::conductor::waits;
use crate::domain::provisioning::fault::Class;
use crate::domain::provisioning::fault::Judged;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::record::EnterpriseState;
use crate::domain::provisioning::record::Fault;
use crate::domain::provisioning::record::JobState;
use crate::domain::provisioning::webex::CallFailure;
use crate::domain::provisioning::webex::FailureKind;
use crate::domain::provisioning::webex::SubscriberStatus;
use crate::domain::provisioning::webex::WebexAnswer;

impl Conductor {
    pub(super) fn failed(
        &mut self,
        slot: Slot,
        asked: Asked,
        failure: &CallFailure,
        judged: &Judged,
        now: Now,
    ) {
        if failure.kind == FailureKind::Status(404) && self.missing(slot, asked, now) {
            return;
        }
        if failure.kind.may_have_happened() && !asked.reads() {
            self.lost(slot, asked, now);
        }
        if self.job(slot).map(|job| job.state()) == Some(JobState::Attention) {
            // It was only to be seen what became of an earlier customer.
            self.look_back(slot, now);
            return;
        }
        match judged.class {
            // The partner is slowed or rests, the job is not to blame.
            Class::Limit => {}
            Class::Auth if failure.kind != FailureKind::Status(403) => {}
            Class::Auth | Class::Transient => self.try_again(slot, asked, failure, judged, now),
            Class::Customer if self.begins_customer(slot, asked) => {
                let fault = judged.fault(&failure.text, Moment::of(now.wall));
                self.wait_for_admin(slot, &fault, now);
                let why = "the customer's administrator has to let the partner in";
                let state = JobState::WaitingCustomerAdmin;
                self.move_to(slot, state, why, Some(fault), now);
                self.hold(slot, state, now);
            }
            Class::Customer | Class::Data | Class::Fault | Class::User => {
                let fault = if asked == Asked::Update && self.has_failed(slot) {
                    let text = format!(
                        "The subscriber worked before and is in error at Webex, which refuses to \
                         change it: {}",
                        failure.text
                    );
                    let at = Moment::of(now.wall);
                    self.settings.faults.ours("A2012", text, at)
                } else if asked == Asked::PrecheckEmail {
                    let text = format!(
                        "Webex would not take the new e-mail address, so nothing was removed; \
                         confirm to remove the subscriber all the same: {}",
                        failure.text
                    );
                    judged.fault(&text, Moment::of(now.wall))
                } else {
                    judged.fault(&failure.text, Moment::of(now.wall))
                };
                self.give_up(slot, fault, now);
            }
        }
    }

    /// Whether Webex shows the subscriber in error.
    fn has_failed(&self, slot: Slot) -> bool {
        let way = self.job(slot).and_then(|job| job.way.as_ref());
        way.is_some_and(|way| match &way.known {
            Known::Found(shown) => shown.status == SubscriberStatus::Error,
            Known::Absent(_) | Known::Unknown => false,
        })
    }

    /// Whether it was to be the first user of its customer.
    fn begins_customer(&self, slot: Slot, asked: Asked) -> bool {
        let asks = matches!(asked, Asked::Provision | Asked::Precheck);
        let customer = self.job(slot).and_then(|job| job.customer);
        let customer = customer.and_then(|id| self.customers.get(id));
        asks && customer.is_some_and(|customer| customer.record.state != EnterpriseState::Ready)
    }

    /// What was asked about is not there. Says whether that is an answer.
    fn missing(&mut self, slot: Slot, asked: Asked, now: Now) -> bool {
        match asked {
            Asked::Find => self.found(slot, Vec::new(), now),
            Asked::FindOld => self.found_old(slot, Vec::new(), now),
            Asked::FindCustomer => self.found_customer(slot, &[], now),
            Asked::Get | Asked::Update | Asked::Consent => {
                // It may be there under another name: it is looked up by its user.
                self.forget_subscriber(slot);
            }
            Asked::Delete | Asked::DeleteOld | Asked::DeletePerson | Asked::DeleteWorkspace => {
                self.succeeded(slot, asked, WebexAnswer::Done, now);
            }
            Asked::UpdateOld => {
                if let Some(way) = self.way_mut(slot) {
                    way.old = Known::Unknown;
                }
            }
            Asked::UpdateWorkspace => self.done(slot, Asked::DeleteWorkspace, now),
            Asked::Precheck
            | Asked::PrecheckEmail
            | Asked::Provision
            | Asked::ProvisionWorkspace => return false,
        }
        true
    }

    /// The subscriber is not known any more by its name.
    pub(super) fn forget_subscriber(&mut self, slot: Slot) {
        if let Some(way) = self.way_mut(slot) {
            way.known = Known::Unknown;
            way.refresh = false;
            way.record.actual.subscriber = None;
        }
    }

    /// A call may have done what it was to do, but nobody said so: Webex is asked, after a pause
    /// in which its lists can catch up.
    pub(super) fn lost(&mut self, slot: Slot, asked: Asked, now: Now) {
        let pause = self.settings.rules.unanswered_pause;
        let Some(job) = self.job_mut(slot) else {
            return;
        };
        job.not_before = Some(now.mono + pause);
        let Some(way) = &mut job.way else {
            return;
        };
        way.known = Known::Unknown;
        way.old = Known::Unknown;
        way.refresh = false;
        way.lost |= asked == Asked::Provision;
        way.armed = false;
    }

    /// It failed for now.
    fn try_again(
        &mut self,
        slot: Slot,
        asked: Asked,
        failure: &CallFailure,
        judged: &Judged,
        now: Now,
    ) {
        let at = Moment::of(now.wall);
        let fault = judged.fault(&failure.text, at);
        let Some(way) = self.way_mut(slot) else {
            return;
        };
        let record = &mut way.record;
        record.attempt = record.attempt.saturating_add(1);
        let since = *record.progress.failing_since.get_or_insert(at);
        // What stands before every create counts as one: a look-up that works is no success of it.
        let stands_before = matches!(
            asked,
            Asked::FindCustomer | Asked::Precheck | Asked::PrecheckEmail
        );
        if !asked.reads() || stands_before {
            record.progress.write_failed = record.progress.write_failed.saturating_add(1);
            record.progress.write_failing_since.get_or_insert(since);
        }
        let wished = failure.retry_after.unwrap_or(Duration::ZERO);
        self.pause(slot, fault, since, wished, now);
    }

    /// A change of the user id was taken, and Webex shows the old one: it is looked at again, ever
    /// more seldom and not for ever.
    pub(super) fn renamed_in_vain(&mut self, slot: Slot, now: Now) {
        let at = Moment::of(now.wall);
        let text = "Webex took the change of the user id and still shows the old one.".to_owned();
        let fault = self.settings.faults.ours("A2011", text, at);
        self.lost(slot, Asked::UpdateOld, now);
        let Some(way) = self.way_mut(slot) else {
            return;
        };
        let record = &mut way.record;
        let progress = &mut record.progress;
        progress.write_failed = progress.write_failed.saturating_add(1);
        record.attempt = progress.write_failed;
        let since = *progress.write_failing_since.get_or_insert(at);
        progress.failing_since = Some(since);
        self.pause(slot, fault, since, Duration::ZERO, now);
    }

    /// Waits longer each time, or gives up.
    fn pause(&mut self, slot: Slot, fault: Fault, since: Moment, wished: Duration, now: Now) {
        let rules = self.settings.rules.clone();
        let Some(way) = self.way_mut(slot) else {
            return;
        };
        let attempt = way.record.attempt;
        let failing = Moment::of(now.wall).since(since);
        if attempt >= rules.retry_tries.max(1) || failing >= rules.retry_for {
            self.give_up(slot, fault, now);
            return;
        }
        way.fail(fault);
        let pause = waits::pause(attempt, &rules).max(wished.min(rules.retry_after_longest));
        let pause = self.jittered(pause);
        if let Some(way) = self.way_mut(slot) {
            way.record.next = Some(Moment::of(now.wall + pause));
        }
        self.soil(slot);
        self.set_due(slot, Some(now.mono + pause));
    }
}
