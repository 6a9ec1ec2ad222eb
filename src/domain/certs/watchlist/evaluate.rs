//! From what was seen of one object to the alarms that it means.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Severity;
use crate::domain::alarms::observation::Present;
use crate::domain::certs::date;
use crate::domain::certs::judgement::ChainSeen;
use crate::domain::certs::judgement::Finding;
use crate::domain::certs::remedy;
use crate::domain::certs::source::Place;
use crate::domain::certs::source::PlaceKind;
use crate::domain::certs::watchlist::Problem;
use crate::domain::certs::watchlist::Rules;
use crate::domain::certs::watchlist::Seen;
use crate::domain::certs::watchlist::Standing;
use crate::domain::certs::watchlist::deploy;
use crate::domain::certs::watchlist::ending::dates;
use crate::domain::certs::watchlist::held::Held;
use crate::domain::certs::watchlist::held::Looked;
use crate::domain::certs::watchlist::hidden;
use crate::domain::certs::watchlist::names::names;
use crate::domain::certs::watchlist::names::shown;
use crate::domain::certs::watchlist::phrases::LISTED;
use crate::domain::certs::watchlist::phrases::called;
use crate::domain::certs::watchlist::phrases::care;
use crate::domain::certs::watchlist::phrases::listed;
use crate::domain::certs::watchlist::phrases::told;
use crate::domain::machine::Now;

/// Failed renewals in a row that are told.
const RENEWALS_FAILED: u32 = 3;

/// What an object comes to.
pub(super) struct Verdict {
    pub(super) standing: Standing,
    pub(super) present: BTreeMap<AlarmName, Present>,
}

/// Which place counts, and what is there.
pub(super) struct Counting<'a> {
    pub(super) place: &'a Place,
    pub(super) seen: &'a Seen,
    pub(super) chain: Option<&'a Arc<ChainSeen>>,
}

/// The place that counts: of what is served the one that ends first, else of the files the newest
/// one, else what somebody declared. What was once seen served counts until it is seen again: that
/// nobody answers does not mean that a newer file is in use. Other places that are lost count when
/// there is no other.
pub(super) fn counting<'a>(
    places: &'a BTreeMap<Place, Looked>,
    rules: &Rules,
) -> Option<Counting<'a>> {
    let known: Vec<(&Place, &Looked, &Seen)> = places
        .iter()
        .filter_map(|(place, looked)| Some((place, looked, looked.seen()?)))
        .collect();
    let pick = |of: &dyn Fn(&Place, &Looked) -> bool, first_to_end: bool| {
        let held = known.iter().filter(|(place, looked, _)| of(place, looked));
        let by_end =
            |(_, _, seen): &&&(&Place, &Looked, &Seen)| end(seen).map_or(i64::MAX, date::to_unix);
        if first_to_end {
            held.min_by_key(|one| by_end(&one))
        } else {
            held.max_by_key(|one| by_end(&one))
        }
    };
    let up = |looked: &Looked| !looked.is_lost(rules.lost_after);
    let is_served = |place: &Place| place.kind.is_served();
    let is_file = |place: &Place| place.kind == PlaceKind::File;
    let found = pick(&|place, _| is_served(place), true)
        .or_else(|| pick(&|place, looked| is_file(place) && up(looked), false))
        .or_else(|| pick(&|_, looked| up(looked), true))
        .or_else(|| pick(&|_, _| true, true));
    found.map(|(place, looked, seen)| Counting {
        place,
        seen,
        chain: looked.chain(),
    })
}

fn end(seen: &Seen) -> Option<SystemTime> {
    match seen {
        Seen::Account(_) => None,
        Seen::Chain(chain) => chain.first_to_end().map(|facts| facts.not_after),
        Seen::Crl(crl) => crl.next_update,
        Seen::Dates { end, .. } => *end,
    }
}

/// Judges one object.
pub(super) fn judge(
    held: &Held,
    counting: Option<Counting<'_>>,
    lost_purpose: Option<Finding>,
    rules: &Rules,
    now: Now,
) -> Verdict {
    let watched = held.watched();
    let mut present = BTreeMap::new();
    let mut standing = Standing {
        watched: Arc::clone(watched),
        chain: None,
        crl: None,
        seen_at: None,
        not_before: None,
        not_after: None,
        renewal_due: None,
        next_step: None,
        problems: Vec::new(),
        notes: Vec::new(),
        places: Vec::new(),
    };
    if let Some(counting) = &counting {
        standing.seen_at = Some(counting.place.clone());
        standing.chain = counting.chain.cloned();
        dates(&mut standing, counting, &mut present, now);
        account(&mut standing, counting.seen, &mut present);
        findings(&mut standing, lost_purpose, &mut present);
        strays(&mut standing, now);
        hidden::tell(held, &standing, rules, now, &mut present);
        deploy::tell(held, &standing, rules, now, &mut present);
    }
    renewal_failures(&standing, now, &mut present);
    lost(held, rules, &mut present);
    // A place of another kind than is usual must not raise what nobody would clear.
    let (told, shown) = (names(watched), shown(watched));
    present.retain(|name, _| told.contains(name) || shown.contains(name));
    remedy::tell(watched, &mut present);
    let mut problems: Vec<Problem> = present
        .iter()
        .map(|(alarm, present)| Problem {
            alarm: *alarm,
            severity: present.severity,
            step: present.step.clone(),
            text: present.text.clone(),
            rule: present.rule.clone(),
        })
        .collect();
    problems.sort_by_key(|problem| std::cmp::Reverse(problem.severity));
    standing.problems = problems;
    present.retain(|name, _| told.contains(name));
    Verdict { standing, present }
}

/// Whose it is, and whether it is taken.
fn account(standing: &mut Standing, seen: &Seen, present: &mut BTreeMap<AlarmName, Present>) {
    if let Seen::Account(account) = seen {
        let (url, directory) = (&account.url, &account.directory);
        let note = format!("It is {url} at the CA of {directory}.");
        standing.notes.push(note);
        let refusal = account.refusal();
        present.extend(refusal.map(|refusal| (AlarmName::CertificateRenewalFailed, refusal)));
    }
}

/// What is wrong whatever the time.
fn findings(
    standing: &mut Standing,
    lost_purpose: Option<Finding>,
    present: &mut BTreeMap<AlarmName, Present>,
) {
    let Some(chain) = standing.chain.clone() else {
        return;
    };
    let mut by_alarm: BTreeMap<AlarmName, (Severity, Vec<&Finding>)> = BTreeMap::new();
    for finding in chain.findings().iter().chain(&lost_purpose) {
        match finding.alarm() {
            Some((alarm, severity)) => {
                let entry = by_alarm.entry(alarm).or_insert((severity, Vec::new()));
                entry.0 = entry.0.max(severity);
                entry.1.push(finding);
            }
            None => standing.notes.push(finding.to_string()),
        }
    }
    let what = called(&standing.watched, chain.leaf());
    for (alarm, (severity, found)) in by_alarm {
        let mut words: Vec<&str> = found.iter().map(|finding| finding.word()).collect();
        words.dedup();
        words.truncate(LISTED);
        let step = words.join(",");
        let worst = found
            .iter()
            .max_by_key(|finding| finding.alarm().map(|(_, severity)| severity));
        let sentence = worst.map(ToString::to_string).unwrap_or_default();
        let text = format!("{what}: {sentence}");
        let rule = format!("finding {step}");
        let told = told(standing, severity, &step, text, &rule, standing.not_after);
        present.insert(alarm, told);
    }
}

/// What is sent besides the chain and is over: clients need not care, so it is worth a note.
fn strays(standing: &mut Standing, now: Now) {
    let Some(chain) = standing.chain.clone() else {
        return;
    };
    let notes = chain.stray_and_over(now.wall).map(|facts| {
        let end = date::text(facts.not_after);
        format!(
            "{} ended on {end} and does not belong to the chain. Leave it out.",
            facts.subject
        )
    });
    standing.notes.extend(notes.take(LISTED));
}

fn renewal_failures(standing: &Standing, now: Now, present: &mut BTreeMap<AlarmName, Present>) {
    let watched = &standing.watched;
    let Some(renewing) = watched
        .renewal
        .filter(|held| held.failures >= RENEWALS_FAILED)
    else {
        return;
    };
    let soon = standing
        .not_after
        .is_some_and(|end| date::days_between(now.wall, end) < 3);
    let severity = if soon {
        Severity::High
    } else {
        Severity::Medium
    };
    let until = standing
        .not_after
        .map(|end| format!("; it ends on {}", date::text(end)))
        .unwrap_or_default();
    let text = format!(
        "{} failed to renew itself {} times in a row{until}.",
        watched.id, renewing.failures
    );
    let rule = format!("{RENEWALS_FAILED} failed renewals in a row");
    let found = told(standing, severity, "", text, &rule, standing.not_after);
    present.insert(AlarmName::CertificateRenewalFailed, found);
}

/// Places that can no longer be read.
fn lost(held: &Held, rules: &Rules, present: &mut BTreeMap<AlarmName, Present>) {
    let lost: Vec<(&Place, &Looked)> = held
        .places
        .iter()
        .filter(|(_, looked)| looked.is_lost(rules.lost_after))
        .collect();
    let Some((first, looked)) = lost.first() else {
        return;
    };
    let word = looked.fault().map_or("missing", |fault| fault.word());
    let why = looked.fault().map(ToString::to_string).unwrap_or_default();
    let since = looked.failing_since.map(date::text).unwrap_or_default();
    let names: Vec<String> = lost.iter().map(|(place, _)| place.to_string()).collect();
    let unseen = match counting(&held.places, rules) {
        None if held.is_from_before() => {
            " Nothing of it was seen since the start of the daemon; what was an alarm before stays one."
        }
        Some(_) | None => "",
    };
    let text = format!(
        "{}: {} cannot be read since {since}: {why}{}.{unseen}",
        held.watched().id,
        first,
        match lost.len() {
            1 => String::new(),
            _ => format!(" ({})", listed(&names)),
        }
    );
    // What is stored is needed at the next start; a peer that is away has alarms of its own.
    let stored = lost
        .iter()
        .any(|(place, _)| matches!(place.kind, PlaceKind::File | PlaceKind::State));
    let severity = if stored {
        Severity::Medium
    } else {
        Severity::Low
    };
    let found = Present {
        severity,
        step: word.to_owned(),
        text,
        rule: format!("certificates.lost-after = {}", rules.lost_after),
        ends: None,
        details: care(held.watched()),
    };
    present.insert(AlarmName::CertificateSourceLost, found);
}
