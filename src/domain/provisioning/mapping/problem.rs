//! One thing that is wrong with a mapping.

use std::fmt;

use serde::Serialize;

/// One problem. It prints as `line N: path: what is wrong`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
pub struct Problem {
    /// Line of the text, from 1.
    pub line: usize,
    /// Where: `rule.upsert.field.email.from[0]`. Empty: the text as a whole.
    pub path: String,
    /// What is wrong, and what would be right.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.what)
    }
}
