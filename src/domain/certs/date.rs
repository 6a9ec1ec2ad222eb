//! Certificate dates as people read them: UTC, to the second.

use std::time::Duration;
use std::time::SystemTime;

use time::OffsetDateTime;
use time::macros::format_description;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// From seconds since 1970, which may lie before it. `None` when the clock cannot hold it.
#[must_use]
pub fn from_unix(seconds: i64) -> Option<SystemTime> {
    let span = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(span)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(span)
    }
}

/// Whole seconds since 1970, negative before it.
#[must_use]
pub fn to_unix(at: SystemTime) -> i64 {
    match at.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(before) => {
            i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |seconds| -seconds)
        }
    }
}

/// `2026-11-21 10:00:00 UTC`.
#[must_use]
pub fn text(at: SystemTime) -> String {
    const FORM: &[time::format_description::BorrowedFormatItem<'_>] =
        format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    moment(at)
        .and_then(|moment| moment.format(FORM).ok())
        .unwrap_or_else(|| format!("{} s since 1970", to_unix(at)))
}

/// The year in UTC; `None` when it lies outside of what a certificate can say.
#[must_use]
pub fn year(at: SystemTime) -> Option<i32> {
    moment(at).map(OffsetDateTime::year)
}

/// Whole days from `now` to `at`, rounded down: 0 on the last day, negative when it is over.
#[must_use]
pub fn days_between(now: SystemTime, at: SystemTime) -> i64 {
    to_unix(at).saturating_sub(to_unix(now)).div_euclid(DAY)
}

fn moment(at: SystemTime) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(to_unix(at)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_before_and_after_1970_survive_the_round_trip() {
        for seconds in [-62_135_596_800, -1, 0, 1_795_255_200, 253_402_300_799] {
            assert_eq!(from_unix(seconds).map(to_unix), Some(seconds));
        }
    }

    #[test]
    fn text_is_utc_to_the_second() {
        let at = from_unix(1_795_255_200).unwrap();
        assert_eq!(text(at), "2026-11-21 10:00:00 UTC");
        assert_eq!(year(at), Some(2026));
        assert_eq!(
            text(from_unix(i64::from(u32::MAX) * 1_000).unwrap()),
            "4294967295000 s since 1970"
        );
    }

    #[test]
    fn days_count_down_to_zero_on_the_last_day() {
        let at = |seconds| from_unix(seconds).unwrap();
        let cases = [
            (0, 86_400, 1),
            (0, 86_399, 0),
            (0, 0, 0),
            (1, 0, -1),
            (86_401, 0, -2),
        ];
        for (now, then, days) in cases {
            assert_eq!(days_between(at(now), at(then)), days, "{now} -> {then}");
        }
    }
}
