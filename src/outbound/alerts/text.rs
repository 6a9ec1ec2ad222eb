//! A notice in words: what all kinds that are read by people share.

use std::time::SystemTime;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::domain::alarms::Notice;
use crate::domain::alarms::NoticeKind;
use crate::domain::alarms::whose::COMMAND;
use crate::domain::certs::date;
use crate::domain::line::plain;
use crate::domain::shell::quoted;

/// Pairs of details that are shown, as many as a watcher may give.
const DETAILS: usize = 16;

/// RFC 3339 in UTC, to the second.
pub(super) fn rfc3339(at: SystemTime) -> String {
    OffsetDateTime::from_unix_timestamp(date::to_unix(at))
        .ok()
        .and_then(|moment| moment.format(&Rfc3339).ok())
        // No clock of ours says so; a certificate's end may.
        .unwrap_or_else(|| "9999-12-31T23:59:59Z".to_owned())
}

/// `HIGH raised: certificateExpiring, listener webex-mtls`.
pub(super) fn headline(notice: &Notice) -> String {
    let state = match notice.kind {
        NoticeKind::Raised
        | NoticeKind::Stepped
        | NoticeKind::Reminded
        | NoticeKind::Acknowledged => notice.severity.word().to_uppercase(),
        NoticeKind::Cleared => "OK".to_owned(),
        NoticeKind::Test => "TEST".to_owned(),
    };
    let (name, object) = (notice.key.name, &notice.key.object);
    let kind = notice.kind.word();
    format!("{state} {kind}: {name}, {object}")
}

/// What is known besides sentence and action, each with its label.
pub(super) fn facts(notice: &Notice) -> Vec<(String, String)> {
    let said = |label: &str, value: String| (label.to_owned(), value);
    let mut facts = vec![
        said("Alarm", notice.key.name.to_string()),
        said("About", notice.key.object.to_string()),
        said("Severity", notice.severity.to_string()),
        said("State", notice.kind.word().to_owned()),
        said("At", date::text(notice.at)),
        said("Since", date::text(notice.since)),
        said("Seen", format!("{} times", notice.count)),
        said("Node", notice.system.clone()),
        said("Identifier", notice.identifier.to_string()),
    ];
    if let Some(ends) = notice.ends {
        facts.push(said("Ends", date::text(ends)));
    }
    if !notice.step.is_empty() {
        facts.push(said("Step", notice.step.clone()));
    }
    if !notice.rule.is_empty() {
        facts.push(said("Rule", notice.rule.clone()));
    }
    let lines = commands(notice).into_iter();
    facts.extend(lines.map(|line| said("Command", line)));
    facts.extend(details(notice).filter(|(name, _)| name != COMMAND).cloned());
    facts
}

/// Lines to paste on the node, the remedy first.
pub(super) fn commands(notice: &Notice) -> Vec<String> {
    let name = notice.key.name.word();
    // A line break would end the command, and what stands behind it would be another.
    let object = quoted(&plain(notice.key.object.as_str()));
    match notice.kind {
        NoticeKind::Raised
        | NoticeKind::Stepped
        | NoticeKind::Reminded
        | NoticeKind::Acknowledged => {
            let remedy = notice.details.iter().find(|(name, _)| name == COMMAND);
            let remedy = remedy.map(|(_, line)| plain(line));
            let show = notice
                .ending
                .line(&format!("xspd alarms show {name} {object}"));
            remedy.into_iter().chain([show]).collect()
        }
        // What is over is not shown any more.
        NoticeKind::Cleared => {
            let history = format!("xspd alarms history {name} {object}");
            vec![notice.ending.line(&history)]
        }
        NoticeKind::Test => vec![notice.ending.line("xspd alarms sinks")],
    }
}

/// The details, as many as are shown.
pub(super) fn details(notice: &Notice) -> impl Iterator<Item = &(String, String)> {
    notice.details.iter().take(DETAILS)
}

/// The text, cut at a character so that it has at most so many bytes.
pub(super) fn cut(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let mut end = bytes;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::shell::Ending;
    use crate::outbound::alerts::tests::notice;

    #[test]
    fn a_headline_says_how_bad_what_and_with_which() {
        let mut notice = notice(7);
        assert_eq!(
            headline(&notice),
            "HIGH raised: certificateExpiring, listener webex-mtls"
        );
        notice.kind = NoticeKind::Cleared;
        assert_eq!(
            headline(&notice),
            "OK cleared: certificateExpiring, listener webex-mtls"
        );
    }

    #[test]
    fn what_can_be_pasted_is_the_remedy_and_what_is_known_of_the_alarm() {
        let mut notice = notice(7);
        let show = "xspd alarms show certificateExpiring 'listener webex-mtls'";
        assert_eq!(commands(&notice), [show]);
        let remedy = "xspd certs csr --for 'listener webex-mtls'";
        notice.details.push((COMMAND.to_owned(), remedy.to_owned()));
        assert_eq!(commands(&notice), [remedy, show]);
        let facts = facts(&notice);
        let lines = facts.iter().filter(|(label, _)| label == "Command");
        let lines: Vec<_> = lines.map(|(_, line)| line.as_str()).collect();
        assert_eq!(lines, [remedy, show], "each once");
        assert!(!facts.iter().any(|(label, _)| label == COMMAND));
        notice.kind = NoticeKind::Cleared;
        let history = "xspd alarms history certificateExpiring 'listener webex-mtls'";
        assert_eq!(commands(&notice), [history]);
        notice.ending = Ending::config("/srv/xspd.toml");
        let there = format!("{history} --config /srv/xspd.toml");
        assert_eq!(commands(&notice), [there]);
        notice.kind = NoticeKind::Test;
        let sinks = "xspd alarms sinks --config /srv/xspd.toml";
        assert_eq!(commands(&notice), [sinks]);
    }

    #[test]
    fn a_moment_is_written_in_utc_whatever_it_is() {
        let at = |unix| SystemTime::UNIX_EPOCH + Duration::from_secs(unix);
        assert_eq!(rfc3339(at(1_764_331_200)), "2025-11-28T12:00:00Z");
        assert_eq!(rfc3339(at(253_402_300_800)), "9999-12-31T23:59:59Z");
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(rfc3339(before), "1969-12-31T23:59:59Z");
    }

    #[test]
    fn a_cut_falls_between_characters() {
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(cut("aé", 3), "aé");
        assert_eq!(cut("é", 0), "");
    }
}
