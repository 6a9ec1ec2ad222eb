//! A line with all that belongs to it, and how it is told.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::domain::blf::line::Line;
use crate::domain::blf::notice::CallView;
use crate::domain::blf::notice::LineState;
use crate::domain::blf::notice::Offer;
use crate::domain::blf::view::Lamp;
use crate::domain::blf::watcher::Audience;
use crate::domain::events::document::Call;
use crate::domain::events::document::MonitoredUser;
use crate::domain::events::document::Party;
use crate::domain::events::ids::SubscriptionId;
use crate::domain::events::ids::UserId;

use super::SourceId;

/// What a line listens to.
pub(super) type FeedKey = (SourceId, Option<SubscriptionId>);

#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub(super) user: UserId,
    pub(super) label: Option<Box<MonitoredUser>>,
    pub(super) line: Line,
    /// Those on whose lists it stands.
    pub(super) watchers: BTreeSet<UserId>,
    pub(super) audience: Audience,
    /// As last told in [`super::Action::Lamp`].
    pub(super) lamp: Lamp,
    /// As last told to the audience.
    pub(super) announced: (Lamp, u64),
    pub(super) debounce: Option<Instant>,
    /// Number of the last notice before the last news; sessions that began later know less.
    pub(super) news: Option<u64>,
    /// The highest number with which a session of the audience began.
    pub(super) newest: u64,
    pub(super) due: Option<Instant>,
    pub(super) feed: Option<FeedKey>,
}

impl Slot {
    pub(super) fn new(user: UserId) -> Self {
        let line = Line::default();
        Self {
            user,
            label: None,
            lamp: line.lamp(),
            announced: (line.lamp(), line.digest()),
            line,
            watchers: BTreeSet::new(),
            audience: Audience::default(),
            debounce: None,
            news: None,
            newest: 0,
            due: None,
            feed: None,
        }
    }

    /// Whether a session that began with this notice has had news.
    pub(super) fn heard_since(&self, joined: u64) -> bool {
        self.news.is_some_and(|news| news >= joined)
    }

    pub(super) fn state(&self, caller: bool, heard_since: bool) -> LineState {
        let label = self.label.as_deref();
        let lamp = self.line.lamp();
        LineState {
            user: self.user.clone(),
            name: label.and_then(|label| label.name.clone()),
            number: label.and_then(|label| label.number.clone()),
            extension: label.and_then(|label| label.extension.clone()),
            full: lamp,
            webex_compatible: lamp.webex(heard_since),
            calls: self.line.calls().map(|call| view(call, caller)).collect(),
            parked: self.line.parked().map(|party| {
                // That somebody is parked is shown to all, who it is only where callers are.
                if caller {
                    party.clone()
                } else {
                    Party::default()
                }
            }),
            do_not_disturb: self.line.do_not_disturb(),
            hook: self.line.hook(),
        }
    }

    pub(super) fn offer(&self, offer: u64, call: &Call, caller: bool) -> Offer {
        let label = self.label.as_deref();
        Offer {
            offer,
            user: self.user.clone(),
            number: label.and_then(|label| label.number.clone()),
            extension: label.and_then(|label| label.extension.clone()),
            call: call.id.clone(),
            tracking: call.tracking.clone(),
            started: call.started,
            caller: remote(call, caller),
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let line = self.line.deadline();
        line.into_iter().chain(self.debounce).min()
    }
}

fn view(call: &Call, caller: bool) -> CallView {
    CallView {
        call: call.id.clone(),
        personality: call.personality,
        state: call.state,
        started: call.started,
        answered: call.answered,
        remote: remote(call, caller),
    }
}

fn remote(call: &Call, caller: bool) -> Option<Party> {
    let party = &call.remote;
    let some = party.privacy || !party.is_empty();
    (caller && some).then(|| party.clone())
}
