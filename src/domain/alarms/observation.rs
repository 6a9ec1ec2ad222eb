//! What a watcher saw, and asks to be known.

use std::time::SystemTime;

use crate::domain::alarms::catalogue;
use crate::domain::alarms::key::AlarmKey;
use crate::domain::alarms::name::AlarmName;
use crate::domain::alarms::severity::Severity;

/// Characters of a detail; what is longer is cut.
pub const DETAIL: usize = 300;

/// One look at one thing. Watchers repeat themselves; the alarm decides what is news.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Which alarm it speaks for.
    pub key: AlarmKey,
    /// Whether it is wrong now.
    pub condition: Condition,
}

impl Observation {
    /// Nothing is wrong.
    #[must_use]
    pub fn absent(name: AlarmName, object: &str) -> Self {
        Self {
            key: AlarmKey::new(name, object),
            condition: Condition::Absent,
        }
    }

    /// Something is, as badly as the catalogue says.
    #[must_use]
    pub fn present(name: AlarmName, object: &str, text: String) -> Self {
        let severity = catalogue::entry(name).severity;
        Self {
            key: AlarmKey::new(name, object),
            condition: Condition::Present(Present::new(severity, text)),
        }
    }
}

/// Whether it is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Nothing is wrong, or the thing is gone for good and on purpose.
    Absent,
    /// Something is.
    Present(Present),
}

impl Condition {
    /// What makes two looks equal: how bad it is, and which threshold was passed. Words may change.
    #[must_use]
    pub fn gist(&self) -> Option<(Severity, &str)> {
        match self {
            Self::Absent => None,
            Self::Present(present) => Some((present.severity, &present.step)),
        }
    }
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    /// How bad now.
    pub severity: Severity,
    /// Which threshold was passed, in a word that changes with each (`30d`, `7d`, `expired`); empty
    /// for a thing that is wrong or not.
    pub step: String,
    /// One sentence: what is wrong, with absolute dates, never with "in N days".
    pub text: String,
    /// The rule that fired, with the key of its configuration: `certificates.manual.warn = 30d`.
    pub rule: String,
    /// When the thing itself ends; no silence outlives it.
    pub ends: Option<SystemTime>,
    /// More for whoever acts: fingerprint, listener, owner, notes, runbook. Each pair is shown as it
    /// is; at most 16 are kept.
    pub details: Vec<(String, String)>,
}

impl Present {
    /// A thing that is wrong or not: no threshold, rule, end or detail.
    #[must_use]
    pub const fn new(severity: Severity, text: String) -> Self {
        Self {
            severity,
            step: String::new(),
            text,
            rule: String::new(),
            ends: None,
            details: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_equal_by_how_bad_it_is_and_the_step_whatever_the_words() {
        let look = |severity, step: &str, text: &str| {
            Condition::Present(Present {
                step: step.to_owned(),
                ..Present::new(severity, text.to_owned())
            })
        };
        let one = look(Severity::Low, "30d", "a");
        assert_eq!(one.gist(), look(Severity::Low, "30d", "b").gist());
        for other in [
            look(Severity::Low, "7d", "a"),
            look(Severity::High, "30d", "a"),
            Condition::Absent,
        ] {
            assert_ne!(one.gist(), other.gist());
        }
    }

    #[test]
    fn what_is_wrong_is_as_bad_as_the_catalogue_says() {
        let name = AlarmName::SpoolFilling;
        let seen = Observation::present(name, "disk", "It fills.".to_owned());
        assert_eq!(seen.key, AlarmKey::new(name, "disk"));
        assert_eq!(seen.condition.gist(), Some((Severity::High, "")));
        assert_eq!(Observation::absent(name, "disk").condition.gist(), None);
    }
}
