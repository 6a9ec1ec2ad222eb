//! Organisations: `/organizations`.

use serde::Deserialize;

use crate::domain::provisioning::customer;
use crate::domain::provisioning::ids::OrgId;
use crate::domain::provisioning::operation::Operation;
use crate::domain::provisioning::webex::CallFailure;
use crate::outbound::webex::api::client::Reply;
use crate::outbound::webex::api::request::Request;

/// Gets one.
#[must_use]
pub fn get(id: &OrgId) -> Request {
    Request::new(Operation::GetOrganization, &["organizations", id.as_str()])
}

/// Deletes one, for good. Webex refuses while there are people, sites or subscriptions in it.
#[must_use]
pub fn delete(id: &OrgId) -> Request {
    Request::new(
        Operation::DeleteOrganization,
        &["organizations", id.as_str()],
    )
}

/// One organisation.
///
/// # Errors
/// It cannot be read.
pub fn read_one(reply: &Reply) -> Result<customer::Organization, CallFailure> {
    let read: Organization = reply.read()?;
    Ok(customer::Organization {
        id: OrgId::parse(&read.id).map_err(|why| reply.unreadable(&why))?,
        display_name: read.display_name,
        created: read.created,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Organization {
    id: String,
    display_name: Option<String>,
    created: Option<String>,
}
