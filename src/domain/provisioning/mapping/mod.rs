//! From a request of the Application Server to what it wants, by rules that are data.
//!
//! The body that an AS sends to its messaging server is not published, and it may differ between
//! releases. So nothing of it stands in code: a mapping (format [`FORMAT`]) has rules, the first
//! that fits wins, and each says what the request means and where the values are. [`Trace`] tells
//! how every rule saw a request, which is how an operator writes the rules of his own AS.

mod apply;
mod condition;
mod country;
mod field;
mod json_path;
mod problem;
mod profile;
mod read;
pub mod source;
mod template;
mod trace;
mod transform;
mod xml_path;

use std::collections::BTreeMap;
use std::sync::Arc;

use regex::Regex;
use serde::Deserialize;
use serde::Serialize;

use crate::domain::provisioning::document::BodyLimits;
use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::mapping::condition::Condition;
use crate::domain::provisioning::mapping::source::Source;
use crate::domain::provisioning::mapping::transform::Transform;
use crate::domain::provisioning::profile::Profile;
use crate::domain::provisioning::refusal::Refusal;

pub use field::FieldName;
pub use json_path::JsonPath;
pub use problem::Problem;
pub use profile::Values;
pub use profile::is_email;
pub use template::EarlyValidation;
pub use template::TemplateField;
pub use template::TemplateValues;
pub use trace::FieldTrace;
pub use trace::RuleTrace;
pub use trace::Trace;
pub use trace::Tried;
pub use trace::Verdict;
pub use xml_path::XmlPath;

/// The one format of mappings, and the version that a capture carries.
pub const FORMAT: &str = "bwa-adapter/1";

/// The rules of templates that name no file of their own.
pub const BUILT_IN: &str = include_str!("built-in.toml");

/// Proven rules.
#[derive(Debug, Clone)]
pub struct Mapping {
    limits: BodyLimits,
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    name: String,
    when: When,
    op: Op,
    fields: Vec<Field>,
}

/// All that is named must be so.
#[derive(Debug, Clone, Default)]
struct When {
    methods: Vec<String>,
    roots: Vec<String>,
    present: Vec<Condition>,
    absent: Vec<Condition>,
    /// At least one of these; empty asks for nothing.
    any: Vec<Condition>,
    path: Option<Regex>,
}

#[derive(Debug, Clone)]
struct Field {
    name: FieldName,
    from: Vec<Source>,
    transforms: Vec<Transform>,
    required: bool,
    /// In characters, of the service provider in bytes; never above the schema's limit.
    max: usize,
}

type Table = Arc<BTreeMap<String, String>>;

/// What a rule says that a request means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Nothing that is known: it is kept and refused.
    CaptureAndRefuse,
    /// Nothing that concerns Webex: it is answered as done.
    Ignore,
    /// Something for Cisco's bridge alone.
    RelayOrRefuse,
    /// A user is to be no subscriber.
    Remove,
    /// A user is to be a subscriber and look like this.
    Upsert,
}

impl Op {
    /// All, in the order of their words.
    pub const ALL: [Self; 5] = [
        Self::CaptureAndRefuse,
        Self::Ignore,
        Self::RelayOrRefuse,
        Self::Remove,
        Self::Upsert,
    ];

    /// As a mapping writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CaptureAndRefuse => "capture_and_refuse",
            Self::Ignore => "ignore",
            Self::RelayOrRefuse => "relay_or_refuse",
            Self::Remove => "remove",
            Self::Upsert => "upsert",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

/// What a request wants, after the mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// No rule fits it, or one says so: keep a capture, answer the refusal.
    CaptureAndRefuse(Refusal),
    /// Answer that it is done; nothing changes.
    Ignore,
    /// A rule fits, but what it needs is missing or wrong: answer the refusal.
    Refuse(Refusal),
    /// Relay it when there is a bridge, else refuse it with
    /// [`RefusalReason::NoBridge`](crate::domain::provisioning::refusal::RefusalReason::NoBridge).
    RelayOrRefuse,
    /// This user is to be no subscriber.
    Remove(BwUserId),
    /// This user is to be a subscriber.
    Upsert(Box<Wish>),
}

impl Outcome {
    /// What the request was taken for, in a word.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::CaptureAndRefuse(refusal) | Self::Refuse(refusal) => refusal.reason.as_str(),
            Self::Ignore => "ignore",
            Self::RelayOrRefuse => "relay",
            Self::Remove(_) => "remove",
            Self::Upsert(_) => "upsert",
        }
    }
}

/// A user to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Its data.
    pub profile: Profile,
    /// Its id for messaging and presence, which Webex ignores.
    pub imp_id: Option<String>,
}

impl Mapping {
    /// Reads a mapping.
    ///
    /// # Errors
    /// Every problem of it.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        read::read(text)
    }

    /// The rules of [`BUILT_IN`].
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test reads the same text")]
    pub fn built_in() -> Self {
        Self::parse(BUILT_IN).expect("the built-in mapping is sound")
    }

    /// The names of its rules, in order.
    pub fn rules(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.name.as_str())
    }
}

#[cfg(test)]
mod tests;
