//! What others make of ours, and we of theirs: openssl, jwcrypto for Python, and an opening of the
//! JWE that shares no line with the sealing.

use std::fs;
use std::path::Path;
use std::process::Command;

use aws_lc_rs::aead::AES_256_GCM;
use aws_lc_rs::aead::Aad;
use aws_lc_rs::aead::LessSafeKey;
use aws_lc_rs::aead::Nonce;
use aws_lc_rs::aead::UnboundKey;
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::encoding::PublicKeyX509Der;
use aws_lc_rs::rsa::OAEP_SHA1_MGF1SHA1;
use aws_lc_rs::rsa::OAEP_SHA256_MGF1SHA256;
use aws_lc_rs::rsa::OaepPrivateDecryptingKey;
use aws_lc_rs::rsa::PrivateDecryptingKey;
use aws_lc_rs::signature::RsaPublicKeyComponents;
use rcgen::KeyPair;
use rcgen::PublicKeyData as _;
use serde_json::Value;

use crate::config::SigningAlgorithm;
use crate::jose::ClientKey;
use crate::jose::KeyRing;
use crate::jose::KeyWrap;
use crate::jose::Sealing;
use crate::jose::VerifyingKey;
use crate::jose::base64url;
use crate::jose::encrypt;
use crate::jose::numbers::PublicNumbers;
use crate::jose::seal_keys;
use crate::jose::tests::KEYS;
use crate::jose::tests::claims;
use crate::jose::tests::now;
use crate::jose::tests::ring;
use crate::jose::tests::set;

fn rsa() -> KeyPair {
    KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap()
}

/// A client's key pair.
fn client() -> (OaepPrivateDecryptingKey, ClientKey) {
    let pair = rsa();
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

#[test]
fn the_signed_example_of_the_standard_is_verified() {
    // RFC 7515 appendix A.2.
    let n = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
    let token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    let public = PublicNumbers::check(&base64url::decode(n).unwrap(), &[1, 0, 1]).unwrap();
    let key = VerifyingKey::new(public, SigningAlgorithm::Rs256).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = base64url::decode(signature).unwrap();
    assert!(key.verifies(signed.as_bytes(), &signature));
    assert!(!key.verifies(&signed.as_bytes()[1..], &signature));
}

/// Runs a program in a directory; its output, if it ended well.
fn run(directory: &Path, program: &str, words: &[&str]) -> Result<Vec<u8>, String> {
    let output = Command::new(program)
        .args(words)
        .current_dir(directory)
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

#[test]
fn openssl_verifies_our_signatures() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    let jwks: Value = serde_json::from_str(&ring().jwks()).unwrap();
    let number = |name: &str| base64url::decode(jwks["keys"][0][name].as_str().unwrap()).unwrap();
    let (n, e) = (number("n"), number("e"));
    let spki: PublicKeyX509Der<'_> = RsaPublicKeyComponents { n, e }.as_der().unwrap();
    put("key.der", spki.as_ref());
    let pss = [
        "-sigopt",
        "rsa_padding_mode:pss",
        "-sigopt",
        "rsa_pss_saltlen:32",
    ];
    for (algorithm, options) in [
        (SigningAlgorithm::Rs256, &[][..]),
        (SigningAlgorithm::Ps256, &pss),
    ] {
        let token = KEYS[0]
            .sign(algorithm, claims().to_ascii_json().as_bytes())
            .unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        put("signed", signed.as_bytes());
        put("signature", &base64url::decode(signature).unwrap());
        let verify = [
            "dgst",
            "-sha256",
            "-verify",
            "key.der",
            "-keyform",
            "DER",
            "-signature",
            "signature",
        ];
        let words = [&verify, options, &["signed"]].concat();
        let said = run(folder.path(), "openssl", &words).unwrap();
        assert_eq!(said, b"Verified OK\n");
        put("signed", &signed.as_bytes()[1..]);
        assert!(run(folder.path(), "openssl", &words).is_err());
    }
}

#[test]
fn openssl_opens_the_content_key() {
    let folder = tempfile::tempdir().unwrap();
    let pair = rsa();
    let put = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    put("key.pem", pair.serialize_pem().as_bytes());
    let public = ClientKey::from_bytes(&pair.subject_public_key_info()).unwrap();
    for (wrap, digest) in [(KeyWrap::RsaOaep256, "sha256"), (KeyWrap::RsaOaep, "sha1")] {
        let jwe = encrypt("token", &public, wrap).unwrap();
        let parts: Vec<_> = jwe.split('.').collect();
        put("wrapped", &base64url::decode(parts[1]).unwrap());
        let (oaep, mgf) = (
            format!("rsa_oaep_md:{digest}"),
            format!("rsa_mgf1_md:{digest}"),
        );
        let key = run(
            folder.path(),
            "openssl",
            &[
                "pkeyutl",
                "-decrypt",
                "-inkey",
                "key.pem",
                "-in",
                "wrapped",
                "-pkeyopt",
                "rsa_padding_mode:oaep",
                "-pkeyopt",
                &oaep,
                "-pkeyopt",
                &mgf,
            ],
        );
        let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key.unwrap()).unwrap());
        let decoded: Vec<_> = parts
            .iter()
            .map(|part| base64url::decode(part).unwrap())
            .collect();
        let nonce = Nonce::try_assume_unique_for_key(&decoded[2]).unwrap();
        let mut content = [decoded[3].as_slice(), &decoded[4]].concat();
        let opened = cipher.open_in_place(nonce, Aad::from(parts[0]), &mut content);
        assert_eq!(opened.unwrap(), b"token");
    }
}

/// A client in Python: reads the JWE with its own key, verifies the JWS by the key set, and opens
/// an export with the passphrase.
const PYTHON_CLIENT: &str = r#"
import json
from jwcrypto import jwe, jwk, jws
import jwcrypto.jwa
read = lambda name: open(name, "rb").read()
text = lambda name: read(name).decode()
client = jwk.JWK.from_pem(read("client.pem"))
for name in ["oaep256.jwe", "oaep.jwe"]:
    outer = jwe.JWE()
    outer.deserialize(text(name), client)
    assert outer.jose_header["kid"] == client.thumbprint(), outer.jose_header
    token = outer.payload.decode()
    ours = jwk.JWKSet.from_json(text("jwks.json"))
    inner = jws.JWS()
    inner.deserialize(token)
    kid = inner.jose_header["kid"]
    key = ours.get_key(kid)
    assert key.thumbprint() == kid
    inner.verify(key)
    claims = json.loads(inner.payload)
    assert claims["sub"] == "jörg@as.example.net", claims
jwcrypto.jwa.default_max_pbkdf2_iterations = 1000000
sealed = jwe.JWE(algs=["PBES2-HS512+A256KW", "A256GCM"])
sealed.deserialize(text("export.jwe"), jwk.JWK.from_password("correct horse battery staple"))
keys = json.loads(sealed.payload)
private = jwk.JWKSet.from_json(json.dumps({"keys": keys["keys"]}))
assert private.get_key(keys["keys"][0]["kid"]).has_private
print("good")
"#;

#[test]
#[ignore = "needs Python with jwcrypto in target/tools/jwcrypto; tests/run installs it and runs this"]
fn a_client_in_python_reads_everything() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("target/tools/jwcrypto/bin/python3");
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let pair = rsa();
    let public = ClientKey::from_bytes(&pair.subject_public_key_info()).unwrap();
    for algorithm in [SigningAlgorithm::Rs256, SigningAlgorithm::Ps256] {
        let set = set(&KEYS[0], algorithm);
        let ring = KeyRing::from_set(&set, now()).unwrap();
        let mut claims = claims();
        claims.subject = "jörg@as.example.net".to_owned();
        let token = ring.issue(&claims).unwrap();
        put("client.pem", &pair.serialize_pem());
        put(
            "oaep256.jwe",
            &encrypt(&token, &public, KeyWrap::RsaOaep256).unwrap(),
        );
        put(
            "oaep.jwe",
            &encrypt(&token, &public, KeyWrap::RsaOaep).unwrap(),
        );
        put("jwks.json", &ring.jwks());
        let passphrase = Sealing::Passphrase(b"correct horse battery staple");
        put(
            "export.jwe",
            &seal_keys(&set.to_json().unwrap(), passphrase).unwrap(),
        );
        let said = run(
            folder.path(),
            python.to_str().unwrap(),
            &["-c", PYTHON_CLIENT],
        );
        assert_eq!(said.as_deref(), Ok(&b"good\n"[..]));
    }
}
