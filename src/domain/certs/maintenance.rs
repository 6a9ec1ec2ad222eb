//! When to renew: inside a maintenance window of the region, with notice to whom it concerns, and
//! before the end.
//!
//! The windows that are built in are those of Cisco's Dedicated Instance guide: 21:00 to 06:00 of the
//! region's time, opening from Monday to Friday.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::ToSpan as _;
use jiff::ZonedDateTime;
use jiff::civil::Date;
use jiff::civil::Time;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use crate::domain::certs::date;
use crate::domain::certs::schedule::Span;

/// Longest way to look for a window: a year of holidays would be a mistake.
const MOST_DAYS: usize = 400;

/// A renewal that people make is proposed so long before the end, or a third of the lifetime.
const MANUAL_AHEAD: i64 = 30;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// The regions that are built in: name, zone.
///
/// The guide writes the zone of Australia as "ACT", which may mean Central Time or the Capital
/// Territory; whoever is there knows and can say so in the configuration.
pub const BUILT_IN: [(&str, &str); 4] = [
    ("amer", "America/New_York"),
    ("apjc", "Asia/Tokyo"),
    ("aus", "Australia/Darwin"),
    ("emea", "Europe/Brussels"),
];

/// When the windows of the guide open and close.
pub const OPENS: &str = "21:00";
/// See [`OPENS`].
pub const CLOSES: &str = "06:00";

/// The windows of one region.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    /// Its name.
    pub name: String,
    zone: TimeZone,
    zone_name: String,
    opens: Time,
    closes: Time,
    /// Weekdays on which a window opens.
    days: Vec<Weekday>,
}

/// Why a region cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRegion {
    /// No such zone.
    #[error("not a time zone")]
    Zone,
    /// Not a time of day.
    #[error("not a time of day")]
    Time,
    /// No weekday.
    #[error("not a weekday")]
    Day,
}

impl Region {
    /// From words: `Europe/Brussels`, `21:00`, `06:00`, `mon`.
    ///
    /// # Errors
    ///
    /// When one of them cannot be read.
    pub fn parse<T: AsRef<str>>(
        name: &str,
        zone: &str,
        opens: &str,
        closes: &str,
        days: &[T],
    ) -> Result<Self, BadRegion> {
        let days: Option<Vec<Weekday>> = days.iter().map(|day| weekday(day.as_ref())).collect();
        let days = days.filter(|days| !days.is_empty());
        Ok(Self {
            name: name.to_owned(),
            zone: TimeZone::get(zone).map_err(|_| BadRegion::Zone)?,
            zone_name: zone.to_owned(),
            opens: time_of_day(opens).ok_or(BadRegion::Time)?,
            closes: time_of_day(closes).ok_or(BadRegion::Time)?,
            days: days.ok_or(BadRegion::Day)?,
        })
    }

    /// The window that opens on a date.
    fn window(&self, opens_on: Date) -> Option<Window> {
        let closes_on = if self.closes > self.opens {
            opens_on
        } else {
            opens_on.tomorrow().ok()?
        };
        // A time that the clock skips or repeats in spring and autumn is settled by the library.
        let zoned =
            |date: Date, time: Time| date.to_datetime(time).to_zoned_datetime(self.zone.clone());
        Some(Window {
            opens: zoned(opens_on, self.opens).ok()?,
            closes: zoned(closes_on, self.closes).ok()?,
        })
    }
}

/// `mon` to `sun`.
pub const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

fn weekday(word: &str) -> Option<Weekday> {
    let at = WEEKDAYS.iter().position(|day| *day == word)?;
    Weekday::from_monday_zero_offset(i8::try_from(at).ok()?).ok()
}

fn time_of_day(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let two = |digits: &str| {
        let plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<i8>().ok().filter(|_| plain)
    };
    Time::new(two(hour)?, two(minute)?, 0, 0).ok()
}

/// A date such as `2026-12-25`.
#[must_use]
pub fn calendar_date(text: &str) -> Option<Date> {
    text.parse().ok().filter(|_| text.len() == 10)
}

/// One window.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Its first moment.
    pub opens: ZonedDateTime,
    /// Its last.
    pub closes: ZonedDateTime,
}

/// Rules of all regions.
#[derive(Debug, Clone, PartialEq)]
pub struct Calendar {
    /// Regions by name.
    pub regions: BTreeMap<String, Region>,
    /// The region of what names none.
    pub default_region: String,
    /// Business days between the notice and the window.
    pub notice: u32,
    /// Days that are no business days, and on which no window opens.
    pub holidays: BTreeSet<Date>,
    /// What renews itself or is renewed by others: at least and at most so many days before its end.
    pub managed: (u32, u32),
}

/// What is to be planned.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Its region, if it has one of its own.
    pub region: Option<&'a str>,
    /// Its lifetime.
    pub span: Span,
    /// Its end.
    pub end: SystemTime,
    /// Whether it is renewed close before its end, as managed certificates are.
    pub managed: bool,
}

/// Whether the plan keeps all rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Haste {
    /// There is time for everything.
    None,
    /// There is a window, but no time for the notice.
    NoNotice,
    /// It ends, or has ended, before the next window opens.
    NoWindow,
}

impl Haste {
    /// The word in tables and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::NoNotice => "no-notice",
            Self::NoWindow => "no-window",
        }
    }
}

/// What is proposed.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// Whose windows.
    pub region: String,
    /// Their zone.
    pub zone: String,
    /// When to renew.
    pub window: Window,
    /// The last day on which notice can be given.
    pub notice_by: Date,
    /// What cannot be kept.
    pub haste: Haste,
}

impl Calendar {
    /// Proposes a window. `None` when the end is too far away for any calendar, or the region is
    /// not known.
    #[must_use]
    pub fn propose(&self, subject: Subject<'_>, now: SystemTime) -> Option<Proposal> {
        let name = subject.region.unwrap_or(&self.default_region);
        let region = self.regions.get(name)?;
        let now = instant(now)?.to_zoned_datetime(region.zone.clone());
        let end = instant(subject.end)?.to_zoned_datetime(region.zone.clone());
        let (from, until) = self.wish(subject, &end)?;
        // Who gives notice on a holiday has given it on the next business day.
        let given = days(now.date()).find(|date| self.is_business_day(*date))?;
        let noticed = self.after_business_days(given, self.notice)?;
        let in_time = |window: &Window| window.closes <= until && window.opens > now;
        let dated = from.date().max(now.date());
        let with_notice = self
            .windows(region, dated.max(noticed))
            .find(|window| window.opens >= from)
            .filter(in_time)
            // Rather early than without notice: what is between the notice and the wish.
            .or_else(|| {
                let early = self.windows(region, noticed);
                early.take_while(|window| window.closes <= until).last()
            });
        let (window, haste) = match with_notice {
            Some(window) => (window, Haste::None),
            None => {
                let next = self
                    .windows(region, now.date())
                    .find(|window| window.opens > now)?;
                let haste = if next.opens < end {
                    Haste::NoNotice
                } else {
                    Haste::NoWindow
                };
                (next, haste)
            }
        };
        let notice_by = self.before_business_days(window.opens.date(), self.notice)?;
        Some(Proposal {
            region: region.name.clone(),
            zone: region.zone_name.clone(),
            window,
            notice_by,
            haste,
        })
    }

    /// From when it should be renewed, and until when it must be.
    fn wish(
        &self,
        subject: Subject<'_>,
        end: &ZonedDateTime,
    ) -> Option<(ZonedDateTime, ZonedDateTime)> {
        let third = subject
            .span
            .third()
            .map(|third| i64::try_from(third.as_secs()).unwrap_or(i64::MAX));
        let (ahead, rest) = if subject.managed {
            let (least, most) = self.managed;
            (i64::from(most) * DAY, i64::from(least) * DAY)
        } else {
            (MANUAL_AHEAD * DAY, i64::from(self.managed.0) * DAY)
        };
        let ahead = third.map_or(ahead, |third| ahead.min(third));
        let rest = third.map_or(rest, |third| rest.min(third / 3));
        let back = |seconds: i64| end.checked_sub(seconds.seconds()).ok();
        Some((back(ahead)?, back(rest)?))
    }

    fn windows<'a>(&'a self, region: &'a Region, from: Date) -> impl Iterator<Item = Window> + 'a {
        let opens = move |date: &Date| {
            region.days.contains(&date.weekday()) && !self.holidays.contains(date)
        };
        days(from)
            .filter(opens)
            .filter_map(|date| region.window(date))
    }

    fn is_business_day(&self, date: Date) -> bool {
        let weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
        !weekend && !self.holidays.contains(&date)
    }

    /// The day before which so many business days have passed since `date`.
    fn after_business_days(&self, date: Date, business_days: u32) -> Option<Date> {
        let (mut date, mut left) = (date, business_days);
        for _ in 0..MOST_DAYS {
            if left == 0 {
                return Some(date);
            }
            date = date.tomorrow().ok()?;
            if self.is_business_day(date) {
                left -= 1;
            }
        }
        None
    }

    fn before_business_days(&self, date: Date, business_days: u32) -> Option<Date> {
        let (mut date, mut left) = (date, business_days);
        for _ in 0..MOST_DAYS {
            if left == 0 {
                return Some(date);
            }
            date = date.yesterday().ok()?;
            if self.is_business_day(date) {
                left -= 1;
            }
        }
        None
    }
}

fn days(from: Date) -> impl Iterator<Item = Date> {
    std::iter::successors(Some(from), |date| date.tomorrow().ok()).take(MOST_DAYS)
}

fn instant(at: SystemTime) -> Option<Timestamp> {
    Timestamp::from_second(date::to_unix(at)).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WORKDAYS: [&str; 5] = ["mon", "tue", "wed", "thu", "fri"];

    fn calendar(holidays: &[&str]) -> Calendar {
        let regions = BUILT_IN.iter().map(|(name, zone)| {
            let region = Region::parse(name, zone, OPENS, CLOSES, &WORKDAYS).unwrap();
            ((*name).to_owned(), region)
        });
        Calendar {
            regions: regions.collect(),
            default_region: "emea".to_owned(),
            notice: 10,
            holidays: holidays
                .iter()
                .map(|day| calendar_date(day).unwrap())
                .collect(),
            managed: (3, 7),
        }
    }

    fn at(text: &str) -> SystemTime {
        let timestamp: Timestamp = text.parse().unwrap();
        date::from_unix(timestamp.as_second()).unwrap()
    }

    fn propose(
        calendar: &Calendar,
        region: &str,
        managed: bool,
        (start, end, now): (&str, &str, &str),
    ) -> (String, String, String, Haste) {
        let subject = Subject {
            region: Some(region),
            span: Span::new(Some(at(start)), at(end)),
            end: at(end),
            managed,
        };
        let proposal = calendar.propose(subject, at(now)).unwrap();
        (
            proposal.window.opens.to_string(),
            proposal.window.closes.timestamp().to_string(),
            proposal.notice_by.to_string(),
            proposal.haste,
        )
    }

    #[test]
    fn a_managed_certificate_is_renewed_three_to_seven_days_before_its_end() {
        let dates = (
            "2026-03-01T00:00:00Z",
            "2027-03-05T12:00:00Z",
            "2027-01-10T08:00:00Z",
        );
        let found = propose(&calendar(&[]), "emea", true, dates);
        assert_eq!(
            found,
            (
                "2027-02-26T21:00:00+01:00[Europe/Brussels]".to_owned(),
                "2027-02-27T05:00:00Z".to_owned(),
                "2027-02-12".to_owned(),
                Haste::None,
            )
        );
        // The Friday is a holiday, so that it becomes Monday, and notice has a day less to count.
        let found = propose(&calendar(&["2027-02-26"]), "emea", true, dates);
        assert_eq!(found.0, "2027-03-01T21:00:00+01:00[Europe/Brussels]");
        assert_eq!(found.2, "2027-02-12");
    }

    #[test]
    fn the_clock_change_of_the_region_is_kept() {
        // New York goes to summer time on 14 March 2027 at 02:00, within no window of a workday;
        // the window of Friday before and Monday after differ by an hour in UTC.
        let calendar = calendar(&[]);
        let region = calendar.regions.get("amer").unwrap();
        let utc = |day: &str| {
            let window = region.window(calendar_date(day).unwrap()).unwrap();
            (
                window.opens.timestamp().to_string(),
                window.closes.timestamp().to_string(),
            )
        };
        let text = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            utc("2027-03-12"),
            text("2027-03-13T02:00:00Z", "2027-03-13T11:00:00Z")
        );
        assert_eq!(
            utc("2027-03-15"),
            text("2027-03-16T01:00:00Z", "2027-03-16T10:00:00Z")
        );
        // The night itself is one hour shorter: eight hours instead of nine.
        assert_eq!(
            utc("2027-03-13"),
            text("2027-03-14T02:00:00Z", "2027-03-14T10:00:00Z")
        );
        let tokyo = calendar.regions.get("apjc").unwrap();
        let window = tokyo.window(calendar_date("2027-03-15").unwrap()).unwrap();
        assert_eq!(window.opens.timestamp().to_string(), "2027-03-15T12:00:00Z");
    }

    #[test]
    fn a_purchased_certificate_is_planned_a_month_ahead_and_with_notice() {
        let calendar = calendar(&[]);
        let year = "2026-03-01T00:00:00Z";
        let end = "2027-03-05T12:00:00Z";
        let found = propose(
            &calendar,
            "amer",
            false,
            (year, end, "2026-12-01T08:00:00Z"),
        );
        assert_eq!(found.0, "2027-02-03T21:00:00-05:00[America/New_York]");
        assert_eq!((found.2.as_str(), found.3), ("2027-01-20", Haste::None));
        // Less than a month is left: the first window after the notice.
        let found = propose(
            &calendar,
            "amer",
            false,
            (year, end, "2027-02-10T08:00:00Z"),
        );
        assert_eq!(found.0, "2027-02-24T21:00:00-05:00[America/New_York]");
        assert_eq!((found.2.as_str(), found.3), ("2027-02-10", Haste::None));
        // No time for a notice any more.
        let found = propose(
            &calendar,
            "amer",
            false,
            (year, end, "2027-02-28T08:00:00Z"),
        );
        assert_eq!(found.0, "2027-03-01T21:00:00-05:00[America/New_York]");
        assert_eq!(found.3, Haste::NoNotice);
        // Over.
        let found = propose(
            &calendar,
            "amer",
            false,
            (year, end, "2027-03-06T08:00:00Z"),
        );
        assert_eq!(found.0, "2027-03-08T21:00:00-05:00[America/New_York]");
        assert_eq!(found.3, Haste::NoWindow);
    }

    #[test]
    fn what_has_no_calendar_has_no_plan() {
        let calendar = calendar(&[]);
        let subject = |end: SystemTime, region| Subject {
            region,
            span: Span::new(None, end),
            end,
            managed: false,
        };
        let now = at("2027-01-01T00:00:00Z");
        let never = date::from_unix(253_402_300_799).unwrap();
        assert!(calendar.propose(subject(never, None), now).is_none());
        let soon = at("2027-02-01T00:00:00Z");
        assert!(calendar.propose(subject(soon, Some("mars")), now).is_none());
        assert!(calendar.propose(subject(soon, None), now).is_some());
    }

    #[test]
    fn slips_in_a_region_are_told_apart() {
        let region = |zone: &str, opens: &str, day: &str| {
            Region::parse("x", zone, opens, "06:00", &[day]).err()
        };
        assert_eq!(region("Europe/Brussels", "21:00", "mon"), None);
        assert_eq!(
            region("Europe/Nowhere", "21:00", "mon"),
            Some(BadRegion::Zone)
        );
        assert_eq!(
            region("../../etc/passwd", "21:00", "mon"),
            Some(BadRegion::Zone)
        );
        for time in ["24:00", "9:00", "21", "21:60", "+1:00", "21:00:00"] {
            assert_eq!(region("UTC", time, "mon"), Some(BadRegion::Time), "{time}");
        }
        assert_eq!(region("UTC", "21:00", "monday"), Some(BadRegion::Day));
        assert_eq!(calendar_date("2026-02-30"), None);
        assert_eq!(calendar_date("20261225"), None);
    }

    proptest! {
        #[test]
        fn a_proposal_lies_ahead_and_keeps_what_it_says(
            lifetime in 1_i64..4_000,
            left in -100_i64..4_000,
            second in 0_i64..86_400,
            managed: bool,
            which in 0_usize..4,
        ) {
            let calendar = calendar(&["2027-12-24", "2028-01-03"]);
            let now = 1_800_000_000 + second;
            let end = now + left * DAY;
            let subject = Subject {
                region: Some(BUILT_IN[which].0),
                span: Span::new(date::from_unix(end - lifetime * DAY), date::from_unix(end).unwrap()),
                end: date::from_unix(end).unwrap(),
                managed,
            };
            let proposal = calendar.propose(subject, date::from_unix(now).unwrap()).unwrap();
            let Window { opens, closes } = &proposal.window;
            prop_assert!(opens.timestamp().as_second() > now);
            prop_assert!(opens < closes);
            let weekend = matches!(opens.date().weekday(), Weekday::Saturday | Weekday::Sunday);
            prop_assert!(!weekend && !calendar.holidays.contains(&opens.date()));
            match proposal.haste {
                Haste::None => {
                    prop_assert!(closes.timestamp().as_second() <= end);
                    let today = instant(date::from_unix(now).unwrap()).unwrap();
                    let today = today.to_zoned_datetime(opens.time_zone().clone()).date();
                    prop_assert!(proposal.notice_by >= today);
                }
                Haste::NoNotice => prop_assert!(opens.timestamp().as_second() < end),
                Haste::NoWindow => prop_assert!(opens.timestamp().as_second() >= end),
            }
        }
    }
}
