//! The shape that the raw types give to a configuration, taken from their JSON Schema: used to
//! report every unknown key and every wrong type at once, with its place.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::Value as Json;

use crate::config::path::join;
use crate::config::problem::Problem;
use crate::config::raw::Raw;
use crate::config::tree::Node;
use crate::config::tree::Value;
use crate::config::tree::element_labels;

/// What may stand at a place.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    List(Box<Self>),
    Scalar(Scalar),
    Table(BTreeMap<String, Self>),
}

/// A single value.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Scalar {
    pub(super) kinds: Vec<Kind>,
    /// The only texts allowed; empty: any.
    words: Vec<String>,
    /// What to tell instead of the kinds.
    expected: Option<String>,
    secret: bool,
}

/// Type of a single value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Boolean,
    Float,
    Integer,
    Text,
}

/// The JSON Schema of the configuration file.
#[must_use]
pub fn schema() -> Json {
    let settings = SchemaSettings::draft2020_12().with(|s| s.inline_subschemas = true);
    let mut schema = settings
        .into_generator()
        .into_root_schema_for::<Raw>()
        .to_value();
    without_null(&mut schema);
    schema
}

/// The shape of the whole file.
pub(super) fn root() -> &'static Shape {
    static ROOT: LazyLock<Shape> = LazyLock::new(|| Shape::of(&schema()));
    &ROOT
}

/// Removes what does not belong from the tree and says why, so that the rest can be checked too.
pub(super) fn prune(node: &mut Node, shape: &Shape) -> Vec<Problem> {
    let mut problems = Vec::new();
    let _fits = fits(node, shape, "", &mut problems);
    problems
}

impl Shape {
    fn of(schema: &Json) -> Self {
        if let Some(properties) = schema.get("properties").and_then(Json::as_object) {
            let keys = properties.iter().map(|(key, s)| (key.clone(), Self::of(s)));
            return Self::Table(keys.collect());
        }
        if let Some(items) = schema.get("items") {
            return Self::List(Box::new(Self::of(items)));
        }
        let text = |key| schema.get(key).and_then(Json::as_str).map(str::to_owned);
        Self::Scalar(Scalar {
            kinds: kinds(schema),
            words: words(schema),
            expected: text("x-expected"),
            secret: schema.get("x-secret") == Some(&Json::Bool(true)),
        })
    }

    /// The keys of a table, as a list for people.
    pub(super) fn keys(&self) -> String {
        match self {
            Self::Table(keys) => keys
                .keys()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(", "),
            Self::List(element) => element.keys(),
            Self::Scalar(_) => String::new(),
        }
    }

    /// What to write here.
    pub(super) fn expected(&self, path: &str) -> String {
        match self {
            Self::List(element) => match **element {
                Self::Table(_) => format!("a list of tables, written `[[{}]]`", header(path)),
                Self::List(_) | Self::Scalar(_) => {
                    format!(
                        "a list in brackets, each element {}",
                        element.expected(path)
                    )
                }
            },
            Self::Scalar(scalar) => scalar.expected(),
            Self::Table(_) => format!("a table with the keys {}", self.keys()),
        }
    }
}

impl Scalar {
    fn expected(&self) -> String {
        if let Some(expected) = &self.expected {
            return expected.clone();
        }
        if !self.words.is_empty() {
            let words: Vec<_> = self.words.iter().map(|w| format!("{w:?}")).collect();
            return format!("one of {}", words.join(", "));
        }
        let kinds: Vec<_> = self.kinds.iter().map(|kind| kind.name()).collect();
        kinds.join(" or ")
    }

    fn takes(&self, value: &Value) -> Option<Misfit> {
        let has = |kind| self.kinds.contains(&kind);
        let fits = match value {
            Value::Array(_) | Value::Datetime(_) | Value::Table(_) => false,
            Value::Boolean(_) => has(Kind::Boolean),
            Value::Float(_) => has(Kind::Float),
            Value::Integer(_) => has(Kind::Integer) || has(Kind::Float),
            Value::String(_) => has(Kind::Text),
        };
        let listed = match value {
            Value::String(text) => self.words.is_empty() || self.words.contains(text),
            Value::Array(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Float(_)
            | Value::Integer(_)
            | Value::Table(_) => true,
        };
        match (fits, listed) {
            (false, _) => Some(Misfit::Type),
            (true, false) => Some(Misfit::Word),
            (true, true) => None,
        }
    }
}

enum Misfit {
    Type,
    Word,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Boolean => "true or false",
            Self::Float => "a number",
            Self::Integer => "an integer",
            Self::Text => "a text in quotes",
        }
    }
}

/// Whether the node may stay.
fn fits(node: &mut Node, shape: &Shape, path: &str, problems: &mut Vec<Problem>) -> bool {
    let place = node.place.clone();
    let wrong = |problem: Problem| match place {
        Some(place) => problem.at(place),
        None => problem,
    };
    match (&mut node.value, shape) {
        (Value::Table(entries), Shape::Table(keys)) => {
            entries.retain(|key, node| {
                let path = join(path, key);
                match keys.get(key) {
                    Some(shape) => fits(node, shape, &path, problems),
                    None => {
                        problems.push(unknown(node, &path, shape));
                        false
                    }
                }
            });
            true
        }
        (Value::Array(elements), Shape::List(shape)) => {
            let mut labels = element_labels(elements).into_iter();
            elements.retain_mut(|node| {
                let label = labels.next().unwrap_or_default();
                fits(node, shape, &format!("{path}{label}"), problems)
            });
            true
        }
        (value, Shape::Scalar(scalar)) => match scalar.takes(value) {
            None => true,
            Some(misfit) => {
                let what = match misfit {
                    Misfit::Type => format!("wrong type, {}", value.type_name()),
                    Misfit::Word => "not a word known here".to_owned(),
                };
                let mut problem = Problem::new(path, what).expected(scalar.expected());
                if let Some(written) = value.written() {
                    problem = problem.value(if scalar.secret {
                        "…".to_owned()
                    } else {
                        written
                    });
                }
                problems.push(wrong(problem));
                false
            }
        },
        (value, Shape::List(_) | Shape::Table(_)) => {
            let what = format!("wrong type, {}", value.type_name());
            problems.push(wrong(
                Problem::new(path, what).expected(shape.expected(path)),
            ));
            false
        }
    }
}

/// The value of an unknown key is never repeated: it may be a secret.
fn unknown(node: &Node, path: &str, shape: &Shape) -> Problem {
    let problem = Problem::new(path, "unknown key").expected(format!("one of {}", shape.keys()));
    match node.place.clone() {
        Some(place) => problem.at(place),
        None => problem,
    }
}

/// The table header of a path: names and indices of elements left out.
fn header(path: &str) -> String {
    const NAMED: [&str; 6] = ["listener", "pool", "route", "template", "trust", "upstream"];
    let mut header = String::new();
    let mut named = false;
    for part in path.split('.') {
        if named {
            named = false;
            continue;
        }
        let key = part.split('[').next().unwrap_or_default();
        named = NAMED.contains(&part);
        header = join(&header, key);
    }
    header
}

fn kinds(schema: &Json) -> Vec<Kind> {
    let kind = |name: &Json| match name.as_str() {
        Some("boolean") => Some(Kind::Boolean),
        Some("integer") => Some(Kind::Integer),
        Some("number") => Some(Kind::Float),
        Some("string") => Some(Kind::Text),
        Some(_) | None => None,
    };
    match schema.get("type") {
        Some(Json::Array(names)) => names.iter().filter_map(kind).collect(),
        Some(name) => kind(name).into_iter().collect(),
        None => vec![Kind::Text],
    }
}

/// Words of `enum`, and of `oneOf` with one `const` for each documented variant.
fn words(schema: &Json) -> Vec<String> {
    let mut words = Vec::new();
    if let Some(listed) = schema.get("enum").and_then(Json::as_array) {
        words.extend(listed.iter().filter_map(Json::as_str).map(str::to_owned));
    }
    if let Some(variants) = schema.get("oneOf").and_then(Json::as_array) {
        words.extend(variants.iter().flat_map(|variant| {
            let own = variant
                .get("const")
                .and_then(Json::as_str)
                .map(str::to_owned);
            own.into_iter().chain(self::words(variant))
        }));
    }
    words
}

/// TOML has no null: an absent key is simply not written.
fn without_null(schema: &mut Json) {
    match schema {
        Json::Array(elements) => elements.iter_mut().for_each(without_null),
        Json::Object(entries) => {
            entries.values_mut().for_each(without_null);
            if let Some(Json::Array(types)) = entries.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    entries.insert("type".to_owned(), only);
                }
            }
            if let Some(Json::Array(words)) = entries.get_mut("enum") {
                words.retain(|word| !word.is_null());
            }
            if entries.get("default") == Some(&Json::Null) {
                entries.remove("default");
            }
            let Some(Json::Array(choices)) = entries.get_mut("anyOf") else {
                return;
            };
            choices.retain(|choice| choice != &serde_json::json!({"type": "null"}));
            if let [Json::Object(only)] = choices.as_slice() {
                let mut only = only.clone();
                entries.remove("anyOf");
                // The description of the key says more than that of its type.
                only.append(entries);
                *entries = only;
            }
        }
        Json::Bool(_) | Json::Null | Json::Number(_) | Json::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(shape: &Shape, path: &str, found: &mut Vec<(String, Scalar)>) {
        match shape {
            Shape::List(element) => leaves(element, path, found),
            Shape::Scalar(scalar) => found.push((path.to_owned(), scalar.clone())),
            Shape::Table(keys) => {
                for (key, shape) in keys {
                    leaves(shape, &join(path, key), found);
                }
            }
        }
    }

    #[test]
    fn every_leaf_has_a_type_and_every_choice_its_words() {
        let mut found = Vec::new();
        leaves(root(), "", &mut found);
        assert!(found.len() > 90, "{} leaves", found.len());
        for (path, scalar) in &found {
            assert!(!scalar.kinds.is_empty(), "{path} has no type");
        }
        let words = |path: &str| {
            let leaf = found.iter().find(|(p, _)| p == path);
            leaf.map(|(_, scalar)| scalar.words.clone()).unwrap()
        };
        assert_eq!(words("log.format"), ["journald", "json", "text"]);
        assert_eq!(words("listener.tls.minimum"), ["1.2", "1.3"]);
        assert_eq!(words("cors.mode"), ["answer", "pass"]);
        assert_eq!(words("pool.name"), [""; 0]);
    }

    #[test]
    fn the_published_schema_names_no_null_and_describes_every_key() {
        fn described(schema: &Json, path: &str) {
            let Some(properties) = schema.get("properties").and_then(Json::as_object) else {
                return;
            };
            for (key, schema) in properties {
                let path = join(path, key);
                assert!(schema.get("description").is_some(), "{path}: {schema:#}");
                described(schema, &path);
                described(schema.get("items").unwrap_or(&Json::Null), &path);
            }
        }
        let schema = schema();
        described(&schema, "");
        assert!(!schema.to_string().contains("null"), "{schema:#}");
    }

    #[test]
    fn a_header_leaves_out_the_names_of_elements() {
        assert_eq!(header("pool"), "pool");
        assert_eq!(header("pool.xsp.upstream"), "pool.upstream");
        assert_eq!(header("listener[0].host"), "listener.host");
    }
}
