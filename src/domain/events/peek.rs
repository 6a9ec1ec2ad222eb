//! What little the relay wants to know of one document, without parsing it: the names and ids that
//! stand near its start (field page, sections 1.3 and 2.4). Nothing is copied.

use memchr::memchr;
use memchr::memchr3;
use memchr::memmem;

/// Longest id or name taken: what the schema allows (field page, section 1.2).
pub const ID_LENGTH: usize = 256;

/// One document of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen<'a> {
    /// The first one: the channel is there.
    Channel {
        /// Its id.
        id: Option<&'a [u8]>,
    },
    /// The echo of a heartbeat.
    HeartBeat,
    /// An event that wants an answer.
    Event {
        /// By which it is answered.
        id: Option<&'a [u8]>,
        /// Type of its data, without prefix.
        data: Option<&'a [u8]>,
    },
    /// The end of the channel; it must not be answered.
    ChannelTerminated {
        /// As the server says.
        reason: Option<&'a [u8]>,
    },
    /// An error in the place of a stream.
    ErrorInfo,
    /// Something else.
    Other,
}

/// Looks at one whole document of a stream.
#[must_use]
pub fn document(document: &[u8]) -> Seen<'_> {
    let mut elements = Elements::of(document);
    let Some(root) = elements.next() else {
        return Seen::Other;
    };
    match root.name {
        b"Channel" => Seen::Channel {
            id: elements.text_of(b"channelId"),
        },
        // The interface guide spells it in both ways.
        b"ChannelHeartBeat" | b"ChannelHeartbeat" => Seen::HeartBeat,
        b"Event" if root.type_name() == Some(b"ChannelTerminatedEvent") => {
            Seen::ChannelTerminated {
                reason: elements.text_of(b"reason"),
            }
        }
        b"Event" => event(elements),
        b"ErrorInfo" => Seen::ErrorInfo,
        _ => Seen::Other,
    }
}

fn event(elements: Elements<'_>) -> Seen<'_> {
    let mut id = None;
    for element in elements {
        match element.name {
            b"eventID" => id = element.id(),
            // It comes last; what is in it is nobody's business here.
            b"eventData" => {
                return Seen::Event {
                    id,
                    data: element.type_name(),
                };
            }
            _ => {}
        }
    }
    Seen::Event { id, data: None }
}

/// What a request for a channel says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChannelAsked<'a> {
    /// The set that it joins.
    pub set: Option<&'a [u8]>,
    /// The application that asks.
    pub application: Option<&'a [u8]>,
}

/// Looks at the body of a request for a channel; one that is not XML says nothing.
#[must_use]
pub fn channel_asked(body: &[u8]) -> ChannelAsked<'_> {
    let mut asked = ChannelAsked::default();
    let mut elements = Elements::of(body);
    if elements.next().is_none_or(|root| root.name != b"Channel") {
        return asked;
    }
    for element in elements {
        match element.name {
            b"channelSetId" => asked.set = element.id(),
            b"applicationId" => asked.application = element.id(),
            _ => {}
        }
    }
    asked
}

/// The id of the event that a body answers.
#[must_use]
pub fn event_answered(body: &[u8]) -> Option<&[u8]> {
    let mut elements = Elements::of(body);
    match elements.next()?.name {
        b"EventResponse" => elements.text_of(b"eventID"),
        _ => None,
    }
}

/// The names of event packages in the body of a subscription, single or listed.
pub fn packages(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut elements = Elements::of(body);
    let is_subscription = elements
        .next()
        .is_some_and(|root| root.name == b"Subscription");
    elements
        .filter(move |element| is_subscription && element.name == b"event")
        .filter_map(|element| name(element.text))
}

/// One start tag.
#[derive(Debug, Clone, Copy)]
struct Element<'a> {
    /// Without prefix.
    name: &'a [u8],
    attributes: &'a [u8],
    /// Up to the next markup.
    text: &'a [u8],
}

impl<'a> Element<'a> {
    /// Its text as an id.
    fn id(&self) -> Option<&'a [u8]> {
        name(self.text).filter(|id| !id.contains(&b' '))
    }

    /// The value of its `type` attribute, in any namespace, without prefix.
    fn type_name(&self) -> Option<&'a [u8]> {
        let mut rest = self.attributes;
        loop {
            let equals = memchr(b'=', rest)?;
            let (key, after) = rest.split_at_checked(equals)?;
            let after = after.get(1..)?.trim_ascii_start();
            let quote = *after.first()?;
            if quote != b'"' && quote != b'\'' {
                return None;
            }
            let value = after.get(1..)?;
            let end = memchr(quote, value)?;
            let (value, behind) = value.split_at_checked(end)?;
            if local(key.trim_ascii()) == b"type" {
                return name(local(value));
            }
            rest = behind.get(1..)?;
        }
    }
}

/// A text that can be an id or a name: neither empty, too long, escaped nor unprintable.
fn name(text: &[u8]) -> Option<&[u8]> {
    let text = text.trim_ascii();
    let plain = |byte: &u8| (byte.is_ascii_graphic() && *byte != b'&') || *byte == b' ';
    (!text.is_empty() && text.len() <= ID_LENGTH && text.iter().all(plain)).then_some(text)
}

fn local(name: &[u8]) -> &[u8] {
    match memchr(b':', name) {
        Some(colon) => name.get(colon + 1..).unwrap_or_default(),
        None => name,
    }
}

/// The start tags of a document, in order.
struct Elements<'a> {
    rest: &'a [u8],
}

impl<'a> Elements<'a> {
    const fn of(document: &'a [u8]) -> Self {
        Self { rest: document }
    }

    fn text_of(&mut self, name: &[u8]) -> Option<&'a [u8]> {
        self.find(|element| element.name == name)?.id()
    }

    fn skip_past(&mut self, end: &[u8]) {
        let found = memmem::find(self.rest, end).map(|at| at + end.len());
        self.rest = found.and_then(|at| self.rest.get(at..)).unwrap_or_default();
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        loop {
            let at = memchr(b'<', self.rest)?;
            self.rest = self.rest.get(at + 1..)?;
            match self.rest.first()? {
                b'/' => {}
                b'?' => self.skip_past(b"?>"),
                b'!' if self.rest.starts_with(b"!--") => self.skip_past(b"-->"),
                b'!' if self.rest.starts_with(b"![CDATA[") => self.skip_past(b"]]>"),
                b'!' => return None,
                _ => {
                    let end = tag_end(self.rest)?;
                    let (tag, after) = self.rest.split_at_checked(end)?;
                    self.rest = after.get(1..)?;
                    let ends_name = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'/';
                    let length = tag.iter().position(ends_name).unwrap_or(tag.len());
                    let (full, attributes) = tag.split_at_checked(length)?;
                    let closed = tag.last() == Some(&b'/');
                    let text = match memchr(b'<', self.rest) {
                        Some(end) if !closed => self.rest.get(..end).unwrap_or_default(),
                        Some(_) | None => &[],
                    };
                    return Some(Element {
                        name: local(full),
                        attributes,
                        text,
                    });
                }
            }
        }
    }
}

/// Where the `>` of a tag is.
fn tag_end(tag: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let found = at + memchr3(b'>', b'"', b'\'', tag.get(at..)?)?;
        match *tag.get(found)? {
            b'>' => return Some(found),
            quote => at = found + 1 + memchr(quote, tag.get(found + 1..)?)? + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EVENT: &[u8] = br#"<?xml version="1.0" encoding="UTF-8"?><xsi:Event xmlns:xsi="http://schema.broadsoft.com/xsi" xmlns:xsi1="http://www.w3.org/2001/XMLSchema-instance" xsi1:type="xsi:SubscriptionEvent"><xsi:eventID>e-1</xsi:eventID><xsi:sequenceNumber>4</xsi:sequenceNumber><xsi:userId>a@b</xsi:userId><xsi:channelId>c</xsi:channelId><xsi:eventData xsi1:type="xsi:CallReceivedEvent"><xsi:call><xsi:eventID>not this</xsi:eventID></xsi:call></xsi:eventData></xsi:Event>"#;

    #[test]
    fn the_documents_of_a_channel_are_told_apart_in_any_prefix() {
        let table: [(&[u8], Seen<'_>); 9] = [
            (
                b"<?xml version=\"1.0\"?>\n<Channel xmlns=\"n\"><channelId>1-2</channelId><expires>9</expires></Channel>",
                Seen::Channel { id: Some(b"1-2") },
            ),
            (b"<ChannelHeartBeat xmlns='n'/>", Seen::HeartBeat),
            (b"<x:ChannelHeartbeat/>", Seen::HeartBeat),
            (
                EVENT,
                Seen::Event {
                    id: Some(b"e-1"),
                    data: Some(b"CallReceivedEvent"),
                },
            ),
            (
                b"<a:Event b:type='a:ChannelTerminatedEvent'><a:channelId>1</a:channelId><a:reason>Expired</a:reason></a:Event>",
                Seen::ChannelTerminated {
                    reason: Some(b"Expired"),
                },
            ),
            (
                b"<Event><!-- <eventID>x</eventID> --><eventID> y </eventID></Event>",
                Seen::Event {
                    id: Some(b"y"),
                    data: None,
                },
            ),
            (b"<ErrorInfo/>", Seen::ErrorInfo),
            (b"<html><Channel/></html>", Seen::Other),
            (b"", Seen::Other),
        ];
        for (text, seen) in table {
            assert_eq!(document(text), seen, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn an_id_that_is_none_is_not_taken() {
        for id in [
            "",
            "a&amp;b",
            "a b",
            "\u{e4}",
            &"x".repeat(ID_LENGTH + 1),
            "<b/>",
        ] {
            let text = format!("<Channel><channelId>{id}</channelId></Channel>");
            assert_eq!(
                document(text.as_bytes()),
                Seen::Channel { id: None },
                "{id}"
            );
        }
    }

    #[test]
    fn requests_tell_what_the_relay_must_know() {
        let asked = channel_asked(
            b"<?xml version=\"1.0\"?><Channel xmlns=\"n\"><channelSetId>s</channelSetId><priority>1</priority><applicationId>a</applicationId></Channel>",
        );
        assert_eq!(
            (asked.set, asked.application),
            (Some(&b"s"[..]), Some(&b"a"[..]))
        );
        assert_eq!(channel_asked(b"{\"Channel\": {}}"), ChannelAsked::default());
        let answer = b"<EventResponse xmlns='n'><eventID>e-9</eventID><statusCode>200</statusCode></EventResponse>";
        assert_eq!(event_answered(answer), Some(&b"e-9"[..]));
        assert_eq!(event_answered(b"<eventID>e</eventID>"), None);
        let listed = b"<Subscription><eventPackageList><event>Do Not Disturb</event><event>New One</event></eventPackageList></Subscription>";
        let names: Vec<_> = packages(listed).collect();
        assert_eq!(names, [&b"Do Not Disturb"[..], b"New One"]);
        assert_eq!(packages(b"<Other><event>x</event></Other>").count(), 0);
    }

    proptest! {
        #[test]
        fn bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            std::hint::black_box(document(&bytes));
            std::hint::black_box(channel_asked(&bytes));
            std::hint::black_box(event_answered(&bytes));
            prop_assert!(packages(&bytes).count() < 200);
        }

        #[test]
        fn what_looks_like_xml_never_panics(text in "[<>/!?='\" :a-z\\[\\]-]{0,80}") {
            std::hint::black_box(document(text.as_bytes()));
            std::hint::black_box(channel_asked(format!("<Channel {text}").as_bytes()));
            std::hint::black_box(document(format!("<Event {text}").as_bytes()));
        }
    }
}
