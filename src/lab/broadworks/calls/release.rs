//! How calls end, and what is written down of them.

use crate::domain::machine::Now;
use crate::lab::broadworks::calls::command::Action;
use crate::lab::broadworks::calls::command::CallRecord;
use crate::lab::broadworks::calls::command::Change;
use crate::lab::broadworks::calls::command::Decline;
use crate::lab::broadworks::calls::command::Message;
use crate::lab::broadworks::calls::half::Due;
use crate::lab::broadworks::calls::half::Leg;
use crate::lab::broadworks::calls::half::Nature;
use crate::lab::broadworks::calls::half::Owner;
use crate::lab::broadworks::calls::half::Phase;
use crate::lab::broadworks::calls::leg::Cause;
use crate::lab::broadworks::calls::leg::LegId;
use crate::lab::broadworks::calls::leg::Reason;
use crate::lab::broadworks::calls::leg::ReleasedBy;
use crate::lab::broadworks::calls::leg::State;
use crate::lab::broadworks::calls::machine::Calls;
use crate::lab::broadworks::calls::machine::milliseconds;
use crate::lab::broadworks::calls::services;
use crate::lab::broadworks::calls::voice_mail;
use crate::lab::broadworks::directory::LogKind;

impl Calls {
    /// Hangs up, or declines a ringing call.
    pub(super) fn hang_up(&mut self, id: LegId, decline: Decline, now: Now) {
        let Some(leg) = self.legs.get(&id) else {
            return;
        };
        match leg.phase {
            Phase::Detached { .. }
            | Phase::Failed(_)
            | Phase::OwnPhone(_)
            | Phase::Parked { .. } => self.release(id, None, ReleasedBy::Local, now),
            Phase::Dialling => self.hang_up_waiting(id, now),
            Phase::Ringing => self.decline(id, decline, now),
            Phase::Up if leg.attempt.is_some() => self.hang_up_waiting(id, now),
            Phase::Up => self.hang_up_connected(id, None, now),
        }
    }

    fn hang_up_waiting(&mut self, id: LegId, now: Now) {
        let ringing = self.unlink(id);
        self.release(id, None, ReleasedBy::Local, now);
        for peer in ringing {
            self.release(peer, None, ReleasedBy::Remote, now);
        }
    }

    fn hang_up_connected(&mut self, id: LegId, cause: Option<Cause>, now: Now) {
        if self.leave_joined(id, now) {
            return;
        }
        let peers = self.unlink(id);
        self.release(id, cause, ReleasedBy::Local, now);
        for peer in peers {
            self.release(peer, cause, ReleasedBy::Remote, now);
        }
    }

    /// One ringing phone does not want it. Others go on ringing; after the last one the services
    /// of the called user decide.
    fn decline(&mut self, id: LegId, decline: Decline, now: Now) {
        let Some(from) = self.peer(id) else {
            return;
        };
        let cause = match decline {
            Decline::Busy | Decline::No => Cause::Busy,
            Decline::TemporarilyUnavailable => Cause::TemporarilyUnavailable,
        };
        self.release(id, Some(cause), ReleasedBy::Local, now);
        if self
            .legs
            .get(&from)
            .is_some_and(|leg| !leg.peers.is_empty())
        {
            return;
        }
        match decline {
            Decline::Busy => {
                self.not_here(from, |user| services::busy(user, Reason::UserBusy), now);
            }
            Decline::No => self.fail(from, cause, now),
            Decline::TemporarilyUnavailable => self.not_here(from, services::no_answer, now),
        }
    }

    /// A timer ends a call.
    pub(super) fn end(&mut self, id: LegId, due: Due, now: Now) {
        let cause = match due {
            Due::LongestCall => Some(Cause::LongestCall),
            Due::OwnPhone => Some(Cause::NoAnswer),
            Due::Answers
            | Due::FailureHeard
            | Due::GiveUp
            | Due::MessageEnds
            | Due::NoAnswer
            | Due::ParkRecall => None,
        };
        match self.legs.get(&id).map(Leg::is_connected) {
            Some(true) => self.hang_up_connected(id, cause, now),
            Some(false) => self.release(id, cause, ReleasedBy::Remote, now),
            None => {}
        }
    }

    /// Takes a leg away and writes down what it was. What its other ends do is the caller's
    /// affair.
    pub(super) fn release(&mut self, id: LegId, cause: Option<Cause>, by: ReleasedBy, now: Now) {
        self.unlink(id);
        let in_conference = self.conference_of(id).is_some();
        let Some(mut leg) = self.legs.remove(&id) else {
            return;
        };
        for conference in self.conferences.values_mut() {
            conference.members.remove(&id);
        }
        end_times(&mut leg, now);
        if let Phase::Parked { against, .. } = &leg.phase {
            self.push(Action::Park {
                user: against.clone(),
                parked: None,
            });
        }
        if let Owner::VoiceMail(mailbox) = &leg.owner
            && let Some(begin) = leg.times.answer
        {
            self.push(Action::Message(Message {
                mailbox: mailbox.clone(),
                from: leg.remote.clone(),
                time: begin,
                duration: voice_mail::duration(begin, leg.times.release.unwrap_or(begin)),
            }));
        }
        if let Some(user) = leg.owner.user() {
            let mut view = self.view(id, &leg);
            view.state = State::Released;
            view.cause = cause.or_else(|| leg.failure());
            view.released_by = Some(by);
            view.in_conference = in_conference;
            let user = user.to_owned();
            self.push(Action::Leg {
                user,
                change: Change::Released,
                leg: Box::new(view),
            });
        }
        if !matches!(leg.phase, Phase::Detached { .. }) {
            self.write_down(id, &leg, cause);
        }
    }

    /// The call log entry of a leg that is over for its user.
    pub(super) fn write_down(&mut self, id: LegId, leg: &Leg, cause: Option<Cause>) {
        let kind = match (leg.nature, leg.times.answer) {
            (Nature::Dialled, _) if leg.dialled.is_some() => LogKind::Placed,
            (Nature::Called | Nature::Taken, Some(_)) => LogKind::Received,
            // Whoever sees it answered by another phone has not missed it.
            (Nature::Called, None) if cause != Some(Cause::AnsweredElsewhere) => LogKind::Missed,
            (Nature::Barged | Nature::Called | Nature::Dialled | Nature::Taken, _) => return,
        };
        if let Some(user) = leg.owner.user() {
            self.push(Action::Log(Box::new(CallRecord {
                user: user.to_owned(),
                kind,
                call: id,
                remote: leg.remote.clone(),
                dialled: leg.dialled.clone(),
                times: leg.times,
            })));
        }
    }
}

/// Completes the times of a leg that is over.
pub(super) fn end_times(leg: &mut Leg, now: Now) {
    // A wall clock that jumps back must not make calls of negative length.
    let time = milliseconds(now).max(leg.times.answer.unwrap_or(leg.times.start));
    if let Some(since) = leg.times.held.take() {
        leg.times.total_held += (time - since).max(0);
    }
    leg.held = false;
    leg.times.release = Some(time);
}
