//! What becomes of what Webex answers.

use crate::domain::machine::Now;
use crate::domain::provisioning::conductor::About;
use crate::domain::provisioning::conductor::Call;
use crate::domain::provisioning::conductor::CallId;
use crate::domain::provisioning::conductor::Conductor;
use crate::domain::provisioning::conductor::Event;
use crate::domain::provisioning::conductor::Standing;
use crate::domain::provisioning::conductor::job::Asked;
use crate::domain::provisioning::conductor::job::Known;
use crate::domain::provisioning::conductor::job::Slot;
use crate::domain::provisioning::conductor::lane::LaneId;
use crate::domain::provisioning::fault::Class;
use crate::domain::provisioning::fault::Judged;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::TrackingId;
use crate::domain::provisioning::webex::CallFailure;
use crate::domain::provisioning::webex::FailureKind;
use crate::domain::provisioning::webex::Subscriber;
use crate::domain::provisioning::webex::SubscriberStatus;
use crate::domain::provisioning::webex::WebexAnswer;

impl Conductor {
    /// A call has ended.
    pub(super) fn answered(
        &mut self,
        call: CallId,
        outcome: Result<WebexAnswer, CallFailure>,
        tracking: Vec<TrackingId>,
        now: Now,
    ) {
        let Some(Call { lane, about }) = self.calls.remove(&call) else {
            return;
        };
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.in_flight = lane.in_flight.saturating_sub(1);
        }
        let outcome = outcome.map_err(|failure| {
            let judged = self.settings.faults.judge(&failure);
            (failure, judged)
        });
        self.judge_partner(lane, outcome.as_ref().err(), now);
        match about {
            About::List => self.listed(lane, outcome.ok(), now),
            About::Job(slot, asked, customer) => {
                let mut meanwhile = None;
                if let Some(job) = self.job_mut(slot) {
                    job.calling = false;
                    if let Some(way) = &mut job.way {
                        way.track(tracking);
                    }
                    // What is answered is about the customer of then.
                    if job.customer != customer {
                        meanwhile = Some(std::mem::replace(&mut job.customer, customer));
                    }
                }
                match outcome {
                    Ok(answer) => self.succeeded(slot, asked, answer, now),
                    Err((failure, judged)) => self.failed(slot, asked, &failure, &judged, now),
                }
                if let Some(customer) = meanwhile {
                    self.leave_queue(slot);
                    if let Some(job) = self.job_mut(slot) {
                        job.customer = customer;
                    }
                }
                self.settle_left(slot, now);
                self.wake(slot, true);
            }
        }
    }

    /// What an answer says of how we stand with the partner.
    fn judge_partner(&mut self, id: LaneId, failure: Option<&(CallFailure, Judged)>, now: Now) {
        let rules = self.settings.rules.clone();
        let mut slowed = None;
        if let Some((failure, judged)) = failure
            && judged.class == Class::Limit
        {
            let wait = failure.retry_after.unwrap_or(rules.slow_down);
            slowed = Some(self.jittered(wait.min(rules.retry_after_longest)));
        }
        let Some(lane) = self.lanes.get_mut(id) else {
            return;
        };
        let standing = match failure {
            None => lane.open().then_some(Standing::Open),
            Some((failure, judged)) => match judged.class {
                Class::Auth => {
                    let token = failure.kind != FailureKind::Status(403);
                    let new = lane.refuse(token, &rules, now.mono);
                    new.then_some(Standing::Refused)
                }
                Class::Limit => {
                    lane.neither(now.mono);
                    let wait = slowed.unwrap_or_default();
                    let new = lane.slow(now.mono + wait, now.mono);
                    new.then_some(Standing::Slowed(wait))
                }
                Class::Transient => {
                    lane.neither(now.mono);
                    None
                }
                Class::Customer | Class::Data | Class::Fault | Class::User => {
                    lane.open().then_some(Standing::Open)
                }
            },
        };
        let partner = lane.partner.clone();
        if let Some(standing) = standing {
            self.tell(Event::Partner { partner, standing });
        }
        if let Some((_, judged)) = failure
            && !judged.known
        {
            self.tell(Event::UnknownCode {
                code: judged.code.clone(),
                class: judged.class,
            });
        }
    }

    /// All that changed at a partner.
    fn listed(&mut self, lane: LaneId, answer: Option<WebexAnswer>, now: Now) {
        let every = self.settings.rules.list_every;
        let Some(held) = self.lanes.get_mut(lane) else {
            return;
        };
        held.list.calling = false;
        held.list.due = Some(now.mono + every);
        let Some(WebexAnswer::Subscribers(all)) = answer else {
            // What was missed is asked for one by one, after a while.
            return;
        };
        for shown in all {
            let lane = self.lanes.get(lane);
            let Some(slot) = lane.and_then(|lane| lane.listed.get(&shown.id)).copied() else {
                continue;
            };
            let waits = self
                .job(slot)
                .is_some_and(|job| !job.calling && job.has_begun());
            if waits {
                self.shown(slot, shown, now);
                self.set_due(slot, None);
                self.settle_left(slot, now);
                self.wake(slot, true);
            }
        }
    }

    pub(super) fn succeeded(&mut self, slot: Slot, asked: Asked, answer: WebexAnswer, now: Now) {
        if !fits(asked, &answer) {
            // An answer to another question than was asked: as good as none.
            self.misfit(slot, asked, now);
            return;
        }
        if let (Asked::UpdateOld, WebexAnswer::Subscriber(shown)) = (asked, &answer)
            && self.is_anothers(slot, shown)
        {
            // It was taken and is not shown yet: nothing is created meanwhile.
            self.renamed_in_vain(slot, now);
            return;
        }
        self.worked(slot, asked);
        match (asked, answer) {
            (Asked::Find, WebexAnswer::Subscribers(all)) => self.found(slot, all, now),
            (Asked::FindOld, WebexAnswer::Subscribers(all)) => self.found_old(slot, all, now),
            (Asked::FindCustomer, WebexAnswer::Enterprises(all)) => {
                self.found_customer(slot, &all, now);
            }
            // It bears another user id by now: whoever is meant is looked up by its own.
            (Asked::Get, WebexAnswer::Subscriber(shown)) if self.is_anothers(slot, &shown) => {
                self.forget_subscriber(slot);
            }
            (Asked::Get | Asked::Update, WebexAnswer::Subscriber(shown)) => {
                self.updated(slot, asked == Asked::Update);
                self.shown(slot, *shown, now);
            }
            (Asked::UpdateOld, WebexAnswer::Subscriber(shown)) => {
                self.done(slot, Asked::DeleteOld, now);
                self.shown(slot, *shown, now);
            }
            (Asked::Update | Asked::UpdateOld, _) => {
                self.updated(slot, asked == Asked::Update);
                self.unknown(slot);
            }
            (Asked::Provision, WebexAnswer::Subscriber(shown)) => {
                self.created(slot);
                self.shown(slot, *shown, now);
                self.ours(slot);
                self.let_in(slot, now);
            }
            (Asked::Precheck, WebexAnswer::Prechecked(remarks)) => self.prechecked(slot, &remarks),
            (Asked::Precheck, _) => self.prechecked(slot, &[]),
            (Asked::PrecheckEmail, WebexAnswer::Prechecked(remarks)) => {
                self.email_prechecked(slot, &remarks);
            }
            (Asked::PrecheckEmail, _) => self.email_prechecked(slot, &[]),
            (Asked::ProvisionWorkspace, WebexAnswer::Workspace(id)) => {
                self.created(slot);
                if let Some(way) = self.way_mut(slot) {
                    way.armed = false;
                    way.record.progress.unsure = false;
                    way.record.actual.workspace = Some(id);
                }
            }
            (Asked::UpdateWorkspace, _) => self.updated(slot, true),
            (Asked::Delete, _) => self.gone(slot, now),
            (
                Asked::DeleteOld | Asked::DeleteWorkspace | Asked::DeletePerson | Asked::Consent,
                _,
            ) => self.done(slot, asked, now),
            // They do not fit.
            (
                Asked::Find
                | Asked::FindCustomer
                | Asked::FindOld
                | Asked::Get
                | Asked::Provision
                | Asked::ProvisionWorkspace,
                _,
            ) => {}
        }
    }

    /// A call has worked: what failed before it is counted anew.
    fn worked(&mut self, slot: Slot, asked: Asked) {
        if let Some(way) = self.way_mut(slot) {
            let record = &mut way.record;
            record.next = None;
            if asked.reads() {
                // A look-up that works between two writes that do not is no success.
                record.attempt = record.progress.write_failed;
                record.progress.failing_since = record.progress.write_failing_since;
            } else {
                way.wrote();
            }
        }
    }

    /// Something was done of which nothing more is told.
    pub(super) fn done(&mut self, slot: Slot, asked: Asked, now: Now) {
        let Some(way) = self.way_mut(slot) else {
            return;
        };
        match asked {
            Asked::DeleteOld => way.old = Known::Absent(now.mono),
            Asked::DeleteWorkspace => way.record.actual.workspace = None,
            Asked::DeletePerson => way.record.actual.person = None,
            Asked::Consent => way.record.progress.reminded = Some(Moment::of(now.wall)),
            Asked::Delete
            | Asked::Find
            | Asked::FindCustomer
            | Asked::FindOld
            | Asked::Get
            | Asked::Precheck
            | Asked::PrecheckEmail
            | Asked::Provision
            | Asked::ProvisionWorkspace
            | Asked::Update
            | Asked::UpdateOld
            | Asked::UpdateWorkspace => return,
        }
        self.soil(slot);
    }

    fn misfit(&mut self, slot: Slot, asked: Asked, now: Now) {
        let failure = CallFailure {
            kind: FailureKind::Unreadable,
            code: None,
            text: "The answer does not fit the question.".to_owned(),
            ours: None,
            theirs: None,
            retry_after: None,
        };
        let judged = self.settings.faults.judge(&failure);
        self.failed(slot, asked, &failure, &judged, now);
    }

    /// Whether a subscriber bears another user id than the job is about.
    fn is_anothers(&self, slot: Slot, shown: &Subscriber) -> bool {
        let (Some(job), Some(user)) = (self.job(slot), shown.user.as_deref()) else {
            return false;
        };
        user.trim().to_lowercase() != job.desired.key.user()
    }

    fn created(&mut self, slot: Slot) {
        if let Some(way) = self.way_mut(slot) {
            way.record.progress.created = true;
        }
        self.soil(slot);
    }

    /// The subscriber that was just shown is one that we made.
    pub(super) fn ours(&mut self, slot: Slot) {
        if let Some(way) = self.way_mut(slot) {
            let actual = &mut way.record.actual;
            let provisioned = SubscriberStatus::Provisioned;
            actual.unproven = actual.status.as_deref() != Some(provisioned.as_str());
        }
        self.soil(slot);
    }

    fn updated(&mut self, slot: Slot, updated: bool) {
        if !updated {
            return;
        }
        if let Some(way) = self.way_mut(slot) {
            way.record.progress.updated = true;
        }
        self.soil(slot);
    }

    fn unknown(&mut self, slot: Slot) {
        if let Some(way) = self.way_mut(slot) {
            way.known = Known::Unknown;
            way.refresh = false;
        }
    }
}

/// Whether an answer is one to what was asked.
const fn fits(asked: Asked, answer: &WebexAnswer) -> bool {
    match asked {
        Asked::Find | Asked::FindOld => matches!(answer, WebexAnswer::Subscribers(_)),
        Asked::FindCustomer => matches!(answer, WebexAnswer::Enterprises(_)),
        Asked::Get | Asked::Provision => matches!(answer, WebexAnswer::Subscriber(_)),
        Asked::ProvisionWorkspace => matches!(answer, WebexAnswer::Workspace(_)),
        Asked::Consent
        | Asked::Delete
        | Asked::DeleteOld
        | Asked::DeletePerson
        | Asked::DeleteWorkspace
        | Asked::Precheck
        | Asked::PrecheckEmail
        | Asked::Update
        | Asked::UpdateOld
        | Asked::UpdateWorkspace => true,
    }
}
