//! A certification authority of the lab, and how long things last.

use std::time::Duration;
use std::time::SystemTime;

use rcgen::BasicConstraints;
use rcgen::Certificate;
use rcgen::CertificateParams;
use rcgen::CertificateSigningRequestParams;
use rcgen::DnType;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::IsCa;
use rcgen::Issuer;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;

use super::leaf::Algorithm;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Nothing lasts longer; four digits of a year do.
const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// How far a clock of a client may be behind ours.
const CLOCK_SKEW: Duration = Duration::from_secs(5 * 60);

/// From when to when a certificate is good.
#[derive(Debug, Clone, Copy)]
pub(super) struct Validity {
    not_before: SystemTime,
    not_after: SystemTime,
}

impl Validity {
    /// From five minutes ago for some years of 365 days.
    pub(super) fn years(now: SystemTime, years: u32) -> Self {
        Self {
            not_before: now - CLOCK_SKEW,
            not_after: now + DAY * 365 * years,
        }
    }

    /// From five minutes ago for a while.
    pub(super) fn lasting(now: SystemTime, life: Duration) -> Self {
        Self {
            not_before: now - CLOCK_SKEW,
            not_after: now + life.min(CENTURY),
        }
    }

    /// A year that ended yesterday.
    pub(super) fn past(now: SystemTime) -> Self {
        Self {
            not_before: now - DAY * 366,
            not_after: now - DAY,
        }
    }

    /// Always set: rcgen's own dates reach from 1975 to 4096.
    pub(super) fn set(self, params: &mut CertificateParams) {
        params.not_before = self.not_before.into();
        params.not_after = self.not_after.into();
    }
}

/// A CA certificate with its key.
pub(super) struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A self-signed root.
    pub(super) fn root(
        name: &str,
        algorithm: Algorithm,
        validity: Validity,
    ) -> Result<Self, rcgen::Error> {
        let params = params(name, BasicConstraints::Unconstrained, validity);
        let key = algorithm.generate()?;
        Ok(Self {
            certificate: params.self_signed(&key)?,
            issuer: Issuer::new(params, key),
        })
    }

    /// A CA below this one that signs leaves only.
    pub(super) fn issuing(
        &self,
        name: &str,
        algorithm: Algorithm,
        validity: Validity,
    ) -> Result<Self, rcgen::Error> {
        let mut params = params(name, BasicConstraints::Constrained(0), validity);
        params.use_authority_key_identifier_extension = true;
        let key = algorithm.generate()?;
        Ok(Self {
            certificate: params.signed_by(&key, &self.issuer)?,
            issuer: Issuer::new(params, key),
        })
    }

    /// Signs a leaf; PEM.
    pub(super) fn sign(
        &self,
        params: &CertificateParams,
        key: &KeyPair,
    ) -> Result<String, rcgen::Error> {
        Ok(params.signed_by(key, &self.issuer)?.pem())
    }

    /// The CA's own certificate, PEM.
    pub(super) fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// Its key, PKCS#8 PEM.
    pub(super) fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }
}

/// Signs what somebody asks for, with the names that the request has, for a TLS server. `ca` and
/// `key` are a CA's, PEM; so is what comes back.
pub(super) fn sign_request(
    ca: &str,
    key: &str,
    request: &str,
    validity: Validity,
) -> Result<String, rcgen::Error> {
    let issuer = Issuer::from_ca_cert_pem(ca, KeyPair::from_pem(key)?)?;
    let mut request = CertificateSigningRequestParams::from_pem(request)?;
    let params = &mut request.params;
    params.is_ca = IsCa::NoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    validity.set(params);
    Ok(request.signed_by(&issuer)?.pem())
}

fn params(name: &str, constraints: BasicConstraints, validity: Validity) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(constraints);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    validity.set(&mut params);
    params
}
