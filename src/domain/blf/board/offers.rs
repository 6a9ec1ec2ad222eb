//! Pick-up offers: at most one is lit per watcher's session and call, and each that was lit is
//! withdrawn once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use crate::domain::blf::board::Board;
use crate::domain::blf::board::lines::Ring;
use crate::domain::blf::board::machine::Due;
use crate::domain::blf::notice::Notification;
use crate::domain::blf::notice::Offer;
use crate::domain::blf::notice::Withdraw;
use crate::domain::blf::notice::WithdrawReason;
use crate::domain::blf::watcher::Lit;
use crate::domain::blf::watcher::OfferKey;
use crate::domain::blf::watcher::SessionId;
use crate::domain::events::document::Call;
use crate::domain::events::ids::CallId;

/// Offers lit for one session; nobody picks up more calls than he can see. More are not lit.
const MOST_LIT: usize = 32;

/// Answered calls kept in mind, and for how long: until late news of their other legs are in.
const MOST_ANSWERED: usize = 1_024;
const ANSWERED: Duration = Duration::from_secs(60);

impl Board {
    pub(super) fn ring_began(&mut self, at: u32, ring: &Ring, now: Instant) {
        if let Some(tracking) = &ring.tracking {
            let places = self.ringing.entry(tracking.clone()).or_default();
            places.push((at, ring.call.clone()));
        }
        let Some(slot) = self.slot(at) else {
            return;
        };
        let delays: Vec<_> = slot.audience.delays().collect();
        for delay in delays {
            if delay.is_zero() {
                self.light_due(at, &ring.call, delay, now);
            } else {
                let due = Due::Offer(at, ring.call.clone(), delay);
                self.due.insert((now + delay, due));
            }
        }
    }

    pub(super) fn forget_ring(&mut self, at: u32, ring: &Ring) {
        if let Some(tracking) = &ring.tracking
            && let Some(places) = self.ringing.get_mut(tracking)
        {
            places.retain(|(line, call)| *line != at || *call != ring.call);
            if places.is_empty() {
                self.ringing.remove(tracking);
            }
        }
    }

    pub(super) fn ring_ended(
        &mut self,
        at: u32,
        ring: &Ring,
        reason: WithdrawReason,
        now: Instant,
    ) {
        self.forget_ring(at, ring);
        if reason.is_answered() {
            self.remember_answer(ring, now);
        }
        let Some(slot) = self.slot(at) else {
            return;
        };
        let sessions: Vec<_> = slot
            .audience
            .members()
            .map(|(session, _)| session)
            .collect();
        let dark = self.withdraw(&sessions, reason, |lit| {
            lit.line == at && lit.call == ring.call
        });
        if !dark.is_empty() && !reason.is_answered() {
            self.relight(&dark, ring, now);
        }
    }

    fn remember_answer(&mut self, ring: &Ring, now: Instant) {
        let Some(tracking) = &ring.tracking else {
            return;
        };
        if self.answered.len() >= MOST_ANSWERED {
            self.answered
                .retain(|_, at| now.saturating_duration_since(*at) < ANSWERED);
            if self.answered.len() >= MOST_ANSWERED {
                self.answered.clear();
            }
        }
        self.answered.insert(tracking.clone(), now);
    }

    /// Withdraws from these sessions what `which` says; those that lost something.
    pub(super) fn withdraw(
        &mut self,
        sessions: &[SessionId],
        reason: WithdrawReason,
        which: impl Fn(&Lit) -> bool,
    ) -> Vec<SessionId> {
        let mut gone: BTreeMap<u64, (Arc<Offer>, Vec<SessionId>)> = BTreeMap::new();
        let mut dark = Vec::new();
        for id in sessions {
            let Some(session) = self.sessions.get_mut(id) else {
                continue;
            };
            let mut lost = false;
            session.lit.retain(|lit| {
                if which(lit) {
                    let offer = &lit.offer;
                    let entry = gone.entry(offer.offer);
                    let (_, told) = entry.or_insert_with(|| (Arc::clone(offer), Vec::new()));
                    told.push(*id);
                    lost = true;
                    false
                } else {
                    true
                }
            });
            if lost {
                dark.push(*id);
            }
        }
        for (offer, sessions) in gone.into_values() {
            let body = Notification::Withdraw(Withdraw {
                offer: offer.offer,
                user: offer.user.clone(),
                reason,
            });
            self.notify(Arc::from(sessions), body);
        }
        dark
    }

    /// Another leg of the call may still ring where some of these sessions see it.
    fn relight(&mut self, sessions: &[SessionId], ring: &Ring, now: Instant) {
        let Some(tracking) = &ring.tracking else {
            return;
        };
        let places = self.ringing.get(tracking).cloned().unwrap_or_default();
        for (at, call) in places {
            self.light(at, &call, sessions, now);
        }
    }

    /// A delay is over: lights the call for those who wished that delay.
    pub(super) fn light_due(&mut self, at: u32, call: &CallId, delay: Duration, now: Instant) {
        let Some(slot) = self.slot(at) else {
            return;
        };
        let sessions: Vec<_> = slot
            .audience
            .members()
            .filter(|(_, wishes)| wishes.notification_delay == delay)
            .map(|(session, _)| session)
            .collect();
        self.light(at, call, &sessions, now);
    }

    /// Lights a call that rings for those of the sessions who hear of the line, whose delay is
    /// over and for whom it makes sense.
    pub(super) fn light(&mut self, at: u32, id: &CallId, sessions: &[SessionId], now: Instant) {
        let Some(slot) = self.lines.get(at as usize).and_then(Option::as_deref) else {
            return;
        };
        let Some((call, since)) = slot.line.ringing().find(|(call, _)| call.id == *id) else {
            return;
        };
        let answered = call.tracking.as_ref().and_then(|id| self.answered.get(id));
        if answered.is_some_and(|answered| *answered >= since) {
            return;
        }
        let key = key_of(at, call);
        let mut news: [(Option<Arc<Offer>>, Vec<SessionId>); 2] = Default::default();
        for session_id in sessions {
            let Some(session) = self.sessions.get_mut(session_id) else {
                continue;
            };
            let own_line = session.watcher == slot.user;
            let own_call = call.remote.user.as_ref() == Some(&session.watcher);
            let early = now < since + session.wishes.notification_delay;
            let lit = session.lit.iter().any(|lit| lit.key == key);
            let full = session.lit.len() >= MOST_LIT;
            let hears = slot.audience.contains(*session_id);
            if own_line || own_call || early || lit || full || !hears {
                continue;
            }
            let [shown, hidden] = &mut news;
            let caller = session.wishes.display_caller;
            let (offer, told) = if caller { shown } else { hidden };
            let offer = offer.get_or_insert_with(|| {
                self.offers += 1;
                Arc::new(slot.offer(self.offers, call, caller))
            });
            session.lit.push(Lit {
                offer: Arc::clone(offer),
                key: key.clone(),
                line: at,
                call: id.clone(),
            });
            told.push(*session_id);
        }
        for (offer, told) in news {
            if let Some(offer) = offer {
                self.notify(Arc::from(told), Notification::Offer((*offer).clone()));
            }
        }
    }

    /// Somebody new hears of a line: what rings there is lit when his delay is over.
    pub(super) fn light_for_new(
        &mut self,
        at: u32,
        sessions: &[SessionId],
        delay: Duration,
        now: Instant,
    ) {
        let Some(slot) = self.slot(at) else {
            return;
        };
        let rings: Vec<_> = slot
            .line
            .ringing()
            .map(|(call, since)| (call.id.clone(), since))
            .collect();
        for (call, since) in rings {
            if since + delay <= now {
                self.light(at, &call, sessions, now);
            } else {
                let due = Due::Offer(at, call, delay);
                self.due.insert((since + delay, due));
            }
        }
    }
}

fn key_of(at: u32, call: &Call) -> OfferKey {
    match &call.tracking {
        Some(tracking) => OfferKey::Tracking(tracking.clone()),
        None => OfferKey::Call(at, call.id.clone()),
    }
}
