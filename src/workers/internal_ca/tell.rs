//! Which alarms the state of the internal CA means. Each is said when it changes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use crate::domain::alarms::AlarmKey;
use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Condition;
use crate::domain::alarms::Observation;
use crate::domain::alarms::Severity;
use crate::domain::alarms::observation::Present;
use crate::domain::certs::CertificateFacts;
use crate::domain::certs::date;
use crate::domain::certs::trust_usage::QUIET_DAYS;
use crate::domain::certs::trust_usage::Verdict;
use crate::workers::cert_desk::place::Place;
use crate::workers::internal_ca::Leaf;
use crate::workers::internal_ca::SET;
use crate::workers::internal_ca::status::Status;

/// An XSP takes a change window; a person and a dozen XSPs take some.
const LEAST_NOTICE: Duration = Duration::from_secs(30 * 86_400);

/// From here on somebody has to hurry.
const HURRY: Duration = Duration::from_secs(14 * 86_400);

/// What was said last of each alarm.
#[derive(Default)]
pub(super) struct Teller(BTreeMap<AlarmKey, Condition>);

impl Teller {
    /// Says what changed; what is no longer spoken of is over.
    pub(super) fn say(
        &mut self,
        seen: Vec<Observation>,
        observe: &Arc<dyn Fn(Observation) + Send + Sync>,
    ) {
        let before = std::mem::take(&mut self.0);
        for observation in seen {
            let Observation { key, condition } = &observation;
            self.0.insert(key.clone(), condition.clone());
            if before.get(key) != Some(condition) {
                observe(observation);
            }
        }
        for (key, condition) in before {
            if condition != Condition::Absent && !self.0.contains_key(&key) {
                observe(Observation {
                    key,
                    condition: Condition::Absent,
                });
            }
        }
    }
}

fn observation(name: AlarmName, object: &str, present: Option<Present>) -> Observation {
    Observation {
        key: AlarmKey::new(name, object),
        condition: present.map_or(Condition::Absent, Condition::Present),
    }
}

/// Whether the last renewal of a bridge's certificate came to nothing.
pub(super) fn renewal(place: &Place, status: &Status, leaf: Option<&Leaf>) -> Observation {
    let failed = !status.problem.is_empty() && status.managed;
    let present = failed.then(|| {
        let ends = leaf.map(|leaf| leaf.facts.not_after);
        let until = ends.map_or_else(String::new, |ends| {
            format!(" The one in use ends on {}.", date::text(ends))
        });
        Present {
            severity: Severity::Medium,
            step: String::new(),
            text: format!(
                "The certificate of {} could not be renewed by the internal CA: {}.{until}",
                place.name, status.problem
            ),
            rule: "internal-ca.renew".to_owned(),
            ends,
            details: vec![("file".to_owned(), place.chain.display().to_string())],
        }
    });
    observation(AlarmName::InternalCaRenewalFailed, &place.name, present)
}

/// Whether the CA lasts for one more certificate. `prepared`: the next one is there already.
pub(super) fn rotation(
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
        let next = if prepared {
            "The next one is prepared: install its anchor on every XSP, then xspd certs \
             rotate-internal-ca activate"
        } else {
            "Make the next one: xspd certs rotate-internal-ca prepare"
        };
        Present {
            severity,
            step: step.to_owned(),
            text: format!(
                "The internal CA ends on {}, and so does whatever it issues from now on. {next}.",
                date::text(ca.not_after)
            ),
            rule: "internal-ca.client-lifetime".to_owned(),
            ends: Some(ca.not_after),
            details: vec![("fingerprint".to_owned(), ca.fingerprint.to_string())],
        }
    });
    observation(AlarmName::InternalCaRotationDue, SET, present)
}

/// Whether the CA before the one that issues can go.
pub(super) fn unused(old: &CertificateFacts, verdict: Verdict, now: SystemTime) -> Observation {
    let present = match verdict {
        Verdict::New | Verdict::Used => None,
        Verdict::Unused(since) => {
            let since = date::from_unix(since).unwrap_or(now);
            Some(Present {
                severity: Severity::Informational,
                step: String::new(),
                // Days would make another sentence of it each day.
                text: format!(
                    "The internal CA before this one ({}) has had no certificate in use here since \
                     {}: it is safe to remove, once the same is true on every node: xspd certs \
                     rotate-internal-ca retire.",
                    old.fingerprint.short(),
                    date::text(since)
                ),
                rule: format!("unused for {QUIET_DAYS} days"),
                ends: None,
                details: vec![("fingerprint".to_owned(), old.fingerprint.to_string())],
            })
        }
    };
    let object = old.fingerprint.short();
    observation(AlarmName::InternalCaGenerationUnused, &object, present)
}
