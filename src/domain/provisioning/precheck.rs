//! What BroadWorks says of a user before anybody is provisioned: who can be a subscriber, and what
//! will trouble one. The rules are those of Cisco's solution guide and known issues.

mod rules;

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

pub use rules::may_be_subscriber;
pub use rules::precheck;

/// A user as OCI-P tells it. `None`: nobody asked, or the Application Server did not tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserFacts {
    /// The user id.
    pub user: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Mail address.
    pub email: Option<String>,
    /// Other ids that sign in as this user.
    pub alternate_ids: Option<Vec<String>>,
    /// Primary number.
    pub phone: Option<String>,
    /// Extension.
    pub extension: Option<String>,
    /// Service packs that are assigned.
    pub service_packs: Option<Vec<String>>,
    /// Services that are assigned, those of packs included.
    pub services: Option<Vec<String>>,
    /// Whether Integrated IM&P is switched on for the user.
    pub imp_active: Option<bool>,
    /// What kind of trunk user it is; of no trunk, [`Trunk::No`].
    pub trunk: Option<Trunk>,
    /// Whether the user has a Route List.
    pub route_list: Option<bool>,
    /// Whether the user has a Direct Route.
    pub direct_route: Option<bool>,
    /// Whether it is a shared device's user.
    pub is_place: bool,
    /// Whether it is an administrator's account.
    pub administrator: Option<bool>,
}

/// How a user hangs on a trunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trunk {
    /// Not at all.
    No,
    /// Its primary endpoint is the trunk's, and there is a shared call appearance besides.
    WithSharedCallAppearance,
    /// Its endpoint is the trunk's alone.
    Only,
}

/// What the template asks of its users.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PrecheckPolicy {
    /// Whether BroadWorks' mail addresses are trusted, so that each user must have one.
    pub trusted_email: bool,
    /// One of these packs must be assigned; nothing: any will do.
    pub service_packs: Vec<String>,
    /// Whether Integrated IM&P must be assigned already; whoever looks before assigning it does
    /// without.
    pub assigned: bool,
}

/// One thing that a precheck found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Finding {
    /// What it is.
    pub what: Check,
    /// How bad it is.
    pub severity: Severity,
    /// In words: what is so, and why that matters.
    pub text: String,
    /// What to do.
    pub remedy: String,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The user cannot be a subscriber.
    Refused,
    /// The user can be one, and something will not work.
    Warning,
    /// It was not told, so that it was not checked.
    Unchecked,
    /// Nothing is wrong; it is only still to be done.
    Note,
}

impl Severity {
    /// As tables write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Warning => "warning",
            Self::Unchecked => "unchecked",
            Self::Note => "note",
        }
    }
}

/// What a precheck looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// It is no administrator's account.
    Administrator,
    /// An alternate id is the mail address.
    AlternateId,
    /// No Direct Route.
    DirectRoute,
    /// The mail address.
    Email,
    /// No `+` in the mail address.
    EmailPlus,
    /// No other user has the mail address.
    EmailUnique,
    /// Integrated IM&P is switched on.
    ImpActive,
    /// First and last name are within limits.
    Names,
    /// A number or an extension.
    Number,
    /// No Route List.
    RouteList,
    /// A service pack.
    ServicePack,
    /// Trunk users have the Authentication service.
    TrunkAuthentication,
    /// Trunk users have a shared call appearance.
    TrunkSharedCallAppearance,
}

impl Check {
    /// All, in the order of their words.
    pub const ALL: [Self; 13] = [
        Self::Administrator,
        Self::AlternateId,
        Self::DirectRoute,
        Self::Email,
        Self::EmailPlus,
        Self::EmailUnique,
        Self::ImpActive,
        Self::Names,
        Self::Number,
        Self::RouteList,
        Self::ServicePack,
        Self::TrunkAuthentication,
        Self::TrunkSharedCallAppearance,
    ];

    /// As tables write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::AlternateId => "alternate-id",
            Self::DirectRoute => "direct-route",
            Self::Email => "email",
            Self::EmailPlus => "email-plus",
            Self::EmailUnique => "email-unique",
            Self::ImpActive => "imp-active",
            Self::Names => "names",
            Self::Number => "number",
            Self::RouteList => "route-list",
            Self::ServicePack => "service-pack",
            Self::TrunkAuthentication => "trunk-authentication",
            Self::TrunkSharedCallAppearance => "trunk-shared-call-appearance",
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests;
