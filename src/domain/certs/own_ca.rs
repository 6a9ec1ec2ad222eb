//! What is told of the internal CA: renewals that fail, when the CA must be replaced, and when its
//! predecessor can go.

use std::time::Duration;
use std::time::SystemTime;

use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Observation;
use crate::domain::alarms::Severity;
use crate::domain::alarms::key::AlarmKey;
use crate::domain::alarms::observation::Condition;
use crate::domain::alarms::observation::Present;
use crate::domain::certs::CertificateFacts;
use crate::domain::certs::date;
use crate::domain::certs::remedy;
use crate::domain::certs::trust_usage::QUIET_DAYS;
use crate::domain::certs::trust_usage::Verdict;
use crate::domain::shell::quoted;

/// The name under which the CA is told of, and its generations are remembered.
pub const SET: &str = "internal-ca";

/// An XSP takes a change window; a person and a dozen XSPs take some.
const LEAST_NOTICE: Duration = Duration::from_secs(30 * 86_400);

/// From here on somebody has to hurry.
const HURRY: Duration = Duration::from_secs(14 * 86_400);

/// What is told, with the line to paste.
fn observation(name: AlarmName, object: &str, present: Option<(Present, String)>) -> Observation {
    let present = present.map(|(mut present, command)| {
        remedy::paste(&mut present, command);
        present
    });
    Observation {
        key: AlarmKey::new(name, object),
        condition: present.map_or(Condition::Absent, Condition::Present),
    }
}

/// Whether the last renewal of a bridge's certificate came to nothing; what is in use ends then.
#[must_use]
pub fn renewal(
    place: &str,
    file: &str,
    failed: Option<&str>,
    ends: Option<SystemTime>,
) -> Observation {
    let present = failed.map(|problem| {
        let until = ends.map_or_else(String::new, |ends| {
            format!(" The one in use ends on {}.", date::text(ends))
        });
        let present = Present {
            rule: "internal-ca.renew".to_owned(),
            ends,
            details: vec![("file".to_owned(), file.to_owned())],
            ..Present::new(
                Severity::Medium,
                format!(
                    "The certificate of {place} could not be renewed by the internal CA: \
                     {problem}.{until}"
                ),
            )
        };
        (present, format!("xspd certs renew {}", quoted(place)))
    });
    observation(AlarmName::InternalCaRenewalFailed, place, present)
}

/// Whether the CA lasts for one more certificate. `prepared`: the next one is there already.
#[must_use]
pub fn rotation(
    ca: &CertificateFacts,
    lifetime: Duration,
    prepared: bool,
    now: SystemTime,
) -> Observation {
    let left = ca.not_after.duration_since(now).unwrap_or_default();
    let wanted = lifetime.max(LEAST_NOTICE);
    let present = (left < wanted).then(|| {
        let (severity, step) = if left < HURRY {
            (Severity::High, "14d")
        } else {
            (Severity::Medium, "lifetime")
        };
        let (next, word) = if prepared {
            (
                "The next one is prepared: install its anchor on every XSP, then",
                "activate",
            )
        } else {
            ("Make the next one:", "prepare")
        };
        let command = format!("xspd certs rotate-internal-ca {word}");
        let present = Present {
            step: step.to_owned(),
            rule: "internal-ca.client-lifetime".to_owned(),
            ends: Some(ca.not_after),
            details: vec![("fingerprint".to_owned(), ca.fingerprint.to_string())],
            ..Present::new(
                severity,
                format!(
                    "The internal CA ends on {}, and so does whatever it issues from now on. {next} \
                     `{command}`.",
                    date::text(ca.not_after)
                ),
            )
        };
        (present, command)
    });
    observation(AlarmName::InternalCaRotationDue, SET, present)
}

/// Whether the CA before the one that issues can go.
#[must_use]
pub fn unused(old: &CertificateFacts, verdict: Verdict, now: SystemTime) -> Observation {
    let present = match verdict {
        Verdict::New | Verdict::Used => None,
        Verdict::Unused(since) => {
            let since = date::from_unix(since).unwrap_or(now);
            let command = "xspd certs rotate-internal-ca retire".to_owned();
            let present = Present {
                rule: format!("unused for {QUIET_DAYS} days"),
                details: vec![("fingerprint".to_owned(), old.fingerprint.to_string())],
                ..Present::new(
                    Severity::Informational,
                    // Days would make another sentence of it each day.
                    format!(
                        "The internal CA before this one ({}) has had no certificate in use here \
                         since {}: it is safe to remove, once the same is true on every node: \
                         `{command}`.",
                        old.fingerprint.short(),
                        date::text(since)
                    ),
                )
            };
            Some((present, command))
        }
    };
    let object = old.fingerprint.short();
    observation(AlarmName::InternalCaGenerationUnused, &object, present)
}
