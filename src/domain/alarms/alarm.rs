//! One alarm as it is kept and shown, and one line of its history.

use std::time::SystemTime;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::alarms::key::AlarmKey;
use crate::domain::alarms::notice::Notice;
use crate::domain::alarms::observation::Present;
use crate::domain::alarms::severity::Severity;

/// An alarm that is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// What is wrong with what.
    pub key: AlarmKey,
    /// How bad now.
    pub severity: Severity,
    /// The threshold, or empty.
    pub step: String,
    /// What is wrong.
    pub text: String,
    /// The rule that fired, or empty.
    pub rule: String,
    /// When the thing itself ends.
    pub ends: Option<SystemTime>,
    /// More for whoever acts.
    pub details: Vec<(String, String)>,
    /// When it was raised.
    pub since: SystemTime,
    /// When it was last seen.
    pub seen: SystemTime,
    /// How often it was seen since it was raised.
    pub count: u64,
    /// Number of its newest notice.
    pub identifier: u64,
    /// What the sinks have been told of it; `None`: nothing yet, because it is silenced.
    pub told: Option<Told>,
    /// Who has taken it on.
    pub ack: Option<Ack>,
    /// Whether it comes and goes, and is held until it has been quiet.
    pub flapping: bool,
}

impl Alarm {
    /// What was seen last, as a watcher says it.
    #[must_use]
    pub fn present(&self) -> Present {
        Present {
            severity: self.severity,
            step: self.step.clone(),
            text: self.text.clone(),
            rule: self.rule.clone(),
            ends: self.ends,
            details: self.details.clone(),
        }
    }
}

/// What the sinks have been told of an alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// When they were last told anything.
    pub at: SystemTime,
    /// The severity that they were told last.
    pub severity: Severity,
    /// The worst severity that they were told: who takes that has heard of the alarm.
    pub worst: Severity,
    /// Every step that they were told, newest last.
    pub steps: Vec<String>,
}

impl Told {
    /// Steps of one alarm that are remembered; schedules have some ten.
    pub const STEPS: usize = 32;

    /// Takes note of what is being told.
    pub fn note(&mut self, severity: Severity, step: &str, at: SystemTime) {
        self.at = at;
        self.severity = severity;
        self.worst = self.worst.max(severity);
        if !self.steps.iter().any(|held| held == step) {
            if self.steps.len() >= Self::STEPS {
                self.steps.remove(0);
            }
            self.steps.push(step.to_owned());
        }
    }

    /// Whether telling this again would be no news.
    #[must_use]
    pub fn knows(&self, severity: Severity, step: &str) -> bool {
        self.severity == severity && self.steps.iter().any(|held| held == step)
    }
}

/// Somebody has taken an alarm on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// Who.
    pub who: String,
    /// Since when.
    pub at: SystemTime,
    /// Until when; `None`: until it is over, or gets worse.
    pub until: Option<SystemTime>,
    /// What they say to it.
    pub comment: String,
    /// How bad it was then: what is worse is news again.
    pub severity: Severity,
}

/// One line of the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What happened.
    pub notice: Notice,
    /// Who did it, if a person did.
    pub by: Option<String>,
    /// What they said to it.
    pub comment: Option<String>,
    /// Whether it was not told, because of a silence.
    pub silenced: bool,
}
