//! Which alarms an object has.

use crate::domain::alarms::AlarmName;
use crate::domain::certs::inventory::Kind;
use crate::domain::certs::inventory::Watched;

/// What is shown with an object of this kind as an alarm, and told by whoever sees it first: that a CA
/// refuses an account, by the worker that asked. Nothing is said of it here, not even that it is over.
pub(super) const fn shown(watched: &Watched) -> &'static [AlarmName] {
    match watched.kind {
        Kind::AcmeAccount => &[AlarmName::CertificateRenewalFailed],
        Kind::Ca
        | Kind::Client
        | Kind::Crl
        | Kind::Declared
        | Kind::KeyAge
        | Kind::ManagedLeaf
        | Kind::ManualLeaf
        | Kind::OauthToken
        | Kind::TrustAnchor => &[],
    }
}

/// The alarms that an object of this kind can raise.
pub(super) const fn names(watched: &Watched) -> &'static [AlarmName] {
    match watched.kind {
        Kind::AcmeAccount => &[AlarmName::CertificateSourceLost],
        Kind::Crl => &[AlarmName::CrlStale, AlarmName::CertificateSourceLost],
        Kind::KeyAge => &[AlarmName::KeyAging, AlarmName::CertificateSourceLost],
        Kind::OauthToken => &[
            AlarmName::OauthTokenExpiring,
            AlarmName::CertificateSourceLost,
        ],
        Kind::TrustAnchor => &[
            AlarmName::TrustAnchorExpiring,
            AlarmName::TrustAnchorExpired,
            AlarmName::CertificateNotYetValid,
            AlarmName::CertificateUnsuitable,
            AlarmName::CertificateRevoked,
            AlarmName::CertificateSourceLost,
        ],
        Kind::Ca | Kind::Client | Kind::Declared | Kind::ManagedLeaf | Kind::ManualLeaf => &[
            AlarmName::CertificateExpiring,
            AlarmName::CertificateExpired,
            AlarmName::CertificateNotYetValid,
            AlarmName::CertificateRenewalFailed,
            AlarmName::CertificateNotDeployed,
            AlarmName::CertificateChainInvalid,
            AlarmName::CertificateUnsuitable,
            AlarmName::CertificateEkuChanged,
            AlarmName::CertificateRevoked,
            AlarmName::CertificateNodesDiffer,
            AlarmName::CertificateSourceLost,
        ],
    }
}
