//! What BroadWorks wants against what Webex holds: every difference as a row, and the wish that
//! would end it as data. Nothing is done here, and nothing unsafe is ever proposed as safe.

mod compare;

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::SubscriberId;
use crate::domain::provisioning::profile::Package;

pub use compare::reconcile;

/// A user who is to be a subscriber: as BroadWorks says, or as we hold it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// The user id.
    pub user: String,
    /// The enterprise, as it is sent to Webex; empty where it is not known.
    pub enterprise: String,
    /// The package it is to have, if anybody knows.
    pub package: Option<Package>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Mail address, where BroadWorks' are trusted.
    pub email: Option<String>,
    /// The numbers, if anybody told them.
    pub numbers: Option<Numbers>,
}

/// Numbers of a user; `None` is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Primary number.
    pub phone: Option<String>,
    /// Mobile number.
    pub mobile: Option<String>,
    /// Extension.
    pub extension: Option<String>,
}

/// By what it is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReconcilePolicy {
    /// The time of the comparison.
    pub now: Moment,
    /// How long a subscriber may be pending or worked on before it counts as stuck.
    pub stuck_after: Duration,
    /// Whether the list of expected users is whole. When it is not, nobody is called orphaned of
    /// whom there is no record.
    pub expected_is_whole: bool,
}

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Difference {
    /// Several subscribers have one mail address.
    DuplicateEmail,
    /// One user has several subscribers.
    DuplicateSubscriber,
    /// The mail address differs.
    EmailDiffers,
    /// The subscriber belongs to another enterprise.
    EnterpriseDiffers,
    /// No subscriber for a user who is to be one.
    Missing,
    /// First or last name differs.
    NameDiffers,
    /// A number or the extension differs.
    NumberDiffers,
    /// A subscriber whom BroadWorks does not know, or who is to be none.
    Orphaned,
    /// The package differs.
    PackageDiffers,
    /// Webex says that it failed.
    StatusError,
    /// It has been pending or worked on for too long.
    Stuck,
}

impl Difference {
    /// All, in the order of their words.
    pub const ALL: [Self; 11] = [
        Self::DuplicateEmail,
        Self::DuplicateSubscriber,
        Self::EmailDiffers,
        Self::EnterpriseDiffers,
        Self::Missing,
        Self::NameDiffers,
        Self::NumberDiffers,
        Self::Orphaned,
        Self::PackageDiffers,
        Self::StatusError,
        Self::Stuck,
    ];

    /// As tables write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DuplicateEmail => "duplicate-email",
            Self::DuplicateSubscriber => "duplicate-subscriber",
            Self::EmailDiffers => "email-differs",
            Self::EnterpriseDiffers => "enterprise-differs",
            Self::Missing => "missing",
            Self::NameDiffers => "name-differs",
            Self::NumberDiffers => "number-differs",
            Self::Orphaned => "orphaned",
            Self::PackageDiffers => "package-differs",
            Self::StatusError => "status-error",
            Self::Stuck => "stuck",
        }
    }

    /// From its word.
    ///
    /// # Errors
    /// All the words there are.
    pub fn parse(word: &str) -> Result<Self, String> {
        let mut all = Self::ALL.into_iter();
        all.find(|one| one.as_str() == word).ok_or_else(|| {
            let all = Self::ALL.map(Self::as_str).join(", ");
            format!("{word:?} is no class; there is: {all}")
        })
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The wish that would end a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "wish", rename_all = "kebab-case")]
pub enum Repair {
    /// A person has to do something that no wish can.
    ByHand {
        /// What.
        what: String,
    },
    /// The package becomes this one.
    MovePackage {
        /// The package.
        to: Package,
    },
    /// The user becomes a subscriber.
    Provision,
    /// The subscriber goes; the person stays.
    Remove,
    /// The user's job begins again, from the look-up on.
    Retry,
    /// The subscriber gets BroadWorks' names and numbers.
    Update,
}

impl Repair {
    /// In a word.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::ByHand { .. } => "by-hand",
            Self::MovePackage { .. } => "move-package",
            Self::Provision => "provision",
            Self::Remove => "remove",
            Self::Retry => "retry",
            Self::Update => "update",
        }
    }

    /// Whether nobody can lose a service or data by it.
    #[must_use]
    pub const fn is_safe(&self) -> bool {
        match self {
            Self::Provision | Self::Retry | Self::Update => true,
            Self::ByHand { .. } | Self::MovePackage { .. } | Self::Remove => false,
        }
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Row {
    /// The enterprise; BroadWorks' word where Webex has none.
    pub enterprise: String,
    /// The user; Webex's word where BroadWorks has none.
    pub user: String,
    /// What differs.
    pub difference: Difference,
    /// The subscriber.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscriber: Option<SubscriberId>,
    /// What BroadWorks says.
    pub broadworks: String,
    /// What Webex says.
    pub webex: String,
    /// What would end it.
    pub repair: Repair,
    /// Whether nobody can lose a service or data by that.
    pub safe: bool,
}

#[cfg(test)]
mod tests;
