//! How bad it is, in the five words of BroadWorks, and as other systems say it.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

/// The five severities of BroadWorks faults; their numbers are those of its MIB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// To know, nothing to do.
    Informational,
    /// Redundancy or time is lost, service is not.
    Low,
    /// The level of service is affected, or will be within days.
    Medium,
    /// An interface cannot connect, or will not within days.
    High,
    /// Users are without service, or will be within a day.
    Critical,
}

impl Severity {
    /// All, from mild to bad.
    pub const ALL: [Self; 5] = [
        Self::Informational,
        Self::Low,
        Self::Medium,
        Self::High,
        Self::Critical,
    ];

    /// The word in tables, configuration, labels and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The severity of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.word() == word)
    }

    /// The number in the MIB, 0 to 4.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Informational => 0,
            Self::Low => 1,
            Self::Medium => 2,
            Self::High => 3,
            Self::Critical => 4,
        }
    }

    /// The severity of syslog (RFC 5424, section 6.2.1).
    #[must_use]
    pub const fn syslog(self) -> u8 {
        match self {
            Self::Informational => 6,
            Self::Low | Self::Medium => 4,
            Self::High => 3,
            Self::Critical => 2,
        }
    }

    /// The state, and so the exit code, of a Nagios plug-in: 0, 1 or 2.
    #[must_use]
    pub const fn nagios(self) -> u8 {
        match self {
            Self::Informational => 0,
            Self::Low | Self::Medium => 1,
            Self::High | Self::Critical => 2,
        }
    }

    /// The severity of a `PagerDuty` event (Events API v2).
    #[must_use]
    pub const fn pagerduty(self) -> &'static str {
        match self {
            Self::Informational => "info",
            Self::Low | Self::Medium => "warning",
            Self::High => "error",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_rise_with_the_order_and_words_lead_back() {
        for (number, severity) in (0_u8..).zip(Severity::ALL) {
            assert_eq!(severity.number(), number);
            assert_eq!(Severity::from_word(severity.word()), Some(severity));
        }
        assert_eq!(Severity::from_word("fatal"), None);
    }
}
