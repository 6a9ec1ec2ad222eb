//! Silences: what shall not be told for a while, by patterns of name and object.

use std::time::Duration;
use std::time::SystemTime;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::alarms::key::AlarmKey;
use crate::domain::pattern::fits;

/// Longest silence. Whoever wants an alarm never sets it off in the configuration.
pub const LONGEST: Duration = Duration::from_secs(90 * 24 * 3600);

/// How far a clock may be set back before what was said by it is in doubt.
const SLACK: Duration = Duration::from_secs(3_600);

/// Most silences at once: a person made each of them.
pub const MOST: usize = 1_000;

/// Longest pattern, comment or name of a person, in characters.
pub const TEXT: usize = 200;

/// What shall not be told for a while. Alarms go on behind it, and their history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// Its number.
    pub id: u64,
    /// Pattern of names; `*` is any text, `?` any one character.
    pub name: String,
    /// Pattern of objects.
    pub object: String,
    /// Who wants it.
    pub who: String,
    /// Why.
    pub comment: String,
    /// Since when.
    pub at: SystemTime,
    /// Until when.
    pub until: SystemTime,
}

impl Silence {
    /// Whether it is about an alarm, at any time.
    #[must_use]
    pub fn is_about(&self, key: &AlarmKey) -> bool {
        fits(&self.name, key.name.word()) && fits(&self.object, key.object.as_str())
    }

    /// Whether it holds now. One that was made by a clock that was ahead holds nothing back: its end
    /// is not the one that was meant.
    #[must_use]
    pub fn is_on(&self, now: SystemTime) -> bool {
        let left = self.until.duration_since(now).unwrap_or_default();
        !self.has_ended(now) && left <= LONGEST && !is_ahead(self.at, now)
    }

    /// Whether its end has passed.
    #[must_use]
    pub fn has_ended(&self, now: SystemTime) -> bool {
        self.until <= now
    }
}

/// Whether a person's word is from a time that has not come: the clock was wrong then, or is now.
#[must_use]
pub fn is_ahead(at: SystemTime, now: SystemTime) -> bool {
    at.duration_since(now).is_ok_and(|ahead| ahead > SLACK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_of_a_clock_that_was_ahead_holds_nothing_back() {
        let hours = |number: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(number * 3_600);
        let silence = Silence {
            id: 1,
            name: "*".to_owned(),
            object: "*".to_owned(),
            who: "a".to_owned(),
            comment: String::new(),
            at: hours(100_000),
            until: hours(100_008),
        };
        assert!(silence.is_on(hours(100_000)) && silence.is_on(hours(100_007)));
        assert!(
            silence.is_on(hours(99_999)),
            "the clock was set right a little"
        );
        for other in [0, 90_000, 99_998, 100_008] {
            assert!(!silence.is_on(hours(other)), "{other}");
        }
        let long = Silence {
            at: hours(0),
            ..silence
        };
        assert!(!long.is_on(hours(90_000)) && !long.has_ended(hours(90_000)));
    }
}
