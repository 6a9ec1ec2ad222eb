//! Watchers, their sessions and their lists.

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use crate::domain::blf::board::Action;
use crate::domain::blf::board::Board;
use crate::domain::blf::board::Refusal;
use crate::domain::blf::board::machine::Due;
use crate::domain::blf::board::sources::SourceState;
use crate::domain::blf::list::WatchList;
use crate::domain::blf::notice::LineState;
use crate::domain::blf::notice::Notification;
use crate::domain::blf::notice::Snapshot;
use crate::domain::blf::notice::WithdrawReason;
use crate::domain::blf::watcher::Session;
use crate::domain::blf::watcher::SessionId;
use crate::domain::blf::watcher::Watcher;
use crate::domain::blf::watcher::Wishes;
use crate::domain::events::document::MonitoredUser;
use crate::domain::events::ids::UserId;

use super::SourceId;

/// Delays are rounded to this step and no longer than the other number, so that the timers of a
/// ringing call stay few. A phone rings for half a minute.
const DELAY_STEP: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(60);

impl Board {
    pub(super) fn joined(&mut self, id: SessionId, watcher: UserId, wishes: Wishes, now: Instant) {
        if self.sessions.contains_key(&id) {
            return;
        }
        let open = self.watchers.get(&watcher).map(|held| held.sessions.len());
        let refusal = if self.sessions.len() >= self.rules.sessions {
            Some(Refusal::TooManySessions)
        } else if open.is_some_and(|open| open >= self.rules.sessions_per_watcher) {
            Some(Refusal::TooManySessionsOfWatcher)
        } else {
            None
        };
        if let Some(refusal) = refusal {
            self.actions.push_back(Action::Refuse(id, refusal));
            return;
        }
        let wishes = Wishes {
            notification_delay: rounded(wishes.notification_delay),
            ..wishes
        };
        let held = self.watchers.entry(watcher.clone()).or_insert_with(|| {
            self.actions.push_back(Action::ReadList(watcher.clone()));
            Watcher::default()
        });
        held.sessions.push(id);
        if let Some(at) = held.lingers.take() {
            self.due.remove(&(at, Due::Linger(watcher.clone())));
        }
        let session = Session {
            watcher: watcher.clone(),
            wishes,
            joined: self.notices + 1,
            lit: Vec::new(),
        };
        self.sessions.insert(id, session);
        for at in self.lines_of(&watcher) {
            self.admit(at, id, wishes);
        }
        self.snapshot(id);
        for at in self.lines_of(&watcher) {
            self.light_for_new(at, &[id], wishes.notification_delay, now);
        }
    }

    pub(super) fn left(&mut self, id: SessionId, now: Instant) {
        self.withdraw(&[id], WithdrawReason::WatcherLeft, |_| true);
        let Some(session) = self.sessions.remove(&id) else {
            return;
        };
        for at in self.lines_of(&session.watcher) {
            if let Some(slot) = self.slot_mut(at) {
                slot.audience.remove(id);
            }
        }
        let until = now + self.rules.linger;
        if let Some(watcher) = self.watchers.get_mut(&session.watcher) {
            watcher.sessions.retain(|held| *held != id);
            if watcher.sessions.is_empty() {
                watcher.lingers = Some(until);
                self.due.insert((until, Due::Linger(session.watcher)));
            }
        }
    }

    pub(super) fn linger_ends(&mut self, watcher: &UserId, now: Instant) {
        let over = self
            .watchers
            .get(watcher)
            .is_some_and(|held| held.lingers.is_some_and(|at| at <= now));
        if !over {
            return;
        }
        let lines = self.lines_of(watcher);
        self.watchers.remove(watcher);
        self.actions.push_back(Action::StopList(watcher.clone()));
        for at in lines {
            self.unwatch(at, watcher);
        }
    }

    /// A list was read; `None`: there is none.
    pub(super) fn list_read(&mut self, watcher: &UserId, list: Option<WatchList>, now: Instant) {
        let Some(held) = self.watchers.get_mut(watcher) else {
            return;
        };
        let list = list.unwrap_or_default();
        let old = held.list.replace(list.clone());
        if old.as_ref() == Some(&list) {
            return;
        }
        let sessions = held.sessions.clone();
        let difference = old.unwrap_or_default().difference(&list);
        for user in &difference.removed {
            let Some(at) = self.by_user.get(user).copied() else {
                continue;
            };
            self.withdraw(&sessions, WithdrawReason::ListChanged, |lit| lit.line == at);
            if let Some(slot) = self.slot_mut(at) {
                for session in &sessions {
                    slot.audience.remove(*session);
                }
            }
            self.unwatch(at, watcher);
        }
        for user in &difference.added {
            self.watch(user.clone(), watcher, &sessions, now);
        }
        for user in list.users() {
            self.label(user);
        }
        for session in &sessions {
            self.snapshot(*session);
        }
        // What rings on a line that is new to the list, or rang on one that left it.
        for at in self.lines_of(watcher) {
            for session in &sessions {
                if let Some(wishes) = self.sessions.get(session).map(|held| held.wishes) {
                    self.light_for_new(at, &[*session], wishes.notification_delay, now);
                }
            }
        }
    }

    fn label(&mut self, user: &MonitoredUser) {
        let Some(at) = self.by_user.get(&user.user).copied() else {
            return;
        };
        if let Some(slot) = self.slot_mut(at) {
            slot.label = Some(Box::new(user.clone()));
        }
    }

    fn watch(&mut self, user: UserId, watcher: &UserId, sessions: &[SessionId], now: Instant) {
        let at = match self.by_user.get(&user) {
            Some(at) => *at,
            None => self.add_line(user.clone()),
        };
        let up = self.sources.get(&SourceId::OWN) == Some(&SourceState::Up);
        let rules = self.rules;
        let Some(slot) = self.slot_mut(at) else {
            return;
        };
        let first = slot.watchers.is_empty();
        slot.watchers.insert(watcher.clone());
        if first && up && !slot.line.is_known() {
            slot.line.plan_ask(&rules, now);
        }
        if first {
            self.actions.push_back(Action::Want(user));
        }
        self.plan(at);
        for session in sessions {
            if let Some(wishes) = self.sessions.get(session).map(|held| held.wishes) {
                self.admit(at, *session, wishes);
            }
        }
    }

    fn unwatch(&mut self, at: u32, watcher: &UserId) {
        let Some(slot) = self.slot_mut(at) else {
            return;
        };
        slot.watchers.remove(watcher);
        if slot.watchers.is_empty() {
            let user = slot.user.clone();
            self.actions.push_back(Action::Unwant(user));
            self.drop_if_idle(at);
        }
    }

    fn admit(&mut self, at: u32, session: SessionId, wishes: Wishes) {
        let joined = self.sessions.get(&session).map(|held| held.joined);
        if let Some(slot) = self.slot_mut(at) {
            slot.audience.add(session, wishes);
            slot.newest = slot.newest.max(joined.unwrap_or_default());
        }
    }

    /// The lines of a watcher's list.
    fn lines_of(&self, watcher: &UserId) -> Vec<u32> {
        let list = self
            .watchers
            .get(watcher)
            .and_then(|held| held.list.as_ref());
        let users = list.map(WatchList::users).unwrap_or_default();
        users
            .iter()
            .filter_map(|user| self.by_user.get(&user.user).copied())
            .collect()
    }

    /// Everything, for one session.
    fn snapshot(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get(&id) else {
            return;
        };
        let Some(watcher) = self.watchers.get(&session.watcher) else {
            return;
        };
        let lines = self.lines_of(&session.watcher);
        let body = Snapshot {
            watcher: session.watcher.clone(),
            list_known: watcher.list.is_some(),
            long_list: watcher.list.as_ref().is_some_and(WatchList::is_long),
            lines: lines
                .into_iter()
                .filter_map(|at| self.state_for(at, session))
                .collect(),
            offers: session.lit.iter().map(|lit| (*lit.offer).clone()).collect(),
        };
        self.notify(Arc::from([id]), Notification::Snapshot(body));
    }

    fn state_for(&self, at: u32, session: &Session) -> Option<LineState> {
        let slot = self.slot(at)?;
        let heard = slot.heard_since(session.joined);
        Some(slot.state(session.wishes.display_caller, heard))
    }
}

fn rounded(delay: Duration) -> Duration {
    let delay = delay.min(LONGEST_DELAY);
    let steps = delay.as_millis() / DELAY_STEP.as_millis();
    DELAY_STEP * u32::try_from(steps).unwrap_or_default()
}
