//! Lines: how they come and go, and what follows from a change.

use std::sync::Arc;
use std::time::Instant;

use crate::domain::blf::board::Action;
use crate::domain::blf::board::Board;
use crate::domain::blf::board::FetchId;
use crate::domain::blf::board::Fetched;
use crate::domain::blf::board::LineEvent;
use crate::domain::blf::board::Rules;
use crate::domain::blf::board::machine::Due;
use crate::domain::blf::board::slot::Slot;
use crate::domain::blf::board::sources::SourceState;
use crate::domain::blf::line::Heard;
use crate::domain::blf::line::Line;
use crate::domain::blf::notice::Notification;
use crate::domain::blf::notice::WithdrawReason;
use crate::domain::blf::view::WebexLamp;
use crate::domain::blf::watcher::SessionId;
use crate::domain::events::document::CallState;
use crate::domain::events::ids::CallId;
use crate::domain::events::ids::TrackingId;
use crate::domain::events::ids::UserId;

use super::SourceId;

/// A call that stopped or began to ring.
pub(super) struct Ring {
    pub(super) call: CallId,
    pub(super) tracking: Option<TrackingId>,
}

impl Board {
    pub(super) fn event(&mut self, event: LineEvent, now: Instant) {
        if self.sources.get(&event.source) == Some(&SourceState::Down) {
            return;
        }
        let at = match self.by_user.get(&event.user) {
            Some(at) => *at,
            None if self.may_keep_passive(event.source) => self.add_line(event.user.clone()),
            None => return,
        };
        self.touch(at, WithdrawReason::SourceLost, now, |line, rules| {
            line.hear(event, rules, now)
        });
        self.drop_if_idle(at);
    }

    fn may_keep_passive(&self, source: SourceId) -> bool {
        source != SourceId::OWN && self.by_user.len() < self.rules.passive_lines
    }

    pub(super) fn fetch(&mut self, user: UserId) {
        let Some(at) = self.by_user.get(&user).copied() else {
            return;
        };
        self.fetches += 1;
        let id = FetchId(self.fetches);
        if let Some(slot) = self.slot_mut(at) {
            slot.line.fetch_begins(id);
            self.actions.push_back(Action::FetchCalls(id, user));
        }
    }

    pub(super) fn calls_fetched(
        &mut self,
        id: FetchId,
        user: &UserId,
        fetched: Option<Fetched>,
        now: Instant,
    ) {
        let Some(at) = self.by_user.get(user).copied() else {
            return;
        };
        let fed = self.sources.get(&SourceId::OWN) == Some(&SourceState::Up);
        self.touch(at, WithdrawReason::SourceLost, now, |line, rules| {
            line.fetched(id, fetched, fed, rules, now);
            Heard::default()
        });
    }

    pub(super) fn line_timeout(&mut self, at: u32, now: Instant) {
        let flapped = self
            .slot(at)
            .is_some_and(|slot| slot.debounce.is_some_and(|until| until <= now));
        self.touch(at, WithdrawReason::SourceLost, now, |line, rules| Heard {
            ask: line.timeout(rules, now),
            ..Heard::default()
        });
        if flapped {
            self.settle_debounce(at);
            self.plan(at);
        }
    }

    pub(super) fn user_deleted(&mut self, user: &UserId, now: Instant) {
        if let Some(at) = self.by_user.get(user).copied() {
            self.lose_feed(at, now);
        }
    }

    pub(super) fn lose_feed(&mut self, at: u32, now: Instant) {
        self.touch(at, WithdrawReason::SourceLost, now, |line, _| {
            line.lose_feed();
            Heard::default()
        });
        self.drop_if_idle(at);
    }

    pub(super) fn add_line(&mut self, user: UserId) -> u32 {
        let slot = Some(Box::new(Slot::new(user.clone())));
        let at = match self.free.pop() {
            Some(at) => {
                if let Some(place) = usize::try_from(at)
                    .ok()
                    .and_then(|at| self.lines.get_mut(at))
                {
                    *place = slot;
                }
                at
            }
            None => {
                self.lines.push(slot);
                u32::try_from(self.lines.len() - 1).unwrap_or(u32::MAX)
            }
        };
        self.by_user.insert(user, at);
        at
    }

    /// Forgets a line that nobody watches and nothing feeds.
    pub(super) fn drop_if_idle(&mut self, at: u32) {
        let Some(slot) = self.slot(at) else {
            return;
        };
        let passive = slot.line.believes().is_some_and(|(source, _)| {
            source != SourceId::OWN && self.by_user.len() <= self.rules.passive_lines
        });
        if !slot.watchers.is_empty() || passive {
            return;
        }
        let rings: Vec<_> = rings(&slot.line);
        for ring in &rings {
            self.forget_ring(at, ring);
        }
        let taken = usize::try_from(at)
            .ok()
            .and_then(|at| self.lines.get_mut(at))
            .and_then(Option::take);
        let Some(slot) = taken else {
            return;
        };
        if let Some(due) = slot.due {
            self.due.remove(&(due, Due::Line(at)));
        }
        if let Some(feed) = &slot.feed {
            self.unfeed(feed, at);
        }
        self.by_user.remove(&slot.user);
        self.free.push(at);
    }

    /// Changes a line and does all that follows: tells, lights and withdraws, plans.
    pub(super) fn touch(
        &mut self,
        at: u32,
        unknown: WithdrawReason,
        now: Instant,
        change: impl FnOnce(&mut Line, &Rules) -> Heard,
    ) {
        let rules = self.rules;
        let Some(slot) = self.slot_mut(at) else {
            return;
        };
        let before = rings(&slot.line);
        let heard = change(&mut slot.line, &rules);
        let after = rings(&slot.line);
        let ended: Vec<_> = before
            .iter()
            .filter(|ring| !after.iter().any(|other| other.call == ring.call))
            .map(|ring| (ring, end_of(&slot.line, ring, heard, unknown)))
            .collect();
        let began = after
            .iter()
            .filter(|ring| !before.iter().any(|other| other.call == ring.call));
        let user = slot.user.clone();
        let wanted = !slot.watchers.is_empty();
        self.tell(at, heard, now);
        for (ring, reason) in ended {
            self.ring_ended(at, ring, reason, now);
        }
        for ring in began {
            self.ring_began(at, ring, now);
        }
        if heard.ask && wanted {
            self.actions.push_back(Action::Refresh(user));
        }
        self.refeed(at);
        self.plan(at);
    }

    fn tell(&mut self, at: u32, heard: Heard, now: Instant) {
        let (notices, debounce) = (self.notices, self.rules.debounce);
        let Some(slot) = self.slot_mut(at) else {
            return;
        };
        let lamp = slot.line.lamp();
        let told = std::mem::replace(&mut slot.lamp, lamp);
        let lamp_action = (told != lamp).then(|| Action::Lamp {
            user: slot.user.clone(),
            from: told,
            to: lamp,
        });
        if !slot.line.is_known() {
            slot.news = None;
        } else if heard.news {
            // For whoever came since the last news the Webex view changes though nothing else does.
            let some_stale = !slot.heard_since(slot.newest);
            slot.news = Some(notices);
            if some_stale && lamp.webex(true) == WebexLamp::OnACall {
                slot.announced.1 = !slot.line.digest();
            }
        }
        let digest = slot.line.digest();
        let same = slot.announced == (lamp, digest);
        let may_flap = heard.news || slot.debounce.is_some();
        let flaps = may_flap && slot.announced.0.flaps(lamp);
        let tell_now = !same && !flaps;
        if same {
            slot.debounce = None;
        } else if flaps {
            slot.debounce.get_or_insert(now + debounce);
        }
        self.actions.extend(lamp_action);
        if tell_now {
            self.announce(at);
        }
    }

    fn settle_debounce(&mut self, at: u32) {
        let Some(slot) = self.slot_mut(at) else {
            return;
        };
        slot.debounce = None;
        if slot.announced != (slot.line.lamp(), slot.line.digest()) {
            self.announce(at);
        }
    }

    /// Tells the audience how the line stands: one notice for all who may see the same.
    fn announce(&mut self, at: u32) {
        let Some(slot) = self.slot_mut(at) else {
            return;
        };
        slot.debounce = None;
        slot.announced = (slot.line.lamp(), slot.line.digest());
        let differs = slot.line.lamp().webex(true) == WebexLamp::OnACall
            && slot.news.is_some()
            && !slot.heard_since(slot.newest);
        for caller in [true, false] {
            let Some(slot) = self.slot_mut(at) else {
                return;
            };
            let all = slot.audience.of(caller);
            if all.is_empty() {
                continue;
            }
            if !differs {
                let state = slot.state(caller, slot.news.is_some());
                self.notify(all, Notification::State(state));
                continue;
            }
            let (news, knows) = (slot.state(caller, true), slot.news);
            let stale = slot.state(caller, false);
            let joined = |session: &SessionId| self.sessions.get(session).map(|held| held.joined);
            let (heard, deaf): (Vec<_>, Vec<_>) =
                all.iter().partition(|session| joined(session) <= knows);
            self.notify(Arc::from(heard), Notification::State(news));
            self.notify(Arc::from(deaf), Notification::State(stale));
        }
    }

    fn refeed(&mut self, at: u32) {
        let Some(slot) = self.slot_mut(at) else {
            return;
        };
        let feed = slot.line.believes();
        if feed == slot.feed {
            return;
        }
        let old = std::mem::replace(&mut slot.feed, feed.clone());
        if let Some(old) = old {
            self.unfeed(&old, at);
        }
        if let Some(feed) = feed {
            self.fed.entry(feed).or_default().insert(at);
        }
    }

    /// Plans the next time that the line has something to do.
    pub(super) fn plan(&mut self, at: u32) {
        let Some(slot) = self.slot_mut(at) else {
            return;
        };
        let deadline = slot.deadline();
        if deadline == slot.due {
            return;
        }
        let old = std::mem::replace(&mut slot.due, deadline);
        if let Some(old) = old {
            self.due.remove(&(old, Due::Line(at)));
        }
        if let Some(deadline) = deadline {
            self.due.insert((deadline, Due::Line(at)));
        }
    }
}

fn rings(line: &Line) -> Vec<Ring> {
    line.ringing()
        .map(|(call, _)| Ring {
            call: call.id.clone(),
            tracking: call.tracking.clone(),
        })
        .collect()
}

/// Why a call no longer rings.
fn end_of(line: &Line, ring: &Ring, heard: Heard, unknown: WithdrawReason) -> WithdrawReason {
    if !line.is_known() {
        return unknown;
    }
    match line.call(&ring.call).map(|call| call.state) {
        Some(CallState::Active | CallState::Held | CallState::RemoteHeld | CallState::Alerting) => {
            heard.ended.unwrap_or(WithdrawReason::AnsweredByLine)
        }
        Some(CallState::Detached) => WithdrawReason::Forwarded,
        Some(CallState::Idle | CallState::Released) | None => {
            heard.ended.unwrap_or(WithdrawReason::Released)
        }
    }
}
