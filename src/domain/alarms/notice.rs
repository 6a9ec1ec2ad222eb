//! What is told to people: one piece of news of one alarm.

use std::time::SystemTime;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::alarms::key::AlarmKey;
use crate::domain::alarms::severity::Severity;
use crate::domain::shell::Ending;

/// What happened to an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoticeKind {
    /// It is new.
    Raised,
    /// It passed a further threshold, or its severity changed.
    Stepped,
    /// It is still there; at most one a day.
    Reminded,
    /// A person has seen it.
    Acknowledged,
    /// It is over.
    Cleared,
    /// Somebody tries whether notices arrive; nothing is wrong.
    Test,
}

impl NoticeKind {
    /// All.
    pub const ALL: [Self; 6] = [
        Self::Raised,
        Self::Stepped,
        Self::Reminded,
        Self::Acknowledged,
        Self::Cleared,
        Self::Test,
    ];

    /// The word in history, labels and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Stepped => "stepped",
            Self::Reminded => "reminded",
            Self::Acknowledged => "acknowledged",
            Self::Cleared => "cleared",
            Self::Test => "test",
        }
    }

    /// Whether the alarm is over with it: a trap's clear, an incident's `resolve`.
    #[must_use]
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Cleared)
    }
}

/// One piece of news, as it is kept and sent. A sink that gets it twice sees the same number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Running number, unique on this node and never used again; `identifier` of the trap.
    pub identifier: u64,
    /// What happened.
    pub kind: NoticeKind,
    /// To which alarm.
    pub key: AlarmKey,
    /// How bad it is; of a clear: how bad it was.
    pub severity: Severity,
    /// When it happened.
    pub at: SystemTime,
    /// When the alarm was raised.
    pub since: SystemTime,
    /// How often it was seen since it was raised, this time included.
    pub count: u64,
    /// The node that says it.
    pub system: String,
    /// One sentence.
    pub text: String,
    /// What to do.
    pub action: String,
    /// The threshold, or empty.
    pub step: String,
    /// The rule that fired, or empty.
    pub rule: String,
    /// When the thing itself ends.
    pub ends: Option<SystemTime>,
    /// More for whoever acts.
    pub details: Vec<(String, String)>,
    /// What lines to paste end with.
    #[serde(default)]
    pub ending: Ending,
}

#[cfg(test)]
impl Notice {
    /// For tests: one of a low alarm, without words.
    pub(crate) fn bare(identifier: u64, kind: NoticeKind, object: &str) -> Self {
        Self {
            identifier,
            kind,
            key: AlarmKey::new(crate::domain::alarms::name::AlarmName::CrlStale, object),
            severity: Severity::Low,
            at: SystemTime::UNIX_EPOCH,
            since: SystemTime::UNIX_EPOCH,
            count: 1,
            system: String::new(),
            text: String::new(),
            action: String::new(),
            step: String::new(),
            rule: String::new(),
            ends: None,
            details: Vec::new(),
            ending: Ending::default(),
        }
    }
}
