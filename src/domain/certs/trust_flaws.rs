//! What is wrong, or worth a note, with one certificate of a trust file, whatever stands beside it.

use std::time::SystemTime;

use crate::domain::certs::extensions::NameKind;
use crate::domain::certs::facts::CertificateFacts;
use crate::domain::certs::facts::Validity;
use crate::domain::certs::signature::Signed;
use crate::domain::certs::trust_file::OutOfDate;
use crate::domain::certs::trust_file::TrustRules;
use crate::domain::certs::trust_problem::TrustReason;
use crate::domain::certs::trust_remark::Remark;
use crate::domain::ids::Fingerprint;

/// How far the way from a certificate up to a root is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// No CA.
    Leaf,
    /// No signer found (yet).
    Loose,
    /// Its own signer, or meant to be where nothing here can verify it.
    Root,
    /// Signed by the CA with this fingerprint, which leads to a root.
    Under(Fingerprint),
}

/// The first guess, from the certificate alone.
pub(super) fn standing(facts: &CertificateFacts) -> Standing {
    // Without basicConstraints a self-issued certificate, or one that may sign others, was meant
    // as a CA, unless it carries what only a server or client has.
    let meant_as_ca = facts.is_ca()
        || facts.ca.is_none()
            && facts.extended_key_usage.is_none()
            && facts.dns_names.is_empty()
            && (facts.self_issued || facts.key_usage.is_some_and(|usage| usage.key_cert_sign()));
    if !meant_as_ca {
        Standing::Leaf
    } else if facts.self_issued && facts.self_signed != Signed::No {
        Standing::Root
    } else {
        Standing::Loose
    }
}

/// What is wrong with one certificate, whatever stands beside it.
pub(super) fn flaws(
    facts: &CertificateFacts,
    standing: Standing,
    now: SystemTime,
    rules: TrustRules,
) -> Vec<TrustReason> {
    if standing == Standing::Leaf {
        // Whatever else is wrong with it, it has to go.
        return vec![TrustReason::LeafAsAnchor];
    }
    let mut reasons = Vec::new();
    if facts.ca.is_none() {
        reasons.push(TrustReason::NoBasicConstraints);
    }
    if facts.key_usage.is_some_and(|usage| !usage.key_cert_sign()) {
        reasons.push(TrustReason::NoCertSign);
    }
    match (facts.validity_at(now), rules.out_of_date) {
        (Validity::NotYet, OutOfDate::Refuse | OutOfDate::Keep) => {
            reasons.push(TrustReason::NotYetValid(facts.not_before));
        }
        (Validity::Over, OutOfDate::Refuse) => {
            reasons.push(TrustReason::Expired(facts.not_after));
        }
        (Validity::Now, OutOfDate::Refuse | OutOfDate::Keep | OutOfDate::LeaveOut)
        | (Validity::Over, OutOfDate::Keep | OutOfDate::LeaveOut)
        | (Validity::NotYet, OutOfDate::LeaveOut) => {}
    }
    if !facts.key.is_strong() {
        reasons.push(TrustReason::WeakKey(facts.key.clone()));
    }
    // Nobody relies on a root's signature of itself, but it must show that the root is one.
    let proven_root = standing == Standing::Root && facts.self_signed == Signed::Yes;
    if facts.signature.weak() && !proven_root {
        reasons.push(TrustReason::WeakSignature(facts.signature.clone()));
    } else if standing == Standing::Root && !proven_root && facts.key.is_strong() {
        reasons.push(TrustReason::UnsupportedSignature(facts.signature.clone()));
    }
    let unknown = facts.unknown_critical.iter().cloned();
    reasons.extend(unknown.map(TrustReason::UnknownCriticalExtension));
    if facts.constrained.contains(&NameKind::Directory) {
        reasons.push(TrustReason::UnsupportedNameConstraints(NameKind::Directory));
    }
    reasons
}

/// What is worth a note about one certificate.
pub(super) fn remarks(
    facts: &CertificateFacts,
    standing: Standing,
    now: SystemTime,
    rules: TrustRules,
) -> Vec<Remark> {
    if standing == Standing::Leaf {
        return Vec::new();
    }
    let mut remarks = Vec::new();
    match (facts.validity_at(now), rules.out_of_date) {
        (Validity::Over, OutOfDate::Keep) => {
            remarks.push(Remark::ExpiredButKept(facts.not_after));
        }
        (Validity::Over, OutOfDate::LeaveOut) => {
            remarks.push(Remark::ExpiredLeftOut(facts.not_after));
        }
        (Validity::NotYet, OutOfDate::LeaveOut) => {
            remarks.push(Remark::NotYetValidLeftOut(facts.not_before));
        }
        (Validity::Now, OutOfDate::Refuse | OutOfDate::Keep | OutOfDate::LeaveOut)
        | (Validity::Over, OutOfDate::Refuse)
        | (Validity::NotYet, OutOfDate::Refuse | OutOfDate::Keep) => {}
    }
    if facts.signature.weak() && standing == Standing::Root {
        remarks.push(Remark::WeakSelfSignature(facts.signature.clone()));
    }
    let limited = facts.constrained.iter().filter(|kind| match kind {
        NameKind::Email | NameKind::Other | NameKind::Uri => true,
        NameKind::Directory | NameKind::Dns | NameKind::Ip => false,
    });
    remarks.extend(limited.copied().map(Remark::LimitedNameConstraints));
    remarks
}
