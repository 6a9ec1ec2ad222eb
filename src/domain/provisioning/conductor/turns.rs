//! Whose turn it is.

use crate::domain::machine::Now;
use crate::domain::provisioning::conductor::About;
use crate::domain::provisioning::conductor::Action;
use crate::domain::provisioning::conductor::Call;
use crate::domain::provisioning::conductor::CallId;
use crate::domain::provisioning::conductor::Conductor;
use crate::domain::provisioning::conductor::job::Slot;
use crate::domain::provisioning::conductor::lane::Kind;
use crate::domain::provisioning::conductor::lane::Lane;
use crate::domain::provisioning::conductor::lane::LaneId;
use crate::domain::provisioning::webex::WebexOp;

impl Conductor {
    /// Puts a job in line for its turn.
    pub(super) fn enqueue(&mut self, slot: Slot, warm: bool, now: Now) {
        let Some(lane) = self.lane_of(slot, now) else {
            // It needs no turn to be told what is wrong.
            let _ = self.decide(slot, now);
            return;
        };
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
            if lane.tend_list(rules, now) {
                let waiting: Vec<Slot> = lane.listed.values().copied().collect();
                for slot in waiting {
                    self.ask_alone(slot, now);
                }
                continue;
            }
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

    /// A job that lists would have found is asked for by itself again.
    fn ask_alone(&mut self, slot: Slot, now: Now) {
        let waits = self
            .job(slot)
            .is_some_and(|job| job.due.is_some() && !job.calling && job.has_begun());
        if waits {
            self.wait_on(slot, now);
        }
    }

    /// The partners of templates have changed: what waits for its turn waits at the right one.
    pub(super) fn change_lanes(&mut self, now: Now) {
        for id in 0..self.lanes.len() {
            let waiting = self.lanes.get_mut(id).map(Lane::clear);
            for slot in waiting.unwrap_or_default() {
                if let Some(job) = self.job_mut(slot) {
                    job.queued = false;
                    self.enqueue(slot, false, now);
                }
            }
        }
        let listed: Vec<Slot> = self
            .lanes
            .iter()
            .flat_map(|lane| lane.listed.values().copied())
            .collect();
        for slot in listed {
            self.lane_of(slot, now);
            self.unlist(slot);
            self.list(slot);
            self.ask_alone(slot, now);
        }
    }

    /// The lane of a job's partner, if it has one.
    pub(super) fn lane_of(&mut self, slot: Slot, now: Now) -> Option<LaneId> {
        let policy = self.policy_of(slot)?;
        let partner = policy.partner.as_ref()?;
        Some(self.lane(partner, now.mono))
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
        let customer = job.customer;
        let held = customer.and_then(|id| self.customers.get(id));
        let safe = held.is_none_or(|customer| !customer.dirty && !customer.saving);
        // Saved, it is woken.
        if !job.is_clean() || !asked.reads() && !safe && self.goes_first(slot) {
            return;
        }
        if let Some(job) = self.job_mut(slot) {
            job.calling = true;
        }
        self.call(lane, About::Job(slot, asked, customer), op, now);
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
