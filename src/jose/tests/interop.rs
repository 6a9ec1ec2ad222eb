//! What others make of ours, and we of theirs.

use aws_lc_rs::aead::AES_256_GCM;
use aws_lc_rs::aead::Aad;
use aws_lc_rs::aead::LessSafeKey;
use aws_lc_rs::aead::Nonce;
use aws_lc_rs::aead::UnboundKey;
use aws_lc_rs::rsa::OAEP_SHA1_MGF1SHA1;
use aws_lc_rs::rsa::OAEP_SHA256_MGF1SHA256;
use aws_lc_rs::rsa::OaepPrivateDecryptingKey;
use aws_lc_rs::rsa::PrivateDecryptingKey;
use rcgen::KeyPair;
use rcgen::PublicKeyData as _;

use super::*;
use crate::jose::ClientKey;
use crate::jose::KeyWrap;
use crate::jose::base64url;
use crate::jose::encrypt;

/// A client's key pair.
fn client() -> (OaepPrivateDecryptingKey, ClientKey) {
    let pair =
        KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
    let private = PrivateDecryptingKey::from_pkcs8(&pair.serialize_der()).unwrap();
    let public = ClientKey::from_bytes(&pair.subject_public_key_info()).unwrap();
    (OaepPrivateDecryptingKey::new(private).unwrap(), public)
}

#[test]
fn a_client_reads_what_was_encrypted_to_it() {
    let (private, public) = client();
    for (wrap, algorithm, name) in [
        (KeyWrap::RsaOaep256, &OAEP_SHA256_MGF1SHA256, "RSA-OAEP-256"),
        (KeyWrap::RsaOaep, &OAEP_SHA1_MGF1SHA1, "RSA-OAEP"),
    ] {
        let token = ring().issue(&claims()).unwrap();
        let jwe = encrypt(&token, &public, wrap).unwrap();
        let parts: Vec<_> = jwe.split('.').collect();
        let decoded: Vec<_> = parts
            .iter()
            .map(|part| base64url::decode(part).unwrap())
            .collect();
        let [header, wrapped, nonce, sealed, tag] = decoded.as_slice() else {
            panic!("{jwe}");
        };
        let expected = format!(
            r#"{{"alg":"{name}","enc":"A256GCM","cty":"JWT","kid":"{}"}}"#,
            public.thumbprint()
        );
        assert_eq!(std::str::from_utf8(header).unwrap(), expected);
        let mut key = [0; 256];
        let key = private.decrypt(algorithm, wrapped, &mut key, None).unwrap();
        let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).unwrap());
        let nonce = Nonce::try_assume_unique_for_key(nonce).unwrap();
        let mut content = [sealed.as_slice(), tag].concat();
        let opened = cipher
            .open_in_place(nonce, Aad::from(parts[0]), &mut content)
            .unwrap();
        assert_eq!(opened, token.as_bytes());
    }
}

#[test]
fn two_encryptions_have_nothing_in_common_but_the_header() {
    let (_, public) = client();
    let twice = [(); 2].map(|()| encrypt("token", &public, KeyWrap::RsaOaep256).unwrap());
    let mut pairs = twice[0].split('.').zip(twice[1].split('.'));
    assert!(pairs.next().is_some_and(|(one, two)| one == two));
    assert!(pairs.all(|(one, two)| one != two));
}
