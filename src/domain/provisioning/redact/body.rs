//! A body with its structure and without its values.

use std::collections::BTreeMap;

use serde_json::Map;
use serde_json::Value;

use crate::domain::auth::shape;
use crate::domain::provisioning::call::Call;
use crate::domain::provisioning::document;
use crate::domain::provisioning::document::Body;
use crate::domain::provisioning::document::BodyLimits;
use crate::domain::provisioning::redact::RedactedBody;
use crate::domain::provisioning::redact::Redaction;
use crate::domain::provisioning::redact::secrets::is_name_of_a_secret;
use crate::domain::provisioning::redact::secrets::is_secret_name;
use crate::domain::provisioning::redact::secrets::names_a_secret;
use crate::domain::xsi::codec::Attribute;
use crate::domain::xsi::codec::Document;
use crate::domain::xsi::codec::Element;
use crate::domain::xsi::codec::Encoding;
use crate::domain::xsi::codec::INSTANCE;
use crate::domain::xsi::codec::write_xml;

/// Largest body that is kept, in bytes; a profile has about one kilobyte.
const KEPT: usize = 48 * 1024;

/// Namespaces that are no secret.
const NAMESPACES: [&str; 2] = ["http://broadsoft.com/schemas/BroadCloudOSS", INSTANCE];

pub(super) fn of(call: &Call, hidden: Redaction) -> RedactedBody {
    let kept = match document::read(call, &BodyLimits::default()) {
        Body::Empty => return RedactedBody::Cut(0),
        Body::Json(members) => {
            object(&members, hidden, false).map(|members| Value::Object(members).to_string())
        }
        Body::Xml(document) => xml(&document, hidden),
        // Where secrets are cannot be told.
        Body::Other | Body::Unreadable(_) => None,
    };
    match kept {
        Some(text) if text.len() <= KEPT => RedactedBody::Text(text),
        Some(_) => RedactedBody::Cut(call.body().len()),
        None => {
            let shape = shape::body(call.header("content-type"), call.body());
            if shape.to_string().len() <= KEPT {
                RedactedBody::Shape(shape)
            } else {
                RedactedBody::Cut(call.body().len())
            }
        }
    }
}

/// `None` when a name may not be shown, so that the structure cannot be kept.
fn object(
    members: &Map<String, Value>,
    hidden: Redaction,
    secret: bool,
) -> Option<Map<String, Value>> {
    let mut kept = Map::new();
    let mut texts = members.iter();
    let named = texts.any(|(name, value)| {
        value
            .as_str()
            .is_some_and(|text| names_a_secret(name, text))
    });
    for (name, value) in members {
        if shape::name(name) != *name {
            return None;
        }
        let secret = secret || named || is_secret_name(name);
        kept.insert(name.clone(), json(value, hidden, secret)?);
    }
    Some(kept)
}

fn json(value: &Value, hidden: Redaction, secret: bool) -> Option<Value> {
    let name = if secret { "secret" } else { "" };
    Some(match value {
        Value::Array(elements) => {
            let mut texts = elements.iter().filter_map(Value::as_str);
            let secret = secret || texts.any(is_name_of_a_secret);
            let elements = elements.iter();
            let elements = elements.map(|element| json(element, hidden, secret));
            Value::Array(elements.collect::<Option<_>>()?)
        }
        Value::Bool(_) | Value::Null if !secret => value.clone(),
        Value::Number(_) if !secret && hidden == Redaction::Secrets => value.clone(),
        Value::Bool(_) | Value::Null | Value::Number(_) => {
            hidden.value(name, &value.to_string()).into()
        }
        Value::Object(members) => Value::Object(object(members, hidden, secret)?),
        Value::String(text) => hidden.value(name, text).into(),
    })
}

fn xml(document: &Document, hidden: Redaction) -> Option<String> {
    let mut uris = BTreeMap::new();
    let root = element(document.root(), hidden, false, &mut uris)?;
    let bytes = write_xml(&Document::new(root), Encoding::Utf8);
    String::from_utf8(bytes).ok()
}

/// The depth of a document is bounded by [`BodyLimits::DEPTH`].
fn element(
    held: &Element,
    hidden: Redaction,
    secret: bool,
    uris: &mut BTreeMap<String, usize>,
) -> Option<Element> {
    let shown = |written: String| (shape::name(&written) == written).then_some(());
    shown(held.name().written())?;
    // `<param name="password">x</param>`, `<p><name>password</name><value>x</value></p>`.
    let mut attributes = held.attributes().iter();
    let named = attributes.any(|held| names_a_secret(held.name.local(), &held.value))
        || held
            .children()
            .iter()
            .any(|child| names_a_secret(child.local(), child.text()));
    let secret = secret || named;
    let under = |name: &str| if secret { "secret" } else { name }.to_owned();
    let secret_here = secret || is_secret_name(held.local());
    let mut kept = Element::named(held.name().clone());
    for declaration in held.declarations() {
        if let Some(prefix) = &declaration.prefix {
            shown(prefix.to_string())?;
        }
        let uri = declaration.uri.to_string();
        let plain =
            hidden == Redaction::Secrets || uri.is_empty() || NAMESPACES.contains(&uri.as_str());
        let uri = if plain {
            uri
        } else {
            // Different ones stay different.
            let next = uris.len() + 1;
            let number = uris.entry(uri).or_insert(next);
            format!("urn:hidden:{number}")
        };
        kept = kept.declare(declaration.prefix.as_deref(), &uri);
    }
    for attribute in held.attributes() {
        shown(attribute.name.written())?;
        let name = under(attribute.name.local());
        let value = hidden.value(&name, &attribute.value);
        kept = kept.with_attribute(Attribute::new(attribute.name.clone(), value));
    }
    if !held.text().trim().is_empty() {
        let name = under(held.local());
        kept = kept.text_of(hidden.value(&name, held.text().trim()));
    }
    for child in held.children() {
        kept = kept.with(element(child, hidden, secret_here, uris)?);
    }
    Some(kept)
}
