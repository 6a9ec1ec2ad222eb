//! A request without what must not be kept: structure stays, values become their shapes, as the
//! recorder of `domain::auth::shape` does it. Secrets go always, personal data unless the operator
//! wants to see it.

mod body;
mod secrets;

use std::fmt;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use crate::domain::auth::shape;
use crate::domain::provisioning::call::Call;
use crate::domain::provisioning::call::CallFault;
use crate::domain::provisioning::redact::secrets::holds_a_secret;
use crate::domain::provisioning::redact::secrets::is_secret_name;
use crate::domain::provisioning::redact::secrets::names_a_secret;

/// What is hidden.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Redaction {
    /// Secrets and personal data: every value but words from a fixed list.
    #[default]
    Personal,
    /// Secrets only: credentials, and whatever is called a password, token, hash, seed or cookie.
    Secrets,
}

impl Redaction {
    /// All, in the order of their words.
    pub const ALL: [Self; 2] = [Self::Personal, Self::Secrets];

    /// As the configuration writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Personal => "personal",
            Self::Secrets => "secrets",
        }
    }

    /// A value that stands under a name.
    fn value(self, name: &str, value: &str) -> String {
        match self {
            Self::Secrets if !is_secret_name(name) && !holds_a_secret(value) => value.to_owned(),
            Self::Personal if is_word(value) => value.to_owned(),
            Self::Personal | Self::Secrets => shape_of(value),
        }
    }
}

impl fmt::Display for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A request as it may be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RedactedCall {
    /// What is hidden in it.
    pub hidden: Redaction,
    /// The method.
    pub method: String,
    /// The path of the template's address.
    pub base: String,
    /// What stands behind it.
    pub subpath: String,
    /// The query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Header fields in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: RedactedBody,
}

/// A body as it may be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RedactedBody {
    /// There was none, or it was cut: so many bytes.
    Cut(usize),
    /// Its shape, where the structure could not be kept.
    Shape(Value),
    /// XML in UTF-8, or JSON, of the same structure.
    Text(String),
}

/// Values that say nothing about anybody.
const WORDS: [&str; 10] = [
    "0", "1", "active", "false", "imp", "inactive", "no", "none", "true", "yes",
];

/// Segments of paths that are words of an interface; every other one may be a user.
const SEGMENTS: [&str; 26] = [
    "activate",
    "activation",
    "activationcode",
    "adapter",
    "api",
    "bwuserid",
    "delete",
    "device",
    "devices",
    "guest",
    "imp",
    "impguest",
    "jid",
    "modify",
    "oss",
    "password",
    "ping",
    "profile",
    "provision",
    "provisioning",
    "service",
    "subscriber",
    "subscriberprofile",
    "user",
    "users",
    "userservice",
];

/// Header fields that are about software and hosts.
const PLAIN_HEADERS: [&str; 3] = ["host", "soapaction", "user-agent"];

/// Longest value of a header field that is kept, in bytes.
const HEADER: usize = 1_024;

impl RedactedCall {
    /// Of a request.
    #[must_use]
    pub fn of(call: &Call, hidden: Redaction) -> Self {
        let base = call.path().strip_suffix(call.subpath());
        Self {
            hidden,
            method: shape::method(call.method()),
            base: base.unwrap_or_default().to_owned(),
            subpath: subpath(call, hidden),
            query: call.query().map(|query| self::query(query, hidden)),
            headers: call
                .headers()
                .iter()
                .map(|(name, value)| (shape::name(name), header(name, value, hidden)))
                .collect(),
            body: body::of(call, hidden),
        }
    }

    /// The request that rules can be tried on. What is hidden is still hidden.
    ///
    /// # Errors
    /// [`CallFault`]: somebody changed the capture.
    pub fn to_call(&self) -> Result<Call, CallFault> {
        let mut target = format!("{}{}", self.base, self.subpath);
        if !target.starts_with('/') {
            target.insert(0, '/');
        }
        if let Some(query) = &self.query {
            target.push('?');
            target.push_str(query);
        }
        let headers = self.headers.iter().map(|(name, value)| {
            // The text is UTF-8 now, whatever it was.
            let media = match value.split_once(';') {
                Some((media, _)) if name == "content-type" => media,
                Some(_) | None => value.as_str(),
            };
            (name.clone(), media.as_bytes().to_vec())
        });
        let call = Call::new(&self.method, &target, &self.subpath)?.with_headers(headers)?;
        match &self.body {
            RedactedBody::Text(text) => call.with_body(text.as_bytes()),
            RedactedBody::Cut(_) | RedactedBody::Shape(_) => Ok(call),
        }
    }
}

/// `string(17, user-at-host)`.
#[must_use]
pub fn shape_of(text: &str) -> String {
    match shape::text(text) {
        Value::String(shape) => shape,
        Value::Array(_) | Value::Bool(_) | Value::Null | Value::Number(_) | Value::Object(_) => {
            format!("string({}, token)", text.chars().count())
        }
    }
}

fn is_word(value: &str) -> bool {
    let value = value.trim();
    WORDS.iter().any(|word| value.eq_ignore_ascii_case(word))
}

fn subpath(call: &Call, hidden: Redaction) -> String {
    if hidden == Redaction::Secrets {
        // What stands behind the name of a secret is one.
        let mut named = false;
        let segment = |segment: &str| {
            let hide = named || holds_a_secret(segment);
            named = is_secret_name(segment);
            if hide && !segment.is_empty() {
                format!("{{{}}}", shape_of(segment))
            } else {
                segment.to_owned()
            }
        };
        let segments: Vec<String> = call.subpath().split('/').map(segment).collect();
        return segments.join("/");
    }
    let segment = |segment: &str| {
        let word = SEGMENTS
            .iter()
            .any(|word| segment.eq_ignore_ascii_case(word));
        if segment.is_empty() || word {
            segment.to_owned()
        } else {
            format!("{{{}}}", shape_of(segment))
        }
    };
    let segments: Vec<String> = call.subpath().split('/').map(segment).collect();
    segments.join("/")
}

fn query(query: &str, hidden: Redaction) -> String {
    // `name=password&value=x`: nobody knows which of the others is meant.
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let named = pairs.any(|(name, value)| names_a_secret(name, value));
    let pair = |pair: &str| match pair.split_once('=') {
        Some((name, value)) if named => {
            format!("{}={}", shape::name(name), hidden.value("secret", value))
        }
        Some((name, value)) => format!("{}={}", shape::name(name), hidden.value(name, value)),
        None if hidden == Redaction::Secrets && !named && !is_secret_name(pair) => pair.to_owned(),
        None if pair.is_empty() => String::new(),
        None => shape_of(pair),
    };
    let pairs: Vec<String> = query.split('&').map(pair).collect();
    pairs.join("&")
}

fn header(name: &str, value: &[u8], hidden: Redaction) -> String {
    let plain = std::str::from_utf8(value).ok();
    let plain = plain.filter(|text| text.len() <= HEADER);
    let plain = plain.filter(|text| !is_secret_name(name) && !holds_a_secret(text));
    let shown = PLAIN_HEADERS.contains(&name) || hidden == Redaction::Secrets;
    if let Some(text) = plain.filter(|_| shown) {
        return text.to_owned();
    }
    let shape = shape::header(name, value);
    let word = |member: &str| shape.get(member).and_then(Value::as_str);
    match (word("is"), word("scheme"), word("value")) {
        (Some(is), _, _) => is.to_owned(),
        (None, Some(scheme), Some(value)) => format!("{scheme} {value}"),
        (None, None, Some(value)) => value.to_owned(),
        (None, _, None) => format!("string({}, token)", value.len()),
    }
}

#[cfg(test)]
mod tests;
