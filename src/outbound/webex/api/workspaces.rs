//! Workspaces: `/broadworks/workspaces`. They can neither be listed nor read.

use serde::Deserialize;
use serde::Serialize;

use crate::domain::provisioning::ids::WorkspaceId;
use crate::domain::provisioning::operation::Operation;
use crate::domain::provisioning::webex::CallFailure;
use crate::domain::provisioning::webex::NewWorkspace;
use crate::domain::provisioning::webex::WorkspaceChange;
use crate::outbound::webex::api::client::Reply;
use crate::outbound::webex::api::request::Request;

/// Makes one.
#[must_use]
pub fn provision(new: &NewWorkspace) -> Request {
    let NewWorkspace {
        provisioning_id,
        user,
        enterprise,
        display_name,
        phone,
        extension,
    } = new;
    let body = Provision {
        provisioning_id: provisioning_id.as_str(),
        user_id: user.as_str(),
        sp_enterprise_id: enterprise.as_str(),
        display_name,
        primary_phone_number: phone.as_deref(),
        extension: extension.as_deref(),
    };
    Request::new(Operation::ProvisionWorkspace, &["broadworks", "workspaces"]).json(&body)
}

/// Changes one.
#[must_use]
pub fn update(id: &WorkspaceId, change: &WorkspaceChange) -> Request {
    let WorkspaceChange {
        user,
        phone,
        extension,
    } = change;
    let body = Update {
        user_id: user.as_ref().map(|user| user.as_str()),
        primary_phone_number: phone.as_deref(),
        extension: extension.as_deref(),
    };
    one(Operation::UpdateWorkspace, id).json(&body)
}

/// Removes one.
#[must_use]
pub fn delete(id: &WorkspaceId) -> Request {
    one(Operation::DeleteWorkspace, id)
}

/// The workspace that was made or changed.
///
/// # Errors
/// It cannot be read.
pub fn read_one(reply: &Reply) -> Result<WorkspaceId, CallFailure> {
    let read: Workspace = reply.read()?;
    WorkspaceId::parse(&read.id).map_err(|why| reply.unreadable(&why))
}

fn one(operation: Operation, id: &WorkspaceId) -> Request {
    Request::new(operation, &["broadworks", "workspaces", id.as_str()])
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Provision<'a> {
    provisioning_id: &'a str,
    user_id: &'a str,
    sp_enterprise_id: &'a str,
    display_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_phone_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extension: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Update<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_phone_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extension: Option<&'a str>,
}

#[derive(Deserialize)]
struct Workspace {
    id: String,
}
