//! What an operator has set for all alarms and for single names.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::alarms::catalogue;
use crate::domain::alarms::impact::CaseLevel;
use crate::domain::alarms::impact::Impact;
use crate::domain::alarms::impact::Urgency;
use crate::domain::alarms::name::AlarmName;
use crate::domain::alarms::severity::Severity;
use crate::domain::shell::Ending;

/// What the board goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The node, as notices name it.
    pub system: String,
    /// What lines to paste end with.
    pub ending: Ending,
    /// How many equal looks in a row are believed.
    pub hold_down: u32,
    /// How long what a source says is believed without a second look, of a source that speaks when
    /// something changes.
    pub hold_time: Duration,
    /// Whether what is critical is believed at first sight.
    pub critical_at_once: bool,
    /// Between two reminders of one alarm; never less than a day.
    pub remind_every: Duration,
    /// Most alarms that are kept.
    pub bound: usize,
    /// What is different for one name.
    pub overrides: BTreeMap<AlarmName, Override>,
}

/// What is different for one name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Override {
    /// It is never raised.
    pub off: bool,
    /// How bad it is, whatever the watcher says.
    pub severity: Option<Severity>,
    /// How much is affected.
    pub impact: Option<Impact>,
    /// How pressing it is.
    pub urgency: Option<Urgency>,
    /// Where the provider's own instructions are.
    pub runbook: Option<String>,
}

impl Policy {
    /// The shortest time between two reminders.
    pub const DAY: Duration = Duration::from_secs(24 * 3600);

    /// Whether an alarm is never raised.
    #[must_use]
    pub fn is_off(&self, name: AlarmName) -> bool {
        self.overrides.get(&name).is_some_and(|held| held.off)
    }

    /// How bad an alarm is that its watcher calls `seen`.
    #[must_use]
    pub fn severity(&self, name: AlarmName, seen: Severity) -> Severity {
        let held = self.overrides.get(&name);
        held.and_then(|held| held.severity).unwrap_or(seen)
    }

    /// The provider's own instructions.
    #[must_use]
    pub fn runbook(&self, name: AlarmName) -> Option<&str> {
        self.overrides.get(&name)?.runbook.as_deref()
    }

    /// Impact and urgency of an alarm.
    #[must_use]
    pub fn reach(&self, name: AlarmName, severity: Severity) -> (Impact, Urgency) {
        let (entry, held) = (catalogue::entry(name), self.overrides.get(&name));
        let impact = held.and_then(|held| held.impact).unwrap_or(entry.impact);
        let urgency = held.and_then(|held| held.urgency).or(entry.urgency);
        (impact, urgency.unwrap_or_else(|| Urgency::of(severity)))
    }

    /// With which level a case is opened.
    #[must_use]
    pub fn case(&self, name: AlarmName, severity: Severity) -> CaseLevel {
        let (impact, urgency) = self.reach(name, severity);
        CaseLevel::of(impact, urgency)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            system: String::new(),
            ending: Ending::default(),
            hold_down: 2,
            hold_time: Duration::from_secs(60),
            critical_at_once: false,
            remind_every: Self::DAY,
            bound: 10_000,
            overrides: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urgency_follows_the_severity_unless_something_else_is_set() {
        let mut policy = Policy::default();
        let name = AlarmName::CertificateExpiring;
        assert_eq!(policy.case(name, Severity::Low), CaseLevel::S4);
        assert_eq!(policy.case(name, Severity::Critical), CaseLevel::S1);
        let set = Override {
            urgency: Some(Urgency::Low),
            ..Override::default()
        };
        policy.overrides.insert(name, set);
        assert_eq!(policy.case(name, Severity::Critical), CaseLevel::S4);
    }
}
