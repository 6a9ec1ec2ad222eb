//! The words of what is told about an object.

use std::time::SystemTime;

use crate::domain::alarms::Severity;
use crate::domain::alarms::observation::Present;
use crate::domain::certs::date;
use crate::domain::certs::facts::CertificateFacts;
use crate::domain::certs::inventory::Duty;
use crate::domain::certs::inventory::Watched;
use crate::domain::certs::watchlist::Standing;

/// Most places, or words, in one sentence.
pub(super) const LISTED: usize = 4;

pub(super) fn listed(all: &[String]) -> String {
    let mut words: Vec<String> = all.iter().take(LISTED).cloned().collect();
    if all.len() > LISTED {
        words.push(format!("{} more", all.len() - LISTED));
    }
    words.join(", ")
}

/// How a sentence begins.
pub(super) fn called(watched: &Watched, certificate: Option<&CertificateFacts>) -> String {
    let what = match watched.duty {
        Duty::AcmeAccount => "The ACME account",
        Duty::Ca => "The CA",
        Duty::Client => "The client certificate",
        Duty::Crl => "The revocation list",
        Duty::Key => "The key",
        Duty::Server => "The server certificate",
        Duty::Token => "The refresh token",
        Duty::TrustAnchor => "The trust anchor",
    };
    match certificate {
        Some(facts) => format!(
            "{what} of {} ({}, SHA-256 {})",
            watched.id,
            facts.subject,
            facts.fingerprint.short()
        ),
        None => format!("{what} of {}", watched.id),
    }
}

pub(super) fn told(
    standing: &Standing,
    severity: Severity,
    step: &str,
    text: String,
    rule: &str,
    ends: Option<SystemTime>,
) -> Present {
    let mut details = Vec::new();
    let mut add = |key: &str, value: String| details.push((key.to_owned(), value));
    if let Some(leaf) = standing.chain.as_ref().and_then(|chain| chain.leaf()) {
        add("subject", leaf.subject.clone());
        add("issuer", leaf.issuer.clone());
        add("serial", leaf.serial.clone());
        add("fingerprint", leaf.fingerprint.to_string());
    }
    if let Some(end) = standing.not_after {
        add("not-after", date::text(end));
    }
    if let Some(place) = &standing.seen_at {
        add("seen-at", place.to_string());
    }
    if let Some(listener) = &standing.watched.listener {
        add("listener", listener.clone());
    }
    details.extend(care(&standing.watched));
    Present {
        severity,
        step: step.to_owned(),
        text,
        rule: rule.to_owned(),
        ends,
        details,
    }
}

pub(super) fn care(watched: &Watched) -> Vec<(String, String)> {
    let care = &watched.care;
    let known = [
        ("owner", &care.owner),
        ("notes", &care.notes),
        ("runbook-url", &care.runbook_url),
        ("region", &care.region),
    ];
    known
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value.clone()?)))
        .collect()
}
