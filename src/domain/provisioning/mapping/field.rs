//! The values that a rule can fill, and what the OCI schema says of their lengths
//! (OCISchemaDataTypes.xsd: UserId, ServiceProviderId, GroupId, FirstName, LastName, EmailAddress,
//! DN, OutgoingDN, Extension17, Language, TimeZone, IMPUserId).

use serde::Deserialize;
use serde::Serialize;

/// One value of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldName {
    /// Mail address.
    Email,
    /// Extension.
    Extension,
    /// Given name.
    FirstName,
    /// Group.
    Group,
    /// Id for messaging and presence.
    ImpId,
    /// Whether it is a shared device's user.
    IsPlace,
    /// Language.
    Language,
    /// Family name.
    LastName,
    /// Mobile number.
    Mobile,
    /// Primary number.
    Phone,
    /// Service provider or enterprise.
    Sp,
    /// Time zone.
    Timezone,
    /// User.
    UserId,
}

impl FieldName {
    /// All, in the order of their words.
    pub const ALL: [Self; 13] = [
        Self::Email,
        Self::Extension,
        Self::FirstName,
        Self::Group,
        Self::ImpId,
        Self::IsPlace,
        Self::Language,
        Self::LastName,
        Self::Mobile,
        Self::Phone,
        Self::Sp,
        Self::Timezone,
        Self::UserId,
    ];

    /// Those without which nobody can be a subscriber.
    pub const NEEDED: [Self; 4] = [Self::FirstName, Self::LastName, Self::Sp, Self::UserId];

    /// As a mapping writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Extension => "extension",
            Self::FirstName => "first_name",
            Self::Group => "group",
            Self::ImpId => "imp_id",
            Self::IsPlace => "is_place",
            Self::Language => "language",
            Self::LastName => "last_name",
            Self::Mobile => "mobile",
            Self::Phone => "phone",
            Self::Sp => "sp",
            Self::Timezone => "timezone",
            Self::UserId => "user_id",
        }
    }

    /// From a mapping's word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    /// As a BroadWorks administrator calls it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Email => "e-mail address",
            Self::Extension => "extension",
            Self::FirstName => "first name",
            Self::Group => "group",
            Self::ImpId => "IM&P id",
            Self::IsPlace => "place flag",
            Self::Language => "language",
            Self::LastName => "last name",
            Self::Mobile => "mobile number",
            Self::Phone => "phone number",
            Self::Sp => "service provider",
            Self::Timezone => "time zone",
            Self::UserId => "user id",
        }
    }

    /// The schema's limit, in [`FieldName::unit`]s.
    #[must_use]
    pub const fn limit(self) -> usize {
        match self {
            Self::Email => 80,
            Self::Extension => 20,
            Self::FirstName | Self::Group | Self::LastName | Self::Mobile | Self::Sp => 30,
            Self::ImpId => 196,
            Self::IsPlace => 5,
            Self::Language => 40,
            Self::Phone => 23,
            Self::Timezone => 127,
            Self::UserId => 161,
        }
    }

    /// What its length is counted in.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Sp => "bytes",
            Self::Email
            | Self::Extension
            | Self::FirstName
            | Self::Group
            | Self::ImpId
            | Self::IsPlace
            | Self::Language
            | Self::LastName
            | Self::Mobile
            | Self::Phone
            | Self::Timezone
            | Self::UserId => "characters",
        }
    }

    /// How long a value is, in [`FieldName::unit`]s.
    #[must_use]
    pub fn length(self, value: &str) -> usize {
        match self {
            Self::Sp => value.len(),
            Self::Email
            | Self::Extension
            | Self::FirstName
            | Self::Group
            | Self::ImpId
            | Self::IsPlace
            | Self::Language
            | Self::LastName
            | Self::Mobile
            | Self::Phone
            | Self::Timezone
            | Self::UserId => value.chars().count(),
        }
    }
}
