//! What differs between two sets of trust anchors, by fingerprint: names may repeat.

use std::collections::BTreeSet;

use crate::domain::certs::trust_file::Anchor;
use crate::domain::ids::Fingerprint;

/// The difference between an old and a new set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustDiff {
    /// Only in the new set.
    pub added: Vec<Anchor>,
    /// Only in the old set.
    pub removed: Vec<Anchor>,
    /// In both.
    pub kept: Vec<Anchor>,
    /// Added anchors that carry the name of an anchor of the old set.
    pub namesakes: Vec<Namesake>,
}

/// A new anchor with an old name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namesake {
    /// Subject of both.
    pub subject: String,
    /// The one in the old set.
    pub old: Fingerprint,
    /// The one that was added.
    pub new: Fingerprint,
    /// Whether the key changed with it.
    pub key: KeyChange,
}

/// Whether a certificate of the same name carries the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyChange {
    /// Another key: a new generation.
    New,
    /// The same key: the certificate was issued again, with other dates for example.
    Same,
}

impl TrustDiff {
    /// Compares by fingerprint; the order of the sets is kept.
    pub fn between<'a>(
        old: impl IntoIterator<Item = &'a Anchor>,
        new: impl IntoIterator<Item = &'a Anchor>,
    ) -> Self {
        let old: Vec<&Anchor> = old.into_iter().collect();
        let was: BTreeSet<Fingerprint> =
            old.iter().map(|anchor| anchor.facts.fingerprint).collect();
        let mut is = BTreeSet::new();
        let mut diff = Self::default();
        for anchor in new {
            if !is.insert(anchor.facts.fingerprint) {
                continue;
            }
            if was.contains(&anchor.facts.fingerprint) {
                diff.kept.push(anchor.clone());
                continue;
            }
            let namesakes = old
                .iter()
                .filter(|held| held.facts.subject_der == anchor.facts.subject_der)
                .map(|held| Namesake::of(held, anchor));
            diff.namesakes.extend(namesakes);
            diff.added.push(anchor.clone());
        }
        let gone = old
            .into_iter()
            .filter(|anchor| !is.contains(&anchor.facts.fingerprint));
        diff.removed.extend(gone.cloned());
        diff
    }

    /// Whether the two sets hold the same anchors.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

impl Namesake {
    fn of(old: &Anchor, new: &Anchor) -> Self {
        let key = if old.facts.spki_sha256 == new.facts.spki_sha256 {
            KeyChange::Same
        } else {
            KeyChange::New
        };
        Self {
            subject: new.facts.subject.clone(),
            old: old.facts.fingerprint,
            new: new.facts.fingerprint,
            key,
        }
    }
}
