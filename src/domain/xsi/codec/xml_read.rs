//! XML to the tree, through the one wrapper that makes quick-xml check well-formedness: it only
//! finds the borders of markup here; everything between them is judged by us.

use std::sync::Arc;

use quick_xml::Reader;
use quick_xml::errors::Error;
use quick_xml::errors::IllFormedError;
use quick_xml::events::Event;

use crate::domain::xsi::codec::encoding::Encoding;
use crate::domain::xsi::codec::error::CodecError;
use crate::domain::xsi::codec::error::Fault;
use crate::domain::xsi::codec::json_read::check_declaration;
use crate::domain::xsi::codec::limits;
use crate::domain::xsi::codec::limits::XmlRules;
use crate::domain::xsi::codec::names;
use crate::domain::xsi::codec::tree::Attribute;
use crate::domain::xsi::codec::tree::Declaration;
use crate::domain::xsi::codec::tree::Document;
use crate::domain::xsi::codec::tree::Element;
use crate::domain::xsi::codec::tree::Name;
use crate::domain::xsi::codec::xml_text::attribute_value;
use crate::domain::xsi::codec::xml_text::pair;
use crate::domain::xsi::codec::xml_text::reference;
use crate::domain::xsi::codec::xml_text::unix_lines;

/// Reads a document of at most `cap` bytes. `charset` is the one of the Content-Type, which goes
/// before the XML declaration's (RFC 7303 section 3.2).
///
/// # Errors
/// What is wrong first, with its place.
pub fn parse_xml(
    bytes: &[u8],
    cap: usize,
    charset: Option<Encoding>,
) -> Result<Document, CodecError> {
    parse_xml_by(XmlRules::XSI, bytes, cap, charset)
}

/// As [`parse_xml`], by rules of the caller.
///
/// # Errors
/// What is wrong first, with its place.
pub fn parse_xml_by(
    rules: XmlRules,
    bytes: &[u8],
    cap: usize,
    charset: Option<Encoding>,
) -> Result<Document, CodecError> {
    if bytes.len() > cap {
        return Err(CodecError::new(Fault::Size, cap));
    }
    let text = decode(bytes, charset)?;
    if let Some((at, _)) = text.char_indices().find(|(_, c)| !names::is_char(*c)) {
        return Err(CodecError::new(Fault::Character, at));
    }
    let root = Builder::by(rules).read(&text)?;
    Document::resolved(root).map_err(|fault| CodecError::new(fault, 0))
}

fn decode(
    bytes: &[u8],
    charset: Option<Encoding>,
) -> Result<std::borrow::Cow<'_, str>, CodecError> {
    const UNSUPPORTED: CodecError = CodecError::new(Fault::UnsupportedEncoding, 0);
    if bytes.starts_with(b"\xfe\xff") || bytes.starts_with(b"\xff\xfe") {
        return Err(UNSUPPORTED);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return Encoding::Utf8.decode(rest);
    }
    let declared = match declared_encoding(bytes) {
        Some(label) => Some(Encoding::parse(&label).ok_or(UNSUPPORTED)?),
        None => None,
    };
    charset.or(declared).unwrap_or(Encoding::Utf8).decode(bytes)
}

/// The label in the XML declaration, read before anything is judged.
#[must_use]
pub fn declared_encoding(bytes: &[u8]) -> Option<String> {
    let end = bytes
        .windows(2)
        .take(limits::NAME)
        .position(|two| two == b"?>")?;
    let declaration = std::str::from_utf8(bytes.get(..end)?).ok()?;
    let (_, rest) = declaration.strip_prefix("<?xml")?.split_once("encoding")?;
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    rest.split(quote).nth(1).map(str::to_owned)
}

struct Builder {
    rules: XmlRules,
    /// Elements that may still begin.
    left: usize,
    open: Vec<Element>,
    root: Option<Element>,
}

impl Builder {
    const fn by(rules: XmlRules) -> Self {
        Self {
            rules,
            left: rules.elements,
            open: Vec::new(),
            root: None,
        }
    }

    fn read(mut self, text: &str) -> Result<Element, CodecError> {
        let mut reader = Reader::from_str(text);
        loop {
            let at = position(&reader);
            let event = reader.read_event().map_err(|error| {
                let raw = text.get(at..).unwrap_or_default();
                CodecError::new(fault_of(&error, raw), at)
            })?;
            let raw = text.get(at..position(&reader)).unwrap_or_default();
            let fail = |fault| CodecError::new(fault, at);
            match event {
                Event::Start(_) => self.start(raw, at)?,
                Event::Empty(_) => {
                    self.start(raw, at)?;
                    self.close().map_err(fail)?;
                }
                Event::End(_) => self.end(raw).map_err(fail)?,
                Event::Text(_) => self.text(raw).map_err(fail)?,
                Event::CData(data) => {
                    let open = self.open.last_mut().ok_or(Fault::ContentOutsideRoot);
                    open.map_err(fail)?.push_text(&unix_lines(&data));
                }
                Event::GeneralRef(_) => {
                    let c = reference(raw).map_err(fail)?;
                    let open = self.open.last_mut().ok_or(Fault::ContentOutsideRoot);
                    open.map_err(fail)?.push_text(c.encode_utf8(&mut [0; 4]));
                }
                Event::Comment(_) => comment(raw).map_err(fail)?,
                Event::Decl(_) | Event::PI(_) => {
                    instruction(raw, at, self.rules.instructions).map_err(fail)?;
                }
                Event::DocType(_) => return Err(fail(Fault::Doctype)),
                Event::Eof => break,
            }
        }
        let end = |fault| CodecError::new(fault, text.len());
        if self.open.is_empty() {
            self.root.ok_or_else(|| end(Fault::NoRoot))
        } else {
            Err(end(Fault::Mismatched))
        }
    }

    fn start(&mut self, raw: &str, at: usize) -> Result<(), CodecError> {
        let fail = |fault| CodecError::new(fault, at);
        if self.root.is_some() {
            return Err(fail(Fault::SeveralRoots));
        }
        if self.open.len() >= self.rules.depth {
            return Err(fail(Fault::Depth));
        }
        let left = self.left.checked_sub(1);
        self.left = left.ok_or_else(|| fail(Fault::ElementCount))?;
        self.open.push(
            Tag {
                rest: raw,
                whole: raw.len(),
                at,
                attributes: self.rules.attributes,
            }
            .parse()?,
        );
        Ok(())
    }

    fn end(&mut self, raw: &str) -> Result<(), Fault> {
        let name = raw
            .strip_prefix("</")
            .and_then(|rest| rest.strip_suffix('>'));
        let name = name.ok_or(Fault::Syntax)?.trim_end_matches(names::is_space);
        match self.open.last() {
            Some(open) if open.name().written() == name => self.close(),
            Some(_) | None => Err(Fault::Mismatched),
        }
    }

    fn close(&mut self) -> Result<(), Fault> {
        let element = self.open.pop().ok_or(Fault::Mismatched)?;
        match self.open.last_mut() {
            Some(parent) => parent.push_child(element),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn text(&mut self, raw: &str) -> Result<(), Fault> {
        if raw.contains("]]>") {
            return Err(Fault::CdataEnd);
        }
        match self.open.last_mut() {
            Some(open) => open.push_text(&unix_lines(raw)),
            None if raw.chars().all(names::is_space) => {}
            None => return Err(Fault::ContentOutsideRoot),
        }
        Ok(())
    }
}

fn position(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

fn fault_of(error: &Error, raw: &str) -> Fault {
    if raw
        .get(..9)
        .is_some_and(|start| start.eq_ignore_ascii_case("<!doctype"))
    {
        return Fault::Doctype;
    }
    match error {
        Error::IllFormed(ill) => match ill {
            IllFormedError::MissingEndTag(_)
            | IllFormedError::UnmatchedEndTag(_)
            | IllFormedError::MismatchedEndTag { .. } => Fault::Mismatched,
            IllFormedError::MissingDeclVersion(_) | IllFormedError::UnknownVersion => {
                Fault::Declaration
            }
            IllFormedError::MissingDoctypeName => Fault::Doctype,
            IllFormedError::DoubleHyphenInComment => Fault::Comment,
            IllFormedError::UnclosedReference => Fault::Reference,
        },
        Error::Io(_)
        | Error::Syntax(_)
        | Error::InvalidAttr(_)
        | Error::Encoding(_)
        | Error::Escape(_)
        | Error::Namespace(_) => Fault::Syntax,
    }
}

fn comment(raw: &str) -> Result<(), Fault> {
    let body = raw
        .strip_prefix("<!--")
        .and_then(|rest| rest.strip_suffix("-->"));
    match body {
        Some(body) if body.contains("--") || body.ends_with('-') => Err(Fault::Comment),
        Some(_) => Ok(()),
        None => Err(Fault::Comment),
    }
}

/// A processing instruction or the XML declaration.
fn instruction(raw: &str, at: usize, allowed: bool) -> Result<(), Fault> {
    let body = raw
        .strip_prefix("<?")
        .and_then(|rest| rest.strip_suffix("?>"));
    let body = body.ok_or(Fault::Syntax)?;
    let target = body.split(names::is_space).next().unwrap_or_default();
    match target {
        "xml" if at == 0 => declaration(body),
        _ if target.eq_ignore_ascii_case("xml") => Err(Fault::LateDeclaration),
        _ if !names::is_plain_name(target) => Err(Fault::Name),
        _ if allowed => Ok(()),
        _ => Err(Fault::Instruction),
    }
}

/// `version`, then `encoding`, then `standalone`, the last two optional (production 23).
fn declaration(body: &str) -> Result<(), Fault> {
    let mut rest = body.strip_prefix("xml").ok_or(Fault::Declaration)?;
    let mut step = 0;
    loop {
        let trimmed = rest.trim_start_matches(names::is_space);
        if trimmed.is_empty() {
            return if step == 0 {
                Err(Fault::Declaration)
            } else {
                Ok(())
            };
        }
        if trimmed.len() == rest.len() {
            return Err(Fault::Declaration);
        }
        let (name, value, behind) = pair(trimmed).ok_or(Fault::Declaration)?;
        step = match name {
            "version" if step == 0 && value == "1.0" => 1,
            "encoding" if step == 1 && Encoding::parse(value).is_some() => 2,
            "standalone" if (1..=2).contains(&step) && matches!(value, "yes" | "no") => 3,
            _ => return Err(Fault::Declaration),
        };
        rest = behind;
    }
}

/// A start tag with its brackets.
struct Tag<'a> {
    rest: &'a str,
    whole: usize,
    at: usize,
    /// Most that it may have.
    attributes: usize,
}

impl Tag<'_> {
    fn parse(mut self) -> Result<Element, CodecError> {
        let inner = self
            .rest
            .strip_prefix('<')
            .and_then(|rest| rest.strip_suffix('>'));
        let inner = inner.ok_or_else(|| self.fail(Fault::Syntax))?;
        // No unquoted value exists, so a slash at the end always closes the tag.
        self.rest = inner.strip_suffix('/').unwrap_or(inner);
        self.whole = 1 + self.rest.len();
        let end = self.rest.find(names::is_space).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        let name = Name::parse(name).map_err(|fault| self.fail(fault))?;
        self.rest = rest;
        let mut element = Element::named(name);
        let mut count = 0;
        loop {
            let trimmed = self.rest.trim_start_matches(names::is_space);
            if trimmed.is_empty() {
                return Ok(element);
            }
            count += 1;
            if count > self.attributes {
                return Err(self.fail(Fault::AttributeCount));
            }
            if trimmed.len() == self.rest.len() {
                return Err(self.fail(Fault::Attribute));
            }
            self.rest = trimmed;
            let Some((name, value, behind)) = pair(trimmed) else {
                return Err(self.fail(Fault::Attribute));
            };
            add(&mut element, name, value).map_err(|fault| self.fail(fault))?;
            self.rest = behind;
        }
    }

    fn fail(&self, fault: Fault) -> CodecError {
        CodecError::new(fault, self.at + self.whole.saturating_sub(self.rest.len()))
    }
}

fn add(element: &mut Element, name: &str, raw: &str) -> Result<(), Fault> {
    let value = attribute_value(raw)?;
    if name == "xmlns" || name.starts_with("xmlns:") {
        let prefix = name.strip_prefix("xmlns:").map(Box::from);
        if element
            .declarations()
            .iter()
            .any(|held| held.prefix == prefix)
        {
            return Err(Fault::Duplicate);
        }
        let declaration = Declaration {
            prefix,
            uri: Arc::from(value),
        };
        check_declaration(&declaration)?;
        element.push_declaration(declaration);
        return Ok(());
    }
    let name = Name::parse(name)?;
    if element.attributes().iter().any(|held| held.name == name) {
        return Err(Fault::Duplicate);
    }
    element.push_attribute(Attribute::new(name, value));
    Ok(())
}
