//! Revocation lists: who is on one, and until when it counts.

use std::collections::BTreeMap;
use std::time::SystemTime;

use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use x509_parser::revocation_list::CertificateRevocationList;

use crate::domain::certs::date;
use crate::domain::certs::facts;
use crate::domain::certs::name;
use crate::domain::certs::pem;
use crate::domain::certs::source::SourceFault;

/// What a revocation list says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crl {
    /// Who published it, safe to print.
    pub issuer: String,
    /// The same as encoded.
    pub issuer_der: Vec<u8>,
    /// Since when it counts.
    pub this_update: SystemTime,
    /// Until when; without it nobody knows.
    pub next_update: Option<SystemTime>,
    /// Its running number in decimal digits, if it has one.
    pub number: Option<String>,
    /// Serial numbers in hex as those of certificates, and since when they are revoked.
    revoked: BTreeMap<String, SystemTime>,
    der: Vec<u8>,
}

impl Crl {
    /// Reads a file with one list, PEM or DER.
    ///
    /// # Errors
    ///
    /// When there is none in it.
    pub fn parse(bytes: &[u8]) -> Result<Self, SourceFault> {
        const MOST_BLOCKS: usize = 16;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(SourceFault::Empty);
        }
        let mut blocks = pem::blocks(bytes, MOST_BLOCKS).into_iter();
        let block = blocks.find(|block| block.label == "X509 CRL");
        let der = match block {
            Some(block) => block.content.map_err(|_| SourceFault::BadPem(1))?,
            None => bytes.to_vec(),
        };
        Self::from_der(der)
    }

    fn from_der(der: Vec<u8>) -> Result<Self, SourceFault> {
        let (rest, list) =
            CertificateRevocationList::from_der(&der).map_err(|_| SourceFault::UnknownFormat)?;
        if !rest.is_empty() {
            return Err(SourceFault::UnknownFormat);
        }
        let moment = |seconds| date::from_unix(seconds).ok_or(SourceFault::UnknownFormat);
        let next = list.next_update().map(|at| moment(at.timestamp()));
        let revoked = list
            .iter_revoked_certificates()
            .filter_map(|entry| {
                let at = date::from_unix(entry.revocation_date.timestamp())?;
                Some((facts::hex_number(entry.raw_serial()), at))
            })
            .collect();
        let read = Self {
            issuer: name::text(list.issuer()),
            issuer_der: list.issuer().as_raw().to_vec(),
            this_update: moment(list.last_update().timestamp())?,
            next_update: next.transpose()?,
            number: list.crl_number().map(ToString::to_string),
            revoked,
            der: Vec::new(),
        };
        Ok(Self { der, ..read })
    }

    /// How many certificates are on it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.revoked.len()
    }

    /// Whether nobody is on it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.revoked.is_empty()
    }

    /// Since when a certificate of this issuer and serial number is revoked.
    #[must_use]
    pub fn revokes(&self, issuer_der: &[u8], serial: &str) -> Option<SystemTime> {
        let at = self.revoked.get(serial)?;
        (self.issuer_der == issuer_der).then_some(*at)
    }

    /// Whether the key of this certificate signed the list.
    #[must_use]
    pub fn is_signed_by(&self, issuer: &[u8]) -> bool {
        let list = CertificateRevocationList::from_der(&self.der);
        let issuer = X509Certificate::from_der(issuer);
        match (list, issuer) {
            (Ok((_, list)), Ok((_, issuer))) => list.verify_signature(issuer.public_key()).is_ok(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::CertificateRevocationListParams;
    use rcgen::ExtendedKeyUsagePurpose;
    use rcgen::KeyIdMethod;
    use rcgen::RevokedCertParams;
    use rcgen::SerialNumber;
    use rcgen::date_time_ymd;

    use super::*;
    use crate::domain::certs::facts::CertificateFacts;
    use crate::domain::certs::mint;
    use crate::domain::certs::mint::Minted;

    #[test]
    fn who_is_on_a_list_is_known_by_issuer_and_serial() {
        let (ca, other) = (Minted::root(mint::ca("CA")), Minted::root(mint::ca("CA")));
        let mut params = mint::leaf("a.test", ExtendedKeyUsagePurpose::ServerAuth);
        params.serial_number = Some(SerialNumber::from(vec![0x91, 2, 3]));
        let leaf = CertificateFacts::parse(&ca.issue(params).der).unwrap();
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2027, 1, 1),
            next_update: date_time_ymd(2027, 2, 1),
            crl_number: SerialNumber::from(7),
            issuing_distribution_point: None,
            revoked_certs: vec![RevokedCertParams {
                serial_number: SerialNumber::from(vec![0x91, 2, 3]),
                revocation_time: date_time_ymd(2026, 12, 1),
                reason_code: None,
                invalidity_date: None,
            }],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = list.signed_by(ca.issuer()).unwrap();
        let der = Crl::parse(list.der()).unwrap();
        let pem = Crl::parse(list.pem().unwrap().as_bytes()).unwrap();
        assert_eq!(der, pem);
        assert_eq!((der.len(), der.number.as_deref()), (1, Some("7")));
        let at = der.revokes(&leaf.issuer_der, &leaf.serial).unwrap();
        assert_eq!(date::text(at), "2026-12-01 00:00:00 UTC");
        assert_eq!(der.revokes(&leaf.issuer_der, "ff"), None);
        assert_eq!(der.revokes(&leaf.subject_der, &leaf.serial), None);
        assert!(der.is_signed_by(&ca.der) && !der.is_signed_by(&other.der));
        assert_eq!(Crl::parse(&ca.der), Err(SourceFault::UnknownFormat));
        assert_eq!(Crl::parse(b" "), Err(SourceFault::Empty));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            drop(Crl::parse(&bytes));
        }
    }
}
