//! Certificates as rows, for people, and as JSON.

use std::time::SystemTime;

use serde_json::Value;
use serde_json::json;

use crate::domain::certs::CertificateFacts;
use crate::domain::certs::date;

/// The columns after those that a verb puts in front.
pub(super) const COLUMNS: [&str; 7] = [
    "SUBJECT",
    "ISSUER",
    "NOT BEFORE",
    "NOT AFTER",
    "DAYS LEFT",
    "KEY",
    "SHA-256 FINGERPRINT",
];

/// The cells of one certificate, in the order of [`COLUMNS`].
pub(super) fn cells(facts: &CertificateFacts, now: SystemTime) -> Vec<String> {
    let issuer = if facts.self_issued {
        "itself".to_owned()
    } else {
        facts.issuer.clone()
    };
    vec![
        facts.subject.clone(),
        issuer,
        date::text(facts.not_before),
        date::text(facts.not_after),
        date::days_between(now, facts.not_after).to_string(),
        facts.key.to_string(),
        facts.fingerprint.to_string(),
    ]
}

/// One certificate as JSON; dates in seconds since 1970 and as text.
pub(super) fn document(facts: &CertificateFacts, role: &str, now: SystemTime) -> Value {
    json!({
        "role": role,
        "subject": facts.subject,
        "issuer": facts.issuer,
        "serial": facts.serial,
        "not-before": date::text(facts.not_before),
        "not-before-seconds": date::to_unix(facts.not_before),
        "not-after": date::text(facts.not_after),
        "not-after-seconds": date::to_unix(facts.not_after),
        "days-left": date::days_between(now, facts.not_after),
        "key": facts.key.to_string(),
        "signature": facts.signature.to_string(),
        "fingerprint": facts.fingerprint.to_string(),
    })
}
