//! What the engine shows of itself: calls of users, their hooks, and what happens to a leg.

use crate::lab::broadworks::calls::command::Action;
use crate::lab::broadworks::calls::command::Change;
use crate::lab::broadworks::calls::half::Leg;
use crate::lab::broadworks::calls::half::Phase;
use crate::lab::broadworks::calls::leg::LegId;
use crate::lab::broadworks::calls::leg::LegView;
use crate::lab::broadworks::calls::leg::State;
use crate::lab::broadworks::calls::machine::Calls;

impl Calls {
    /// The calls of a user, oldest first; detached ones only on request.
    #[must_use]
    pub fn of(&self, user: &str, detached: bool) -> Vec<LegView> {
        let own = self
            .owned(user)
            .filter(|(_, leg)| detached || !matches!(leg.phase, Phase::Detached { .. }));
        own.map(|(id, leg)| self.view(id, leg)).collect()
    }

    /// Whether a user's phone is off hook.
    #[must_use]
    pub fn is_off_hook(&self, user: &str) -> bool {
        self.off_hook.contains(user)
    }

    /// Tells what happened to a leg of a user.
    pub(super) fn tell(&mut self, id: LegId, change: Change) {
        let Some(leg) = self.legs.get(&id) else {
            return;
        };
        if let Some(user) = leg.owner.user() {
            let action = Action::Leg {
                user: user.to_owned(),
                change,
                leg: Box::new(self.view(id, leg)),
            };
            self.push(action);
        }
    }

    /// A leg as it shows itself.
    pub(super) fn view(&self, id: LegId, leg: &Leg) -> LegView {
        LegView {
            id,
            tracking: leg.tracking,
            personality: leg.personality,
            state: self.state(leg),
            cause: leg.failure(),
            released_by: None,
            remote: leg.remote.clone(),
            redirections: leg.redirections.clone(),
            redirect: if let Phase::Detached { to, .. } = &leg.phase {
                Some(to.clone())
            } else {
                None
            },
            endpoint: leg.endpoint.clone(),
            appearance: leg.appearance,
            can_answer: matches!(leg.phase, Phase::Ringing | Phase::OwnPhone(_)),
            times: leg.times,
            in_conference: self.conference_of(id).is_some(),
            recording: leg.recording,
            info: leg.info.clone(),
            dtmf: leg.dtmf.clone(),
        }
    }

    /// The state of a leg: hold follows from what both ends did.
    pub(super) fn state(&self, leg: &Leg) -> State {
        match &leg.phase {
            Phase::Detached { .. } => State::Detached,
            Phase::Dialling | Phase::OwnPhone(_) | Phase::Ringing => State::Alerting,
            // The tone is a voice path (seen: CallReleasing with the state Active).
            Phase::Failed(_) => State::Active,
            Phase::Parked { .. } => State::RemoteHeld,
            Phase::Up if leg.held => State::Held,
            Phase::Up => {
                let peer = leg.peers.first().and_then(|peer| self.legs.get(peer));
                match peer {
                    Some(peer) if leg.attempt.is_none() && peer.held => State::RemoteHeld,
                    Some(_) | None => State::Active,
                }
            }
        }
    }
}
