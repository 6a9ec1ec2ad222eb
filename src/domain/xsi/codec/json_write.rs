//! The tree as BadgerFish JSON with Xsi's two particulars (XSI Interface Specification
//! 3.3.3.1.1): namespaces only where they are declared, and text that is always a string.

use std::collections::HashMap;

use crate::domain::xsi::codec::tree::Document;
use crate::domain::xsi::codec::tree::Element;

/// A document as JSON in UTF-8.
#[must_use]
pub fn write_json(document: &Document) -> Vec<u8> {
    let mut out = String::from("{");
    key(&mut out, &document.root().name().written());
    element(&mut out, document.root());
    out.push('}');
    out.into_bytes()
}

fn element(out: &mut String, element_: &Element) {
    out.push('{');
    let mut members = Members::default();
    if !element_.declarations().is_empty() {
        members.next(out);
        key(out, "@xmlns");
        out.push('{');
        let mut prefixes = Members::default();
        for declaration in element_.declarations() {
            prefixes.next(out);
            key(out, declaration.prefix.as_deref().unwrap_or("$"));
            string(out, &declaration.uri);
        }
        out.push('}');
    }
    for attribute in element_.attributes() {
        members.next(out);
        key(out, &format!("@{}", attribute.name.written()));
        string(out, &attribute.value);
    }
    if !element_.text().is_empty() {
        members.next(out);
        key(out, "$");
        string(out, element_.text());
    }
    for (name, group) in groups(element_) {
        members.next(out);
        key(out, &name);
        match group.as_slice() {
            // Clients test for an object where one sibling is meant.
            [one] => element(out, one),
            several => {
                out.push('[');
                let mut entries = Members::default();
                for one in several {
                    entries.next(out);
                    element(out, one);
                }
                out.push(']');
            }
        }
    }
    out.push('}');
}

/// Children by written name, in the order of their first.
fn groups(element_: &Element) -> Vec<(String, Vec<&Element>)> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut groups: Vec<(String, Vec<&Element>)> = Vec::new();
    for child in element_.children() {
        let name = child.name().written();
        let next = groups.len();
        let place = *places.entry(name.clone()).or_insert(next);
        match groups.get_mut(place) {
            Some((_, group)) => group.push(child),
            None => groups.push((name, vec![child])),
        }
    }
    groups
}

#[derive(Default)]
struct Members {
    started: bool,
}

impl Members {
    fn next(&mut self, out: &mut String) {
        if self.started {
            out.push(',');
        }
        self.started = true;
    }
}

fn key(out: &mut String, text: &str) {
    string(out, text);
    out.push(':');
}

fn string(out: &mut String, text: &str) {
    // Serialising a string value cannot fail; Display of a JSON value escapes it.
    out.push_str(&serde_json::Value::from(text).to_string());
}
