//! Opens a compact JWE (RFC 7516), written here a second time on purpose: the daemon that sealed
//! it must not be the one that says it can be opened.

use aws_lc_rs::aead;
use aws_lc_rs::digest;
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::rsa::OAEP_SHA1_MGF1SHA1;
use aws_lc_rs::rsa::OAEP_SHA256_MGF1SHA256;
use aws_lc_rs::rsa::OaepPrivateDecryptingKey;
use aws_lc_rs::rsa::PrivateDecryptingKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::lab::webex::WebexError;

/// What keeps an answer closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::lab::webex::identity) enum Unopened {
    #[error("it is not five parts in base64url")]
    Form,
    #[error("its header is not a JSON object, or has members that must be understood")]
    Header,
    #[error("`alg` is neither RSA-OAEP-256 nor RSA-OAEP, or `enc` is not A256GCM")]
    Algorithm,
    #[error("`kid` is not the thumbprint of our key")]
    OtherKey,
    #[error("it was not encrypted to our key, or was changed on the way")]
    Decryption,
    #[error("what is inside is not text")]
    Text,
}

/// The IdP proxy's key pair.
pub(in crate::lab::webex::identity) struct OwnKey {
    private: OaepPrivateDecryptingKey,
    /// As the `key` parameter: base64url of the SubjectPublicKeyInfo.
    parameter: String,
    /// RFC 7638, SHA-256.
    thumbprint: String,
}

impl OwnKey {
    /// 2048 bits, for this run.
    pub(super) fn generate() -> Result<Self, WebexError> {
        let private =
            PrivateDecryptingKey::generate(KeySize::Rsa2048).map_err(|_| WebexError::Key)?;
        let public = private.public_key().as_der().map_err(|_| WebexError::Key)?;
        Ok(Self {
            thumbprint: thumbprint(public.as_ref()).ok_or(WebexError::Key)?,
            parameter: URL_SAFE_NO_PAD.encode(public.as_ref()),
            private: OaepPrivateDecryptingKey::new(private).map_err(|_| WebexError::Key)?,
        })
    }

    pub(super) fn parameter(&self) -> &str {
        &self.parameter
    }

    /// What was sealed for us.
    pub(super) fn open(&self, jwe: &str) -> Result<String, Unopened> {
        let parts: Vec<&str> = jwe.split('.').collect();
        let [header, wrapped, nonce, sealed, tag] = parts[..] else {
            return Err(Unopened::Form);
        };
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Unopened::Form);
        let members: Value =
            serde_json::from_slice(&decode(header)?).map_err(|_| Unopened::Header)?;
        if !members.is_object() || members.get("crit").is_some() || members.get("zip").is_some() {
            return Err(Unopened::Header);
        }
        let member = |name: &str| members.get(name).and_then(Value::as_str);
        let algorithm = match (member("alg"), member("enc")) {
            (Some("RSA-OAEP-256"), Some("A256GCM")) => &OAEP_SHA256_MGF1SHA256,
            (Some("RSA-OAEP"), Some("A256GCM")) => &OAEP_SHA1_MGF1SHA1,
            _ => return Err(Unopened::Algorithm),
        };
        if member("kid").is_some_and(|kid| kid != self.thumbprint) {
            return Err(Unopened::OtherKey);
        }

        let mut room = vec![0; self.private.min_output_size()];
        let content_key = self
            .private
            .decrypt(algorithm, &decode(wrapped)?, &mut room, None)
            .map_err(|_| Unopened::Decryption)?;
        let key = aead::UnboundKey::new(&aead::AES_256_GCM, content_key)
            .map_err(|_| Unopened::Decryption)?;
        let nonce = aead::Nonce::try_assume_unique_for_key(&decode(nonce)?)
            .map_err(|_| Unopened::Decryption)?;
        let tag = decode(tag)?;
        if tag.len() != aead::AES_256_GCM.tag_len() {
            return Err(Unopened::Decryption);
        }
        let mut text = decode(sealed)?;
        text.extend(tag);
        let plain = aead::LessSafeKey::new(key)
            .open_in_place(nonce, aead::Aad::from(header.as_bytes()), &mut text)
            .map_err(|_| Unopened::Decryption)?;
        String::from_utf8(plain.to_vec()).map_err(|_| Unopened::Text)
    }
}

/// Of an RSA key: its required members in lexicographic order, without white space.
fn thumbprint(public: &[u8]) -> Option<String> {
    let (_, info) = SubjectPublicKeyInfo::from_der(public).ok()?;
    let PublicKey::RSA(key) = info.parsed().ok()? else {
        return None;
    };
    let number = |bytes: &[u8]| {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        URL_SAFE_NO_PAD.encode(bytes.get(zeros..).unwrap_or_default())
    };
    let jwk = format!(
        r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#,
        number(key.exponent),
        number(key.modulus)
    );
    let hash = digest::digest(&digest::SHA256, jwk.as_bytes());
    Some(URL_SAFE_NO_PAD.encode(hash))
}

#[cfg(test)]
pub(in crate::lab::webex::identity) mod sealing {
    //! A sender for the tests, from the standard and not from the daemon.

    use aws_lc_rs::aead;
    use aws_lc_rs::rsa::OaepAlgorithm;
    use aws_lc_rs::rsa::OaepPublicEncryptingKey;
    use aws_lc_rs::rsa::PublicEncryptingKey;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::Value;

    /// Seals `text` for the key of a `key` parameter, under this header.
    pub(in crate::lab::webex::identity) fn seal(
        parameter: &str,
        header: &Value,
        algorithm: &'static OaepAlgorithm,
        text: &str,
    ) -> String {
        let public = URL_SAFE_NO_PAD.decode(parameter).unwrap();
        let public = PublicEncryptingKey::from_der(&public).unwrap();
        let public = OaepPublicEncryptingKey::new(public).unwrap();
        let content_key = crate::lab::webex::random::<32>().unwrap();
        let nonce = crate::lab::webex::random::<12>().unwrap();
        let mut room = vec![0; public.ciphertext_size()];
        let wrapped = public
            .encrypt(algorithm, &content_key, &mut room, None)
            .unwrap();
        let header = URL_SAFE_NO_PAD.encode(header.to_string());
        let key = aead::UnboundKey::new(&aead::AES_256_GCM, &content_key).unwrap();
        let mut sealed = text.as_bytes().to_vec();
        let tag = aead::LessSafeKey::new(key)
            .seal_in_place_separate_tag(
                aead::Nonce::assume_unique_for_key(nonce),
                aead::Aad::from(header.as_bytes()),
                &mut sealed,
            )
            .unwrap();
        let parts = [&*wrapped, &nonce, &sealed, tag.as_ref()].map(|part| {
            let part: &[u8] = part;
            URL_SAFE_NO_PAD.encode(part)
        });
        format!("{header}.{}", parts.join("."))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::sealing::seal;
    use super::*;

    #[test]
    fn what_was_sealed_for_the_key_is_opened_and_nothing_else() {
        let key = OwnKey::generate().unwrap();
        let other = OwnKey::generate().unwrap();
        let good = json!({ "alg": "RSA-OAEP-256", "enc": "A256GCM", "cty": "JWT",
            "kid": key.thumbprint });
        let old = json!({ "alg": "RSA-OAEP", "enc": "A256GCM" });
        let sealed =
            |header: &Value| seal(key.parameter(), header, &OAEP_SHA256_MGF1SHA256, "a.b.c");
        assert_eq!(key.open(&sealed(&good)).as_deref(), Ok("a.b.c"));
        let older = seal(key.parameter(), &old, &OAEP_SHA1_MGF1SHA1, "a.b.c");
        assert_eq!(key.open(&older).as_deref(), Ok("a.b.c"));

        let changed = |place: usize| {
            let good = sealed(&good);
            let mut parts: Vec<String> = good.split('.').map(str::to_owned).collect();
            let part = &mut parts[place];
            let first = if part.starts_with('A') { "B" } else { "A" };
            part.replace_range(..1, first);
            parts.join(".")
        };
        let elsewhere = json!({ "alg": "RSA-OAEP-256", "enc": "A256GCM", "kid": other.thumbprint });
        let plain = json!({ "alg": "RSA-OAEP-256", "enc": "A256GCM" });
        for (jwe, expected) in [
            (changed(1), Unopened::Decryption),
            (changed(2), Unopened::Decryption),
            (changed(3), Unopened::Decryption),
            (changed(4), Unopened::Decryption),
            (sealed(&elsewhere), Unopened::OtherKey),
            (
                seal(other.parameter(), &plain, &OAEP_SHA256_MGF1SHA256, "a.b.c"),
                Unopened::Decryption,
            ),
            (
                sealed(&json!({ "alg": "RSA1_5", "enc": "A256GCM" })),
                Unopened::Algorithm,
            ),
            (
                sealed(&json!({ "alg": "RSA-OAEP-256", "enc": "A128GCM" })),
                Unopened::Algorithm,
            ),
            (
                sealed(&json!({ "alg": "RSA-OAEP-256", "enc": "A256GCM", "crit": ["x"] })),
                Unopened::Header,
            ),
            (sealed(&json!("RSA-OAEP-256")), Unopened::Header),
            ("a.b.c".to_owned(), Unopened::Form),
            ("****.b.c.d.e".to_owned(), Unopened::Form),
        ] {
            assert_eq!(key.open(&jwe), Err(expected), "{jwe}");
        }
    }

    #[test]
    fn the_thumbprint_is_the_one_of_the_standard() {
        // RFC 7638 section 3.1: the example's modulus, put into a SubjectPublicKeyInfo.
        let modulus = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPF\
            FxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4\
            QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08\
            qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJ\
            zKnqDKgw";
        let components = aws_lc_rs::rsa::PublicKeyComponents {
            n: URL_SAFE_NO_PAD.decode(modulus).unwrap(),
            e: vec![1, 0, 1],
        };
        let info = components.as_der().unwrap();
        assert_eq!(
            thumbprint(info.as_ref()).as_deref(),
            Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")
        );
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(text in "[A-Za-z0-9_.-]{0,80}") {
            static KEY: std::sync::LazyLock<OwnKey> =
                std::sync::LazyLock::new(|| OwnKey::generate().unwrap());
            prop_assert!(KEY.open(&text).is_err());
        }
    }
}
