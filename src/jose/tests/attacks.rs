//! Tokens that were not issued so.

use aws_lc_rs::hmac;
use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

use super::*;
use crate::domain::auth::token::TOKEN_BYTES;
use crate::domain::auth::token::TokenFault;
use crate::domain::auth::token::TokenRules;
use crate::jose::ClientKey;
use crate::jose::KeyWrap;
use crate::jose::base64url;
use crate::jose::encrypt;

fn verify(token: &str) -> Result<Claims, TokenFault> {
    ring().verify(token, &TokenRules::new("BroadWorks"), now())
}

fn good() -> String {
    ring().issue(&claims()).unwrap()
}

fn parts(token: &str) -> [String; 3] {
    let parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    parts.try_into().unwrap()
}

/// The good token under another header, with the good signature.
fn under(header: &str) -> Result<Claims, TokenFault> {
    let [_, payload, signature] = parts(&good());
    verify(&format!(
        "{}.{payload}.{signature}",
        base64url::encode(header.as_bytes())
    ))
}

/// The good header with a member more, or changed.
fn with(name: &str, value: Value) -> Result<Claims, TokenFault> {
    let mut header = json!({ "alg": "RS256", "typ": "JWT", "kid": KEYS[0].kid() });
    header[name] = value;
    under(&header.to_string())
}

/// Another payload, well signed.
fn signed(payload: &str) -> Result<Claims, TokenFault> {
    let token = KEYS[0].sign(SigningAlgorithm::Rs256, payload.as_bytes());
    verify(&token.unwrap())
}

#[test]
fn a_token_is_verified_to_what_was_issued() {
    assert_eq!(verify(&good()), Ok(claims()));
    let header = base64url::decode(&parts(&good())[0]).unwrap();
    let expected = format!(r#"{{"alg":"RS256","typ":"JWT","kid":"{}"}}"#, KEYS[0].kid());
    assert_eq!(String::from_utf8(header).unwrap(), expected);
}

#[test]
fn no_algorithm_and_symmetric_ones_are_refused() {
    let [_, payload, _] = parts(&good());
    for alg in [
        "none", "None", "NONE", "nOnE", "", "HS256", "ES256", "RS384", "RS512", "PS512", "rs256",
        "RS256 ", "RSA-OAEP", "dir", "EdDSA",
    ] {
        assert_eq!(with("alg", json!(alg)), Err(TokenFault::Algorithm), "{alg}");
        let header = json!({ "alg": alg, "kid": KEYS[0].kid() }).to_string();
        let unsigned = format!("{}.{payload}.", base64url::encode(header.as_bytes()));
        assert_eq!(verify(&unsigned), Err(TokenFault::Algorithm), "{alg}");
    }
    for alg in [json!(null), json!(["RS256"]), json!(256)] {
        assert_eq!(
            with("alg", alg.clone()),
            Err(TokenFault::Algorithm),
            "{alg}"
        );
    }
    let kid = KEYS[0].kid();
    assert_eq!(
        under(&format!("{{\"kid\":\"{kid}\"}}")),
        Err(TokenFault::Algorithm)
    );
}

#[test]
fn the_public_key_is_no_hmac_secret() {
    let jwks: Value = serde_json::from_str(&ring().jwks()).unwrap();
    let n = base64url::decode(jwks["keys"][0]["n"].as_str().unwrap()).unwrap();
    let header = json!({ "alg": "HS256", "typ": "JWT", "kid": KEYS[0].kid() }).to_string();
    let [_, payload, _] = parts(&good());
    let input = format!("{}.{payload}", base64url::encode(header.as_bytes()));
    for secret in [n.as_slice(), jwks.to_string().as_bytes()] {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
        let token = format!("{input}.{}", base64url::encode(tag.as_ref()));
        assert_eq!(verify(&token), Err(TokenFault::Algorithm));
    }
}

#[test]
fn a_key_is_used_with_its_own_algorithm_only() {
    let payload = claims().to_ascii_json();
    let other = KEYS[0]
        .sign(SigningAlgorithm::Ps256, payload.as_bytes())
        .unwrap();
    assert_eq!(verify(&other), Err(TokenFault::Algorithm));
    let pss = KeyRing::from_set(&set(&KEYS[0], SigningAlgorithm::Ps256), now()).unwrap();
    let rules = TokenRules::new("BroadWorks");
    assert_eq!(pss.verify(&other, &rules, now()), Ok(claims()));
    assert_eq!(
        pss.verify(&good(), &rules, now()),
        Err(TokenFault::Algorithm)
    );
    assert_eq!(
        pss.verify(&pss.issue(&claims()).unwrap(), &rules, now()),
        Ok(claims())
    );
    // The right name over a signature of the other kind.
    let [_, body, signature] = parts(&good());
    let [header, _, _] = parts(&other);
    let mixed = format!("{header}.{body}.{signature}");
    assert_eq!(
        pss.verify(&mixed, &rules, now()),
        Err(TokenFault::Signature)
    );
}

#[test]
fn a_key_name_is_looked_up_among_our_keys_and_nowhere_else() {
    let long = "A".repeat(900);
    for kid in [
        "",
        "x",
        "../../../etc/xspd/keys.json",
        "/dev/null",
        "' OR 1=1 --",
        "kid\0",
        &long,
        KEYS[1].kid(),
    ] {
        assert_eq!(
            with("kid", json!(kid)),
            Err(TokenFault::UnknownKey),
            "{kid:?}"
        );
    }
    for kid in [json!(null), json!(1), json!([KEYS[0].kid()]), json!({})] {
        assert_eq!(
            with("kid", kid.clone()),
            Err(TokenFault::UnknownKey),
            "{kid}"
        );
    }
    assert_eq!(
        under(r#"{"alg":"RS256","typ":"JWT"}"#),
        Err(TokenFault::UnknownKey)
    );
    let foreign = KEYS[1].sign(SigningAlgorithm::Rs256, claims().to_ascii_json().as_bytes());
    assert_eq!(verify(&foreign.unwrap()), Err(TokenFault::UnknownKey));
}

#[test]
fn a_foreign_signature_under_our_key_name_is_refused() {
    let payload = claims().to_ascii_json();
    let foreign = KEYS[1]
        .sign(SigningAlgorithm::Rs256, payload.as_bytes())
        .unwrap();
    let [header, body, _] = parts(&good());
    let [_, _, signature] = parts(&foreign);
    assert_eq!(
        verify(&format!("{header}.{body}.{signature}")),
        Err(TokenFault::Signature)
    );
    assert_eq!(
        verify(&format!("{header}.{body}.")),
        Err(TokenFault::Signature)
    );
}

#[test]
fn headers_that_bring_keys_or_demands_are_refused() {
    for name in ["jwk", "jku", "x5u", "x5c"] {
        let value = json!("https://evil.example/keys");
        assert_eq!(with(name, value), Err(TokenFault::KeyInHeader), "{name}");
    }
    assert_eq!(
        with("crit", json!(["exp"])),
        Err(TokenFault::CriticalHeader)
    );
    assert_eq!(with("crit", json!([])), Err(TokenFault::CriticalHeader));
    assert_eq!(with("b64", json!(false)), Err(TokenFault::CriticalHeader));
    assert_eq!(with("b64", json!(true)), Err(TokenFault::CriticalHeader));
    assert_eq!(with("zip", json!("DEF")), Err(TokenFault::NotAJws));
    assert_eq!(with("enc", json!("A256GCM")), Err(TokenFault::NotAJws));
    for (name, value) in [
        ("cty", "JWT"),
        ("typ", "at+jwt"),
        ("x5t", "AA"),
        ("more", "x"),
    ] {
        assert_eq!(
            with(name, json!(value)),
            Err(TokenFault::Malformed),
            "{name}"
        );
    }
    let kid = KEYS[0].kid();
    let twice = format!(r#"{{"alg":"none","alg":"RS256","kid":"{kid}"}}"#);
    assert_eq!(under(&twice), Err(TokenFault::DuplicateMember));
    assert_eq!(under("[]"), Err(TokenFault::Malformed));
    assert_eq!(under(""), Err(TokenFault::Malformed));
    assert_eq!(
        under(&format!("{{}}{}", " ".repeat(1024))),
        Err(TokenFault::TooLarge)
    );
}

#[test]
fn a_jwe_is_not_taken_for_a_jws() {
    let jwk = ring().jwks();
    let jwk: Value = serde_json::from_str(&jwk).unwrap();
    let jwk = json!({ "kty": "RSA", "n": jwk["keys"][0]["n"], "e": "AQAB" }).to_string();
    let key = ClientKey::parse(&base64url::encode(jwk.as_bytes())).unwrap();
    let jwe = encrypt(&good(), &key, KeyWrap::RsaOaep256).unwrap();
    assert_eq!(verify(&jwe), Err(TokenFault::NotAJws));
}

#[test]
fn torn_padded_and_prolonged_tokens_are_refused() {
    let token = good();
    let [header, payload, signature] = parts(&token);
    for end in 0..token.len() {
        assert!(verify(&token[..end]).is_err(), "{end}");
    }
    for (text, fault) in [
        (String::new(), TokenFault::NotAJws),
        ("opaque".to_owned(), TokenFault::NotAJws),
        (format!("{header}.{payload}"), TokenFault::NotAJws),
        (format!("{token}.x"), TokenFault::NotAJws),
        (format!("{token}."), TokenFault::NotAJws),
        (format!(" {token}"), TokenFault::Malformed),
        (format!("{token} "), TokenFault::Malformed),
        (format!("{token}\n"), TokenFault::Malformed),
        (format!("{token}\0"), TokenFault::Malformed),
        (format!("{token}=="), TokenFault::Malformed),
        (
            format!("{header}.{payload}=.{signature}"),
            TokenFault::Malformed,
        ),
        (
            format!("{header}. {payload}.{signature}"),
            TokenFault::Malformed,
        ),
        (
            format!("{header}.{payload}.{signature}AAAA"),
            TokenFault::Signature,
        ),
        (format!("..{signature}"), TokenFault::Malformed),
        ("..".to_owned(), TokenFault::Malformed),
    ] {
        assert_eq!(verify(&text), Err(fault), "{text:?}");
    }
}

#[test]
fn base64_that_is_not_canonical_is_refused() {
    let token = good();
    // 256 bytes leave four unused bits in the last character: 15 other spellings of one value.
    let last = token.chars().last().unwrap();
    let alphabet = ('A'..='Z')
        .chain('a'..='z')
        .chain('0'..='9')
        .chain(['-', '_']);
    let spellings = alphabet.filter(|other| *other != last);
    let cut = &token[..token.len() - 1];
    for other in spellings {
        let faulty = verify(&format!("{cut}{other}")).unwrap_err();
        assert!(
            matches!(faulty, TokenFault::Malformed | TokenFault::Signature),
            "{other}"
        );
    }
    let standard = token.replace('-', "+").replace('_', "/");
    if standard != token {
        assert_eq!(verify(&standard), Err(TokenFault::Malformed));
    }
}

#[test]
fn a_token_of_17_kib_is_refused_before_it_is_decoded() {
    let mut long = claims();
    long.subject = "a".repeat(17 * 1024);
    let token = ring().issue(&long).unwrap();
    assert!(token.len() > TOKEN_BYTES);
    assert_eq!(verify(&token), Err(TokenFault::TooLarge));
    assert_eq!(verify(&"é".repeat(TOKEN_BYTES)), Err(TokenFault::TooLarge));
}

#[test]
fn well_signed_claims_must_be_ours_too() {
    let json = claims().to_ascii_json();
    let change = |from: &str, to: &str| {
        assert!(json.contains(from), "{from}");
        signed(&json.replacen(from, to, 1))
    };
    for (from, to, fault) in [
        (
            "\"sub\"",
            "\"sub\":\"bob\",\"sub\"",
            TokenFault::DuplicateMember,
        ),
        (
            "\"exp\":1802592000",
            "\"exp\":\"1802592000\"",
            TokenFault::ClaimType,
        ),
        (
            "\"exp\":1802592000",
            "\"exp\":1802592000.0",
            TokenFault::ClaimType,
        ),
        ("\"exp\":1802592000,", "", TokenFault::ClaimMissing),
        (
            "\"iss\":\"BroadWorks\"",
            "\"iss\":[\"BroadWorks\"]",
            TokenFault::ClaimType,
        ),
        ("BroadWorks", "BroadSoft", TokenFault::Issuer),
        ("1802592000", "9999999999", TokenFault::TooLongLived),
        ("{", "[{", TokenFault::Malformed),
        ("}", "}{}", TokenFault::Malformed),
    ] {
        assert_eq!(change(from, to), Err(fault), "{to}");
    }
    assert_eq!(signed("\"text\""), Err(TokenFault::Malformed));
    assert_eq!(signed(""), Err(TokenFault::Malformed));
}

#[test]
fn dates_are_judged_after_the_signature() {
    let rules = TokenRules::new("BroadWorks");
    let at = |time| ring().verify(&good(), &rules, time);
    assert_eq!(
        at(now() + LIFE + Duration::from_secs(60)),
        Err(TokenFault::Expired)
    );
    assert_eq!(
        at(now() - Duration::from_secs(62)),
        Err(TokenFault::NotYetValid)
    );
    let foreign = KEYS[1].sign(SigningAlgorithm::Rs256, b"{}").unwrap();
    assert_eq!(verify(&foreign), Err(TokenFault::UnknownKey));
}

proptest! {
    #[test]
    fn foreign_tokens_never_panic(token in "[A-Za-z0-9_.=-]{0,80}|\\PC{0,40}") {
        prop_assert!(verify(&token).is_err());
    }

    #[test]
    fn no_changed_byte_goes_unseen(at in 0..600_usize, byte in any::<u8>()) {
        let token = good();
        let at = at % token.len();
        let mut bytes = token.clone().into_bytes();
        bytes[at] = byte;
        if let Ok(changed) = String::from_utf8(bytes) && changed != token {
            prop_assert!(verify(&changed).is_err());
        }
    }
}
