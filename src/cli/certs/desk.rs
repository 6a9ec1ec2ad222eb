//! What the verbs of renewal share: the configuration, the place that is meant, the shelf, and who
//! sits at the prompt.

use std::time::SystemTime;

use serde_json::Value;
use serde_json::json;

use crate::cli::admin::Door;
use crate::cli::certs::failure::Failure;
use crate::cli::certs::object;
use crate::cli::operations;
use crate::config::Config;
use crate::domain::certs::CertificateFacts;
use crate::domain::certs::Severity;
use crate::domain::certs::date;
use crate::domain::certs::fit::Finding;
use crate::domain::shell::quoted;
use crate::workers::cert_desk::activate;
use crate::workers::cert_desk::place::Place;
use crate::workers::cert_desk::shelf::Part;
use crate::workers::cert_desk::shelf::Shelf;

/// Everything at hand for one place.
pub(super) struct Desk {
    pub(super) config: Config,
    pub(super) shelf: Shelf,
    pub(super) place: Place,
    /// Who sits here.
    pub(super) by: String,
}

impl Desk {
    /// The place as it is typed at a prompt: `*` and `#` mean something to shells.
    pub(super) fn typed(&self) -> String {
        quoted(&self.place.name)
    }

    /// Reads the configuration and finds the place; what a crash interrupted there is finished.
    pub(super) fn open(door: &Door, asked: &str, now: SystemTime) -> Result<Self, Failure> {
        let config = door.config().map_err(Failure::Config)?;
        let place = object::find(&config, asked)?;
        let shelf = Shelf::new(&config.state_dir);
        if shelf.about(&place, Part::Applying)?.is_some() {
            let _lock = shelf.lock(&place)?;
            activate::recover(&shelf, &place, now).map_err(Failure::Activate)?;
        }
        Ok(Self {
            config,
            shelf,
            place,
            by: operations::name(),
        })
    }
}

/// A finding as a line for people.
pub(super) fn line(finding: &Finding) -> String {
    match finding.severity() {
        Severity::Refuse => format!("Refused ({}): {finding}", finding.as_str()),
        Severity::Warn => format!("Note ({}): {finding}", finding.as_str()),
    }
}

/// Findings in JSON.
pub(super) fn documents(findings: &[Finding]) -> Vec<Value> {
    let one = |finding: &Finding| {
        json!({
            "reason": finding.as_str(),
            "severity": match finding.severity() {
                Severity::Refuse => "refuse",
                Severity::Warn => "warn",
            },
            "text": finding.to_string(),
        })
    };
    findings.iter().map(one).collect()
}

/// A leaf in JSON.
pub(super) fn leaf(facts: &CertificateFacts) -> Value {
    json!({
        "subject": facts.subject,
        "issuer": facts.issuer,
        "dns-names": facts.dns_names,
        "not-before": date::text(facts.not_before),
        "not-after": date::text(facts.not_after),
        "not-after-seconds": date::to_unix(facts.not_after),
        "key": facts.key.to_string(),
        "fingerprint": facts.fingerprint.to_string(),
    })
}

/// A leaf in words.
pub(super) fn words(facts: &CertificateFacts) -> String {
    format!("{}, {}, {}", facts.subject, facts.key, until(facts))
}

/// What the internal CA is or issued, in JSON.
pub(super) fn brief(facts: &CertificateFacts) -> Value {
    json!({
        "subject": facts.subject,
        "not-after": date::text(facts.not_after),
        "not-after-seconds": date::to_unix(facts.not_after),
        "fingerprint": facts.fingerprint.to_string(),
    })
}

/// The same in words.
pub(super) fn brief_words(facts: &CertificateFacts) -> String {
    format!("{}, {}", facts.subject, until(facts))
}

fn until(facts: &CertificateFacts) -> String {
    format!(
        "good until {}, SHA-256 {}",
        date::text(facts.not_after),
        facts.fingerprint
    )
}

/// One document with the members of another besides its own.
pub(super) fn with(mut document: Value, more: &Value) -> Value {
    if let (Some(all), Some(more)) = (document.as_object_mut(), more.as_object()) {
        all.extend(more.clone());
    }
    document
}
