//! Compact JWS (RFC 7515): ours are written in one form and read in that form only.

use serde_json::Map;
use serde_json::Value;

use crate::config::SigningAlgorithm;
use crate::domain::auth::strict_json;
use crate::domain::auth::token::TOKEN_BYTES;
use crate::domain::auth::token::TokenFault;
use crate::jose::VerifyingKey;
use crate::jose::base64url;

/// Largest header in bytes; ours has 80.
const HEADER_BYTES: usize = 1024;

/// The name of an algorithm in a header (RFC 7518 section 3.1).
pub(super) const fn name(algorithm: SigningAlgorithm) -> &'static str {
    match algorithm {
        SigningAlgorithm::Ps256 => "PS256",
        SigningAlgorithm::Rs256 => "RS256",
    }
}

/// Header and payload, ready to be signed.
pub(super) fn signing_input(algorithm: SigningAlgorithm, kid: &str, payload: &[u8]) -> String {
    // The name of a key is base64url, so nothing needs to be escaped.
    let header = format!(
        r#"{{"alg":"{}","typ":"JWT","kid":"{kid}"}}"#,
        name(algorithm)
    );
    let mut token = String::with_capacity(1024);
    base64url::push(&mut token, header.as_bytes());
    token.push('.');
    base64url::push(&mut token, payload);
    token
}

/// Verifies the signature and returns the payload. `key` finds a key by its name, among ours only.
pub(super) fn verify<'k>(
    token: &str,
    key: impl FnOnce(&str) -> Option<&'k VerifyingKey>,
) -> Result<Vec<u8>, TokenFault> {
    if token.len() > TOKEN_BYTES {
        return Err(TokenFault::TooLarge);
    }
    let mut parts = token.split('.');
    let (Some(header), Some(payload), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(TokenFault::NotAJws);
    };
    let header = base64url::decode(header).ok_or(TokenFault::Malformed)?;
    let header = strict_json::object(&header, HEADER_BYTES)?;
    let algorithm = judge(&header)?;
    let kid = header.get("kid").and_then(Value::as_str);
    let key = kid.and_then(key).ok_or(TokenFault::UnknownKey)?;
    if algorithm != name(key.algorithm()) {
        return Err(TokenFault::Algorithm);
    }
    let payload_bytes = base64url::decode(payload).ok_or(TokenFault::Malformed)?;
    let signature_bytes = base64url::decode(signature).ok_or(TokenFault::Malformed)?;
    // The signature is over the text as it came: everything before the last dot.
    let signed = token.len() - signature.len() - 1;
    let signed = token.as_bytes().get(..signed).unwrap_or_default();
    if key.verifies(signed, &signature_bytes) {
        Ok(payload_bytes)
    } else {
        Err(TokenFault::Signature)
    }
}

/// Refuses headers that we do not write, by the worst thing in them; returns the algorithm.
fn judge(header: &Map<String, Value>) -> Result<&str, TokenFault> {
    let has = |names: &[&str]| names.iter().any(|name| header.contains_key(*name));
    if has(&["crit", "b64"]) {
        return Err(TokenFault::CriticalHeader);
    }
    if has(&["jwk", "jku", "x5u", "x5c"]) {
        return Err(TokenFault::KeyInHeader);
    }
    if has(&["enc", "zip"]) {
        return Err(TokenFault::NotAJws);
    }
    let ours = ["alg", "kid", "typ"];
    let typed = header.get("typ").is_none_or(|typ| typ == "JWT");
    if !typed || header.keys().any(|name| !ours.contains(&name.as_str())) {
        return Err(TokenFault::Malformed);
    }
    let algorithm = header.get("alg").and_then(Value::as_str);
    let known = |alg: &&str| matches!(*alg, "RS256" | "PS256");
    algorithm.filter(known).ok_or(TokenFault::Algorithm)
}
