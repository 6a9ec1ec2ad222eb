//! What is true of the engine after every step.

use crate::lab::broadworks::calls::half::Due;
use crate::lab::broadworks::calls::half::Leg;
use crate::lab::broadworks::calls::half::Owner;
use crate::lab::broadworks::calls::half::Phase;
use crate::lab::broadworks::calls::leg::LegId;
use crate::lab::broadworks::calls::machine::Calls;
use crate::lab::broadworks::calls::machine::IN_ALL;
use crate::lab::broadworks::calls::machine::PER_USER;

impl Calls {
    /// Panics when legs, conferences and hooks contradict each other.
    pub(super) fn check(&self) {
        assert!(self.legs.len() <= IN_ALL, "too many legs");
        for (id, leg) in &self.legs {
            for peer in &leg.peers {
                let peer = self.legs.get(peer);
                assert!(
                    peer.is_some_and(|peer| peer.peers.contains(id)),
                    "{id} has a one-sided other end"
                );
            }
            self.check_phase(*id, leg);
            if let Some(user) = leg.owner.user() {
                self.check_user(user);
            }
        }
        for (user, conference) in &self.conferences {
            assert!(conference.members.len() >= 2, "{user} confers alone");
            for id in conference.members.keys() {
                let leg = self.legs.get(id);
                assert!(
                    leg.is_some_and(|leg| leg.owner.user() == Some(user) && leg.phase == Phase::Up),
                    "{id} is not in the conference of {user}"
                );
            }
        }
        assert_eq!(self.off_hook, self.hooks(), "hooks");
    }

    fn check_phase(&self, id: LegId, leg: &Leg) {
        let peers: Vec<&Leg> = leg
            .peers
            .iter()
            .filter_map(|peer| self.legs.get(peer))
            .collect();
        let due = leg.timer.map(|(_, due)| due);
        let waits = |one: &Leg| one.attempt.is_some() && !one.peers.is_empty();
        let sound = match &leg.phase {
            Phase::Detached { follows, .. } => {
                peers.is_empty() && due.is_none() && self.legs.contains_key(follows)
            }
            Phase::Dialling => {
                due == Some(Due::GiveUp) && waits(leg) && peers.iter().all(|one| one.is_ringing())
            }
            Phase::Failed(_) => peers.is_empty() && due == Some(Due::FailureHeard),
            Phase::OwnPhone(_) => {
                peers.is_empty() && matches!(due, Some(Due::OwnPhone | Due::Answers))
            }
            Phase::Parked { against, .. } => {
                peers.is_empty()
                    && due == Some(Due::ParkRecall)
                    && self.parked_against(against) == Some(id)
            }
            Phase::Ringing => match peers.as_slice() {
                [one] => waits(one) && one.tracking == leg.tracking,
                _ => false,
            },
            Phase::Up if leg.attempt.is_some() => {
                due == Some(Due::GiveUp) && waits(leg) && peers.iter().all(|one| one.is_ringing())
            }
            Phase::Up => match peers.as_slice() {
                [one] => {
                    one.is_connected()
                        && one.tracking == leg.tracking
                        && leg.times.answer.is_some()
                        && matches!(due, Some(Due::LongestCall | Due::MessageEnds))
                }
                _ => false,
            },
        };
        assert!(sound, "{id} contradicts itself: {leg:?} with {peers:?}");
        let dials = matches!(leg.owner, Owner::User(_)) || !matches!(leg.phase, Phase::Dialling);
        assert!(dials, "{id} dials by itself");
        let held = leg.times.held.is_some() == leg.held;
        assert!(held, "{id} does not know whether it is held");
        let completes = leg.completes.and_then(|held| self.legs.get(&held));
        assert!(
            leg.completes.is_none() || completes.is_some_and(Leg::is_connected),
            "{id} completes a call that is gone"
        );
    }

    /// One voice, and a line key for each call.
    fn check_user(&self, user: &str) {
        let own: Vec<(LegId, &Leg)> = self.owned(user).collect();
        assert!(own.len() <= PER_USER, "{user} has too many legs");
        let voices: Vec<Option<&str>> = own
            .iter()
            .filter(|(_, leg)| leg.phase == Phase::Up && !leg.held)
            .map(|(id, _)| self.conference_of(*id))
            .collect();
        let in_conference = !voices.is_empty() && voices.iter().all(Option::is_some);
        assert!(
            voices.len() <= 1 || in_conference,
            "{user} talks to several at once"
        );
        for (at, (id, leg)) in own.iter().enumerate() {
            assert!(
                own.iter()
                    .skip(at + 1)
                    .all(|(_, other)| other.appearance != leg.appearance),
                "{id} shares a line key"
            );
        }
    }
}
