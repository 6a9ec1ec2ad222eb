//! The key of a certificate: which kind, how strong.

use std::fmt;

use x509_parser::oid_registry;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::domain::certs::name::dotted;

/// Fewest bits of an RSA key that Webex and rustls take.
const FEWEST_RSA_BITS: u32 = 2048;

/// Most bits of an RSA key that rustls verifies with.
const MOST_RSA_BITS: u32 = 8192;

/// A public key's kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyKind {
    /// Edwards curve 25519.
    Ed25519,
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    P521,
    /// RSA with the length of its modulus in bits.
    Rsa(u32),
    /// What we cannot verify with: DSA, other curves, anything unknown. Holds its name.
    Other(String),
}

impl KeyKind {
    /// Whether a signature made with it may count: RSA of 2048 to 8192 bits, the NIST curves,
    /// Ed25519.
    #[must_use]
    pub const fn is_strong(&self) -> bool {
        match self {
            Self::Ed25519 | Self::P256 | Self::P384 | Self::P521 => true,
            Self::Rsa(bits) => *bits >= FEWEST_RSA_BITS && *bits <= MOST_RSA_BITS,
            Self::Other(_) => false,
        }
    }

    pub(super) fn of(spki: &SubjectPublicKeyInfo<'_>) -> Self {
        let algorithm = &spki.algorithm.algorithm;
        let bytes = spki.subject_public_key.data.as_ref();
        if *algorithm == oid_registry::OID_PKCS1_RSAENCRYPTION {
            match spki.parsed() {
                Ok(PublicKey::RSA(rsa)) => Self::Rsa(bits(rsa.modulus)),
                Ok(_) | Err(_) => Self::Other("RSA, unreadable".to_owned()),
            }
        } else if *algorithm == oid_registry::OID_KEY_TYPE_EC_PUBLIC_KEY {
            let curve = spki
                .algorithm
                .parameters
                .as_ref()
                .and_then(|parameters| parameters.as_oid().ok());
            match curve {
                Some(curve) => Self::on_curve(curve.as_bytes(), bytes.len()),
                None => Self::Other("EC with curve parameters of its own".to_owned()),
            }
        } else if *algorithm == oid_registry::OID_SIG_ED25519 && bytes.len() == 32 {
            Self::Ed25519
        } else if *algorithm == oid_registry::OID_KEY_TYPE_DSA {
            Self::Other("DSA".to_owned())
        } else {
            Self::Other(dotted(algorithm.as_bytes()))
        }
    }

    /// An uncompressed point is one byte and two coordinates; rustls takes no other form.
    fn on_curve(oid: &[u8], point: usize) -> Self {
        match (oid, point) {
            ([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07], 65) => Self::P256,
            ([0x2b, 0x81, 0x04, 0x00, 0x22], 97) => Self::P384,
            ([0x2b, 0x81, 0x04, 0x00, 0x23], 133) => Self::P521,
            _ => Self::Other(format!("EC {}", dotted(oid))),
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::P256 => f.write_str("EC P-256"),
            Self::P384 => f.write_str("EC P-384"),
            Self::P521 => f.write_str("EC P-521"),
            Self::Rsa(bits) => write!(f, "RSA {bits}"),
            Self::Other(name) => f.write_str(name),
        }
    }
}

/// Length in bits of a big-endian number; leading zeros do not count.
fn bits(number: &[u8]) -> u32 {
    let mut bytes = number.iter().skip_while(|byte| **byte == 0);
    match bytes.next() {
        Some(first) => {
            let rest = u32::try_from(bytes.count()).unwrap_or(u32::MAX / 8 - 1);
            rest * 8 + (8 - first.leading_zeros())
        }
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modulus_length_does_not_count_leading_zeros() {
        let cases: [(&[u8], u32); 5] = [
            (&[], 0),
            (&[0, 0], 0),
            (&[0, 0x80], 8),
            (&[0x7f, 0xff], 15),
            (&[0, 0x80, 0], 16),
        ];
        for (number, length) in cases {
            assert_eq!(bits(number), length, "{number:?}");
        }
    }

    #[test]
    fn strength_follows_what_rustls_verifies() {
        let cases = [
            (KeyKind::Rsa(1024), false),
            (KeyKind::Rsa(2047), false),
            (KeyKind::Rsa(2048), true),
            (KeyKind::Rsa(8192), true),
            (KeyKind::Rsa(16_384), false),
            (KeyKind::P384, true),
            (KeyKind::Other("DSA".to_owned()), false),
        ];
        for (key, strong) in cases {
            assert_eq!(key.is_strong(), strong, "{key}");
        }
    }
}
