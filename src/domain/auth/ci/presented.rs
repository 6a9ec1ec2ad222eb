//! A CI token as its bearer presents it, judged without trusting it: what cannot be valid costs
//! no question to Cisco. Nothing here proves a token; only the token-info service does, because
//! the scope stands in an encrypted claim.

use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Map;
use serde_json::Value;

use crate::domain::auth::ci::refusal::CiRefusal;
use crate::domain::auth::ci::refusal::TokenFlaw;
use crate::domain::auth::strict_json;
use crate::domain::auth::strict_json::JsonFault;

/// Largest token in bytes. CI's have about 1 KiB, and the whole request line is held to as much.
pub const TOKEN_BYTES: usize = 16 * 1024;

/// How far clocks may be apart.
pub const LEEWAY: Duration = Duration::from_secs(60);

/// Header members that bring a key of the token's own choice.
const KEY_MEMBERS: [&str; 4] = ["jku", "jwk", "x5c", "x5u"];

/// What a token says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presented {
    /// Nothing: it is a mere reference.
    Opaque,
    /// A signed token (JWS).
    Signed {
        /// `realm`: the organisation of its user.
        organization: Option<String>,
        /// `expiry_time`.
        ends: SystemTime,
    },
}

/// What a token has to say.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Issuers, any of which it must name, letter by letter.
    pub issuers: &'a [String],
    /// The organisation that it must not contradict.
    pub organization: Option<&'a str>,
}

/// Judges a token at time `now`.
///
/// # Errors
/// What is wrong first.
pub fn judge(token: &str, expected: Expected<'_>, now: SystemTime) -> Result<Presented, CiRefusal> {
    if token.len() > TOKEN_BYTES {
        return Err(CiRefusal::TokenTooLarge);
    }
    if token.is_empty() || !token.bytes().all(is_token_byte) {
        return Err(CiRefusal::Malformed(TokenFlaw::Characters));
    }
    let parts: Vec<&str> = token.split('.').collect();
    match *parts.as_slice() {
        [_] => Ok(Presented::Opaque),
        [header, claims, signature] => {
            judge_header(&object(header)?)?;
            if bytes(signature)?.is_empty() {
                return Err(CiRefusal::WrongAlgorithm);
            }
            judge_claims(&object(claims)?, expected, now)
        }
        // Encrypted (JWE): nobody can have given us the key.
        [_, _, _, _, _] => Err(CiRefusal::WrongAlgorithm),
        _ => Err(CiRefusal::Malformed(TokenFlaw::Parts)),
    }
}

/// What a bearer token may consist of (RFC 6750 section 2.1).
const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=')
}

fn judge_header(header: &Map<String, Value>) -> Result<(), CiRefusal> {
    if header.get("alg").and_then(Value::as_str) != Some("RS256") || header.contains_key("enc") {
        return Err(CiRefusal::WrongAlgorithm);
    }
    if header.contains_key("crit") {
        return Err(CiRefusal::Malformed(TokenFlaw::Critical));
    }
    if KEY_MEMBERS.iter().any(|name| header.contains_key(*name)) {
        return Err(CiRefusal::Malformed(TokenFlaw::EmbeddedKey));
    }
    Ok(())
}

fn judge_claims(
    claims: &Map<String, Value>,
    expected: Expected<'_>,
    now: SystemTime,
) -> Result<Presented, CiRefusal> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("token_type") != Some("Bearer") {
        return Err(CiRefusal::WrongType);
    }
    let issuer = text("iss").ok_or(CiRefusal::WrongIssuer)?;
    if !expected.issuers.iter().any(|allowed| allowed == issuer) {
        return Err(CiRefusal::WrongIssuer);
    }
    let ends = claims.get("expiry_time").and_then(Value::as_u64);
    let ends = ends.and_then(|ms| UNIX_EPOCH.checked_add(Duration::from_millis(ms)));
    let ends = ends.ok_or(CiRefusal::Malformed(TokenFlaw::ExpiryTime))?;
    if has_ended(ends, now) {
        return Err(CiRefusal::Expired);
    }
    let organization = match claims.get("realm") {
        None => None,
        Some(Value::String(realm)) => Some(realm.clone()),
        Some(_) => return Err(CiRefusal::Malformed(TokenFlaw::Realm)),
    };
    if let (Some(expected), Some(realm)) = (expected.organization, &organization)
        && !realm.eq_ignore_ascii_case(expected)
    {
        return Err(CiRefusal::WrongOrganization);
    }
    Ok(Presented::Signed { organization, ends })
}

/// Whether `ends` has passed, with [`LEEWAY`].
pub(super) fn has_ended(ends: SystemTime, now: SystemTime) -> bool {
    now.duration_since(ends).is_ok_and(|over| over >= LEEWAY)
}

fn object(part: &str) -> Result<Map<String, Value>, CiRefusal> {
    strict_json::object(&bytes(part)?, TOKEN_BYTES).map_err(|fault| {
        CiRefusal::Malformed(match fault {
            JsonFault::DuplicateMember => TokenFlaw::DuplicateMember,
            JsonFault::Malformed | JsonFault::TooLarge => TokenFlaw::Json,
        })
    })
}

/// Base64url without padding, in its one canonical form.
fn bytes(part: &str) -> Result<Vec<u8>, CiRefusal> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| CiRefusal::Malformed(TokenFlaw::Base64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ISSUER: &str = "https://idbroker-eu.webex.com/idb";
    const ORGANIZATION: &str = "0a1b2c3d-0000-4000-8000-000000000001";
    const HEADER: &str = r#"{"alg":"RS256"}"#;

    /// The time at which all tokens of these tests are judged, in ms.
    const NOW_MS: u64 = 1_760_000_000_000;

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(NOW_MS)
    }

    fn token(header: &str, claims: &str) -> String {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{}", encode(header), encode(claims), encode("signed"))
    }

    fn claims(expiry: &str) -> String {
        format!(
            r#"{{"token_type":"Bearer","iss":"{ISSUER}","expiry_time":{expiry},"realm":"{ORGANIZATION}"}}"#
        )
    }

    fn judged(token: &str) -> Result<Presented, CiRefusal> {
        let issuers = [ISSUER.to_owned()];
        let expected = Expected {
            issuers: &issuers,
            organization: Some(ORGANIZATION),
        };
        judge(token, expected, now())
    }

    #[test]
    fn a_good_token_passes_with_its_end_and_organisation() {
        let ends = NOW_MS + 1;
        let expected = Presented::Signed {
            organization: Some(ORGANIZATION.to_owned()),
            ends: UNIX_EPOCH + Duration::from_millis(ends),
        };
        assert_eq!(
            judged(&token(HEADER, &claims(&ends.to_string()))),
            Ok(expected)
        );
    }

    #[test]
    fn an_opaque_token_passes_to_those_who_know_it() {
        for opaque in ["MTIzNDU2Nzg5_PF84_0a1b", "abc+/=="] {
            assert_eq!(judged(opaque), Ok(Presented::Opaque), "{opaque}");
        }
    }

    #[test]
    fn each_header_that_must_not_be_is_refused() {
        let claims = claims(&(NOW_MS + 1).to_string());
        let malformed = CiRefusal::Malformed;
        for (header, refusal) in [
            (r#"{"alg":"none"}"#, CiRefusal::WrongAlgorithm),
            (r#"{"alg":"None"}"#, CiRefusal::WrongAlgorithm),
            (r#"{"alg":"HS256"}"#, CiRefusal::WrongAlgorithm),
            (r#"{"alg":"rs256"}"#, CiRefusal::WrongAlgorithm),
            (r#"{"alg":"PS256"}"#, CiRefusal::WrongAlgorithm),
            (r#"{"alg":["RS256"]}"#, CiRefusal::WrongAlgorithm),
            ("{}", CiRefusal::WrongAlgorithm),
            (
                r#"{"alg":"RS256","enc":"A256GCM"}"#,
                CiRefusal::WrongAlgorithm,
            ),
            (
                r#"{"alg":"RS256","crit":["exp"],"exp":1}"#,
                malformed(TokenFlaw::Critical),
            ),
            (
                r#"{"alg":"RS256","jwk":{}}"#,
                malformed(TokenFlaw::EmbeddedKey),
            ),
            (
                r#"{"alg":"RS256","jku":"https://a"}"#,
                malformed(TokenFlaw::EmbeddedKey),
            ),
            (
                r#"{"alg":"RS256","x5u":"https://a"}"#,
                malformed(TokenFlaw::EmbeddedKey),
            ),
            (
                r#"{"alg":"none","alg":"RS256"}"#,
                malformed(TokenFlaw::DuplicateMember),
            ),
            ("[]", malformed(TokenFlaw::Json)),
            ("{", malformed(TokenFlaw::Json)),
        ] {
            assert_eq!(judged(&token(header, &claims)), Err(refusal), "{header}");
        }
    }

    #[test]
    fn each_claim_that_must_not_be_is_refused() {
        let malformed = CiRefusal::Malformed;
        let with = |from: &str, to: &str| claims(&(NOW_MS + 1).to_string()).replacen(from, to, 1);
        let expired = NOW_MS - 60_000;
        for (claims, refusal) in [
            (with("Bearer", "bearer"), CiRefusal::WrongType),
            (with("\"Bearer\"", "1"), CiRefusal::WrongType),
            (with("token_type", "type"), CiRefusal::WrongType),
            (
                with("webex.com/idb", "webex.com/idb/"),
                CiRefusal::WrongIssuer,
            ),
            (with("idbroker-eu", "idbroker"), CiRefusal::WrongIssuer),
            (with("idbroker-eu", "IDBROKER-EU"), CiRefusal::WrongIssuer),
            (with("\"iss\"", "\"issuer\""), CiRefusal::WrongIssuer),
            (claims(&expired.to_string()), CiRefusal::Expired),
            (claims("0"), CiRefusal::Expired),
            (
                claims(&format!("\"{}\"", NOW_MS + 1)),
                malformed(TokenFlaw::ExpiryTime),
            ),
            (claims("1.8e12"), malformed(TokenFlaw::ExpiryTime)),
            (claims("-1"), malformed(TokenFlaw::ExpiryTime)),
            (claims("1e400"), malformed(TokenFlaw::Json)),
            (claims("null"), malformed(TokenFlaw::ExpiryTime)),
            (with("expiry_time", "exp"), malformed(TokenFlaw::ExpiryTime)),
            (
                with(ORGANIZATION, "0a1b2c3d-0000-4000-8000-000000000002"),
                CiRefusal::WrongOrganization,
            ),
            (
                with(&format!("\"{ORGANIZATION}\""), "7"),
                malformed(TokenFlaw::Realm),
            ),
            (
                with("{", "{\"iss\":\"https://a\","),
                malformed(TokenFlaw::DuplicateMember),
            ),
            ("[]".to_owned(), malformed(TokenFlaw::Json)),
            (format!("{} x", with("", "")), malformed(TokenFlaw::Json)),
        ] {
            assert_eq!(judged(&token(HEADER, &claims)), Err(refusal), "{claims}");
        }
    }

    #[test]
    fn clocks_may_be_a_minute_apart() {
        let just = NOW_MS - 59_999;
        assert!(judged(&token(HEADER, &claims(&just.to_string()))).is_ok());
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let good = token(HEADER, &claims(&(NOW_MS + 1).to_string()));
        let (signed, signature) = good.rsplit_once('.').unwrap();
        let malformed = CiRefusal::Malformed;
        for (token, refusal) in [
            (String::new(), malformed(TokenFlaw::Characters)),
            (format!("{good} "), malformed(TokenFlaw::Characters)),
            ("tök".to_owned(), malformed(TokenFlaw::Characters)),
            ("a.b".to_owned(), malformed(TokenFlaw::Parts)),
            ("a.b.c.d".to_owned(), malformed(TokenFlaw::Parts)),
            ("a.b.c.d.e.f".to_owned(), malformed(TokenFlaw::Parts)),
            ("a.b.c.d.e".to_owned(), CiRefusal::WrongAlgorithm),
            (format!("{signed}."), CiRefusal::WrongAlgorithm),
            (format!("{good}=="), malformed(TokenFlaw::Base64)),
            (
                format!("{signed}.+{signature}"),
                malformed(TokenFlaw::Base64),
            ),
            (".e30.e30".to_owned(), malformed(TokenFlaw::Json)),
            ("a".repeat(TOKEN_BYTES + 1), CiRefusal::TokenTooLarge),
            ("é".repeat(TOKEN_BYTES), CiRefusal::TokenTooLarge),
        ] {
            assert_eq!(judged(&token), Err(refusal), "{token:.80}");
        }
        // `e31` and `e30` decode to the same byte and a rest; only one of them is canonical.
        let odd = format!("{}.e31.{signature}", URL_SAFE_NO_PAD.encode(HEADER));
        assert_eq!(judged(&odd), Err(malformed(TokenFlaw::Base64)));
    }

    proptest! {
        #[test]
        fn foreign_text_never_panics(text in "\\PC{0,200}") {
            drop(judged(&text));
        }

        #[test]
        fn foreign_header_and_claims_never_panic(header in "\\PC{0,60}", claims in "\\PC{0,120}") {
            drop(judged(&token(&header, &claims)));
        }

        #[test]
        fn no_token_of_another_issuer_passes(issuer in "https://[a-z.-]{1,30}/idb") {
            prop_assume!(issuer != ISSUER);
            let claims = claims(&(NOW_MS + 1).to_string()).replacen(ISSUER, &issuer, 1);
            prop_assert_eq!(judged(&token(HEADER, &claims)), Err(CiRefusal::WrongIssuer));
        }
    }
}
