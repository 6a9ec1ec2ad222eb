//! Why a sink did not take a notice, and whether it is worth another try.

use std::fmt;
use std::time::Duration;

use crate::domain::line::line;

/// One failed delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkError {
    outlook: Outlook,
    word: &'static str,
    sentence: String,
}

/// Whether another try can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// The same notice may be taken later; when is for the caller.
    Retry,
    /// It may be taken later, and not before.
    RetryAfter(Duration),
    /// Some of its receivers have it, and others do not yet: this notice may be tried again for
    /// them, and others need not wait for that.
    Partly,
    /// Perhaps it is this notice, perhaps the receiver or its settings; another day may help.
    Doubted,
    /// The same notice will be refused again, for what it is.
    Refused,
}

/// The longest wait that a receiver can ask for: one that says "in a year" is not obeyed.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// Characters of a sentence; what a receiver says is cut there.
const SENTENCE: usize = 400;

impl SinkError {
    /// It may be taken later. `word` is for labels, `sentence` for people; neither holds a secret.
    #[must_use]
    pub fn retry(word: &'static str, sentence: &str) -> Self {
        Self::new(Outlook::Retry, word, sentence)
    }

    /// It may be taken after a wait, which is cut at an hour.
    #[must_use]
    pub fn retry_after(after: Duration, word: &'static str, sentence: &str) -> Self {
        Self::new(Outlook::RetryAfter(after.min(LONGEST_WAIT)), word, sentence)
    }

    /// Some of its receivers have it.
    #[must_use]
    pub fn partly(&self) -> Self {
        Self {
            outlook: Outlook::Partly,
            ..self.clone()
        }
    }

    /// It may be the notice, and may be the receiver.
    #[must_use]
    pub fn doubted(word: &'static str, sentence: &str) -> Self {
        Self::new(Outlook::Doubted, word, sentence)
    }

    /// It will not be taken.
    #[must_use]
    pub fn refused(word: &'static str, sentence: &str) -> Self {
        Self::new(Outlook::Refused, word, sentence)
    }

    fn new(outlook: Outlook, word: &'static str, sentence: &str) -> Self {
        Self {
            outlook,
            word,
            sentence: line(sentence, SENTENCE),
        }
    }

    /// Whether another try can help.
    #[must_use]
    pub const fn outlook(&self) -> Outlook {
        self.outlook
    }

    /// The word for logs and labels: `connect-failed`, `timeout`, `refused`, …
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        self.word
    }
}

/// One plain sentence without a secret.
impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for SinkError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_can_neither_break_the_line_nor_stop_us_for_a_year() {
        let year = Duration::from_secs(365 * 86_400);
        let error = SinkError::retry_after(year, "status", &format!("a\nb{}", "x".repeat(9_999)));
        assert_eq!(error.outlook(), Outlook::RetryAfter(LONGEST_WAIT));
        assert!(error.to_string().starts_with("a b"));
        assert_eq!(error.to_string().len(), SENTENCE);
    }
}
