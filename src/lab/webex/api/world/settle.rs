//! What a user comes to, and what that begins or ends for an enterprise.

use uuid::Uuid;

use crate::lab::webex::api::world::At;
use crate::lab::webex::api::world::Due;
use crate::lab::webex::api::world::Enterprise;
use crate::lab::webex::api::world::New;
use crate::lab::webex::api::world::Organization;
use crate::lab::webex::api::world::Place;
use crate::lab::webex::api::world::State;
use crate::lab::webex::api::world::World;
use crate::lab::webex::api::world::enterprise::Stage;

impl World {
    /// Puts a subscriber into a state, and sees to its end.
    pub(super) fn enter(&mut self, place: Place, state: State) {
        let now = self.now;
        let end = match &state {
            State::Provisioning { until, .. } => *until,
            State::Updating { until, .. } => Some(*until),
            State::AwaitingEmail
            | State::AwaitingValidation
            | State::AwaitingConsent
            | State::Held
            | State::Provisioned { .. }
            | State::Failed(_) => None,
        };
        if let Some(subscriber) = self.subscribers.get_mut(&place) {
            subscriber.enter(state, now);
        }
        if let Some(end) = end {
            self.due.insert((end, Due::Subscriber(place)));
        }
    }

    /// What was under way with a subscriber has ended, unless it ends later or was called off.
    pub(super) fn settle(&mut self, place: Place) {
        let Some(subscriber) = self.subscribers.get(&place) else {
            return;
        };
        let over = |until: At| until <= self.now;
        match subscriber.state.clone() {
            State::Provisioning { until, failure } if until.is_some_and(over) => match failure {
                Some(failure) => {
                    self.enter(place, State::Failed(vec![failure]));
                    self.leave_first(place);
                }
                None => self.complete(place),
            },
            State::Updating {
                person,
                until,
                change,
            } if over(until) => {
                if let Some(held) = self.subscribers.get_mut(&place) {
                    held.apply(*change);
                }
                self.enter(place, State::Provisioned { person });
            }
            State::Provisioning { .. }
            | State::Updating { .. }
            | State::AwaitingEmail
            | State::AwaitingValidation
            | State::AwaitingConsent
            | State::Held
            | State::Provisioned { .. }
            | State::Failed(_) => {}
        }
    }

    /// A subscriber is provisioned, and with the first one the organization is there.
    pub(super) fn complete(&mut self, place: Place) {
        let Some(subscriber) = self.subscribers.get(&place) else {
            return;
        };
        let of = subscriber.of.clone();
        let email = of.email.clone().unwrap_or_else(|| of.user.clone());
        let key = of.enterprise.to_lowercase();
        let ready = self
            .enterprises
            .get(&key)
            .and_then(Enterprise::organization);
        let (organization, founder) = match ready {
            Some(organization) => (organization, false),
            None => self.found(&key, &of, &email),
        };
        let (first, last) = (&of.first_name, &of.last_name);
        let person = self.person_named(&email, first, last, Some(organization));
        if let Some(person) = self.people.get_mut(&person) {
            person.administrator |= founder;
        }
        if let Some(held) = self.subscribers.get_mut(&place) {
            held.of.email = Some(email);
        }
        self.enter(place, State::Provisioned { person });
        if ready.is_none() {
            self.release(&key);
        }
    }

    /// The organization of a first user; whether it is a new one, which the user administers.
    fn found(&mut self, key: &str, of: &New, email: &str) -> (Uuid, bool) {
        let host = self.person_by_email(email);
        let host = host.and_then(|(_, person)| person.organization);
        let organization = host.unwrap_or_else(|| {
            let id = self.name();
            let organization = Organization {
                name: of.enterprise.to_lowercase(),
                created: self.now,
                further_users: 0,
                verified_domain: false,
                claimed_domain: false,
                licences: false,
                approved: true,
                existing: false,
                ending: false,
            };
            self.organizations.insert(id, organization);
            id
        });
        if let Some(enterprise) = self.enterprises.get_mut(key) {
            enterprise.stage = Stage::Ready(organization);
        }
        (organization, host.is_none())
    }

    /// The enterprise is there: those who waited at the bridge go on.
    fn release(&mut self, key: &str) {
        for place in self.held_of(key) {
            let state = self.onward(place, None);
            self.enter(place, state);
        }
    }

    /// A first user has failed or is gone: the enterprise has not begun. The next who waits at the
    /// bridge is the first now, or else whoever is under way beside it.
    pub(super) fn leave_first(&mut self, place: Place) {
        let mut enterprises = self.enterprises.iter();
        let found = enterprises.find(|(_, held)| held.stage == Stage::Forming(place));
        let Some(key) = found.map(|(key, _)| key.clone()) else {
            return;
        };
        self.enterprises.remove(&key);
        if let Some(next) = self.held_of(&key).into_iter().next() {
            self.form(next);
            let state = self.onward(next, None);
            self.enter(next, state);
        } else if let Some(next) = self.under_way_of(&key, place) {
            self.form(next);
        }
    }

    /// Who is neither gone nor has failed.
    fn under_way_of(&self, key: &str, but: Place) -> Option<Place> {
        let mut others = self.subscribers.iter().filter(|(place, held)| {
            **place != but
                && held.of.enterprise.eq_ignore_ascii_case(key)
                && !matches!(held.state, State::Failed(_))
        });
        others.next().map(|(place, _)| *place)
    }

    fn held_of(&self, key: &str) -> Vec<Place> {
        let held = self.subscribers.iter().filter(|(_, held)| {
            held.state == State::Held && held.of.enterprise.eq_ignore_ascii_case(key)
        });
        held.map(|(place, _)| *place).collect()
    }
}
