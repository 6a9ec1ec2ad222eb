//! With which level a case is opened: impact and urgency make it, as in the tables of Webex Calling
//! Dedicated Instance, which support desks go by.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::alarms::severity::Severity;

/// How much of the environment is affected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Impact {
    /// Less than a quarter.
    Individualised,
    /// A quarter to a half.
    Localised,
    /// A half to three quarters.
    Large,
    /// More than three quarters.
    Widespread,
}

impl Impact {
    /// All, from small to large.
    pub const ALL: [Self; 4] = [
        Self::Individualised,
        Self::Localised,
        Self::Large,
        Self::Widespread,
    ];

    /// The word in tables, configuration and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Individualised => "individualised",
            Self::Localised => "localised",
            Self::Large => "large",
            Self::Widespread => "widespread",
        }
    }

    /// The impact of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|impact| impact.word() == word)
    }
}

/// How pressing it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Urgency {
    /// Another function than calling is degraded.
    Low,
    /// Another function than calling has stopped.
    Medium,
    /// Calling is severely degraded.
    High,
    /// Calling has stopped, and there is no backup.
    Critical,
}

impl Urgency {
    /// All, from low to high.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word in tables, configuration and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The urgency of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|urgency| urgency.word() == word)
    }

    /// How pressing an alarm of this severity is, where nobody says otherwise.
    #[must_use]
    pub const fn of(severity: Severity) -> Self {
        match severity {
            Severity::Informational | Severity::Low => Self::Low,
            Severity::Medium => Self::Medium,
            Severity::High => Self::High,
            Severity::Critical => Self::Critical,
        }
    }
}

/// The level of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CaseLevel {
    /// All resources, around the clock.
    S1,
    /// Full time in business hours.
    S2,
    /// Business hours, to an acceptable level.
    S3,
    /// Business hours, information.
    S4,
}

impl CaseLevel {
    /// All, from worst to mildest.
    pub const ALL: [Self; 4] = [Self::S1, Self::S2, Self::S3, Self::S4];

    /// Of an impact and an urgency.
    #[must_use]
    pub const fn of(impact: Impact, urgency: Urgency) -> Self {
        match (urgency, impact) {
            (Urgency::Critical, Impact::Widespread | Impact::Large)
            | (Urgency::High, Impact::Widespread) => Self::S1,
            (Urgency::Critical, Impact::Localised)
            | (Urgency::High, Impact::Large | Impact::Localised)
            | (Urgency::Medium, Impact::Widespread) => Self::S2,
            (Urgency::Critical | Urgency::High, Impact::Individualised)
            | (Urgency::Medium, Impact::Large | Impact::Localised | Impact::Individualised) => {
                Self::S3
            }
            (Urgency::Low, _) => Self::S4,
        }
    }

    /// `S1` to `S4`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::S1 => "S1",
            Self::S2 => "S2",
            Self::S3 => "S3",
            Self::S4 => "S4",
        }
    }

    /// By when somebody should have answered: for S1 and S2 on the clock, for S3 and S4 in
    /// business days.
    #[must_use]
    pub const fn first_response_text(self) -> &'static str {
        match self {
            Self::S1 => "15 min",
            Self::S2 => "30 min",
            Self::S3 => "1 business day",
            Self::S4 => "3 business days",
        }
    }

    /// How a case is opened.
    #[must_use]
    pub const fn channel(self) -> &'static str {
        match self {
            Self::S1 | Self::S2 => "by phone",
            Self::S3 | Self::S4 => "in Support Case Manager",
        }
    }
}

impl fmt::Display for CaseLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_one_of_the_guide() {
        // Rows: urgency from critical to low; columns: impact from widespread to individualised.
        let table = [
            (Urgency::Critical, ["S1", "S1", "S2", "S3"]),
            (Urgency::High, ["S1", "S2", "S2", "S3"]),
            (Urgency::Medium, ["S2", "S3", "S3", "S3"]),
            (Urgency::Low, ["S4", "S4", "S4", "S4"]),
        ];
        for (urgency, row) in table {
            for (impact, level) in Impact::ALL.into_iter().rev().zip(row) {
                let found = CaseLevel::of(impact, urgency);
                assert_eq!(found.word(), level, "{urgency:?} {impact:?}");
            }
        }
    }

    #[test]
    fn words_lead_back() {
        for impact in Impact::ALL {
            assert_eq!(Impact::from_word(impact.word()), Some(impact));
        }
        for urgency in Urgency::ALL {
            assert_eq!(Urgency::from_word(urgency.word()), Some(urgency));
        }
    }
}
