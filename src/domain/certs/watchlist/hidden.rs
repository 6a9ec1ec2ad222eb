//! Files that the newest one of an object hides.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Severity;
use crate::domain::alarms::observation::Present;
use crate::domain::certs::date;
use crate::domain::certs::schedule::Span;
use crate::domain::certs::source::Place;
use crate::domain::certs::source::PlaceKind;
use crate::domain::certs::watchlist::Rules;
use crate::domain::certs::watchlist::Standing;
use crate::domain::certs::watchlist::evaluate;
use crate::domain::certs::watchlist::held::Held;
use crate::domain::certs::watchlist::phrases::listed;
use crate::domain::certs::watchlist::phrases::told;
use crate::domain::machine::Now;

/// Files whose certificate is about to end and does not count because another file of the object
/// holds a newer one. That may be its successor, or that of another host with the same name.
pub(super) fn hidden<'a>(
    held: &'a Held,
    rules: &Rules,
    now: Now,
) -> impl Iterator<Item = (&'a Place, SystemTime)> {
    let counting = evaluate::counting(&held.places, rules)
        .filter(|counting| counting.place.kind == PlaceKind::File)
        .and_then(|counting| counting.chain?.leaf());
    let after = rules.lost_after;
    held.places.iter().filter_map(move |(place, looked)| {
        let (newest, leaf) = (counting?, looked.chain()?.leaf()?);
        let other = place.kind == PlaceKind::File
            && !looked.is_lost(after)
            && leaf.fingerprint != newest.fingerprint;
        let watched = held.watched();
        let span = Span::new(Some(leaf.not_before), leaf.not_after);
        let point = watched
            .bands
            .judge(&watched.bands_key, span, None, now.wall);
        (other && point.severity.is_some()).then_some((place, leaf.not_after))
    })
}

/// Tells of them once they have lasted: a renewal may take a while.
pub(super) fn tell(
    held: &Held,
    standing: &Standing,
    rules: &Rules,
    now: Now,
    present: &mut BTreeMap<AlarmName, Present>,
) {
    let lasted = |since| now.mono.saturating_duration_since(since) >= rules.nodes_grace;
    if !held.files_differ_since.is_some_and(lasted) {
        return;
    }
    let all = hidden(held, rules, now);
    let all = all.map(|(place, end)| format!("{} ends {}", place.name, date::text(end)));
    let text = format!(
        "{}: files hold different certificates of this name, and only the newest is judged: {}. \
         Renew what is in use there, or remove what is not.",
        standing.watched.id,
        listed(&all.collect::<Vec<_>>())
    );
    let rule = "certificates.nodes-grace";
    let end = standing.not_after;
    let found = told(standing, Severity::Medium, "files", text, rule, end);
    present.insert(AlarmName::CertificateNodesDiffer, found);
}
