//! Whether a token is one that Webex clients can read: they take the middle part apart and look
//! for the BroadWorks user id in `sub`; the signature is the provider's own affair.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// What a client would stumble over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::lab::webex::identity) enum Unreadable {
    #[error("it is not three parts in base64url")]
    Form,
    #[error("its header is not JSON with an RSA signature's `alg`")]
    Header,
    #[error("its payload is not a JSON object in ASCII; clients decode it as Latin-1")]
    Payload,
    #[error("`sub`, the BroadWorks user id, is missing")]
    Subject,
    #[error("`exp` is not a number of seconds")]
    End,
}

/// Reads it as a client would.
pub(super) fn check(token: &str) -> Result<(), Unreadable> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else {
        return Err(Unreadable::Form);
    };
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Unreadable::Form);
    if decode(signature)?.is_empty() {
        return Err(Unreadable::Form);
    }
    let header: Value = serde_json::from_slice(&decode(header)?).map_err(|_| Unreadable::Header)?;
    if !matches!(
        header.get("alg").and_then(Value::as_str),
        Some("RS256" | "PS256")
    ) {
        return Err(Unreadable::Header);
    }
    let payload = decode(payload)?;
    if !payload.is_ascii() {
        return Err(Unreadable::Payload);
    }
    let claims: Value = serde_json::from_slice(&payload).map_err(|_| Unreadable::Payload)?;
    if !claims.is_object() {
        return Err(Unreadable::Payload);
    }
    match claims.get("sub").and_then(Value::as_str) {
        Some(subject) if !subject.is_empty() => {}
        Some(_) | None => return Err(Unreadable::Subject),
    }
    match claims.get("exp").and_then(Value::as_i64) {
        Some(_) => Ok(()),
        None => Err(Unreadable::End),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token(header: &str, payload: &str, signature: &str) -> String {
        [header, payload, signature]
            .map(|part| URL_SAFE_NO_PAD.encode(part))
            .join(".")
    }

    #[test]
    fn tokens_are_read_as_clients_read_them() {
        let header = r#"{"alg":"RS256","typ":"JWT","kid":"x"}"#;
        let payload = r#"{"sub":"no\u00ebl@customer.example.net","exp":1795262400}"#;
        for (text, expected) in [
            (token(header, payload, "s"), Ok(())),
            (token(header, payload, ""), Err(Unreadable::Form)),
            ("a.b".to_owned(), Err(Unreadable::Form)),
            (
                token(r#"{"alg":"none"}"#, payload, "s"),
                Err(Unreadable::Header),
            ),
            (
                token(header, r#"{"sub":"noël","exp":1}"#, "s"),
                Err(Unreadable::Payload),
            ),
            (token(header, "[]", "s"), Err(Unreadable::Payload)),
            (token(header, r#"{"exp":1}"#, "s"), Err(Unreadable::Subject)),
            (
                token(header, r#"{"sub":"a","exp":"1"}"#, "s"),
                Err(Unreadable::End),
            ),
        ] {
            assert_eq!(check(&text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_token_makes_it_panic(text in "[A-Za-z0-9_.-]{0,80}") {
            // Without the quotes and braces of JSON below base64 it is never readable.
            prop_assert!(check(&text).is_err());
        }
    }
}
