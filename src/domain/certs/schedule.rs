//! When an end that comes nearer becomes news, and how bad it is then.
//!
//! A band begins at a share of the lifetime before the end, but no earlier than a number of days
//! before it: "30 days before" alone would always be wrong for a certificate of 47 days, and a third
//! of the lifetime alone for one of ten years. Severity never falls while time goes on.

use std::fmt;
use std::time::Duration;
use std::time::SystemTime;

use crate::domain::alarms::Severity;
use crate::domain::certs::date;

/// Most bands of one certificate; each is a notice to a person.
pub const MOST_BANDS: usize = 16;

/// Seconds of an hour and of a day.
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// No certificate ends further away; a longer cap would be a slip of the pen.
const LONGEST_DAYS: i64 = 3_650;

/// A renewal is late this long after it was due, or a tenth of the time that it has, whichever is
/// longer (a job that runs once a day may miss once).
const LATE_AT_LEAST: i64 = DAY;
const LATE_SHARE: i64 = 10;

/// Share of the lifetime that is left when a renewal is due, if nobody says better: one third.
const DUE_SHARE: i64 = 3;

/// A share of a lifetime in thousandths.
const WHOLE: i64 = 1_000;

/// From when on an end is how bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Band {
    /// How bad.
    pub severity: Severity,
    /// At most this many seconds before the end; `None`: the share alone counts.
    before: Option<i64>,
    /// At most this share of the lifetime before the end, in thousandths; `None`: the time alone
    /// counts.
    share: Option<i64>,
}

impl Band {
    /// The first second of the band.
    fn starts(self, span: Span) -> i64 {
        let share = self.share.and_then(|share| span.share(share));
        let before = match (self.before, share) {
            (Some(before), Some(share)) => before.min(share),
            (Some(one), None) | (None, Some(one)) => one,
            // A share of an unknown lifetime.
            (None, None) => 0,
        };
        span.end().saturating_sub(before)
    }

    /// The word of the threshold: `30d`, `12h`, `20%`.
    fn word(self) -> String {
        match (self.before, self.share) {
            (Some(before), _) => time_text(before),
            (None, Some(share)) => share_text(share),
            (None, None) => String::new(),
        }
    }
}

/// As it is written in the configuration.
impl fmt::Display for Band {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.severity)?;
        if let Some(before) = self.before {
            write!(f, " {}", time_text(before))?;
        }
        if let Some(share) = self.share {
            write!(f, " {}", share_text(share))?;
        }
        Ok(())
    }
}

fn time_text(seconds: i64) -> String {
    if seconds % DAY == 0 {
        format!("{}d", seconds / DAY)
    } else {
        format!("{}h", seconds / HOUR)
    }
}

fn share_text(share: i64) -> String {
    if share % 10 == 0 {
        format!("{}%", share / 10)
    } else {
        format!("{}.{}%", share / 10, share % 10)
    }
}

/// All bands of one certificate, and how bad its end is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bands {
    bands: Vec<Band>,
    ended: Severity,
}

/// Why words are no bands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadBand {
    /// Nothing is said of the end.
    #[error("no band says how bad the end itself is; add one such as \"critical ended\"")]
    EndUnsaid,
    /// Neither a time nor a share nor `ended`.
    #[error("\"{0}\" is no band")]
    Form(String),
    /// A band that begins later is milder than one that begins earlier.
    #[error("\"{0}\" is milder than a band that comes before it")]
    Milder(String),
    /// More than [`MOST_BANDS`].
    #[error("there are more than {MOST_BANDS} bands")]
    TooMany,
}

/// How one band is written.
pub const BAND_FORM: &str = "severity, then days and share of the lifetime before the end, such as \
                             \"low 30d 33%\", \"medium 20%\" or \"critical ended\"";

impl Bands {
    /// From the words of the configuration, the earliest band first.
    ///
    /// # Errors
    ///
    /// When a word cannot be read, or a later band is milder than an earlier one.
    pub fn parse<T: AsRef<str>>(words: &[T]) -> Result<Self, BadBand> {
        let (mut bands, mut ended) = (Vec::new(), None);
        if words.len() > MOST_BANDS {
            return Err(BadBand::TooMany);
        }
        let mut worst = Severity::Informational;
        for text in words {
            let text = text.as_ref();
            let (severity, band) =
                read(text).ok_or_else(|| BadBand::Form(text.chars().take(80).collect()))?;
            if severity < worst || ended.is_some() {
                return Err(BadBand::Milder(text.to_owned()));
            }
            worst = severity;
            match band {
                Some(band) => bands.push(band),
                None => ended = Some(severity),
            }
        }
        let ended = ended.ok_or(BadBand::EndUnsaid)?;
        Ok(Self { bands, ended })
    }

    /// As they are written in the configuration.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let bands = self.bands.iter().map(ToString::to_string);
        bands.chain([format!("{} ended", self.ended)]).collect()
    }

    /// Where `now` lies. `key` names the configuration that the bands come from.
    #[must_use]
    pub fn judge(&self, key: &str, span: Span, renewal: Option<Renewal>, now: SystemTime) -> Point {
        let now = date::to_unix(now);
        let mut marks: Vec<Mark> = Vec::with_capacity(self.bands.len() + 2);
        if let Some(renewal) = renewal {
            marks.push(Mark {
                at: renewal.late(span),
                severity: Severity::Low,
                step: "overdue".to_owned(),
                rule: format!("{key}: the renewal is late by a tenth of its time, at least 24 h"),
            });
        }
        marks.extend(self.bands.iter().map(|band| Mark {
            at: band.starts(span),
            severity: band.severity,
            step: band.word(),
            rule: format!("{key} = \"{band}\""),
        }));
        marks.push(Mark {
            // The last second still belongs to the lifetime.
            at: span.end().saturating_add(1),
            severity: self.ended,
            step: "ended".to_owned(),
            rule: format!("{key} = \"{} ended\"", self.ended),
        });
        // Stable, so that of two marks at one second the later written one names the step.
        marks.sort_by_key(|mark| mark.at);
        let next = marks.iter().map(|mark| mark.at).find(|at| *at > now);
        let passed: Vec<Mark> = marks.into_iter().filter(|mark| mark.at <= now).collect();
        let severity = passed.iter().map(|mark| mark.severity).max();
        let last = passed.into_iter().next_back();
        Point {
            severity,
            step: last
                .as_ref()
                .map(|mark| mark.step.clone())
                .unwrap_or_default(),
            rule: last.map(|mark| mark.rule).unwrap_or_default(),
            over: now > span.end(),
            next: next.and_then(date::from_unix),
        }
    }
}

struct Mark {
    at: i64,
    severity: Severity,
    step: String,
    rule: String,
}

fn read(text: &str) -> Option<(Severity, Option<Band>)> {
    let mut words = text.split_ascii_whitespace();
    let severity = Severity::from_word(words.next()?)?;
    let (mut before, mut share, mut ended) = (None, None, false);
    for word in words {
        if word == "ended" && before.is_none() && share.is_none() && !ended {
            ended = true;
        } else if let Some(days) = word.strip_suffix('d').filter(|_| before.is_none()) {
            before = Some(whole(days, LONGEST_DAYS)?.checked_mul(DAY)?);
        } else if let Some(hours) = word.strip_suffix('h').filter(|_| before.is_none()) {
            before = Some(whole(hours, LONGEST_DAYS * 24)?.checked_mul(HOUR)?);
        } else if let Some(percent) = word.strip_suffix('%').filter(|_| share.is_none()) {
            share = Some(thousandths(percent)?);
        } else {
            return None;
        }
    }
    match (before, share, ended) {
        (None, None, true) => Some((severity, None)),
        (None, None, false) | (_, _, true) => None,
        (before, share, false) => Some((
            severity,
            Some(Band {
                severity,
                before,
                share,
            }),
        )),
    }
}

fn whole(digits: &str, most: i64) -> Option<i64> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: i64 = digits.parse().ok().filter(|_| plain)?;
    (1..=most).contains(&number).then_some(number)
}

/// `33` or `4.5` percent.
fn thousandths(percent: &str) -> Option<i64> {
    let (whole_part, tenth) = percent.split_once('.').unwrap_or((percent, "0"));
    let number = whole_part.parse::<i64>().ok()?.checked_mul(10)?;
    let tenth = (tenth.len() == 1).then(|| tenth.parse::<i64>().ok())??;
    let plain = whole_part.bytes().all(|byte| byte.is_ascii_digit());
    (1..=WHOLE)
        .contains(&(number + tenth))
        .then_some(number + tenth)
        .filter(|_| plain)
}

/// From when to when something is good. The start may be unknown, and even lie after the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    start: Option<i64>,
    end: i64,
}

impl Span {
    /// From its first to its last second.
    #[must_use]
    pub fn new(start: Option<SystemTime>, end: SystemTime) -> Self {
        Self {
            start: start.map(date::to_unix),
            end: date::to_unix(end),
        }
    }

    const fn end(self) -> i64 {
        self.end
    }

    /// Seconds of the lifetime; none when it ends before it starts.
    fn lifetime(self) -> Option<i64> {
        let start = self.start?;
        Some(self.end.saturating_sub(start).max(0))
    }

    fn share(self, share: i64) -> Option<i64> {
        let seconds = i128::from(self.lifetime()?) * i128::from(share) / i128::from(WHOLE);
        i64::try_from(seconds).ok()
    }

    /// When a renewal is due if nobody says better: with a third of the lifetime left.
    #[must_use]
    pub fn renewal(self) -> Option<SystemTime> {
        let left = self.lifetime()? / DUE_SHARE;
        date::from_unix(self.end.saturating_sub(left))
    }

    /// A third of the lifetime, the cap of everything that is said ahead of an end.
    #[must_use]
    pub fn third(self) -> Option<Duration> {
        let left = self.lifetime()? / DUE_SHARE;
        u64::try_from(left).ok().map(Duration::from_secs)
    }
}

/// A renewal that happens by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Renewal {
    /// When it is due.
    pub due: SystemTime,
}

impl Renewal {
    /// When it is late enough to be told.
    fn late(self, span: Span) -> i64 {
        let due = date::to_unix(self.due);
        let window = span.end().saturating_sub(due).max(0);
        let patience = (window / LATE_SHARE).max(LATE_AT_LEAST);
        // Never after the end, where it would be no news.
        due.saturating_add(patience).min(span.end())
    }
}

/// Where a moment lies among the bands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// How bad; `None` before the first band.
    pub severity: Option<Severity>,
    /// The last threshold that was passed.
    pub step: String,
    /// Its rule with the key of the configuration.
    pub rule: String,
    /// Whether the end itself has passed.
    pub over: bool,
    /// When it next becomes worse.
    pub next: Option<SystemTime>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::certs::inventory::Kind;

    fn at(seconds: i64) -> SystemTime {
        date::from_unix(seconds).unwrap()
    }

    /// Severity and step so many days before the end of a certificate of so many days.
    fn point(kind: Kind, lifetime: f64, left: f64) -> (Option<Severity>, String) {
        let seconds = |days: f64| (days * 86_400.0) as i64;
        let end = 1_800_000_000;
        let span = Span::new(Some(at(end - seconds(lifetime))), at(end));
        let renewal = (kind == Kind::ManagedLeaf).then(|| Renewal {
            due: span.renewal().unwrap(),
        });
        let point = kind
            .bands()
            .judge("certificates.x", span, renewal, at(end - seconds(left)));
        (point.severity, point.step)
    }

    #[test]
    fn bands_follow_the_lifetime_of_manual_certificates() {
        use Severity::*;
        let cases = [
            // A year: the days count.
            (398.0, 30.1, None, ""),
            (398.0, 30.0, Some(Low), "30d"),
            (398.0, 14.0, Some(Medium), "14d"),
            (398.0, 7.0, Some(High), "7d"),
            (398.0, 3.0, Some(High), "3d"),
            (398.0, 1.0, Some(Critical), "1d"),
            (398.0, 0.0, Some(Critical), "1d"),
            (398.0, -0.1, Some(Critical), "ended"),
            // 90 days: a third is 30.
            (90.0, 29.8, None, ""),
            (90.0, 29.6, Some(Low), "30d"),
            // 47 days: shares count.
            (47.0, 16.0, None, ""),
            (47.0, 15.5, Some(Low), "30d"),
            (47.0, 7.0, Some(Medium), "14d"),
            (47.0, 3.7, Some(High), "7d"),
            // Six days.
            (6.0, 2.1, None, ""),
            (6.0, 1.9, Some(Low), "30d"),
            (6.0, 0.1, Some(Critical), "1d"),
            // Ten years: the days cap the share.
            (3650.0, 31.0, None, ""),
            (3650.0, 29.0, Some(Low), "30d"),
        ];
        for (lifetime, left, severity, step) in cases {
            let found = point(Kind::ManualLeaf, lifetime, left);
            assert_eq!(found, (severity, step.to_owned()), "{lifetime} {left}");
        }
    }

    #[test]
    fn a_managed_certificate_is_silent_until_its_renewal_is_late() {
        use Severity::*;
        let cases = [
            // Due at 30 days, late at 27.
            (90.0, 28.0, None, ""),
            (90.0, 26.9, Some(Low), "overdue"),
            (90.0, 18.0, Some(Medium), "20%"),
            (90.0, 3.0, Some(High), "3d"),
            (90.0, 1.0, Some(Critical), "1d"),
            // Due at 15.7 days, late at 14.1.
            (47.0, 15.0, None, ""),
            (47.0, 14.0, Some(Low), "overdue"),
            (47.0, 3.0, Some(High), "3d"),
            // Due at 2 days, late at 1; a fifth comes before that.
            (6.0, 1.5, None, ""),
            (6.0, 1.2, Some(Medium), "20%"),
            (6.0, 0.9, Some(Medium), "overdue"),
            (6.0, 0.2, Some(Critical), "1d"),
            (398.0, 133.0, None, ""),
            (398.0, 100.0, Some(Low), "overdue"),
        ];
        for (lifetime, left, severity, step) in cases {
            let found = point(Kind::ManagedLeaf, lifetime, left);
            assert_eq!(found, (severity, step.to_owned()), "{lifetime} {left}");
        }
    }

    #[test]
    fn an_anchor_is_told_a_quarter_ahead_and_a_token_by_its_sixty_days() {
        use Severity::*;
        let found = point(Kind::TrustAnchor, 3650.0, 90.0);
        assert_eq!(found, (Some(Low), "90d".to_owned()));
        assert_eq!(point(Kind::TrustAnchor, 3650.0, 91.0).0, None);
        assert_eq!(point(Kind::TrustAnchor, 3650.0, 7.0).0, Some(Critical));
        assert_eq!(point(Kind::OauthToken, 60.0, 21.0).0, None);
        assert_eq!(point(Kind::OauthToken, 60.0, 19.0).0, Some(Low));
        assert_eq!(point(Kind::KeyAge, 365.0, -1.0).0, Some(Low));
    }

    #[test]
    fn a_lifetime_that_is_unknown_or_turned_round_still_has_an_end() {
        let bands = Kind::ManualLeaf.bands();
        let now = at(1_000_000);
        let unknown = Span::new(None, at(1_000_000 + 20 * 86_400));
        let point = bands.judge("k", unknown, None, now);
        assert_eq!(
            (point.severity, point.step.as_str()),
            (Some(Severity::Low), "30d")
        );
        let turned = Span::new(Some(at(2_000_000)), at(1_500_000));
        let point = bands.judge("k", turned, None, now);
        assert_eq!((point.severity, point.over), (None, false));
        assert_eq!(point.next, Some(at(1_500_000)));
        let far = Span::new(Some(now), at(253_402_300_799));
        assert_eq!(bands.judge("k", far, None, now).severity, None);
    }

    #[test]
    fn bands_read_back_and_slips_are_refused() {
        for kind in Kind::ALL {
            let words = kind.bands().words();
            assert_eq!(Bands::parse(&words).as_ref(), Ok(&kind.bands()), "{kind:?}");
        }
        let bad = |words: &[&str]| Bands::parse(words).unwrap_err();
        assert_eq!(bad(&["low 30d"]), BadBand::EndUnsaid);
        for text in [
            "low",
            "low 0d",
            "low 30",
            "low 101%",
            "low 3.25%",
            "low -3d",
            "low 30d 30d",
            "bad 3d",
            "low ended 3d",
            "low +3d",
            "low 99999999999999999999d",
            "",
        ] {
            assert_eq!(bad(&[text]), BadBand::Form(text.to_owned()), "{text}");
        }
        assert!(matches!(bad(&["high 30d", "low 7d"]), BadBand::Milder(_)));
        assert_eq!(bad(&["low 3d"; 17]), BadBand::TooMany);
        let fine = Bands::parse(&["low 4.5%", "high 12h 2%", "critical ended"]).unwrap();
        assert_eq!(fine.words(), ["low 4.5%", "high 12h 2%", "critical ended"]);
    }

    proptest! {
        /// Whatever the lifetime, and whenever it is looked at.
        #[test]
        fn severity_never_falls_while_time_goes_on(
            lifetime in -10_i64..400_000_000,
            moments in proptest::collection::vec(-40_000_000_i64..400_000_000, 2..20),
            which in 0_usize..8,
            due in proptest::option::of(0_i64..400_000_000),
        ) {
            let kind = Kind::ALL[which % Kind::ALL.len()];
            let end = 1_800_000_000;
            let span = Span::new(Some(at(end - lifetime)), at(end));
            let renewal = due.map(|left| Renewal { due: at(end - left) });
            let mut moments = moments;
            moments.sort_unstable();
            let mut worst = None;
            let mut expected: Option<SystemTime> = None;
            for left in moments.iter().rev() {
                let now = at(end - left);
                let point = kind.bands().judge("k", span, renewal, now);
                prop_assert!(point.severity >= worst);
                // Nothing changes before the moment that was foretold.
                if expected.is_some_and(|next| now < next) {
                    prop_assert_eq!(point.severity, worst);
                }
                prop_assert!(point.next.is_none_or(|next| next > now));
                prop_assert_eq!(point.over, *left < 0);
                worst = point.severity;
                expected = point.next;
            }
        }

        #[test]
        fn any_words_are_read_or_refused_without_panic(words in proptest::collection::vec("\\PC{0,30}", 0..5)) {
            drop(Bands::parse(&words));
        }
    }
}
