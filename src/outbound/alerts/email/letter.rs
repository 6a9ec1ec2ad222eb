//! What a mail says.

use std::time::Duration;
use std::time::SystemTime;

use aws_lc_rs::digest;
use lettre::Address;
use lettre::Message;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::message::header::HeaderName;
use lettre::message::header::HeaderValue;

use crate::domain::alarms::Notice;
use crate::domain::certs::date;
use crate::domain::line::plain;
use crate::outbound::alerts::SinkError;
use crate::outbound::alerts::text;

/// Bytes of a subject.
const SUBJECT: usize = 200;

/// Bytes of a body; a notice has a tenth of it.
const BODY: usize = 32 * 1024;

/// Bytes of hex in a message's name.
const NAME: usize = 16;

/// The last second that a date of mail can be: the end of the year 9999.
const LAST: u64 = 253_402_300_799;

/// Writes mails.
pub(super) struct Letter {
    from: Address,
    to: Vec<Address>,
}

impl Letter {
    pub(super) const fn new(from: Address, to: Vec<Address>) -> Self {
        Self { from, to }
    }

    /// The whole mail, header and body.
    pub(super) fn of(&self, notice: &Notice) -> Result<Vec<u8>, SinkError> {
        let thread = self.thread(notice);
        let mailbox = |address: &Address| Mailbox::new(None, address.clone());
        let mut letter = Message::builder()
            .from(mailbox(&self.from))
            .subject(subject(notice))
            .date(dated(notice.at))
            .message_id(Some(self.name(notice)))
            .in_reply_to(thread.clone())
            .references(thread)
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            letter = letter.to(mailbox(to));
        }
        let mut letter = letter
            .body(text::cut(&body(notice), BODY).to_owned())
            .map_err(|error| SinkError::refused("broken", &error.to_string()))?;
        // RFC 3834: nobody's holiday is to answer.
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        letter
            .headers_mut()
            .insert_raw(HeaderValue::new(automatic, "auto-generated".to_owned()));
        Ok(letter.formatted())
    }

    /// The same for the same notice, however often it is sent.
    fn name(&self, notice: &Notice) -> String {
        let of = format!("{}\n{}", notice.system, notice.identifier);
        format!(
            "<xspd.{}.{}@{}>",
            notice.identifier,
            hex(&of),
            self.from.domain()
        )
    }

    /// The same for all that is told of one alarm from its raise to its end.
    fn thread(&self, notice: &Notice) -> String {
        let since = date::to_unix(notice.since);
        let of = format!("{}\n{}\n{since}", notice.system, notice.key);
        format!("<xspd.alarm.{}@{}>", hex(&of), self.from.domain())
    }
}

fn hex(text: &str) -> String {
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    let bytes = digest.as_ref().iter().take(NAME);
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

fn subject(notice: &Notice) -> String {
    let subject = format!("[{}] {}", notice.system, text::headline(notice));
    text::cut(&plain(&subject), SUBJECT).to_owned()
}

/// A date that mail can hold, whatever the clock says.
fn dated(at: SystemTime) -> SystemTime {
    let first = SystemTime::UNIX_EPOCH;
    at.clamp(first, first + Duration::from_secs(LAST))
}

/// What is wrong, what to do, then everything else, a line each.
fn body(notice: &Notice) -> String {
    let facts = text::facts(notice);
    let width = facts.iter().map(|(label, _)| label.chars().count());
    let width = width.max().unwrap_or_default().min(24);
    let mut body = format!(
        "{}\n\nWHAT TO DO\n{}\n\nFACTS\n",
        plain(&notice.text),
        plain(&notice.action)
    );
    for (label, value) in &facts {
        let (label, value) = (plain(label), plain(value));
        body.push_str(&format!("{label:width$}  {value}\n"));
    }
    body.push_str(&format!("\nOn {}:\n", plain(&notice.system)));
    for command in text::commands(notice) {
        body.push_str(&format!("{command}\n"));
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alarms::NoticeKind;
    use crate::outbound::alerts::tests::notice;

    fn letter(notice: &Notice) -> String {
        let address = |text: &str| text.parse().unwrap();
        let letter = Letter::new(
            address("xspd@example.net"),
            vec![address("noc@example.net")],
        );
        String::from_utf8(letter.of(notice).unwrap()).unwrap()
    }

    fn header<'a>(letter: &'a str, name: &str) -> &'a str {
        let mut lines = letter.lines();
        let line = lines.find(|line| line.starts_with(name)).unwrap();
        &line[name.len() + 2..]
    }

    #[test]
    fn all_mails_of_one_alarm_are_one_thread_and_each_has_its_name() {
        let raised = notice(7);
        let mut cleared = notice(8);
        cleared.kind = NoticeKind::Cleared;
        let (raised, again, cleared) = (letter(&raised), letter(&raised), letter(&cleared));
        for name in ["References", "In-Reply-To"] {
            assert_eq!(header(&raised, name), header(&cleared, name));
        }
        assert_eq!(header(&raised, "Message-ID"), header(&again, "Message-ID"));
        assert_ne!(
            header(&raised, "Message-ID"),
            header(&cleared, "Message-ID")
        );
        let mut later = notice(9);
        later.since += Duration::from_secs(86_400);
        assert_ne!(
            header(&letter(&later), "References"),
            header(&raised, "References")
        );
    }

    #[test]
    fn nothing_in_a_notice_makes_a_header_or_a_line_of_its_own() {
        let mut notice = notice(7);
        notice.system = "a\r\nBcc: x@example.net".to_owned();
        notice.text = "b\n.\nQUIT".to_owned();
        let letter = letter(&notice);
        assert!(
            !letter.contains("\nBcc:") && !letter.contains("\n.\r"),
            "{letter}"
        );
    }

    #[test]
    fn the_command_in_a_mail_is_one_command_whatever_the_object_is_called() {
        let mut notice = notice(7);
        notice.key.object = crate::domain::alarms::Object::new("a'; reboot; '");
        let said = body(&notice);
        let command = r"xspd alarms show certificateExpiring 'a'\''; reboot; '\'''";
        assert!(said.contains(command), "{said}");
    }

    #[test]
    fn any_clock_makes_a_date() {
        for at in [
            SystemTime::UNIX_EPOCH - Duration::from_secs(9),
            SystemTime::UNIX_EPOCH + Duration::from_secs(LAST + 9),
        ] {
            let mut notice = notice(7);
            notice.at = at;
            assert!(letter(&notice).contains("\nDate: "));
        }
    }
}
