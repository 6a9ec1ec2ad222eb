//! Documents of OCI-R, read by the codec that judges; the requests inside of them too.

use crate::domain::ocip::OCI;
use crate::domain::ocip::answer::declares_encoding;
use crate::domain::ocip::answer::local_name;
use crate::domain::ocip::framing::MESSAGE;
use crate::domain::xsi::codec::CodecError;
use crate::domain::xsi::codec::Element;
use crate::domain::xsi::codec::Encoding;
use crate::domain::xsi::codec::XmlRules;
use crate::domain::xsi::codec::parse_xml_by;

/// Commands of one document, and of one request inside of it. The Application Server takes up to 15
/// in a request and was seen to report two in a document.
const COMMANDS: usize = 256;

/// Bytes of a request once it is text: each byte of ISO-8859-1 has at most two in UTF-8.
const REQUEST: usize = 2 * MESSAGE;

/// What a document, and a request inside of one, may be. A request with fifteen commands that each
/// name a hundred users has some two thousand elements; four megabytes of empty ones would be a
/// million, and each takes a hundred times its bytes in memory.
const RULES: XmlRules = XmlRules {
    depth: 32,
    elements: 50_000,
    attributes: XmlRules::XSI.attributes,
    instructions: false,
};

/// Why a document says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadDocument {
    /// It is not well-formed, or larger than is taken.
    #[error("not well-formed: {0}")]
    Malformed(#[from] CodecError),
    /// Well-formed, but something else.
    #[error("no document of OCI-R")]
    NotOcir,
    /// More commands than any Application Server sends.
    #[error("more than {COMMANDS} commands")]
    TooMany,
}

/// One thing that a document tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notification {
    /// The Application Server is there.
    KeepAlive,
    /// A type that we do not know; later releases may have more.
    Other(String),
    /// The identities of a user changed: told beside the request that changed them.
    PublicIdentity,
    /// A report whose request cannot be read; the others of the document can.
    Unreadable {
        /// The id of the report.
        id: String,
        /// What is wrong.
        why: BadDocument,
    },
    /// Somebody changed something.
    Write(Write),
}

/// A request that the Application Server carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The report's name, as `write256`. It is the same when the report is sent again.
    pub id: String,
    /// Who asked.
    pub by: String,
    /// The request as text, to tell a repetition by.
    pub text: String,
    /// What was asked.
    pub commands: Vec<Command>,
}

/// One command of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The local part of its `xsi:type`.
    pub name: String,
    /// Its elements.
    pub body: Element,
}

/// Reads a document.
///
/// # Errors
/// [`BadDocument`] when nothing of it can be used. The stream may go on.
pub fn read(document: &[u8]) -> Result<Vec<Notification>, BadDocument> {
    let charset = (!declares_encoding(document)).then_some(Encoding::Latin1);
    let root = parse_xml_by(RULES, document, MESSAGE, charset)?.into_root();
    let protocol = root.attribute("protocol");
    if root.local() != "BroadsoftOCIReportingDocument" || protocol != Some("OCIReporting") {
        return Err(BadDocument::NotOcir);
    }
    let commands = root.children_named("command");
    bounded(commands.map(notification))
}

fn notification(command: &Element) -> Notification {
    let name = command.instance("type").map_or("", local_name);
    match name {
        "OCIReportingServerStatusNotification" => Notification::KeepAlive,
        "OCIReportingReportPublicIdentityNotification" => Notification::PublicIdentity,
        "OCIReportingReportNotification" => report(command),
        other => Notification::Other(other.chars().take(80).collect()),
    }
}

fn report(command: &Element) -> Notification {
    let text = |name| {
        let text = command.child_text(name).unwrap_or_default();
        text.chars().take(256).collect::<String>()
    };
    let id = text("id");
    let request = command.child("request").map(Element::text);
    let request = request.unwrap_or_default().trim();
    match commands(request) {
        Ok(commands) => Notification::Write(Write {
            id,
            by: text("userId"),
            text: request.to_owned(),
            commands,
        }),
        Err(why) => Notification::Unreadable { id, why },
    }
}

/// The commands of a request inside of a document. It is text by now, whatever it says of its
/// encoding.
fn commands(request: &str) -> Result<Vec<Command>, BadDocument> {
    let bytes = request.as_bytes();
    let root = parse_xml_by(RULES, bytes, REQUEST, Some(Encoding::Utf8))?.into_root();
    if root.local() != "BroadsoftDocument" || root.namespace() != Some(OCI) {
        return Err(BadDocument::NotOcir);
    }
    bounded(root.children_named("command").map(|command| Command {
        name: command.instance("type").map_or("", local_name).to_owned(),
        body: command.clone(),
    }))
}

fn bounded<T>(found: impl Iterator<Item = T>) -> Result<Vec<T>, BadDocument> {
    let found: Vec<T> = found.take(COMMANDS + 1).collect();
    if found.len() > COMMANDS {
        return Err(BadDocument::TooMany);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::ocip::framing::Framer;

    const ASSIGN: &[u8] =
        include_bytes!("../../../tests/fixtures/wire/provisioning/ocir-report-assign.xml");
    const MODIFY: &[u8] =
        include_bytes!("../../../tests/fixtures/wire/provisioning/ocir-report-modify.xml");
    const KEEP_ALIVE: &[u8] =
        include_bytes!("../../../tests/fixtures/wire/provisioning/ocir-keepalive.xml");

    fn writes(document: &[u8]) -> Vec<Write> {
        let found = read(document).unwrap().into_iter();
        let writes = found.filter_map(|told| match told {
            Notification::Write(write) => Some(write),
            Notification::KeepAlive
            | Notification::Other(_)
            | Notification::PublicIdentity
            | Notification::Unreadable { .. } => None,
        });
        writes.collect()
    }

    #[test]
    fn the_samples_are_read() {
        let [write] = &writes(ASSIGN)[..] else {
            panic!("one report")
        };
        assert_eq!(
            (write.id.as_str(), write.by.as_str()),
            ("write256", "admin")
        );
        assert_eq!(write.commands[0].name, "UserServiceAssignListRequest");
        let user = write.commands[0].body.child_text("userId");
        assert_eq!(user, Some("95547321@sp.example"));
        let found = read(MODIFY).unwrap();
        assert!(
            matches!(
                found[..],
                [Notification::Write(_), Notification::PublicIdentity]
            ),
            "{found:?}"
        );
        assert_eq!(read(KEEP_ALIVE).unwrap(), [Notification::KeepAlive]);
    }

    #[test]
    fn the_samples_are_framed_in_any_pieces() {
        let stream = [ASSIGN, b"\r\n", KEEP_ALIVE, MODIFY].concat();
        for piece in 1..=stream.len() {
            let mut framer = Framer::ocir();
            let mut found = 0;
            for piece in stream.chunks(piece) {
                framer.push(piece);
                while let Some(document) = framer.message().unwrap() {
                    found += read(&document).unwrap().len();
                }
            }
            assert_eq!(found, 4, "pieces of {piece}");
            assert!(framer.is_empty());
        }
    }

    fn document(request: &str) -> Vec<u8> {
        let text = String::from_utf8(ASSIGN.to_vec()).unwrap();
        let start = text.find("<![CDATA[").unwrap();
        let end = text.find("]]>").unwrap() + 3;
        format!("{}{request}{}", &text[..start], &text[end..]).into_bytes()
    }

    #[test]
    fn an_end_tag_inside_of_a_request_ends_no_document() {
        let inner = "<BroadsoftDocument protocol=\"OCI\" xmlns=\"C\" \
            xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\
            <!-- </BroadsoftOCIReportingDocument> -->\
            <command xsi:type=\"UserModifyRequest22\" xmlns=\"\"><userId>a@b</userId>\
            <title>&lt;/BroadsoftOCIReportingDocument&gt;</title></command></BroadsoftDocument>";
        let bytes = document(&format!("<![CDATA[\n{inner}]]>"));
        let mut framer = Framer::ocir();
        framer.push(&bytes);
        let whole = framer.message().unwrap().unwrap();
        assert_eq!(whole, bytes.trim_ascii_end());
        let [write] = &writes(&whole)[..] else {
            panic!("one report")
        };
        let title = write.commands[0].body.child_text("title");
        assert_eq!(title, Some("</BroadsoftOCIReportingDocument>"));
    }

    #[test]
    fn letters_of_iso_8859_1_survive_both_readings() {
        let inner = "<BroadsoftDocument xmlns=\"C\"><command><userId>no\u{eb}l@x</userId></command>\
            </BroadsoftDocument>";
        let text = String::from_utf8(document(&format!("<![CDATA[{inner}]]>"))).unwrap();
        let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
        let user = writes(&latin)[0].commands[0]
            .body
            .child_text("userId")
            .map(str::to_owned);
        assert_eq!(user.as_deref(), Some("no\u{eb}l@x"));
    }

    #[test]
    fn a_request_that_cannot_be_read_is_told_and_the_rest_is_used() {
        for request in [
            "",
            "<![CDATA[]]>",
            "<![CDATA[<a>]]>",
            "<![CDATA[<!DOCTYPE a [<!ENTITY b \"c\">]><BroadsoftDocument xmlns=\"C\"/>]]>",
            "<![CDATA[<BroadsoftDocument xmlns=\"D\"/>]]>",
            "<![CDATA[<BroadsoftDocument xmlns=\"C\">&lol;</BroadsoftDocument>]]>",
        ] {
            let found = read(&document(request)).unwrap();
            assert!(
                matches!(&found[..], [Notification::Unreadable { id, .. }] if id == "write256"),
                "{request}: {found:?}"
            );
        }
    }

    #[test]
    fn a_flood_of_elements_is_refused_before_it_fills_the_memory() {
        let request = |inner: &str| {
            let text = format!("<BroadsoftDocument xmlns=\"C\">{inner}</BroadsoftDocument>");
            document(&format!("<![CDATA[{text}]]>"))
        };
        let deep = |levels: usize| format!("{}{}", "<a>".repeat(levels), "</a>".repeat(levels));
        for (inner, good) in [
            (format!("<command>{}</command>", "<a/>".repeat(2_000)), true),
            (
                format!("<command>{}</command>", "<a/>".repeat(RULES.elements)),
                false,
            ),
            (deep(20), true),
            (deep(RULES.depth), false),
            ("<?x y?>".to_owned(), false),
        ] {
            let found = read(&request(&inner)).unwrap();
            let is_good = matches!(found[..], [Notification::Write(_)]);
            assert_eq!(is_good, good, "{:.80}", inner);
        }
        let text = String::from_utf8(KEEP_ALIVE.to_vec()).unwrap();
        let flood = "<a/>".repeat(RULES.elements);
        let flood = text.replacen("<command", &format!("<b>{flood}</b><command"), 1);
        let found = read(flood.as_bytes());
        assert!(matches!(found, Err(BadDocument::Malformed(_))), "{found:?}");
    }

    #[test]
    fn what_is_no_document_is_refused() {
        let text = String::from_utf8(KEEP_ALIVE.to_vec()).unwrap();
        for other in [
            text.replace("\"OCIReporting\"", "\"OCI\""),
            text.replace("BroadsoftOCIReportingDocument", "BroadsoftDocument"),
        ] {
            assert_eq!(read(other.as_bytes()), Err(BadDocument::NotOcir), "{other}");
        }
        for other in [
            text.replace("?>", "?><!DOCTYPE x [<!ENTITY a \"b\">]>"),
            text.replace("ISO-8859-1", "UTF-16"),
            text.replace("/></B", "></B"),
        ] {
            let found = read(other.as_bytes());
            assert!(matches!(found, Err(BadDocument::Malformed(_))), "{other}");
        }
        let many = text.replace(
            "<command",
            &format!("{}<command", "<command/>".repeat(COMMANDS)),
        );
        assert_eq!(read(many.as_bytes()), Err(BadDocument::TooMany));
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(read(&bytes).is_err());
        }

        #[test]
        fn a_damaged_document_never_panics(at in 0..600_usize, byte in any::<u8>()) {
            let mut bytes = ASSIGN.to_vec();
            let at = at % bytes.len();
            bytes[at] = byte;
            drop(read(&bytes));
        }
    }
}
