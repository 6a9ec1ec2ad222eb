//! How a user becomes a subscriber.

use crate::lab::webex::api::world::Enterprise;
use crate::lab::webex::api::world::Failure;
use crate::lab::webex::api::world::New;
use crate::lab::webex::api::world::Place;
use crate::lab::webex::api::world::Refusal;
use crate::lab::webex::api::world::State;
use crate::lab::webex::api::world::Subscriber;
use crate::lab::webex::api::world::Sync;
use crate::lab::webex::api::world::Takes;
use crate::lab::webex::api::world::World;
use crate::lab::webex::api::world::enterprise::Stage;

/// The user id or the e-mail address is taken.
pub(super) const TAKEN: u64 = 10022;

/// The customer's administrator has to let the partner in.
pub(super) const NOT_APPROVED: u64 = 2017;

/// The e-mail address belongs to another organization.
const ELSEWHERE: u64 = 200_039;

/// What the lab says to a user who comes while the organization of its enterprise is being made.
/// Guides say that the first user comes alone, and not how Webex refuses the second: the code is
/// that of a wrong mapping of user to customer.
const RACE: u64 = 200_043;

/// The enterprise has another template.
const OTHER_TEMPLATE: u64 = 200_050;

/// The enterprise clashes with a service provider, or the reverse.
const CLASH: u64 = 200_051;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lab::webex) enum Entry {
    /// A client of the public API.
    Api,
    /// An Application Server at the bridge, which keeps users until their enterprise is there.
    Bridge,
}

/// What is to be different with the next user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::lab::webex) enum Twist {
    /// A second subscriber of one user is taken.
    Double,
    /// It fails in the background.
    Fail(Failure),
    /// It never ends.
    Stall,
}

/// Where a user whose address is known goes from here.
enum Way {
    /// On.
    On,
    /// The owner of the account is asked.
    Consent,
    /// It fails.
    Fail(Failure),
}

impl World {
    /// Takes a user. Returns its place.
    pub(in crate::lab::webex) fn provision(
        &mut self,
        mut new: New,
        entry: Entry,
        twist: Option<&Twist>,
    ) -> Result<Place, Refusal> {
        let Some(template) = self.template(&new.provisioning_id) else {
            return Err(Refusal::absent("Provisioning ID"));
        };
        let (trusted, mode) = (template.trusted_email, template.enterprise_mode);
        if trusted && new.email.is_none() {
            return Err(Refusal::bad("email is required for this template"));
        }
        if !trusted {
            // Users type their own.
            new.email = None;
        }
        self.check(&new, mode, twist)?;
        let key = new.enterprise.to_lowercase();
        let first = !self.enterprises.contains_key(&key);
        if let Some(email) = new.email.as_deref().filter(|_| first) {
            self.may_join(email, &key)?;
        }
        let place = self.insert(new);
        if first {
            self.form(place);
        }
        let state = if !trusted {
            State::AwaitingEmail
        } else if entry == Entry::Bridge && self.must_wait(place) {
            State::Held
        } else {
            self.onward(place, twist)
        };
        self.enter(place, state);
        Ok(place)
    }

    /// What keeps a user from being taken, without taking it.
    pub(in crate::lab::webex) fn precheck(&self, new: &New) -> Result<(), Refusal> {
        let Some(template) = self.template(&new.provisioning_id) else {
            return Err(Refusal::absent("Provisioning ID"));
        };
        self.check(new, template.enterprise_mode, None)?;
        let key = new.enterprise.to_lowercase();
        let email = new.email.as_deref().unwrap_or_default();
        if !self.enterprises.contains_key(&key) {
            self.may_join(email, &key)?;
        }
        self.precheck_email(email)
    }

    /// Whether an address alone is in the way.
    pub(in crate::lab::webex) fn precheck_email(&self, email: &str) -> Result<(), Refusal> {
        if self.email_taken(email, None) {
            let text = "The email is already associated with an existing user";
            return Err(Refusal::conflict(Some(TAKEN), text));
        }
        Ok(())
    }

    /// What is refused at once.
    fn check(&self, new: &New, mode: bool, twist: Option<&Twist>) -> Result<(), Refusal> {
        if new.phone.is_none() && new.extension.is_none() {
            let text = "Either primaryPhoneNumber or extension is required.";
            return Err(Refusal::bad(text));
        }
        let double = twist == Some(&Twist::Double);
        if !double && self.user_taken(&new.user, None) {
            let text = "The BroadWorks UserID is already associated with an existing user";
            return Err(Refusal::conflict(Some(TAKEN), text));
        }
        let enterprise = self.enterprises.get(&new.enterprise.to_lowercase());
        let asked = new.provisioning_id.trim_end_matches('=');
        if enterprise.is_some_and(|held| held.provisioning_id.trim_end_matches('=') != asked) {
            let text = "The provisioningId is not that of the subscriber's enterprise.";
            return Err(Refusal::conflict(Some(OTHER_TEMPLATE), text));
        }
        if enterprise.is_none() && self.clashes(&new.enterprise, mode) {
            let text = "The spEnterpriseId conflicts with a service provider or enterprise that \
                        is already provisioned from this cluster.";
            return Err(Refusal::conflict(Some(CLASH), text));
        }
        Ok(())
    }

    /// Whether the first user of an enterprise may bring it into the organization of its address.
    fn may_join(&self, email: &str, key: &str) -> Result<(), Refusal> {
        self.join(email, key)
            .map_err(|Failure { code, text }| Refusal::conflict(Some(code), &text))
    }

    fn join(&self, email: &str, key: &str) -> Result<(), Failure> {
        let person = self.person_by_email(email);
        let Some(host) = person.and_then(|(_, person)| person.organization) else {
            return Ok(());
        };
        let bound = self.enterprises.iter();
        let mut bound = bound.filter(|(_, held)| held.organization() == Some(host));
        if bound.any(|(name, _)| name != key) {
            let text = "The organization of the email belongs to another enterprise.";
            return Err(Failure::new(ELSEWHERE, text));
        }
        if self.needs_approval(host) {
            let text = "Unable to Provision Subscriber into an existing Webex Org.";
            return Err(Failure::new(NOT_APPROVED, text));
        }
        Ok(())
    }

    pub(super) fn insert(&mut self, new: New) -> Place {
        self.places += 1;
        let (place, id) = (self.places, self.name());
        if self.user_taken(&new.user, None) {
            self.doubles.insert(new.user.to_lowercase());
        }
        let subscriber = Subscriber {
            id,
            of: new,
            state: State::Held,
            created: self.now,
            changed: self.now,
            self_activated: false,
            consent_mails: 0,
        };
        self.by_id.insert(id, place);
        self.subscribers.insert(place, subscriber);
        place
    }

    /// Begins the enterprise of a subscriber, unless there is one.
    pub(super) fn form(&mut self, first: Place) {
        let id = self.name();
        let Some(subscriber) = self.subscribers.get(&first) else {
            return;
        };
        let name = subscriber.of.enterprise.clone();
        let enterprise = Enterprise {
            id,
            name: name.clone(),
            provisioning_id: subscriber.of.provisioning_id.clone(),
            sync: Sync::default(),
            stage: Stage::Forming(first),
        };
        let held = self.enterprises.entry(name.to_lowercase());
        held.or_insert(enterprise);
    }

    /// Whether somebody else is the first of the enterprise and not yet there.
    fn must_wait(&self, place: Place) -> bool {
        matches!(self.stage(place), Some(Stage::Forming(first)) if first != place)
    }

    fn stage(&self, place: Place) -> Option<Stage> {
        let subscriber = self.subscribers.get(&place)?;
        let key = subscriber.of.enterprise.to_lowercase();
        self.enterprises.get(&key).map(|held| held.stage)
    }

    /// Where a user whose address is known goes.
    pub(super) fn onward(&self, place: Place, twist: Option<&Twist>) -> State {
        let under_way = |takes, failure| State::Provisioning {
            until: Some(self.end_of(takes)),
            failure,
        };
        match twist {
            Some(Twist::Stall) => {
                return State::Provisioning {
                    until: None,
                    failure: None,
                };
            }
            Some(Twist::Fail(failure)) => {
                return under_way(Takes::Failure, Some(failure.clone()));
            }
            Some(Twist::Double) | None => {}
        }
        match self.way(place) {
            Way::Consent => State::AwaitingConsent,
            Way::Fail(failure) => under_way(Takes::Failure, Some(failure)),
            Way::On => under_way(self.takes(place), None),
        }
    }

    /// How long a user takes whom nothing hinders.
    pub(super) fn takes(&self, place: Place) -> Takes {
        match self.stage(place) {
            Some(Stage::Forming(_)) | None => Takes::FirstUser,
            Some(Stage::Ready(_)) => Takes::User,
        }
    }

    fn way(&self, place: Place) -> Way {
        let Some(subscriber) = self.subscribers.get(&place) else {
            return Way::On;
        };
        let key = subscriber.of.enterprise.to_lowercase();
        let email = subscriber.of.email.as_deref().unwrap_or_default();
        if self.must_wait(place) {
            let text = "User to customer mapping is wrong: the organization of this enterprise \
                        is being created.";
            return Way::Fail(Failure::new(RACE, text));
        }
        if self.email_taken(email, Some(place)) {
            let text = "The email is already associated with an existing user";
            return Way::Fail(Failure::new(TAKEN, text));
        }
        let person = self.person_by_email(email).map(|(_, person)| person);
        match (self.stage(place), person) {
            (Some(Stage::Ready(own)), Some(person)) => match person.organization {
                Some(host) if host == own => Way::On,
                Some(_) => {
                    let text = "The email is already used in another organization.";
                    Way::Fail(Failure::new(ELSEWHERE, text))
                }
                None => Way::Consent,
            },
            (Some(Stage::Ready(_)), None) => Way::On,
            // The first user: into the organization of its address, or into a new one.
            (Some(Stage::Forming(_)) | None, _) => match self.join(email, &key) {
                Ok(()) => Way::On,
                Err(failure) => Way::Fail(failure),
            },
        }
    }

    /// Whether a user has a subscriber, or is about to have one, other than this one.
    pub(super) fn user_taken(&self, user: &str, but: Option<Place>) -> bool {
        self.others(but).any(|held| {
            let next = match &held.state {
                State::Updating { change, .. } => change.user.as_deref(),
                State::AwaitingEmail
                | State::AwaitingValidation
                | State::AwaitingConsent
                | State::Held
                | State::Provisioning { .. }
                | State::Provisioned { .. }
                | State::Failed(_) => None,
            };
            held.of.user.eq_ignore_ascii_case(user)
                || next.is_some_and(|next| next.eq_ignore_ascii_case(user))
        })
    }

    pub(super) fn email_taken(&self, email: &str, but: Option<Place>) -> bool {
        self.others(but).any(|held| {
            let own = held.of.email.as_deref();
            own.is_some_and(|own| own.eq_ignore_ascii_case(email))
        })
    }

    fn others(&self, but: Option<Place>) -> impl Iterator<Item = &Subscriber> {
        let held = self.subscribers.iter();
        held.filter(move |(place, _)| Some(**place) != but)
            .map(|(_, held)| held)
    }
}
