//! From a leg that waits to somebody who answers: services, forwarding, mailboxes.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::machine::Now;
use crate::lab::broadworks::calls::command::Change;
use crate::lab::broadworks::calls::dialling;
use crate::lab::broadworks::calls::dialling::Target;
use crate::lab::broadworks::calls::half::Due;
use crate::lab::broadworks::calls::half::Leg;
use crate::lab::broadworks::calls::half::Nature;
use crate::lab::broadworks::calls::half::Owner;
use crate::lab::broadworks::calls::half::Phase;
use crate::lab::broadworks::calls::leg::Cause;
use crate::lab::broadworks::calls::leg::Endpoint;
use crate::lab::broadworks::calls::leg::LegId;
use crate::lab::broadworks::calls::leg::Personality;
use crate::lab::broadworks::calls::leg::Reason;
use crate::lab::broadworks::calls::leg::Redirection;
use crate::lab::broadworks::calls::leg::ReleasedBy;
use crate::lab::broadworks::calls::machine::ALERTING;
use crate::lab::broadworks::calls::machine::Calls;
use crate::lab::broadworks::calls::machine::IN_ALL;
use crate::lab::broadworks::calls::machine::LONGEST;
use crate::lab::broadworks::calls::machine::NewLeg;
use crate::lab::broadworks::calls::machine::milliseconds;
use crate::lab::broadworks::calls::outside;
use crate::lab::broadworks::calls::outside::Script;
use crate::lab::broadworks::calls::party::Party;
use crate::lab::broadworks::calls::services;
use crate::lab::broadworks::calls::services::Decision;
use crate::lab::broadworks::calls::services::Ringing;
use crate::lab::broadworks::calls::services::Situation;
use crate::lab::broadworks::calls::voice_mail;
use crate::lab::broadworks::directory::User;

/// Redirections of one call: forwarding in a circle ends here.
const REDIRECTIONS: usize = 5;

/// How long a failed call tells why before it is gone.
const FAILURE: Duration = Duration::from_secs(10);

impl Calls {
    /// Tries to reach a target from a leg that waits and has no other ends.
    pub(super) fn offer(&mut self, from: LegId, target: &Target, now: Now) {
        let Some(leg) = self.legs.get(&from) else {
            return;
        };
        let redirected = leg
            .attempt
            .as_ref()
            .map_or(0, |attempt| attempt.redirections.len());
        if redirected > REDIRECTIONS {
            return self.fail(from, Cause::ForwardingLoop, now);
        }
        self.arm(from, Due::GiveUp, ALERTING, now);
        match target {
            Target::Outside(number) => {
                self.show(from, &Owner::Outside(Party::outside(number)));
                match outside::script(number) {
                    Script::Refuse(cause) => self.fail(from, cause, now),
                    Script::Answer(_) | Script::Ring => {
                        if !self.ring_outside(from, number, now) {
                            self.fail(from, Cause::Busy, now);
                        }
                    }
                }
            }
            Target::User(id) => self.arrive(from, id, now),
        }
    }

    fn arrive(&mut self, from: LegId, id: &str, now: Now) {
        let directory = Arc::clone(&self.directory);
        let Some(user) = directory.user(id) else {
            return self.fail(from, Cause::UserNotFound, now);
        };
        self.show(from, &Owner::User(user.id.clone()));
        if let Some(leg) = self.legs.get_mut(&from)
            && let Some(attempt) = &mut leg.attempt
        {
            attempt.called = Some(user.id.clone());
        }
        let offered = self.offered(from, user, now);
        let found = Situation {
            anonymous: self.caller(from, user).private,
            on_a_call: self
                .owned(&user.id)
                .any(|(id, leg)| id != from && !matches!(leg.phase, Phase::Detached { .. })),
            has_room: self.has_room(&user.id),
        };
        let decision = services::incoming(user, found);
        self.decide(from, user, decision, Some(offered), now);
    }

    /// Does with a waiting leg what the services of the called user say; `offered` is the leg
    /// that was made for the user before they were asked.
    pub(super) fn decide(
        &mut self,
        from: LegId,
        user: &User,
        decision: Decision,
        offered: Option<(LegId, Leg)>,
        now: Now,
    ) {
        let offered = match offered {
            Some((id, leg)) => self.answered_for(id, leg, user, &decision, now),
            None => None,
        };
        match decision {
            Decision::Forward { to, reason } => {
                self.redirected(from, user, reason);
                match dialling::resolve(&Arc::clone(&self.directory), user, &to) {
                    Some(target) => self.offer(from, &target, now),
                    None => self.fail(from, Cause::UserNotFound, now),
                }
                if self
                    .legs
                    .get(&from)
                    .is_some_and(|leg| !leg.peers.is_empty())
                {
                    self.tell(from, Change::Forwarded);
                }
            }
            Decision::Reject(cause) => self.fail(from, cause, now),
            Decision::Ring(ringing) => self.ring(from, user, ringing, offered, now),
            Decision::VoiceMail(reason) => {
                self.redirected(from, user, reason);
                self.mailbox_answers(from, user, now);
            }
        }
    }

    /// Notes a redirection by a user on what follows.
    pub(super) fn redirected(&mut self, from: LegId, by: &User, reason: Reason) {
        let directory = Arc::clone(&self.directory);
        let party = Party::user(by, self.viewer(from, &directory), &directory);
        if let Some(leg) = self.legs.get_mut(&from)
            && let Some(attempt) = &mut leg.attempt
        {
            attempt.redirections.push(Redirection { party, reason });
        }
    }

    fn ring(
        &mut self,
        from: LegId,
        user: &User,
        ringing: Ringing,
        offered: Option<(LegId, Leg)>,
        now: Now,
    ) {
        let own = match offered {
            Some((id, leg)) => {
                self.legs.insert(id, leg);
                self.starts_ringing(from, id)
            }
            None => self.ring_user(from, user, now),
        };
        if let Some(number) = &ringing.remote_office
            && let Some(leg) = self.legs.get_mut(&own)
        {
            leg.endpoint = Endpoint::RemoteOffice(Party::outside(number).address);
        }
        let script = ringing.remote_office.as_deref().map(outside::script);
        match (script, ringing.until) {
            (Some(Script::Answer(after)), until) if until.is_none_or(|until| after < until) => {
                self.arm(own, Due::Answers, after, now);
            }
            (_, Some(until)) => self.arm(own, Due::NoAnswer, until, now),
            (_, None) => {}
        }
        let directory = Arc::clone(&self.directory);
        for number in &ringing.also {
            match dialling::resolve(&directory, user, number) {
                Some(Target::User(id)) => {
                    let other = directory.user(&id).filter(|other| other.id != user.id);
                    let free = other.filter(|other| {
                        !services::is_quiet(other) && self.owned(&other.id).next().is_none()
                    });
                    if let Some(other) = free
                        && self.has_room(&other.id)
                    {
                        self.ring_user(from, other, now);
                    }
                }
                Some(Target::Outside(number)) => {
                    self.ring_outside(from, &number, now);
                }
                None => {}
            }
        }
    }

    /// Lets a user's phone ring.
    pub(super) fn ring_user(&mut self, from: LegId, user: &User, now: Now) -> LegId {
        let id = self.called(from, user, now);
        self.starts_ringing(from, id)
    }

    fn starts_ringing(&mut self, from: LegId, id: LegId) -> LegId {
        self.link(from, id);
        self.tell(id, Change::Received);
        id
    }

    /// The leg of a called user.
    pub(super) fn called(&mut self, from: LegId, user: &User, now: Now) -> LegId {
        let waiting = self.legs.get(&from);
        let tracking = waiting.map(|leg| leg.tracking);
        let redirections = waiting
            .and_then(|leg| leg.attempt.as_ref())
            .map(|attempt| attempt.redirections.clone());
        let new = NewLeg {
            owner: Owner::User(user.id.clone()),
            personality: Personality::Terminator,
            nature: Nature::Called,
            phase: Phase::Ringing,
            tracking,
            remote: self.caller(from, user),
        };
        let id = self.create(new, now);
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.redirections = redirections.unwrap_or_default();
        }
        id
    }

    /// Lets an outside number ring; `false` when it does not.
    fn ring_outside(&mut self, from: LegId, number: &str, now: Now) -> bool {
        let script = outside::script(number);
        if matches!(script, Script::Refuse(_)) || self.legs.len() >= IN_ALL {
            return false;
        }
        let tracking = self.legs.get(&from).map(|leg| leg.tracking);
        let owner = Owner::Outside(Party::outside(number));
        let id = self.create(
            NewLeg {
                remote: self.party_of(from, None),
                owner,
                personality: Personality::Terminator,
                nature: Nature::Called,
                phase: Phase::Ringing,
                tracking,
            },
            now,
        );
        self.link(from, id);
        if let Script::Answer(after) = script {
            self.arm(id, Due::Answers, after, now);
        }
        true
    }

    /// Lets the mailbox of a user answer.
    pub(super) fn mailbox_answers(&mut self, from: LegId, user: &User, now: Now) {
        if self.legs.len() >= IN_ALL || !services::has_mailbox(user) {
            return self.fail(from, Cause::Busy, now);
        }
        let tracking = self.legs.get(&from).map(|leg| leg.tracking);
        let new = NewLeg {
            owner: Owner::VoiceMail(user.id.clone()),
            personality: Personality::Terminator,
            nature: Nature::Called,
            phase: Phase::Ringing,
            tracking,
            remote: self.caller(from, user),
        };
        let id = self.create(new, now);
        self.link(from, id);
        self.connect(id, now);
        self.arm(id, Due::MessageEnds, voice_mail::LONGEST, now);
    }

    /// Connects a ringing leg with the one that waits for it; the others stop ringing.
    pub(super) fn connect(&mut self, answering: LegId, now: Now) {
        let Some(waiting) = self.peer(answering) else {
            return;
        };
        let others = self.legs.get(&waiting).map(|leg| leg.peers.clone());
        for other in others.unwrap_or_default() {
            if other != answering {
                let cause = Some(Cause::AnsweredElsewhere);
                self.release(other, cause, ReleasedBy::Remote, now);
            }
        }
        let was_up = self
            .legs
            .get(&waiting)
            .is_some_and(|leg| leg.phase == Phase::Up);
        let mut completes = None;
        for id in [answering, waiting] {
            if let Some(leg) = self.legs.get_mut(&id) {
                leg.phase = Phase::Up;
                leg.attempt = None;
                leg.times.answer.get_or_insert_with(|| milliseconds(now));
                completes = leg.completes.take().or(completes);
            }
            self.arm(id, Due::LongestCall, LONGEST, now);
        }
        if let Some(owner) = self.legs.get(&answering).map(|leg| leg.owner.clone()) {
            self.show(waiting, &owner);
        }
        for id in [answering, waiting] {
            if self.legs.get(&id).is_some_and(|leg| !leg.held) {
                self.give_voice(id, now);
            }
        }
        self.tell(answering, Change::Answered);
        let change = if was_up {
            Change::Transferred
        } else {
            Change::Answered
        };
        self.tell(waiting, change);
        if let Some(first) = completes {
            self.splice(first, waiting, now);
        }
    }

    /// The called user has not answered.
    pub(super) fn not_answered(&mut self, ringing: LegId, now: Now) {
        let Some(from) = self.peer(ringing) else {
            return;
        };
        self.silence(from, Cause::Forwarded, now);
        self.not_here(from, services::no_answer, now);
    }

    /// Lets the services of the called user decide about a leg that waits.
    pub(super) fn not_here(&mut self, from: LegId, decide: fn(&User) -> Decision, now: Now) {
        let directory = Arc::clone(&self.directory);
        let attempt = self.legs.get(&from).and_then(|leg| leg.attempt.as_ref());
        let called = attempt.and_then(|attempt| attempt.called.as_deref());
        match called.and_then(|id| directory.user(id)) {
            Some(user) => self.decide(from, user, decide(user), None, now),
            None => self.fail(from, Cause::NoAnswer, now),
        }
    }

    /// Nobody answers at all.
    pub(super) fn give_up(&mut self, from: LegId, now: Now) {
        self.fail(from, Cause::NoAnswer, now);
    }

    /// Ends everything that rings for a leg.
    pub(super) fn silence(&mut self, from: LegId, cause: Cause, now: Now) {
        let ringing = self.legs.get(&from).map(|leg| leg.peers.clone());
        for id in ringing.unwrap_or_default() {
            self.release(id, Some(cause), ReleasedBy::Remote, now);
        }
    }

    /// Nothing more can be tried. Who dialled hears why; who was transferred is let go.
    pub(super) fn fail(&mut self, from: LegId, cause: Cause, now: Now) {
        self.silence(from, cause, now);
        let Some(leg) = self.legs.get_mut(&from) else {
            return;
        };
        if leg.owner.user().is_some() && leg.phase == Phase::Dialling {
            leg.phase = Phase::Failed(cause);
            leg.attempt = None;
            self.arm(from, Due::FailureHeard, FAILURE, now);
            self.tell(from, Change::Releasing);
        } else {
            self.release(from, Some(cause), ReleasedBy::Remote, now);
        }
    }
}
