//! A notice as variable bindings: the nine of a BroadWorks fault in their order, then ours.

use std::time::SystemTime;

use async_snmp::Value;
use async_snmp::VarBind;
use bytes::Bytes;
use time::OffsetDateTime;

use crate::domain::alarms::Notice;
use crate::domain::alarms::NoticeKind;
use crate::domain::certs::date;
use crate::outbound::alerts::snmp::tree::Field;
use crate::outbound::alerts::snmp::tree::Tree;
use crate::outbound::alerts::snmp::tree::subcomponent;
use crate::outbound::alerts::text::commands;
use crate::outbound::alerts::text::cut;

/// Bytes of the two long texts, as many as `SnmpAdminString` has. A whole trap stays below 1,400,
/// so that no network takes it apart.
const LONG: usize = 255;

/// Bytes of the other texts but the object.
const SHORT: usize = 64;

/// Bytes of the object.
const OBJECT: usize = 200;

/// `xspd` of `xspdComponent`.
const XSPD: i32 = 1;

/// Names of details that have a field of their own, as watchers write them.
const FINGERPRINT: &str = "fingerprint";
const LISTENER: &str = "listener";

pub(super) fn fields(tree: &Tree, notice: &Notice) -> Vec<VarBind> {
    let bind = |field, value| VarBind::new(tree.field(field), value);
    let severity = i32::from(notice.severity.number());
    let mut fields = vec![
        bind(Field::Identifier, counter(notice.identifier)),
        bind(Field::TimeStamp, moment(notice.at)),
        bind(Field::AlarmName, text(notice.key.name.word(), SHORT)),
        bind(Field::SystemName, text(&notice.system, SHORT)),
        bind(Field::Severity, Value::Integer(severity)),
        bind(Field::Component, Value::Integer(XSPD)),
        bind(
            Field::Subcomponent,
            Value::Integer(subcomponent(notice.key.name)),
        ),
        bind(Field::ProblemText, text(&notice.text, LONG)),
        bind(Field::RecommendedActionsText, text(&actions(notice), LONG)),
        bind(Field::Object, text(notice.key.object.as_str(), OBJECT)),
        bind(Field::NoticeKind, Value::Integer(kind(notice.kind))),
        bind(Field::Count, gauge(notice.count)),
        bind(Field::Since, moment(notice.since)),
    ];
    let detail = |wanted: &str| {
        let mut details = notice.details.iter();
        details.find(|(name, _)| name.eq_ignore_ascii_case(wanted))
    };
    if let Some((_, value)) = detail(FINGERPRINT) {
        fields.push(bind(Field::CertFingerprint, text(value, 2 * SHORT)));
    }
    if let Some(ends) = notice.ends {
        fields.push(bind(Field::CertNotAfter, moment(ends)));
    }
    if let Some((_, value)) = detail(LISTENER) {
        fields.push(bind(Field::Listener, text(value, SHORT)));
    }
    fields
}

/// What to do, and as many lines to paste as there is room for: half of one is none.
fn actions(notice: &Notice) -> String {
    let mut all = notice.action.clone();
    for command in commands(notice) {
        if all.len() + 1 + command.len() <= LONG {
            all.push(' ');
            all.push_str(&command);
        }
    }
    all
}

fn text(text: &str, most: usize) -> Value {
    Value::OctetString(Bytes::copy_from_slice(cut(text, most).as_bytes()))
}

/// A counter turns over; what is left tells two notices apart all the same.
fn counter(number: u64) -> Value {
    let low = number % (u64::from(u32::MAX) + 1);
    Value::Counter32(u32::try_from(low).unwrap_or(u32::MAX))
}

/// A gauge stays at its end.
fn gauge(number: u64) -> Value {
    Value::Gauge32(u32::try_from(number).unwrap_or(u32::MAX))
}

/// As `xspdNoticeKind` numbers them.
const fn kind(kind: NoticeKind) -> i32 {
    match kind {
        NoticeKind::Raised => 1,
        NoticeKind::Stepped => 2,
        NoticeKind::Reminded => 3,
        NoticeKind::Acknowledged => 4,
        NoticeKind::Cleared => 5,
        NoticeKind::Test => 6,
    }
}

/// `DateAndTime` (RFC 2579) in UTC, eleven octets.
fn moment(at: SystemTime) -> Value {
    let moment = OffsetDateTime::from_unix_timestamp(date::to_unix(at))
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let year = u16::try_from(moment.year()).unwrap_or(0).to_be_bytes();
    let [century, year] = year;
    let octets = vec![
        century,
        year,
        u8::from(moment.month()),
        moment.day(),
        moment.hour(),
        moment.minute(),
        moment.second(),
        0,
        b'+',
        0,
        0,
    ];
    Value::OctetString(Bytes::from(octets))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::alerts::tests::notice;

    #[test]
    fn the_nine_of_broadworks_come_first_and_in_their_order() {
        let tree = Tree::below(&[1, 3, 6, 1, 4, 1, 32_473, 1]);
        let fields = fields(&tree, &notice(7));
        let numbers: Vec<u32> = fields.iter().map(|field| field.oid.arcs()[10]).collect();
        assert_eq!(
            numbers,
            [1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]
        );
        assert_eq!(fields[0].oid.to_string(), "1.3.6.1.4.1.32473.1.1.1.1.0");
        assert_eq!(fields[0].value, Value::Counter32(7));
        assert_eq!(fields[4].value, Value::Integer(3));
    }

    #[test]
    fn a_line_to_paste_is_there_as_a_whole_or_not_at_all() {
        let mut notice = notice(7);
        let show = "xspd alarms show certificateExpiring 'listener webex-mtls'";
        assert!(actions(&notice).ends_with(show), "{}", actions(&notice));
        notice.action = "x".repeat(LONG - show.len());
        assert_eq!(actions(&notice), notice.action);
    }

    #[test]
    fn a_date_has_eleven_octets() {
        let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_764_331_200);
        let Value::OctetString(octets) = moment(at) else {
            panic!("not octets");
        };
        assert_eq!(octets[..], [0x07, 0xe9, 11, 28, 12, 0, 0, 0, b'+', 0, 0]);
    }

    #[test]
    fn the_longest_notice_fits_one_packet() {
        let mut notice = notice(u64::MAX);
        notice.text = "é".repeat(9_000);
        notice.action = "x".repeat(9_000);
        notice.system = "x".repeat(9_000);
        notice.details = vec![
            ("fingerprint".to_owned(), "x".repeat(9_000)),
            ("listener".to_owned(), "x".repeat(9_000)),
        ];
        let tree = Tree::below(&[1, 3, 6, 1, 4, 1, 32_473, 1]);
        let bytes: usize = fields(&tree, &notice)
            .iter()
            .map(|field| match &field.value {
                Value::OctetString(octets) => octets.len() + 20,
                _ => 24,
            })
            .sum();
        assert!(bytes < 1_400, "{bytes}");
    }
}
