//! What a BroadWorks knows: service providers, groups, users and their data. Plain values, as
//! they stand in the state file.

mod messaging;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::lab::broadworks::DEFAULT_DOMAIN;

pub use messaging::INTEGRATED_IMP;
pub use messaging::Messaging;
pub use messaging::Reseller;

/// Settings of one service by element name.
pub type Settings = BTreeMap<String, Setting>;

/// One setting of a service, shaped like its element.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    /// A text-only element.
    Text(String),
    /// A list: records, or user ids as texts.
    List(Vec<Self>),
    /// An element with elements.
    Record(BTreeMap<String, Self>),
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Directory {
    /// Resellers by id: between the system and its service providers; absent in the files of older
    /// labs.
    #[serde(default)]
    pub resellers: BTreeMap<String, Reseller>,
    /// Service providers and enterprises by id.
    pub providers: BTreeMap<String, ServiceProvider>,
    /// Users by user id in lower case.
    pub users: BTreeMap<String, User>,
    /// The one administrator.
    pub administrator: Administrator,
    /// What only OCI-P shows; absent in the files of older labs.
    #[serde(default)]
    pub provisioning: Provisioning,
}

impl Directory {
    /// A user by user id or alternate id, with or without the default domain, in any case.
    #[must_use]
    pub fn user(&self, id: &str) -> Option<&User> {
        let id = full_id(id);
        self.users.get(&id).or_else(|| {
            self.users.values().find(|user| {
                user.alternate_ids
                    .iter()
                    .any(|alternate| alternate.eq_ignore_ascii_case(&id))
            })
        })
    }

    /// A user by directory number, with or without country code.
    #[must_use]
    pub fn user_by_number(&self, number: &str) -> Option<&User> {
        let wanted = digits(number);
        self.users.values().find(|user| {
            user.number.as_deref().is_some_and(|own| {
                let own = digits(own);
                !wanted.is_empty() && (own == wanted || own.strip_prefix('1') == Some(&wanted))
            })
        })
    }

    /// Whether an id is the administrator's.
    #[must_use]
    pub fn is_administrator(&self, id: &str) -> bool {
        self.administrator.id.eq_ignore_ascii_case(&full_id(id))
    }

    /// Whether the users of this service provider see all of it, not only their group.
    #[must_use]
    pub fn is_enterprise(&self, provider: &str) -> bool {
        self.providers
            .get(provider)
            .is_some_and(|held| held.kind == ProviderKind::Enterprise)
    }

    /// Whom a user finds in the enterprise directory. Below a service provider that is the group
    /// (inferred; the interface specification speaks of enterprises only).
    pub fn colleagues<'a>(&'a self, of: &'a User) -> impl Iterator<Item = &'a User> {
        let enterprise = self.is_enterprise(&of.service_provider);
        self.users.values().filter(move |user| {
            user.service_provider == of.service_provider && (enterprise || user.group == of.group)
        })
    }
}

/// Lower case, with the default domain when there is none.
pub(in crate::lab::broadworks) fn full_id(id: &str) -> String {
    let id = id.to_lowercase();
    if id.contains('@') {
        id
    } else {
        format!("{id}@{DEFAULT_DOMAIN}")
    }
}

/// Only the digits of a number.
#[must_use]
pub fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}

/// A service provider or enterprise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ServiceProvider {
    /// Which of the two.
    pub kind: ProviderKind,
    /// Whose it is, by the id of the reseller.
    #[serde(default)]
    pub reseller: Option<String>,
    /// Common phone list of the enterprise.
    pub phone_list: Vec<PhoneEntry>,
    /// Groups by id.
    pub groups: BTreeMap<String, Group>,
    /// The messaging server of its own, if it has one.
    #[serde(default)]
    pub messaging: Messaging,
    /// Service packs by name, each with its services.
    #[serde(default)]
    pub service_packs: BTreeMap<String, Vec<String>>,
}

/// Kind of a service provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProviderKind {
    /// One customer; its groups are sites.
    Enterprise,
    /// Many customers; its groups are they.
    ServiceProvider,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Group {
    /// Common phone list of the group.
    pub phone_list: Vec<PhoneEntry>,
    /// The messaging server of its own, if it has one.
    #[serde(default)]
    pub messaging: Messaging,
}

/// The administrator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Administrator {
    /// Id with domain.
    pub id: String,
    /// argon2id hash.
    pub password: String,
}

/// What only OCI-P shows and changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Provisioning {
    /// Administrators who may log in, by id in lower case with domain.
    pub administrators: BTreeMap<String, ProvisioningAdministrator>,
    /// Names that clients of the call control interfaces may carry.
    pub client_identities: BTreeSet<String>,
    /// argon2id hash of the SIP password that all seeded users share.
    pub sip_password: Option<String>,
    /// Long-lived tokens issued up to then are revoked, milliseconds since 1970.
    pub token_revocation: Option<i64>,
    /// The same for one user, by user id in lower case.
    pub user_token_revocations: BTreeMap<String, i64>,
    /// The messaging server of the system: `AS_CLI/Interface/Messaging`.
    pub messaging: Messaging,
    /// `enableSynchronization`: whether changes of users go to the messaging server too.
    pub synchronize: bool,
    /// `propagateImpErrorDetails`: whether administrators see what the messaging server said.
    pub propagate_errors: bool,
}

/// An administrator as OCI-P needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProvisioningAdministrator {
    /// SHA-1 of the password in hexadecimal digits, without salt: the digest login is made of
    /// nothing else. Whoever reads it can log in; the lab's passwords are public anyway.
    pub password_sha1: String,
}

/// A name and a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PhoneEntry {
    /// Name.
    pub name: String,
    /// Number.
    pub number: String,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct User {
    /// User id with domain.
    pub id: String,
    /// Other ids that log in.
    pub alternate_ids: Vec<String>,
    /// argon2id hash of the portal password.
    pub password: String,
    /// Whether somebody has changed the seeded password.
    pub password_changed: bool,
    /// argon2id hash of the voice portal passcode.
    pub passcode: String,
    /// Service provider or enterprise.
    pub service_provider: String,
    /// Group.
    pub group: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Directory number, as `+1-2405550101`.
    pub number: Option<String>,
    /// Extension.
    pub extension: Option<String>,
    /// Mobile number.
    pub mobile: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Title.
    pub title: Option<String>,
    /// Location.
    pub location: Option<String>,
    /// Department.
    pub department: Option<String>,
    /// Instant-messaging address.
    pub imp_id: Option<String>,
    /// Names of the assigned services, in the order of the services list.
    pub assigned: Vec<String>,
    /// Settings by service path in lower case; what is absent has its default.
    pub settings: BTreeMap<String, Settings>,
    /// Locations of BroadWorks Anywhere.
    pub anywhere: Vec<Settings>,
    /// Personal phone list.
    pub personal: Vec<PhoneEntry>,
    /// Basic call logs.
    pub call_logs: BTreeMap<LogKind, Vec<CallLogEntry>>,
    /// Enhanced call logs.
    pub enhanced_logs: BTreeMap<LogKind, Vec<EnhancedLogEntry>>,
    /// Voice messages, newest first.
    pub voice_messages: Vec<VoiceMessage>,
    /// Devices.
    pub devices: Vec<Device>,
    /// SIP registrations.
    pub registrations: Vec<Registration>,
    /// Names of the assigned service packs; their services stand in `assigned` too.
    #[serde(default)]
    pub service_packs: Vec<String>,
    /// Language by the Application Server's name of it; `English` when absent.
    #[serde(default)]
    pub language: Option<String>,
    /// Olson name; `America/New_York` when absent.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// Whether the primary endpoint is a trunk.
    #[serde(default)]
    pub on_trunk: bool,
    /// Whether it is a shared device's user.
    #[serde(default)]
    pub is_place: bool,
}

impl User {
    /// Whether a service is assigned, by its name.
    #[must_use]
    pub fn has_service(&self, name: &str) -> bool {
        self.assigned.iter().any(|held| held == name)
    }

    /// First and last name.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
    }
}

/// Which list of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogKind {
    /// Calls made.
    Placed,
    /// Calls answered.
    Received,
    /// Calls not answered.
    Missed,
}

/// An entry of the basic call logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CallLogEntry {
    /// Id within the list.
    pub id: String,
    /// The other side's number.
    pub number: String,
    /// The other side's name.
    pub name: String,
    /// When, as xs:dateTime.
    pub time: String,
}

/// An entry of the enhanced call logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EnhancedLogEntry {
    /// Id within the list.
    pub id: String,
    /// Start of the call, milliseconds since 1970.
    pub start: i64,
    /// Elements in the order of the schema.
    pub fields: Vec<(String, String)>,
}

/// A voice message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct VoiceMessage {
    /// Last part of its URI.
    pub id: String,
    /// Length in milliseconds.
    pub duration: u64,
    /// Caller's name.
    pub name: String,
    /// Caller's user id.
    pub user_id: Option<String>,
    /// Caller's address, as `tel:0102`.
    pub address: String,
    /// Whether it was listened to.
    pub read: bool,
    /// When, milliseconds since 1970.
    pub time: i64,
    /// Base64 of a WAV file.
    pub content: String,
}

/// A device of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Device {
    /// Name.
    pub name: String,
    /// Type.
    pub device_type: String,
    /// Line and port.
    pub line_port: String,
    /// URL of the device type on the device management server.
    pub url: String,
    /// Version that the device told.
    pub version: Option<String>,
    /// Kind of endpoint.
    pub endpoint: String,
}

/// A SIP registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Registration {
    /// Kind of endpoint.
    pub endpoint: String,
    /// Contact.
    pub uri: String,
    /// End, as XSPs print it.
    pub expiration: String,
    /// Line and port.
    pub line_port: String,
    /// What the device calls itself.
    pub user_agent: String,
}
