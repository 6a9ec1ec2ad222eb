//! What the model holds, as the published schemas have it.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use uuid::Uuid;

use crate::lab::webex::api::ids::Kind;
use crate::lab::webex::api::world::Enterprise;
use crate::lab::webex::api::world::Failure;
use crate::lab::webex::api::world::Organization;
use crate::lab::webex::api::world::Person;
use crate::lab::webex::api::world::State;
use crate::lab::webex::api::world::Subscriber;
use crate::lab::webex::api::world::Sync;
use crate::lab::webex::api::world::SyncState;
use crate::lab::webex::api::world::Workspace;

/// Where the published examples break their own schema, which of them to follow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Shape {
    /// The schema.
    #[default]
    Schema,
    /// The examples: truth values as text, lists where the schema has one object.
    Examples,
}

impl Shape {
    pub(super) const ALL: [Self; 2] = [Self::Schema, Self::Examples];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Examples => "examples",
        }
    }
}

/// How subscribers are shown.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Look<'a> {
    pub(super) shape: Shape,
    /// A status in the place of the true one.
    pub(super) word: Option<&'a str>,
}

impl Look<'_> {
    /// A subscriber.
    pub(super) fn subscriber(self, subscriber: &Subscriber) -> Value {
        let of = &subscriber.of;
        let mut document = Map::new();
        let mut put = |name: &str, value: Value| {
            document.insert(name.to_owned(), value);
        };
        put("id", json!(Kind::Subscriber.name(subscriber.id)));
        if let State::Provisioned { person } = subscriber.state {
            put("personId", json!(Kind::People.name(person)));
        }
        put("userId", json!(of.user));
        put("spEnterpriseId", json!(of.enterprise));
        put("firstName", json!(of.first_name));
        put("lastName", json!(of.last_name));
        for (name, value) in [
            ("email", &of.email),
            ("primaryPhoneNumber", &of.phone),
            ("mobilePhoneNumber", &of.mobile),
            ("extension", &of.extension),
        ] {
            if let Some(value) = value {
                put(name, json!(value));
            }
        }
        put("package", json!(of.package.as_str()));
        let status = subscriber.state.status().as_str();
        put("status", json!(self.word.unwrap_or(status)));
        if let State::Failed(failures) = &subscriber.state {
            put("errors", failures.iter().map(failure).collect());
        }
        put("created", json!(subscriber.created.iso()));
        put("lastStatusChange", json!(subscriber.changed.iso()));
        put("provisioningId", json!(of.provisioning_id));
        let own = subscriber.self_activated;
        put(
            "selfActivated",
            match self.shape {
                Shape::Schema => json!(own),
                Shape::Examples => json!(own.to_string()),
            },
        );
        Value::Object(document)
    }

    /// A precheck that passed.
    pub(super) fn prechecked(self) -> Value {
        let text = "Provisioning preCheck validation successful.";
        let info = match self.shape {
            Shape::Schema => json!({ "infoCode": 100, "description": text }),
            Shape::Examples => json!([{ "infoCode": 100, "description": text }]),
        };
        json!({ "message": "success", "info": info })
    }
}

fn failure(failure: &Failure) -> Value {
    json!({ "errorCode": failure.code, "description": failure.text })
}

/// An enterprise with its organization.
pub(super) fn enterprise(enterprise: &Enterprise, organization: Uuid) -> Value {
    json!({
        "id": Kind::Enterprise.name(enterprise.id),
        "orgId": Kind::Organization.name(organization),
        "provisioningId": enterprise.provisioning_id,
        "spEnterpriseId": enterprise.name,
        "broadworksDirectorySync": sync(&enterprise.sync),
    })
}

/// How a directory sync stands, in a word.
pub(super) fn sync_word(sync: &Sync) -> Value {
    json!({
        "enableDirSync": sync.enabled,
        "directorySyncStatus": { "syncStatus": sync.state.as_str() },
    })
}

/// How a directory sync stands.
pub(super) fn sync(sync: &Sync) -> Value {
    let mut status = Map::new();
    let mut put = |name: &str, value: Value| {
        status.insert(name.to_owned(), value);
    };
    put("syncStatus", json!(sync.state.as_str()));
    for (name, date) in [
        ("lastSyncStartTime", sync.started),
        ("lastSyncEndTime", sync.ended),
        ("lastSuccessfulSyncTime", sync.succeeded),
    ] {
        if let Some(date) = date {
            put(name, json!(date.iso()));
        }
    }
    if let Some(tracking) = &sync.tracking {
        put("lastSyncTrackingId", json!(tracking));
        put("usersAdded", json!(sync.added));
        put("usersUpdated", json!(sync.updated));
        put("usersDeleted", json!(sync.deleted));
        put("machinesAdded", json!(0));
        put("machinesUpdated", json!(0));
        put("machinesDeleted", json!(0));
        put("totalExternalUsersInCI", json!(sync.total()));
        put("totalExternalMachinesInCI", json!(0));
    }
    if let SyncState::Failed(why) = &sync.state {
        put("errors", json!([failure(why)]));
    }
    json!({ "enableDirSync": sync.enabled, "directorySyncStatus": status })
}

/// A workspace.
pub(super) fn workspace(id: Uuid, workspace: &Workspace) -> Value {
    let of = &workspace.of;
    let mut document = json!({
        "id": Kind::Place.name(id),
        "provisioningId": of.provisioning_id,
        "userId": of.user,
        "spEnterpriseId": of.enterprise,
        "displayName": of.display_name,
        "created": workspace.created.iso(),
    });
    for (name, value) in [
        ("primaryPhoneNumber", &of.phone),
        ("extension", &of.extension),
    ] {
        if let (Some(value), Some(document)) = (value, document.as_object_mut()) {
            document.insert(name.to_owned(), json!(value));
        }
    }
    document
}

/// The role of who administers an organization, as the roles API has it.
const FULL_ADMINISTRATOR: &str = "Y2lzY29zcGFyazovL3VzL1JPTEUvaWRfZnVsbF9hZG1pbg";

/// A person.
pub(super) fn person(id: Uuid, person: &Person) -> Value {
    let roles: &[&str] = if person.administrator {
        &[FULL_ADMINISTRATOR]
    } else {
        &[]
    };
    json!({
        "id": Kind::People.name(id),
        "emails": [person.email],
        "displayName": format!("{} {}", person.first_name, person.last_name),
        "firstName": person.first_name,
        "lastName": person.last_name,
        "orgId": person.organization.map(|id| Kind::Organization.name(id)),
        "roles": roles,
        "invitePending": false,
        "loginEnabled": true,
        "created": person.created.iso(),
        "type": "person",
    })
}

/// An organization.
pub(super) fn organization(id: Uuid, organization: &Organization) -> Value {
    json!({
        "id": Kind::Organization.name(id),
        "displayName": organization.name,
        "created": organization.created.iso(),
    })
}
