//! Calls that are over as entries of the call logs, and voice messages, in the directory.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::lab::broadworks::calls::command::CallRecord;
use crate::lab::broadworks::calls::command::Message;
use crate::lab::broadworks::calls::party::CallType;
use crate::lab::broadworks::calls::party::Party;
use crate::lab::broadworks::calls::voice_mail;
use crate::lab::broadworks::directory::CallLogEntry;
use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::directory::EnhancedLogEntry;
use crate::lab::broadworks::directory::LogKind;
use crate::lab::broadworks::directory::User;
use crate::lab::broadworks::directory::VoiceMessage;
use crate::lab::broadworks::directory::digits;

/// Entries kept of each list: the state file is written whole at every change.
const KEPT: usize = 50;

/// Messages of one mailbox, for the same reason; a full one takes no more.
const MESSAGES: usize = 20;

/// Writes a call into both logs of its user, newest first. A user who is gone has none.
pub(super) fn write(directory: &mut Directory, record: &CallRecord) {
    let group = record.remote.user_id.as_deref().and_then(|id| {
        let user = directory.user(id)?;
        Some(user.group.clone())
    });
    let Some(user) = directory.users.get_mut(&record.user.to_lowercase()) else {
        return;
    };
    let time = date_time(record.times.start);
    let (number, name) = shown(&record.remote);
    let basic = CallLogEntry {
        id: next(&user.call_logs, |entry| &entry.id),
        name: name.unwrap_or_else(|| number.clone()),
        number,
        time: time.clone(),
    };
    let id = next(&user.enhanced_logs, |entry| &entry.id);
    let enhanced = EnhancedLogEntry {
        start: record.times.start,
        fields: fields(user, record, &id, time, group),
        id,
    };
    keep(user.call_logs.entry(record.kind).or_default(), basic);
    keep(user.enhanced_logs.entry(record.kind).or_default(), enhanced);
}

/// Puts a voice message into a mailbox; `false` when it is full or its user gone.
pub(super) fn deposit(directory: &mut Directory, id: String, message: &Message) -> bool {
    let user = directory.users.get_mut(&message.mailbox.to_lowercase());
    let Some(user) = user.filter(|user| user.voice_messages.len() < MESSAGES) else {
        return false;
    };
    // A caller who hides leaves neither name nor address.
    let from = Some(&message.from).filter(|from| !from.private);
    let name = from.and_then(|from| from.name.clone());
    let message = VoiceMessage {
        id,
        duration: message.duration,
        name: name.unwrap_or_default(),
        user_id: from.and_then(|from| from.user_id.clone()),
        address: from.map(|from| from.address.clone()).unwrap_or_default(),
        read: false,
        time: message.time,
        content: voice_mail::recording(message.duration),
    };
    user.voice_messages.insert(0, message);
    true
}

fn keep<T>(list: &mut Vec<T>, entry: T) {
    list.insert(0, entry);
    list.truncate(KEPT);
}

/// An id behind all that the lists have.
fn next<T>(lists: &BTreeMap<LogKind, Vec<T>>, id: impl Fn(&T) -> &String) -> String {
    let numbers = lists
        .values()
        .flatten()
        .filter_map(|entry| id(entry).parse::<u64>().ok());
    (numbers.max().unwrap_or(100).saturating_add(1)).to_string()
}

/// Number and name as logs show them: national numbers without their country code.
fn shown(party: &Party) -> (String, Option<String>) {
    if party.private {
        return ("Unavailable".to_owned(), Some("Anonymous".to_owned()));
    }
    let number = party.number();
    let national = number.strip_prefix("+1").filter(|rest| rest.len() == 10);
    (national.unwrap_or(number).to_owned(), party.name.clone())
}

/// The elements of an enhanced entry, in the order of the schema.
fn fields(
    user: &User,
    record: &CallRecord,
    id: &str,
    time: String,
    group: Option<String>,
) -> Vec<(String, String)> {
    let (remote, remote_name) = shown(&record.remote);
    let own_number = user.number.as_deref().map(digits);
    let own_number = own_number.map(|own| own.strip_prefix('1').unwrap_or(&own).to_owned());
    let inside = matches!(
        record.remote.call_type,
        CallType::Group | CallType::Enterprise
    );
    let extension = user.extension.clone().filter(|_| inside);
    let own = extension.or_else(|| own_number.clone());
    let own = own.unwrap_or_else(|| user.id.clone());
    let placed = record.kind == LogKind::Placed;
    let (caller, caller_name, called) = if placed {
        (own, Some(user.full_name()), remote.clone())
    } else {
        (remote.clone(), remote_name, own)
    };
    let asserted = if placed { own_number } else { None };
    let dialled = record.dialled.clone().unwrap_or_else(|| called.clone());
    let privacy = |private: bool| if private { "Anonymous" } else { "Public" };
    let answered = record.times.answer;
    let network = if inside { "Private" } else { "Public" };
    let texts = [
        ("countryCode", Some("1".to_owned())),
        ("callLogId", Some(id.to_owned())),
        ("callId", Some(record.call.to_string())),
        ("subscriberType", Some("User".to_owned())),
        ("dialedNumber", Some(dialled)),
        ("calledNumber", Some(called.clone())),
        ("callingAssertedNumber", asserted),
        ("callingPresentationNumber", Some(caller)),
        ("callingPresentationNumberSource", Some("User".to_owned())),
        ("callingPresentationName", caller_name),
        (
            "callingPresentationIndicator",
            Some(privacy(!placed && record.remote.private).to_owned()),
        ),
        (
            "calledGroupId",
            if placed {
                group
            } else {
                Some(user.group.clone())
            },
        ),
        ("connectedNumber", answered.map(|_| called)),
        (
            "connectedPresentationIndicator",
            answered.map(|_| "Public".to_owned()),
        ),
        ("typeOfNetwork", Some(network.to_owned())),
        (
            "callCategory",
            Some(if inside { "Private" } else { "National" }.to_owned()),
        ),
        (
            "basicCallType",
            Some(record.remote.call_type.as_str().to_owned()),
        ),
        ("time", Some(time)),
        ("startTime", Some(record.times.start.to_string())),
        ("answerTime", answered.map(|time| time.to_string())),
        (
            "releaseTime",
            record.times.release.map(|time| time.to_string()),
        ),
    ];
    let present = texts
        .into_iter()
        .filter_map(|(name, text)| Some((name.to_owned(), text?)));
    present.collect()
}

/// Milliseconds since 1970 as xs:dateTime, in UTC; what no calendar has reads as 1970.
fn date_time(milliseconds: i64) -> String {
    let nanoseconds = i128::from(milliseconds) * 1_000_000;
    let time = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds);
    let time = time.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    time.format(&Rfc3339).unwrap_or_default()
}
