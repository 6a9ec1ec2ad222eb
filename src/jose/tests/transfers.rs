//! Exports: what opens them, and what must not be computed for them.

use proptest::prelude::any;
use proptest::prop_assert;
use proptest::proptest;
use rcgen::KeyPair;
use rcgen::PublicKeyData as _;
use serde_json::Value;
use serde_json::json;

use crate::jose::ClientKey;
use crate::jose::Opening;
use crate::jose::Sealing;
use crate::jose::TransferFault;
use crate::jose::base64url;
use crate::jose::open_keys;
use crate::jose::private_key;
use crate::jose::seal_keys;

const PASSPHRASE: &[u8] = b"correct horse battery staple";

fn open(jwe: &str) -> Result<Vec<u8>, TransferFault> {
    open_keys(jwe, Opening::Passphrase(PASSPHRASE)).map(|opened| opened.to_vec())
}

/// A sealed text whose header was changed; it never gets as far as its content.
fn under(change: impl Fn(&mut Value)) -> Result<Vec<u8>, TransferFault> {
    let mut header = json!({ "alg": "PBES2-HS512+A256KW", "enc": "A256GCM",
        "cty": "jwk-set+json", "p2s": "AAAAAAAAAAAAAAAAAAAAAA", "p2c": 210_000 });
    change(&mut header);
    let header = base64url::encode(header.to_string().as_bytes());
    let wrapped = base64url::encode(&[7; 40]);
    open(&format!(
        "{header}.{wrapped}.AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA"
    ))
}

#[test]
fn a_passphrase_opens_what_it_sealed() {
    let sealed = seal_keys(b"keys", Sealing::Passphrase(PASSPHRASE)).unwrap();
    let header = base64url::decode(sealed.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    assert_eq!(
        (&header["alg"], &header["enc"]),
        (&json!("PBES2-HS512+A256KW"), &json!("A256GCM"))
    );
    assert_eq!(
        (&header["p2c"], &header["cty"]),
        (&json!(210_000), &json!("jwk-set+json"))
    );
    assert_eq!(open(&sealed), Ok(b"keys".to_vec()));
    let wrong = open_keys(&sealed, Opening::Passphrase(b"wrong")).map(drop);
    assert_eq!(wrong, Err(TransferFault::WrongSecret));
}

#[test]
fn rounds_beyond_the_bounds_are_refused_before_they_are_computed() {
    assert_eq!(
        under(|_| {}),
        Err(TransferFault::WrongSecret),
        "the header itself is good"
    );
    for rounds in [
        0,
        1,
        1000,
        209_999,
        10_000_001,
        u64::from(u32::MAX),
        u64::MAX,
    ] {
        let refused = under(|header| header["p2c"] = json!(rounds));
        assert_eq!(refused, Err(TransferFault::Rounds(rounds)));
    }
}

#[test]
fn headers_that_we_do_not_write_are_damage() {
    for (name, value) in [
        ("p2c", json!("210000")),
        ("p2c", json!(2.1e5)),
        ("p2c", json!(-1)),
        ("p2s", json!("AAAA")),
        ("p2s", json!("A".repeat(88))),
        ("p2s", json!("AAAAAAAAAAAAAAAAAAAAAB")),
        ("p2s", json!(null)),
        ("alg", json!("PBES2-HS256+A128KW")),
        ("alg", json!("dir")),
        ("alg", json!("RSA1_5")),
        ("alg", json!(null)),
        ("enc", json!("A128CBC-HS256")),
        ("zip", json!("DEF")),
        ("crit", json!([])),
    ] {
        let refused = under(|header| header[name] = value.clone());
        assert_eq!(refused, Err(TransferFault::Damaged), "{name} {value}");
    }
    for text in ["", "a.b.c", "a.b.c.d.e", "....", "a.b.c.d.e.f"] {
        assert_eq!(open(text), Err(TransferFault::Damaged), "{text}");
    }
    assert_eq!(open(&"A".repeat(200_000)), Err(TransferFault::Damaged));
}

#[test]
fn a_private_key_opens_what_was_sealed_for_it() {
    let rsa = |size| KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size).unwrap();
    let pair = rsa(rcgen::RsaKeySize::_3072);
    let public = ClientKey::from_bytes(&pair.subject_public_key_info()).unwrap();
    let sealed = seal_keys(b"keys", Sealing::Recipient(&public)).unwrap();
    let key = private_key(pair.serialize_pem().as_bytes()).unwrap();
    let opened = open_keys(&sealed, Opening::PrivateKey(&key)).unwrap();
    assert_eq!(opened.as_slice(), b"keys");
    let der = pair.serialize_der();
    // A key of the older form, behind text; the frame around it has 26 bytes.
    let pkcs1 = pem_of("RSA PRIVATE KEY", &der[26..]);
    assert_eq!(
        private_key(format!("text\n{pkcs1}").as_bytes()).unwrap(),
        key
    );
    let elliptic = KeyPair::generate().unwrap();
    for text in [
        elliptic.serialize_pem(),
        pem_of("ENCRYPTED PRIVATE KEY", &der),
        String::new(),
    ] {
        let refused = private_key(text.as_bytes()).map(drop);
        assert_eq!(refused, Err(TransferFault::NotAPrivateKey));
    }
}

fn pem_of(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let digits = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{digits}\n-----END {label}-----\n")
}

proptest! {
    #[test]
    fn foreign_files_never_panic(text in "[A-Za-z0-9_.-]{0,120}|\\PC{0,40}", bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        prop_assert!(open(&text).is_err());
        drop(private_key(&bytes));
    }
}
