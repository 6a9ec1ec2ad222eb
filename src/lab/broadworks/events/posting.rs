//! Events for HTTP contacts: one request after the other, a few attempts, then the end.

use std::time::Instant;

use crate::lab::broadworks::events::command::Action;
use crate::lab::broadworks::events::command::DropReason;
use crate::lab::broadworks::events::envelope;
use crate::lab::broadworks::events::envelope::Way;
use crate::lab::broadworks::events::ids::EventId;
use crate::lab::broadworks::events::ids::SubscriptionId;
use crate::lab::broadworks::events::machine::Events;
use crate::lab::broadworks::events::machine::Stage;

impl Events {
    /// The oldest event of a subscription is sent, when none is under way.
    pub(super) fn dispatch_contact(&mut self, serial: u64, uri: String) {
        let Some(held) = self.outstanding.get(&serial) else {
            return;
        };
        let subscription = held.heading.subscription;
        let busy = |other: &u64| {
            self.outstanding
                .get(other)
                .is_some_and(|held| matches!(held.stage, Stage::Paused(_) | Stage::Posting))
        };
        let first = self.events_of(subscription);
        if first.first() != Some(&serial) || busy(&serial) {
            return;
        }
        self.post(serial, uri);
    }

    /// Sends an event to its HTTP contact.
    pub(super) fn post(&mut self, serial: u64, uri: String) {
        let Some(held) = self.outstanding.get_mut(&serial) else {
            return;
        };
        held.stage = Stage::Posting;
        held.attempts = held.attempts.saturating_sub(1);
        let document = envelope::event(&held.heading, Way::Contact(&uri), &held.saying);
        let event = held.saying.id;
        self.push(Action::Post {
            event,
            uri,
            document,
        });
    }

    /// An HTTP contact has answered, or not.
    pub(super) fn posted(&mut self, event: EventId, taken: bool, now: Instant) {
        let Some(serial) = self.by_event.get(&event).copied() else {
            return;
        };
        let pause = now + self.settings.contact_pause;
        let Some(held) = self.outstanding.get_mut(&serial) else {
            return;
        };
        if held.stage != Stage::Posting {
            return;
        }
        let subscription = held.heading.subscription;
        if taken {
            self.take_out(serial);
            self.next_contact(subscription, now);
        } else if held.attempts > 0 {
            held.stage = Stage::Paused(pause);
        } else {
            self.drop_event(serial, DropReason::Contact);
            self.give_contact_up(subscription, now);
        }
    }

    /// The next event for an HTTP contact.
    fn next_contact(&mut self, subscription: SubscriptionId, now: Instant) {
        if let Some(next) = self.events_of(subscription).first().copied() {
            self.dispatch(next, now);
        }
    }

    /// A contact that takes nothing loses its subscription, and is told so once.
    fn give_contact_up(&mut self, subscription: SubscriptionId, now: Instant) {
        for serial in self.events_of(subscription) {
            self.drop_event(serial, DropReason::Contact);
        }
        self.terminate_subscription(subscription, now);
        for serial in self.events_of(subscription) {
            if let Some(held) = self.outstanding.get_mut(&serial) {
                held.attempts = 0;
            }
        }
    }
}
