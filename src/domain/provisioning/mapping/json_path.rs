//! Paths into a JSON body: `services.service[name='IMP'].active`. Lists on the way are entered, as
//! repeated elements of XML are.

use std::fmt;

use serde_json::Map;
use serde_json::Value;

use crate::domain::provisioning::mapping::source::Found;
use crate::domain::provisioning::mapping::source::STEPS;
use crate::domain::provisioning::mapping::source::is_secret;
use crate::domain::provisioning::mapping::xml_path::pieces;

/// A path from the object of a JSON body. Names are compared without case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonPath {
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    name: String,
    /// Members that an object must have.
    with: Vec<(String, String)>,
}

impl JsonPath {
    /// From its written form.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let written = pieces(text.trim(), '.')?;
        let steps = written.into_iter().map(Step::parse);
        let steps: Vec<Step> = steps.collect::<Result<_, _>>()?;
        if steps.is_empty() {
            return Err("no name behind the colon".to_owned());
        }
        if steps.len() > STEPS {
            return Err(format!("more than {STEPS} steps"));
        }
        let names = steps.iter().flat_map(Step::names);
        match names.into_iter().find(|name| is_secret(name)) {
            Some(name) => Err(format!("{name} holds a secret")),
            None => Ok(Self { steps }),
        }
    }

    /// The one value that it leads to.
    pub(super) fn find(&self, object: &Map<String, Value>) -> Found {
        let mut found = Found::Nothing;
        for value in self.values(object) {
            let next = match value {
                Value::String(text) => Found::of([text.as_str()]),
                Value::Bool(_) | Value::Number(_) => Found::of([value.to_string().as_str()]),
                // A list or an object where a text is meant is nothing that could be taken.
                Value::Array(_) | Value::Object(_) => Found::Ambiguous,
                Value::Null => Found::Nothing,
            };
            found = match (found, next) {
                (Found::Nothing, next) => next,
                (held, Found::Nothing) => held,
                (held, next) if held == next => held,
                (_, _) => Found::Ambiguous,
            };
        }
        found
    }

    /// Whether something other than `null` stands there, be it empty.
    pub(super) fn is_present(&self, object: &Map<String, Value>) -> bool {
        let values = self.values(object);
        values.into_iter().any(|value| !value.is_null())
    }

    /// Whether a value that it leads to is this one; of a list, whether an element is.
    pub(super) fn holds(&self, object: &Map<String, Value>, wanted: &str) -> bool {
        let values = self.values(object).into_iter();
        let mut values = values.flat_map(|value| match value {
            Value::Array(elements) => elements.iter().collect(),
            Value::Bool(_)
            | Value::Null
            | Value::Number(_)
            | Value::Object(_)
            | Value::String(_) => vec![value],
        });
        values.any(|value| is_text(value, wanted))
    }

    /// Every value that the path leads to. The depth of a body is bounded, and each step goes one
    /// deeper.
    fn values<'a>(&self, object: &'a Map<String, Value>) -> Vec<&'a Value> {
        let mut at = vec![object];
        let mut found = Vec::new();
        for (number, step) in self.steps.iter().enumerate() {
            let members = at.iter().flat_map(|object| object.iter());
            let members = members.filter(|(name, _)| name.eq_ignore_ascii_case(&step.name));
            found = members.flat_map(|(_, value)| step.fitting(value)).collect();
            if number + 1 == self.steps.len() {
                break;
            }
            at = found.iter().copied().flat_map(objects).collect();
        }
        found
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps: Vec<String> = self.steps.iter().map(Step::written).collect();
        f.write_str(&steps.join("."))
    }
}

impl Step {
    /// `service[name='IMP'][active='false']`.
    fn parse(text: &str) -> Result<Self, String> {
        let (name, mut rest) = text.split_at(text.find('[').unwrap_or(text.len()));
        let mut with = Vec::new();
        while !rest.is_empty() {
            let malformed = || format!("{rest} is no [name='value']");
            let inner = rest.strip_prefix('[').ok_or_else(malformed)?;
            let (member, inner) = inner.split_once('=').ok_or_else(malformed)?;
            let quote = inner.chars().next().filter(|c| matches!(c, '\'' | '"'));
            let quote = quote.ok_or_else(malformed)?;
            let inner = inner.get(1..).unwrap_or_default();
            let (value, inner) = inner.split_once(quote).ok_or_else(malformed)?;
            rest = inner.strip_prefix(']').ok_or_else(malformed)?;
            with.push((plain(member)?, value.to_owned()));
        }
        Ok(Self {
            name: plain(name)?,
            with,
        })
    }

    fn names(&self) -> Vec<&str> {
        let members = self.with.iter().map(|(name, _)| name.as_str());
        members.chain([self.name.as_str()]).collect()
    }

    /// The value, or the objects of it that have what the step asks for.
    fn fitting<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        if self.with.is_empty() {
            return vec![value];
        }
        let candidates: Vec<&Value> = match value {
            Value::Array(elements) => elements.iter().collect(),
            Value::Bool(_)
            | Value::Null
            | Value::Number(_)
            | Value::Object(_)
            | Value::String(_) => vec![value],
        };
        let fits = |candidate: &&Value| {
            let Value::Object(object) = candidate else {
                return false;
            };
            self.with.iter().all(|(name, wanted)| {
                let mut members = object.iter();
                members
                    .any(|(held, value)| held.eq_ignore_ascii_case(name) && is_text(value, wanted))
            })
        };
        candidates.into_iter().filter(fits).collect()
    }

    fn written(&self) -> String {
        let mut text = self.name.clone();
        for (name, value) in &self.with {
            let quote = if value.contains('\'') { '"' } else { '\'' };
            text.push_str(&format!("[{name}={quote}{value}{quote}]"));
        }
        text
    }
}

/// An object, or those in a list.
fn objects(value: &Value) -> Vec<&Map<String, Value>> {
    match value {
        Value::Array(elements) => elements.iter().filter_map(Value::as_object).collect(),
        Value::Object(object) => vec![object],
        Value::Bool(_) | Value::Null | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

fn is_text(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text.trim().eq_ignore_ascii_case(wanted),
        Value::Bool(_) | Value::Number(_) => value.to_string().eq_ignore_ascii_case(wanted),
        Value::Array(_) | Value::Null | Value::Object(_) => false,
    }
}

fn plain(name: &str) -> Result<String, String> {
    match name.trim() {
        "" => Err("no name behind the colon".to_owned()),
        name => Ok(name.to_owned()),
    }
}
