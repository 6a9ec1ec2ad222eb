//! How a job comes from one state to the next: recorded, told, and to be saved.

use crate::domain::machine::Now;
use crate::domain::provisioning::conductor::Conductor;
use crate::domain::provisioning::conductor::Event;
use crate::domain::provisioning::conductor::job::Known;
use crate::domain::provisioning::conductor::job::Slot;
use crate::domain::provisioning::conductor::job::Way;
use crate::domain::provisioning::fault::shortened;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::record::Fault;
use crate::domain::provisioning::record::JobState;
use crate::domain::provisioning::record::Step;
use crate::domain::provisioning::record::Word;

/// Steps kept of a job while the store takes none.
const MOST_STEPS: usize = 64;
/// Longest reason in a history, in characters.
const MOST_WHY: usize = 1_000;

impl Conductor {
    /// Begins with the newest revision.
    pub(super) fn begin(&mut self, slot: Slot, now: Now) {
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
            let ended = record.state.is_final();
            if !ended {
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
            // What was under way when the daemon was killed may have been sent, and come later.
            let written = record.progress.updated
                || record.progress.write_failed > 0
                || matches!(record.state, JobState::Removing | JobState::Submitting);
            record.progress.overtaken |= written && !ended;
            record.request = desired.request.clone();
            record.revision = desired.revision;
            record.state = JobState::Queued;
            record.since = at;
            record.next = None;
            record.progress.created = false;
            record.progress.updated = false;
            record.progress.knocked = false;
            record.progress.moved = false;
            if desired.word != Some(Word::Confirm) {
                record.progress.precheck = None;
            }
            way.entered = now.mono;
            way.known = Known::Unknown;
            way.old = Known::Unknown;
            way.refresh = false;
            way.asked_customer = false;
            way.checked = None;
            way.wrote();
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
        self.look_back(slot, now);
    }

    /// The end.
    pub(super) fn end(&mut self, slot: Slot, state: JobState, why: &str, now: Now) {
        let reached = matches!(state, JobState::Provisioned | JobState::NoChange);
        if matches!(state, JobState::Removed | JobState::PersonDeleted) {
            let customer = self.job(slot).and_then(|job| job.customer);
            self.forget_first(slot, customer);
        }
        if reached {
            self.inherit_first(slot);
        }
        let Some(job) = self.job_mut(slot) else {
            return;
        };
        let digest = reached.then(|| job.desired.digest.clone());
        if let Some(way) = &mut job.way {
            way.wrote();
            way.lost = false;
            way.disarm();
            // Nobody looks any more: it may come to work unseen.
            way.record.actual.unproven &= state != JobState::Cancelled;
            way.record.progress.overtaken &= state == JobState::Cancelled;
            way.record.progress.unsure &= state == JobState::Cancelled;
            way.record.actual.applied = digest;
        }
        self.move_to(slot, state, why, None, now);
        self.soil(slot);
        self.leave_queue(slot);
        self.step_back(slot);
        self.leave_all(slot);
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
}
