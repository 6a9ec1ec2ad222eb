//! How a certificate is signed, and whether a signature holds.

use std::fmt;

use aws_lc_rs::signature;
use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::oid_registry;
use x509_parser::signature_algorithm::RsaSsaPssParams;
use x509_parser::x509::AlgorithmIdentifier;

use crate::domain::certs::key::KeyKind;
use crate::domain::certs::name::dotted;

/// A hash function inside a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    /// Broken.
    Md2,
    /// Broken.
    Md5,
    /// Broken.
    Sha1,
    /// 224 bits; rustls verifies nothing with it.
    Sha224,
    /// 256 bits.
    Sha256,
    /// 384 bits.
    Sha384,
    /// 512 bits.
    Sha512,
}

impl Hash {
    /// The usual name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Md2 => "MD2",
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha224 => "SHA-224",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        }
    }
}

/// The algorithm of a certificate's own signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignatureAlgorithm {
    /// DSA; rustls has none of it.
    Dsa(Hash),
    /// ECDSA on the issuer's curve.
    Ecdsa(Hash),
    /// Ed25519.
    Ed25519,
    /// RSA as in PKCS#1 version 1.5.
    RsaPkcs1(Hash),
    /// RSA-PSS.
    RsaPss(Hash),
    /// Anything else, as dotted text.
    Other(String),
}

impl SignatureAlgorithm {
    /// Whether it rests on MD2, MD5 or SHA-1, so that it proves nothing.
    #[must_use]
    pub const fn weak(&self) -> bool {
        match self {
            Self::Dsa(hash) | Self::Ecdsa(hash) | Self::RsaPkcs1(hash) | Self::RsaPss(hash) => {
                matches!(hash, Hash::Md2 | Hash::Md5 | Hash::Sha1)
            }
            Self::Ed25519 | Self::Other(_) => false,
        }
    }

    pub(super) fn of(algorithm: &AlgorithmIdentifier<'_>) -> Self {
        const PKCS1: [u8; 8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
        const ECDSA: [u8; 6] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04];
        let oid = algorithm.algorithm.as_bytes();
        let tail = (oid.strip_prefix(&PKCS1), oid.strip_prefix(&ECDSA));
        match tail {
            (Some([0x02]), _) => Self::RsaPkcs1(Hash::Md2),
            (Some([0x04]), _) => Self::RsaPkcs1(Hash::Md5),
            (Some([0x05]), _) => Self::RsaPkcs1(Hash::Sha1),
            (Some([0x0a]), _) => Self::pss(algorithm),
            (Some([0x0b]), _) => Self::RsaPkcs1(Hash::Sha256),
            (Some([0x0c]), _) => Self::RsaPkcs1(Hash::Sha384),
            (Some([0x0d]), _) => Self::RsaPkcs1(Hash::Sha512),
            (Some([0x0e]), _) => Self::RsaPkcs1(Hash::Sha224),
            (_, Some([0x01])) => Self::Ecdsa(Hash::Sha1),
            (_, Some([0x03, 0x01])) => Self::Ecdsa(Hash::Sha224),
            (_, Some([0x03, 0x02])) => Self::Ecdsa(Hash::Sha256),
            (_, Some([0x03, 0x03])) => Self::Ecdsa(Hash::Sha384),
            (_, Some([0x03, 0x04])) => Self::Ecdsa(Hash::Sha512),
            _ => match oid {
                // OIW's own number for SHA-1 with RSA, still found in old roots.
                [0x2b, 0x0e, 0x03, 0x02, 0x1d] => Self::RsaPkcs1(Hash::Sha1),
                [0x2b, 0x65, 0x70] => Self::Ed25519,
                [0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x03] => Self::Dsa(Hash::Sha1),
                [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x01] => Self::Dsa(Hash::Sha224),
                [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x02] => Self::Dsa(Hash::Sha256),
                _ => Self::Other(dotted(oid)),
            },
        }
    }

    fn pss(algorithm: &AlgorithmIdentifier<'_>) -> Self {
        let parsed = algorithm.parameters.as_ref().map(RsaSsaPssParams::try_from);
        match parsed {
            // Absent parameters mean SHA-1, RFC 4055 section 3.1.
            None => Self::RsaPss(Hash::Sha1),
            Some(Ok(parameters)) => {
                let hash = parameters.hash_algorithm_oid();
                if *hash == oid_registry::OID_NIST_HASH_SHA256 {
                    Self::RsaPss(Hash::Sha256)
                } else if *hash == oid_registry::OID_NIST_HASH_SHA384 {
                    Self::RsaPss(Hash::Sha384)
                } else if *hash == oid_registry::OID_NIST_HASH_SHA512 {
                    Self::RsaPss(Hash::Sha512)
                } else if *hash == oid_registry::OID_HASH_SHA1 {
                    Self::RsaPss(Hash::Sha1)
                } else {
                    Self::Other(format!("RSA-PSS with {}", dotted(hash.as_bytes())))
                }
            }
            Some(Err(_)) => Self::Other("RSA-PSS with unreadable parameters".to_owned()),
        }
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dsa(hash) => write!(f, "DSA with {}", hash.as_str()),
            Self::Ecdsa(hash) => write!(f, "ECDSA with {}", hash.as_str()),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::RsaPkcs1(hash) => write!(f, "RSA with {}", hash.as_str()),
            Self::RsaPss(hash) => write!(f, "RSA-PSS with {}", hash.as_str()),
            Self::Other(name) => f.write_str(name),
        }
    }
}

/// What a look at a signature showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    /// The key made it.
    Yes,
    /// Another key made it, or the certificate was changed.
    No,
    /// The algorithm or the issuer's key is of a kind that nothing here verifies: MD5, RSA of
    /// 1024 bits.
    CannotTell,
}

/// Whether the key of `issuer` made the signature of `certificate`. Names are not compared.
pub(super) fn signed(certificate: &X509Certificate<'_>, issuer: &X509Certificate<'_>) -> Signed {
    if !KeyKind::of(issuer.public_key()).is_strong() {
        return Signed::CannotTell;
    }
    match certificate.verify_signature(Some(issuer.public_key())) {
        Ok(()) => Signed::Yes,
        Err(X509Error::SignatureUnsupportedAlgorithm) => signed_p521(certificate, issuer),
        Err(_) => Signed::No,
    }
}

/// ECDSA on P-521, which the certificate library leaves out though rustls verifies it.
fn signed_p521(certificate: &X509Certificate<'_>, issuer: &X509Certificate<'_>) -> Signed {
    let algorithm = match SignatureAlgorithm::of(&certificate.signature_algorithm) {
        SignatureAlgorithm::Ecdsa(Hash::Sha256) => &signature::ECDSA_P521_SHA256_ASN1,
        SignatureAlgorithm::Ecdsa(Hash::Sha384) => &signature::ECDSA_P521_SHA384_ASN1,
        SignatureAlgorithm::Ecdsa(Hash::Sha512) => &signature::ECDSA_P521_SHA512_ASN1,
        SignatureAlgorithm::Dsa(_)
        | SignatureAlgorithm::Ecdsa(_)
        | SignatureAlgorithm::Ed25519
        | SignatureAlgorithm::RsaPkcs1(_)
        | SignatureAlgorithm::RsaPss(_)
        | SignatureAlgorithm::Other(_) => return Signed::CannotTell,
    };
    let key = signature::UnparsedPublicKey::new(
        algorithm,
        issuer.public_key().subject_public_key.data.as_ref(),
    );
    let message = certificate.tbs_certificate.as_ref();
    match key.verify(message, &certificate.signature_value.data) {
        Ok(()) => Signed::Yes,
        Err(_) => Signed::No,
    }
}
