//! The shape of a body: JSON, XML, a form, text, or bytes.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::domain::auth::shape::NODES;
use crate::domain::auth::shape::head::pairs;
use crate::domain::auth::shape::text;
use crate::domain::auth::shape::text::name;
use crate::domain::xsi::codec::Element;
use crate::domain::xsi::codec::parse_xml;

/// Bits a byte below which bytes are repetitive, and above which they are packed or encrypted.
const LOW: f64 = 3.0;
const HIGH: f64 = 7.0;

/// The shape of a body; null when it is empty.
#[must_use]
pub fn body(content_type: Option<&str>, bytes: &[u8]) -> Value {
    let declared = content_type.unwrap_or_default().to_ascii_lowercase();
    let Ok(whole) = std::str::from_utf8(bytes) else {
        return json!({ "binary": { "length": bytes.len(), "entropy": entropy(bytes) } });
    };
    let trimmed = whole.trim();
    let first = trimmed.bytes().next();
    let Some(first) = first else {
        return Value::Null;
    };
    if (declared.contains("json") || b"{[\"".contains(&first))
        && let Ok(value) = serde_json::from_str(trimmed)
    {
        return json!({ "json": json_shape(&value) });
    }
    if first == b'<'
        && let Ok(document) = parse_xml(bytes, bytes.len(), None)
    {
        let mut left = NODES;
        return json!({ "xml": element(document.root(), &mut left) });
    }
    if declared.contains("x-www-form-urlencoded") {
        return json!({ "form": pairs(trimmed) });
    }
    json!({ "text": text(trimmed) })
}

/// The same structure, with types and lengths for values.
pub(super) fn json_shape(value: &Value) -> Value {
    let mut left = NODES;
    shape(value, &mut left)
}

fn shape(value: &Value, left: &mut usize) -> Value {
    let Some(fewer) = left.checked_sub(1) else {
        return Value::String("more, cut".to_owned());
    };
    *left = fewer;
    match value {
        Value::Array(elements) => Value::Array(alike(elements.iter().map(|e| shape(e, left)))),
        Value::Bool(_) => Value::String("boolean".to_owned()),
        Value::Null => Value::String("null".to_owned()),
        Value::Number(number) if number.is_f64() => Value::String("number".to_owned()),
        Value::Number(number) => {
            let digits = number
                .to_string()
                .bytes()
                .filter(u8::is_ascii_digit)
                .count();
            Value::String(format!("integer({digits} digits)"))
        }
        Value::Object(members) => {
            let mut shapes = Map::new();
            for (key, value) in members {
                // Two names that may not be shown can have one shape.
                let mut shown = name(key);
                while shapes.contains_key(&shown) {
                    shown.push('\'');
                }
                shapes.insert(shown, shape(value, left));
            }
            Value::Object(shapes)
        }
        Value::String(string) => text(string),
    }
}

/// Neighbours of one shape are told once.
fn alike(shapes: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut told: Vec<(Value, usize)> = Vec::new();
    for shape in shapes {
        match told.last_mut() {
            Some((last, times)) if *last == shape => *times += 1,
            Some(_) | None => told.push((shape, 1)),
        }
    }
    let tell = |(shape, times): (Value, usize)| match times {
        1 => shape,
        _ => json!({ "times": times, "each": shape }),
    };
    told.into_iter().map(tell).collect()
}

fn element(element: &Element, left: &mut usize) -> Value {
    let Some(fewer) = left.checked_sub(1) else {
        return Value::String("more, cut".to_owned());
    };
    *left = fewer;
    let mut shown = Map::new();
    shown.insert("element".to_owned(), name(&element.name().written()).into());
    let attributes: Map<String, Value> = element
        .attributes()
        .iter()
        .map(|attribute| (name(&attribute.name.written()), text(&attribute.value)))
        .collect();
    if !attributes.is_empty() {
        shown.insert("attributes".to_owned(), Value::Object(attributes));
    }
    if !element.declarations().is_empty() {
        let namespaces = element.declarations().iter().map(|d| text(&d.uri));
        shown.insert("namespaces".to_owned(), namespaces.collect());
    }
    let content = element.text().trim();
    if !content.is_empty() {
        shown.insert("text".to_owned(), text(content));
    }
    let children = element.children().iter().map(|e| self::element(e, left));
    let children = alike(children);
    if !children.is_empty() {
        shown.insert("children".to_owned(), Value::Array(children));
    }
    Value::Object(shown)
}

/// How mixed the bytes are, in three classes.
fn entropy(bytes: &[u8]) -> &'static str {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let total = bytes.len() as f64;
    let seen = counts.iter().filter(|count| **count > 0);
    let bits: f64 = seen
        .map(|count| {
            let share = f64::from(*count) / total;
            -share * share.log2()
        })
        .sum();
    match bits {
        bits if bits < LOW => "low",
        bits if bits < HIGH => "middle",
        _ => "high",
    }
}
