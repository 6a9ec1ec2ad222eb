//! One thing that is wrong with a configuration, told so that it can be mended at once.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// Longest piece of a value that a line repeats, in characters.
const VALUE_SHOWN: usize = 120;

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// An environment variable.
    Environment {
        /// Its name.
        variable: String,
    },
    /// A file.
    File {
        /// The file.
        file: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment { variable } => f.write_str(variable),
            Self::File { file, line, column } => {
                write!(f, "{}:{line}:{column}", file.display())
            }
        }
    }
}

/// One problem. It prints as `place: path = value: what is wrong; expected …`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
pub struct Problem {
    /// Dotted path of the key; elements by name or `[index]`. Empty: the file as a whole.
    pub path: String,
    /// The value as written; `…` when it may be a secret.
    pub value: Option<String>,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub expected: Option<String>,
    /// Where it was written.
    pub place: Option<Place>,
}

impl Problem {
    /// A problem of the key at `path`.
    pub(super) fn new(path: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            value: None,
            what: what.into(),
            expected: None,
            place: None,
        }
    }

    pub(super) fn value(self, value: impl Into<String>) -> Self {
        Self {
            value: Some(shown(&value.into())),
            ..self
        }
    }

    pub(super) fn expected(self, expected: impl Into<String>) -> Self {
        Self {
            expected: Some(expected.into()),
            ..self
        }
    }

    pub(super) fn at(self, place: Place) -> Self {
        Self {
            place: Some(place),
            ..self
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.path)?;
        if let Some(value) = &self.value {
            write!(f, " = {value}")?;
        }
        if !self.path.is_empty() {
            f.write_str(": ")?;
        }
        f.write_str(&self.what)?;
        match &self.expected {
            Some(expected) => write!(f, "; expected {expected}"),
            None => Ok(()),
        }
    }
}

fn shown(value: &str) -> String {
    match value.char_indices().nth(VALUE_SHOWN) {
        Some((end, _)) => format!("{}…", value.get(..end).unwrap_or_default()),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_prints_as_one_line_with_place_path_value_and_remedy() {
        let place = Place::File {
            file: "/etc/xspd/xspd.toml".into(),
            line: 3,
            column: 5,
        };
        let problem = Problem::new("admin.address", "not an address")
            .value("\"x\"")
            .expected("an address and port");
        assert_eq!(
            problem.at(place).to_string(),
            "/etc/xspd/xspd.toml:3:5: admin.address = \"x\": not an address; \
             expected an address and port"
        );
    }

    #[test]
    fn a_long_value_is_cut_on_a_character_border() {
        let problem = Problem::new("a", "b").value("ä".repeat(500));
        assert_eq!(
            problem.value.map(|v| v.chars().count()),
            Some(VALUE_SHOWN + 1)
        );
    }
}
