//! Parking: a call waits against an extension until somebody retrieves it.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::machine::Now;
use crate::lab::broadworks::calls::command::Action;
use crate::lab::broadworks::calls::command::Change;
use crate::lab::broadworks::calls::command::Refusal;
use crate::lab::broadworks::calls::command::Reply;
use crate::lab::broadworks::calls::half::Attempt;
use crate::lab::broadworks::calls::half::Due;
use crate::lab::broadworks::calls::half::Nature;
use crate::lab::broadworks::calls::half::Owner;
use crate::lab::broadworks::calls::half::Phase;
use crate::lab::broadworks::calls::leg::Cause;
use crate::lab::broadworks::calls::leg::LegId;
use crate::lab::broadworks::calls::leg::ReleasedBy;
use crate::lab::broadworks::calls::leg::State;
use crate::lab::broadworks::calls::machine::ALERTING;
use crate::lab::broadworks::calls::machine::Calls;
use crate::lab::broadworks::calls::machine::LONGEST;
use crate::lab::broadworks::calls::machine::milliseconds;
use crate::lab::broadworks::calls::party::Party;
use crate::lab::broadworks::calls::place::assigned;
use crate::lab::broadworks::calls::place::same_group;
use crate::lab::broadworks::directory::User;

/// How long a call stays parked before it goes back to who parked it.
const RECALL: Duration = Duration::from_secs(45);

const CALL_PARK: &str = "Call Park";

const NOT: Refusal = Refusal::NotNow("The call cannot be parked");

impl Calls {
    /// Parks the other end against a user of the group.
    pub(super) fn park_call(
        &mut self,
        user: &str,
        id: LegId,
        against: Option<&str>,
        now: Now,
    ) -> Result<Reply, Refusal> {
        let peer = self.parkable(user, id)?;
        let directory = Arc::clone(&self.directory);
        let own = directory.user(user).ok_or(Refusal::UnknownCall)?;
        let against = match against {
            Some(address) => self.colleague(own, address)?.clone(),
            None => own.clone(),
        };
        if self.parked_against(&against.id).is_some() {
            return Err(Refusal::NotNow("A call is parked there already"));
        }
        Ok(self.park(own, id, peer, &against, now))
    }

    /// Parks the other end against the first member of the group who is free: oneself, then the
    /// others by their extension.
    pub(super) fn group_park(&mut self, user: &str, id: LegId, now: Now) -> Result<Reply, Refusal> {
        let peer = self.parkable(user, id)?;
        let directory = Arc::clone(&self.directory);
        let own = directory.user(user).ok_or(Refusal::UnknownCall)?;
        let mut members: Vec<&User> = directory
            .users
            .values()
            .filter(|other| same_group(other, own) && other.extension.is_some())
            .collect();
        members.sort_by_key(|other| (other.id != own.id, &other.extension));
        let free = members
            .into_iter()
            .find(|other| self.parked_against(&other.id).is_none());
        let against = free.ok_or(Refusal::NotNow("Nobody is free to park against"))?;
        Ok(self.park(own, id, peer, against, now))
    }

    /// The call parked against a user.
    pub(super) fn parked_against(&self, user: &str) -> Option<LegId> {
        let mut legs = self.legs.iter();
        legs.find(|(_, leg)| matches!(&leg.phase, Phase::Parked { against, .. } if against == user))
            .map(|(id, _)| *id)
    }

    /// Who is parked against a user, as the user sees it.
    #[must_use]
    pub fn parked(&self, user: &str) -> Option<Party> {
        let leg = self.parked_against(user)?;
        Some(self.presented(leg, self.directory.user(user)))
    }

    /// Tells that a call is not on its user's phone any more before it is over for the user.
    fn leaves_the_phone(&mut self, id: LegId, now: Now) {
        let Some(leg) = self.legs.get(&id) else {
            return;
        };
        let mut view = self.view(id, leg);
        view.state = State::Detached;
        view.times.detached = Some(milliseconds(now));
        if let Some(user) = leg.owner.user() {
            self.push(Action::Leg {
                user: user.to_owned(),
                change: Change::Detached,
                leg: Box::new(view),
            });
        }
    }

    /// The other end, when it can be parked.
    fn parkable(&self, user: &str, id: LegId) -> Result<LegId, Refusal> {
        let leg = self.own(user, id)?;
        let owner = self.directory.user(user).ok_or(Refusal::UnknownCall)?;
        assigned(owner, CALL_PARK)?;
        let peer = Some(leg)
            .filter(|leg| leg.is_connected())
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

    fn park(&mut self, by: &User, id: LegId, peer: LegId, against: &User, now: Now) -> Reply {
        self.leaves_the_phone(id, now);
        self.unlink(id);
        self.release(id, None, ReleasedBy::Local, now);
        self.set_hold(peer, false, now);
        if let Some(leg) = self.legs.get_mut(&peer) {
            leg.recording = None;
            leg.phase = Phase::Parked {
                against: against.id.clone(),
                by: by.id.clone(),
            };
        }
        self.arm(peer, Due::ParkRecall, RECALL, now);
        self.show(peer, &Owner::User(against.id.clone()));
        self.tell(peer, Change::Held);
        let parked = self.presented(peer, Some(against));
        self.push(Action::Park {
            user: against.id.clone(),
            parked: Some(parked),
        });
        let extension = against.extension.as_deref();
        Reply::Parked {
            address: match extension {
                Some(extension) => format!("tel:{extension}"),
                None => format!("sip:{}", against.id),
            },
        }
    }

    /// Connects a fresh leg with a parked one.
    pub(super) fn retrieve_parked(&mut self, id: LegId, parked: LegId, now: Now) {
        let against = self.unpark(parked);
        let tracking = self.legs.get(&parked).map(|leg| leg.tracking);
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.phase = Phase::Up;
            leg.nature = Nature::Taken;
            leg.tracking = tracking.unwrap_or(leg.tracking);
            leg.times.answer = Some(milliseconds(now));
        }
        self.link(id, parked);
        for leg in [id, parked] {
            self.arm(leg, Due::LongestCall, LONGEST, now);
        }
        self.introduce(id, parked);
        self.introduce(parked, id);
        self.give_voice(id, now);
        self.wait_for_voice(parked, now);
        self.tell(id, Change::ParkRetrieved);
        self.tell(parked, Change::Retrieved);
        self.push(Action::Park {
            user: against,
            parked: None,
        });
    }

    /// Nobody retrieved it: whoever parked it is called.
    pub(super) fn recall(&mut self, parked: LegId, now: Now) {
        let Some(Phase::Parked { by, .. }) = self.legs.get(&parked).map(|leg| leg.phase.clone())
        else {
            return;
        };
        let against = self.unpark(parked);
        self.push(Action::Park {
            user: against,
            parked: None,
        });
        self.wait_for_voice(parked, now);
        if let Some(leg) = self.legs.get_mut(&parked) {
            leg.attempt = Some(Attempt {
                called: None,
                redirections: Vec::new(),
            });
        }
        let directory = Arc::clone(&self.directory);
        match directory.user(&by) {
            Some(user) if self.has_room(&user.id) => {
                self.arm(parked, Due::GiveUp, ALERTING, now);
                self.show(parked, &Owner::User(user.id.clone()));
                self.ring_user(parked, user, now);
            }
            Some(_) => self.fail(parked, Cause::Busy, now),
            None => self.fail(parked, Cause::UserNotFound, now),
        }
    }

    /// Takes a leg out of its parking place, and says against whom that was.
    fn unpark(&mut self, parked: LegId) -> String {
        let Some(leg) = self.legs.get_mut(&parked) else {
            return String::new();
        };
        if let Phase::Parked { against, .. } = std::mem::replace(&mut leg.phase, Phase::Up) {
            against
        } else {
            String::new()
        }
    }
}
