//! Transfers: the user steps out, and the other ends go on without.

use std::sync::Arc;

use crate::domain::machine::Now;
use crate::lab::broadworks::calls::command::Change;
use crate::lab::broadworks::calls::command::Refusal;
use crate::lab::broadworks::calls::command::Reply;
use crate::lab::broadworks::calls::command::Start;
use crate::lab::broadworks::calls::half::Attempt;
use crate::lab::broadworks::calls::half::Due;
use crate::lab::broadworks::calls::half::Leg;
use crate::lab::broadworks::calls::half::Owner;
use crate::lab::broadworks::calls::half::Phase;
use crate::lab::broadworks::calls::leg::Cause;
use crate::lab::broadworks::calls::leg::LegId;
use crate::lab::broadworks::calls::leg::Personality;
use crate::lab::broadworks::calls::leg::Reason;
use crate::lab::broadworks::calls::leg::Redirect;
use crate::lab::broadworks::calls::leg::ReleasedBy;
use crate::lab::broadworks::calls::machine::ALERTING;
use crate::lab::broadworks::calls::machine::Calls;
use crate::lab::broadworks::calls::machine::milliseconds;
use crate::lab::broadworks::calls::party::Party;
use crate::lab::broadworks::calls::place::Found;
use crate::lab::broadworks::calls::place::assigned;
use crate::lab::broadworks::calls::release::end_times;
use crate::lab::broadworks::calls::services;
use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::directory::User;

const VOICE_MAIL: &str = "Voice Messaging User";

impl Calls {
    /// Sends the other end to a target, or a ringing call on to one.
    pub(super) fn blind_transfer(
        &mut self,
        user: &str,
        id: LegId,
        to: &str,
        now: Now,
    ) -> Result<Reply, Refusal> {
        self.own(user, id)?;
        let Found::Dial(target, dialled) = self.find(user, &Start::Dial(to.to_owned()))? else {
            return Err(Refusal::BadParameter("address"));
        };
        let address = format!("tel:{dialled}");
        let from = self.step_out(user, id, &address, Reason::Transfer, now)?;
        self.offer(from, &target, now);
        Ok(Reply::Done)
    }

    /// Sends the other end into a mailbox.
    pub(super) fn voice_mail_transfer(
        &mut self,
        user: &str,
        id: LegId,
        mailbox: Option<&str>,
        now: Now,
    ) -> Result<Reply, Refusal> {
        self.own(user, id)?;
        let directory = Arc::clone(&self.directory);
        let own = directory.user(user).ok_or(Refusal::UnknownCall)?;
        let owner = match mailbox {
            Some(address) => self.mailbox_owner(&directory, own, address)?,
            None => own,
        };
        assigned(owner, VOICE_MAIL)?;
        if !services::has_mailbox(owner) {
            return Err(Refusal::NotNow("The mailbox is not active"));
        }
        let address = format!("sip:{}", owner.id);
        let from = self.step_out(user, id, &address, Reason::Voicemail, now)?;
        self.mailbox_answers(from, owner, now);
        Ok(Reply::Done)
    }

    fn mailbox_owner<'d>(
        &self,
        directory: &'d Directory,
        by: &User,
        address: &str,
    ) -> Result<&'d User, Refusal> {
        let id = self.colleague(by, address)?.id.clone();
        directory.user(&id).ok_or(Refusal::BadParameter("address"))
    }

    /// Takes the user out of a connected or ringing call. What is left waits without an other
    /// end, and is returned.
    fn step_out(
        &mut self,
        user: &str,
        id: LegId,
        address: &str,
        reason: Reason,
        now: Now,
    ) -> Result<LegId, Refusal> {
        let leg = self.own(user, id)?;
        let directory = Arc::clone(&self.directory);
        let by = directory.user(user).ok_or(Refusal::UnknownCall)?;
        if leg.is_ringing() {
            let from = self.peer(id).ok_or(Refusal::UnknownCall)?;
            self.silence(from, Cause::Forwarded, now);
            let deflected = if reason == Reason::Transfer {
                Reason::Deflection
            } else {
                reason
            };
            self.redirected(from, by, deflected);
            return Ok(from);
        }
        let from = self.transferable(id)?;
        self.detach(id, from, (address, reason), now);
        if let Some(leg) = self.legs.get_mut(&from) {
            leg.attempt = Some(Attempt {
                called: None,
                redirections: Vec::new(),
            });
        }
        self.redirected(from, by, reason);
        self.arm(from, Due::GiveUp, ALERTING, now);
        Ok(from)
    }

    /// The other end of a connected call that may be sent elsewhere.
    fn transferable(&self, id: LegId) -> Result<LegId, Refusal> {
        const NOT: Refusal = Refusal::NotNow("The call cannot be transferred");
        let connected = self.legs.get(&id).filter(|leg| leg.is_connected());
        let peer = connected
            .and_then(|leg| leg.peers.first().copied())
            .ok_or(NOT)?;
        let mailbox = self
            .legs
            .get(&peer)
            .is_none_or(|leg| matches!(leg.owner, Owner::VoiceMail(_)));
        let conferring = [id, peer].map(|id| self.conference_of(id).is_some());
        if mailbox || conferring.contains(&true) {
            return Err(NOT);
        }
        Ok(peer)
    }

    /// Takes a leg out of its call; it is shown as long as the leg it left behind is there.
    fn detach(&mut self, id: LegId, follows: LegId, to: (&str, Reason), now: Now) {
        self.unlink(id);
        let Some(leg) = self.legs.get_mut(&id) else {
            return;
        };
        end_times(leg, now);
        let over = leg.clone();
        leg.times.detached = leg.times.release.take();
        leg.attempt = None;
        leg.completes = None;
        leg.recording = None;
        leg.timer = None;
        leg.phase = Phase::Detached {
            follows,
            to: Redirect {
                address: to.0.to_owned(),
                reason: to.1,
                time: milliseconds(now),
            },
        };
        self.write_down(id, &over, None);
        self.tell(id, Change::Detached);
    }

    /// Connects the other ends of two calls.
    pub(super) fn consult_transfer(
        &mut self,
        user: &str,
        one: LegId,
        other: LegId,
        now: Now,
    ) -> Result<Reply, Refusal> {
        self.own(user, one)?;
        self.own(user, other)?;
        if one == other {
            return Err(Refusal::BadParameter("callid2"));
        }
        self.transferable(one)?;
        let dialling = self
            .legs
            .get(&other)
            .is_some_and(|leg| leg.phase == Phase::Dialling);
        if !dialling {
            self.transferable(other)?;
        }
        if self.peer(one) == Some(other) {
            return Err(Refusal::NotNow("The call is with oneself"));
        }
        self.splice(one, other, now);
        Ok(Reply::Done)
    }

    /// Calls a target while the call is on hold, and transfers when it answers.
    pub(super) fn mute_transfer(
        &mut self,
        user: &str,
        id: LegId,
        to: &str,
        now: Now,
    ) -> Result<Reply, Refusal> {
        self.own(user, id)?;
        let Found::Dial(target, dialled) = self.find(user, &Start::Dial(to.to_owned()))? else {
            return Err(Refusal::BadParameter("address"));
        };
        self.transferable(id)?;
        if !self.has_room(user) {
            return Err(Refusal::NotNow("Too many calls"));
        }
        let call = self.originate(user, now);
        if let Some(leg) = self.legs.get_mut(&call) {
            leg.completes = Some(id);
        }
        self.set_hold(id, true, now);
        self.dial(call, &target, dialled, now);
        let tracking = self.legs.get(&call).map(|leg| leg.tracking);
        let tracking = tracking.ok_or(Refusal::NothingThere)?;
        Ok(Reply::Started { call, tracking })
    }

    /// Ties the other end of one call to the other end, or to the ringing ends, of another.
    pub(super) fn splice(&mut self, one: LegId, other: LegId, now: Now) {
        let Ok(left) = self.transferable(one) else {
            return;
        };
        let right = self.legs.get(&other).map(|leg| leg.peers.clone());
        let Some((right, tracking)) = right.zip(self.legs.get(&left).map(|leg| leg.tracking))
        else {
            return;
        };
        let attempt = self.legs.get(&other).and_then(|leg| leg.attempt.clone());
        let waiting = attempt.is_some();
        let remote = |leg: &Leg| leg.remote.address.clone();
        let address = self.legs.get(&other).map(remote).unwrap_or_default();
        let back = self.legs.get(&one).map(remote).unwrap_or_default();
        self.detach(one, left, (&address, Reason::Transfer), now);
        self.detach(other, left, (&back, Reason::Transfer), now);
        for id in &right {
            self.link(left, *id);
            if let Some(leg) = self.legs.get_mut(id) {
                leg.tracking = tracking;
            }
            self.introduce(*id, left);
        }
        if let Some(first) = right.first() {
            self.introduce(left, *first);
        }
        if let Some(leg) = self.legs.get_mut(&left) {
            leg.attempt = attempt;
        }
        if waiting {
            self.arm(left, Due::GiveUp, ALERTING, now);
        }
        self.tell(left, Change::Transferred);
        for id in right {
            let change = if waiting {
                Change::Updated
            } else {
                Change::Transferred
            };
            self.tell(id, change);
        }
        if self.legs.get(&left).is_none_or(|leg| leg.peers.is_empty()) {
            self.release(left, None, ReleasedBy::Remote, now);
        }
    }

    /// Shows a leg its new other end.
    pub(super) fn introduce(&mut self, id: LegId, other: LegId) {
        let directory = Arc::clone(&self.directory);
        let party = self.presented(other, self.viewer(id, &directory));
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.remote = party;
        }
    }

    /// The owner of a leg as somebody sees it: who called and hid stays hidden.
    pub(super) fn presented(&self, other: LegId, seen_by: Option<&User>) -> Party {
        let called = |leg: &Leg| leg.personality == Personality::Terminator;
        match seen_by {
            Some(user) if !self.legs.get(&other).is_some_and(called) => self.caller(other, user),
            Some(_) | None => self.party_of(other, seen_by),
        }
    }
}
