//! The tree as compact XML: `@webex/calling` counts child nodes, so no white space is added.

use crate::domain::xsi::codec::encoding::Encoding;
use crate::domain::xsi::codec::names;
use crate::domain::xsi::codec::tree::Document;
use crate::domain::xsi::codec::tree::Element;

/// A document with its declaration on one line, in the given encoding. Characters that the
/// encoding does not have become references; those that XML does not have become U+FFFD.
#[must_use]
pub fn write_xml(document: &Document, encoding: Encoding) -> Vec<u8> {
    let mut out = format!(r#"<?xml version="1.0" encoding="{}"?>"#, encoding.label());
    element(&mut out, document.root(), encoding);
    encoding.encode(out)
}

fn element(out: &mut String, element_: &Element, encoding: Encoding) {
    let name = element_.name().written();
    out.push('<');
    out.push_str(&name);
    for declaration in element_.declarations() {
        match &declaration.prefix {
            Some(prefix) => {
                out.push_str(" xmlns:");
                out.push_str(prefix);
            }
            None => out.push_str(" xmlns"),
        }
        value(out, &declaration.uri, encoding);
    }
    for attribute in element_.attributes() {
        out.push(' ');
        out.push_str(&attribute.name.written());
        value(out, &attribute.value, encoding);
    }
    if element_.text().is_empty() && element_.children().is_empty() {
        out.push_str("/>");
        return;
    }
    out.push('>');
    for c in element_.text().chars() {
        character(out, c, encoding, c == '\r');
    }
    for child in element_.children() {
        element(out, child, encoding);
    }
    out.push_str("</");
    out.push_str(&name);
    out.push('>');
}

fn value(out: &mut String, text: &str, encoding: Encoding) {
    out.push_str("=\"");
    for c in text.chars() {
        // Literal white space would come back as blanks (XML 1.0 section 3.3.3).
        character(out, c, encoding, matches!(c, '\t' | '\n' | '\r' | '"'));
    }
    out.push('"');
}

fn character(out: &mut String, c: char, encoding: Encoding, refer: bool) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' if refer => out.push_str("&quot;"),
        _ => {
            let c = if names::is_char(c) {
                c
            } else {
                char::REPLACEMENT_CHARACTER
            };
            if refer || !encoding.has(c) {
                out.push_str(&format!("&#{};", u32::from(c)));
            } else {
                out.push(c);
            }
        }
    }
}
