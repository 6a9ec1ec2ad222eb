//! Subscribers as they are found, changed and removed.

use uuid::Uuid;

use crate::lab::webex::api::world::Change;
use crate::lab::webex::api::world::Place;
use crate::lab::webex::api::world::Refusal;
use crate::lab::webex::api::world::State;
use crate::lab::webex::api::world::Subscriber;
use crate::lab::webex::api::world::Takes;
use crate::lab::webex::api::world::World;
use crate::lab::webex::api::world::provision::TAKEN;

impl World {
    /// All, in the order of their creation.
    pub(in crate::lab::webex) fn subscribers(&self) -> impl Iterator<Item = (Place, &Subscriber)> {
        self.subscribers.iter().map(|(place, held)| (*place, held))
    }

    /// Those behind a place.
    pub(in crate::lab::webex) fn subscribers_after(
        &self,
        place: Place,
    ) -> impl Iterator<Item = (Place, &Subscriber)> {
        let after = self.subscribers.range(place.saturating_add(1)..);
        after.map(|(place, held)| (*place, held))
    }

    /// The place of a subscriber.
    pub(in crate::lab::webex) fn place(&self, id: Uuid) -> Result<Place, Refusal> {
        let place = self.by_id.get(&id).copied();
        place.ok_or_else(|| Refusal::absent("Subscriber"))
    }

    /// The subscriber at a place.
    pub(in crate::lab::webex) fn subscriber(&self, place: Place) -> Result<&Subscriber, Refusal> {
        let held = self.subscribers.get(&place);
        held.ok_or_else(|| Refusal::absent("Subscriber"))
    }

    /// Begins to change a subscriber.
    pub(in crate::lab::webex) fn update(
        &mut self,
        place: Place,
        change: Change,
    ) -> Result<(), Refusal> {
        let held = self.subscriber(place)?;
        let State::Provisioned { person } = held.state else {
            let status = held.state.status().as_str();
            let text = format!("The subscriber cannot be updated while its status is {status}.");
            return Err(Refusal::conflict(None, &text));
        };
        let after = |change: &Option<String>, held: &Option<String>| match change {
            Some(text) => !text.is_empty(),
            None => held.is_some(),
        };
        let phone = after(&change.phone, &held.of.phone);
        if !phone && !after(&change.extension, &held.of.extension) {
            let text = "Either primaryPhoneNumber or extension is required.";
            return Err(Refusal::bad(text));
        }
        let user = change.user.as_deref();
        if user.is_some_and(|user| self.user_taken(user, Some(place))) {
            let text = "The BroadWorks UserID is already associated with an existing user";
            return Err(Refusal::conflict(Some(TAKEN), text));
        }
        let state = State::Updating {
            person,
            until: self.end_of(Takes::Update),
            change: Box::new(change),
        };
        self.enter(place, state);
        Ok(())
    }

    /// Takes the mapping away. The person stays.
    pub(in crate::lab::webex) fn remove(&mut self, place: Place) -> Result<(), Refusal> {
        self.subscriber(place)?;
        self.drop_subscriber(place);
        Ok(())
    }

    /// Ends a subscriber and what it was the beginning of.
    pub(super) fn drop_subscriber(&mut self, place: Place) {
        if let Some(held) = self.subscribers.remove(&place) {
            self.by_id.remove(&held.id);
        }
        self.leave_first(place);
    }
}
