//! Threshold ranges of monitoring plug-ins: `[@]start:end`.

use std::fmt;
use std::str::FromStr;

/// Alerts outside of `start` to `end`, both included; with `@`, inside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    inside: bool,
    start: f64,
    end: f64,
}

/// Why a text is no range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRange {
    /// Not a number where one belongs.
    #[error("a range is `[@]start:end` of plain numbers, as in `10`, `5:`, `~:10`, `@1:5`")]
    Number,
    /// The start is behind the end.
    #[error("the start of a range is not above its end")]
    Order,
}

impl Range {
    /// Whether this value is to be told.
    #[must_use]
    pub fn alerts(&self, value: f64) -> bool {
        // What is no number is no good value.
        let within = value >= self.start && value <= self.end;
        within == self.inside
    }
}

impl FromStr for Range {
    type Err = BadRange;

    fn from_str(text: &str) -> Result<Self, BadRange> {
        let (inside, rest) = match text.strip_prefix('@') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (start, end) = match rest.split_once(':') {
            Some((start, end)) => (start, end),
            None => ("0", rest),
        };
        let number = |text: &str| {
            let number: f64 = text.parse().map_err(|_| BadRange::Number)?;
            if number.is_finite() {
                Ok(number)
            } else {
                Err(BadRange::Number)
            }
        };
        let start = match start {
            "~" => f64::NEG_INFINITY,
            "" => 0.0,
            start => number(start)?,
        };
        let end = match end {
            "" if rest.contains(':') => f64::INFINITY,
            end => number(end)?,
        };
        if start > end {
            return Err(BadRange::Order);
        }
        Ok(Self { inside, start, end })
    }
}

/// As it is written in a threshold and in performance data.
impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.inside {
            f.write_str("@")?;
        }
        if self.start == f64::NEG_INFINITY {
            f.write_str("~:")?;
        } else if self.start != 0.0 || self.end == f64::INFINITY {
            write!(f, "{}:", self.start)?;
        }
        if self.end == f64::INFINITY {
            Ok(())
        } else {
            write!(f, "{}", self.end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> Range {
        text.parse().unwrap()
    }

    #[test]
    fn ranges_alert_as_the_guidelines_table_says() {
        for (text, alerting, quiet) in [
            ("10", [-1.0, 11.0], [0.0, 10.0]),
            ("10:", [9.0, -1.0], [10.0, 1e9]),
            ("~:10", [11.0, 1e9], [10.0, -5.0]),
            ("10:20", [9.0, 21.0], [10.0, 20.0]),
            ("@10:20", [10.0, 20.0], [9.0, 21.0]),
        ] {
            for value in alerting {
                assert!(range(text).alerts(value), "{text} {value}");
            }
            for value in quiet {
                assert!(!range(text).alerts(value), "{text} {value}");
            }
            assert_eq!(range(text).to_string(), text);
        }
        assert!(range("10").alerts(f64::NAN));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in ["", "a", "1:b", "@", "nan", "1:inf", "~"] {
            assert_eq!(text.parse::<Range>(), Err(BadRange::Number), "{text}");
        }
        assert_eq!("5:1".parse::<Range>(), Err(BadRange::Order));
    }
}
