//! What happens when time passes: heartbeats that do not come, ends of channels and
//! subscriptions, acknowledgements that do not come.

use std::time::Instant;

use crate::lab::broadworks::events::command::Action;
use crate::lab::broadworks::events::command::ChannelEnd;
use crate::lab::broadworks::events::command::ChannelKind;
use crate::lab::broadworks::events::ids::ChannelId;
use crate::lab::broadworks::events::ids::SubscriptionId;
use crate::lab::broadworks::events::machine::Channel;
use crate::lab::broadworks::events::machine::Events;
use crate::lab::broadworks::events::machine::Route;
use crate::lab::broadworks::events::machine::SetKey;
use crate::lab::broadworks::events::machine::Stage;

impl Events {
    /// Does all that is due. Each step may make more due at the same moment.
    pub(super) fn run_due(&mut self, now: Instant) {
        // Each round ends, drops or moves on what was due, and waits for nothing shorter than a
        // time-out; with time-outs of zero, three rounds bring every event to where it waits.
        for _ in 0..8 {
            if self.next_due().is_none_or(|due| due > now) {
                return;
            }
            self.run_silent(now);
            self.run_expired(now);
            self.run_unacknowledged(now);
            self.run_unresponsive(now);
            self.run_forgotten(now);
        }
    }

    /// When something is due next.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let channels = self.channels.values();
        let channels = channels.flat_map(|channel| [channel.expires, self.silence(channel)]);
        let subscriptions = self.subscriptions.values().map(|held| held.expires);
        let sets = self.sets.values();
        let sets = sets.flat_map(|set| [set.grace, set.forgotten]);
        let events = self.outstanding.values().map(|held| match held.stage {
            Stage::Delivered { until, .. } | Stage::Paused(until) => Some(until),
            Stage::Exhausted | Stage::Posting | Stage::Waiting => None,
        });
        let all = channels.chain(subscriptions).chain(sets).chain(events);
        all.flatten().min()
    }

    /// When a channel has been silent for too long.
    fn silence(&self, channel: &Channel) -> Option<Instant> {
        match channel.kind {
            ChannelKind::Feed => None,
            ChannelKind::Stream => Some(channel.beat + self.settings.event_timeout),
        }
    }

    fn run_silent(&mut self, now: Instant) {
        let silent: Vec<ChannelId> = self
            .channels
            .iter()
            .filter(|(_, channel)| self.silence(channel).is_some_and(|due| due <= now))
            .map(|(id, _)| *id)
            .collect();
        for id in &silent {
            self.push(Action::Cut(*id));
        }
        self.remove(&silent, now);
    }

    fn run_expired(&mut self, now: Instant) {
        let over = |end: Option<Instant>| end.is_some_and(|end| end <= now);
        let channels: Vec<ChannelId> = self
            .channels
            .iter()
            .filter(|(_, channel)| over(channel.expires))
            .map(|(id, _)| *id)
            .collect();
        self.end(&channels, ChannelEnd::Expired, now);
        let subscriptions: Vec<SubscriptionId> = self
            .subscriptions
            .iter()
            .filter(|(_, held)| over(held.expires))
            .map(|(id, _)| *id)
            .collect();
        for id in subscriptions {
            self.terminate_subscription(id, now);
        }
    }

    fn run_unacknowledged(&mut self, now: Instant) {
        let due: Vec<u64> = self
            .outstanding
            .iter()
            .filter(|(_, held)| match held.stage {
                Stage::Delivered { until, .. } | Stage::Paused(until) => until <= now,
                Stage::Exhausted | Stage::Posting | Stage::Waiting => false,
            })
            .map(|(serial, _)| *serial)
            .collect();
        for serial in due {
            let route = self.outstanding.get(&serial).map(|held| held.route.clone());
            match route {
                Some(Route::Contact(uri)) => self.post(serial, uri),
                Some(Route::Set(_)) => self.try_next(serial, now),
                None => {}
            }
        }
    }

    fn run_unresponsive(&mut self, now: Instant) {
        let due: Vec<SetKey> = self
            .sets
            .iter()
            .filter(|(_, set)| set.grace.is_some_and(|end| end <= now))
            .map(|(key, _)| key.clone())
            .collect();
        for key in due {
            self.end_set(&key, ChannelEnd::NonResponsiveChannel, now);
        }
    }

    fn run_forgotten(&mut self, now: Instant) {
        let due: Vec<SetKey> = self
            .sets
            .iter()
            .filter(|(_, set)| set.forgotten.is_some_and(|end| end <= now))
            .map(|(key, _)| key.clone())
            .collect();
        for key in due {
            self.forget_set(&key);
        }
    }
}
