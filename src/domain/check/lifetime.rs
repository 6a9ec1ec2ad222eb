//! Thresholds of a certificate: a share of its lifetime, or a time before its end.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How much of a certificate's life may be left before it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LifetimeLimit {
    /// So many hundredths of its whole lifetime.
    Share(u8),
    /// So long before its end.
    Left(Duration),
}

/// Why a text is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a limit is a share of the lifetime, as in `25%`, or a time, as in `30d`, `12h`, `90m`")]
pub struct BadLimit;

/// A hundred years: more is a slip.
const MOST_DAYS: u64 = 36_500;

impl LifetimeLimit {
    /// Seconds before the end, of a certificate that lives for `lifetime` seconds.
    #[must_use]
    pub fn seconds(self, lifetime: f64) -> f64 {
        match self {
            Self::Share(percent) => lifetime * f64::from(percent) / 100.0,
            Self::Left(left) => left.as_secs_f64(),
        }
    }
}

impl FromStr for LifetimeLimit {
    type Err = BadLimit;

    fn from_str(text: &str) -> Result<Self, BadLimit> {
        if let Some(percent) = text.strip_suffix('%') {
            return match percent.parse() {
                Ok(percent @ 0..=100) => Ok(Self::Share(percent)),
                _ => Err(BadLimit),
            };
        }
        let units: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
        let (number, unit) = units
            .into_iter()
            .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, unit)))
            .ok_or(BadLimit)?;
        if !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(BadLimit);
        }
        let number: u64 = number.parse().map_err(|_| BadLimit)?;
        let seconds = number.checked_mul(unit).ok_or(BadLimit)?;
        if seconds > MOST_DAYS * 86_400 {
            return Err(BadLimit);
        }
        Ok(Self::Left(Duration::from_secs(seconds)))
    }
}

impl fmt::Display for LifetimeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share(percent) => write!(f, "{percent}%"),
            Self::Left(left) => match left.as_secs() {
                s if s % 86_400 == 0 => write!(f, "{}d", s / 86_400),
                s if s % 3_600 == 0 => write!(f, "{}h", s / 3_600),
                s if s % 60 == 0 => write!(f, "{}m", s / 60),
                s => write!(f, "{s}s"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_times_are_read_and_said_alike() {
        for (text, seconds) in [
            ("25%", 250.0),
            ("30d", 2_592_000.0),
            ("12h", 43_200.0),
            ("90m", 5_400.0),
            ("5s", 5.0),
        ] {
            let limit: LifetimeLimit = text.parse().unwrap();
            assert!((limit.seconds(1000.0) - seconds).abs() < 1e-6, "{text}");
            assert_eq!(limit.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_limit_is_refused() {
        for text in [
            "",
            "30",
            "d",
            "-1d",
            "+1d",
            "101%",
            "1.5d",
            "99999999999d",
            "36501d",
        ] {
            assert_eq!(text.parse::<LifetimeLimit>(), Err(BadLimit), "{text}");
        }
    }
}
