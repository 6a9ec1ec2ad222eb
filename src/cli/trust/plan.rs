//! What an import will do to a trust directory, worked out before anything is touched.

use std::collections::BTreeSet;

use crate::domain::certs::Generation;
use crate::domain::certs::TrustDiff;
use crate::domain::ids::Fingerprint;

/// What an import will do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// The directory holds the same anchors already, in these files.
    NothingToDo { held_in: Vec<String> },
    /// The file comes in.
    TakeIn(Box<Change>),
}

/// What changes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// Files of the newest generation so far; they stay.
    pub(super) beside: Vec<String>,
    /// Files of older generations; they are renamed.
    pub(super) retire: Vec<String>,
    /// The anchors before and after.
    pub(super) diff: TrustDiff,
    /// The file is older than what is there.
    pub(super) older: bool,
}

/// Plans the import of `new` beside the generations `held`.
pub(super) fn plan(new: &Generation, held: &[Generation]) -> Plan {
    let groups = groups(held);
    let wanted = fingerprints(&[new]);
    if let Some(same) = groups.iter().find(|group| fingerprints(group) == wanted) {
        return Plan::NothingToDo {
            held_in: names(same),
        };
    }
    let mut groups = groups.into_iter();
    let newest = groups.next().unwrap_or_default();
    let older = newest.iter().any(|held| held.born() > new.born());
    let retire: Vec<String> = groups.flat_map(|group| names(&group)).collect();
    let after = newest.iter().copied().chain([new]);
    let diff = TrustDiff::between(
        held.iter().flat_map(Generation::all),
        after.flat_map(Generation::all),
    );
    Plan::TakeIn(Box::new(Change {
        beside: names(&newest),
        retire,
        diff,
        older,
    }))
}

/// Files that belong together, newest first: an issuing certificate and its root may stand in two
/// files, and one is useless without the other.
fn groups(held: &[Generation]) -> Vec<Vec<&Generation>> {
    let mut groups: Vec<Vec<&Generation>> = Vec::new();
    for generation in held {
        let (mut joined, apart): (Vec<_>, Vec<_>) = groups
            .into_iter()
            .partition(|group| group.iter().any(|other| belong_together(generation, other)));
        let mut group: Vec<&Generation> = joined.drain(..).flatten().collect();
        group.push(generation);
        groups = apart;
        groups.push(group);
    }
    groups.sort_by_key(|group| {
        let born = group.iter().map(|generation| generation.born()).max();
        std::cmp::Reverse((born, names(group)))
    });
    groups
}

fn belong_together(one: &Generation, other: &Generation) -> bool {
    rests_on(one, other) || rests_on(other, one)
}

/// Whether a certificate of `upper` is signed by one that `upper` lacks and `lower` has.
fn rests_on(upper: &Generation, lower: &Generation) -> bool {
    let own = fingerprints(&[upper]);
    let others = fingerprints(&[lower]);
    upper
        .all()
        .any(|anchor| !own.contains(&anchor.issued_by) && others.contains(&anchor.issued_by))
}

fn fingerprints(generations: &[&Generation]) -> BTreeSet<Fingerprint> {
    generations
        .iter()
        .flat_map(|generation| generation.all())
        .map(|anchor| anchor.facts.fingerprint)
        .collect()
}

fn names(generations: &[&Generation]) -> Vec<String> {
    generations
        .iter()
        .map(|generation| generation.name.clone())
        .collect()
}
