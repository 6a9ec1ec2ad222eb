//! Webex organizations and the people in them.

use uuid::Uuid;

use crate::lab::webex::api::world::At;
use crate::lab::webex::api::world::Due;
use crate::lab::webex::api::world::Refusal;
use crate::lab::webex::api::world::Takes;
use crate::lab::webex::api::world::World;

/// An organization with that many users asks its administrator before a partner comes in.
const MANY_USERS: u64 = 100;

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::lab::webex) struct Person {
    pub(in crate::lab::webex) email: String,
    pub(in crate::lab::webex) first_name: String,
    pub(in crate::lab::webex) last_name: String,
    /// `None` for a free account.
    pub(in crate::lab::webex) organization: Option<Uuid>,
    /// Whether the person administers the organization.
    pub(in crate::lab::webex) administrator: bool,
    pub(in crate::lab::webex) created: At,
}

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::lab::webex) struct Organization {
    pub(in crate::lab::webex) name: String,
    pub(in crate::lab::webex) created: At,
    /// Users beyond the people that are known.
    pub(in crate::lab::webex) further_users: u64,
    pub(in crate::lab::webex) verified_domain: bool,
    pub(in crate::lab::webex) claimed_domain: bool,
    /// Whether it has subscriptions or licences of its own.
    pub(in crate::lab::webex) licences: bool,
    /// Whether its administrator has let the partner in.
    pub(in crate::lab::webex) approved: bool,
    /// It was there before any enterprise of BroadWorks.
    pub(in crate::lab::webex) existing: bool,
    /// It is on its way out.
    pub(in crate::lab::webex) ending: bool,
}

impl World {
    /// Adds an organization that was there before, with its people.
    pub(in crate::lab::webex) fn add_organization(
        &mut self,
        organization: Organization,
        emails: &[String],
    ) -> Uuid {
        let id = self.name();
        self.organizations.insert(id, organization);
        for (place, email) in emails.iter().enumerate() {
            let person = self.person_named(email, "Existing", "User", Some(id));
            if let Some(person) = self.people.get_mut(&person) {
                person.administrator = place == 0;
            }
        }
        id
    }

    /// Adds somebody with a free account.
    pub(in crate::lab::webex) fn add_free_account(&mut self, email: &str) -> Uuid {
        self.person_named(email, "Free", "User", None)
    }

    /// The administrator of a customer lets the partner in.
    pub(in crate::lab::webex) fn approve(&mut self, id: Uuid) -> Result<(), Refusal> {
        let held = self.organizations.get_mut(&id);
        held.ok_or_else(|| Refusal::absent("Organization"))?
            .approved = true;
        Ok(())
    }

    /// An organization that the partner sees.
    pub(in crate::lab::webex) fn organization(&self, id: Uuid) -> Result<&Organization, Refusal> {
        let absent = || Refusal::absent("Organization");
        let held = self.organizations.get(&id).ok_or_else(absent)?;
        let managed = self.enterprise_of(id).is_some();
        (managed && !held.ending).then_some(held).ok_or_else(absent)
    }

    /// All that the partner sees, or all there are.
    pub(in crate::lab::webex) fn organizations(
        &self,
        all: bool,
    ) -> impl Iterator<Item = (Uuid, &Organization)> {
        let shown = self.organizations.iter();
        shown
            .filter(move |(id, held)| all || (!held.ending && self.enterprise_of(**id).is_some()))
            .map(|(id, held)| (*id, held))
    }

    /// Ends an organization, in up to ten minutes.
    pub(in crate::lab::webex) fn delete_organization(&mut self, id: Uuid) -> Result<(), Refusal> {
        let held = self.organization(id)?;
        let (licences, further) = (held.licences, held.further_users);
        let enterprise = self.enterprise_of(id);
        let syncs = enterprise.is_some_and(|held| held.sync.enabled || held.sync.runs());
        let users = further + self.members(id).count() as u64;
        let subscribers = self.subscribers().any(|(_, held)| {
            let enterprise = self.enterprises.get(&held.of.enterprise.to_lowercase());
            enterprise.is_some_and(|enterprise| enterprise.organization() == Some(id))
        });
        let why = match (syncs, subscribers, licences, users) {
            (true, ..) => "Organization has directory sync enabled.",
            (_, true, ..) => "Organization has active subscriptions.",
            (_, _, true, _) => "Organization has active licenses.",
            (_, _, _, users) if users > 1 => "Organization has more than one user.",
            _ => {
                if let Some(held) = self.organizations.get_mut(&id) {
                    held.ending = true;
                }
                let end = self.end_of(Takes::Organization);
                self.due.insert((end, Due::Organization(id)));
                return Ok(());
            }
        };
        Err(Refusal::conflict(None, why))
    }

    /// An organization and all that is in it is gone.
    pub(super) fn end_organization(&mut self, id: Uuid) {
        self.organizations.remove(&id);
        self.people.retain(|_, held| held.organization != Some(id));
        self.enterprises
            .retain(|_, held| held.organization() != Some(id));
        let enterprises = &self.enterprises;
        self.workspaces
            .retain(|_, held| enterprises.contains_key(&held.of.enterprise.to_lowercase()));
    }

    /// People that the partner sees, or all there are.
    pub(in crate::lab::webex) fn people(&self, all: bool) -> impl Iterator<Item = (Uuid, &Person)> {
        let shown = self.people.iter().filter(move |(_, held)| {
            all || held
                .organization
                .is_some_and(|id| self.organization(id).is_ok())
        });
        shown.map(|(id, held)| (*id, held))
    }

    /// One of them.
    pub(in crate::lab::webex) fn person(&self, id: Uuid) -> Result<&Person, Refusal> {
        let absent = || Refusal::absent("User");
        let held = self.people.get(&id).ok_or_else(absent)?;
        let organization = held.organization.ok_or_else(absent)?;
        self.organization(organization).map_err(|_| absent())?;
        Ok(held)
    }

    /// Takes a person away for good, with the subscriber that it was.
    pub(in crate::lab::webex) fn delete_person(&mut self, id: Uuid) -> Result<(), Refusal> {
        self.person(id)?;
        let places: Vec<_> = self
            .subscribers()
            .filter(|(_, held)| held.person() == Some(id))
            .map(|(place, _)| place)
            .collect();
        for place in places {
            self.drop_subscriber(place);
        }
        self.people.remove(&id);
        Ok(())
    }

    /// The person with an address.
    pub(super) fn person_by_email(&self, email: &str) -> Option<(Uuid, &Person)> {
        let mut people = self.people.iter();
        let found = people.find(|(_, held)| held.email.eq_ignore_ascii_case(email));
        found.map(|(id, held)| (*id, held))
    }

    /// The person with an address, made if there is none, in the organization from now on.
    pub(super) fn person_named(
        &mut self,
        email: &str,
        first_name: &str,
        last_name: &str,
        organization: Option<Uuid>,
    ) -> Uuid {
        if let Some((id, _)) = self.person_by_email(email) {
            if let Some(held) = self.people.get_mut(&id) {
                held.organization = organization.or(held.organization);
            }
            return id;
        }
        let id = self.name();
        let person = Person {
            email: email.to_owned(),
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            organization,
            administrator: false,
            created: self.now,
        };
        self.people.insert(id, person);
        id
    }

    /// Whether an organization's administrator is to be asked before the partner comes in.
    pub(super) fn needs_approval(&self, id: Uuid) -> bool {
        self.organizations.get(&id).is_some_and(|held| {
            let users = held.further_users + self.members(id).count() as u64;
            let guarded = users >= MANY_USERS || held.verified_domain || held.claimed_domain;
            guarded && !held.approved
        })
    }

    fn members(&self, id: Uuid) -> impl Iterator<Item = &Person> {
        let people = self.people.values();
        people.filter(move |held| held.organization == Some(id))
    }
}
