//! What an import will do to a trust directory, worked out before anything is touched.

use std::collections::BTreeSet;

use crate::domain::certs::Generation;
use crate::domain::certs::TrustDiff;
use crate::domain::certs::trust_usage::LastUse;
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
    /// Files of older generations that stay, since they let clients in, or may.
    pub(super) needed: Vec<(String, LastUse)>,
    /// Files of other older generations; they are renamed.
    pub(super) retire: Vec<String>,
    /// The anchors before and after.
    pub(super) diff: TrustDiff,
    /// The file is older than what is there.
    pub(super) older: bool,
}

/// Plans the import of `new` beside the generations `held`, of which `last_use` tells what speaks for
/// each file. With `force` nothing speaks for any.
pub(super) fn plan(
    new: &Generation,
    held: &[Generation],
    last_use: impl Fn(&str) -> LastUse,
    force: bool,
) -> Plan {
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
    let (mut needed, mut retire) = (Vec::new(), Vec::new());
    let mut staying = newest.clone();
    for group in groups {
        let uses: Vec<_> = names(&group)
            .into_iter()
            .map(|name| {
                let last_use = last_use(&name);
                (name, last_use)
            })
            .collect();
        // One file of a group is nothing without the others.
        if force || uses.iter().all(|(_, last_use)| *last_use == LastUse::Quiet) {
            retire.extend(uses.into_iter().map(|(name, _)| name));
        } else {
            needed.extend(uses);
            staying.extend(group);
        }
    }
    let after = staying.iter().copied().chain([new]);
    let diff = TrustDiff::between(
        held.iter().flat_map(Generation::all),
        after.flat_map(Generation::all),
    );
    Plan::TakeIn(Box::new(Change {
        beside: names(&newest),
        needed,
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
