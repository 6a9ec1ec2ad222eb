//! What is served is not what is stored, or nodes differ among each other.

use std::collections::BTreeMap;
use std::time::Duration;
use std::time::Instant;

use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Severity;
use crate::domain::alarms::observation::Present;
use crate::domain::certs::judgement::ChainSeen;
use crate::domain::certs::source::Place;
use crate::domain::certs::source::PlaceKind;
use crate::domain::certs::watchlist::Rules;
use crate::domain::certs::watchlist::Standing;
use crate::domain::certs::watchlist::held::Held;
use crate::domain::certs::watchlist::held::Looked;
use crate::domain::certs::watchlist::phrases::listed;
use crate::domain::certs::watchlist::phrases::told;
use crate::domain::ids::Fingerprint;
use crate::domain::machine::Now;

/// Served places that show, or showed last, what no file holds. What was last served is not over
/// because nobody answers.
pub(super) fn undeployed<'a>(
    held: &'a Held,
    rules: &Rules,
) -> impl Iterator<Item = (&'a Place, &'a Looked)> {
    let stored: Vec<&ChainSeen> = stored(held, rules).map(|(_, _, chain)| chain).collect();
    held.places.iter().filter(move |(place, looked)| {
        let differs = |chain: &ChainSeen| {
            let is_it = |other: &&ChainSeen| is_same(place.kind, other, chain);
            !stored.is_empty() && !stored.iter().any(is_it)
        };
        place.kind.is_served() && looked.chain().is_some_and(|chain| differs(chain))
    })
}

fn stored<'a>(
    held: &'a Held,
    rules: &Rules,
) -> impl Iterator<Item = (&'a Place, &'a Looked, &'a ChainSeen)> {
    let after = rules.lost_after;
    let files = held.places.iter();
    let files = files
        .filter(move |(place, looked)| place.kind == PlaceKind::File && !looked.is_lost(after));
    files.filter_map(|(place, looked)| Some((place, looked, looked.chain()?.as_ref())))
}

/// Our own listeners send a file as it is. Of others it is only the certificate that must be the
/// same: they leave a root out, or mend the order.
fn is_same(kind: PlaceKind, stored: &ChainSeen, served: &ChainSeen) -> bool {
    leaf(stored) == leaf(served)
        && (kind != PlaceKind::Served || stored.presented() == served.presented())
}

fn leaf(chain: &ChainSeen) -> Option<Fingerprint> {
    chain.leaf().map(|leaf| leaf.fingerprint)
}

/// Whether what differs has lasted: it was asked once more when the patience with it was over. A
/// listener takes its time to reload, and one look at it may be from before the file changed.
pub(super) fn has_lasted(held: &Held, rules: &Rules) -> bool {
    let asked_since = |at: Instant| {
        let mut asked = undeployed(held, rules).map(|(_, looked)| looked.asked);
        asked.any(|asked| asked >= at)
    };
    due(held, rules).is_some_and(asked_since)
}

/// When the patience with what differs is over.
pub(super) fn due(held: &Held, rules: &Rules) -> Option<Instant> {
    Some(held.differs_since? + rules.deploy_grace)
}

/// Tells both.
pub(super) fn tell(
    held: &Held,
    standing: &Standing,
    rules: &Rules,
    now: Now,
    present: &mut BTreeMap<AlarmName, Present>,
) {
    let name = &standing.watched.id;
    if has_lasted(held, rules) {
        // The one that is served may end soon while its successor lies unused.
        let ending = present.get(&AlarmName::CertificateExpiring);
        let severity = ending.map_or(Severity::Medium, |found| {
            found.severity.max(Severity::Medium)
        });
        let text = not_deployed(held, standing, rules);
        let rule = "certificates.deploy-grace";
        let found = told(standing, severity, "", text, rule, standing.not_after);
        present.insert(AlarmName::CertificateNotDeployed, found);
    }
    let lasted = |since: Option<Instant>, grace: Duration| {
        since.is_some_and(|since| now.mono.saturating_duration_since(since) >= grace)
    };
    if lasted(held.nodes_differ_since, rules.nodes_grace) {
        let text = format!(
            "{name}: nodes serve different certificates: {}. Install the newest on all of them.",
            where_seen(held, rules, &[PlaceKind::Probe])
        );
        let rule = "certificates.nodes-grace";
        let (severity, end) = (Severity::Medium, standing.not_after);
        let found = told(standing, severity, "", text, rule, end);
        present.insert(AlarmName::CertificateNodesDiffer, found);
    }
}

fn not_deployed(held: &Held, standing: &Standing, rules: &Rules) -> String {
    let name = &standing.watched.id;
    let remedy = "Reload the daemon, or install the certificate there.";
    let same = undeployed(held, rules).find_map(|(place, looked)| {
        let served = looked.chain()?;
        let mut files = stored(held, rules);
        let (file, _, stored) = files.find(|(_, _, stored)| leaf(stored) == leaf(served))?;
        let count = |chain: &ChainSeen| chain.certificates().len();
        Some((file, count(stored), place, count(served)))
    });
    match same {
        Some((file, stored, place, served)) => format!(
            "{name}: the certificate that is served is that of the file, but what is sent with it \
             is not: the chain in {} has {stored} certificates, that of {} {served}. {remedy}",
            file.name, place.name
        ),
        None => format!(
            "{name}: what is served is not what the file holds: {}; {}. {remedy}",
            where_seen(held, rules, &[PlaceKind::File]),
            where_seen(held, rules, &[PlaceKind::Served, PlaceKind::Probe])
        ),
    }
}

fn where_seen(held: &Held, rules: &Rules, kinds: &[PlaceKind]) -> String {
    let places = held.places.iter().filter(|(place, looked)| {
        let last_known = place.kind.is_served() || !looked.is_lost(rules.lost_after);
        kinds.contains(&place.kind) && looked.leaf().is_some() && last_known
    });
    let all: Vec<String> = places
        .map(|(place, looked)| {
            let leaf = looked.leaf().map(|leaf| leaf.short()).unwrap_or_default();
            let word = if looked.is_lost(rules.lost_after) {
                "last had"
            } else {
                "has"
            };
            format!("{} {word} {leaf}", place.name)
        })
        .collect();
    listed(&all)
}
