//! Conferences: calls of one user heard together; and joining the call of somebody else, which
//! is a conference, too.

use std::collections::BTreeMap;

use crate::domain::machine::Now;
use crate::lab::broadworks::calls::command::Action;
use crate::lab::broadworks::calls::command::Change;
use crate::lab::broadworks::calls::command::Decline;
use crate::lab::broadworks::calls::command::Mix;
use crate::lab::broadworks::calls::command::Refusal;
use crate::lab::broadworks::calls::command::Reply;
use crate::lab::broadworks::calls::half::Due;
use crate::lab::broadworks::calls::half::Nature;
use crate::lab::broadworks::calls::half::Phase;
use crate::lab::broadworks::calls::leg::Cause;
use crate::lab::broadworks::calls::leg::Endpoint;
use crate::lab::broadworks::calls::leg::LegId;
use crate::lab::broadworks::calls::leg::ReleasedBy;
use crate::lab::broadworks::calls::leg::State;
use crate::lab::broadworks::calls::machine::Calls;
use crate::lab::broadworks::calls::machine::LONGEST;
use crate::lab::broadworks::calls::machine::milliseconds;

/// A conference of one user.
#[derive(Debug, Clone)]
pub(super) struct Conference {
    pub(super) members: BTreeMap<LegId, Participant>,
    muted: bool,
    kind: Kind,
}

/// What one end of a conference hears and says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Participant {
    /// Is not heard.
    pub muted: bool,
    /// Hears nothing.
    pub deaf: bool,
}

/// How a conference came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The user joined a call.
    BargeIn,
    /// The user called all of them.
    NWay,
    /// The user listens to a call.
    SilentMonitor,
}

impl Kind {
    /// The word of the schema; the usual kind has none.
    #[must_use]
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::BargeIn => Some("Barge-In"),
            Self::NWay => None,
            Self::SilentMonitor => Some("Silently Monitored"),
        }
    }
}

/// A conference as its user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConferenceView {
    /// Active or held.
    pub state: State,
    /// The phone.
    pub endpoint: Endpoint,
    /// The line key.
    pub appearance: u8,
    /// Whether the user is not heard.
    pub muted: bool,
    /// How it came about.
    pub kind: Kind,
    /// The calls in it.
    pub participants: Vec<(LegId, Participant)>,
}

const NONE: Refusal = Refusal::NotNow("There is no conference");

impl Calls {
    /// The conference of a user.
    #[must_use]
    pub fn conference(&self, user: &str) -> Option<ConferenceView> {
        let conference = self.conferences.get(user)?;
        let first = conference.members.keys().next()?;
        let first = self.legs.get(first)?;
        let held = |id: &LegId| self.legs.get(id).is_some_and(|leg| leg.held);
        let state = if conference.members.keys().all(held) {
            State::Held
        } else {
            State::Active
        };
        Some(ConferenceView {
            state,
            endpoint: first.endpoint.clone(),
            appearance: first.appearance,
            muted: conference.muted,
            kind: conference.kind,
            participants: conference
                .members
                .iter()
                .map(|(id, participant)| (*id, *participant))
                .collect(),
        })
    }

    /// Whose conference a leg is in.
    pub(super) fn conference_of(&self, id: LegId) -> Option<&str> {
        let mut all = self.conferences.iter();
        all.find(|(_, conference)| conference.members.contains_key(&id))
            .map(|(user, _)| user.as_str())
    }

    pub(super) fn start_conference(
        &mut self,
        user: &str,
        calls: &[LegId],
        now: Now,
    ) -> Result<Reply, Refusal> {
        if self.conferences.contains_key(user) {
            return Err(Refusal::NotNow("There is a conference already"));
        }
        let mut members = BTreeMap::new();
        for id in calls {
            self.can_confer(user, *id)?;
            members.insert(*id, Participant::default());
        }
        if members.len() < 2 {
            return Err(Refusal::BadParameter("conferenceParticipantList"));
        }
        self.conferences.insert(
            user.to_owned(),
            Conference {
                members,
                muted: false,
                kind: Kind::NWay,
            },
        );
        self.talk_conference(user, now)
    }

    pub(super) fn add_to_conference(
        &mut self,
        user: &str,
        id: LegId,
        now: Now,
    ) -> Result<Reply, Refusal> {
        self.own(user, id)?;
        if !self.conferences.contains_key(user) {
            return Err(NONE);
        }
        self.can_confer(user, id)?;
        if let Some(conference) = self.conferences.get_mut(user) {
            conference.members.insert(id, Participant::default());
        }
        self.talk_conference(user, now)
    }

    fn can_confer(&self, user: &str, id: LegId) -> Result<(), Refusal> {
        let leg = self.own(user, id)?;
        // Whoever is in somebody else's conference as an end of it may have one, too.
        if leg.is_connected() && self.conference_of(id).is_none() {
            Ok(())
        } else {
            Err(Refusal::NotNow("The call cannot join a conference"))
        }
    }

    /// Ends the conference. Its calls end with it; a call that was joined goes on without the
    /// user.
    pub(super) fn end_conference(&mut self, user: &str, now: Now) -> Result<Reply, Refusal> {
        let conference = self.conferences.get(user).ok_or(NONE)?;
        let members: Vec<LegId> = conference.members.keys().copied().collect();
        for id in members {
            self.hang_up(id, Decline::No, now);
        }
        Ok(Reply::Done)
    }

    pub(super) fn hold_conference(&mut self, user: &str, now: Now) -> Result<Reply, Refusal> {
        let held = self.conference(user).ok_or(NONE)?.state == State::Held;
        if held {
            return Err(Refusal::NotNow("The conference is held already"));
        }
        for id in self.members(user) {
            self.set_hold(id, true, now);
        }
        self.tell_conference(user);
        Ok(Reply::Done)
    }

    pub(super) fn talk_conference(&mut self, user: &str, now: Now) -> Result<Reply, Refusal> {
        let members = self.members(user);
        let first = *members.first().ok_or(NONE)?;
        self.give_voice(first, now);
        for id in members {
            self.set_hold(id, false, now);
        }
        self.tell_conference(user);
        Ok(Reply::Done)
    }

    /// Changes what the user (`None`) or one participant hears and says.
    pub(super) fn mix(
        &mut self,
        user: &str,
        id: Option<LegId>,
        mix: Mix,
    ) -> Result<Reply, Refusal> {
        if let Some(id) = id {
            self.own(user, id)?;
        }
        let conference = self.conferences.get_mut(user).ok_or(NONE)?;
        let participant = match id {
            Some(id) => Some(
                conference
                    .members
                    .get_mut(&id)
                    .ok_or(Refusal::NotNow("The call is not in the conference"))?,
            ),
            None => None,
        };
        match (participant, mix) {
            (Some(one), Mix::Deaf) => one.deaf = true,
            (Some(one), Mix::Mute) => one.muted = true,
            (Some(one), Mix::Undeaf) => one.deaf = false,
            (Some(one), Mix::Unmute) => one.muted = false,
            (None, Mix::Mute) => conference.muted = true,
            (None, Mix::Unmute) if conference.kind != Kind::SilentMonitor => {
                conference.muted = false;
            }
            (None, Mix::Deaf | Mix::Undeaf | Mix::Unmute) => {
                return Err(Refusal::NotNow("The conference does not allow it"));
            }
        }
        self.tell_conference(user);
        Ok(Reply::Done)
    }

    /// Joins a connected call of somebody else with a fresh leg: the user stands between its two
    /// ends.
    pub(super) fn join(&mut self, id: LegId, call: LegId, silent: bool, now: Now) {
        let user = self.legs.get(&id).and_then(|leg| leg.owner.user());
        let user = user.unwrap_or_default().to_owned();
        let (Some(peer), true) = (self.peer(call), self.has_room(&user)) else {
            let cause = Some(Cause::Busy);
            return self.release(id, cause, ReleasedBy::Remote, now);
        };
        self.give_voice(id, now);
        let second = self.originate(&user, now);
        self.unlink(call);
        let tracking = self.legs.get(&call).map(|leg| leg.tracking);
        let mut members = BTreeMap::new();
        for (own, end) in [(id, call), (second, peer)] {
            if let Some(leg) = self.legs.get_mut(&own) {
                leg.phase = Phase::Up;
                leg.nature = Nature::Barged;
                leg.tracking = tracking.unwrap_or(leg.tracking);
                leg.times.answer = Some(milliseconds(now));
            }
            self.link(own, end);
            self.introduce(own, end);
            self.arm(own, Due::LongestCall, LONGEST, now);
            members.insert(own, Participant::default());
        }
        let kind = if silent {
            Kind::SilentMonitor
        } else {
            Kind::BargeIn
        };
        self.conferences.insert(
            user.clone(),
            Conference {
                members,
                muted: silent,
                kind,
            },
        );
        let change = if silent {
            Change::Monitored
        } else {
            Change::BargedIn
        };
        for (own, end) in [(id, call), (second, peer)] {
            self.tell(own, Change::Answered);
            self.tell(end, change);
        }
        self.tell_conference(&user);
    }

    /// When a leg of a joined call hangs up, both legs of the user go and the call goes on.
    pub(super) fn leave_joined(&mut self, id: LegId, now: Now) -> bool {
        let Some(user) = self.conference_of(id).map(str::to_owned) else {
            return false;
        };
        let joined = self
            .conferences
            .get(&user)
            .is_some_and(|conference| conference.kind != Kind::NWay);
        let members = self.members(&user);
        let (true, [one, other]) = (joined, members.as_slice()) else {
            return false;
        };
        let ends = [one, other].map(|id| {
            let leg = self.legs.get(id).filter(|leg| leg.is_connected());
            leg.and_then(|leg| leg.peers.first().copied())
        });
        let [Some(left), Some(right)] = ends else {
            return false;
        };
        for id in [*one, *other] {
            self.release(id, None, ReleasedBy::Local, now);
        }
        self.link(left, right);
        let tracking = self.legs.get(&left).map(|leg| leg.tracking);
        if let Some((leg, tracking)) = self.legs.get_mut(&right).zip(tracking) {
            leg.tracking = tracking;
        }
        for (id, end) in [(left, right), (right, left)] {
            self.introduce(id, end);
            self.tell(id, Change::Updated);
        }
        true
    }

    /// A conference of one end is none.
    pub(super) fn settle_conferences(&mut self) {
        let over: Vec<String> = self
            .conferences
            .iter()
            .filter(|(_, conference)| conference.members.len() < 2)
            .map(|(user, _)| user.clone())
            .collect();
        for user in over {
            self.conferences.remove(&user);
            self.push(Action::Conference {
                user,
                conference: None,
            });
        }
    }

    fn members(&self, user: &str) -> Vec<LegId> {
        let members = self.conferences.get(user).map(|held| held.members.keys());
        members
            .map(|ids| ids.copied().collect())
            .unwrap_or_default()
    }

    fn tell_conference(&mut self, user: &str) {
        let conference = self.conference(user);
        self.push(Action::Conference {
            user: user.to_owned(),
            conference,
        });
    }
}
