//! Answering, holding and retrieving; who of a user's calls has the voice; small things during a
//! call.

use crate::domain::machine::Now;
use crate::lab::broadworks::calls::command::Change;
use crate::lab::broadworks::calls::command::Decline;
use crate::lab::broadworks::calls::command::Record;
use crate::lab::broadworks::calls::command::Refusal;
use crate::lab::broadworks::calls::command::Reply;
use crate::lab::broadworks::calls::half::Leg;
use crate::lab::broadworks::calls::half::Phase;
use crate::lab::broadworks::calls::leg::LegId;
use crate::lab::broadworks::calls::leg::Recording;
use crate::lab::broadworks::calls::leg::ReleasedBy;
use crate::lab::broadworks::calls::leg::State;
use crate::lab::broadworks::calls::machine::Calls;
use crate::lab::broadworks::calls::machine::milliseconds;
use crate::lab::broadworks::calls::services;

/// Digits kept of one call, and the longest text attached to one: a client's mistake must not
/// fill the memory.
const DIGITS: usize = 256;
const INFO: usize = 1024;

const RECORDING: &str = "Call Recording";

impl Calls {
    /// Answers a ringing call, retrieves a held one.
    pub(super) fn talk(&mut self, user: &str, id: LegId, now: Now) -> Result<Reply, Refusal> {
        let leg = self.own(user, id)?;
        match leg.phase {
            Phase::OwnPhone(_) | Phase::Ringing => self.pick_up(id, now),
            Phase::Up if leg.held => self.resume(id, now),
            Phase::Detached { .. }
            | Phase::Dialling
            | Phase::Failed(_)
            | Phase::Parked { .. }
            | Phase::Up => return Err(Refusal::NotNow("The call neither rings nor is held")),
        }
        Ok(Reply::Done)
    }

    /// A phone that rings is picked up.
    pub(super) fn pick_up(&mut self, id: LegId, now: Now) {
        let Some(leg) = self.legs.get(&id) else {
            return;
        };
        match &leg.phase {
            Phase::OwnPhone(start) => {
                let start = start.as_ref().clone();
                self.own_phone_answers(id, &start, now);
            }
            Phase::Ringing => self.connect(id, now),
            Phase::Detached { .. }
            | Phase::Dialling
            | Phase::Failed(_)
            | Phase::Parked { .. }
            | Phase::Up => {}
        }
    }

    /// Puts a call on hold.
    pub(super) fn hold(&mut self, user: &str, id: LegId, now: Now) -> Result<Reply, Refusal> {
        let leg = self.own(user, id)?;
        if leg.phase != Phase::Up || leg.held {
            return Err(Refusal::NotNow("The call is not active"));
        }
        self.set_hold(id, true, now);
        Ok(Reply::Done)
    }

    /// Releases the current call and retrieves a held one.
    pub(super) fn reconnect(&mut self, user: &str, id: LegId, now: Now) -> Result<Reply, Refusal> {
        let leg = self.own(user, id)?;
        if leg.phase != Phase::Up || !leg.held {
            return Err(Refusal::NotNow("The call is not held"));
        }
        let current: Vec<LegId> = self
            .owned(user)
            .filter(|(other, leg)| {
                *other != id
                    && self.conference_of(*other).is_none()
                    && (leg.phase == Phase::Dialling || (leg.phase == Phase::Up && !leg.held))
            })
            .map(|(id, _)| id)
            .collect();
        for other in current {
            self.hang_up(other, Decline::No, now);
        }
        // Its other end may have been the call that was just released.
        if self.legs.contains_key(&id) {
            self.resume(id, now);
        }
        Ok(Reply::Done)
    }

    /// Retrieves a held call.
    fn resume(&mut self, id: LegId, now: Now) {
        self.give_voice(id, now);
        self.set_hold(id, false, now);
    }

    /// Holds or retrieves, and tells both ends.
    pub(super) fn set_hold(&mut self, id: LegId, held: bool, now: Now) {
        let Some(leg) = self.legs.get_mut(&id) else {
            return;
        };
        if leg.held == held {
            return;
        }
        leg.held = held;
        let time = milliseconds(now);
        if held {
            leg.times.held = Some(time);
        } else {
            let since = leg.times.held.take().unwrap_or(time);
            leg.times.total_held += (time - since).max(0);
        }
        let change = if held {
            Change::Held
        } else {
            Change::Retrieved
        };
        let connected = leg.is_connected();
        self.tell(id, change);
        if let Some(peer) = self.peer(id)
            && connected
        {
            self.tell(peer, change);
        }
    }

    /// Gives the voice to one call of its user, with the others of its conference: everything
    /// else is put on hold, and a failure that is still being told ends.
    pub(super) fn give_voice(&mut self, id: LegId, now: Now) {
        let Some(user) = self.legs.get(&id).and_then(|leg| leg.owner.user()) else {
            return;
        };
        let conference = self.conference_of(id);
        let others = self.owned(user).filter(|(other, _)| {
            *other != id && (conference.is_none() || self.conference_of(*other) != conference)
        });
        let rest: Vec<(LegId, bool)> = others
            .filter(|(_, leg)| matches!(leg.phase, Phase::Up | Phase::Failed(_)))
            .map(|(id, leg)| (id, leg.phase == Phase::Up))
            .collect();
        for (other, up) in rest {
            if up {
                self.set_hold(other, true, now);
            } else {
                self.release(other, None, ReleasedBy::Local, now);
            }
        }
    }

    /// A leg gets its voice back without having asked for it: it waits on hold when its user
    /// talks to somebody else meanwhile.
    pub(super) fn wait_for_voice(&mut self, id: LegId, now: Now) {
        let Some(user) = self.legs.get(&id).and_then(|leg| leg.owner.user()) else {
            return;
        };
        let talks = |leg: &Leg| leg.phase == Phase::Up && !leg.held;
        if self
            .owned(user)
            .any(|(other, leg)| other != id && talks(leg))
        {
            self.set_hold(id, true, now);
        }
    }

    /// Sends digits into an active call.
    pub(super) fn send_digits(
        &mut self,
        user: &str,
        id: LegId,
        digits: &str,
    ) -> Result<Reply, Refusal> {
        let state = self.state(self.own(user, id)?);
        let valid =
            |c: char| matches!(c.to_ascii_uppercase(), '0'..='9' | '*' | '#' | 'A'..='D' | ',');
        if digits.is_empty() || digits.len() > DIGITS || !digits.chars().all(valid) {
            return Err(Refusal::BadParameter("playdtmf"));
        }
        let leg = self.legs.get_mut(&id).ok_or(Refusal::UnknownCall)?;
        if state != State::Active || !leg.is_connected() {
            return Err(Refusal::NotNow("The call is not active"));
        }
        leg.dtmf.push_str(digits);
        // The newest count; digits are ASCII.
        let surplus = leg.dtmf.len().saturating_sub(DIGITS);
        leg.dtmf.drain(..surplus);
        Ok(Reply::Done)
    }

    /// Attaches a text to a call.
    pub(super) fn attach(&mut self, user: &str, id: LegId, text: String) -> Result<Reply, Refusal> {
        self.own(user, id)?;
        if text.len() > INFO {
            return Err(Refusal::BadParameter("info"));
        }
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.info = Some(text).filter(|text| !text.is_empty());
        }
        self.tell(id, Change::Updated);
        Ok(Reply::Done)
    }

    /// Starts, stops, pauses, resumes a recording.
    pub(super) fn record(
        &mut self,
        user: &str,
        id: LegId,
        record: Record,
    ) -> Result<Reply, Refusal> {
        let leg = self.own(user, id)?;
        let owner = self.directory.user(user).ok_or(Refusal::UnknownCall)?;
        if !owner.has_service(RECORDING) {
            return Err(Refusal::NotAssigned(RECORDING));
        }
        let connected = leg.is_connected();
        let allowed = services::records_on_demand(owner);
        let next = match (leg.recording, record) {
            (None, Record::Start) | (Some(Recording::Paused), Record::Resume) => {
                Some(Recording::Started)
            }
            (Some(Recording::Started), Record::Pause) => Some(Recording::Paused),
            (Some(_), Record::Stop) => None,
            (None | Some(_), _) => return Err(Refusal::NotNow("The recording is elsewhere")),
        };
        if !connected || !allowed {
            return Err(Refusal::NotNow("The call cannot be recorded"));
        }
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.recording = next;
        }
        self.tell(id, Change::Recording(record));
        Ok(Reply::Done)
    }
}
