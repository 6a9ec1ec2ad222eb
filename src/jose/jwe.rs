//! Compact JWE (RFC 7516): a token of ours, for the eyes of one client.

use aws_lc_rs::aead::AES_256_GCM;
use aws_lc_rs::aead::Aad;
use aws_lc_rs::aead::RandomizedNonceKey;
use aws_lc_rs::rand;
use aws_lc_rs::rsa::OAEP_SHA1_MGF1SHA1;
use aws_lc_rs::rsa::OAEP_SHA256_MGF1SHA256;
use zeroize::Zeroizing;

use crate::jose::ClientKey;
use crate::jose::JoseError;
use crate::jose::base64url;

/// Bytes of an AES-256 key.
pub(super) const CONTENT_KEY: usize = 32;

/// How the content key is encrypted to the client. Never RSA1_5 (Bleichenbacher).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyWrap {
    /// RSA-OAEP with SHA-1, for old Java peers.
    RsaOaep,
    /// RSA-OAEP with SHA-256.
    RsaOaep256,
}

impl KeyWrap {
    /// The name in a header (RFC 7518 section 4.1).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RsaOaep => "RSA-OAEP",
            Self::RsaOaep256 => "RSA-OAEP-256",
        }
    }
}

/// Encrypts a token to a client: A256GCM, with the header of the field page, section 1.4.1.
///
/// # Errors
/// When the library refuses: no randomness, no memory.
pub fn encrypt(jws: &str, to: &ClientKey, wrap: KeyWrap) -> Result<String, JoseError> {
    let header = format!(
        r#"{{"alg":"{}","enc":"A256GCM","cty":"JWT","kid":"{}"}}"#,
        wrap.as_str(),
        to.thumbprint()
    );
    let key = content_key()?;
    let wrapped = wrap_key(key.as_slice(), to, wrap)?;
    seal(&header, &key, &wrapped, jws.as_bytes())
}

/// A random content key.
pub(super) fn content_key() -> Result<Zeroizing<[u8; CONTENT_KEY]>, JoseError> {
    let mut key = Zeroizing::new([0; CONTENT_KEY]);
    rand::fill(key.as_mut_slice())?;
    Ok(key)
}

/// The content key, encrypted to an RSA key.
pub(super) fn wrap_key(key: &[u8], to: &ClientKey, wrap: KeyWrap) -> Result<Vec<u8>, JoseError> {
    let algorithm = match wrap {
        KeyWrap::RsaOaep => &OAEP_SHA1_MGF1SHA1,
        KeyWrap::RsaOaep256 => &OAEP_SHA256_MGF1SHA256,
    };
    let rsa = to.encrypting();
    let mut wrapped = vec![0; rsa.ciphertext_size()];
    let length = rsa.encrypt(algorithm, key, &mut wrapped, None)?.len();
    wrapped.truncate(length);
    Ok(wrapped)
}

/// Encrypts the content and puts the five parts together.
pub(super) fn seal(
    header: &str,
    key: &[u8; CONTENT_KEY],
    wrapped: &[u8],
    content: &[u8],
) -> Result<String, JoseError> {
    let mut jwe = String::with_capacity(content.len() * 2 + 1024);
    base64url::push(&mut jwe, header.as_bytes());
    let mut sealed = Vec::with_capacity(content.len());
    sealed.extend_from_slice(content);
    let aad = Aad::from(jwe.as_bytes());
    let cipher = RandomizedNonceKey::new(&AES_256_GCM, key)?;
    let (nonce, tag) = cipher.seal_in_place_separate_tag(aad, &mut sealed)?;
    for part in [wrapped, nonce.as_ref(), &sealed, tag.as_ref()] {
        jwe.push('.');
        base64url::push(&mut jwe, part);
    }
    Ok(jwe)
}
