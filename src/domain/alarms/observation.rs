//! What a watcher saw, and asks to be known.

use std::time::SystemTime;

use crate::domain::alarms::key::AlarmKey;
use crate::domain::alarms::severity::Severity;

/// One look at one thing. Watchers repeat themselves; the alarm decides what is news.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Which alarm it speaks for.
    pub key: AlarmKey,
    /// Whether it is wrong now.
    pub condition: Condition,
}

/// Whether it is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Nothing is wrong, or the thing is gone for good and on purpose.
    Absent,
    /// Something is.
    Present(Present),
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
