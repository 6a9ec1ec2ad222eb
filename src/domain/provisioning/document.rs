//! The body of a request at the adapter, read by a judge: the XML of `domain::xsi::codec` by
//! narrower rules, or one JSON object. What cannot be read in exactly one way is refused.

use std::fmt;

use serde_json::Map;
use serde_json::Value;

use crate::domain::auth::strict_json;
use crate::domain::auth::strict_json::JsonFault;
use crate::domain::provisioning::call::BODY;
use crate::domain::provisioning::call::Call;
use crate::domain::xsi::codec::CodecError;
use crate::domain::xsi::codec::Document;
use crate::domain::xsi::codec::Encoding;
use crate::domain::xsi::codec::XmlRules;
use crate::domain::xsi::codec::declared_encoding;
use crate::domain::xsi::codec::parse_xml_by;

/// What a body may be. The numbers can be lowered by a mapping, never raised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyLimits {
    /// Most bytes.
    pub bytes: usize,
    /// Deepest nesting of XML elements.
    pub depth: usize,
    /// Most XML elements.
    pub elements: usize,
    /// Encodings of XML; JSON is UTF-8 always.
    pub charsets: Vec<Encoding>,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self {
            bytes: BODY,
            depth: Self::DEPTH,
            elements: Self::ELEMENTS,
            charsets: vec![Encoding::Utf8, Encoding::Latin1],
        }
    }
}

impl BodyLimits {
    /// Deepest nesting; a subscriber's profile has three levels.
    pub const DEPTH: usize = 32;
    /// Most elements; a profile has some twenty.
    pub const ELEMENTS: usize = 2_000;
    /// Attributes and declarations of one tag.
    pub const ATTRIBUTES: usize = 64;
}

/// A body, read.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// There is none.
    Empty,
    /// One JSON object.
    Json(Map<String, Value>),
    /// Neither XML nor JSON, and not said to be.
    Other,
    /// XML or JSON that is refused.
    Unreadable(BodyFault),
    /// One XML document.
    Xml(Document),
}

impl Body {
    /// What it is, in a word.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Json(_) => "json",
            Self::Other => "other",
            Self::Unreadable(_) => "unreadable",
            Self::Xml(_) => "xml",
        }
    }
}

/// Why a body is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFault {
    /// Content-Type and declaration (or byte order mark) name different encodings.
    CharsetConflict,
    /// An encoding that is not taken here.
    CharsetUnknown,
    /// A Content-Encoding: nothing is unpacked here.
    Coded,
    /// Two Content-Type fields that differ.
    ContentTypes,
    /// JSON that is refused.
    Json(JsonFault),
    /// More bytes than the limit.
    TooLarge,
    /// XML that is refused.
    Xml(CodecError),
}

impl std::error::Error for BodyFault {}

impl fmt::Display for BodyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CharsetConflict => {
                f.write_str("Content-Type and XML declaration name different encodings")
            }
            Self::CharsetUnknown => f.write_str("an encoding that is not taken here"),
            Self::Coded => f.write_str("a Content-Encoding, and nothing is unpacked here"),
            Self::ContentTypes => f.write_str("two different Content-Type fields"),
            Self::Json(fault) => write!(f, "JSON: {fault}"),
            Self::TooLarge => f.write_str("more bytes than allowed"),
            Self::Xml(fault) => write!(f, "XML: {fault}"),
        }
    }
}

/// Reads the body of a request. Which language it is in is said by Content-Type; without one that
/// names XML or JSON, by the first character.
#[must_use]
pub fn read(call: &Call, limits: &BodyLimits) -> Body {
    judge(call, limits).unwrap_or_else(Body::Unreadable)
}

fn judge(call: &Call, limits: &BodyLimits) -> Result<Body, BodyFault> {
    let bytes = call.body();
    if bytes.is_empty() {
        return Ok(Body::Empty);
    }
    if bytes.len() > limits.bytes {
        return Err(BodyFault::TooLarge);
    }
    let coding = call.header("content-encoding").unwrap_or("identity");
    if !coding.trim().eq_ignore_ascii_case("identity") {
        return Err(BodyFault::Coded);
    }
    let content_type = content_type(call)?;
    let essence = content_type.split(';').next().unwrap_or_default();
    let essence = essence.to_ascii_lowercase();
    let first = first_byte(bytes);
    if essence.contains("json") || !essence.contains("xml") && first == Some(b'{') {
        json(&content_type, bytes, limits)
    } else if essence.contains("xml") || matches!(first, Some(b'<' | 0xfe | 0xff)) {
        xml(&content_type, bytes, limits)
    } else {
        Ok(Body::Other)
    }
}

/// The one Content-Type, or nothing.
fn content_type(call: &Call) -> Result<String, BodyFault> {
    let fields = call.headers().iter();
    let mut values = fields.filter(|(name, _)| name == "content-type");
    let Some((_, first)) = values.next() else {
        return Ok(String::new());
    };
    if values.any(|(_, other)| other != first) {
        return Err(BodyFault::ContentTypes);
    }
    Ok(String::from_utf8_lossy(first).trim().to_owned())
}

/// The first byte of the text; a byte order mark of UTF-8 is none of it.
fn first_byte(bytes: &[u8]) -> Option<u8> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    text.iter().copied().find(|b| !b.is_ascii_whitespace())
}

/// What Content-Type says of the encoding.
fn charset(content_type: &str) -> Result<Option<Encoding>, BodyFault> {
    let mut found = None;
    for parameter in content_type.split(';').skip(1) {
        let Some((name, value)) = parameter.split_once('=') else {
            continue;
        };
        if name.trim().eq_ignore_ascii_case("charset") {
            let label = value.trim().trim_matches('"');
            let encoding = Encoding::parse(label).ok_or(BodyFault::CharsetUnknown)?;
            if found.is_some_and(|found| found != encoding) {
                return Err(BodyFault::CharsetConflict);
            }
            found = Some(encoding);
        }
    }
    Ok(found)
}

fn json(content_type: &str, bytes: &[u8], limits: &BodyLimits) -> Result<Body, BodyFault> {
    if charset(content_type)?.is_some_and(|charset| charset != Encoding::Utf8) {
        return Err(BodyFault::CharsetUnknown);
    }
    let object = strict_json::object(bytes, limits.bytes);
    object.map(Body::Json).map_err(BodyFault::Json)
}

fn xml(content_type: &str, bytes: &[u8], limits: &BodyLimits) -> Result<Body, BodyFault> {
    let told = charset(content_type)?;
    let marked = bytes.starts_with(b"\xef\xbb\xbf");
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let declared = match declared_encoding(text) {
        Some(label) => Some(Encoding::parse(&label).ok_or(BodyFault::CharsetUnknown)?),
        None => None,
    };
    if declared.is_none() && hides_a_declaration(text) {
        return Err(BodyFault::CharsetUnknown);
    }
    let named = [told, declared, marked.then_some(Encoding::Utf8)];
    let mut named = named.into_iter().flatten();
    let encoding = named.next();
    if named.any(|other| Some(other) != encoding) {
        return Err(BodyFault::CharsetConflict);
    }
    let encoding = encoding.unwrap_or(Encoding::Utf8);
    if !limits.charsets.contains(&encoding) {
        return Err(BodyFault::CharsetUnknown);
    }
    let rules = XmlRules {
        depth: limits.depth,
        elements: limits.elements,
        attributes: BodyLimits::ATTRIBUTES,
        instructions: false,
    };
    let document = parse_xml_by(rules, text, limits.bytes, Some(encoding));
    document.map(Body::Xml).map_err(BodyFault::Xml)
}

/// A declaration so long that its encoding was not looked for: it could be read in two ways.
fn hides_a_declaration(text: &[u8]) -> bool {
    let near = text.get(..DECLARATION).unwrap_or(text);
    text.starts_with(b"<?xml") && !near.windows(2).any(|two| two == b"?>")
}

/// Bytes of an XML declaration; real ones have about forty.
const DECLARATION: usize = 200;

#[cfg(test)]
mod tests;
