//! Standard output and error of the verbs. A closed pipe ends quietly.

use std::fmt::Display;
use std::io::Write as _;

/// Where a verb writes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Console {
    /// Machine-readable output was asked for.
    pub json: bool,
}

impl Console {
    /// One line on standard output.
    pub fn line(&self, text: impl Display) {
        drop(writeln!(std::io::stdout().lock(), "{text}"));
    }

    /// One line on standard error.
    pub fn complain(&self, text: impl Display) {
        drop(writeln!(std::io::stderr().lock(), "{text}"));
    }

    /// A value as pretty JSON on standard output.
    pub fn document(&self, value: &serde_json::Value) {
        self.line(format_args!("{value:#}"));
    }
}
