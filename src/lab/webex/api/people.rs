//! `/people` and `/organizations`, of the organizations that the partner manages.

use serde_json::Value;

use crate::lab::webex::api::Api;
use crate::lab::webex::api::answer;
use crate::lab::webex::api::answer::Wire;
use crate::lab::webex::api::asked::Asked;
use crate::lab::webex::api::asked::ok;
use crate::lab::webex::api::enterprises::cut;
use crate::lab::webex::api::ids::Kind;
use crate::lab::webex::api::render;
use crate::lab::webex::api::world::Refusal;

/// The most items of a page, and how many it holds unless told otherwise.
const PAGE: usize = 100;

/// `GET /people`.
pub(super) fn list(api: &Api, asked: &Asked) -> Result<Wire, Refusal> {
    let mut query = asked.parameters()?;
    let (max, cursor) = (query.max(PAGE, PAGE)?, query.cursor()?);
    let email = query.text("email");
    let ids = query.text("id");
    let organization = query.text("orgId");
    query.finish()?;
    let wanted = |kind: Kind, text: &Option<String>| {
        let text = text.as_deref();
        text.map(|text| {
            text.split(',')
                .filter_map(|name| kind.read(name))
                .collect::<Vec<_>>()
        })
    };
    let ids = wanted(Kind::People, &ids);
    let organizations = wanted(Kind::Organization, &organization);
    let items: Vec<Value> = api.world(|world| {
        let found = world.people(false).filter(|(id, held)| {
            let email = email.as_deref();
            email.is_none_or(|email| held.email.eq_ignore_ascii_case(email))
                && ids.as_ref().is_none_or(|ids| ids.contains(id))
                && organizations
                    .as_ref()
                    .is_none_or(|wanted| held.organization.is_some_and(|own| wanted.contains(&own)))
        });
        found.map(|(id, held)| render::person(id, held)).collect()
    });
    let (page, next) = cut(&items, cursor, max);
    Ok(asked.page(page, next))
}

/// `GET /people/{personId}`.
pub(super) fn get(api: &Api, asked: &Asked) -> Result<Wire, Refusal> {
    asked.no_query()?;
    let id = asked.id(Kind::People, "User")?;
    let shown = api.world(|world| world.person(id).map(|held| render::person(id, held)))?;
    Ok(ok(&shown))
}

/// `DELETE /people/{personId}`.
pub(super) fn delete(api: &Api, asked: &Asked) -> Result<Wire, Refusal> {
    asked.no_query()?;
    let id = asked.id(Kind::People, "User")?;
    api.world(|world| world.delete_person(id))?;
    Ok(answer::nothing())
}

/// `GET /organizations`.
pub(super) fn list_organizations(api: &Api, asked: &Asked) -> Result<Wire, Refusal> {
    let mut query = asked.parameters()?;
    let (max, cursor) = (query.max(PAGE, PAGE)?, query.cursor()?);
    query.finish()?;
    let items: Vec<Value> = api.world(|world| {
        let found = world.organizations(false);
        found
            .map(|(id, held)| render::organization(id, held))
            .collect()
    });
    let (page, next) = cut(&items, cursor, max);
    Ok(asked.page(page, next))
}

/// `GET /organizations/{orgId}`.
pub(super) fn get_organization(api: &Api, asked: &Asked) -> Result<Wire, Refusal> {
    asked.no_query()?;
    let id = asked.id(Kind::Organization, "Organization")?;
    let shown = api.world(|world| {
        let held = world.organization(id)?;
        Ok(render::organization(id, held))
    })?;
    Ok(ok(&shown))
}

/// `DELETE /organizations/{orgId}`.
pub(super) fn delete_organization(api: &Api, asked: &Asked) -> Result<Wire, Refusal> {
    asked.no_query()?;
    let id = asked.id(Kind::Organization, "Organization")?;
    api.world(|world| world.delete_organization(id))?;
    Ok(answer::nothing())
}
