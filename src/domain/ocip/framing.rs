//! Messages out of a stream: neither OCI-P nor OCI-R has lengths, a message ends at the end tag of
//! its root.

use memchr::memchr;
use memchr::memmem;

/// Bytes of the largest message. Most answers have a few kilobytes; a list of ten thousand users has
/// about 3 MiB.
pub const MESSAGE: usize = 4 * 1024 * 1024;

/// The root of every message of OCI-P.
const OCIP: &[u8] = b"BroadsoftDocument";

/// The root of every message of OCI-R.
const OCIR: &[u8] = b"BroadsoftOCIReportingDocument";

/// Bytes within which an end tag has its `>`: a prefixed name and some white space.
const END_TAG: usize = 512;

const CDATA: &[u8] = b"<![CDATA[";
const COMMENT: &[u8] = b"<!--";

/// Why a stream cannot be cut into messages any further; the connection is of no more use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FramingFault {
    /// The first byte of a message starts no markup.
    #[error("what came is not XML")]
    NotXml,
    /// No end within [`MESSAGE`] bytes.
    #[error("a message is larger than 4 MiB")]
    TooLarge,
}

/// Cuts a stream into messages. White space between them is dropped; what is inside of a message
/// is not judged.
#[derive(Debug)]
pub struct Framer {
    /// The local name of the root.
    root: &'static [u8],
    buffer: Vec<u8>,
    /// Everything before this was looked at.
    at: usize,
    inside: Inside,
}

/// What the scanner is in the middle of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Cdata,
    Comment,
    Content,
}

/// What starts at a `<`.
enum Markup {
    Cdata,
    Comment,
    /// The end tag of the root, this long.
    End(usize),
    /// Not enough bytes to tell.
    Incomplete,
    Other,
}

impl Default for Framer {
    /// For OCI-P.
    fn default() -> Self {
        Self::of(OCIP)
    }
}

impl Framer {
    /// For OCI-R.
    #[must_use]
    pub const fn ocir() -> Self {
        Self::of(OCIR)
    }

    const fn of(root: &'static [u8]) -> Self {
        Self {
            root,
            buffer: Vec::new(),
            at: 0,
            inside: Inside::Content,
        }
    }

    /// Takes what was read. Call [`Framer::message`] until it has none before the next call: that
    /// is what bounds the memory.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether nothing is held but white space.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buffer.iter().all(u8::is_ascii_whitespace)
    }

    /// The next whole message.
    ///
    /// # Errors
    /// [`FramingFault`]; no later message can be found then.
    pub fn message(&mut self) -> Result<Option<Vec<u8>>, FramingFault> {
        if self.at == 0 {
            self.drop_white_space();
            // A byte order mark is the one thing that may stand before markup.
            if !matches!(self.buffer.first(), None | Some(b'<' | 0xef)) {
                return Err(FramingFault::NotXml);
            }
        }
        let end = self.scan();
        if end.unwrap_or(self.buffer.len()) > MESSAGE {
            return Err(FramingFault::TooLarge);
        }
        Ok(end.map(|end| {
            let rest = self.buffer.split_off(end);
            self.at = 0;
            self.inside = Inside::Content;
            std::mem::replace(&mut self.buffer, rest)
        }))
    }

    fn drop_white_space(&mut self) {
        let start = self
            .buffer
            .iter()
            .position(|byte| !byte.is_ascii_whitespace());
        self.buffer.drain(..start.unwrap_or(self.buffer.len()));
    }

    /// Goes on to the end of the message, if it is there.
    fn scan(&mut self) -> Option<usize> {
        loop {
            match self.inside {
                Inside::Cdata => self.skip_past(b"]]>")?,
                Inside::Comment => self.skip_past(b"-->")?,
                Inside::Content => {
                    let rest = self.buffer.get(self.at..).unwrap_or_default();
                    let Some(found) = memchr(b'<', rest) else {
                        self.at = self.buffer.len();
                        return None;
                    };
                    self.at += found;
                    match markup(self.buffer.get(self.at..).unwrap_or_default(), self.root) {
                        Markup::Cdata => self.enter(Inside::Cdata, CDATA.len()),
                        Markup::Comment => self.enter(Inside::Comment, COMMENT.len()),
                        Markup::End(length) => return Some(self.at + length),
                        Markup::Incomplete => return None,
                        Markup::Other => self.at += 1,
                    }
                }
            }
        }
    }

    fn enter(&mut self, inside: Inside, opening: usize) {
        self.inside = inside;
        self.at += opening;
    }

    fn skip_past(&mut self, closing: &[u8; 3]) -> Option<()> {
        let rest = self.buffer.get(self.at..).unwrap_or_default();
        match memmem::find(rest, closing) {
            Some(found) => {
                self.at += found + closing.len();
                self.inside = Inside::Content;
                Some(())
            }
            None => {
                // The first bytes of the closing may be here already.
                let kept = rest.len().min(closing.len() - 1);
                self.at = self.buffer.len() - kept;
                None
            }
        }
    }
}

fn markup(bytes: &[u8], root: &[u8]) -> Markup {
    for (opening, found) in [(CDATA, Markup::Cdata), (COMMENT, Markup::Comment)] {
        if bytes.starts_with(opening) {
            return found;
        }
        if opening.starts_with(bytes) {
            return Markup::Incomplete;
        }
    }
    match bytes.strip_prefix(b"</") {
        Some(name) => end_tag(name, root),
        None => Markup::Other,
    }
}

/// `name` is what follows `</`.
fn end_tag(name: &[u8], root: &[u8]) -> Markup {
    let near = name.get(..END_TAG).unwrap_or(name);
    let Some(end) = memchr(b'>', near) else {
        return if near.len() < END_TAG {
            Markup::Incomplete
        } else {
            Markup::Other
        };
    };
    let name = near.get(..end).unwrap_or_default().trim_ascii_end();
    let local = name.rsplit(|byte| *byte == b':').next();
    if local == Some(root) {
        Markup::End(b"</".len() + end + 1)
    } else {
        Markup::Other
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every message, and the fault that ended it, when the stream comes in pieces of this size.
    fn cut(stream: &[u8], piece: usize) -> (Vec<Vec<u8>>, Option<FramingFault>) {
        let mut framer = Framer::default();
        let mut messages = Vec::new();
        for piece in stream.chunks(piece.max(1)) {
            framer.push(piece);
            loop {
                match framer.message() {
                    Ok(Some(message)) => messages.push(message),
                    Ok(None) => break,
                    Err(fault) => return (messages, Some(fault)),
                }
            }
        }
        (messages, None)
    }

    const ONE: &[u8] = br#"<?xml version="1.0" encoding="ISO-8859-1"?>
<BroadsoftDocument protocol="OCI" xmlns="C"><sessionId xmlns="">1</sessionId></BroadsoftDocument>"#;

    #[test]
    fn messages_end_at_the_end_tag_whatever_the_pieces() {
        let mut stream = ONE.to_vec();
        stream.extend_from_slice(b"\r\n \n");
        stream.extend_from_slice(ONE);
        stream.push(b'\n');
        for piece in 1..=stream.len() {
            let (messages, fault) = cut(&stream, piece);
            assert_eq!(messages, [ONE, ONE], "pieces of {piece}");
            assert_eq!(fault, None);
        }
    }

    #[test]
    fn an_end_tag_in_cdata_or_a_comment_ends_nothing() {
        let message = b"<BroadsoftDocument><!-- </BroadsoftDocument> --><a>\
            <![CDATA[</BroadsoftDocument>]]</BroadsoftDocument>]]></a></BroadsoftDocument\n>";
        for piece in 1..=message.len() {
            assert_eq!(cut(message, piece).0, [message], "pieces of {piece}");
        }
    }

    #[test]
    fn a_prefixed_root_ends_too_and_other_names_do_not() {
        let message = b"<c:BroadsoftDocument xmlns:c='C'></notBroadsoftDocument>\
            </BroadsoftDocuments></BroadsoftDocument:x></c:BroadsoftDocument>";
        assert_eq!(cut(message, 7).0, [message]);
    }

    #[test]
    fn what_starts_no_markup_is_refused_at_once() {
        for stream in [
            &b"HTTP/1.1 400 Bad Request"[..],
            b"\x15\x03\x03\0\x02",
            b"x<",
        ] {
            assert_eq!(cut(stream, 1), (Vec::new(), Some(FramingFault::NotXml)));
        }
        let bom = [b"\xef\xbb\xbf", ONE].concat();
        assert_eq!(cut(&bom, 1).0, [bom.as_slice()]);
    }

    #[test]
    fn a_message_of_the_largest_size_passes_and_one_byte_more_does_not() {
        let frame = b"<BroadsoftDocument></BroadsoftDocument>";
        for (over, fault) in [(0, None), (1, Some(FramingFault::TooLarge))] {
            let mut message = b"<BroadsoftDocument>".to_vec();
            message.resize(19 + MESSAGE - frame.len() + over, b'x');
            message.extend_from_slice(b"</BroadsoftDocument>");
            assert_eq!(message.len(), MESSAGE + over);
            let (messages, found) = cut(&message, 4096);
            assert_eq!(found, fault);
            assert_eq!(messages.len(), 1 - over);
        }
    }

    #[test]
    fn a_message_that_never_ends_does_not_fill_the_memory() {
        for endless in [&b"<a>"[..], b"<![CDATA[x", b"<!-- y", b"</aaaaaaaa"] {
            let mut stream = b"<BroadsoftDocument>".to_vec();
            while stream.len() <= MESSAGE + 8192 {
                stream.extend_from_slice(endless);
            }
            let (messages, fault) = cut(&stream, 4096);
            assert_eq!((messages.len(), fault), (0, Some(FramingFault::TooLarge)));
        }
    }

    #[test]
    fn leftovers_are_seen() {
        let mut framer = Framer::default();
        assert!(framer.is_empty());
        framer.push(b" \n");
        assert!(framer.is_empty());
        framer.push(b"<");
        assert!(!framer.is_empty());
    }

    proptest! {
        #[test]
        fn garbage_in_any_pieces_never_panics_and_always_gives_the_same(
            garbage in proptest::collection::vec(any::<u8>(), 0..200),
            piece in 1..50_usize,
        ) {
            let mut stream = b"<".to_vec();
            stream.extend_from_slice(&garbage);
            let whole = cut(&stream, usize::MAX);
            prop_assert_eq!(cut(&stream, piece), whole);
        }

        #[test]
        fn any_split_gives_the_messages(
            texts in proptest::collection::vec("[a-z<>!\\-\\[\\] /]{0,20}", 1..4),
            piece in 1..30_usize,
        ) {
            let messages: Vec<Vec<u8>> = texts
                .iter()
                .map(|text| {
                    let text = text.replace('<', "&lt;");
                    format!("<BroadsoftDocument>{text}</BroadsoftDocument>").into_bytes()
                })
                .collect();
            let (found, fault) = cut(&messages.join(&b'\n'), piece);
            prop_assert_eq!(fault, None);
            prop_assert_eq!(found, messages);
        }
    }
}
