//! BadgerFish JSON to the tree. Strict: what a client writes in another form is refused here so
//! that its author notices before a real XSP does.

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeSeed;
use serde::de::Deserializer;
use serde::de::Error;
use serde::de::IgnoredAny;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;

use crate::domain::xsi::codec::error::CodecError;
use crate::domain::xsi::codec::error::Fault;
use crate::domain::xsi::codec::limits;
use crate::domain::xsi::codec::names;
use crate::domain::xsi::codec::tree::Attribute;
use crate::domain::xsi::codec::tree::Declaration;
use crate::domain::xsi::codec::tree::Document;
use crate::domain::xsi::codec::tree::Element;
use crate::domain::xsi::codec::tree::Name;

/// Reads a document of at most `cap` bytes.
///
/// # Errors
/// What is wrong first, with its place; for JSON the place is where the parser noticed.
pub fn parse_json(bytes: &[u8], cap: usize) -> Result<Document, CodecError> {
    if bytes.len() > cap {
        return Err(CodecError::new(Fault::Size, cap));
    }
    let text = crate::domain::xsi::codec::encoding::Encoding::Utf8.decode(bytes)?;
    let fault = Cell::new(None);
    let mut deserializer = serde_json::Deserializer::from_str(&text);
    let root = Root { fault: &fault }
        .deserialize(&mut deserializer)
        .and_then(|root| deserializer.end().map(|()| root))
        .map_err(|error| {
            let place = offset(&text, error.line(), error.column());
            CodecError::new(fault.get().unwrap_or(Fault::Json), place)
        })?;
    Document::resolved(root).map_err(|fault| CodecError::new(fault, 0))
}

/// From serde_json's line and column, both counted from one.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    (before + column).min(text.len())
}

#[derive(Clone, Copy)]
struct Root<'a> {
    fault: &'a Cell<Option<Fault>>,
}

impl Root<'_> {
    fn refuse<E: Error>(&self, fault: Fault) -> E {
        self.fault.set(Some(fault));
        E::custom(fault)
    }
}

impl<'de> DeserializeSeed<'de> for Root<'_> {
    type Value = Element;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Element, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Root<'_> {
    type Value = Element;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with one member, the root element")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Element, A::Error> {
        let Some(name) = map.next_key::<String>()? else {
            return Err(self.refuse(Fault::NoRoot));
        };
        let mut holder = Element::new("holder");
        let name = Name::parse(&name).map_err(|fault| self.refuse(fault))?;
        map.next_value_seed(Children {
            root: self,
            parent: &mut holder,
            name,
            depth: 1,
        })?;
        if map.next_key::<IgnoredAny>()?.is_some() || holder.children().len() > 1 {
            return Err(self.refuse(Fault::SeveralRoots));
        }
        let first = holder.children().first().cloned();
        first.ok_or_else(|| self.refuse(Fault::NoRoot))
    }
}

/// The value of a member that names children: an object, or an array of objects.
struct Children<'a> {
    root: Root<'a>,
    parent: &'a mut Element,
    name: Name,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Children<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Children<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.fault.set(Some(Fault::JsonShape));
        f.write_str("an element object or an array of them")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self {
            root,
            parent,
            name,
            depth,
        } = self;
        let mut some = false;
        while let Some(child) = seq.next_element_seed(One {
            root,
            name: name.clone(),
            depth,
        })? {
            parent.push_child(child);
            some = true;
        }
        if some {
            Ok(())
        } else {
            Err(root.refuse(Fault::JsonShape))
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let Self {
            root,
            parent,
            name,
            depth,
        } = self;
        parent.push_child(One { root, name, depth }.visit_map(map)?);
        Ok(())
    }
}

/// One element object.
struct One<'a> {
    root: Root<'a>,
    name: Name,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for One<'_> {
    type Value = Element;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Element, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for One<'_> {
    type Value = Element;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.fault.set(Some(Fault::JsonShape));
        f.write_str("an element object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Element, A::Error> {
        let Self { root, name, depth } = self;
        if depth > limits::DEPTH {
            return Err(root.refuse(Fault::Depth));
        }
        let mut element = Element::named(name);
        let mut seen = HashSet::new();
        let mut attributes = 0;
        while let Some(key) = map.next_key::<String>()? {
            if key == "$" {
                let text = checked(root, map.next_value_seed(Text { root })?)?;
                element.push_text(&text);
            } else if key == "@xmlns" {
                let declared = map.next_value_seed(Declarations {
                    root,
                    element: &mut element,
                })?;
                attributes += declared;
            } else if let Some(attribute) = key.strip_prefix('@') {
                let name = Name::parse(attribute).map_err(|fault| root.refuse(fault))?;
                if attribute == "xmlns" || name.prefix() == Some("xmlns") {
                    return Err(root.refuse(Fault::Namespace));
                }
                let value = checked(root, map.next_value_seed(Text { root })?)?;
                element.push_attribute(Attribute::new(name, value));
                attributes += 1;
            } else {
                let name = Name::parse(&key).map_err(|fault| root.refuse(fault))?;
                let parent = &mut element;
                map.next_value_seed(Children {
                    root,
                    parent,
                    name,
                    depth: depth + 1,
                })?;
            }
            if attributes > limits::ATTRIBUTES {
                return Err(root.refuse(Fault::AttributeCount));
            }
            if !seen.insert(key) {
                return Err(root.refuse(Fault::Duplicate));
            }
        }
        Ok(element)
    }
}

fn checked<E: Error>(root: Root<'_>, text: String) -> Result<String, E> {
    if text.chars().all(names::is_char) {
        Ok(text)
    } else {
        Err(root.refuse(Fault::Character))
    }
}

/// A string and nothing else.
struct Text<'a> {
    root: Root<'a>,
}

impl<'de> DeserializeSeed<'de> for Text<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Text<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.fault.set(Some(Fault::JsonShape));
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }
}

/// The object of `@xmlns`; its value is the number of declarations.
struct Declarations<'a> {
    root: Root<'a>,
    element: &'a mut Element,
}

impl<'de> DeserializeSeed<'de> for Declarations<'_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Declarations<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.fault.set(Some(Fault::JsonShape));
        f.write_str("an object of namespaces")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<usize, A::Error> {
        let Self { root, element } = self;
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            let uri = checked(root, map.next_value_seed(Text { root })?)?;
            let prefix = (key != "$").then(|| Box::from(key.as_str()));
            let declaration = Declaration {
                prefix,
                uri: Arc::from(uri),
            };
            check_declaration(&declaration).map_err(|fault| root.refuse(fault))?;
            element.push_declaration(declaration);
            if !seen.insert(key) {
                return Err(root.refuse(Fault::Duplicate));
            }
            if seen.len() > limits::ATTRIBUTES {
                return Err(root.refuse(Fault::AttributeCount));
            }
        }
        Ok(seen.len())
    }
}

/// The constraints of Namespaces in XML 1.0, sections 2.2 and 3.
pub(super) fn check_declaration(declaration: &Declaration) -> Result<(), Fault> {
    const RESERVED: [&str; 2] = [
        "http://www.w3.org/XML/1998/namespace",
        "http://www.w3.org/2000/xmlns/",
    ];
    let uri: &str = &declaration.uri;
    match declaration.prefix.as_deref() {
        None if RESERVED.contains(&uri) => Err(Fault::Namespace),
        None => Ok(()),
        Some(prefix) if prefix.len() > limits::NAME => Err(Fault::NameLength),
        Some(prefix) if !names::is_plain_name(prefix) => Err(Fault::Name),
        Some("xml" | "xmlns") => Err(Fault::Namespace),
        Some(_) if uri.is_empty() || RESERVED.contains(&uri) => Err(Fault::Namespace),
        Some(_) => Ok(()),
    }
}
