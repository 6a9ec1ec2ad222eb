//! What is kept of certificates besides the files themselves, as JSON.

use serde::Deserialize;
use serde::Serialize;
use zeroize::Zeroizing;

/// What is remembered of a pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct About {
    /// The place.
    pub place: String,
    /// SHA-256 of the leaf.
    pub fingerprint: String,
    /// Its subject.
    pub subject: String,
    /// Its last second, since 1970.
    pub not_after: i64,
    /// When it was put here, in seconds since 1970.
    pub at: i64,
    /// Who did it.
    pub by: String,
    /// What is being done with it.
    #[serde(default)]
    pub act: Act,
    /// Of one that is being written: what the configured files held when that was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Before>,
}

/// What is done with a pair that is being written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Nothing: it waits, or is kept.
    #[default]
    #[serde(rename = "")]
    Nothing,
    /// What was staged is put into use.
    Activated,
    /// What was there before is.
    RolledBack,
}

impl Act {
    /// The word of the journal.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Activated => "activated",
            Self::RolledBack => "rolled-back",
        }
    }
}

/// What configured files hold; empty where nothing can be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Before {
    /// SHA-256 of the leaf.
    pub leaf: String,
    /// SHA-256 of the key's public half.
    pub key: String,
}

/// A pair of texts.
pub struct Pair {
    /// PEM, leaf first.
    pub chain: String,
    /// PEM.
    pub key: Zeroizing<String>,
    /// What is remembered of it.
    pub about: About,
}

/// When something is to be activated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Schedule {
    /// Seconds since 1970.
    pub at: i64,
    /// Who asked for it.
    pub by: String,
    /// SHA-256 of the leaf that is meant; another one that was staged since is not activated.
    pub fingerprint: String,
}

/// A try to activate what was put off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tried {
    /// What was meant.
    pub schedule: Schedule,
    /// When, in seconds since 1970.
    pub at: i64,
    /// Why it failed; empty while it is under way.
    pub problem: String,
}

/// Why something was not activated at its time, for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Missed {
    /// What was meant.
    pub schedule: Schedule,
    /// SHA-256 of the leaf that was in the files then; another one is the end of it.
    pub leaf: String,
    /// Why.
    pub problem: String,
}

/// Until when a certificate that was gone back to is not renewed by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Hold {
    /// Seconds since 1970.
    pub until: i64,
    /// Who went back.
    pub by: String,
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Line {
    /// Seconds since 1970.
    pub at: i64,
    /// The place.
    pub place: String,
    /// The word of an [`Act`], or `staged`, `scheduled`, `cancelled`, `refused`.
    pub event: String,
    /// Who.
    pub by: String,
    /// SHA-256 of the leaf.
    pub fingerprint: String,
    /// More, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}
