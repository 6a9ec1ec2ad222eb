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

/// Rows with their columns under each other, two blanks between them.
pub(in crate::cli) fn align(rows: &[Vec<String>]) -> Vec<String> {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let padded = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        let line = padded.collect::<Vec<_>>().join("  ");
        line.trim_end().to_owned()
    };
    rows.iter().map(line).collect()
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
