//! The `key` parameter of `/authService/token`: a client's public key, in any of the forms that a
//! client may write it in, and in no other.

use aws_lc_rs::rsa::OaepPublicEncryptingKey;
use aws_lc_rs::rsa::PublicEncryptingKey;
use aws_lc_rs::signature::RsaPublicKeyComponents;
use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use base64::engine::general_purpose::URL_SAFE;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Map;
use serde_json::Value;

use crate::domain::auth::strict_json;
use crate::domain::certs::pem;
use crate::jose::base64url;
use crate::jose::numbers;
use crate::jose::numbers::BadNumbers;
use crate::jose::numbers::Der;
use crate::jose::numbers::PublicNumbers;

/// Longest text; a key of 4096 bits as a JWK or PEM needs 1.3 KB.
const TEXT_BYTES: usize = 8 * 1024;

/// A public RSA key to encrypt to.
#[derive(Debug, Clone)]
pub struct ClientKey {
    public: PublicNumbers,
    thumbprint: String,
    encrypting: Encrypting,
}

impl ClientKey {
    /// Reads the parameter: base64url, padded or not, or standard base64, of a
    /// SubjectPublicKeyInfo or RSAPublicKey in DER, a PEM text or a JWK.
    ///
    /// # Errors
    /// [`ClientKeyFault`].
    pub fn parse(text: &str) -> Result<Self, ClientKeyFault> {
        if text.len() > TEXT_BYTES {
            return Err(ClientKeyFault::TooLarge);
        }
        if text.contains(' ') {
            return Err(ClientKeyFault::Space);
        }
        Self::from_bytes(&decode(text).ok_or(ClientKeyFault::NotBase64)?)
    }

    /// Reads a key that is not in base64: DER, PEM or JWK.
    ///
    /// # Errors
    /// [`ClientKeyFault`].
    pub fn from_bytes(key: &[u8]) -> Result<Self, ClientKeyFault> {
        match key.trim_ascii_start() {
            _ if key.len() > TEXT_BYTES => Err(ClientKeyFault::TooLarge),
            [] => Err(ClientKeyFault::Empty),
            [b'{', ..] => from_jwk(key),
            [b'-', ..] => from_pem(key),
            _ => from_der(key),
        }
    }

    fn from_numbers(n: &[u8], e: &[u8]) -> Result<Self, ClientKeyFault> {
        let public = PublicNumbers::check(n, e).map_err(|bad| match bad {
            BadNumbers::Exponent => ClientKeyFault::Exponent,
            BadNumbers::Length => ClientKeyFault::Length,
            BadNumbers::Modulus => ClientKeyFault::Modulus,
        })?;
        let components = RsaPublicKeyComponents {
            n: public.n.as_slice(),
            e: public.e.as_slice(),
        };
        let key: PublicEncryptingKey =
            components.try_into().map_err(|_| ClientKeyFault::Modulus)?;
        let encrypting = OaepPublicEncryptingKey::new(key).map_err(|_| ClientKeyFault::Modulus)?;
        Ok(Self {
            thumbprint: public.thumbprint(),
            public,
            encrypting: Encrypting(std::sync::Arc::new(encrypting)),
        })
    }

    /// RFC 7638 thumbprint in base64url.
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// Length of the modulus.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.public.n.len() * 8
    }

    pub(super) fn encrypting(&self) -> &OaepPublicEncryptingKey {
        &self.encrypting.0
    }
}

/// The library's form of the key, shared by clones.
#[derive(Debug, Clone)]
struct Encrypting(std::sync::Arc<OaepPublicEncryptingKey>);

/// Why a client's key is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ClientKeyFault {
    /// A member of the JWK stands there twice.
    #[error("the key is a JWK with a member that stands there twice")]
    DuplicateMember,
    /// Nothing in it.
    #[error("the key is empty")]
    Empty,
    /// Even, too small or too large.
    #[error("the public exponent must be odd, above 65536 and below 4294967296; use 65537")]
    Exponent,
    /// Not 2048 to 4096 bits.
    #[error("the key must have 2048 to 4096 bits")]
    Length,
    /// Even, not filling its bytes, or refused by the library.
    #[error("the modulus cannot be that of an RSA key")]
    Modulus,
    /// Decoded, and none of the forms.
    #[error(
        "the key is neither a SubjectPublicKeyInfo or RSAPublicKey in DER, nor a PEM text, nor a JWK"
    )]
    NotAKey,
    /// Characters or padding that do not belong there.
    #[error("the key is not base64url; encode its bytes with the alphabet of URLs, without `=`")]
    NotBase64,
    /// A key for signatures.
    #[error("the key is not meant for encryption, by its `use`, `key_ops` or `alg`")]
    NotForEncryption,
    /// Another kind of key.
    #[error("the key is not an RSA key")]
    NotRsa,
    /// A private key: it is known to strangers now.
    #[error("this is a private key; send the public half only, and replace the key")]
    PrivateKey,
    /// A `+` that was turned into a space on the way.
    #[error("a `+` of the key became a space; use base64url, or write `%2B`")]
    Space,
    /// Longer than any key.
    #[error("the key is longer than 8 KiB")]
    TooLarge,
}

impl ClientKeyFault {
    /// Every fault.
    pub const ALL: [Self; 12] = [
        Self::DuplicateMember,
        Self::Empty,
        Self::Exponent,
        Self::Length,
        Self::Modulus,
        Self::NotAKey,
        Self::NotBase64,
        Self::NotForEncryption,
        Self::NotRsa,
        Self::PrivateKey,
        Self::Space,
        Self::TooLarge,
    ];

    /// The word in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DuplicateMember => "duplicate-member",
            Self::Empty => "empty",
            Self::Exponent => "exponent",
            Self::Length => "length",
            Self::Modulus => "modulus",
            Self::NotAKey => "not-a-key",
            Self::NotBase64 => "not-base64",
            Self::NotForEncryption => "not-for-encryption",
            Self::NotRsa => "not-rsa",
            Self::PrivateKey => "private-key",
            Self::Space => "space",
            Self::TooLarge => "too-large",
        }
    }
}

/// One alphabet or the other, padded right or not at all.
fn decode(text: &str) -> Option<Vec<u8>> {
    let standard = text.contains(['+', '/']);
    let engine: GeneralPurpose = match (standard, text.ends_with('=')) {
        (true, true) => STANDARD,
        (true, false) => STANDARD_NO_PAD,
        (false, true) => URL_SAFE,
        (false, false) => URL_SAFE_NO_PAD,
    };
    engine.decode(text).ok()
}

fn from_der(der: &[u8]) -> Result<ClientKey, ClientKeyFault> {
    match numbers::public(der) {
        Der::Foreign => Err(ClientKeyFault::NotAKey),
        Der::NotRsa => Err(ClientKeyFault::NotRsa),
        Der::Private => Err(ClientKeyFault::PrivateKey),
        Der::Public { n, e } => ClientKey::from_numbers(n, e),
    }
}

fn from_pem(text: &[u8]) -> Result<ClientKey, ClientKeyFault> {
    // Two, to see that there is one.
    let blocks = pem::blocks(text, 2);
    if blocks.iter().any(|block| block.label.contains("PRIVATE")) {
        return Err(ClientKeyFault::PrivateKey);
    }
    let [block] = blocks.as_slice() else {
        return Err(ClientKeyFault::NotAKey);
    };
    let known = matches!(block.label.as_str(), "PUBLIC KEY" | "RSA PUBLIC KEY");
    match &block.content {
        Ok(der) if known => from_der(der),
        Ok(_) | Err(_) => Err(ClientKeyFault::NotAKey),
    }
}

fn from_jwk(text: &[u8]) -> Result<ClientKey, ClientKeyFault> {
    let jwk = strict_json::object(text, TEXT_BYTES).map_err(|fault| match fault {
        strict_json::JsonFault::DuplicateMember => ClientKeyFault::DuplicateMember,
        strict_json::JsonFault::Malformed => ClientKeyFault::NotAKey,
        strict_json::JsonFault::TooLarge => ClientKeyFault::TooLarge,
    })?;
    let private = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
    if private.iter().any(|name| jwk.contains_key(*name)) {
        return Err(ClientKeyFault::PrivateKey);
    }
    match jwk.get("kty").and_then(Value::as_str) {
        Some("RSA") => {}
        Some(_) => return Err(ClientKeyFault::NotRsa),
        None => return Err(ClientKeyFault::NotAKey),
    }
    if !is_for_encryption(&jwk) {
        return Err(ClientKeyFault::NotForEncryption);
    }
    let number = |name| {
        let text = jwk.get(name).and_then(Value::as_str);
        text.and_then(base64url::decode)
            .ok_or(ClientKeyFault::NotAKey)
    };
    ClientKey::from_numbers(&number("n")?, &number("e")?)
}

/// By `use`, `key_ops` and `alg`, each only where it is there (RFC 7517 section 4).
fn is_for_encryption(jwk: &Map<String, Value>) -> bool {
    let of_one = |name, words: &[&str]| {
        let value = jwk.get(name);
        value.is_none_or(|value| value.as_str().is_some_and(|word| words.contains(&word)))
    };
    let operations = jwk.get("key_ops").is_none_or(|value| {
        let wraps = |word: &Value| word == "encrypt" || word == "wrapKey";
        value
            .as_array()
            .is_some_and(|words| words.iter().any(wraps))
    });
    of_one("use", &["enc"]) && of_one("alg", &["RSA-OAEP", "RSA-OAEP-256"]) && operations
}
