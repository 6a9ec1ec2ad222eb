//! An internal CA and the client certificates that it issues, for the way from the bridge to the
//! XSPs. Public CAs no longer issue certificates for clients, and none would put BroadWorks' own
//! purposes into one.

use std::time::Duration;
use std::time::SystemTime;

use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::DistinguishedName;
use rcgen::DnType;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::IsCa;
use rcgen::Issuer;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;
use rcgen::PKCS_ECDSA_P256_SHA256;
use rcgen::PKCS_ECDSA_P384_SHA384;
use rcgen::PKCS_RSA_SHA256;
use rcgen::PublicKeyData as _;
use rcgen::RsaKeySize;
use zeroize::Zeroizing;

use crate::domain::certs::CertificateFacts;
use crate::domain::certs::date;
use crate::domain::certs::facts::BadCertificate;
use crate::domain::certs::key::KeyKind;
use crate::domain::certs::pem;
use crate::domain::ids::Fingerprint;

/// Allowance for a peer whose clock is behind.
const CLOCK_SKEW: Duration = Duration::from_secs(5 * 60);

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Longest common name (RFC 5280, upper bound `ub-common-name`).
pub const LONGEST_NAME: usize = 64;

/// Kind of a new key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyType {
    /// NIST P-256.
    EcdsaP256,
    /// NIST P-384.
    EcdsaP384,
    /// RSA with 2048 bits, the fewest that Webex takes.
    Rsa2048,
    /// RSA with 3072 bits, for peers that know nothing else.
    Rsa3072,
    /// RSA with 4096 bits.
    Rsa4096,
}

/// A new certificate and its key, both PEM.
pub struct Issued {
    /// The certificate alone.
    pub certificate: String,
    /// PKCS#8.
    pub key: Zeroizing<String>,
    /// What the certificate says.
    pub facts: CertificateFacts,
}

/// Why nothing was issued.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The CA certificate cannot be read.
    #[error("the CA certificate cannot be read: {0}")]
    BadCertificate(#[from] BadCertificate),
    /// The CA's key is none that we can use.
    #[error("the key of the CA cannot be used: {0}")]
    BadKey(#[source] rcgen::Error),
    /// The CA has ended or not begun.
    #[error("the CA is good from {} to {} only", date::text(*.from), date::text(*.to))]
    CaOutOfDate {
        /// When it begins.
        from: SystemTime,
        /// When it ends.
        to: SystemTime,
    },
    /// The library failed.
    #[error("the certificate could not be made: {0}")]
    Mint(#[from] rcgen::Error),
    /// There is no certificate in the file.
    #[error("there is no certificate in it")]
    NoCertificate,
    /// It is no CA, or may not sign.
    #[error("its certificate is not that of a CA that may sign certificates")]
    NotACa,
    /// Key and certificate are not a pair.
    #[error("its certificate and its key are not a pair")]
    NotAPair,
    /// The certificate would outlive its CA.
    #[error("the CA ends on {}, before the new certificate would", date::text(*.0))]
    OutlivesCa(SystemTime),
}

/// What a renewed client certificate says: the same as the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Likeness {
    common_name: String,
    dns_names: Vec<String>,
    purpose: Option<Vec<u64>>,
    key: KeyType,
}

impl Likeness {
    /// Of a client certificate; `None` when it says what is not issued here.
    #[must_use]
    pub fn of(leaf: &CertificateFacts) -> Option<Self> {
        let purposes = leaf.extended_key_usage.as_ref()?;
        let plain = purposes.client_auth && !purposes.server_auth && !purposes.any;
        let purpose = match purposes.other.as_slice() {
            [] => None,
            [one] => {
                let arcs: Result<Vec<u64>, _> = one.split('.').map(str::parse).collect();
                Some(arcs.ok()?)
            }
            _ => return None,
        };
        let key = match leaf.key {
            KeyKind::P256 => KeyType::EcdsaP256,
            KeyKind::P384 => KeyType::EcdsaP384,
            KeyKind::Rsa(..=2048) => KeyType::Rsa2048,
            KeyKind::Rsa(2049..=3072) => KeyType::Rsa3072,
            KeyKind::Rsa(_) => KeyType::Rsa4096,
            KeyKind::Ed25519 | KeyKind::P521 | KeyKind::Other(_) => return None,
        };
        plain.then_some(Self {
            common_name: leaf.common_name()?.to_owned(),
            dns_names: leaf.dns_names.clone(),
            purpose,
            key,
        })
    }
}

/// What a client certificate is to say.
pub struct ClientRequest<'a> {
    /// The common name, which the Application Server knows as a ClientIdentity.
    pub common_name: &'a str,
    /// DNS names in the SAN; usually none.
    pub dns_names: &'a [String],
    /// A purpose besides clientAuth.
    pub purpose: Option<&'a [u64]>,
    /// How long it is good.
    pub days: u32,
    /// Kind of its key.
    pub key: KeyType,
}

/// A CA with its key.
pub struct InternalCa {
    issuer: Issuer<'static, KeyPair>,
    facts: CertificateFacts,
}

impl KeyType {
    /// A new key of this kind.
    ///
    /// # Errors
    /// When the library fails.
    pub fn generate(self) -> Result<KeyPair, rcgen::Error> {
        match self {
            Self::EcdsaP256 => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
            Self::EcdsaP384 => KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384),
            Self::Rsa2048 => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048),
            Self::Rsa3072 => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_3072),
            Self::Rsa4096 => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_4096),
        }
    }
}

/// A self-signed CA that signs leaves only.
///
/// # Errors
/// When the library refuses.
pub fn new_ca(
    common_name: &str,
    key: KeyType,
    days: u32,
    now: SystemTime,
) -> Result<Issued, AuthorityError> {
    let mut params = params(common_name, now, days);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = key.generate()?;
    let certificate = params.self_signed(&key)?;
    issued(&certificate, &key)
}

impl InternalCa {
    /// Takes a CA from the text of its files.
    ///
    /// # Errors
    /// When it is none, when the two are not a pair, or when it is out of its dates at `now`.
    pub fn load(certificate: &[u8], key: &str, now: SystemTime) -> Result<Self, AuthorityError> {
        let blocks = pem::blocks(certificate, MOST_BLOCKS).into_iter();
        let der = blocks
            .filter(|block| block.label == "CERTIFICATE")
            .find_map(|block| block.content.ok())
            .ok_or(AuthorityError::NoCertificate)?;
        let facts = CertificateFacts::parse(&der)?;
        if !facts.is_ca() || facts.key_usage.is_some_and(|usage| !usage.key_cert_sign()) {
            return Err(AuthorityError::NotACa);
        }
        if now < facts.not_before || facts.not_after <= now {
            let (from, to) = (facts.not_before, facts.not_after);
            return Err(AuthorityError::CaOutOfDate { from, to });
        }
        let key = KeyPair::from_pem(key).map_err(AuthorityError::BadKey)?;
        let digest = Fingerprint::of(&key.subject_public_key_info());
        if *digest.as_bytes() != facts.spki_sha256 {
            return Err(AuthorityError::NotAPair);
        }
        let issuer = Issuer::from_ca_cert_der(&der.into(), key)?;
        Ok(Self { issuer, facts })
    }

    /// What the CA's own certificate says.
    #[must_use]
    pub const fn facts(&self) -> &CertificateFacts {
        &self.facts
    }

    /// Issues a client certificate like another one, with a new key, good for `lifetime` or as long
    /// as the CA itself.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn issue_like(
        &self,
        like: &Likeness,
        lifetime: Duration,
        now: SystemTime,
    ) -> Result<Issued, AuthorityError> {
        let request = ClientRequest {
            common_name: &like.common_name,
            dns_names: &like.dns_names,
            purpose: like.purpose.as_deref(),
            days: 0,
            key: like.key,
        };
        let end = now.checked_add(lifetime).unwrap_or(self.facts.not_after);
        self.issue_until(&request, end.min(self.facts.not_after), now)
    }

    /// Issues a certificate for a TLS client.
    ///
    /// # Errors
    /// When it would outlive the CA, or the library refuses.
    pub fn issue_client(
        &self,
        request: &ClientRequest<'_>,
        now: SystemTime,
    ) -> Result<Issued, AuthorityError> {
        let end = now + DAY * request.days;
        if self.facts.not_after < end {
            return Err(AuthorityError::OutlivesCa(self.facts.not_after));
        }
        self.issue_until(request, end, now)
    }

    fn issue_until(
        &self,
        request: &ClientRequest<'_>,
        end: SystemTime,
        now: SystemTime,
    ) -> Result<Issued, AuthorityError> {
        let mut params = params(request.common_name, now, request.days);
        params.not_after = end.into();
        params.not_before = (now - CLOCK_SKEW).max(self.facts.not_before).into();
        params.subject_alt_names =
            CertificateParams::new(request.dns_names.to_vec())?.subject_alt_names;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        if let Some(oid) = request.purpose {
            let purpose = ExtendedKeyUsagePurpose::Other(oid.to_vec());
            params.extended_key_usages.push(purpose);
        }
        params.use_authority_key_identifier_extension = true;
        let key = request.key.generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        issued(&certificate, &key)
    }
}

/// A file of certificates has a handful.
const MOST_BLOCKS: usize = 16;

fn params(common_name: &str, now: SystemTime, days: u32) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.not_before = (now - CLOCK_SKEW).into();
    params.not_after = (now + DAY * days).into();
    params
}

fn issued(certificate: &rcgen::Certificate, key: &KeyPair) -> Result<Issued, AuthorityError> {
    Ok(Issued {
        certificate: pem::certificate(certificate.der()),
        key: Zeroizing::new(key.serialize_pem()),
        facts: CertificateFacts::parse(certificate.der())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + DAY * 20_000
    }

    fn request(days: u32) -> ClientRequest<'static> {
        ClientRequest {
            common_name: "bridge.example.net",
            dns_names: &[],
            purpose: None,
            days,
            key: KeyType::EcdsaP256,
        }
    }

    fn ca(days: u32) -> Issued {
        new_ca("internal CA", KeyType::EcdsaP256, days, now()).unwrap()
    }

    fn load(ca: &Issued, now: SystemTime) -> Result<InternalCa, AuthorityError> {
        InternalCa::load(ca.certificate.as_bytes(), &ca.key, now)
    }

    #[test]
    fn a_ca_says_what_it_is_and_signs_leaves_only() {
        for key in [KeyType::EcdsaP256, KeyType::EcdsaP384, KeyType::Rsa3072] {
            let facts = new_ca("internal CA", key, 10, now()).unwrap().facts;
            assert_eq!((facts.ca, facts.path_length), (Some(true), Some(0)));
            let usage = facts.key_usage.unwrap();
            assert!(usage.key_cert_sign() && usage.crl_sign());
            assert!(!usage.digital_signature());
            assert_eq!(facts.common_name(), Some("internal CA"));
            assert_eq!(facts.not_after, now() + DAY * 10);
        }
    }

    #[test]
    fn a_client_certificate_has_its_purposes_and_no_more() {
        let ca = load(&ca(400), now()).unwrap();
        let facts = ca.issue_client(&request(397), now()).unwrap().facts;
        let purposes = facts.extended_key_usage.clone().unwrap();
        assert_eq!(purposes.names(), ["clientAuth"]);
        assert_eq!(facts.dns_names, [""; 0]);
        assert_eq!(facts.ca, Some(false));
        assert_eq!(facts.issuer, "CN=internal CA");
        let names = ["a.example.net".to_owned()];
        let more = ClientRequest {
            dns_names: &names,
            purpose: Some(&[1, 3, 6, 1, 4, 1, 6431, 1, 1, 8, 2, 1, 3]),
            key: KeyType::Rsa3072,
            ..request(397)
        };
        let facts = ca.issue_client(&more, now()).unwrap().facts;
        let purposes = facts.extended_key_usage.clone().unwrap();
        assert_eq!(
            purposes.names(),
            ["clientAuth", "1.3.6.1.4.1.6431.1.1.8.2.1.3"]
        );
        assert_eq!(facts.dns_names, names);
    }

    #[test]
    fn a_renewed_certificate_says_what_the_one_before_it_said() {
        let ca = load(&ca(400), now()).unwrap();
        let names = ["a.example.net".to_owned()];
        let first = ClientRequest {
            dns_names: &names,
            purpose: Some(&[1, 3, 6, 1, 4, 1, 6431, 1, 1, 8, 2, 1, 3]),
            key: KeyType::EcdsaP384,
            ..request(10)
        };
        let first = ca.issue_client(&first, now()).unwrap().facts;
        let like = Likeness::of(&first).unwrap();
        let later = now() + DAY * 7;
        let second = ca.issue_like(&like, DAY * 90, later).unwrap().facts;
        assert_eq!(second.subject, first.subject);
        assert_eq!(second.dns_names, first.dns_names);
        assert_eq!(second.extended_key_usage, first.extended_key_usage);
        assert_eq!(second.key, first.key);
        assert_eq!(second.not_after, later + DAY * 90);
        assert_ne!(second.spki_sha256, first.spki_sha256);
        // It never outlives its CA.
        let last = ca.issue_like(&like, DAY * 900, later).unwrap().facts;
        assert_eq!(last.not_after, ca.facts().not_after);
        // What serves, or is no leaf, is not made here.
        assert_eq!(Likeness::of(ca.facts()), None);
    }

    #[test]
    fn a_ca_that_cannot_sign_is_refused() {
        let good = ca(10);
        let late = load(&good, now() + DAY * 10).err().unwrap();
        assert!(matches!(late, AuthorityError::CaOutOfDate { .. }), "{late}");
        let other = ca(10);
        let mixed = InternalCa::load(good.certificate.as_bytes(), &other.key, now());
        assert!(matches!(mixed.err(), Some(AuthorityError::NotAPair)));
        let held = load(&good, now()).unwrap();
        let outlives = held.issue_client(&request(11), now()).err().unwrap();
        assert!(matches!(outlives, AuthorityError::OutlivesCa(_)));
        let leaf = held.issue_client(&request(5), now()).unwrap();
        assert!(matches!(
            load(&leaf, now()).err(),
            Some(AuthorityError::NotACa)
        ));
        for (certificate, key) in [("", "x"), (good.certificate.as_str(), "x")] {
            assert!(InternalCa::load(certificate.as_bytes(), key, now()).is_err());
        }
    }
}
