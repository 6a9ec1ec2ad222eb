//! Files that the newest one of an object hides.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::SystemTime;

use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Severity;
use crate::domain::alarms::catalogue;
use crate::domain::alarms::observation::Present;
use crate::domain::certs::date;
use crate::domain::certs::facts::CertificateFacts;
use crate::domain::certs::facts::Validity;
use crate::domain::certs::name_parts::NameParts;
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
/// holds a newer one. That may be that of another host with the same name; what is clearly its
/// successor is left aside.
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
        let told = other && point.severity.is_some() && !is_replaced(leaf, newest, now.wall);
        told.then_some((place, leaf.not_after))
    })
}

/// Whether the newest certificate replaced another: the same names from the same CA, and it began
/// while the other one lasted, or that is over. Archives of renewals keep such files for ever.
fn is_replaced(old: &CertificateFacts, newest: &CertificateFacts, now: SystemTime) -> bool {
    let names = |facts: &CertificateFacts| -> BTreeSet<String> {
        let names = facts.dns_names.iter();
        names.map(|name| name.to_ascii_lowercase()).collect()
    };
    // Public CAs issue from several intermediates in turn.
    let same_issuer = || {
        let organization = |facts: &CertificateFacts| NameParts::of(&facts.issuer_der).organization;
        let own = organization(old);
        old.issuer_der == newest.issuer_der || !own.is_empty() && own == organization(newest)
    };
    let follows = old.not_before < newest.not_before && newest.not_before <= old.not_after;
    let over = old.validity_at(now) == Validity::Over;
    (follows || over) && names(old) == names(newest) && same_issuer()
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
    let found = told(
        standing,
        Severity::Medium,
        catalogue::FILES,
        text,
        rule,
        end,
    );
    present.insert(AlarmName::CertificateNodesDiffer, found);
}
