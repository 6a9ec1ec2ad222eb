//! One notice as a message of RFC 5424.

use std::fmt::Write as _;

use crate::config::SyslogFacility;
use crate::domain::alarms::Notice;
use crate::domain::alarms::Severity;
use crate::domain::line::plain;
use crate::outbound::alerts::text;

/// `notice`, the severity of what is over: normal but worth knowing.
const NOTICE: u8 = 5;

/// The enterprise of examples (RFC 5612); names of RFC 5424's structured data need one.
const SD_ID: &str = "alarm@32473";

/// Longest names (RFC 5424, section 6).
const HOSTNAME: usize = 255;
const MSGID: usize = 32;
const SD_NAME: usize = 32;

/// Bytes of one value, so that the core always fits.
const VALUE: usize = 200;

/// What a text in UTF-8 begins with (RFC 5424, section 6.4).
const BOM: &str = "\u{feff}";

/// The message, with at most `most` bytes: details go first, then the end of the text.
pub(super) fn message(facility: SyslogFacility, notice: &Notice, most: usize) -> Vec<u8> {
    let severity = match notice.kind.is_end() {
        true => NOTICE,
        false => syslog(notice.severity),
    };
    let mut message = format!(
        "<{}>1 {} {} xspd {} {} [{SD_ID}",
        u16::from(facility.number()) * 8 + u16::from(severity),
        text::rfc3339(notice.at),
        header(&notice.system, HOSTNAME),
        std::process::id(),
        header(notice.key.name.word(), MSGID),
    );
    for (name, value) in core(notice) {
        parameter(&mut message, &name, &value);
    }
    let said = format!(
        "{} {} {}",
        notice.text,
        notice.action,
        text::commands(notice).join("; ")
    );
    // Half of the rest is for details, half for the text.
    let budget = message.len() + most.saturating_sub(message.len()) / 2;
    for (name, value) in text::details(notice) {
        let mut longer = message.clone();
        parameter(&mut longer, &format!("d-{name}"), value);
        if longer.len() <= budget {
            message = longer;
        }
    }
    message.push_str("] ");
    if !said.is_ascii() {
        message.push_str(BOM);
    }
    let left = most.saturating_sub(message.len());
    message.push_str(text::cut(&plain(&said), left));
    message.into_bytes()
}

const fn syslog(severity: Severity) -> u8 {
    severity.syslog()
}

fn core(notice: &Notice) -> Vec<(String, String)> {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut core = vec![
        pair("name", notice.key.name.word()),
        pair("object", notice.key.object.as_str()),
        pair("severity", notice.severity.word()),
        pair("state", notice.kind.word()),
        pair("identifier", &notice.identifier.to_string()),
        pair("count", &notice.count.to_string()),
        pair("since", &text::rfc3339(notice.since)),
    ];
    if let Some(ends) = notice.ends {
        core.push(pair("ends", &text::rfc3339(ends)));
    }
    for (name, value) in [("step", &notice.step), ("rule", &notice.rule)] {
        if !value.is_empty() {
            core.push(pair(name, value));
        }
    }
    core
}

/// ` name="value"`, with what would end the value escaped (RFC 5424, section 6.3.3).
fn parameter(message: &mut String, name: &str, value: &str) {
    let name: String = name
        .chars()
        .map(|c| match c {
            '!'..='~' if !"=]\"".contains(c) => c,
            _ => '-',
        })
        .take(SD_NAME)
        .collect();
    // Writing into a String cannot fail.
    write!(message, " {name}=\"").ok();
    for c in text::cut(value, VALUE).chars() {
        match c {
            '"' | '\\' | ']' => {
                message.push('\\');
                message.push(c);
            }
            c if c.is_control() => message.push(' '),
            c => message.push(c),
        }
    }
    message.push('"');
}

/// A word of the header: printable ASCII, or `-` for nothing.
fn header(text: &str, most: usize) -> String {
    let word: String = text
        .chars()
        .map(|c| if ('!'..='~').contains(&c) { c } else { '-' })
        .take(most)
        .collect();
    match word.is_empty() {
        true => "-".to_owned(),
        false => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alarms::NoticeKind;
    use crate::outbound::alerts::tests::notice;

    fn written(notice: &Notice, most: usize) -> String {
        String::from_utf8(message(SyslogFacility::Local3, notice, most)).unwrap()
    }

    #[test]
    fn facility_and_severity_make_the_number_and_a_clear_is_a_notice() {
        let mut notice = notice(1);
        assert!(written(&notice, 2_048).starts_with("<155>1 2025-11-28T12:00:00Z sbc-1 xspd "));
        notice.kind = NoticeKind::Cleared;
        assert!(written(&notice, 2_048).starts_with("<157>1 "));
    }

    #[test]
    fn whatever_is_in_a_value_does_not_end_it() {
        let mut notice = notice(1);
        notice.rule = "a\"]\\\n[b".to_owned();
        let message = written(&notice, 2_048);
        assert!(message.contains(r#" rule="a\"\]\\ [b""#), "{message}");
        assert!(!message.contains('\n'));
    }

    #[test]
    fn the_longest_notice_keeps_its_core_and_its_bound() {
        let mut notice = notice(u64::MAX);
        notice.system = " é".repeat(500);
        notice.text = "é".repeat(9_000);
        notice.rule = "]".repeat(9_000);
        notice.details = vec![("é".repeat(90), "x".repeat(9_000)); 16];
        for most in [2_048, 8_192] {
            let message = written(&notice, most);
            assert!(
                message.len() <= most && message.len() > most - 4,
                "{}",
                message.len()
            );
            assert!(message.contains(" identifier=\"18446744073709551615\""));
        }
    }
}
