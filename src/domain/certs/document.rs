//! What is watched as JSON: the same from the daemon and from a verb that looks for itself.

use std::time::SystemTime;

use serde_json::Value;
use serde_json::json;

use crate::domain::alarms::Severity;
use crate::domain::certs::date;
use crate::domain::certs::facts::CertificateFacts;
use crate::domain::certs::watchlist::Board;
use crate::domain::certs::watchlist::PlaceState;
use crate::domain::certs::watchlist::Problem;
use crate::domain::certs::watchlist::Standing;

/// Most names of one certificate that are listed.
const LISTED: usize = 100;

/// Everything, what ends first first.
#[must_use]
pub fn board(board: &Board, now: SystemTime) -> Value {
    let all: Vec<Value> = board
        .standings
        .iter()
        .map(|standing| certificate(standing, now))
        .collect();
    json!({
        "at": board.at.map(date::text),
        "severity": board.severity().map(Severity::word),
        "next-to-end": board.next_end(now).map(|standing| standing.watched.id.as_str()),
        "certificates": all,
    })
}

/// One object with all that is known of it.
#[must_use]
pub fn certificate(standing: &Standing, now: SystemTime) -> Value {
    let watched = &standing.watched;
    let chain = standing.chain.as_ref();
    let chain: Vec<Value> = chain
        .map(|chain| chain.certificates().iter().map(facts).collect())
        .unwrap_or_default();
    json!({
        "name": watched.id.as_str(),
        "kind": watched.kind.word(),
        "role": watched.duty.word(),
        "listener": watched.listener,
        "source": watched.entry.as_ref(),
        "state": standing.word(),
        "unseen": standing.is_unseen(),
        "severity": standing.severity().map(Severity::word),
        "not-before": standing.not_before.map(date::text),
        "not-after": standing.not_after.map(date::text),
        "not-after-seconds": standing.not_after.map(date::to_unix),
        "not-before-seconds": standing.not_before.map(date::to_unix),
        "ended": standing.is_over(now),
        "superseded": watched.superseded,
        "renewal-due": standing.renewal_due.map(date::text),
        "next-step": standing.next_step.map(date::text),
        "bands": watched.bands.words(),
        "bands-key": watched.bands_key,
        "owner": watched.care.owner,
        "notes": watched.care.notes,
        "runbook-url": watched.care.runbook_url,
        "region": watched.care.region,
        "seen-at": standing.seen_at.as_ref().map(ToString::to_string),
        "places": standing.places.iter().map(place).collect::<Vec<_>>(),
        "problems": standing.problems.iter().map(problem).collect::<Vec<_>>(),
        "remarks": standing.notes,
        "chain": chain,
        "crl": standing.crl.as_ref().map(|crl| json!({
            "issuer": crl.issuer,
            "number": crl.number,
            "this-update": date::text(crl.this_update),
            "next-update": crl.next_update.map(date::text),
            "revoked": crl.len(),
        })),
    })
}

fn place(state: &PlaceState) -> Value {
    json!({
        "kind": state.place.kind.word(),
        "name": state.place.name,
        "up": state.up,
        "lost": state.lost,
        "fault": state.fault.as_ref().map(|fault| fault.word()),
        "detail": state.fault.as_ref().map(ToString::to_string),
        "fingerprint": state.leaf.map(|leaf| leaf.to_string()),
    })
}

fn problem(problem: &Problem) -> Value {
    json!({
        "alarm": problem.alarm.word(),
        "severity": problem.severity.word(),
        "step": problem.step,
        "text": problem.text,
        "rule": problem.rule,
    })
}

fn facts(facts: &CertificateFacts) -> Value {
    json!({
        "subject": facts.subject,
        "issuer": facts.issuer,
        "serial": facts.serial,
        "fingerprint": facts.fingerprint.to_string(),
        "not-before": date::text(facts.not_before),
        "not-after": date::text(facts.not_after),
        "dns-names": facts.dns_names.iter().take(LISTED).collect::<Vec<_>>(),
        "key": facts.key.to_string(),
        "signature": facts.signature.to_string(),
    })
}
