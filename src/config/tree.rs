//! What was written, with the place of every value: TOML as a tree of [`Node`]s.

use std::collections::BTreeMap;
use std::path::Path;

use toml::Spanned;
use toml::de::DeTable;
use toml::de::DeValue;

use crate::config::path::Step;
use crate::config::path::labels;
use crate::config::path::steps;
use crate::config::problem::Place;
use crate::config::problem::Problem;

/// Most syntax errors told of one file: after so many it is not TOML at all.
const SYNTAX_ERRORS: usize = 50;

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) place: Option<Place>,
    pub(super) value: Value,
}

/// A TOML value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Array(Vec<Node>),
    Boolean(bool),
    Datetime(String),
    Float(f64),
    Integer(i64),
    String(String),
    Table(BTreeMap<String, Node>),
}

impl Node {
    /// An empty table without a place.
    pub(super) const fn empty() -> Self {
        Self {
            place: None,
            value: Value::Table(BTreeMap::new()),
        }
    }

    /// Parses one file; syntax errors are reported together.
    pub(super) fn parse(file: &Path, text: &str) -> Result<Self, Vec<Problem>> {
        let source = Source::new(file, text);
        let (table, errors) = DeTable::parse_recoverable(text);
        if errors.is_empty() {
            Ok(source.table(table.get_ref()))
        } else {
            // Only the message: toml's own rendering repeats the line, which may hold a secret.
            let problem = |error: toml::de::Error| {
                let problem = Problem::new("", error.message());
                problem.at(source.place(error.span().map_or(0, |span| span.start)))
            };
            Err(errors
                .into_iter()
                .take(SYNTAX_ERRORS)
                .map(problem)
                .collect())
        }
    }

    /// The entry of a table.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Table(entries) => entries.get(key),
            Value::Array(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Float(_)
            | Value::Integer(_)
            | Value::String(_) => None,
        }
    }

    /// The text of a string.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            Value::Array(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Float(_)
            | Value::Integer(_)
            | Value::Table(_) => None,
        }
    }

    /// The `name` entry of a table.
    pub(super) fn name(&self) -> Option<&str> {
        self.get("name").and_then(Self::text)
    }

    /// The node at a path.
    pub(super) fn find(&self, path: &str) -> Option<&Self> {
        let mut steps = steps(path).into_iter();
        steps.try_fold(self, |node, step| node.step(&step))
    }

    /// The place of the node at a path, or of its nearest ancestor that was written.
    pub(super) fn nearest(&self, path: &str) -> Option<&Place> {
        let mut node = self;
        let mut place = None;
        for step in steps(path) {
            let Some(next) = node.step(&step) else { break };
            node = next;
            place = node.place.as_ref().or(place);
        }
        place
    }

    fn step(&self, step: &Step<'_>) -> Option<&Self> {
        match (&self.value, step) {
            (Value::Table(entries), Step::Key(key)) => entries.get(*key),
            (Value::Array(elements), Step::Index(at)) => elements.get(*at),
            (Value::Array(elements), Step::Key(key)) => {
                elements.iter().find(|node| node.name() == Some(key))
            }
            (Value::Table(_), Step::Index(_))
            | (
                Value::Boolean(_)
                | Value::Datetime(_)
                | Value::Float(_)
                | Value::Integer(_)
                | Value::String(_),
                _,
            ) => None,
        }
    }

    /// The value for serde.
    pub(super) fn to_toml(&self) -> toml::Value {
        match &self.value {
            Value::Array(elements) => elements
                .iter()
                .map(Self::to_toml)
                .collect::<Vec<_>>()
                .into(),
            Value::Boolean(value) => (*value).into(),
            Value::Datetime(text) | Value::String(text) => text.as_str().into(),
            Value::Float(value) => (*value).into(),
            Value::Integer(value) => (*value).into(),
            Value::Table(entries) => {
                let entries = entries
                    .iter()
                    .map(|(key, node)| (key.clone(), node.to_toml()));
                toml::Value::Table(entries.collect())
            }
        }
    }
}

impl Value {
    /// What the type is called.
    pub(super) const fn type_name(&self) -> &'static str {
        match self {
            Self::Array(_) => "a list",
            Self::Boolean(_) => "true or false",
            Self::Datetime(_) => "a date",
            Self::Float(_) => "a number with a fraction",
            Self::Integer(_) => "an integer",
            Self::String(_) => "a text",
            Self::Table(_) => "a table",
        }
    }

    /// The value as it would be written; lists and tables are not repeated.
    pub(super) fn written(&self) -> Option<String> {
        match self {
            Self::Array(_) | Self::Table(_) => None,
            Self::Boolean(value) => Some(value.to_string()),
            Self::Datetime(text) => Some(text.clone()),
            Self::Float(value) => Some(value.to_string()),
            Self::Integer(value) => Some(value.to_string()),
            Self::String(text) => Some(format!("{text:?}")),
        }
    }
}

/// What each element of a list of tables is called.
pub(super) fn element_labels(elements: &[Node]) -> Vec<String> {
    labels(elements.iter().map(Node::name))
}

struct Source<'a> {
    file: &'a Path,
    text: &'a str,
    /// Where each line starts.
    lines: Vec<usize>,
}

impl<'a> Source<'a> {
    fn new(file: &'a Path, text: &'a str) -> Self {
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(ends).collect();
        Self { file, text, lines }
    }

    fn place(&self, offset: usize) -> Place {
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = self.lines.get(line.saturating_sub(1)).copied();
        let before = self.text.get(start.unwrap_or_default()..offset);
        Place::File {
            file: self.file.to_owned(),
            line,
            column: before.unwrap_or_default().chars().count() + 1,
        }
    }

    fn table(&self, table: &DeTable<'_>) -> Node {
        let entry = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
            let key: &Spanned<std::borrow::Cow<'_, str>> = key;
            let node = Node {
                place: Some(self.place(key.span().start)),
                value: self.value(value.get_ref()),
            };
            (key.get_ref().clone().into_owned(), node)
        };
        Node {
            place: None,
            value: Value::Table(table.iter().map(entry).collect()),
        }
    }

    fn value(&self, value: &DeValue<'_>) -> Value {
        match value {
            DeValue::Array(elements) => {
                let element = |element: &Spanned<DeValue<'_>>| Node {
                    place: Some(self.place(element.span().start)),
                    value: self.value(element.get_ref()),
                };
                Value::Array(elements.iter().map(element).collect())
            }
            DeValue::Boolean(value) => Value::Boolean(*value),
            DeValue::Datetime(value) => Value::Datetime(value.to_string()),
            // Rust reads every float that TOML can write, "inf" and "nan" included.
            DeValue::Float(text) => Value::Float(text.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Integer(text) => Value::Integer(saturated(text.as_str(), text.radix())),
            DeValue::String(text) => Value::String(text.clone().into_owned()),
            DeValue::Table(table) => self.table(table).value,
        }
    }
}

/// Integers beyond 64 bits end at the border: every range ends far before it.
fn saturated(digits: &str, radix: u32) -> i64 {
    let border = if digits.starts_with('-') {
        i64::MIN
    } else {
        i64::MAX
    };
    i64::from_str_radix(digits, radix).unwrap_or(border)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[admin]\naddress = \"a\"\n\n[[pool]]\nname = \"xsp\"\n  affinity = \"user\"\n[[pool]]\nlist = [1,\n  2]\n";

    fn place(line: usize, column: usize) -> Place {
        Place::File {
            file: "f.toml".into(),
            line,
            column,
        }
    }

    #[test]
    fn every_value_knows_its_line_and_column() {
        let root = Node::parse(Path::new("f.toml"), TEXT).unwrap();
        assert_eq!(root.nearest("admin.address"), Some(&place(2, 1)));
        assert_eq!(root.nearest("pool.xsp.affinity"), Some(&place(6, 3)));
        assert_eq!(root.nearest("pool[1].list[1]"), Some(&place(9, 3)));
        assert_eq!(root.nearest("pool.xsp.absent"), Some(&place(4, 1)));
        assert_eq!(root.nearest("nowhere.at.all"), None);
    }

    #[test]
    fn every_syntax_error_is_reported_with_its_place_and_without_the_line() {
        let text = "a = \nb = 'secret\nc = 1\nc = 2\n";
        let problems = Node::parse(Path::new("f.toml"), text).unwrap_err();
        assert!(problems.len() >= 2, "{problems:#?}");
        assert!(problems.iter().all(|p| p.place.is_some()));
        assert!(problems.iter().all(|p| !p.to_string().contains("secret")));
    }

    #[test]
    fn deep_nesting_ends_in_an_error_and_not_in_the_stack() {
        let deep = 100_000;
        for text in [
            format!("a = {}", "[".repeat(deep)),
            format!("a = {}{}", "[".repeat(deep), "]".repeat(deep)),
            format!("a = {}", "{ b = ".repeat(deep)),
            format!("{} = 1", vec!["a"; deep].join(".")),
            format!("[{}]", vec!["a"; deep].join(".")),
        ] {
            assert!(Node::parse(Path::new("f"), &text).is_err());
        }
    }

    #[test]
    fn a_huge_integer_ends_at_the_border() {
        let root = Node::parse(Path::new("f"), "a = 99999999999999999999999").unwrap();
        assert_eq!(
            root.get("a").map(|n| &n.value),
            Some(&Value::Integer(i64::MAX))
        );
    }
}
