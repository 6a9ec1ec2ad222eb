//! Watchers: their wishes, and who hears of a line.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::blf::list::WatchList;
use crate::domain::blf::notice::Offer;
use crate::domain::events::ids::CallId;
use crate::domain::events::ids::TrackingId;
use crate::domain::events::ids::UserId;

/// One open stream of a watcher, or his webhook. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u64);

/// What a watcher wishes; the names are those of the Webex app's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Wishes {
    /// `notification-delay`: a call that ends sooner raises no offer.
    pub notification_delay: Duration,
    /// `display-caller`: whether the other side is shown.
    pub display_caller: bool,
}

impl Default for Wishes {
    fn default() -> Self {
        Self {
            notification_delay: Duration::ZERO,
            display_caller: true,
        }
    }
}

/// A watcher: present as long as he has a session, and a little longer.
#[derive(Debug, Clone, Default)]
pub(super) struct Watcher {
    pub(super) list: Option<WatchList>,
    pub(super) sessions: Vec<SessionId>,
    /// Absent: until then his list is kept, so that a reconnect costs nothing.
    pub(super) lingers: Option<std::time::Instant>,
}

#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) watcher: UserId,
    pub(super) wishes: Wishes,
    /// Number of the notice that he began with.
    pub(super) joined: u64,
    pub(super) lit: Vec<Lit>,
}

/// An offer that is lit for a session.
#[derive(Debug, Clone)]
pub(super) struct Lit {
    pub(super) offer: Arc<Offer>,
    pub(super) key: OfferKey,
    pub(super) line: u32,
    pub(super) call: CallId,
}

/// What is one call to a watcher: all legs of one tracking id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OfferKey {
    Call(u32, CallId),
    Tracking(TrackingId),
}

/// The sessions that hear of a line, ready to be told: the lists are shared by all notices until
/// somebody comes or goes.
#[derive(Debug, Clone, Default)]
pub(super) struct Audience {
    members: BTreeMap<SessionId, Wishes>,
    delays: BTreeMap<Duration, usize>,
    shown: Option<Arc<[SessionId]>>,
    hidden: Option<Arc<[SessionId]>>,
}

impl Audience {
    pub(super) fn add(&mut self, session: SessionId, wishes: Wishes) {
        if self.members.insert(session, wishes).is_none() {
            *self.delays.entry(wishes.notification_delay).or_default() += 1;
        }
        self.shown = None;
        self.hidden = None;
    }

    pub(super) fn remove(&mut self, session: SessionId) {
        if let Some(wishes) = self.members.remove(&session) {
            let delay = wishes.notification_delay;
            let count = self.delays.get(&delay).copied().unwrap_or_default();
            if count > 1 {
                self.delays.insert(delay, count - 1);
            } else {
                self.delays.remove(&delay);
            }
        }
        self.shown = None;
        self.hidden = None;
    }

    pub(super) fn contains(&self, session: SessionId) -> bool {
        self.members.contains_key(&session)
    }

    pub(super) fn delays(&self) -> impl Iterator<Item = Duration> {
        self.delays.keys().copied()
    }

    /// Sessions and their wishes.
    pub(super) fn members(&self) -> impl Iterator<Item = (SessionId, Wishes)> {
        self.members
            .iter()
            .map(|(session, wishes)| (*session, *wishes))
    }

    /// Those who may see the caller, or those who may not.
    pub(super) fn of(&mut self, caller: bool) -> Arc<[SessionId]> {
        let held = if caller {
            &mut self.shown
        } else {
            &mut self.hidden
        };
        let members = &self.members;
        Arc::clone(held.get_or_insert_with(|| {
            members
                .iter()
                .filter(|(_, wishes)| wishes.display_caller == caller)
                .map(|(session, _)| *session)
                .collect()
        }))
    }
}
