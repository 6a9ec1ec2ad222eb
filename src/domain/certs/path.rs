//! The way from a leaf to its root among certificates that are sent together. Clients look for it
//! whatever else is there, so that only what lies on it can make them refuse.

use crate::domain::certs::chain::Held;
use crate::domain::certs::chain::issued_by;
use crate::domain::certs::roots::Roots;
use crate::domain::certs::signature::Signed;

/// Where a way ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The leaf is signed by itself.
    Leaf,
    /// Its last one was issued by somebody who is not there, and whom clients must have.
    Open,
    /// At a copy of a root that clients have themselves, by its place in the list.
    Root(usize),
}

/// The way, as places in the list: the leaf and each issuer above it, without the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) links: Vec<usize>,
    pub(super) end: End,
}

impl Way {
    /// Those on the way, and the root where it is there, from the leaf up.
    pub(super) fn whole(&self) -> impl Iterator<Item = usize> {
        let root = match self.end {
            End::Leaf | End::Open => None,
            End::Root(root) => Some(root),
        };
        self.links.iter().copied().chain(root)
    }
}

/// Finds the way from the first one. Of two issuers with one name and key clients take the one that
/// lasts; where there is a root that they have, they go no further.
pub(super) fn find(all: &[Held<'_>], roots: &Roots) -> Way {
    let mut way = Way {
        links: Vec::new(),
        end: End::Open,
    };
    let Some(leaf) = all.first() else {
        return way;
    };
    way.links.push(0);
    if leaf.is_root() {
        way.end = End::Leaf;
        return way;
    }
    // Which way one was meant that begins with a CA is not known: all of it counts.
    if leaf.facts.is_ca() {
        let rest = all.iter().enumerate().skip(1);
        let counts = rest.filter(|(_, held)| !held.is_root() && !roots.hold(&held.facts));
        way.links.extend(counts.map(|(nth, _)| nth));
        return way;
    }
    let mut left: Vec<(usize, &Held<'_>)> = all.iter().enumerate().skip(1).collect();
    let mut last = leaf;
    loop {
        let issuers = left.iter().copied();
        let issuers = issuers.filter(|(_, held)| issued_by(last, held) != Signed::No);
        let issuers: Vec<(usize, &Held<'_>)> = issuers.collect();
        let is_root = |held: &Held<'_>| held.is_root() || roots.hold(&held.facts);
        if let Some((root, _)) = issuers.iter().find(|(_, held)| is_root(held)) {
            way.end = End::Root(*root);
            return way;
        }
        let lasting = issuers.iter().max_by_key(|(_, held)| held.facts.not_after);
        let Some((nth, issuer)) = lasting.copied() else {
            return way;
        };
        left.retain(|(_, held)| held.facts.subject_der != issuer.facts.subject_der);
        way.links.push(nth);
        last = issuer;
    }
}
