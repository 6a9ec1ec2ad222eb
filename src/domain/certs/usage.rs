//! What a certificate may be used for: key usage and extended key usage.

use crate::domain::certs::name::dotted;

/// Bits of the key-usage extension, RFC 5280 section 4.2.1.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyUsage(u16);

impl KeyUsage {
    /// From the bits in the order of the standard, the first one lowest.
    #[must_use]
    pub const fn new(bits: u16) -> Self {
        Self(bits)
    }

    /// May sign a handshake.
    #[must_use]
    pub const fn digital_signature(self) -> bool {
        self.has(0)
    }

    /// May sign certificates.
    #[must_use]
    pub const fn key_cert_sign(self) -> bool {
        self.has(5)
    }

    /// May sign revocation lists.
    #[must_use]
    pub const fn crl_sign(self) -> bool {
        self.has(6)
    }

    /// The standard's names of the bits that are set.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        const NAMES: [&str; 9] = [
            "digitalSignature",
            "nonRepudiation",
            "keyEncipherment",
            "dataEncipherment",
            "keyAgreement",
            "keyCertSign",
            "cRLSign",
            "encipherOnly",
            "decipherOnly",
        ];
        (0..)
            .zip(NAMES)
            .filter(|(bit, _)| self.has(*bit))
            .map(|(_, name)| name)
            .collect()
    }

    const fn has(self, bit: u16) -> bool {
        (self.0 >> bit) & 1 == 1
    }
}

/// Purposes of the extended-key-usage extension, RFC 5280 section 4.2.1.12.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExtendedKeyUsage {
    /// TLS server.
    pub server_auth: bool,
    /// TLS client.
    pub client_auth: bool,
    /// anyExtendedKeyUsage. rustls does not take it for serverAuth or clientAuth.
    pub any: bool,
    /// Every other purpose as dotted text, BroadWorks' own among them.
    pub other: Vec<String>,
}

impl ExtendedKeyUsage {
    /// The purposes in words, for people.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let known = [
            (self.server_auth, "serverAuth"),
            (self.client_auth, "clientAuth"),
            (self.any, "any"),
        ];
        known
            .into_iter()
            .filter_map(|(set, name)| set.then_some(name))
            .chain(self.other.iter().map(String::as_str))
            .collect()
    }
}

impl From<&x509_parser::extensions::ExtendedKeyUsage<'_>> for ExtendedKeyUsage {
    fn from(parsed: &x509_parser::extensions::ExtendedKeyUsage<'_>) -> Self {
        let named = [
            (parsed.code_signing, "1.3.6.1.5.5.7.3.3"),
            (parsed.email_protection, "1.3.6.1.5.5.7.3.4"),
            (parsed.time_stamping, "1.3.6.1.5.5.7.3.8"),
            (parsed.ocsp_signing, "1.3.6.1.5.5.7.3.9"),
        ];
        let other = named
            .into_iter()
            .filter(|(set, _)| *set)
            .map(|(_, oid)| oid.to_owned())
            .chain(parsed.other.iter().map(|oid| dotted(oid.as_bytes())))
            .collect();
        Self {
            server_auth: parsed.server_auth,
            client_auth: parsed.client_auth,
            any: parsed.any,
            other,
        }
    }
}
