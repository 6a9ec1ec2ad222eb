//! The account's key, and requests signed with it (RFC 8555, section 6.2; RFC 7515). ES256 only: every
//! CA takes it.

use aws_lc_rs::digest;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
use aws_lc_rs::signature::EcdsaKeyPair;
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use zeroize::Zeroizing;

/// The library refused a key, or could not sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the account's key cannot be used")]
pub struct BadKey;

/// A key of an account.
pub(super) struct AccountKey {
    pair: EcdsaKeyPair,
    pkcs8: Zeroizing<Vec<u8>>,
}

/// How a request names its signer.
#[derive(Clone, Copy)]
pub(super) enum Signer<'a> {
    /// By its account.
    Account(&'a str),
    /// By the key itself, before there is an account.
    Key,
}

impl AccountKey {
    pub(super) fn generate() -> Result<Self, BadKey> {
        let made =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        Self::of_pkcs8(made.map_err(|_| BadKey)?.as_ref())
    }

    pub(super) fn of_pkcs8(pkcs8: &[u8]) -> Result<Self, BadKey> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8);
        Ok(Self {
            pair: pair.map_err(|_| BadKey)?,
            pkcs8: Zeroizing::new(pkcs8.to_vec()),
        })
    }

    /// As it is kept.
    pub(super) fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The public half. Its members are in the order that RFC 7638 wants.
    pub(super) fn jwk(&self) -> Value {
        let (x, y) = self.point();
        json!({"crv": "P-256", "kty": "EC", "x": x, "y": y})
    }

    /// Both halves of the public point, base64url.
    fn point(&self) -> (String, String) {
        // An uncompressed point: one byte, x, y.
        let point = self.pair.public_key().as_ref();
        let (x, y) = point
            .get(1..)
            .unwrap_or_default()
            .split_at_checked(32)
            .unwrap_or_default();
        (encoded(x), encoded(y))
    }

    /// RFC 7638.
    fn thumbprint(&self) -> String {
        let (x, y) = self.point();
        let written = format!("{{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"{x}\",\"y\":\"{y}\"}}");
        encoded(digest::digest(&digest::SHA256, written.as_bytes()).as_ref())
    }

    /// What proves that a challenge's answer comes from this account (section 8.1).
    pub(super) fn authorization(&self, token: &str) -> String {
        format!("{token}.{}", self.thumbprint())
    }

    /// A signed request. Without a payload it asks for something (POST-as-GET).
    pub(super) fn sign(
        &self,
        signer: Signer<'_>,
        url: &str,
        nonce: Option<&str>,
        payload: Option<&Value>,
    ) -> Result<Value, BadKey> {
        let mut header = Map::new();
        header.insert("alg".to_owned(), "ES256".into());
        header.insert("url".to_owned(), url.into());
        match signer {
            Signer::Account(account) => header.insert("kid".to_owned(), account.into()),
            Signer::Key => header.insert("jwk".to_owned(), self.jwk()),
        };
        if let Some(nonce) = nonce {
            header.insert("nonce".to_owned(), nonce.into());
        }
        let (header, payload) = parts(&Value::Object(header), payload);
        let signed = format!("{header}.{payload}");
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes());
        let signature = signature.map_err(|_| BadKey)?;
        Ok(written(&header, &payload, signature.as_ref()))
    }
}

/// Binds an account key to an account that was made elsewhere (section 7.3.4).
pub(super) fn bind(key: &AccountKey, id: &str, secret: &[u8], url: &str) -> Value {
    let header = json!({"alg": "HS256", "kid": id, "url": url});
    let (header, payload) = parts(&header, Some(&key.jwk()));
    let signed = format!("{header}.{payload}");
    let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let signature = hmac::sign(&secret, signed.as_bytes());
    written(&header, &payload, signature.as_ref())
}

fn parts(header: &Value, payload: Option<&Value>) -> (String, String) {
    let payload = payload.map_or_else(String::new, ToString::to_string);
    (
        encoded(header.to_string().as_bytes()),
        encoded(payload.as_bytes()),
    )
}

fn written(header: &str, payload: &str, signature: &[u8]) -> Value {
    json!({"protected": header, "payload": payload, "signature": encoded(signature)})
}

/// base64url without padding.
pub(super) fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The digest of a key authorization, as tls-alpn-01 and dns-01 show it.
pub(super) fn digest_of(authorization: &str) -> [u8; 32] {
    let sum = digest::digest(&digest::SHA256, authorization.as_bytes());
    let mut bytes = [0; 32];
    for (to, from) in bytes.iter_mut().zip(sum.as_ref()) {
        *to = *from;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED;
    use aws_lc_rs::signature::UnparsedPublicKey;

    use super::*;

    fn decoded(text: &Value) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text.as_str().unwrap()).unwrap()
    }

    #[test]
    fn a_request_is_signed_by_the_key_that_it_names_and_a_kept_key_is_the_same() {
        let key = AccountKey::generate().unwrap();
        let again = AccountKey::of_pkcs8(key.pkcs8()).unwrap();
        assert_eq!(key.authorization("t"), again.authorization("t"));
        let payload = json!({"a": 1});
        let url = "https://ca.test/x";
        let request = again
            .sign(Signer::Key, url, Some("n"), Some(&payload))
            .unwrap();
        let header: Value = serde_json::from_slice(&decoded(&request["protected"])).unwrap();
        assert_eq!(
            (&header["url"], &header["nonce"]),
            (&url.into(), &"n".into())
        );
        assert_eq!(header["jwk"], key.jwk());
        let text = |name: &str| request[name].as_str().unwrap().to_owned();
        let signed = format!("{}.{}", text("protected"), text("payload"));
        let public = key.pair.public_key().as_ref();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public)
            .verify(signed.as_bytes(), &decoded(&request["signature"]))
            .unwrap();
    }

    #[test]
    fn asking_has_an_empty_payload_and_names_the_account() {
        let key = AccountKey::generate().unwrap();
        let account = "https://ca.test/acct/1";
        let request = key.sign(Signer::Account(account), "u", None, None).unwrap();
        assert_eq!(request["payload"], "");
        let header: Value = serde_json::from_slice(&decoded(&request["protected"])).unwrap();
        assert_eq!(header["kid"], account);
        assert!(header.get("jwk").is_none() && header.get("nonce").is_none());
    }
}
