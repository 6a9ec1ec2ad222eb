//! What becomes of what the plan says.

use crate::domain::machine::Now;
use crate::domain::provisioning::conductor::Conductor;
use crate::domain::provisioning::conductor::EnterpriseEvent;
use crate::domain::provisioning::conductor::Event;
use crate::domain::provisioning::conductor::job::Asked;
use crate::domain::provisioning::conductor::job::Known;
use crate::domain::provisioning::conductor::job::Slot;
use crate::domain::provisioning::conductor::plan::Next;
use crate::domain::provisioning::conductor::plan::View;
use crate::domain::provisioning::conductor::plan::plan;
use crate::domain::provisioning::conductor::waits;
use crate::domain::provisioning::conductor::waits::Wait;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::UserKey;
use crate::domain::provisioning::record::EnterpriseState;
use crate::domain::provisioning::record::JobState;
use crate::domain::provisioning::record::Presence;
use crate::domain::provisioning::record::Word;
use crate::domain::provisioning::webex::WebexOp;

/// Plans that a job may follow without a call or a wait in between. More than any way has: a plan
/// that runs in a circle stops here, in sight of an operator.
const MOST_ROUNDS: usize = 32;

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
    pub(super) fn decide(&mut self, slot: Slot, now: Now) -> Option<(Asked, WebexOp)> {
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
        let home = self.home_of(slot).and_then(|id| self.customers.get(id));
        plan(&View {
            slot,
            job,
            way,
            policy: &policy,
            customer,
            home,
            first_is_open: first.is_some_and(|first| self.index.contains_key(first)),
            renamed: self.is_renamed(slot),
            former_goes: self.former_goes(slot),
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
        // One that is held behind others may wait for this very user to be out of the way.
        heir.and_then(|heir| self.job(heir))
            .is_some_and(|heir| !heir.is_final() && !heir.leaves() && heir.held.is_none())
    }

    /// Whether the user id that the user had before is being removed.
    fn former_goes(&self, slot: Slot) -> bool {
        let Some(job) = self.job(slot) else {
            return false;
        };
        let Some(former) = &job.desired.formerly else {
            return false;
        };
        let key = UserKey::new(job.desired.key.cluster.clone(), former);
        let former = self.index.get(&key).and_then(|slot| self.job(*slot));
        former.is_some_and(|former| former.leaves() && !former.is_final())
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
                if let Some(way) = self.way_mut(slot) {
                    way.record.progress.knocked = true;
                }
                self.soil(slot);
                self.claim(slot, now);
            }
            Next::Later(after, state, why) => {
                // By then it may be somebody else's: nothing is done on what was seen before.
                if let Some(way) = self.way_mut(slot) {
                    way.known = Known::Unknown;
                }
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
            // The state may be entered already.
            self.soil(slot);
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
}
