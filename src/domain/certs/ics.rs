//! A calendar file of RFC 5545, for the plan of renewals.

use crate::domain::ids::Fingerprint;

/// Longest line in octets without its end (RFC 5545, section 3.1).
const LINE: usize = 75;

/// When an event is.
#[derive(Debug, Clone, Copy)]
pub enum When<'a> {
    /// All of a day: `20261225`.
    Day(&'a str),
    /// From one moment to another in UTC: `20261225T200000Z`.
    Span(&'a str, &'a str),
}

/// One event.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// What makes it the same event in a later file.
    pub identity: &'a str,
    /// When.
    pub when: When<'a>,
    /// Title.
    pub summary: &'a str,
    /// More, lines divided by `\n`.
    pub description: &'a str,
    /// Whom it concerns.
    pub category: &'a str,
}

/// The whole file. `stamp` is now, as `20261121T100000Z`.
#[must_use]
pub fn calendar(events: &[Event<'_>], stamp: &str) -> String {
    let mut text = String::new();
    let mut line = |content: &str| fold(content, &mut text);
    line("BEGIN:VCALENDAR");
    line("VERSION:2.0");
    line("PRODID:-//xspd//certificates//EN");
    line("CALSCALE:GREGORIAN");
    line("METHOD:PUBLISH");
    for event in events {
        line("BEGIN:VEVENT");
        let uid = Fingerprint::of(event.identity.as_bytes()).to_string();
        line(&format!("UID:{uid}@xspd"));
        line(&format!("DTSTAMP:{stamp}"));
        match event.when {
            When::Day(day) => line(&format!("DTSTART;VALUE=DATE:{day}")),
            When::Span(from, to) => {
                line(&format!("DTSTART:{from}"));
                line(&format!("DTEND:{to}"));
            }
        }
        line(&format!("SUMMARY:{}", escape(event.summary)));
        if !event.description.is_empty() {
            line(&format!("DESCRIPTION:{}", escape(event.description)));
        }
        if !event.category.is_empty() {
            line(&format!("CATEGORIES:{}", escape(event.category)));
        }
        line("TRANSP:TRANSPARENT");
        line("END:VEVENT");
    }
    line("END:VCALENDAR");
    text
}

/// A value of the type TEXT (section 3.3.11); other control characters are not allowed at all.
fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '\\' | ';' | ',' => {
                escaped.push('\\');
                escaped.push(character);
            }
            '\n' => escaped.push_str("\\n"),
            control if control.is_control() => {}
            other => escaped.push(other),
        }
    }
    escaped
}

/// Divides a line at 75 octets, never within a character.
fn fold(content: &str, text: &mut String) {
    let mut used = 0;
    for character in content.chars() {
        if used + character.len_utf8() > LINE {
            text.push_str("\r\n ");
            used = 1;
        }
        text.push(character);
        used += character.len_utf8();
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event<'a>(summary: &'a str, description: &'a str) -> Event<'a> {
        Event {
            identity: "listener a",
            when: When::Span("20270226T200000Z", "20270227T050000Z"),
            summary,
            description,
            category: "emea",
        }
    }

    /// As a reader undoes it.
    fn unfolded(text: &str) -> Vec<String> {
        let joined = text.replace("\r\n ", "");
        joined.split_terminator("\r\n").map(str::to_owned).collect()
    }

    #[test]
    fn text_is_escaped_and_the_same_object_has_the_same_uid() {
        let stamp = "20261121T100000Z";
        let one = calendar(&[event("Renew a, b; c\\d", "x\ny\u{7}")], stamp);
        let lines = unfolded(&one);
        assert!(lines.contains(&"SUMMARY:Renew a\\, b\\; c\\\\d".to_owned()));
        assert!(lines.contains(&"DESCRIPTION:x\\ny".to_owned()));
        let other = calendar(&[event("other", "")], stamp);
        let uid = |text: &str| {
            let mut lines = unfolded(text).into_iter();
            lines.find(|line| line.starts_with("UID:")).unwrap()
        };
        assert_eq!(uid(&one), uid(&other));
        assert!(!other.contains("DESCRIPTION"));
    }

    proptest! {
        #[test]
        fn no_line_is_too_long_or_loses_anything(summary in ".{0,300}", description in "(.|\\n){0,300}") {
            let text = calendar(&[event(&summary, &description)], "20261121T100000Z");
            prop_assert!(text.ends_with("END:VCALENDAR\r\n"));
            for line in text.split_terminator("\r\n") {
                prop_assert!(line.len() <= LINE);
                prop_assert!(!line.contains(['\r', '\n']));
            }
            let expected = format!("SUMMARY:{}", escape(&summary));
            prop_assert!(unfolded(&text).contains(&expected));
        }
    }
}
