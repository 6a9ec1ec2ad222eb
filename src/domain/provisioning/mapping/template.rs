//! What a mapping has to know of the template that a request came to.

use serde::Deserialize;
use serde::Serialize;

use crate::domain::provisioning::ids::ClusterName;
use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::profile::Package;

/// Values and policy of one template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateValues {
    /// Its key.
    pub key: TemplateKey,
    /// Its cluster.
    pub cluster: ClusterName,
    /// Its package.
    pub package: Package,
    /// The language of users that have none.
    pub language: Option<String>,
    /// The time zone of users that have none.
    pub timezone: Option<String>,
    /// Whether mail addresses of BroadWorks are trusted, so that each user must have one.
    pub trusted_email: bool,
    /// Whether the service provider is the enterprise, so that no group is needed.
    pub enterprise_mode: bool,
    /// How much is judged before the AS is told that it started.
    pub early_validation: EarlyValidation,
}

/// How much of a profile is judged before the answer. Limits of the OCI schema hold always.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EarlyValidation {
    /// Besides: what can never succeed, such as a user without number and extension.
    #[default]
    Business,
    /// Limits only.
    Off,
    /// Besides: the form of mail addresses.
    Syntax,
}

impl EarlyValidation {
    /// All, in the order of their words.
    pub const ALL: [Self; 3] = [Self::Business, Self::Off, Self::Syntax];

    /// As the configuration writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Business => "business",
            Self::Off => "off",
            Self::Syntax => "syntax",
        }
    }

    /// From the configuration's word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

/// A value that a rule may take from the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TemplateField {
    /// The cluster's name.
    Cluster,
    /// The template's key.
    Key,
    /// The default language.
    Language,
    /// The package's word.
    Package,
    /// The default time zone.
    Timezone,
}

impl TemplateField {
    /// All, in the order of their words.
    pub const ALL: [Self; 5] = [
        Self::Cluster,
        Self::Key,
        Self::Language,
        Self::Package,
        Self::Timezone,
    ];

    /// As a mapping writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Key => "key",
            Self::Language => "language",
            Self::Package => "package",
            Self::Timezone => "timezone",
        }
    }

    /// From the mapping's word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

impl TemplateValues {
    /// The value, if the template has it.
    #[must_use]
    pub fn value(&self, field: TemplateField) -> Option<&str> {
        match field {
            TemplateField::Cluster => Some(self.cluster.as_str()),
            TemplateField::Key => Some(self.key.as_str()),
            TemplateField::Language => self.language.as_deref(),
            TemplateField::Package => Some(self.package.as_str()),
            TemplateField::Timezone => self.timezone.as_deref(),
        }
    }
}
