//! The bytes of documents: prefixes, order, one line, nothing beyond ASCII.

use std::sync::Arc;

use proptest::prop_assert;
use proptest::prop_assert_eq;
use proptest::proptest;

use super::bench::between;
use crate::domain::xsi::codec::parse_xml;
use crate::lab::broadworks::events::command::ChannelEnd;
use crate::lab::broadworks::events::command::Owner;
use crate::lab::broadworks::events::envelope;
use crate::lab::broadworks::events::envelope::EventData;
use crate::lab::broadworks::events::envelope::Heading;
use crate::lab::broadworks::events::envelope::Saying;
use crate::lab::broadworks::events::envelope::Way;
use crate::lab::broadworks::events::ids::ChannelId;
use crate::lab::broadworks::events::ids::EventId;
use crate::lab::broadworks::events::ids::Ids;
use crate::lab::broadworks::events::ids::SubscriptionId;
use crate::lab::broadworks::events::ids::Uuid;

/// A recorded document as it stood on the wire: files have a line feed at their end, and all but
/// the first document of a stream have none behind their prolog.
pub(super) fn sample(name: &str) -> String {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/wire/xsi-events"
    );
    let files = std::fs::read_dir(folder).unwrap();
    let file = files.map(|file| file.unwrap().path()).find(|path| {
        path.file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with(name)
    });
    let text = std::fs::read_to_string(file.unwrap_or_else(|| panic!("no {name}"))).unwrap();
    let text = text.trim_end().to_owned();
    if name == "02" {
        text
    } else {
        text.replacen("?>\n", "?>", 1)
    }
}

fn uuid(text: &str) -> Uuid {
    Uuid::parse(text).unwrap()
}

pub(super) fn heading() -> Heading {
    Heading {
        subscription: SubscriptionId(uuid("98ed3939-c113-419c-8012-092556b85c66")),
        owner: Owner::User("admin@example.net".to_owned()),
        application: Some("com.example.app".to_owned()),
        shared: None,
        target_sub: None,
    }
}

pub(super) const CHANNEL: &str = "64eddc79-b707-4827-aacd-487fb5cb8427";

/// An event to the admin of the samples about their Alice.
pub(super) fn event(id: &str, sequence: u32, data: EventData) -> String {
    let saying = Saying {
        id: EventId(uuid(id)),
        sequence,
        subject: Some("alice@example.net".to_owned()),
        data,
    };
    let way = Way::Channel(ChannelId(uuid(CHANNEL)));
    String::from_utf8(envelope::event(&heading(), way, &saying).to_vec()).unwrap()
}

fn text(bytes: &bytes::Bytes) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn the_first_document_is_the_recorded_one_of_181_bytes() {
    let opening = envelope::opening(ChannelId(uuid(CHANNEL)), 86_400);
    assert_eq!(text(&opening), sample("02"));
    assert_eq!(opening.len(), 0xb5);
}

#[test]
fn the_echo_is_the_text_that_clients_search_for() {
    assert_eq!(text(&envelope::echo()), sample("07"));
    assert_eq!(envelope::echo().len(), 0x61);
}

#[test]
fn the_end_of_a_channel_is_as_recorded() {
    let id = ChannelId(uuid("726bfd81-799c-473a-9e32-ed7063ef0b2f"));
    for (name, end) in [
        ("08", ChannelEnd::ExplicitDelete),
        ("09", ChannelEnd::DuplicateChannelSet),
        ("10", ChannelEnd::NonResponsiveChannel),
    ] {
        assert_eq!(text(&envelope::terminated(id, end)), sample(name));
    }
}

#[test]
fn an_event_about_its_owner_names_no_target() {
    let data = EventData::new("CallSubscriptionEvent", |markup| {
        markup.leaf("hookStatus", "On-Hook");
    });
    let heading = Heading {
        owner: Owner::User("alice@example.net".to_owned()),
        application: Some("KIWI-XSIEvents responsetime checker 1.0.3".to_owned()),
        ..heading()
    };
    let saying = Saying {
        id: EventId(uuid("957d0482-6cdd-4189-b477-19c6793f113a")),
        sequence: 1,
        subject: Some("alice@example.net".to_owned()),
        data,
    };
    let way = Way::Channel(ChannelId(uuid(CHANNEL)));
    assert_eq!(text(&envelope::event(&heading, way, &saying)), sample("27"));
}

#[test]
fn ids_are_read_as_they_are_written_and_differ() {
    let mut ids = Ids::new(1);
    let all: std::collections::BTreeSet<Uuid> = (0..1000).map(|_| ids.next()).collect();
    assert_eq!(all.len(), 1000);
    for id in &all {
        let written = id.to_string();
        assert_eq!(Uuid::parse(&written), Some(*id));
        assert_eq!(Uuid::parse(&written.to_uppercase()), Some(*id));
        assert_eq!(&written[14..15], "4", "{written}");
    }
    for none in [
        "",
        "x",
        "64eddc79b70748 27aacd487fb5cb8427",
        "64eddc79-b707-4827-aacd",
    ] {
        assert_eq!(Uuid::parse(none), None, "{none}");
    }
}

proptest! {
    #[test]
    fn every_name_is_on_one_line_of_ascii_and_is_read_back(
        // White space at the ends is not kept by readers.
        name in "x\\PC{1,40}x|x[\t\nÀ-ſ<&>\"]{1,20}x",
    ) {
        let data = EventData::new("CallReceivedEvent", |markup| {
            markup.within("call", |call| {
                call.leaf("name", &name);
            });
        });
        let heading = Arc::new(Heading {
            application: Some(name.clone()),
            ..heading()
        });
        let saying = Saying {
            id: EventId(uuid(CHANNEL)),
            sequence: 1,
            subject: Some(name.clone()),
            data,
        };
        let bytes = envelope::event(&heading, Way::Contact(&name), &saying);
        prop_assert!(bytes.is_ascii());
        prop_assert!(!bytes.contains(&b'\n') && !bytes.contains(&b'\r'));
        let root = parse_xml(&bytes, usize::MAX, None).unwrap().into_root();
        prop_assert_eq!(root.child_text("externalApplicationId"), Some(name.as_str()));
        prop_assert_eq!(root.child_text("targetId"), Some(name.as_str()));
        let read = root.child("eventData").unwrap().child("call").unwrap();
        prop_assert_eq!(read.child_text("name"), Some(name.as_str()));
    }
}

#[test]
fn characters_that_xml_does_not_have_are_replaced() {
    let data = EventData::new("X", |markup| {
        markup.leaf("name", "a\0b\u{b}c\u{ffff}d");
    });
    let text = event(CHANNEL, 1, data);
    assert_eq!(between(&text, "name"), "a&#65533;b&#65533;c&#65533;d");
}
