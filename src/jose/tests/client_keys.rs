//! The `key` parameter in all its forms.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::encoding::PublicKeyX509Der;
use aws_lc_rs::signature::RsaPublicKeyComponents;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use base64::engine::general_purpose::URL_SAFE;
use proptest::prelude::*;
use rcgen::KeyPair;
use rcgen::PublicKeyData as _;
use serde_json::Value;
use serde_json::json;

use super::*;
use crate::jose::ClientKey;
use crate::jose::ClientKeyFault;
use crate::jose::base64url;

fn jwk() -> Value {
    let jwks: Value = serde_json::from_str(&ring().jwks()).unwrap();
    json!({ "kty": "RSA", "n": jwks["keys"][0]["n"], "e": jwks["keys"][0]["e"] })
}

fn numbers() -> (Vec<u8>, Vec<u8>) {
    let jwk = jwk();
    let number = |name: &str| base64url::decode(jwk[name].as_str().unwrap()).unwrap();
    (number("n"), number("e"))
}

/// SubjectPublicKeyInfo and RSAPublicKey.
fn ders() -> (Vec<u8>, Vec<u8>) {
    let (n, e) = numbers();
    let spki: PublicKeyX509Der<'_> = RsaPublicKeyComponents { n, e }.as_der().unwrap();
    let key = aws_lc_rs::rsa::PublicEncryptingKey::from_der(spki.as_ref()).unwrap();
    assert_eq!(key.key_size_bits(), 2048);
    let pair = KEYS[0].to_record(SigningAlgorithm::Rs256).unwrap();
    assert_eq!(pair.kid, KEYS[0].kid());
    let pkcs1 = pkcs1_of(spki.as_ref());
    (spki.as_ref().to_vec(), pkcs1)
}

/// The bit string of a key of 2048 bits begins after 24 bytes.
fn pkcs1_of(spki: &[u8]) -> Vec<u8> {
    spki[24..].to_vec()
}

fn pem(label: &str, der: &[u8]) -> String {
    let digits = STANDARD.encode(der);
    let lines: Vec<_> = digits
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

fn parse(bytes: impl AsRef<[u8]>) -> Result<String, ClientKeyFault> {
    let key = ClientKey::parse(&base64url::encode(bytes.as_ref()))?;
    assert_eq!(key.bits(), 2048);
    Ok(key.thumbprint().to_owned())
}

#[test]
fn every_form_of_a_key_is_the_same_key() {
    let (spki, pkcs1) = ders();
    let kid = Ok(KEYS[0].kid().to_owned());
    assert_eq!(parse(&spki), kid);
    assert_eq!(parse(&pkcs1), kid);
    assert_eq!(parse(pem("PUBLIC KEY", &spki)), kid);
    assert_eq!(parse(pem("RSA PUBLIC KEY", &pkcs1)), kid);
    assert_eq!(
        parse(format!(
            "\n{}",
            pem("PUBLIC KEY", &spki).replace('\n', "\r\n")
        )),
        kid
    );
    assert_eq!(parse(jwk().to_string()), kid);
    assert_eq!(parse(format!(" {:#}", jwk())), kid);
}

#[test]
fn every_spelling_of_base64_is_read_and_none_guessed() {
    let (spki, _) = ders();
    let kid = Ok(KEYS[0].kid().to_owned());
    let parse = |text: &str| ClientKey::parse(text).map(|key| key.thumbprint().to_owned());
    assert_eq!(parse(&URL_SAFE.encode(&spki)), kid);
    assert_eq!(parse(&STANDARD.encode(&spki)), kid);
    assert_eq!(parse(&STANDARD_NO_PAD.encode(&spki)), kid);
    // A `+` that a form decoder turned into a space is told as what it is.
    let spaced = format!("AA+{}", STANDARD.encode(&spki)).replace('+', " ");
    assert_eq!(parse(&spaced), Err(ClientKeyFault::Space));
    let url = base64url::encode(&spki);
    let (left, right) = url.split_at(40);
    for text in [
        format!("{url}="),
        format!("{url}==="),
        format!("{left}\n{right}"),
        format!("{left}={right}"),
        format!("{left}+-_/{right}"),
        format!("{left}%2B{right}"),
        "é".to_owned(),
    ] {
        // Unless the padding happens to be right.
        if URL_SAFE.encode(&spki) != text {
            assert_eq!(parse(&text), Err(ClientKeyFault::NotBase64), "{text}");
        }
    }
}

#[test]
fn private_keys_are_refused_in_every_form() {
    let private =
        KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
    assert_eq!(
        parse(private.serialize_der()),
        Err(ClientKeyFault::PrivateKey)
    );
    assert_eq!(
        parse(private.serialize_pem()),
        Err(ClientKeyFault::PrivateKey)
    );
    let pkcs1 = [0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x05];
    assert_eq!(parse(pkcs1), Err(ClientKeyFault::PrivateKey));
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        let mut jwk = jwk();
        jwk[member] = json!("AQAB");
        assert_eq!(
            parse(jwk.to_string()),
            Err(ClientKeyFault::PrivateKey),
            "{member}"
        );
    }
}

#[test]
fn keys_of_other_kinds_and_uses_are_refused() {
    let elliptic = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    assert_eq!(
        parse(elliptic.subject_public_key_info()),
        Err(ClientKeyFault::NotRsa)
    );
    let with = |name: &str, value: Value| {
        let mut jwk = jwk();
        jwk[name] = value;
        parse(jwk.to_string())
    };
    for (name, value) in [
        ("use", json!("sig")),
        ("use", json!("")),
        ("use", json!(["enc"])),
        ("alg", json!("RS256")),
        ("alg", json!("RSA1_5")),
        ("key_ops", json!(["verify"])),
        ("key_ops", json!("encrypt")),
    ] {
        assert_eq!(
            with(name, value.clone()),
            Err(ClientKeyFault::NotForEncryption),
            "{name} {value}"
        );
    }
    for (name, value) in [
        ("use", json!("enc")),
        ("alg", json!("RSA-OAEP-256")),
        ("key_ops", json!(["wrapKey"])),
        ("kid", json!("mine")),
    ] {
        assert!(with(name, value).is_ok(), "{name}");
    }
    assert_eq!(with("kty", json!("EC")), Err(ClientKeyFault::NotRsa));
    assert_eq!(with("kty", json!("oct")), Err(ClientKeyFault::NotRsa));
    assert_eq!(with("kty", json!(1)), Err(ClientKeyFault::NotAKey));
}

#[test]
fn weak_and_senseless_numbers_are_refused() {
    let with = |name: &str, bytes: &[u8]| {
        let mut jwk = jwk();
        jwk[name] = json!(base64url::encode(bytes));
        parse(jwk.to_string())
    };
    let (n, _) = numbers();
    assert_eq!(with("e", &[3]), Err(ClientKeyFault::Exponent));
    assert_eq!(with("e", &[1, 0, 0]), Err(ClientKeyFault::Exponent));
    assert_eq!(with("e", &[0, 1, 0, 1]), Err(ClientKeyFault::Exponent));
    assert_eq!(with("n", &n[..128]), Err(ClientKeyFault::Length));
    assert_eq!(
        with("n", &[&n[..], &n[..], &n[..]].concat()),
        Err(ClientKeyFault::Length)
    );
    assert_eq!(
        with("n", &[&n[..255], &[2]].concat()),
        Err(ClientKeyFault::Modulus)
    );
    assert_eq!(
        with("n", &[&[0], &n[..]].concat()),
        Err(ClientKeyFault::Modulus)
    );
    assert_eq!(with("n", b""), Err(ClientKeyFault::Length));
}

#[test]
fn what_is_no_key_is_told_apart() {
    let (spki, pkcs1) = ders();
    assert_eq!(ClientKey::parse("").map(drop), Err(ClientKeyFault::Empty));
    assert_eq!(
        ClientKey::parse(&"A".repeat(9000)).map(drop),
        Err(ClientKeyFault::TooLarge)
    );
    let twice = jwk().to_string().replacen('{', "{\"kty\":\"RSA\",", 1);
    assert_eq!(parse(twice), Err(ClientKeyFault::DuplicateMember));
    let certificate = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
    for bytes in [
        b"hello".to_vec(),
        b"{".to_vec(),
        b"{}".to_vec(),
        ring().jwks().into_bytes(),
        b"-----BEGIN PUBLIC KEY-----".to_vec(),
        certificate.cert.pem().into_bytes(),
        certificate.cert.der().to_vec(),
        [pem("PUBLIC KEY", &spki), pem("PUBLIC KEY", &spki)]
            .concat()
            .into_bytes(),
        [&spki[..], &[0]].concat(),
        [&pkcs1[..], &[0]].concat(),
        spki[..spki.len() - 1].to_vec(),
        vec![0x30, 0x80],
        vec![0x30],
    ] {
        assert_eq!(parse(&bytes), Err(ClientKeyFault::NotAKey), "{bytes:?}");
    }
    for fault in ClientKeyFault::ALL {
        assert!(!fault.as_str().is_empty() && fault.to_string().len() > 10);
    }
}

proptest! {
    #[test]
    fn foreign_texts_never_panic(text in "\\PC{0,80}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        drop(ClientKey::parse(&text));
        drop(ClientKey::from_bytes(&bytes));
    }

    #[test]
    fn a_changed_key_is_refused_or_another_key(at in 0..294_usize, byte in any::<u8>()) {
        let (mut spki, _) = ders();
        let before = spki.clone();
        spki[at] = byte;
        if let Ok(kid) = parse(&spki) {
            prop_assert_eq!(kid == KEYS[0].kid(), spki == before);
        }
    }
}
