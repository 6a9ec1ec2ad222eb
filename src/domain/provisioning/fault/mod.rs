//! What a failure means: a table of codes, built in and changed by an operator's file. A code that
//! nobody knows is shown word for word and judged by the status that came with it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::record::Fault;
use crate::domain::provisioning::webex::CallFailure;
use crate::domain::provisioning::webex::FailureKind;
use crate::domain::provisioning::webex::SubscriberError;

/// The table that is built in.
const BUILT_IN: &str = include_str!("faults.toml");
/// The format that both tables name.
const FORMAT: &str = "xspd-faults/1";
/// Rows of one table: far above what Webex documents, far below what would hurt.
const MOST_ROWS: usize = 2_000;
/// Longest text of one cell, in bytes.
const MOST_TEXT: usize = 400;
/// Longest text kept of what Webex said, in characters.
const MOST_SAID: usize = 1_000;
/// Longest code kept, in characters.
const MOST_CODE: usize = 40;

/// What the machine does about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// The partner rests until it lets us in again.
    Auth,
    /// The customer's administrator has to let the partner in.
    Customer,
    /// Somebody has to correct something.
    Data,
    /// Somebody has to look at it with Cisco.
    Fault,
    /// The partner's pace is slowed.
    Limit,
    /// It is tried again, later each time.
    Transient,
    /// The user has to act.
    User,
}

impl Class {
    /// All, in the order of their names.
    pub const ALL: [Self; 7] = [
        Self::Auth,
        Self::Customer,
        Self::Data,
        Self::Fault,
        Self::Limit,
        Self::Transient,
        Self::User,
    ];

    /// As files, logs and metrics write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Customer => "customer",
            Self::Data => "data",
            Self::Fault => "fault",
            Self::Limit => "limit",
            Self::Transient => "transient",
            Self::User => "user",
        }
    }
}

/// The table.
#[derive(Debug, Clone)]
pub struct Faults {
    rows: BTreeMap<String, Row>,
    patterns: Vec<Pattern>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    class: Class,
    action: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    /// In lower case.
    text: String,
    code: String,
}

/// What a failure means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// A code of the table, or what Webex said.
    pub code: String,
    /// What is done about it.
    pub class: Class,
    /// What a person can do.
    pub action: String,
    /// Whether the code stands in the table.
    pub known: bool,
}

/// Why a file of faults cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadFaults {
    /// Another format, or none.
    #[error("it does not say format = \"{FORMAT}\"")]
    Format,
    /// A code stands in it twice.
    #[error("the code {0} stands in it twice")]
    Twice(String),
    /// A cell is empty or too long.
    #[error("a text of the code {0} is empty or longer than {MOST_TEXT} bytes")]
    Text(String),
    /// It is no such file.
    #[error("it cannot be read: {0}")]
    Toml(#[from] toml::de::Error),
    /// Too many rows.
    #[error("it has more than {MOST_ROWS} rows")]
    TooMany,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct File {
    format: Option<String>,
    #[serde(default)]
    fault: Vec<RawRow>,
    #[serde(default)]
    pattern: Vec<RawPattern>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawRow {
    code: String,
    class: Class,
    action: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawPattern {
    text: String,
    code: String,
}

impl Default for Faults {
    /// What is built in.
    fn default() -> Self {
        // A test proves that it can be read; without it codes would be judged by status alone.
        Self::parse(BUILT_IN).unwrap_or(Self {
            rows: BTreeMap::new(),
            patterns: Vec::new(),
        })
    }
}

impl Faults {
    /// Of a file alone, without what is built in.
    ///
    /// # Errors
    /// It is not such a file.
    pub fn parse(text: &str) -> Result<Self, BadFaults> {
        let file: File = toml::from_str(text)?;
        if file.format.as_deref() != Some(FORMAT) {
            return Err(BadFaults::Format);
        }
        if file.fault.len() > MOST_ROWS || file.pattern.len() > MOST_ROWS {
            return Err(BadFaults::TooMany);
        }
        let fits = |text: &str| !text.trim().is_empty() && text.len() <= MOST_TEXT;
        let mut rows = BTreeMap::new();
        for RawRow {
            code,
            class,
            action,
        } in file.fault
        {
            if !fits(&code) || !fits(&action) {
                return Err(BadFaults::Text(code));
            }
            if rows.insert(code.clone(), Row { class, action }).is_some() {
                return Err(BadFaults::Twice(code));
            }
        }
        let mut patterns = Vec::new();
        for RawPattern { text, code } in file.pattern {
            if !fits(&text) || !fits(&code) {
                return Err(BadFaults::Text(code));
            }
            let text = text.to_lowercase();
            patterns.push(Pattern { text, code });
        }
        Ok(Self { rows, patterns })
    }

    /// What is built in, with an operator's file over it.
    ///
    /// # Errors
    /// The file is not such a file.
    pub fn with(text: &str) -> Result<Self, BadFaults> {
        let own = Self::parse(text)?;
        let mut all = Self::default();
        all.rows.extend(own.rows);
        let built_in = std::mem::replace(&mut all.patterns, own.patterns);
        all.patterns.extend(built_in);
        Ok(all)
    }

    /// What the failure of a call means.
    #[must_use]
    pub fn judge(&self, failure: &CallFailure) -> Judged {
        let fallback = fallback(failure.kind);
        if matches!(
            failure.kind,
            FailureKind::Status(401 | 429) | FailureKind::NoToken
        ) {
            // Whatever else is said: these are about us, not about the user.
            return self.look(None, "", &fallback);
        }
        self.look(failure.code.as_deref(), &failure.text, &fallback)
    }

    /// What an error in a subscriber means.
    #[must_use]
    pub fn judge_subscriber(&self, error: &SubscriberError) -> Judged {
        let fallback = ("ERROR".to_owned(), Class::Data);
        self.look(error.code.as_deref(), &error.description, &fallback)
    }

    /// One of our own codes, with its words.
    #[must_use]
    pub fn ours(&self, code: &str, text: String, at: Moment) -> Fault {
        let action = self.rows.get(code).map(|row| row.action.clone());
        Fault {
            code: code.to_owned(),
            text: shortened(&text, MOST_SAID),
            action: action.unwrap_or_default(),
            at,
        }
    }

    /// What can be done about a code.
    #[must_use]
    pub fn action(&self, code: &str) -> Option<&str> {
        self.rows.get(code).map(|row| row.action.as_str())
    }

    fn look(&self, code: Option<&str>, text: &str, fallback: &(String, Class)) -> Judged {
        let said = code.map(|code| shortened(code.trim(), MOST_CODE));
        let said = said.filter(|code| !code.is_empty());
        let pattern = || {
            let text = text.to_lowercase();
            let mut all = self.patterns.iter();
            all.find(|pattern| text.contains(&pattern.text))
                .map(|pattern| pattern.code.clone())
        };
        let named = said
            .clone()
            .filter(|code| self.rows.contains_key(code))
            .or_else(pattern);
        let known = named.is_some() || said.is_none();
        let row = named
            .as_ref()
            .and_then(|code| self.rows.get(code))
            .or_else(|| self.rows.get(&fallback.0));
        Judged {
            code: named.or(said).unwrap_or_else(|| fallback.0.clone()),
            class: row.map_or(fallback.1, |row| row.class),
            action: row.map_or_else(
                || {
                    "Read what Webex says; if that does not help, open a case with the tracking id."
                        .to_owned()
                },
                |row| row.action.clone(),
            ),
            known,
        }
    }
}

impl Judged {
    /// As the operator sees it.
    #[must_use]
    pub fn fault(&self, text: &str, at: Moment) -> Fault {
        Fault {
            code: self.code.clone(),
            text: shortened(text, MOST_SAID),
            action: self.action.clone(),
            at,
        }
    }
}

fn fallback(kind: FailureKind) -> (String, Class) {
    let (code, class) = match kind {
        FailureKind::NoToken => ("NO-TOKEN", Class::Auth),
        FailureKind::NotSent => ("NOT-SENT", Class::Transient),
        FailureKind::Unanswered => ("UNANSWERED", Class::Transient),
        FailureKind::Unreadable => ("UNREADABLE", Class::Transient),
        FailureKind::Status(status) => {
            let class = match status {
                401 | 403 => Class::Auth,
                408 | 423 | 500.. => Class::Transient,
                429 => Class::Limit,
                405 | 415 | 428 => Class::Fault,
                _ => Class::Data,
            };
            return (format!("HTTP-{status}"), class);
        }
    };
    (code.to_owned(), class)
}

/// The first characters of a text.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

#[cfg(test)]
mod tests;
