//! `xspd certs show`: what is in a file of certificates.

use std::path::PathBuf;
use std::time::SystemTime;

use serde_json::Value;
use serde_json::json;

use crate::cli::Console;
use crate::cli::certs::Said;
use crate::cli::certs::failure::Failure;
use crate::domain::certs::CertificateFacts;
use crate::domain::certs::date;
use crate::domain::certs::facts::Validity;
use crate::domain::certs::pem;
use crate::tls;
use crate::tls::TlsError;

/// Blocks looked at; a chain has a handful.
const MOST: usize = 64;

/// Arguments of `xspd certs show`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// PEM file with one certificate or several
    file: PathBuf,
}

pub(super) fn run(args: &Args, console: Console, now: SystemTime) -> Result<Said, Failure> {
    let bytes = tls::pem::read_bounded(&args.file).map_err(Failure::Unreadable)?;
    let mut shown = Vec::new();
    for (block, place) in pem::blocks(&bytes, MOST).into_iter().zip(1..) {
        if block.label != "CERTIFICATE" {
            continue;
        }
        let bad = |detail: String| Failure::BadBlock {
            path: args.file.clone(),
            block: place,
            detail,
        };
        let der = block
            .content
            .map_err(|damage| bad(format!("{damage:?}, no certificate can be read")))?;
        let facts = CertificateFacts::parse(&der).map_err(|error| bad(error.to_string()))?;
        shown.push((place, facts));
    }
    if shown.is_empty() {
        let path = args.file.clone();
        return Err(Failure::Unreadable(TlsError::NoCertificate { path }));
    }
    if console.json {
        let all: Vec<_> = shown
            .iter()
            .map(|(block, facts)| document(*block, facts, now))
            .collect();
        return Ok(Said::Document(json!({
            "file": args.file,
            "certificates": all,
        })));
    }
    let mut lines = Vec::new();
    for (block, facts) in &shown {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(format!("{}, block {block}:", args.file.display()));
        lines.extend(text(facts, now));
    }
    Ok(Said::Lines(lines))
}

fn text(facts: &CertificateFacts, now: SystemTime) -> Vec<String> {
    let none = || "none".to_owned();
    let list = |names: Vec<&str>| {
        if names.is_empty() {
            none()
        } else {
            names.join(", ")
        }
    };
    let state = match facts.validity_at(now) {
        Validity::Over => "ENDED".to_owned(),
        Validity::NotYet => "NOT BEGUN".to_owned(),
        Validity::Now => format!("{} days left", date::days_between(now, facts.not_after)),
    };
    let ca = match (facts.is_ca(), facts.path_length) {
        (false, _) => "no".to_owned(),
        (true, None) => "yes".to_owned(),
        (true, Some(length)) => format!("yes, path length {length}"),
    };
    let rows = [
        ("subject", facts.subject.clone()),
        ("issuer", facts.issuer.clone()),
        ("serial", facts.serial.clone()),
        (
            "DNS names",
            list(facts.dns_names.iter().map(String::as_str).collect()),
        ),
        ("purposes", list(purposes(facts))),
        ("key usage", list(usages(facts))),
        ("CA", ca),
        ("from", date::text(facts.not_before)),
        ("to", format!("{} ({state})", date::text(facts.not_after))),
        ("key", facts.key.to_string()),
        ("SHA-256", facts.fingerprint.to_string()),
    ];
    rows.into_iter()
        .map(|(name, value)| format!("  {name:<10} {value}"))
        .collect()
}

fn purposes(facts: &CertificateFacts) -> Vec<&str> {
    let purposes = facts.extended_key_usage.as_ref();
    purposes
        .map(|purposes| purposes.names())
        .unwrap_or_default()
}

fn usages(facts: &CertificateFacts) -> Vec<&'static str> {
    facts
        .key_usage
        .map(|usage| usage.names())
        .unwrap_or_default()
}

fn document(block: usize, facts: &CertificateFacts, now: SystemTime) -> Value {
    json!({
        "block": block,
        "subject": facts.subject,
        "issuer": facts.issuer,
        "serial": facts.serial,
        "dns-names": facts.dns_names,
        "purposes": purposes(facts),
        "key-usage": usages(facts),
        "ca": facts.is_ca(),
        "path-length": facts.path_length,
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
