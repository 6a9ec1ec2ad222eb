//! What is left of calls in the directory.

use super::bench::Bench;
use super::bench::id;
use crate::lab::broadworks::calls::command::Command;
use crate::lab::broadworks::calls::command::Message;
use crate::lab::broadworks::calls::record;
use crate::lab::broadworks::directory::EnhancedLogEntry;
use crate::lab::broadworks::directory::LogKind;

fn field<'a>(entry: &'a EnhancedLogEntry, name: &str) -> Option<&'a str> {
    let mut fields = entry.fields.iter();
    let found = fields.find(|(held, _)| held == name);
    found.map(|(_, text)| text.as_str())
}

/// Writes all that the bench has heard of into its directory.
fn remember(bench: &mut Bench) {
    let records: Vec<_> = bench.records().cloned().collect();
    for record in &records {
        record::write(&mut bench.directory, record);
    }
    bench.actions.clear();
}

#[test]
fn both_logs_of_both_ends_tell_of_one_call() {
    let mut bench = Bench::new();
    let (call, _) = bench.talk("alice", "zoe");
    bench.seconds(30);
    bench.hang_up("alice", call);
    remember(&mut bench);
    let placed = bench.user("alice").call_logs[&LogKind::Placed][0].clone();
    assert_eq!(
        (placed.number.as_str(), placed.name.as_str()),
        ("0201", "Zoë Quist")
    );
    assert_eq!(placed.time, "2027-01-15T08:00:00Z");
    let placed = bench.user("alice").enhanced_logs[&LogKind::Placed][0].clone();
    let received = bench.user("zoe").enhanced_logs[&LogKind::Received][0].clone();
    for (name, placed_text, received_text) in [
        ("callingPresentationNumber", Some("0101"), Some("0101")),
        (
            "callingPresentationName",
            Some("Renée Example"),
            Some("Renée Example"),
        ),
        ("callingAssertedNumber", Some("2405550101"), None),
        ("dialedNumber", Some("0201"), Some("0201")),
        ("calledNumber", Some("0201"), Some("0201")),
        ("calledGroupId", Some("branch"), Some("branch")),
        ("basicCallType", Some("Enterprise"), Some("Enterprise")),
        ("startTime", Some("1800000000000"), Some("1800000000000")),
        ("answerTime", Some("1800000000000"), Some("1800000000000")),
        ("releaseTime", Some("1800000030000"), Some("1800000030000")),
    ] {
        assert_eq!(field(&placed, name), placed_text, "{name}");
        assert_eq!(field(&received, name), received_text, "{name}");
    }
    assert_eq!(
        field(&placed, "callLogId"),
        Some("12346"),
        "behind the seeded one"
    );
    assert_eq!(placed.id, "12346");
}

#[test]
fn who_hides_is_logged_without_name_and_number() {
    let mut bench = Bench::new();
    bench.set("alice", "callinglineiddeliveryblocking", "active", "true");
    let call = bench.dial("alice", "0102");
    bench.hang_up("alice", call);
    remember(&mut bench);
    let missed = bench.user("bob").call_logs[&LogKind::Missed][0].clone();
    assert_eq!(
        (missed.number.as_str(), missed.name.as_str()),
        ("Unavailable", "Anonymous")
    );
    let missed = bench.user("bob").enhanced_logs[&LogKind::Missed][0].clone();
    assert_eq!(
        field(&missed, "callingPresentationIndicator"),
        Some("Anonymous")
    );
    assert_eq!(field(&missed, "answerTime"), None);
    let text = format!("{missed:?}");
    assert!(
        !text.contains("0101") && !text.contains("Example"),
        "{text}"
    );
}

#[test]
fn logs_keep_the_newest_calls_only() {
    let mut bench = Bench::new();
    for _ in 0..60 {
        let call = bench.dial("bob", "2405550199");
        bench.hang_up("bob", call);
    }
    remember(&mut bench);
    let placed = &bench.user("bob").call_logs[&LogKind::Placed];
    assert_eq!(placed.len(), 50);
    assert_eq!(
        (placed[0].id.as_str(), placed[49].id.as_str()),
        ("160", "111")
    );
    assert_eq!(placed[0].number, "2405550199");
}

#[test]
fn a_full_mailbox_takes_no_more_messages() {
    let mut bench = Bench::new();
    bench.set("bob", "voicemessaging", "active", "true");
    let (_, into) = bench.talk("alice", "bob");
    bench.done("bob", Command::VoiceMailTransfer(into, None));
    bench.seconds(4);
    let message = bench.messages()[0].clone();
    let mut kept = 0;
    for at in 0..30 {
        kept += usize::from(record::deposit(
            &mut bench.directory,
            at.to_string(),
            &message,
        ));
    }
    assert_eq!(kept, 20);
    let newest = bench.user("bob").voice_messages[0].clone();
    assert_eq!(
        (newest.id.as_str(), newest.address.as_str()),
        ("19", "tel:0101")
    );
    let gone = record::deposit(
        &mut bench.directory,
        "x".to_owned(),
        &Message {
            mailbox: id("nobody"),
            ..message
        },
    );
    assert!(!gone);
}
