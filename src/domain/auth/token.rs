//! What a token of ours says, and whether that still holds. Signatures are verified elsewhere,
//! revocation too: both need more than the token.

use std::time::Duration;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Map;
use serde_json::Value;

use crate::domain::auth::strict_json;
use crate::domain::auth::strict_json::JsonFault;

/// Longest token in bytes; more is refused before anything is decoded.
pub const TOKEN_BYTES: usize = 16 * 1024;

/// Longest token id; ours have 22 characters. It becomes a key of the deny list.
const JTI_BYTES: usize = 64;

/// How the user proved who it is (`amr`, after RFC 8176).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Amr {
    /// A token of Cisco's Common Identity.
    Ci,
    /// A client certificate, whose owner named the user.
    Mtls,
    /// The BroadWorks password.
    Pwd,
}

impl Amr {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::Ci, Self::Mtls, Self::Pwd];

    /// The word in the token and in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ci => "ci",
            Self::Mtls => "mtls",
            Self::Pwd => "pwd",
        }
    }
}

/// The claims of a token. It names no person beyond the user id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// `iss`: the token issuer.
    pub issuer: String,
    /// `sub`: the BroadWorks user id, as it stands in Xsi paths.
    pub subject: String,
    /// `bw_iat_ms`: when it was issued, in milliseconds since 1970; compared with BroadWorks'
    /// `tokenRevocationTime`, which has that unit.
    pub issued_ms: i64,
    /// `iat`: the same in whole seconds.
    pub issued: i64,
    /// `nbf`, in seconds.
    pub not_before: i64,
    /// `exp`, in seconds: the first second in which it no longer holds.
    pub expires: i64,
    /// `jti`: names this token.
    pub jti: String,
    /// `amr`: how the user proved who it is.
    pub amr: Amr,
}

impl Claims {
    /// A token that is issued now. `jti` is random.
    #[must_use]
    pub fn new(
        issuer: &str,
        subject: &str,
        now: SystemTime,
        life: Duration,
        jti: [u8; 16],
        amr: Amr,
    ) -> Self {
        let issued_ms = milliseconds(now);
        let issued = issued_ms.div_euclid(1000);
        let life = i64::try_from(life.as_secs()).unwrap_or(i64::MAX);
        Self {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            issued_ms,
            issued,
            not_before: issued,
            expires: issued.saturating_add(life),
            jti: URL_SAFE_NO_PAD.encode(jti),
            amr,
        }
    }

    /// The claims as JSON in pure ASCII: the web client turns the payload from base64 into Latin-1
    /// and then reads JSON, so that UTF-8 would break user ids.
    #[must_use]
    pub fn to_ascii_json(&self) -> String {
        let mut json = String::with_capacity(256);
        json.push_str("{\"iss\":");
        push_ascii(&mut json, &self.issuer);
        json.push_str(",\"sub\":");
        push_ascii(&mut json, &self.subject);
        for (name, number) in [
            ("iat", self.issued),
            ("exp", self.expires),
            ("nbf", self.not_before),
        ] {
            json.push_str(&format!(",\"{name}\":{number}"));
        }
        json.push_str(",\"jti\":");
        push_ascii(&mut json, &self.jti);
        let Self { issued_ms, amr, .. } = self;
        json.push_str(&format!(",\"bw_iat_ms\":{issued_ms}"));
        json.push_str(&format!(",\"amr\":[\"{}\"]}}", amr.as_str()));
        json
    }

    /// Reads the claims out of a verified payload. Members of other names are ignored.
    ///
    /// # Errors
    /// [`TokenFault`]: not an object, a claim missing, or one of another type than ours.
    pub fn parse(payload: &[u8]) -> Result<Self, TokenFault> {
        let members = strict_json::object(payload, TOKEN_BYTES)?;
        let claims = Self {
            issuer: text(&members, "iss")?,
            subject: text(&members, "sub")?,
            issued_ms: number(&members, "bw_iat_ms")?,
            issued: number(&members, "iat")?,
            not_before: number(&members, "nbf")?,
            expires: number(&members, "exp")?,
            jti: text(&members, "jti")?,
            amr: amr(&members)?,
        };
        if claims.jti.len() > JTI_BYTES {
            return Err(TokenFault::ClaimType);
        }
        let in_order = claims.not_before <= claims.expires && claims.issued <= claims.expires;
        if in_order && claims.issued_ms.div_euclid(1000) == claims.issued {
            Ok(claims)
        } else {
            Err(TokenFault::Contradiction)
        }
    }

    /// Whether they hold now: issuer, dates, and a life that we would have given.
    ///
    /// # Errors
    /// The first [`TokenFault`] in that order.
    pub fn judge(&self, rules: &TokenRules, now: SystemTime) -> Result<(), TokenFault> {
        if self.issuer != rules.issuer {
            return Err(TokenFault::Issuer);
        }
        let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        let now = milliseconds(now).div_euclid(1000);
        let leeway = seconds(rules.leeway);
        if now >= self.expires.saturating_add(leeway) {
            return Err(TokenFault::Expired);
        }
        let latest_start = now.saturating_add(leeway);
        if self.not_before > latest_start || self.issued > latest_start {
            return Err(TokenFault::NotYetValid);
        }
        if self.expires.saturating_sub(self.issued) > seconds(rules.max_life) {
            return Err(TokenFault::TooLongLived);
        }
        Ok(())
    }
}

/// What a token must fulfil.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRules {
    /// `tokenIssuer`, compared exactly.
    pub issuer: String,
    /// How far clocks of the farm may differ.
    pub leeway: Duration,
    /// Longest life that a token may have. Not the present `tokenDurationInHours`: lowering that
    /// must not end tokens that are out.
    pub max_life: Duration,
}

impl TokenRules {
    /// Leeway of 60 seconds.
    pub const LEEWAY: Duration = Duration::from_secs(60);

    /// 4320 hours, the largest `tokenDurationInHours`.
    pub const MAX_LIFE: Duration = Duration::from_secs(4320 * 3600);

    /// The usual rules for an issuer.
    #[must_use]
    pub fn new(issuer: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            leeway: Self::LEEWAY,
            max_life: Self::MAX_LIFE,
        }
    }
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("the token is refused: {}", self.as_str())]
pub enum TokenFault {
    /// `alg` is missing, `none`, symmetric, or not the one that its key is pinned to.
    Algorithm,
    /// A claim that every token of ours has is not there.
    ClaimMissing,
    /// A claim has another JSON type, or no content.
    ClaimType,
    /// Claims exclude each other: `exp` before `iat`, `bw_iat_ms` of another second than `iat`.
    Contradiction,
    /// `crit` or `b64`: something that must be understood and is not.
    CriticalHeader,
    /// A member stands twice in the header or in the claims.
    DuplicateMember,
    /// Past `exp`.
    Expired,
    /// Another issuer.
    Issuer,
    /// The header brings a key, or says where one lies.
    KeyInHeader,
    /// Not base64url, not JSON, or a header that we would not write.
    Malformed,
    /// Not three parts: a JWE, an opaque token, a torn one.
    NotAJws,
    /// Before `nbf`, or issued in the future.
    NotYetValid,
    /// The signature does not fit.
    Signature,
    /// Longer than [`TOKEN_BYTES`].
    TooLarge,
    /// A longer life than any token of ours has.
    TooLongLived,
    /// No `kid`, or not one of our keys.
    UnknownKey,
}

impl TokenFault {
    /// Every fault.
    pub const ALL: [Self; 16] = [
        Self::Algorithm,
        Self::ClaimMissing,
        Self::ClaimType,
        Self::Contradiction,
        Self::CriticalHeader,
        Self::DuplicateMember,
        Self::Expired,
        Self::Issuer,
        Self::KeyInHeader,
        Self::Malformed,
        Self::NotAJws,
        Self::NotYetValid,
        Self::Signature,
        Self::TooLarge,
        Self::TooLongLived,
        Self::UnknownKey,
    ];

    /// The word in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Algorithm => "algorithm",
            Self::ClaimMissing => "claim-missing",
            Self::ClaimType => "claim-type",
            Self::Contradiction => "contradiction",
            Self::CriticalHeader => "critical-header",
            Self::DuplicateMember => "duplicate-member",
            Self::Expired => "expired",
            Self::Issuer => "issuer",
            Self::KeyInHeader => "key-in-header",
            Self::Malformed => "malformed",
            Self::NotAJws => "not-a-jws",
            Self::NotYetValid => "not-yet-valid",
            Self::Signature => "signature",
            Self::TooLarge => "too-large",
            Self::TooLongLived => "too-long-lived",
            Self::UnknownKey => "unknown-key",
        }
    }
}

impl From<JsonFault> for TokenFault {
    fn from(fault: JsonFault) -> Self {
        match fault {
            JsonFault::DuplicateMember => Self::DuplicateMember,
            JsonFault::Malformed => Self::Malformed,
            JsonFault::TooLarge => Self::TooLarge,
        }
    }
}

/// Milliseconds since 1970, negative before.
fn milliseconds(time: SystemTime) -> i64 {
    let whole = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => whole(since),
        Err(before) => whole(before.duration()).saturating_neg(),
    }
}

fn member<'m>(members: &'m Map<String, Value>, name: &str) -> Result<&'m Value, TokenFault> {
    members.get(name).ok_or(TokenFault::ClaimMissing)
}

/// A text with content.
fn text(members: &Map<String, Value>, name: &str) -> Result<String, TokenFault> {
    let text = member(members, name)?.as_str();
    let text = text.filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or(TokenFault::ClaimType)
}

/// A whole number, written as one: neither `"1"` nor `1.0` nor `1e3`.
fn number(members: &Map<String, Value>, name: &str) -> Result<i64, TokenFault> {
    let number = member(members, name)?.as_i64();
    number.ok_or(TokenFault::ClaimType)
}

fn amr(members: &Map<String, Value>) -> Result<Amr, TokenFault> {
    let words = member(members, "amr")?.as_array().map(Vec::as_slice);
    let Some([word]) = words else {
        return Err(TokenFault::ClaimType);
    };
    let known = |amr: &Amr| word.as_str() == Some(amr.as_str());
    Amr::ALL
        .into_iter()
        .find(known)
        .ok_or(TokenFault::ClaimType)
}

/// A JSON string; everything but plain ASCII becomes `\uXXXX`, surrogate pairs included.
fn push_ascii(json: &mut String, text: &str) {
    json.push('"');
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            ' '..='~' => json.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    json.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn claims() -> Claims {
        let now = at(1_800_000_000) + Duration::from_millis(123);
        Claims::new(
            "BroadWorks",
            "alice@as.example.net",
            now,
            DAY,
            [7; 16],
            Amr::Ci,
        )
    }

    fn changed(name: &str, value: Option<Value>) -> Result<Claims, TokenFault> {
        let mut json: Value = serde_json::from_str(&claims().to_ascii_json()).unwrap();
        let members = json.as_object_mut().unwrap();
        match value {
            Some(value) => drop(members.insert(name.to_owned(), value)),
            None => drop(members.remove(name)),
        }
        Claims::parse(json.to_string().as_bytes())
    }

    #[test]
    fn claims_are_written_in_a_fixed_order() {
        assert_eq!(
            claims().to_ascii_json(),
            r#"{"iss":"BroadWorks","sub":"alice@as.example.net","iat":1800000000,"exp":1800086400,"nbf":1800000000,"jti":"BwcHBwcHBwcHBwcHBwcHBw","bw_iat_ms":1800000000123,"amr":["ci"]}"#
        );
    }

    #[test]
    fn names_beyond_ascii_are_escaped_with_surrogate_pairs() {
        let mut claims = claims();
        claims.subject = "jörg\"\\\u{1f600}\u{7f}\n".to_owned();
        let json = claims.to_ascii_json();
        assert!(json.is_ascii(), "{json}");
        assert!(
            json.contains(r#""j\u00f6rg\"\\\ud83d\ude00\u007f\u000a""#),
            "{json}"
        );
        assert_eq!(Claims::parse(json.as_bytes()), Ok(claims));
    }

    #[test]
    fn every_claim_is_needed_and_has_its_exact_type() {
        for name in ["iss", "sub", "iat", "exp", "nbf", "jti", "bw_iat_ms", "amr"] {
            assert_eq!(changed(name, None), Err(TokenFault::ClaimMissing), "{name}");
            for value in [json!(null), json!(true), json!({}), json!([]), json!(1.5)] {
                let parsed = changed(name, Some(value.clone()));
                assert_eq!(parsed, Err(TokenFault::ClaimType), "{name} {value}");
            }
        }
        for name in ["iat", "exp", "nbf", "bw_iat_ms"] {
            for value in [json!("1800000000"), json!(1.8e9), json!(u64::MAX)] {
                let parsed = changed(name, Some(value.clone()));
                assert_eq!(parsed, Err(TokenFault::ClaimType), "{name} {value}");
            }
        }
        for (name, value) in [
            ("iss", json!("")),
            ("sub", json!("")),
            ("sub", json!(["alice"])),
            ("jti", json!("x".repeat(65))),
            ("amr", json!("ci")),
            ("amr", json!(["ci", "pwd"])),
            ("amr", json!(["otp"])),
        ] {
            let parsed = changed(name, Some(value.clone()));
            assert_eq!(parsed, Err(TokenFault::ClaimType), "{name} {value}");
        }
    }

    #[test]
    fn claims_that_exclude_each_other_are_refused() {
        for (name, value) in [
            ("exp", json!(1_799_999_999)),
            ("nbf", json!(1_800_086_401)),
            ("iat", json!(1_800_000_001)),
            ("bw_iat_ms", json!(1_800_000_001_000_i64)),
            ("bw_iat_ms", json!(i64::MIN)),
        ] {
            let parsed = changed(name, Some(value));
            assert_eq!(parsed, Err(TokenFault::Contradiction), "{name}");
        }
    }

    #[test]
    fn unknown_claims_are_ignored_and_duplicates_are_not() {
        assert_eq!(changed("aud", Some(json!("x"))), Ok(claims()));
        let json = claims().to_ascii_json();
        let twice = json.replacen("\"sub\"", "\"sub\":\"bob\",\"sub\"", 1);
        let parsed = Claims::parse(twice.as_bytes());
        assert_eq!(parsed, Err(TokenFault::DuplicateMember));
    }

    #[test]
    fn dates_hold_with_the_leeway_and_no_longer() {
        let rules = TokenRules::new("BroadWorks");
        let (start, end) = (1_800_000_000, 1_800_086_400);
        for (now, expected) in [
            (start - 61, Err(TokenFault::NotYetValid)),
            (start - 60, Ok(())),
            (start, Ok(())),
            (end, Ok(())),
            (end + 59, Ok(())),
            (end + 60, Err(TokenFault::Expired)),
            (0, Err(TokenFault::NotYetValid)),
        ] {
            assert_eq!(claims().judge(&rules, at(now)), expected, "{now}");
        }
        let mut late = claims();
        late.issued += 1000;
        let judged = late.judge(&rules, at(start));
        assert_eq!(judged, Err(TokenFault::NotYetValid), "issued in the future");
    }

    #[test]
    fn another_issuer_and_a_longer_life_are_refused() {
        let judge = |claims: &Claims, issuer: &str| {
            let rules = TokenRules::new(issuer);
            claims.judge(&rules, at(1_800_000_000))
        };
        for issuer in [
            "broadworks",
            "BroadWorks ",
            "",
            "https://idbroker.webex.com/idb",
        ] {
            assert_eq!(
                judge(&claims(), issuer),
                Err(TokenFault::Issuer),
                "{issuer}"
            );
        }
        let mut eternal = claims();
        eternal.expires = i64::MAX;
        assert_eq!(judge(&eternal, "BroadWorks"), Err(TokenFault::TooLongLived));
        eternal.expires = eternal.issued + 4320 * 3600;
        assert_eq!(judge(&eternal, "BroadWorks"), Ok(()));
    }

    #[test]
    fn times_beyond_the_clock_do_not_overflow() {
        let far = Claims::new("i", "s", at(u64::MAX / 4), Duration::MAX, [0; 16], Amr::Pwd);
        assert_eq!(far.expires, i64::MAX);
        let rules = TokenRules {
            issuer: "i".to_owned(),
            leeway: Duration::MAX,
            max_life: Duration::MAX,
        };
        assert_eq!(far.judge(&rules, at(0)), Ok(()));
        let before = Claims::new(
            "i",
            "s",
            SystemTime::UNIX_EPOCH - Duration::from_millis(1),
            DAY,
            [0; 16],
            Amr::Pwd,
        );
        assert_eq!((before.issued_ms, before.issued), (-1, -1));
    }

    proptest! {
        #[test]
        fn foreign_payloads_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            drop(Claims::parse(&bytes));
        }

        #[test]
        fn claims_survive_write_and_parse(
            issuer in "\\PC{1,20}",
            subject in ".{1,60}",
            now in 0..4_000_000_000_u64,
            life in 0..100_000_000_u64,
            jti in any::<[u8; 16]>(),
            amr in proptest::sample::select(Amr::ALL.to_vec()),
        ) {
            let life = Duration::from_secs(life);
            let claims = Claims::new(&issuer, &subject, at(now), life, jti, amr);
            let json = claims.to_ascii_json();
            prop_assert!(json.is_ascii());
            prop_assert_eq!(Claims::parse(json.as_bytes()), Ok(claims));
        }
    }
}
