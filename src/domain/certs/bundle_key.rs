//! A private key out of a file, by whatever name of its form.

use rcgen::KeyPair;
use rcgen::PublicKeyData as _;
use rustls_pki_types::PrivateKeyDer;
use zeroize::Zeroizing;

use crate::domain::certs::pem;
use crate::domain::ids::Fingerprint;

/// Blocks of a PEM file that are looked at.
const MOST_BLOCKS: usize = 128;

/// A private key that can sign.
pub struct Key {
    pair: KeyPair,
    pem: Zeroizing<String>,
}

impl Key {
    /// From PKCS#8, PKCS#1 or SEC1 in DER. `None` when it is none that can be used.
    #[must_use]
    pub fn of_der(der: &[u8]) -> Option<Self> {
        let der = PrivateKeyDer::try_from(der).ok()?;
        KeyPair::try_from(&der).ok().map(Self::of_pair)
    }

    /// From a PEM text, unencrypted.
    #[must_use]
    pub fn of_pem(text: &[u8]) -> Option<Self> {
        let blocks = pem::blocks(text, MOST_BLOCKS).into_iter();
        let mut keys = blocks.filter(|block| block.label.ends_with("PRIVATE KEY"));
        let content = Zeroizing::new(keys.next()?.content.ok()?);
        Self::of_der(&content)
    }

    /// A new or known pair.
    #[must_use]
    pub fn of_pair(pair: KeyPair) -> Self {
        let pem = Zeroizing::new(pair.serialize_pem());
        Self { pair, pem }
    }

    /// The pair.
    #[must_use]
    pub const fn pair(&self) -> &KeyPair {
        &self.pair
    }

    /// PKCS#8 in PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// SHA-256 of its SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki_sha256(&self) -> [u8; 32] {
        *Fingerprint::of(&self.pair.subject_public_key_info()).as_bytes()
    }
}
