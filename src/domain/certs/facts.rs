//! Everything the rest of the daemon wants to know about one certificate, read once from its DER.

use std::time::SystemTime;

use x509_parser::asn1_rs::Any;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use crate::domain::certs::date;
use crate::domain::certs::extensions::Extensions;
use crate::domain::certs::extensions::NameKind;
use crate::domain::certs::key::KeyKind;
use crate::domain::certs::name;
use crate::domain::certs::signature;
use crate::domain::certs::signature::SignatureAlgorithm;
use crate::domain::certs::signature::Signed;
use crate::domain::certs::usage::ExtendedKeyUsage;
use crate::domain::certs::usage::KeyUsage;
use crate::domain::ids::Fingerprint;

/// Largest certificate read, in bytes; rustls itself takes no longer one. It also bounds every
/// list and text below.
pub const LARGEST: usize = 65_535;

/// What one certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// SHA-256 of the whole certificate; its only name that cannot be shared.
    pub fingerprint: Fingerprint,
    /// Subject, most specific part first, safe to print.
    pub subject: String,
    /// Issuer, likewise.
    pub issuer: String,
    /// Subject as encoded; names are equal when these bytes are.
    pub subject_der: Vec<u8>,
    /// Issuer as encoded.
    pub issuer_der: Vec<u8>,
    /// Common names of the subject, most specific first, **not** escaped.
    pub common_names: Vec<String>,
    /// SAN dNSName entries in their order, **not** escaped.
    pub dns_names: Vec<String>,
    /// Serial number in hex, lower case, without a leading zero byte.
    pub serial: String,
    /// Whether the serial number is negative, which RFC 5280 section 4.1.2.2 forbids.
    pub serial_negative: bool,
    /// First second of validity.
    pub not_before: SystemTime,
    /// Last second of validity.
    pub not_after: SystemTime,
    /// `cA` of basicConstraints; `None` when the extension is absent.
    pub ca: Option<bool>,
    /// How many CA certificates may stand between this one and the leaf.
    pub path_length: Option<u32>,
    /// `None` when the extension is absent: then nothing is forbidden.
    pub key_usage: Option<KeyUsage>,
    /// `None` when the extension is absent: then nothing is forbidden.
    pub extended_key_usage: Option<ExtendedKeyUsage>,
    /// Kinds of names that a CA's name constraints speak of.
    pub constrained: Vec<NameKind>,
    /// Critical extensions that nobody here understands, as dotted text.
    pub unknown_critical: Vec<String>,
    /// The public key.
    pub key: KeyKind,
    /// SHA-256 of the SubjectPublicKeyInfo: the pin.
    pub spki_sha256: [u8; 32],
    /// How its own signature was made.
    pub signature: SignatureAlgorithm,
    /// Subject and issuer are the same bytes.
    pub self_issued: bool,
    /// The signature was checked with its own key; `CannotTell` only for algorithms that nothing
    /// here verifies.
    pub self_signed: Signed,
}

/// Where a moment lies against a certificate's dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// Before its first second.
    NotYet,
    /// Within.
    Now,
    /// After its last second.
    Over,
}

/// Why bytes are no certificate that we work with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCertificate {
    /// The two places that name the signature algorithm disagree.
    #[error("it names two different signature algorithms")]
    AlgorithmsDiffer,
    /// A date that the clock cannot hold.
    #[error("one of its dates is out of range")]
    Date,
    /// The same extension twice, RFC 5280 section 4.2 forbids it.
    #[error("extension {0} is in it twice")]
    DuplicateExtension(String),
    /// An extension that decides something cannot be read.
    #[error("extension {0} cannot be read")]
    MalformedExtension(String),
    /// Not X.509 in DER.
    #[error("it is not an X.509 certificate in DER")]
    NotX509,
    /// More than [`LARGEST`] bytes.
    #[error("it is larger than {LARGEST} bytes")]
    TooLarge,
    /// Something stands after its end.
    #[error("{0} more bytes follow its end")]
    TrailingBytes(usize),
    /// The unique identifiers of X.509 version 2, which rustls refuses.
    #[error("it carries unique identifiers, which nothing has used for decades")]
    UniqueIdentifiers,
}

impl CertificateFacts {
    /// Reads one certificate.
    ///
    /// # Errors
    ///
    /// When the bytes are not exactly one certificate, or a part that decides something cannot
    /// be read. Dates, strength and purpose are not judged here.
    pub fn parse(der: &[u8]) -> Result<Self, BadCertificate> {
        let certificate = read(der)?;
        let extensions = Extensions::read(&certificate)?;
        let validity = certificate.validity();
        let self_issued = certificate.subject().as_raw() == certificate.issuer().as_raw();
        let self_signed = if self_issued {
            signature::signed(&certificate, &certificate)
        } else {
            Signed::No
        };
        Ok(Self {
            fingerprint: Fingerprint::of(der),
            subject: name::text(certificate.subject()),
            issuer: name::text(certificate.issuer()),
            subject_der: certificate.subject().as_raw().to_vec(),
            issuer_der: certificate.issuer().as_raw().to_vec(),
            common_names: name::common_names(certificate.subject()),
            dns_names: extensions.dns_names,
            serial: hex_number(certificate.raw_serial()),
            serial_negative: certificate
                .raw_serial()
                .first()
                .is_some_and(|byte| byte & 0x80 != 0),
            not_before: moment(validity.not_before.timestamp())?,
            not_after: moment(validity.not_after.timestamp())?,
            ca: extensions.ca,
            path_length: extensions.path_length,
            key_usage: extensions.key_usage,
            extended_key_usage: extensions.extended_key_usage,
            constrained: extensions.constrained,
            unknown_critical: extensions.unknown_critical,
            key: KeyKind::of(certificate.public_key()),
            spki_sha256: *Fingerprint::of(certificate.public_key().raw).as_bytes(),
            signature: SignatureAlgorithm::of(&certificate.signature_algorithm),
            self_issued,
            self_signed,
        })
    }

    /// Whether it says that it is a CA.
    #[must_use]
    pub fn is_ca(&self) -> bool {
        self.ca == Some(true)
    }

    /// The most specific common name, not escaped.
    #[must_use]
    pub fn common_name(&self) -> Option<&str> {
        self.common_names.first().map(String::as_str)
    }

    /// Where `now` lies against its dates; both ends belong to the validity.
    #[must_use]
    pub fn validity_at(&self, now: SystemTime) -> Validity {
        // Dates count whole seconds, so the last second lasts until the next one.
        let now = date::to_unix(now);
        if now < date::to_unix(self.not_before) {
            Validity::NotYet
        } else if now > date::to_unix(self.not_after) {
            Validity::Over
        } else {
            Validity::Now
        }
    }

    /// Whether it carries the purpose of a TLS client; without the extension nothing is said.
    #[must_use]
    pub fn client_auth(&self) -> Option<bool> {
        self.extended_key_usage.as_ref().map(|eku| eku.client_auth)
    }

    /// Whether it carries the purpose of a TLS server; without the extension nothing is said.
    #[must_use]
    pub fn server_auth(&self) -> Option<bool> {
        self.extended_key_usage.as_ref().map(|eku| eku.server_auth)
    }
}

/// Whether the key of the certificate `issuer` made the signature of the certificate `issued`,
/// both in DER. Names are not compared.
#[must_use]
pub fn signed_by(issued: &[u8], issuer: &[u8]) -> Signed {
    match (read(issued), read(issuer)) {
        (Ok(issued), Ok(issuer)) => signature::signed(&issued, &issuer),
        _ => Signed::No,
    }
}

fn read(der: &[u8]) -> Result<X509Certificate<'_>, BadCertificate> {
    if der.len() > LARGEST {
        return Err(BadCertificate::TooLarge);
    }
    let (rest, certificate) =
        X509Certificate::from_der(der).map_err(|_| BadCertificate::NotX509)?;
    if !rest.is_empty() {
        return Err(BadCertificate::TrailingBytes(rest.len()));
    }
    // Every signature is whole bytes; stray bits would give one certificate several fingerprints.
    if certificate.signature_value.unused_bits != 0 {
        return Err(BadCertificate::NotX509);
    }
    envelope(der)?;
    if certificate.issuer_uid.is_some() || certificate.subject_uid.is_some() {
        return Err(BadCertificate::UniqueIdentifiers);
    }
    Ok(certificate)
}

/// Judges what the signature does not cover, and the library reads with little care: the outermost
/// tags, and the algorithm outside, which must be byte for byte the one inside (RFC 5280 section
/// 4.1.1.2). rustls is as strict.
fn envelope(der: &[u8]) -> Result<(), BadCertificate> {
    const BIT_STRING: u8 = 0x03;
    const SEQUENCE: u8 = 0x30;
    let parts = elements(inside(der));
    let [signed, outer, signature] = parts.as_slice() else {
        return Err(BadCertificate::NotX509);
    };
    let tags = [der, signed, outer, signature].map(|element| element.first().copied());
    if tags != [SEQUENCE, SEQUENCE, SEQUENCE, BIT_STRING].map(Some) {
        return Err(BadCertificate::NotX509);
    }
    // An explicit version, tag 0, stands before the serial number unless it is version 1.
    let signed = elements(inside(signed));
    let versioned = signed
        .first()
        .is_some_and(|first| first.first() == Some(&0xa0));
    if signed.get(1 + usize::from(versioned)) == Some(outer) {
        Ok(())
    } else {
        Err(BadCertificate::AlgorithmsDiffer)
    }
}

/// What stands between the header and the end of the first element.
fn inside(der: &[u8]) -> &[u8] {
    Any::from_der(der).map_or(&[], |(_, element)| element.data)
}

/// The first three elements, whole; none of what follows is looked at.
fn elements(der: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut rest = der;
    while found.len() < 3
        && let Ok((next, _)) = Any::from_der(rest)
    {
        found.extend(rest.get(..rest.len() - next.len()));
        rest = next;
    }
    found
}

fn moment(seconds: i64) -> Result<SystemTime, BadCertificate> {
    date::from_unix(seconds).ok_or(BadCertificate::Date)
}

pub(super) fn hex_number(bytes: &[u8]) -> String {
    // One zero byte in front only says that the number is not negative.
    let digits = match bytes {
        [0, rest @ ..] if !rest.is_empty() => rest,
        all => all,
    };
    digits.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::CustomExtension;
    use rcgen::ExtendedKeyUsagePurpose;
    use rcgen::KeyPair;

    use super::*;
    use crate::domain::certs::mint;
    use crate::domain::certs::mint::Minted;
    use crate::domain::certs::mint::Webex;
    use crate::domain::certs::signature::Hash;

    fn parse(minted: &Minted) -> CertificateFacts {
        CertificateFacts::parse(&minted.der).unwrap()
    }

    #[test]
    fn a_root_and_what_it_issued_are_read_in_full() {
        let webex = Webex::of(2023);
        let root = parse(&webex.root);
        assert_eq!(root.subject, "CN=Internal Private Root");
        assert_eq!(root.common_name(), Some("Internal Private Root"));
        assert_eq!(date::text(root.not_before), "2023-01-01 00:00:00 UTC");
        assert_eq!(date::text(root.not_after), "2033-01-01 00:00:00 UTC");
        assert_eq!(root.key, KeyKind::P256);
        assert_eq!(root.signature, SignatureAlgorithm::Ecdsa(Hash::Sha256));
        assert!(root.is_ca() && root.self_issued && root.extended_key_usage.is_none());
        assert_eq!(root.self_signed, Signed::Yes);
        assert!(root.key_usage.unwrap().key_cert_sign());
        let issuing = parse(&webex.issuing);
        assert_eq!(issuing.issuer, "CN=Internal Private Root");
        assert!(!issuing.self_issued);
        assert_eq!(signed_by(&webex.issuing.der, &webex.root.der), Signed::Yes);
        assert_eq!(signed_by(&webex.root.der, &webex.issuing.der), Signed::No);
    }

    #[test]
    fn names_purposes_and_pins_of_a_client_are_read() {
        let cti = ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 4, 1, 6431, 1, 1, 8, 2, 1, 3]);
        let mut params = mint::leaf("bwcticlient.webex.com", ExtendedKeyUsagePurpose::ClientAuth);
        params.extended_key_usages.push(cti);
        params.serial_number = Some(rcgen::SerialNumber::from(vec![0x80, 0x01]));
        let facts = parse(&Webex::of(2023).issuing.issue(params));
        assert_eq!(facts.dns_names, ["bwcticlient.webex.com"]);
        assert_eq!(facts.serial, "8001");
        assert_eq!(
            (facts.client_auth(), facts.server_auth()),
            (Some(true), Some(false))
        );
        let purposes = facts.extended_key_usage.unwrap();
        assert_eq!(
            purposes.names(),
            ["clientAuth", "1.3.6.1.4.1.6431.1.1.8.2.1.3"]
        );
        assert_ne!(facts.spki_sha256, *facts.fingerprint.as_bytes());
    }

    #[test]
    fn both_ends_belong_to_the_validity() {
        let facts = parse(&Minted::root(mint::ca("x")));
        let at = |seconds: i64| facts.validity_at(date::from_unix(seconds).unwrap());
        let (start, end) = (
            date::to_unix(facts.not_before),
            date::to_unix(facts.not_after),
        );
        assert_eq!(at(start - 1), Validity::NotYet);
        assert_eq!([at(start), at(end)], [Validity::Now; 2]);
        assert_eq!(at(end + 1), Validity::Over);
        let within_last_second = facts.not_after + std::time::Duration::from_millis(999);
        assert_eq!(facts.validity_at(within_last_second), Validity::Now);
    }

    #[test]
    fn every_curve_that_rustls_takes_verifies() {
        let algorithms = [
            (&rcgen::PKCS_ECDSA_P384_SHA384, KeyKind::P384),
            (&rcgen::PKCS_ECDSA_P521_SHA512, KeyKind::P521),
            (&rcgen::PKCS_ED25519, KeyKind::Ed25519),
        ];
        for (algorithm, kind) in algorithms {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let facts = parse(&Minted::root_with(mint::ca("x"), key));
            assert_eq!((facts.self_signed, &facts.key), (Signed::Yes, &kind));
        }
    }

    #[test]
    fn old_algorithms_are_told_apart() {
        let cases = [
            (mint::sha1_root(), KeyKind::Rsa(2048), Signed::Yes, true),
            (
                mint::md5_root(),
                KeyKind::Rsa(2048),
                Signed::CannotTell,
                true,
            ),
            (
                mint::short_root(),
                KeyKind::Rsa(1024),
                Signed::CannotTell,
                false,
            ),
            (
                mint::dsa_root(),
                KeyKind::Other("DSA".to_owned()),
                Signed::CannotTell,
                false,
            ),
        ];
        for (der, key, signed, weak) in cases {
            let facts = CertificateFacts::parse(&der).unwrap();
            assert_eq!(facts.key, key);
            assert_eq!(
                (facts.self_signed, facts.signature.weak()),
                (signed, weak),
                "{key}"
            );
        }
    }

    #[test]
    fn extensions_that_decide_must_be_readable_and_single() {
        let with = |oid: &[u64], content: Vec<u8>, critical| {
            let mut params = mint::ca("x");
            let mut extension = CustomExtension::from_oid_content(oid, content);
            extension.set_criticality(critical);
            params.custom_extensions.push(extension);
            CertificateFacts::parse(&Minted::root(params).der)
        };
        assert_eq!(
            with(&[2, 5, 29, 37], vec![0x05, 0x00], false),
            Err(BadCertificate::MalformedExtension("2.5.29.37".to_owned()))
        );
        assert_eq!(
            with(&[2, 5, 29, 19], vec![0x30, 0x00], true),
            Err(BadCertificate::DuplicateExtension("2.5.29.19".to_owned()))
        );
        let unknown = with(&[1, 2, 3, 4], vec![0x05, 0x00], true).unwrap();
        assert_eq!(unknown.unknown_critical, ["1.2.3.4"]);
        let ignored = with(&[1, 2, 3, 4], vec![0x05, 0x00], false).unwrap();
        assert!(ignored.unknown_critical.is_empty());
    }

    #[test]
    fn bytes_around_a_certificate_are_refused() {
        let der = Minted::root(mint::ca("x")).der;
        let longer = [der.as_slice(), &[0, 0]].concat();
        assert_eq!(
            CertificateFacts::parse(&longer),
            Err(BadCertificate::TrailingBytes(2))
        );
        assert_eq!(
            CertificateFacts::parse(&der[1..]),
            Err(BadCertificate::NotX509)
        );
        assert_eq!(CertificateFacts::parse(&[]), Err(BadCertificate::NotX509));
        assert_eq!(
            CertificateFacts::parse(&vec![0x30; LARGEST + 1]),
            Err(BadCertificate::TooLarge)
        );
    }

    /// What a changed certificate may still do: be read, but never say something new under the
    /// old signature.
    fn survives(der: &[u8], original: &[u8]) -> Result<(), TestCaseError> {
        let Ok(facts) = CertificateFacts::parse(der) else {
            return Ok(());
        };
        prop_assert!(!facts.subject.chars().any(char::is_control));
        prop_assert!(!facts.issuer.chars().any(char::is_control));
        if facts.self_signed == Signed::Yes {
            let fingerprint = facts.fingerprint;
            let original = CertificateFacts::parse(original).unwrap();
            prop_assert_eq!(
                facts,
                CertificateFacts {
                    fingerprint,
                    ..original
                }
            );
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..600),
        ) {
            survives(&bytes, &[])?;
        }

        #[test]
        fn changed_certificates_are_read_without_panic_and_never_believed(
            changes in proptest::collection::vec((any::<u16>(), any::<u8>()), 1..6),
            cut in proptest::option::of(any::<u16>()),
        ) {
            let original = mint::sha1_root();
            let mut der = original.clone();
            for (at, value) in changes {
                let at = usize::from(at) % der.len();
                der[at] = value;
            }
            if let Some(cut) = cut {
                der.truncate(usize::from(cut) % original.len());
            }
            survives(&der, &original)?;
        }
    }
}
