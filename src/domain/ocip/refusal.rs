//! `ErrorResponse`, and what is known of its codes.

use crate::domain::xsi::codec::Element;

/// Characters of a summary that are kept: it goes into a log line.
const SUMMARY: usize = 256;

/// An `ErrorResponse`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The number in `[Error NNNN]`, or `errorCode`.
    pub code: Option<u32>,
    /// In the language of the administrator.
    pub summary: String,
    /// Always English; equals the summary when there is none.
    pub summary_english: String,
}

/// What a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The password, passcode or token is wrong.
    BadCredentials,
    /// The account is locked or disabled.
    Locked,
    /// The session is not, or no longer, logged in.
    NotLoggedIn,
    /// The Application Server does not know this form of the request.
    NotSupported,
    /// Something else.
    Other,
    /// Our administrator may not do this; a session that is gone reads the same.
    Unauthorized,
    /// No such user.
    UnknownUser,
}

/// Codes, and where they are known from. No catalogue is public: each stands in the recorded
/// answers or in the source of public OCI-P clients.
const CODES: &[(u32, Meaning)] = &[
    // "User not found: …": recorded answers.
    (4008, Meaning::UnknownUser),
    // "Invalid password", "Invalid userId or password.": tests of two clients.
    (4962, Meaning::BadCredentials),
    // "Account is disabled.": an exception of a client.
    (5202, Meaning::Locked),
    // "Unauthorized transaction.": an exception of a client.
    (5404, Meaning::Unauthorized),
];

/// Words of the English summary where the code is not known; all are guesses, so none of them
/// lets anybody in. The first that is found counts.
const WORDS: &[(&str, Meaning)] = &[
    ("not logged in", Meaning::NotLoggedIn),
    ("not authenticated", Meaning::NotLoggedIn),
    ("invalid session", Meaning::NotLoggedIn),
    ("session expired", Meaning::NotLoggedIn),
    ("locked", Meaning::Locked),
    ("not supported", Meaning::NotSupported),
    ("unsupported", Meaning::NotSupported),
    ("unknown request", Meaning::NotSupported),
    ("unknown command", Meaning::NotSupported),
    ("unknown transaction", Meaning::NotSupported),
    ("invalid request", Meaning::NotSupported),
];

impl Refusal {
    /// Reads one; every part may be missing.
    #[must_use]
    pub fn of(command: &Element) -> Self {
        let text = |name| line(command.child_text(name).unwrap_or_default());
        let summary = text("summary");
        let english = Some(text("summaryEnglish")).filter(|text| !text.is_empty());
        let summary_english = english.unwrap_or_else(|| summary.clone());
        let code = code_in(&summary_english)
            .or_else(|| code_in(&summary))
            .or_else(|| command.child_text("errorCode")?.parse().ok());
        Self {
            code,
            summary,
            summary_english,
        }
    }

    /// What it is about.
    #[must_use]
    pub fn meaning(&self) -> Meaning {
        let known = CODES.iter().find(|(code, _)| Some(*code) == self.code);
        if let Some((_, meaning)) = known {
            return *meaning;
        }
        let text = self.summary_english.to_ascii_lowercase();
        let found = WORDS.iter().find(|(words, _)| text.contains(words));
        found.map_or(Meaning::Other, |(_, meaning)| *meaning)
    }
}

/// The number in `[Error NNNN]` at the start.
fn code_in(summary: &str) -> Option<u32> {
    let rest = summary.trim_start().strip_prefix("[Error ")?;
    rest.split_once(']')?.0.trim().parse().ok()
}

/// One line of bounded length.
fn line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(SUMMARY)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(summary: &str, english: Option<&str>, code: Option<&str>) -> Refusal {
        Refusal::of(
            &Element::new("command")
                .with_some("errorCode", code)
                .with_leaf("summary", summary)
                .with_some("summaryEnglish", english),
        )
    }

    #[test]
    fn the_code_is_the_one_in_brackets_or_the_element() {
        let code = |summary: &str, english, code| refusal(summary, english, code).code;
        assert_eq!(
            code("[Error 4008] User not found: a", None, None),
            Some(4008)
        );
        let both = code("[Erreur 1] x", Some("[Error 4962] y"), Some("7"));
        assert_eq!(both, Some(4962));
        assert_eq!(code("x", Some("y"), Some("5404")), Some(5404));
        for odd in [
            "x",
            "[Error ] x",
            "[Error 99999999999] x",
            "[Error 1",
            "[Error -1] x",
        ] {
            assert_eq!(code(odd, None, None), None, "{odd}");
        }
        assert_eq!(code("", None, Some("many")), None);
    }

    #[test]
    fn known_codes_mean_what_the_table_says_whatever_the_words() {
        for (text, meaning) in [
            ("[Error 4008] User not found: locked", Meaning::UnknownUser),
            ("[Error 4962] Invalid password", Meaning::BadCredentials),
            ("[Error 5202] Account is disabled.", Meaning::Locked),
            (
                "[Error 5404] Unauthorized transaction.",
                Meaning::Unauthorized,
            ),
            ("The user is not logged in", Meaning::NotLoggedIn),
            ("Account LOCKED", Meaning::Locked),
            ("Unknown request: UserGetRequest23V2", Meaning::NotSupported),
            ("[Error 4410] Service is not assigned", Meaning::Other),
            ("", Meaning::Other),
        ] {
            assert_eq!(refusal(text, None, None).meaning(), meaning, "{text}");
        }
    }

    #[test]
    fn a_summary_is_one_short_line() {
        let long = refusal(&format!("a\nb\u{7f}{}", "x".repeat(1000)), None, None);
        assert!(long.summary.starts_with("a b x"));
        assert_eq!(long.summary.chars().count(), SUMMARY);
        assert_eq!(long.summary_english, long.summary);
    }
}
