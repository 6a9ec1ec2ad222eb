//! People: `/people`. A subscriber that is removed stays as a person until that is deleted too.

use serde::Deserialize;

use crate::domain::provisioning::customer;
use crate::domain::provisioning::customer::PeopleFilter;
use crate::domain::provisioning::ids::NotAName;
use crate::domain::provisioning::ids::OrgId;
use crate::domain::provisioning::ids::PersonId;
use crate::domain::provisioning::operation::Operation;
use crate::domain::provisioning::webex::CallFailure;
use crate::outbound::webex::api::client::Reply;
use crate::outbound::webex::api::liberal;
use crate::outbound::webex::api::request::Request;

/// People of a page; Webex gives more, but slowly.
const PAGE: &str = "100";

/// Lists them.
#[must_use]
pub fn list(filter: &PeopleFilter) -> Request {
    let request = Request::new(Operation::ListPeople, &["people"]);
    let request = match filter {
        PeopleFilter::Email(email) => request.with("email", email),
        PeopleFilter::Org(org) => request.with("orgId", org.as_str()),
    };
    request.with("max", PAGE)
}

/// Gets one.
#[must_use]
pub fn get(id: &PersonId) -> Request {
    Request::new(Operation::GetPerson, &["people", id.as_str()])
}

/// Deletes one, with all that Webex holds of it.
#[must_use]
pub fn delete(id: &PersonId) -> Request {
    Request::new(Operation::DeletePerson, &["people", id.as_str()])
}

/// One person.
///
/// # Errors
/// It cannot be read.
pub fn read_one(reply: &Reply) -> Result<customer::Person, CallFailure> {
    let person: Person = reply.read()?;
    person.proven().map_err(|why| reply.unreadable(&why))
}

/// A page of people.
///
/// # Errors
/// It cannot be read.
pub fn read_list(reply: &Reply) -> Result<Vec<customer::Person>, CallFailure> {
    let list: List = reply.read()?;
    let proven = list.items.into_iter().map(Person::proven);
    proven
        .collect::<Result<_, _>>()
        .map_err(|why| reply.unreadable(&why))
}

#[derive(Deserialize)]
struct List {
    items: Vec<Person>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Person {
    id: String,
    emails: Option<Vec<String>>,
    display_name: Option<String>,
    org_id: Option<String>,
    roles: Option<Vec<String>>,
    #[serde(default, deserialize_with = "liberal::bool_or_string")]
    invite_pending: Option<bool>,
    #[serde(default, deserialize_with = "liberal::bool_or_string")]
    login_enabled: Option<bool>,
}

impl Person {
    fn proven(self) -> Result<customer::Person, NotAName> {
        let org = self.org_id.as_deref().filter(|id| !id.is_empty());
        Ok(customer::Person {
            id: PersonId::parse(&self.id)?,
            emails: self.emails.unwrap_or_default(),
            display_name: self.display_name,
            org: org.map(OrgId::parse).transpose()?,
            roles: self.roles.unwrap_or_default(),
            invite_pending: self.invite_pending,
            login_enabled: self.login_enabled,
        })
    }
}
