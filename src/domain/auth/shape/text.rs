//! The shape of one text.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::general_purpose::GeneralPurposeConfig;
use serde_json::Value;
use serde_json::json;

use crate::domain::auth::shape::body::json_shape;

/// Longest text that passes for a name. Claims and parameters that are known have half of it.
const NAME_LENGTH: usize = 32;

/// Digits that a name may have, as `x5t#S256` has; an identifier has more.
const NAME_DIGITS: usize = 4;

/// Shortest text that is called base64: a shorter one may as well be a word.
const ENCODED_LENGTH: usize = 16;

/// base64url, with or without padding.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Algorithms of JOSE (RFC 7518), the only values of a token that are shown.
const ALGORITHMS: [&str; 38] = [
    "A128CBC-HS256",
    "A128GCM",
    "A128GCMKW",
    "A128KW",
    "A192CBC-HS384",
    "A192GCM",
    "A192GCMKW",
    "A192KW",
    "A256CBC-HS512",
    "A256GCM",
    "A256GCMKW",
    "A256KW",
    "DEF",
    "ECDH-ES",
    "ECDH-ES+A128KW",
    "ECDH-ES+A192KW",
    "ECDH-ES+A256KW",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "HS256",
    "HS384",
    "HS512",
    "JOSE",
    "JWT",
    "PBES2-HS256+A128KW",
    "PBES2-HS384+A192KW",
    "PBES2-HS512+A256KW",
    "PS256",
    "PS384",
    "PS512",
    "RS256",
    "RS384",
    "RS512",
    "RSA-OAEP",
    "RSA-OAEP-256",
    "RSA1_5",
];

/// Members of a JOSE header whose value is an algorithm or a type.
const ALGORITHM_MEMBERS: [&str; 5] = ["alg", "cty", "enc", "typ", "zip"];

/// A name as it is, when it looks like one; else its shape.
#[must_use]
pub fn name(text: &str) -> String {
    let mut bytes = text.bytes();
    let starts = bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    let inner = |b: u8| b.is_ascii_alphanumeric() || b"_-:#".contains(&b);
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if starts && text.len() <= NAME_LENGTH && digits <= NAME_DIGITS && bytes.all(inner) {
        text.to_owned()
    } else {
        format!("name({})", kind(text))
    }
}

/// `string(43, base64url)`, or the parts of a JOSE token.
#[must_use]
pub fn text(text: &str) -> Value {
    jose(text).unwrap_or_else(|| Value::String(format!("string({})", kind(text))))
}

/// Length in characters, and what they are.
fn kind(text: &str) -> String {
    let length = text.chars().count();
    let all = |good: fn(u8) -> bool| text.bytes().all(good);
    let graphic = all(|b| b.is_ascii_graphic());
    let word = if text.is_empty() {
        return "0".to_owned();
    } else if all(|b| b.is_ascii_digit()) {
        "digits"
    } else if is_uuid(text) {
        "uuid"
    } else if length >= ENCODED_LENGTH && all(|b| b.is_ascii_hexdigit()) {
        "hex"
    } else if length >= ENCODED_LENGTH && all(|b| b.is_ascii_alphanumeric() || b"-_=".contains(&b))
    {
        "base64url"
    } else if length >= ENCODED_LENGTH && all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b))
    {
        "base64"
    } else if graphic && text.contains("://") {
        "url"
    } else if graphic && text.contains('@') {
        "user-at-host"
    } else if text.is_ascii() {
        "text"
    } else {
        "unicode"
    };
    format!("{length}, {word}")
}

fn is_uuid(text: &str) -> bool {
    const HYPHENS: [usize; 4] = [8, 13, 18, 23];
    let good = |(at, b): (usize, u8)| {
        if HYPHENS.contains(&at) {
            b == b'-'
        } else {
            b.is_ascii_hexdigit()
        }
    };
    text.len() == 36 && text.bytes().enumerate().all(good)
}

/// Header and claims of a compact JWS, header of a compact JWE (RFC 7515, RFC 7516).
fn jose(text: &str) -> Option<Value> {
    let parts: Vec<&str> = text.split('.').take(6).collect();
    let object = |part: &str| -> Option<serde_json::Map<String, Value>> {
        let bytes = BASE64URL.decode(part).ok()?;
        serde_json::from_slice(&bytes).ok()
    };
    let header = object(parts.first()?)?;
    if !header.contains_key("alg") {
        return None;
    }
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let header: serde_json::Map<String, Value> = header
        .iter()
        .map(|(key, value)| (name(key), header_value(key, value)))
        .collect();
    match parts.as_slice() {
        [_, claims, _] => {
            let claims = object(claims).map(|claims| json_shape(&Value::Object(claims)));
            Some(json!({
                "jws": { "header": header, "claims": claims, "part-lengths": lengths },
            }))
        }
        [_, _, _, _, _] => Some(json!({
            "jwe": { "header": header, "part-lengths": lengths },
        })),
        _ => None,
    }
}

fn header_value(key: &str, value: &Value) -> Value {
    match value.as_str() {
        Some(word) if ALGORITHM_MEMBERS.contains(&key) && ALGORITHMS.contains(&word) => {
            value.clone()
        }
        Some(_) | None => json_shape(value),
    }
}
