//! From an event to its acknowledgement: one channel at a time, the next one of the set when it
//! fails; or one request after the other to an HTTP contact.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::lab::broadworks::events::command::Action;
use crate::lab::broadworks::events::command::ChannelEnd;
use crate::lab::broadworks::events::command::ChannelKind;
use crate::lab::broadworks::events::command::DropReason;
use crate::lab::broadworks::events::command::Owner;
use crate::lab::broadworks::events::command::Piece;
use crate::lab::broadworks::events::command::Refusal;
use crate::lab::broadworks::events::command::Reply;
use crate::lab::broadworks::events::command::Status;
use crate::lab::broadworks::events::envelope;
use crate::lab::broadworks::events::envelope::EventData;
use crate::lab::broadworks::events::envelope::Saying;
use crate::lab::broadworks::events::envelope::Way;
use crate::lab::broadworks::events::ids::ChannelId;
use crate::lab::broadworks::events::ids::EventId;
use crate::lab::broadworks::events::ids::SubscriptionId;
use crate::lab::broadworks::events::machine::Events;
use crate::lab::broadworks::events::machine::Outstanding;
use crate::lab::broadworks::events::machine::Route;
use crate::lab::broadworks::events::machine::SetKey;
use crate::lab::broadworks::events::machine::Stage;
use crate::lab::broadworks::events::settings::ATTEMPTS;
use crate::lab::broadworks::events::settings::LAST_SEQUENCE;
use crate::lab::broadworks::events::settings::OUTSTANDING;
use crate::lab::broadworks::xsp::Xsp;

impl Events {
    /// A subscription says something.
    pub(super) fn notify(
        &mut self,
        id: SubscriptionId,
        subject: Option<String>,
        data: EventData,
        now: Instant,
    ) {
        let event = EventId(self.ids.next());
        let Some(held) = self.subscriptions.get_mut(&id) else {
            return;
        };
        held.sequence = if held.sequence >= LAST_SEQUENCE {
            1
        } else {
            held.sequence + 1
        };
        let outstanding = Outstanding {
            heading: held.heading.clone(),
            saying: Saying {
                id: event,
                sequence: held.sequence,
                subject,
                data,
            },
            route: held.route.clone(),
            stage: Stage::Waiting,
            tried: BTreeSet::new(),
            known_at: BTreeSet::new(),
            attempts: ATTEMPTS,
        };
        self.make_room(&outstanding.route, id);
        if let Route::Set(key) = &outstanding.route
            && let Some(set) = self.sets.get_mut(key)
        {
            set.outstanding += 1;
        }
        let serial = self.next_serial;
        self.next_serial += 1;
        self.by_event.insert(event, serial);
        self.outstanding.insert(serial, outstanding);
        self.dispatch(serial, now);
    }

    /// Drops the oldest event when too many wait.
    fn make_room(&mut self, route: &Route, subscription: SubscriptionId) {
        let oldest = match route {
            Route::Contact(_) => {
                let waiting = self.events_of(subscription);
                (waiting.len() >= self.settings.backlog.max(1))
                    .then(|| {
                        let idle = |serial: &&u64| {
                            self.outstanding
                                .get(serial)
                                .is_some_and(|held| held.stage == Stage::Waiting)
                        };
                        waiting.iter().find(idle).copied()
                    })
                    .flatten()
            }
            Route::Set(key) => {
                let (held, bound) = match self.sets.get(key) {
                    Some(set) if set.channels.is_empty() => {
                        (set.outstanding, self.settings.backlog.max(1))
                    }
                    Some(set) => (set.outstanding, OUTSTANDING),
                    None => (0, 1),
                };
                (held >= bound)
                    .then(|| self.events_for(key).first().copied())
                    .flatten()
            }
        };
        if let Some(serial) = oldest {
            self.drop_event(serial, DropReason::Backlog);
        }
    }

    /// Brings an event on its way, or lets it wait.
    pub(super) fn dispatch(&mut self, serial: u64, now: Instant) {
        let route = match self.outstanding.get(&serial) {
            Some(held) => held.route.clone(),
            None => return,
        };
        match route {
            Route::Contact(uri) => self.dispatch_contact(serial, uri),
            Route::Set(key) => self.dispatch_set(serial, &key, now),
        }
    }

    fn dispatch_set(&mut self, serial: u64, key: &SetKey, now: Instant) {
        let grace = now + self.settings.unresponsive_grace;
        let (Some(set), Some(held)) = (self.sets.get_mut(key), self.outstanding.get_mut(&serial))
        else {
            return;
        };
        if set.channels.is_empty() {
            held.stage = Stage::Waiting;
            held.tried.clear();
            return;
        }
        let untried: Vec<ChannelId> = set.channels.difference(&held.tried).copied().collect();
        if untried.is_empty() {
            held.stage = Stage::Exhausted;
            set.grace.get_or_insert(grace);
            return;
        }
        if let Some(channel) = self.choose(&untried) {
            self.write(serial, channel, now);
        }
    }

    /// The lowest priority first; those of equal priority take turns by their weight.
    fn choose(&mut self, untried: &[ChannelId]) -> Option<ChannelId> {
        let priority = |id: &ChannelId| Some(self.channels.get(id)?.priority);
        let lowest = untried.iter().filter_map(priority).min()?;
        let equal: Vec<ChannelId> = untried
            .iter()
            .filter(|id| priority(id) == Some(lowest))
            .copied()
            .collect();
        let mut total = 0;
        let mut best: Option<(i64, ChannelId)> = None;
        for id in equal {
            let Some(channel) = self.channels.get_mut(&id) else {
                continue;
            };
            let weight = i64::from(channel.weight.max(1));
            channel.credit += weight;
            total += weight;
            if best.is_none_or(|(credit, _)| channel.credit > credit) {
                best = Some((channel.credit, id));
            }
        }
        let (_, chosen) = best?;
        if let Some(channel) = self.channels.get_mut(&chosen) {
            channel.credit -= total;
        }
        Some(chosen)
    }

    fn write(&mut self, serial: u64, id: ChannelId, now: Instant) {
        let until = now + self.settings.notification_timeout;
        let (Some(held), Some(channel)) =
            (self.outstanding.get_mut(&serial), self.channels.get(&id))
        else {
            return;
        };
        held.known_at.insert(channel.at);
        held.stage = Stage::Delivered { channel: id, until };
        let acknowledged = channel.kind == ChannelKind::Feed;
        let document = envelope::event(&held.heading, Way::Channel(id), &held.saying);
        let event = held.saying.id;
        self.push(Action::Write {
            channel: id,
            what: Piece::Event(event),
            document,
        });
        if acknowledged {
            self.take_out(serial);
        }
    }

    /// Events of a set that have no channel get one that has just come.
    pub(super) fn dispatch_waiting(&mut self, key: &SetKey, now: Instant) {
        for serial in self.events_for(key) {
            let stage = self.outstanding.get(&serial).map(|held| held.stage);
            if matches!(stage, Some(Stage::Waiting | Stage::Exhausted)) {
                self.dispatch(serial, now);
            }
        }
    }

    /// Events on channels that are gone move on. So do those that had tried all channels: what
    /// is left of the set decides anew.
    pub(super) fn dispatch_from(&mut self, key: &SetKey, gone: &[ChannelId], now: Instant) {
        for serial in self.events_for(key) {
            let moves = match self.outstanding.get(&serial).map(|held| held.stage) {
                Some(Stage::Delivered { channel, .. }) => gone.contains(&channel),
                Some(Stage::Exhausted) => true,
                Some(Stage::Paused(_) | Stage::Posting | Stage::Waiting) | None => false,
            };
            if moves {
                self.dispatch(serial, now);
            }
        }
    }

    /// No acknowledgement came in time, or the client could not take it.
    pub(super) fn try_next(&mut self, serial: u64, now: Instant) {
        if let Some(held) = self.outstanding.get_mut(&serial)
            && let Stage::Delivered { channel, .. } = held.stage
        {
            held.tried.insert(channel);
            self.dispatch(serial, now);
        }
    }

    /// A client has answered an event.
    pub(super) fn respond(
        &mut self,
        by: &Owner,
        event: EventId,
        status: Status,
        at: Xsp,
        now: Instant,
    ) -> Result<Reply, Refusal> {
        let serial = *self.by_event.get(&event).ok_or(Refusal::UnknownEvent)?;
        let held = self.outstanding.get(&serial);
        let held = held
            .filter(|held| held.heading.owner == *by && held.known_at.contains(&at))
            .ok_or(Refusal::UnknownEvent)?;
        let subscription = held.heading.subscription;
        match status {
            Status::Dropped => {
                self.responsive(serial);
                self.drop_event(serial, DropReason::Dropped);
            }
            Status::Failed => self.try_next(serial, now),
            Status::Taken => {
                self.responsive(serial);
                self.take_out(serial);
            }
            Status::UnknownChannel => self.disowned(serial, now),
            Status::UnknownSubscription => {
                self.responsive(serial);
                self.discard_subscription(subscription);
                // The last words of a subscription that is gone already.
                self.drop_event(serial, DropReason::Subscription);
            }
        }
        Ok(Reply::Done)
    }

    /// A set whose client answers is not unresponsive; what it left unanswered is given up.
    fn responsive(&mut self, serial: u64) {
        let Some(Route::Set(key)) = self.outstanding.get(&serial).map(|held| held.route.clone())
        else {
            return;
        };
        let grace = self.sets.get_mut(&key).and_then(|set| set.grace.take());
        if grace.is_some() {
            for other in self.events_for(&key) {
                let stage = self.outstanding.get(&other).map(|held| held.stage);
                if other != serial && stage == Some(Stage::Exhausted) {
                    self.drop_event(other, DropReason::Unacknowledged);
                }
            }
        }
    }

    /// The client says that it does not know the channel: it ends, and the event moves on.
    fn disowned(&mut self, serial: u64, now: Instant) {
        let Some(held) = self.outstanding.get_mut(&serial) else {
            return;
        };
        if let Stage::Delivered { channel, .. } = held.stage {
            held.tried.insert(channel);
            self.end(&[channel], ChannelEnd::UnknownChannel, now);
        }
    }

    /// The events of a subscription, oldest first.
    pub(super) fn events_of(&self, id: SubscriptionId) -> Vec<u64> {
        let own = self.outstanding.iter();
        own.filter(|(_, held)| held.heading.subscription == id)
            .map(|(serial, _)| *serial)
            .collect()
    }

    /// The events of a set, oldest first.
    pub(super) fn events_for(&self, key: &SetKey) -> Vec<u64> {
        let own = self.outstanding.iter();
        own.filter(|(_, held)| matches!(&held.route, Route::Set(set) if set == key))
            .map(|(serial, _)| *serial)
            .collect()
    }

    /// An event will not arrive.
    pub(super) fn drop_event(&mut self, serial: u64, reason: DropReason) {
        if let Some(event) = self.take_out(serial) {
            self.push(Action::Dropped { event, reason });
        }
    }

    /// An event is outstanding no more.
    pub(super) fn take_out(&mut self, serial: u64) -> Option<EventId> {
        let held = self.outstanding.remove(&serial)?;
        self.by_event.remove(&held.saying.id);
        if let Route::Set(key) = &held.route
            && let Some(set) = self.sets.get_mut(key)
        {
            set.outstanding = set.outstanding.saturating_sub(1);
        }
        Some(held.saying.id)
    }
}
