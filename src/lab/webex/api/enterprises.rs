//! `/broadworks/enterprises` with its directory sync, and `/broadworks/workspaces`.

use serde_json::Value;
use serde_json::json;
use uuid::Uuid;

use crate::lab::webex::api::Api;
use crate::lab::webex::api::answer;
use crate::lab::webex::api::answer::Wire;
use crate::lab::webex::api::asked::Asked;
use crate::lab::webex::api::asked::ok;
use crate::lab::webex::api::directory::External;
use crate::lab::webex::api::ids::Kind;
use crate::lab::webex::api::read;
use crate::lab::webex::api::render;
use crate::lab::webex::api::world::NewWorkspace;
use crate::lab::webex::api::world::Refusal;

/// Enterprises of a page, unless told otherwise.
const PAGE: usize = 100;

/// The most that a page holds.
const LARGEST_PAGE: usize = 1000;

/// `GET /broadworks/enterprises`.
pub(super) fn list(api: &Api, asked: &Asked) -> Result<Wire, Refusal> {
    let mut query = asked.parameters()?;
    let (max, cursor) = (query.max(PAGE, LARGEST_PAGE)?, query.cursor()?);
    let name = query.text("spEnterpriseId").map(|name| name.to_lowercase());
    let begin = query.text("startsWith").map(|name| name.to_lowercase());
    query.finish()?;
    let items: Vec<Value> = api.world(|world| {
        let found = world.enterprises().filter(|(held, _)| {
            let own = held.name.to_lowercase();
            name.as_ref().is_none_or(|name| own == *name)
                && begin.as_ref().is_none_or(|begin| own.starts_with(begin))
        });
        found
            .map(|(held, org)| render::enterprise(held, org))
            .collect()
    });
    let (page, next) = cut(&items, cursor, max);
    Ok(asked.page(page, next))
}

/// One page of a list, and where the next begins.
pub(super) fn cut(items: &[Value], cursor: u64, max: usize) -> (&[Value], Option<u64>) {
    let begin = usize::try_from(cursor)
        .unwrap_or(usize::MAX)
        .min(items.len());
    let end = begin.saturating_add(max).min(items.len());
    let next = (end < items.len()).then_some(end as u64);
    (items.get(begin..end).unwrap_or_default(), next)
}

/// `PUT …/broadworksDirectorySync`.
pub(super) fn set_sync(api: &Api, asked: &Asked) -> Result<Wire, Refusal> {
    asked.no_query()?;
    let id = id(asked)?;
    let mut members = asked.members()?;
    let enable = members.boolean("enableDirSync")?;
    members.finish()?;
    let shown = api.world(|world| {
        let held = world.enable_sync(id, enable)?;
        Ok(render::sync_word(&held.sync))
    })?;
    Ok(ok(&shown))
}

/// `POST …/broadworksDirectorySync`.
pub(super) fn trigger_sync(api: &Api, asked: &Asked) -> Result<Wire, Refusal> {
    asked.no_query()?;
    let id = id(asked)?;
    let mut members = asked.members()?;
    let word = members.required("syncStatus", read::OTHER)?;
    members.finish()?;
    if word != "SYNC_NOW" {
        return Err(Refusal::bad("syncStatus must be SYNC_NOW."));
    }
    let directory = external(api);
    let shown = api.world(|world| {
        let held = world.trigger_sync(id, &asked.tracking, &directory)?;
        Ok(render::sync_word(&held.sync))
    })?;
    Ok(ok(&shown))
}

/// `GET …/broadworksDirectorySync`.
pub(super) fn sync_status(api: &Api, asked: &Asked) -> Result<Wire, Refusal> {
    asked.no_query()?;
    let id = id(asked)?;
    let shown = api.world(|world| world.enterprise(id).map(|held| render::sync(&held.sync)))?;
    Ok(ok(&shown))
}

/// `POST …/broadworksDirectorySync/externalUser`.
pub(super) fn sync_user(api: &Api, asked: &Asked) -> Result<Wire, Refusal> {
    asked.no_query()?;
    let id = id(asked)?;
    let mut members = asked.members()?;
    let user = members.required("userId", read::USER)?;
    members.finish()?;
    let directory = external(api);
    let (found, single) = api.world(|world| world.sync_user(id, &user, &directory))?;
    let mut document = json!({
        "userId": found.user,
        "firstName": found.first_name,
        "lastName": found.last_name,
    });
    for (name, value) in [
        ("extension", found.extension),
        ("number", found.number),
        ("mobile", found.mobile),
    ] {
        if let (Some(value), Some(document)) = (value, document.as_object_mut()) {
            document.insert(name.to_owned(), json!(value));
        }
    }
    let shown = json!({ "userResponse": document, "status": single.as_str() });
    Ok(ok(&shown))
}

fn external(api: &Api) -> Vec<External> {
    let directory = api.directory.as_ref();
    directory.map(|held| held.external()).unwrap_or_default()
}

fn id(asked: &Asked) -> Result<Uuid, Refusal> {
    asked.id(Kind::Enterprise, "Enterprise")
}

/// `POST /broadworks/workspaces`.
pub(super) fn provision_workspace(api: &Api, asked: &Asked) -> Result<Wire, Refusal> {
    asked.no_query()?;
    let mut members = asked.members()?;
    let new = NewWorkspace {
        provisioning_id: members.required("provisioningId", read::OTHER)?,
        user: members.required("userId", read::USER)?,
        enterprise: members.required("spEnterpriseId", read::OTHER)?,
        display_name: members.required("displayName", read::OTHER)?,
        phone: members.optional("primaryPhoneNumber", read::PHONE)?,
        extension: members.optional("extension", read::EXTENSION)?,
    };
    members.finish()?;
    let shown = api.world(|world| {
        let (id, held) = world.add_workspace(new)?;
        Ok(render::workspace(id, held))
    })?;
    Ok(ok(&shown))
}

/// `PUT /broadworks/workspaces/{workspaceId}`.
pub(super) fn update_workspace(api: &Api, asked: &Asked) -> Result<Wire, Refusal> {
    asked.no_query()?;
    let id = asked.id(Kind::Place, "Workspace")?;
    let mut members = asked.members()?;
    let user = members.optional("userId", read::USER)?;
    let phone = members.erasable("primaryPhoneNumber", read::PHONE)?;
    let extension = members.erasable("extension", read::EXTENSION)?;
    members.finish()?;
    let shown = api.world(|world| {
        let held = world.update_workspace(id, user, phone, extension)?;
        Ok(render::workspace(id, held))
    })?;
    Ok(ok(&shown))
}

/// `DELETE /broadworks/workspaces/{workspaceId}`.
pub(super) fn remove_workspace(api: &Api, asked: &Asked) -> Result<Wire, Refusal> {
    asked.no_query()?;
    let id = asked.id(Kind::Place, "Workspace")?;
    api.world(|world| world.remove_workspace(id))?;
    Ok(answer::nothing())
}
