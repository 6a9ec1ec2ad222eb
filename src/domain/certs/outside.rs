//! What a prober outside says: the metrics of a Prometheus blackbox exporter, as text.

use std::time::SystemTime;

use crate::domain::certs::date;

/// Longest line that is looked at; those that are read here are short.
const LONGEST_LINE: usize = 512;

/// Most seconds since 1970 that are a date: the year 9999.
const LAST: f64 = 253_402_300_799.0;

/// What a probe came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outside {
    /// Whether everything was as the module wants it.
    pub success: bool,
    /// When the first of the certificates that were presented ends.
    pub earliest: Option<SystemTime>,
    /// When the last chain that could be verified ends: one that is presented besides may end
    /// sooner and do no harm.
    pub last_chain: Option<SystemTime>,
}

impl Outside {
    /// Reads an answer; `None` when it is none of a prober.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut success = None;
        let (mut earliest, mut last_chain) = (None, None);
        for line in text.lines().filter(|line| line.len() <= LONGEST_LINE) {
            let mut words = line.split_ascii_whitespace();
            let (Some(name), Some(value)) = (words.next(), words.next()) else {
                continue;
            };
            let value = value.parse::<f64>();
            match (name, value) {
                ("probe_success", Ok(value)) => success = Some(value > 0.0),
                ("probe_ssl_earliest_cert_expiry", Ok(value)) => earliest = moment(value),
                ("probe_ssl_last_chain_expiry_timestamp_seconds", Ok(value)) => {
                    last_chain = moment(value);
                }
                (_, _) => {}
            }
        }
        Some(Self {
            success: success?,
            earliest,
            last_chain,
        })
    }

    /// When clients outside are no longer let down gently.
    #[must_use]
    pub fn ends(&self) -> Option<SystemTime> {
        self.last_chain.or(self.earliest)
    }
}

/// A prober that verified nothing writes the year 1.
fn moment(seconds: f64) -> Option<SystemTime> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what has no place in it is no date, as the comparison says"
    )]
    let whole = (seconds > 0.0 && seconds <= LAST).then_some(seconds as i64);
    whole.and_then(date::from_unix)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ANSWER: &str = "# HELP probe_ssl_earliest_cert_expiry Returns last SSL chain expiry in unixtime\n\
         # TYPE probe_ssl_earliest_cert_expiry gauge\n\
         probe_ssl_earliest_cert_expiry 1.790855999e+09\n\
         probe_ssl_last_chain_expiry_timestamp_seconds 1.795e+09\n\
         probe_ssl_last_chain_info{fingerprint_sha256=\"ab\",subject=\"CN=x\"} 1\n\
         probe_success 1\n";

    #[test]
    fn the_metrics_of_a_probe_are_read() {
        let seen = Outside::parse(ANSWER).unwrap();
        assert!(seen.success);
        assert_eq!(seen.earliest, date::from_unix(1_790_855_999));
        assert_eq!(seen.ends(), date::from_unix(1_795_000_000));
    }

    #[test]
    fn what_was_not_verified_counts_by_what_was_presented() {
        let text = ANSWER.replace("1.795e+09", "-6.21355968e+10");
        let seen = Outside::parse(&text).unwrap();
        assert_eq!(seen.last_chain, None);
        assert_eq!(seen.ends(), date::from_unix(1_790_855_999));
    }

    #[test]
    fn what_is_no_answer_of_a_prober_is_none() {
        for text in ["", "Unknown module \"x\"\n", "<html>", "probe_success"] {
            assert_eq!(Outside::parse(text), None, "{text}");
        }
        let failed = Outside::parse("probe_success 0\n").unwrap();
        assert_eq!((failed.success, failed.ends()), (false, None));
        for value in ["NaN", "+Inf", "-Inf", "1e300", "-1"] {
            let text = format!("probe_success 1\nprobe_ssl_earliest_cert_expiry {value}\n");
            assert_eq!(Outside::parse(&text).unwrap().ends(), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,400}") {
            prop_assert!(Outside::parse(&text).is_none() || text.contains("probe_success"));
        }
    }
}
