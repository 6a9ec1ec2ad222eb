//! The farm's keys on their way from node to node: the key file, which is a JWK Set with members
//! more, in a JWE for a passphrase or for one node's certificate. Our own format: BroadWorks' is
//! unpublished.

use std::num::NonZeroU32;

use aws_lc_rs::aead::AES_256_GCM;
use aws_lc_rs::aead::Aad;
use aws_lc_rs::aead::LessSafeKey;
use aws_lc_rs::aead::Nonce;
use aws_lc_rs::aead::UnboundKey;
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::encoding::Pkcs8V1Der;
use aws_lc_rs::key_wrap::AES_256;
use aws_lc_rs::key_wrap::AesKek;
use aws_lc_rs::key_wrap::KeyWrap as _;
use aws_lc_rs::pbkdf2;
use aws_lc_rs::rand;
use aws_lc_rs::rsa::OAEP_SHA256_MGF1SHA256;
use aws_lc_rs::rsa::OaepPrivateDecryptingKey;
use aws_lc_rs::rsa::PrivateDecryptingKey;
use aws_lc_rs::signature::KeyPair as _;
use aws_lc_rs::signature::RsaKeyPair;
use serde_json::Map;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::domain::auth::keys::KEY_FILE_BYTES;
use crate::domain::auth::strict_json;
use crate::domain::certs::pem;
use crate::jose::ClientKey;
use crate::jose::JoseError;
use crate::jose::KeyWrap;
use crate::jose::base64url;
use crate::jose::jwe;
use crate::jose::jwe::CONTENT_KEY;

/// Rounds of PBKDF2 for new exports, and the least that is taken: OWASP's figure for SHA-512
/// (Password Storage Cheat Sheet, 2023).
const ROUNDS: u32 = 210_000;

/// Most rounds that are computed for a foreign file, some ten seconds.
const MOST_ROUNDS: u32 = 10_000_000;

/// Bytes of a new salt; what is read may have up to four times as many.
const SALT: usize = 16;

/// AES key wrap adds one block (RFC 3394).
const WRAPPED_KEY: usize = CONTENT_KEY + 8;

const PASSPHRASE: &str = "PBES2-HS512+A256KW";
const CERTIFICATE: &str = "RSA-OAEP-256";

/// Largest header in bytes.
const HEADER_BYTES: usize = 1024;

/// Whom an export is for.
#[derive(Debug, Clone, Copy)]
pub enum Sealing<'s> {
    /// Whoever knows the passphrase.
    Passphrase(&'s [u8]),
    /// The owner of the key.
    Recipient(&'s ClientKey),
}

/// What an export is opened with.
#[derive(Debug, Clone, Copy)]
pub enum Opening<'o> {
    /// The passphrase.
    Passphrase(&'o [u8]),
    /// The private key, as PKCS#8 in DER; see [`private_key`].
    PrivateKey(&'o [u8]),
}

/// Why an export cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TransferFault {
    /// Not a JWE as [`seal_keys`] writes it.
    #[error("it is damaged: not a JWE as `xspd keys export` writes it")]
    Damaged,
    /// The file is sealed for a certificate.
    #[error("it was made for a certificate; name the private key of that certificate with --key")]
    NeedsKey,
    /// The file is sealed with a passphrase.
    #[error("it was made with a passphrase; name it with --passphrase")]
    NeedsPassphrase,
    /// What should be a private key is none.
    #[error("the key is not an unencrypted RSA private key of 2048 to 4096 bits in PEM")]
    NotAPrivateKey,
    /// The key belongs to another certificate.
    #[error("it was made for the certificate of another key")]
    OtherRecipient,
    /// More or fewer rounds than are computed.
    #[error("its passphrase is stretched with {0} rounds; 210000 to 10000000 are accepted")]
    Rounds(u64),
    /// The passphrase is wrong, or the content was changed.
    #[error("the passphrase or key is wrong, or the file was changed on the way")]
    WrongSecret,
}

/// Seals a key file.
///
/// # Errors
/// When the library refuses.
pub fn seal_keys(key_file: &[u8], to: Sealing<'_>) -> Result<String, JoseError> {
    let key = jwe::content_key()?;
    let (header, wrapped) = match to {
        Sealing::Passphrase(passphrase) => {
            let mut salt = [0; SALT];
            rand::fill(&mut salt)?;
            let header = format!(
                r#"{{"alg":"{PASSPHRASE}","enc":"A256GCM","cty":"jwk-set+json","p2s":"{}","p2c":{ROUNDS}}}"#,
                base64url::encode(&salt)
            );
            let rounds = NonZeroU32::new(ROUNDS).ok_or(JoseError::Refused)?;
            let wrapping = wrapping_key(passphrase, &salt, rounds)?;
            let mut wrapped = [0; WRAPPED_KEY];
            let wrapped = wrapping.wrap(key.as_slice(), &mut wrapped)?.to_vec();
            (header, wrapped)
        }
        Sealing::Recipient(recipient) => {
            let header = format!(
                r#"{{"alg":"{CERTIFICATE}","enc":"A256GCM","cty":"jwk-set+json","kid":"{}"}}"#,
                recipient.thumbprint()
            );
            let wrapped = jwe::wrap_key(key.as_slice(), recipient, KeyWrap::RsaOaep256)?;
            (header, wrapped)
        }
    };
    jwe::seal(&header, &key, &wrapped, key_file)
}

/// Opens what [`seal_keys`] made and returns the key file.
///
/// # Errors
/// [`TransferFault`].
pub fn open_keys(jwe: &str, with: Opening<'_>) -> Result<Zeroizing<Vec<u8>>, TransferFault> {
    // Base64 of the content, and some room for the other parts.
    if jwe.len() > KEY_FILE_BYTES * 4 / 3 + 8 * 1024 {
        return Err(TransferFault::Damaged);
    }
    let parts: Vec<_> = jwe.split('.').collect();
    let [protected, wrapped, nonce, content, tag] = parts.as_slice() else {
        return Err(TransferFault::Damaged);
    };
    let decode = |text| base64url::decode(text).ok_or(TransferFault::Damaged);
    let header = strict_json::object(&decode(protected)?, HEADER_BYTES);
    let header = header.map_err(|_| TransferFault::Damaged)?;
    let wrapped = decode(wrapped)?;
    if header.get("enc").is_none_or(|enc| enc != "A256GCM") {
        return Err(TransferFault::Damaged);
    }
    let key = match (header.get("alg").and_then(Value::as_str), with) {
        (Some(PASSPHRASE), Opening::Passphrase(passphrase)) => {
            by_passphrase(&header, passphrase, &wrapped)?
        }
        (Some(CERTIFICATE), Opening::PrivateKey(key)) => by_key(&header, key, &wrapped)?,
        (Some(PASSPHRASE), Opening::PrivateKey(_)) => return Err(TransferFault::NeedsPassphrase),
        (Some(CERTIFICATE), Opening::Passphrase(_)) => return Err(TransferFault::NeedsKey),
        (Some(_) | None, _) => return Err(TransferFault::Damaged),
    };
    let nonce = decode(nonce)?;
    let nonce = Nonce::try_assume_unique_for_key(&nonce).map_err(|_| TransferFault::Damaged)?;
    let mut sealed = Zeroizing::new([decode(content)?, decode(tag)?].concat());
    let cipher = UnboundKey::new(&AES_256_GCM, &key).map_err(|_| TransferFault::WrongSecret)?;
    let aad = Aad::from(protected.as_bytes());
    let length = LessSafeKey::new(cipher)
        .open_in_place(nonce, aad, &mut sealed)
        .map_err(|_| TransferFault::WrongSecret)?
        .len();
    sealed.truncate(length);
    Ok(sealed)
}

/// The private key in a PEM text, PKCS#8 or PKCS#1, as PKCS#8 in DER.
///
/// # Errors
/// [`TransferFault::NotAPrivateKey`].
pub fn private_key(text: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransferFault> {
    // A certificate may stand before it.
    let blocks = pem::blocks(text, 8);
    let pair = blocks.into_iter().find_map(|block| {
        let der = Zeroizing::new(block.content.ok()?);
        match block.label.as_str() {
            "PRIVATE KEY" => RsaKeyPair::from_pkcs8(&der).ok(),
            "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der).ok(),
            _ => None,
        }
    });
    let pair = pair.ok_or(TransferFault::NotAPrivateKey)?;
    let der: Result<Pkcs8V1Der<'_>, _> = pair.as_der();
    let der = der.map_err(|_| TransferFault::NotAPrivateKey)?;
    Ok(Zeroizing::new(der.as_ref().to_vec()))
}

fn by_passphrase(
    header: &Map<String, Value>,
    passphrase: &[u8],
    wrapped: &[u8],
) -> Result<Zeroizing<Vec<u8>>, TransferFault> {
    let members = ["alg", "enc", "cty", "p2s", "p2c"];
    let rounds = header.get("p2c").and_then(Value::as_u64);
    let salt = header.get("p2s").and_then(Value::as_str);
    let salt = salt.and_then(base64url::decode);
    let (Some(rounds), Some(salt), true) = (rounds, salt, only(header, &members)) else {
        return Err(TransferFault::Damaged);
    };
    if !(SALT..=4 * SALT).contains(&salt.len()) || wrapped.len() != WRAPPED_KEY {
        return Err(TransferFault::Damaged);
    }
    let refused = TransferFault::Rounds(rounds);
    let rounds = u32::try_from(rounds).map_err(|_| refused)?;
    if !(ROUNDS..=MOST_ROUNDS).contains(&rounds) {
        return Err(refused);
    }
    let rounds = NonZeroU32::new(rounds).ok_or(refused)?;
    let wrapping = wrapping_key(passphrase, &salt, rounds);
    let wrapping = wrapping.map_err(|_| TransferFault::WrongSecret)?;
    // The library wants room for a block more than the key has.
    let mut key = Zeroizing::new([0; WRAPPED_KEY]);
    let key = wrapping
        .unwrap(wrapped, key.as_mut_slice())
        .map_err(|_| TransferFault::WrongSecret)?;
    Ok(Zeroizing::new(key.to_vec()))
}

/// RFC 7518 section 4.8.1: the salt begins with the name of the algorithm.
fn wrapping_key(
    passphrase: &[u8],
    salt: &[u8],
    rounds: NonZeroU32,
) -> Result<AesKek, aws_lc_rs::error::Unspecified> {
    let salt = [PASSPHRASE.as_bytes(), &[0], salt].concat();
    let mut key = Zeroizing::new([0; CONTENT_KEY]);
    let algorithm = pbkdf2::PBKDF2_HMAC_SHA512;
    pbkdf2::derive(algorithm, rounds, &salt, passphrase, key.as_mut_slice());
    AesKek::new(&AES_256, key.as_slice())
}

fn by_key(
    header: &Map<String, Value>,
    pkcs8: &[u8],
    wrapped: &[u8],
) -> Result<Zeroizing<Vec<u8>>, TransferFault> {
    let kid = header.get("kid").and_then(Value::as_str);
    let (Some(kid), true) = (kid, only(header, &["alg", "enc", "cty", "kid"])) else {
        return Err(TransferFault::Damaged);
    };
    let not_a_key = TransferFault::NotAPrivateKey;
    let pair = RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| not_a_key)?;
    let public = ClientKey::from_bytes(pair.public_key().as_ref()).map_err(|_| not_a_key)?;
    if public.thumbprint() != kid {
        return Err(TransferFault::OtherRecipient);
    }
    let private = PrivateDecryptingKey::from_pkcs8(pkcs8).map_err(|_| not_a_key)?;
    let private = OaepPrivateDecryptingKey::new(private).map_err(|_| not_a_key)?;
    let mut key = Zeroizing::new(vec![0; private.min_output_size()]);
    let length = private
        .decrypt(&OAEP_SHA256_MGF1SHA256, wrapped, &mut key, None)
        .map_err(|_| TransferFault::WrongSecret)?
        .len();
    key.truncate(length);
    Ok(key)
}

fn only(header: &Map<String, Value>, members: &[&str]) -> bool {
    header.keys().all(|name| members.contains(&name.as_str()))
}
