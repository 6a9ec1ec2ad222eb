//! What came back, up to the command; its content is read by [`super::facts`].

use crate::domain::ocip::OCI;
use crate::domain::ocip::framing::FramingFault;
use crate::domain::ocip::framing::MESSAGE;
use crate::domain::ocip::refusal::Refusal;
use crate::domain::xsi::codec::CodecError;
use crate::domain::xsi::codec::Element;
use crate::domain::xsi::codec::Encoding;
use crate::domain::xsi::codec::parse_xml;

/// Why an answer says nothing that we may rely on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAnswer {
    /// Not one well-formed document.
    #[error("the answer is no XML document: {0}")]
    Document(CodecError),
    /// The text of an element was written in another encoding than the document says.
    #[error("<{0}> is in another encoding than the document declares")]
    Encoding(&'static str),
    /// The text of an element is not of its type.
    #[error("<{0}> has a value that is none")]
    Malformed(&'static str),
    /// An element that must be there is not, or is empty.
    #[error("<{0}> is missing")]
    Missing(&'static str),
    /// XML, but no OCI-P.
    #[error("the answer is no BroadsoftDocument")]
    NotOcip,
    /// What came is no sequence of messages.
    #[error("{0}")]
    Stream(#[from] FramingFault),
    /// The answer to something else.
    #[error("the answer is of another type than was asked for")]
    UnexpectedType,
}

/// A message of the Application Server.
#[derive(Debug, Clone)]
pub struct Answer {
    session: Option<String>,
    type_name: String,
    command: Element,
}

impl BadAnswer {
    /// Whether the other side is no Application Server at all, rather than one that gave a single
    /// odd answer: one user's odd data must not close the way for everybody.
    #[must_use]
    pub const fn is_no_application_server(&self) -> bool {
        match self {
            Self::NotOcip | Self::Stream(_) => true,
            Self::Document(_)
            | Self::Encoding(_)
            | Self::Malformed(_)
            | Self::Missing(_)
            | Self::UnexpectedType => false,
        }
    }
}

impl Answer {
    /// Reads a message. The encoding is the declared one, ISO-8859-1 without a declaration.
    ///
    /// # Errors
    /// [`BadAnswer`] when it is no OCI-P message with a command.
    pub fn parse(message: &[u8]) -> Result<Self, BadAnswer> {
        let charset = (!declares_encoding(message)).then_some(Encoding::Latin1);
        let document = parse_xml(message, MESSAGE, charset).map_err(BadAnswer::Document)?;
        let root = document.into_root();
        let ours = root.local() == "BroadsoftDocument" && root.namespace() == Some(OCI);
        if !ours || root.attribute("protocol").is_some_and(|name| name != "OCI") {
            return Err(BadAnswer::NotOcip);
        }
        let session = root.child_text("sessionId").filter(|id| !id.is_empty());
        // `xmlns=""` is the rule for what is inside; some writers leave it out.
        let command = root.child("command").ok_or(BadAnswer::Missing("command"))?;
        // The attribute `type` without a namespace says Error or Warning.
        let type_name = command.instance("type").map(local_name);
        Ok(Self {
            session: session.map(str::to_owned),
            type_name: type_name.ok_or(BadAnswer::UnexpectedType)?.to_owned(),
            command: command.clone(),
        })
    }

    /// The session that it belongs to; refusals may come without one.
    #[must_use]
    pub fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// The type of its command without prefix.
    #[must_use]
    pub fn type_name(&self) -> &str {
        &self.type_name
    }

    /// The refusal, if it is one.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        (self.type_name == "ErrorResponse").then(|| Refusal::of(&self.command))
    }

    /// The command, if it answers the request of this name.
    ///
    /// # Errors
    /// [`BadAnswer::UnexpectedType`] otherwise: an answer to something else proves nothing.
    pub fn to_request(&self, name: &str) -> Result<&Element, BadAnswer> {
        let expected = name.split_once("Request").is_some_and(|(head, version)| {
            let rest = self.type_name.strip_prefix(head);
            rest.and_then(|rest| rest.strip_prefix("Response")) == Some(version)
        });
        if expected {
            Ok(&self.command)
        } else {
            Err(BadAnswer::UnexpectedType)
        }
    }

    /// Whether it says that all is done, without data.
    ///
    /// # Errors
    /// As [`Answer::to_request`].
    pub fn success(&self) -> Result<(), BadAnswer> {
        if self.type_name == "SuccessResponse" {
            Ok(())
        } else {
            Err(BadAnswer::UnexpectedType)
        }
    }
}

/// A type is a qualified name whose prefix is declared in changing places, or not at all.
pub(in crate::domain) fn local_name(name: &str) -> &str {
    let name = name.trim();
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// Whether there is a declaration with an encoding. The byte order mark decides by itself.
pub(in crate::domain) fn declares_encoding(message: &[u8]) -> bool {
    let end = memchr::memmem::find(message, b"?>").unwrap_or(0);
    let head = message.get(..end).unwrap_or_default();
    message.starts_with(b"\xef\xbb\xbf")
        || head.starts_with(b"<?xml") && memchr::memmem::find(head, b"encoding").is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn document(inner: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<BroadsoftDocument protocol=\"OCI\" \
             xmlns=\"C\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">{inner}\
             </BroadsoftDocument>"
        )
    }

    #[test]
    fn session_and_type_are_found_under_any_prefix() {
        for text in [
            document(
                "<sessionId xmlns=\"\">s-1</sessionId>\
                 <command echo=\"\" xsi:type=\"LoginResponse14sp4\" xmlns=\"\"/>",
            ),
            document("<sessionId>s-1</sessionId><new/><command xsi:type=\"LoginResponse14sp4\"/>"),
            "<n:BroadsoftDocument protocol='OCI' xmlns:n='C'><sessionId>s-1</sessionId>\
             <command i:type=' n:LoginResponse14sp4 ' type='Info' \
             xmlns:i='http://www.w3.org/2001/XMLSchema-instance'/></n:BroadsoftDocument>"
                .to_owned(),
        ] {
            let answer = Answer::parse(text.as_bytes()).unwrap();
            assert_eq!(answer.session(), Some("s-1"), "{text}");
            assert!(answer.to_request("LoginRequest14sp4").is_ok(), "{text}");
            assert!(answer.to_request("LoginRequest22V5").is_err(), "{text}");
            assert!(answer.success().is_err());
            assert!(answer.refusal().is_none());
        }
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        let command = "<command xsi:type=\"SuccessResponse\" xmlns=\"\"/>";
        let fine = document(command);
        for (text, fault) in [
            (
                fine.replace("xmlns=\"C\"", "xmlns=\"D\""),
                BadAnswer::NotOcip,
            ),
            (fine.replace("\"OCI\"", "\"NSOCI\""), BadAnswer::NotOcip),
            (
                fine.replace("BroadsoftDocument", "Other"),
                BadAnswer::NotOcip,
            ),
            (document(""), BadAnswer::Missing("command")),
            (fine.replace("xsi:type", "type"), BadAnswer::UnexpectedType),
            (
                fine.replace("/2001/XMLSchema-instance", "/1999/other"),
                BadAnswer::UnexpectedType,
            ),
        ] {
            assert_eq!(Answer::parse(text.as_bytes()).unwrap_err(), fault, "{text}");
        }
        for text in [
            fine.replace("?>", "?><!DOCTYPE x>"),
            fine.replace("ISO-8859-1", "EBCDIC"),
            fine.replace("<command", "<command a=\"1\" a=\"2\""),
            fine.replace("</Broad", "</broad"),
        ] {
            let fault = Answer::parse(text.as_bytes()).unwrap_err();
            assert!(matches!(fault, BadAnswer::Document(_)), "{text}: {fault}");
        }
    }

    #[test]
    fn without_a_declared_encoding_it_is_iso_8859_1() {
        let with = |declaration: &str| {
            let text = document("<sessionId xmlns=\"\">@</sessionId><command xsi:type=\"X\"/>");
            let mut bytes = text
                .replace(
                    "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>",
                    declaration,
                )
                .into_bytes();
            let at = bytes.iter().position(|byte| *byte == b'@').unwrap();
            bytes[at] = 0xeb;
            Answer::parse(&bytes).map(|answer| answer.session().map(str::to_owned))
        };
        assert_eq!(with("").unwrap().as_deref(), Some("ë"));
        assert_eq!(
            with("<?xml version=\"1.0\"?>").unwrap().as_deref(),
            Some("ë")
        );
        assert!(with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>").is_err());
        assert!(with("\u{feff}").is_err());
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(Answer::parse(&bytes).is_err());
        }

        #[test]
        fn a_damaged_answer_never_panics(at in 0..400_usize, byte in any::<u8>()) {
            let mut bytes = document("<sessionId>s</sessionId><command xsi:type=\"SuccessResponse\"/>").into_bytes();
            let at = at % bytes.len();
            bytes[at] = byte;
            if let Ok(answer) = Answer::parse(&bytes) {
                prop_assert!(answer.to_request("LoginRequest22V5").is_err());
            }
        }
    }
}
