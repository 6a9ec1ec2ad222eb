//! Enterprises and their directory sync: `/broadworks/enterprises`.

use serde::Deserialize;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;

use crate::domain::provisioning::customer::EnterpriseFilter;
use crate::domain::provisioning::customer::UserSync;
use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::ids::NotAName;
use crate::domain::provisioning::ids::OrgId;
use crate::domain::provisioning::ids::WebexEnterpriseId;
use crate::domain::provisioning::operation::Operation;
use crate::domain::provisioning::webex;
use crate::domain::provisioning::webex::CallFailure;
use crate::outbound::webex::api::client::Reply;
use crate::outbound::webex::api::failure::tame;
use crate::outbound::webex::api::liberal::ItemsOrOne;
use crate::outbound::webex::api::request::Request;
use crate::outbound::webex::api::subscribers::ErrorObject;

/// Enterprises of a page; Webex gives no more.
const PAGE: &str = "1000";

/// Counters that are kept of a sync; Webex has 20.
const COUNTS: usize = 64;

/// Lists them.
#[must_use]
pub fn list(filter: &EnterpriseFilter) -> Request {
    let EnterpriseFilter {
        enterprise,
        starts_with,
    } = filter;
    Request::new(Operation::ListEnterprises, &["broadworks", "enterprises"])
        .with_some("spEnterpriseId", enterprise.as_deref())
        .with_some("startsWith", starts_with.as_deref())
        .with("max", PAGE)
}

/// How directory sync stands.
#[must_use]
pub fn directory_sync(id: &WebexEnterpriseId) -> Request {
    sync(Operation::GetDirectorySync, id, None)
}

/// Turns directory sync on or off.
#[must_use]
pub fn set_directory_sync(id: &WebexEnterpriseId, on: bool) -> Request {
    sync(Operation::SetDirectorySync, id, None).json(&Enable {
        enable_dir_sync: on,
    })
}

/// Begins a directory sync now.
#[must_use]
pub fn trigger_directory_sync(id: &WebexEnterpriseId) -> Request {
    let trigger = Trigger {
        sync_status: "SYNC_NOW",
    };
    sync(Operation::TriggerDirectorySync, id, None).json(&trigger)
}

/// Syncs one user of the directory.
#[must_use]
pub fn sync_user(id: &WebexEnterpriseId, user: &BwUserId) -> Request {
    let user = ExternalUser {
        user_id: user.as_str(),
    };
    sync(Operation::SyncDirectoryUser, id, Some("externalUser")).json(&user)
}

/// A page of enterprises.
///
/// # Errors
/// It cannot be read.
pub fn read_list(reply: &Reply) -> Result<Vec<webex::Enterprise>, CallFailure> {
    let list: ItemsOrOne<Enterprise> = reply.read()?;
    let proven = list.into_vec().into_iter().map(Enterprise::proven);
    proven
        .collect::<Result<_, _>>()
        .map_err(|why| reply.unreadable(&why))
}

/// How directory sync stands.
///
/// # Errors
/// It cannot be read.
pub fn read_sync(reply: &Reply) -> Result<webex::DirectorySync, CallFailure> {
    let sync: Sync = reply.read()?;
    Ok(sync.proven())
}

/// What came of syncing one user.
///
/// # Errors
/// It cannot be read.
pub fn read_user(reply: &Reply) -> Result<UserSync, CallFailure> {
    let read: UserAnswer = reply.read()?;
    let user = read.user_response.unwrap_or_default();
    Ok(UserSync {
        status: read.status.map(|status| tame(&status)),
        user: user.user_id,
        first_name: user.first_name,
        last_name: user.last_name,
        number: user.number,
        mobile: user.mobile,
        extension: user.extension,
    })
}

fn sync(operation: Operation, id: &WebexEnterpriseId, below: Option<&str>) -> Request {
    let path = [
        "broadworks",
        "enterprises",
        id.as_str(),
        "broadworksDirectorySync",
    ];
    let path: Vec<_> = path.into_iter().chain(below).collect();
    Request::new(operation, &path)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Enable {
    enable_dir_sync: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Trigger {
    sync_status: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExternalUser<'a> {
    user_id: &'a str,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Enterprise {
    id: String,
    org_id: Option<String>,
    provisioning_id: Option<String>,
    sp_enterprise_id: Option<String>,
    broadworks_directory_sync: Option<Sync>,
}

impl Enterprise {
    fn proven(self) -> Result<webex::Enterprise, NotAName> {
        let org = self.org_id.as_deref().filter(|id| !id.is_empty());
        Ok(webex::Enterprise {
            id: WebexEnterpriseId::parse(&self.id)?,
            org: org.map(OrgId::parse).transpose()?,
            sp_enterprise_id: self.sp_enterprise_id,
            provisioning_id: self.provisioning_id,
            sync: self.broadworks_directory_sync.map(Sync::proven),
        })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Sync {
    enable_dir_sync: Option<bool>,
    directory_sync_status: Option<SyncStatus>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SyncStatus {
    sync_status: Option<String>,
    last_successful_sync_time: Option<String>,
    last_sync_tracking_id: Option<String>,
    errors: Option<Vec<SyncError>>,
    /// Counters, and what Webex may add.
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// As of subscribers, without a name of its own in the description.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct SyncError(Value);

impl Sync {
    fn proven(self) -> webex::DirectorySync {
        let status = self.directory_sync_status.unwrap_or_default();
        let errors = status.errors.unwrap_or_default().into_iter();
        let errors = errors.filter_map(|error| {
            let error: ErrorObject = serde_json::from_value(error.0).ok()?;
            Some(error.proven())
        });
        let counts = status.others.into_iter();
        let counts = counts.filter_map(|(name, value)| Some((name, value.as_u64()?)));
        webex::DirectorySync {
            enabled: self.enable_dir_sync,
            status: status.sync_status.map(|status| tame(&status)),
            last_success: status.last_successful_sync_time,
            counts: counts.take(COUNTS).collect(),
            errors: errors.collect(),
            tracking: status.last_sync_tracking_id,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserAnswer {
    status: Option<String>,
    user_response: Option<UserResponse>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct UserResponse {
    user_id: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    number: Option<String>,
    mobile: Option<String>,
    extension: Option<String>,
}
