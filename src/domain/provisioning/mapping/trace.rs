//! How the rules of a mapping saw one request: what an operator reads when he writes rules.

use serde::Deserialize;
use serde::Serialize;

use crate::domain::provisioning::mapping::FieldName;
use crate::domain::provisioning::mapping::Op;
use crate::domain::provisioning::redact::shape_of;

/// Most characters of a value that a trace repeats.
const VALUE: usize = 200;

/// How a request was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Trace {
    /// What the body is: `empty`, `json`, `other`, `unreadable` or `xml`.
    pub body: String,
    /// Why the body is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Every rule, in order.
    pub rules: Vec<RuleTrace>,
    /// The fields of the rule that fits.
    pub fields: Vec<FieldTrace>,
    /// What was left out of the profile, and why.
    pub remarks: Vec<String>,
}

/// How one rule saw the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RuleTrace {
    /// Its name.
    pub rule: String,
    /// What it would mean.
    pub op: Op,
    /// Whether it fits.
    pub verdict: Verdict,
}

/// Whether a rule fits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The body that it asks for cannot be read; no later rule is asked.
    BodyUnreadable,
    /// It fits; no later rule is asked.
    Fits,
    /// It does not, because of this.
    Not(String),
    /// A rule before it fits.
    NotAsked,
}

/// How one field got its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FieldTrace {
    /// The field.
    pub field: FieldName,
    /// The sources that were tried.
    pub from: Vec<Tried>,
    /// The value after each step.
    pub steps: Vec<StepTrace>,
    /// The value in the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Why it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// One source, and what it gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tried {
    /// The source as written.
    pub source: String,
    /// Its value; nothing when it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gave: Option<String>,
}

/// One step, and what it made of the value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StepTrace {
    /// The transform as written.
    pub transform: String,
    /// The value behind it; nothing when it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl Trace {
    /// The rule that fits.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        let mut rules = self.rules.iter();
        let found = rules.find(|rule| rule.verdict == Verdict::Fits);
        found.map(|rule| rule.rule.as_str())
    }

    /// The same with the shapes of values in their place.
    #[must_use]
    pub fn without_values(mut self) -> Self {
        let hide = |value: &mut Option<String>| {
            if let Some(text) = value {
                *text = shape_of(text);
            }
        };
        for field in &mut self.fields {
            field
                .from
                .iter_mut()
                .for_each(|tried| hide(&mut tried.gave));
            field
                .steps
                .iter_mut()
                .for_each(|step| hide(&mut step.value));
            hide(&mut field.value);
        }
        self
    }
}

/// A value as a trace repeats it.
pub(super) fn shown(value: &str) -> String {
    match value.char_indices().nth(VALUE) {
        Some((end, _)) => format!("{}…", value.get(..end).unwrap_or_default()),
        None => value.to_owned(),
    }
}
