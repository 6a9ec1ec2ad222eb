//! What becomes of what Webex answers.

use std::time::Duration;

use crate::domain::machine::Now;
use crate::domain::provisioning::conductor::About;
use crate::domain::provisioning::conductor::Call;
use crate::domain::provisioning::conductor::CallId;
use crate::domain::provisioning::conductor::Conductor;
use crate::domain::provisioning::conductor::Event;
use crate::domain::provisioning::conductor::Standing;
use crate::domain::provisioning::conductor::compare;
use crate::domain::provisioning::conductor::job::Asked;
use crate::domain::provisioning::conductor::job::Job;
use crate::domain::provisioning::conductor::job::Known;
use crate::domain::provisioning::conductor::job::Slot;
use crate::domain::provisioning::conductor::lane::LaneId;
use crate::domain::provisioning::conductor::waits;
use crate::domain::provisioning::fault::Class;
use crate::domain::provisioning::fault::Judged;
use crate::domain::provisioning::ids::EnterpriseKey;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::SpEnterpriseId;
use crate::domain::provisioning::ids::TrackingId;
use crate::domain::provisioning::policy::Policy;
use crate::domain::provisioning::record::EnterpriseRecord;
use crate::domain::provisioning::record::EnterpriseState;
use crate::domain::provisioning::record::JobState;
use crate::domain::provisioning::record::Presence;
use crate::domain::provisioning::webex::CallFailure;
use crate::domain::provisioning::webex::Enterprise;
use crate::domain::provisioning::webex::FailureKind;
use crate::domain::provisioning::webex::Remark;
use crate::domain::provisioning::webex::Subscriber;
use crate::domain::provisioning::webex::SubscriberStatus;
use crate::domain::provisioning::webex::WebexAnswer;

/// The remark of a precheck that says nothing is in the way.
const ALL_WELL: u64 = 100;

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
            About::Job(slot, asked) => {
                if let Some(job) = self.job_mut(slot) {
                    job.calling = false;
                    if let Some(way) = &mut job.way {
                        way.track(tracking);
                    }
                }
                match outcome {
                    Ok(answer) => self.succeeded(slot, asked, answer, now),
                    Err((failure, judged)) => self.failed(slot, asked, &failure, &judged, now),
                }
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
                self.wake(slot, true);
            }
        }
    }

    fn succeeded(&mut self, slot: Slot, asked: Asked, answer: WebexAnswer, now: Now) {
        if let Some(way) = self.way_mut(slot) {
            way.record.attempt = 0;
            way.record.next = None;
            way.record.progress.failing_since = None;
        }
        match (asked, answer) {
            (Asked::Find, WebexAnswer::Subscribers(all)) => self.found(slot, all, now),
            (Asked::FindOld, WebexAnswer::Subscribers(all)) => self.found_old(slot, all, now),
            (Asked::FindCustomer, WebexAnswer::Enterprises(all)) => {
                self.found_customer(slot, &all, now);
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
                self.let_in(slot, now);
            }
            (Asked::Precheck, WebexAnswer::Prechecked(remarks)) => self.prechecked(slot, &remarks),
            (Asked::Precheck, _) => self.prechecked(slot, &[]),
            (Asked::ProvisionWorkspace, WebexAnswer::Workspace(id)) => {
                self.created(slot);
                if let Some(way) = self.way_mut(slot) {
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
            // An answer to another question than was asked: as good as none.
            (
                Asked::Find
                | Asked::FindCustomer
                | Asked::FindOld
                | Asked::Get
                | Asked::Provision
                | Asked::ProvisionWorkspace,
                _,
            ) => {
                self.misfit(slot, asked, now);
            }
        }
    }

    /// Something was done of which nothing more is told.
    fn done(&mut self, slot: Slot, asked: Asked, now: Now) {
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

    fn found(&mut self, slot: Slot, all: Vec<Subscriber>, now: Now) {
        let policy = self.policy_of(slot);
        let Some(job) = self.job(slot) else {
            return;
        };
        match choose(job, policy.as_deref(), all) {
            Some(shown) => self.shown(slot, shown, now),
            None => {
                let Some(way) = self.way_mut(slot) else {
                    return;
                };
                way.known = Known::Absent(now.mono);
                way.refresh = false;
                way.asked_customer = false;
                way.lost = false;
                if way.read_none(now) {
                    self.soil(slot);
                }
            }
        }
    }

    fn found_old(&mut self, slot: Slot, all: Vec<Subscriber>, now: Now) {
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
        }
    }

    fn found_customer(&mut self, slot: Slot, all: &[Enterprise], now: Now) {
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

    fn prechecked(&mut self, slot: Slot, remarks: &[Remark]) {
        let mut said = String::new();
        for remark in remarks
            .iter()
            .filter(|remark| remark.code != Some(ALL_WELL))
        {
            if !said.is_empty() {
                said.push_str("; ");
            }
            if let Some(code) = remark.code {
                said.push_str(&format!("{code}: "));
            }
            said.push_str(&remark.description);
        }
        if let Some(way) = self.way_mut(slot) {
            way.record.progress.precheck = Some(said);
        }
        self.soil(slot);
    }

    /// Webex has shown the subscriber.
    fn shown(&mut self, slot: Slot, shown: Subscriber, now: Now) {
        if let SubscriberStatus::Unknown(word) = &shown.status {
            let word = crate::domain::provisioning::fault::shortened(word, 40);
            self.tell(Event::UnknownStatus(word));
        }
        self.learn(slot, &shown, now);
        let Some(job) = self.job_mut(slot) else {
            return;
        };
        let Some(way) = &mut job.way else {
            return;
        };
        let changed = way.read(&shown, now);
        way.known = Known::Found(Box::new(shown));
        way.refresh = false;
        way.asked_customer = false;
        way.lost = false;
        if changed {
            self.soil(slot);
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
                webex: None,
                org: None,
            });
            self.soil_customer(id);
        }
    }

    fn created(&mut self, slot: Slot) {
        if let Some(way) = self.way_mut(slot) {
            way.record.progress.created = true;
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

    /// Webex took a user of a customer whose administrator had to let us in.
    fn let_in(&mut self, slot: Slot, now: Now) {
        let customer = self.job(slot).and_then(|job| job.customer);
        let customer = customer.and_then(|id| self.customers.get(id));
        let waits = EnterpriseState::WaitingCustomerAdmin;
        if customer.is_some_and(|customer| customer.record.state == waits) {
            self.begin_first(slot, now);
        }
    }

    /// The subscriber is not there any more.
    fn gone(&mut self, slot: Slot, now: Now) {
        let Some(way) = self.way_mut(slot) else {
            return;
        };
        way.known = Known::Absent(now.mono);
        way.read_none(now);
        self.soil(slot);
    }

    fn unknown(&mut self, slot: Slot) {
        if let Some(way) = self.way_mut(slot) {
            way.known = Known::Unknown;
            way.refresh = false;
        }
    }

    fn failed(
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
        match judged.class {
            // The partner is slowed or rests, the job is not to blame.
            Class::Limit => {}
            Class::Auth if failure.kind != FailureKind::Status(403) => {}
            Class::Auth | Class::Transient => self.try_again(slot, failure, judged, now),
            Class::Customer if self.begins_customer(slot, asked) => {
                let fault = judged.fault(&failure.text, Moment::of(now.wall));
                self.wait_for_admin(slot, &fault, now);
                let why = "the customer's administrator has to let the partner in";
                let state = JobState::WaitingCustomerAdmin;
                self.move_to(slot, state, why, Some(fault), now);
                self.hold(slot, state, now);
            }
            Class::Customer | Class::Data | Class::Fault | Class::User => {
                let fault = judged.fault(&failure.text, Moment::of(now.wall));
                self.give_up(slot, fault, now);
            }
        }
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
                let Some(way) = self.way_mut(slot) else {
                    return true;
                };
                way.known = Known::Unknown;
                way.refresh = false;
                way.record.actual.subscriber = None;
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
            Asked::Precheck | Asked::Provision | Asked::ProvisionWorkspace => return false,
        }
        true
    }

    /// A call may have done what it was to do, but nobody said so: Webex is asked, after a pause
    /// in which its lists can catch up.
    fn lost(&mut self, slot: Slot, asked: Asked, now: Now) {
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
    fn try_again(&mut self, slot: Slot, failure: &CallFailure, judged: &Judged, now: Now) {
        let rules = self.settings.rules.clone();
        let at = Moment::of(now.wall);
        let fault = judged.fault(&failure.text, at);
        let Some(way) = self.way_mut(slot) else {
            return;
        };
        way.record.attempt = way.record.attempt.saturating_add(1);
        let since = *way.record.progress.failing_since.get_or_insert(at);
        let attempt = way.record.attempt;
        if attempt >= rules.retry_tries.max(1) || at.since(since) >= rules.retry_for {
            self.give_up(slot, fault, now);
            return;
        }
        way.fail(fault);
        let asked = failure.retry_after.unwrap_or(Duration::ZERO);
        let pause = waits::pause(attempt, &rules).max(asked.min(rules.retry_after_longest));
        let pause = self.jittered(pause);
        if let Some(way) = self.way_mut(slot) {
            way.record.next = Some(Moment::of(now.wall + pause));
        }
        self.soil(slot);
        self.set_due(slot, Some(now.mono + pause));
    }
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
