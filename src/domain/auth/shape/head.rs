//! The shape of a request line and of headers.

use serde_json::Value;
use serde_json::json;

use crate::domain::auth::shape::NODES;
use crate::domain::auth::shape::text;
use crate::domain::auth::shape::text::name;

/// Headers whose value is about HTTP and nothing else.
const SAFE_HEADERS: [&str; 7] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "transfer-encoding",
];

/// Longest value of a safe header that is shown.
const SAFE_LENGTH: usize = 100;

/// Headers that begin with a scheme.
const CREDENTIALS: [&str; 3] = ["authorization", "proxy-authorization", "www-authenticate"];

/// Schemes that are shown, in lower case.
const SCHEMES: [&str; 5] = ["basic", "bearer", "broadworkssso", "digest", "negotiate"];

/// Methods that are shown (RFC 9110, section 9; RFC 5789).
const METHODS: [&str; 8] = [
    "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE",
];

/// Path segments behind which an identifier stands.
const BEFORE_IDENTIFIERS: [&str; 12] = [
    "account",
    "device",
    "enterprise",
    "group",
    "login",
    "org",
    "organization",
    "session",
    "subscriber",
    "tokens",
    "user",
    "users",
];

/// Longest segment that passes for a plain word.
const WORD_LENGTH: usize = 32;

/// A method by its name, when it is one of HTTP's.
#[must_use]
pub fn method(method: &str) -> String {
    if METHODS.contains(&method) {
        method.to_owned()
    } else {
        name(method)
    }
}

/// A path: plain words stay, all else becomes a shape.
#[must_use]
pub fn path(path: &str) -> String {
    let mut before = "";
    let mut shown = Vec::new();
    for segment in path.split('/') {
        let identified = BEFORE_IDENTIFIERS.contains(&before.to_ascii_lowercase().as_str());
        let kept = segment.is_empty() || is_version(segment) || is_word(segment) && !identified;
        shown.push(if kept {
            segment.to_owned()
        } else {
            format!("{{{}}}", shape_of(&decoded(segment)))
        });
        before = segment;
    }
    shown.join("/")
}

fn is_word(segment: &str) -> bool {
    segment.len() <= WORD_LENGTH
        && segment
            .bytes()
            .all(|b| b.is_ascii_alphabetic() || b"-._".contains(&b))
}

/// `v2.0`.
fn is_version(segment: &str) -> bool {
    let number = segment.strip_prefix('v').unwrap_or_default();
    number.len() <= 4
        && number.starts_with(|c: char| c.is_ascii_digit())
        && number.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

/// The parameters of a query: names and shapes of values.
#[must_use]
pub fn query(query: &str) -> Value {
    pairs(query)
}

/// `name=value&…`; what has no `=` is taken for a value.
pub(super) fn pairs(text: &str) -> Value {
    let pieces = text.split('&').filter(|piece| !piece.is_empty());
    let pair = |piece: &str| match piece.split_once('=') {
        Some((key, value)) => json!({
            "name": name(&decoded(key)),
            "value": self::text(&decoded(value)),
        }),
        None => json!({ "name": null, "value": self::text(&decoded(piece)) }),
    };
    pieces.take(NODES).map(pair).collect()
}

/// A header: its name, and its value when that says nothing about anybody, else a shape.
#[must_use]
pub fn header(field: &str, value: &[u8]) -> Value {
    let field = field.to_ascii_lowercase();
    let shown = name(&field);
    let Ok(written) = std::str::from_utf8(value) else {
        let length = value.len();
        return json!({ "name": shown, "value": format!("binary({length})") });
    };
    if SAFE_HEADERS.contains(&field.as_str()) && is_about_http(&field, written) {
        return json!({ "name": shown, "is": written });
    }
    let scheme = written.split_once(' ');
    if let Some((scheme, rest)) = scheme
        && CREDENTIALS.contains(&field.as_str())
    {
        let known = SCHEMES.contains(&scheme.to_ascii_lowercase().as_str());
        let scheme = if known {
            Value::String(scheme.to_owned())
        } else {
            text(scheme)
        };
        return json!({ "name": shown, "scheme": scheme, "value": text(rest.trim()) });
    }
    json!({ "name": shown, "value": text(written) })
}

/// Media types, codings and lengths, without room for an identifier.
fn is_about_http(field: &str, value: &str) -> bool {
    let form = |b: u8| b.is_ascii_alphanumeric() || b"/+*;=.,- ".contains(&b);
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let parameter = |parameter: &str| {
        let parameter = parameter.trim().to_ascii_lowercase();
        parameter.starts_with("q=") && parameter.len() <= 5
            || matches!(
                parameter.as_str(),
                "charset=utf-8" | "charset=iso-8859-1" | "charset=us-ascii"
            )
    };
    let item = |item: &str| {
        let mut pieces = item.split(';');
        let word = pieces.next().unwrap_or_default().trim();
        word.len() <= 48 && pieces.all(parameter)
    };
    let few = digits <= 8 || field == "content-length";
    value.len() <= SAFE_LENGTH && few && value.bytes().all(form) && value.split(',').all(item)
}

fn shape_of(value: &str) -> String {
    match text(value) {
        Value::String(shape) => shape,
        Value::Array(_) | Value::Bool(_) | Value::Null | Value::Number(_) | Value::Object(_) => {
            "token".to_owned()
        }
    }
}

/// Percent-decoded, with `+` as it is: a lost space does no harm to a shape.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let escape = behind.get(..2).and_then(|two| {
            let two = std::str::from_utf8(two).ok()?;
            let hex = two.bytes().all(|b| b.is_ascii_hexdigit());
            hex.then(|| u8::from_str_radix(two, 16).ok()).flatten()
        });
        match (first, escape) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = behind.get(2..).unwrap_or_default();
            }
            (byte, _) => {
                bytes.push(*byte);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
