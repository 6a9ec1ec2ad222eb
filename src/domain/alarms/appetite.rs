//! Which notices a sink wants, and when: its level and its quiet hours.

use std::time::SystemTime;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::alarms::notice::Notice;
use crate::domain::alarms::notice::NoticeKind;
use crate::domain::alarms::severity::Severity;

/// Minutes of a day.
pub const DAY: u16 = 24 * 60;

/// What a sink is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appetite {
    /// The mildest severity that it is told of. Who was told of an alarm is told of its end too,
    /// whatever the severity had become: that is for the caller, who knows.
    pub level: Severity,
    /// When mild news wait.
    pub quiet: Option<QuietHours>,
}

/// Hours of the night in which mild news wait for the morning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuietHours {
    /// First quiet minute of the day, below [`DAY`].
    pub from: u16,
    /// First minute that is not quiet any more; before `from` when the night is over midnight.
    pub until: u16,
    /// Name in the IANA time zone database by which the minutes are counted.
    pub zone: String,
    /// The worst severity that waits.
    pub level: Severity,
}

impl Appetite {
    /// For how many minutes a notice waits, at a minute of the day in the zone of the quiet hours.
    /// A test never does: somebody sits there and waits for it.
    #[must_use]
    pub fn held_for(&self, notice: &Notice, minute: u16) -> u16 {
        match &self.quiet {
            Some(quiet) if notice.severity <= quiet.level && notice.kind != NoticeKind::Test => {
                quiet.left(minute)
            }
            Some(_) | None => 0,
        }
    }
}

impl QuietHours {
    /// Whether there is a time zone of this name.
    #[must_use]
    pub fn is_zone(name: &str) -> bool {
        TimeZone::get(name).is_ok()
    }

    /// The minute of the day in their zone. The zone was proven; were it unknown, UTC would count.
    #[must_use]
    pub fn minute(&self, at: SystemTime) -> u16 {
        let zone = TimeZone::get(&self.zone).unwrap_or(TimeZone::UTC);
        let local = Timestamp::try_from(at).map(|at| at.to_zoned_datetime(zone));
        local.map_or(0, |local| {
            let minute = i16::from(local.hour()) * 60 + i16::from(local.minute());
            minute.unsigned_abs()
        })
    }

    /// Minutes until they end; 0 when it is not quiet.
    #[must_use]
    pub fn left(&self, minute: u16) -> u16 {
        let minute = minute % DAY;
        let since = |start: u16| (minute + DAY - start % DAY) % DAY;
        let length = (self.until + DAY - self.from % DAY) % DAY;
        let gone = since(self.from);
        length.saturating_sub(gone)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn night() -> QuietHours {
        QuietHours {
            from: 22 * 60,
            until: 6 * 60,
            zone: "UTC".to_owned(),
            level: Severity::Low,
        }
    }

    fn notice(kind: NoticeKind, severity: Severity) -> Notice {
        Notice {
            severity,
            ..Notice::bare(1, kind, "crl")
        }
    }

    #[test]
    fn a_night_goes_over_midnight_and_ends_in_the_morning() {
        let night = night();
        for (minute, left) in [
            (22 * 60 - 1, 0),
            (22 * 60, 480),
            (0, 360),
            (6 * 60 - 1, 1),
            (6 * 60, 0),
            (12 * 60, 0),
        ] {
            assert_eq!(night.left(minute), left, "{minute}");
        }
        let siesta = QuietHours {
            from: 13 * 60,
            until: 15 * 60,
            ..night
        };
        assert_eq!(siesta.left(14 * 60), 60);
        assert_eq!(siesta.left(0), 0);
    }

    #[test]
    fn the_minute_is_that_of_the_zone_in_summer_and_winter() {
        let rome = QuietHours {
            zone: "Europe/Rome".to_owned(),
            ..night()
        };
        // 2026-01-15 and 2026-07-15, 21:30 UTC.
        for (unix, minute) in [(1_768_512_600, 22 * 60 + 30), (1_784_151_000, 23 * 60 + 30)] {
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(unix);
            assert_eq!(rome.minute(at), minute);
        }
        assert!(!QuietHours::is_zone("Europe/Roma"));
    }

    #[test]
    fn mild_news_wait_at_night_bad_ones_and_tests_do_not() {
        let appetite = Appetite {
            level: Severity::Low,
            quiet: Some(night()),
        };
        for (kind, severity, minutes) in [
            (NoticeKind::Raised, Severity::Low, 480),
            (NoticeKind::Raised, Severity::Medium, 0),
            (NoticeKind::Cleared, Severity::Low, 480),
            (NoticeKind::Test, Severity::Informational, 0),
        ] {
            let notice = notice(kind, severity);
            assert_eq!(appetite.held_for(&notice, 22 * 60), minutes, "{kind:?}");
            assert_eq!(appetite.held_for(&notice, 12 * 60), 0, "by day");
            let always = Appetite {
                quiet: None,
                ..appetite.clone()
            };
            assert_eq!(always.held_for(&notice, 22 * 60), 0);
        }
    }
}
