//! What users do, and the provider for them, while they are waited for.

use crate::lab::webex::api::world::Place;
use crate::lab::webex::api::world::Refusal;
use crate::lab::webex::api::world::State;
use crate::lab::webex::api::world::World;

impl World {
    /// A user types an e-mail address.
    pub(in crate::lab::webex) fn type_email(
        &mut self,
        user: &str,
        email: &str,
    ) -> Result<Place, Refusal> {
        let place = self.pending(user, |state| {
            matches!(state, State::AwaitingEmail | State::AwaitingValidation)
        })?;
        if let Some(held) = self.subscribers.get_mut(&place) {
            held.of.email = Some(email.to_owned());
        }
        self.enter(place, State::AwaitingValidation);
        Ok(place)
    }

    /// A user confirms it.
    pub(in crate::lab::webex) fn validate_email(&mut self, user: &str) -> Result<Place, Refusal> {
        let place = self.pending(user, |state| *state == State::AwaitingValidation)?;
        let state = self.onward(place, None);
        self.enter(place, state);
        Ok(place)
    }

    /// The owner of an account lets it move.
    pub(in crate::lab::webex) fn consent(&mut self, user: &str) -> Result<Place, Refusal> {
        let place = self.pending(user, |state| *state == State::AwaitingConsent)?;
        let until = Some(self.end_of(self.takes(place)));
        let failure = None;
        self.enter(place, State::Provisioning { until, failure });
        Ok(place)
    }

    /// The provider has the mail sent again that asks for consent.
    pub(in crate::lab::webex) fn send_consent_mail(&mut self, place: Place) -> Result<(), Refusal> {
        let absent = || Refusal::absent("Subscriber");
        let held = self.subscribers.get_mut(&place).ok_or_else(absent)?;
        if held.state != State::AwaitingConsent {
            let text = "The subscriber is not in pending_user_migration.";
            return Err(Refusal::conflict(None, text));
        }
        held.consent_mails += 1;
        Ok(())
    }

    /// The subscriber of a user who is waited for in this way.
    fn pending(&self, user: &str, awaited: impl Fn(&State) -> bool) -> Result<Place, Refusal> {
        let mut known = false;
        for (place, held) in self.subscribers() {
            if held.of.user.eq_ignore_ascii_case(user) {
                known = true;
                if awaited(&held.state) {
                    return Ok(place);
                }
            }
        }
        if known {
            let text = "Nobody waits for this of the user.";
            return Err(Refusal::conflict(None, text));
        }
        Err(Refusal::absent("Subscriber"))
    }
}
