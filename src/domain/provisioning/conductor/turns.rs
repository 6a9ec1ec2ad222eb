//! Whose turn it is, and what becomes of what the plan says.

use crate::domain::machine::Now;
use crate::domain::provisioning::conductor::About;
use crate::domain::provisioning::conductor::Action;
use crate::domain::provisioning::conductor::Call;
use crate::domain::provisioning::conductor::CallId;
use crate::domain::provisioning::conductor::Conductor;
use crate::domain::provisioning::conductor::EnterpriseEvent;
use crate::domain::provisioning::conductor::Event;
use crate::domain::provisioning::conductor::job::Asked;
use crate::domain::provisioning::conductor::job::Known;
use crate::domain::provisioning::conductor::job::Slot;
use crate::domain::provisioning::conductor::job::Way;
use crate::domain::provisioning::conductor::lane::Kind;
use crate::domain::provisioning::conductor::lane::LaneId;
use crate::domain::provisioning::conductor::plan::Next;
use crate::domain::provisioning::conductor::plan::View;
use crate::domain::provisioning::conductor::plan::plan;
use crate::domain::provisioning::conductor::waits;
use crate::domain::provisioning::conductor::waits::Wait;
use crate::domain::provisioning::fault::shortened;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::record::EnterpriseState;
use crate::domain::provisioning::record::Fault;
use crate::domain::provisioning::record::JobState;
use crate::domain::provisioning::record::Presence;
use crate::domain::provisioning::record::Step;
use crate::domain::provisioning::record::Word;
use crate::domain::provisioning::webex::WebexOp;

/// Plans that a job may follow without a call or a wait in between. More than any way has: a plan
/// that runs in a circle stops here, in sight of an operator.
const MOST_ROUNDS: usize = 32;
/// Steps kept of a job while the store takes none.
const MOST_STEPS: usize = 64;
/// Longest reason in a history, in characters.
const MOST_WHY: usize = 1_000;

impl Conductor {
    /// Looks at a job: it goes on, or gets in line for its turn. `warm` ones have just been
    /// answered or saved.
    pub(super) fn advance(&mut self, slot: Slot, warm: bool, now: Now) {
        let Some(job) = self.job(slot) else {
            return;
        };
        if job.calling || job.recalling || job.held.is_some() {
            return;
        }
        // A new wish waits for its turn as it is, so that a hundred thousand stay small.
        if !job.has_begun() && job.desired.word != Some(Word::Cancel) {
            self.enqueue(slot, false, now);
            return;
        }
        if self.decide(slot, now).is_some() {
            self.enqueue(slot, warm, now);
        }
    }

    /// Follows plans until a call is wanted, or something has to happen first.
    fn decide(&mut self, slot: Slot, now: Now) -> Option<(Asked, WebexOp)> {
        for _ in 0..MOST_ROUNDS {
            let job = self.job(slot)?;
            if job.calling || job.recalling || job.held.is_some() {
                return None;
            }
            if !job.has_begun() {
                self.begin(slot, now);
            }
            let job = self.job(slot)?;
            if job.is_final() {
                self.forget(slot);
                return None;
            }
            if job.due.is_some_and(|due| due > now.mono) {
                return None;
            }
            if let Some(not_before) = job.not_before.filter(|at| *at > now.mono) {
                self.set_due(slot, Some(not_before));
                return None;
            }
            let next = self.next(slot, now);
            if let Next::Ask(asked, op) = next {
                return Some((asked, op));
            }
            if matches!(next, Next::Stay) {
                return None;
            }
            self.follow(slot, next, now);
        }
        let at = Moment::of(now.wall);
        let text = "The job runs in a circle; report it.".to_owned();
        let fault = self.settings.faults.ours("A2001", text, at);
        self.give_up(slot, fault, now);
        None
    }

    /// What the plan says.
    fn next(&mut self, slot: Slot, now: Now) -> Next {
        let Some(policy) = self.policy_of(slot) else {
            return self.orphan(slot, now);
        };
        let Some(job) = self.job(slot) else {
            return Next::Stay;
        };
        let Some(way) = &job.way else {
            return Next::Stay;
        };
        let customer = job.customer.and_then(|id| self.customers.get(id));
        let first = customer.and_then(|customer| customer.record.first_user.as_ref());
        plan(&View {
            slot,
            job,
            way,
            policy: &policy,
            customer,
            first_is_open: first.is_some_and(|first| self.index.contains_key(first)),
            renamed: self.is_renamed(slot),
            rules: &self.settings.rules,
            faults: &self.settings.faults,
            now,
        })
    }

    fn orphan(&mut self, slot: Slot, now: Now) -> Next {
        let cancelled = self
            .job(slot)
            .is_some_and(|job| job.desired.word == Some(Word::Cancel));
        if cancelled {
            return Next::End(JobState::Cancelled, "an operator's word".to_owned());
        }
        if self
            .job(slot)
            .is_some_and(|job| job.state() == JobState::Attention)
        {
            return Next::Stay;
        }
        self.orphans.insert(slot);
        let at = Moment::of(now.wall);
        let text = "The template is not in the configuration.".to_owned();
        Next::Attention(self.settings.faults.ours("A1012", text, at))
    }

    /// Whether another user id is about to take the subscriber over.
    fn is_renamed(&self, slot: Slot) -> bool {
        let Some(job) = self.job(slot) else {
            return false;
        };
        let heir = self.renames.get(&job.desired.key).copied();
        heir.and_then(|heir| self.job(heir))
            .is_some_and(|heir| !heir.is_final())
    }

    fn follow(&mut self, slot: Slot, next: Next, now: Now) {
        match next {
            // Dealt with by the caller.
            Next::Ask(..) | Next::Stay => {}
            Next::Attention(fault) => self.give_up(slot, fault, now),
            Next::Claim => self.claim(slot, now),
            Next::End(state, why) => self.end(slot, state, &why, now),
            Next::Enter(state, why) => {
                self.arm(slot, state);
                self.move_to(slot, state, &why, None, now);
            }
            Next::First => self.begin_first(slot, now),
            Next::Hold(state) => self.put_behind(slot, state, now),
            Next::Knock => {
                if let Some(way) = self.job_mut(slot).and_then(|job| job.way.as_mut()) {
                    way.knocked = true;
                }
                self.claim(slot, now);
            }
            Next::Later(after, state, why) => {
                self.move_to(slot, state, &why, None, now);
                self.set_due(slot, Some(now.mono + after));
            }
            Next::Poll(state) => {
                let held = self.job(slot).map(|job| job.state());
                if held != Some(state)
                    && !(held == Some(JobState::Stalled) && state == JobState::WaitingWebex)
                {
                    let status = self.status(slot);
                    self.move_to(slot, state, &format!("Webex says {status}"), None, now);
                    self.list(slot);
                }
                self.wait_on(slot, now);
            }
            Next::Ready => {
                if let Some(id) = self.job(slot).and_then(|job| job.customer) {
                    self.ready(id, None, now);
                }
            }
        }
    }

    /// What is written down before a call leaves: that a create of a workspace may have left, that
    /// what was applied may be undone.
    fn arm(&mut self, slot: Slot, state: JobState) {
        let Some(job) = self.job_mut(slot) else {
            return;
        };
        let place = match &job.desired.presence {
            Presence::Absent { .. } => false,
            Presence::Present { profile } => profile.is_place,
        };
        let Some(way) = &mut job.way else {
            return;
        };
        if state == JobState::Removing {
            way.record.actual.applied = None;
        }
        if place && state == JobState::Submitting && way.record.actual.workspace.is_none() {
            way.armed = true;
            way.record.progress.unsure = true;
        }
    }

    /// A job waits behind others; the fault that made the whole customer wait is everybody's.
    fn put_behind(&mut self, slot: Slot, state: JobState, now: Now) {
        let fault = self.job(slot).and_then(|job| {
            let error = job.way.as_ref()?.record.actual.errors.first()?;
            let judged = self.settings.faults.judge_subscriber(error);
            Some(judged.fault(&error.description, Moment::of(now.wall)))
        });
        let begins = self
            .job(slot)
            .and_then(|job| job.customer)
            .is_some_and(|id| {
                let customer = self.customers.get(id);
                customer.is_some_and(|customer| {
                    customer.record.state != EnterpriseState::WaitingCustomerAdmin
                        || customer.candidate == Some(slot)
                })
            });
        if state == JobState::WaitingCustomerAdmin
            && begins
            && let Some(fault) = fault
        {
            // The subscriber that failed goes when somebody knocks again.
            if let Some(way) = self.job_mut(slot).and_then(|job| job.way.as_mut()) {
                way.record.progress.created = false;
                way.record.fault = Some(fault.clone());
            }
            self.wait_for_admin(slot, &fault, now);
        }
        self.hold(slot, state, now);
    }

    fn status(&self, slot: Slot) -> String {
        let way = self.job(slot).and_then(|job| job.way.as_ref());
        let status = way.and_then(|way| way.record.actual.status.clone());
        status.unwrap_or_else(|| "nothing yet".to_owned())
    }

    /// Sets the next question of a waiting job, or moves it on when it has waited for too long.
    pub(super) fn wait_on(&mut self, slot: Slot, now: Now) {
        let Some(job) = self.job(slot) else {
            return;
        };
        let Some(way) = &job.way else {
            return;
        };
        let customer = job.customer.and_then(|id| self.customers.get(id));
        let first = customer.is_some_and(|customer| {
            customer.record.state != EnterpriseState::Ready
                && customer.record.first_user.as_ref() == Some(&job.desired.key)
        });
        let lane = way
            .listed
            .as_ref()
            .and_then(|(lane, _)| self.lanes.get(*lane));
        let listed = lane.is_some_and(|lane| lane.lists(&self.settings.rules));
        match waits::wait(way, first, listed, &self.settings.rules, now.mono) {
            Wait::Until(at) => self.set_due(slot, Some(at)),
            Wait::Stalls => {
                let key = customer.map(|customer| customer.record.key.clone());
                let why = "Webex takes longer than it should";
                self.move_to(slot, JobState::Stalled, why, None, now);
                if let Some(key) = key.filter(|_| first) {
                    let what = EnterpriseEvent::FirstUserStalled;
                    self.tell(Event::Enterprise { key, what });
                }
                let every = self.settings.rules.stalled_every;
                self.set_due(slot, Some(now.mono + every));
            }
            Wait::Over => {
                let stalled = way.record.state == JobState::Stalled;
                let (code, text) = if stalled {
                    ("A2001", "Webex has not come to an end.")
                } else {
                    ("A2002", "The user has not acted.")
                };
                let at = Moment::of(now.wall);
                let fault = self.settings.faults.ours(code, text.to_owned(), at);
                self.give_up(slot, fault, now);
            }
        }
    }

    /// Begins with the newest revision.
    fn begin(&mut self, slot: Slot, now: Now) {
        self.unlist(slot);
        let mut steps = Vec::new();
        let Some(job) = self.job_mut(slot) else {
            return;
        };
        let desired = job.desired.clone();
        let way = job
            .way
            .get_or_insert_with(|| Box::new(Way::fresh(&desired, now)));
        let at = Moment::of(now.wall);
        let record = &mut way.record;
        if record.revision != desired.revision {
            if !record.state.is_final() {
                steps.push(Step {
                    key: desired.key.clone(),
                    request: record.request.clone(),
                    at,
                    state: JobState::Superseded,
                    why: format!("a later wish took its place: {}", desired.request),
                    tracking: None,
                });
            }
            let before = record.fault.take();
            match desired.word {
                Some(Word::Confirm) => {
                    let code = before.map(|fault| fault.code);
                    record.progress.confirmed.extend(code);
                }
                Some(Word::Retry) => {
                    // Whoever was told of the lost create has looked for what it made.
                    record.progress.unsure &= before.is_none_or(|fault| fault.code != "A2008");
                }
                Some(Word::Cancel) | None => record.progress.confirmed.clear(),
            }
            record.request = desired.request.clone();
            record.revision = desired.revision;
            record.state = JobState::Queued;
            record.since = at;
            record.attempt = 0;
            record.next = None;
            record.progress.created = false;
            record.progress.updated = false;
            record.progress.failing_since = None;
            if desired.word != Some(Word::Confirm) {
                record.progress.precheck = None;
            }
            way.entered = now.mono;
            way.known = Known::Unknown;
            way.old = Known::Unknown;
            way.refresh = false;
            way.asked_customer = false;
            way.knocked = false;
            way.disarm();
        }
        way.steps.extend(steps);
        self.tell(Event::Moved {
            key: desired.key,
            request: desired.request,
            template: desired.template,
            source: desired.source,
            from: None,
            to: JobState::Queued,
            code: None,
        });
    }

    /// Enters a state: recorded, told, and to be saved. Nothing when it is there already.
    pub(super) fn move_to(
        &mut self,
        slot: Slot,
        state: JobState,
        why: &str,
        fault: Option<Fault>,
        now: Now,
    ) {
        self.unlist(slot);
        self.set_due(slot, None);
        let Some(job) = self.job_mut(slot) else {
            return;
        };
        let (template, source) = (job.desired.template.clone(), job.desired.source);
        let Some(way) = &mut job.way else {
            return;
        };
        let record = &mut way.record;
        if record.state == state && record.fault == fault {
            return;
        }
        let from = record.state;
        let at = Moment::of(now.wall);
        let code = fault.as_ref().map(|fault| fault.code.clone());
        record.fault = fault;
        record.next = None;
        if from != state {
            record.state = state;
            record.since = at;
            way.entered = now.mono;
        }
        let (key, request) = (record.key.clone(), record.request.clone());
        let step = Step {
            key: key.clone(),
            request: request.clone(),
            at,
            state,
            why: shortened(why, MOST_WHY),
            tracking: record.tracking.last().cloned(),
        };
        if way.steps.len() < MOST_STEPS {
            way.steps.push(step);
        }
        self.soil(slot);
        self.tell(Event::Moved {
            key,
            request,
            template,
            source,
            from: Some(from),
            to: state,
            code,
        });
    }

    /// Somebody has to look at it.
    pub(super) fn give_up(&mut self, slot: Slot, fault: Fault, now: Now) {
        let why = format!("{}: {}", fault.code, fault.text);
        if let Some(way) = self.way_mut(slot) {
            way.disarm();
        }
        self.move_to(slot, JobState::Attention, &why, Some(fault), now);
        self.leave_queue(slot);
        self.step_back(slot);
    }

    /// The end.
    fn end(&mut self, slot: Slot, state: JobState, why: &str, now: Now) {
        let reached = matches!(state, JobState::Provisioned | JobState::NoChange);
        if matches!(state, JobState::Removed | JobState::PersonDeleted) {
            self.forget_first(slot);
        }
        let Some(job) = self.job_mut(slot) else {
            return;
        };
        let digest = reached.then(|| job.desired.digest.clone());
        if let Some(way) = &mut job.way {
            way.record.attempt = 0;
            way.record.progress.failing_since = None;
            way.lost = false;
            way.disarm();
            way.record.progress.unsure &= state == JobState::Cancelled;
            way.record.actual.applied = digest;
        }
        self.move_to(slot, state, why, None, now);
        self.soil(slot);
        self.leave_queue(slot);
        self.step_back(slot);
        self.orphans.remove(&slot);
        self.open = self.open.saturating_sub(1);
    }

    /// Lets the job be found by lists of what changed.
    pub(super) fn list(&mut self, slot: Slot) {
        let Some(policy) = self.policy_of(slot) else {
            return;
        };
        let lane = policy
            .partner
            .as_ref()
            .and_then(|partner| self.lane_index.get(partner));
        let Some(lane) = lane.copied() else {
            return;
        };
        let Some(way) = self.job_mut(slot).and_then(|job| job.way.as_mut()) else {
            return;
        };
        if way.record.state != JobState::WaitingWebex {
            return;
        }
        let Some(id) = way.record.actual.subscriber.clone() else {
            return;
        };
        way.listed = Some((lane, id.clone()));
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.listed.insert(id, slot);
        }
    }

    pub(super) fn unlist(&mut self, slot: Slot) {
        let way = self.job_mut(slot).and_then(|job| job.way.as_mut());
        let Some((lane, id)) = way.and_then(|way| way.listed.take()) else {
            return;
        };
        if let Some(lane) = self.lanes.get_mut(lane)
            && lane.listed.get(&id) == Some(&slot)
        {
            lane.listed.remove(&id);
        }
    }

    /// Puts a job in line for its turn.
    pub(super) fn enqueue(&mut self, slot: Slot, warm: bool, now: Now) {
        let partner = self
            .policy_of(slot)
            .and_then(|policy| policy.partner.clone());
        let Some(partner) = partner else {
            // It needs no turn to be told what is wrong.
            let _ = self.decide(slot, now);
            return;
        };
        let lane = self.lane(&partner, now.mono);
        let Some(job) = self.job_mut(slot) else {
            return;
        };
        if job.queued {
            return;
        }
        job.queued = true;
        let kind = if job.leaves() {
            Kind::Removal
        } else if job.state().polls() {
            Kind::Poll
        } else {
            Kind::New
        };
        let customer = job.customer;
        if let Some(lane) = self.lanes.get_mut(lane) {
            if warm {
                lane.push_hot(slot);
            } else {
                lane.push(kind, customer, slot);
            }
        }
    }

    /// Gives turns while partners may be asked. Says whether somebody was woken meanwhile.
    pub(super) fn grant(&mut self, now: Now) -> bool {
        if self.draining {
            return false;
        }
        for id in 0..self.lanes.len() {
            self.grant_lane(id, now);
        }
        !self.woken.is_empty() || self.ledger.has_news()
    }

    fn grant_lane(&mut self, id: LaneId, now: Now) {
        loop {
            let rules = &self.settings.rules;
            let Some(lane) = self.lanes.get_mut(id) else {
                return;
            };
            lane.tend_list(rules, now);
            if lane.free_at(rules).is_none_or(|at| at > now.mono) {
                return;
            }
            if lane.list.due.is_some_and(|due| due <= now.mono) {
                let since = lane.listed_at(rules, now);
                self.call(id, About::List, WebexOp::ListChanged(since), now);
                continue;
            }
            let Some(slot) = lane.pop() else {
                return;
            };
            self.turn(id, slot, now);
        }
    }

    /// A job's turn: the call that is right now leaves, if its record is safe.
    fn turn(&mut self, lane: LaneId, slot: Slot, now: Now) {
        let Some(job) = self.job_mut(slot) else {
            return;
        };
        job.queued = false;
        let Some((asked, op)) = self.decide(slot, now) else {
            return;
        };
        let Some(job) = self.job(slot) else {
            return;
        };
        let customer = job.customer.and_then(|id| self.customers.get(id));
        let safe = customer.is_none_or(|customer| !customer.dirty && !customer.saving);
        // Saved, it is woken.
        if !job.is_clean() || !asked.reads() && !safe && self.goes_first(slot) {
            return;
        }
        if let Some(job) = self.job_mut(slot) {
            job.calling = true;
        }
        self.call(lane, About::Job(slot, asked), op, now);
    }

    fn goes_first(&self, slot: Slot) -> bool {
        let Some(job) = self.job(slot) else {
            return false;
        };
        let customer = job.customer.and_then(|id| self.customers.get(id));
        customer.is_some_and(|customer| customer.candidate == Some(slot))
    }

    fn call(&mut self, lane: LaneId, about: About, op: WebexOp, now: Now) {
        let rules = &self.settings.rules;
        let Some(held) = self.lanes.get_mut(lane) else {
            return;
        };
        held.leave(rules, now.mono);
        let partner = held.partner.clone();
        self.next_call += 1;
        let call = CallId(self.next_call);
        self.calls.insert(call, Call { lane, about });
        self.actions.push_back(Action::Call { call, partner, op });
    }
}
