//! What is published: for every object the absolute times, and what is wrong.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Severity;
use crate::domain::certs::crl::Crl;
use crate::domain::certs::date;
use crate::domain::certs::facts::CertificateFacts;
use crate::domain::certs::inventory::Watched;
use crate::domain::certs::judgement::ChainSeen;
use crate::domain::certs::source::Place;
use crate::domain::certs::source::SourceFault;
use crate::domain::ids::Fingerprint;

/// How something stands that nobody has seen yet.
pub const UNSEEN: &str = "unseen";

/// One thing that is wrong with an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The alarm that it raises.
    pub alarm: AlarmName,
    /// How bad.
    pub severity: Severity,
    /// Threshold or words of the findings.
    pub step: String,
    /// One sentence.
    pub text: String,
    /// The rule that fired.
    pub rule: String,
}

/// One place and how it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceState {
    /// The place.
    pub place: Place,
    /// Whether the last look succeeded.
    pub up: bool,
    /// Whether so many looks failed in a row that the place is lost.
    pub lost: bool,
    /// Why it did not.
    pub fault: Option<SourceFault>,
    /// The leaf that was last seen there.
    pub leaf: Option<Fingerprint>,
}

/// One object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Which one, and what is asked of it.
    pub watched: Arc<Watched>,
    /// The chain that counts.
    pub chain: Option<Arc<ChainSeen>>,
    /// The revocation list that it is.
    pub crl: Option<Arc<Crl>>,
    /// Where it was seen.
    pub seen_at: Option<Place>,
    /// From when.
    pub not_before: Option<SystemTime>,
    /// Until when; `None` when it has no end, or nothing was ever seen.
    pub not_after: Option<SystemTime>,
    /// When it should renew itself.
    pub renewal_due: Option<SystemTime>,
    /// When it next becomes worse.
    pub next_step: Option<SystemTime>,
    /// Everything that raises an alarm, the worst first.
    pub problems: Vec<Problem>,
    /// What is worth a note only.
    pub notes: Vec<String>,
    /// Every place of it.
    pub places: Vec<PlaceState>,
}

impl Standing {
    /// The worst of its problems.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        self.problems.iter().map(|problem| problem.severity).max()
    }

    /// Whether nothing of it was seen since the start of the daemon, so that nobody knows how it is.
    #[must_use]
    pub const fn is_unseen(&self) -> bool {
        self.seen_at.is_none()
    }

    /// How it stands, in a word: how bad its worst problem is, else `unseen` or `ok`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self.severity() {
            Some(severity) => severity.word(),
            None if self.is_unseen() => UNSEEN,
            None => "ok",
        }
    }

    /// Every certificate of its chain, each once, and whether its end takes anything away. What lies
    /// beside the way from the leaf to its root is left aside by clients, which have roots of their
    /// own; and of two anchors with one name the newer one is enough.
    #[must_use]
    pub fn certificates(&self) -> Vec<(&CertificateFacts, bool)> {
        let Some(chain) = &self.chain else {
            return Vec::new();
        };
        let all = chain.certificates();
        // When all of them are over, what lies beside the way is all that is over beside it.
        let last = all.iter().map(|facts| facts.not_after).max();
        let after = last.and_then(|last| last.checked_add(Duration::from_secs(1)));
        let strays: Vec<_> = after
            .into_iter()
            .flat_map(|after| chain.stray_and_over(after))
            .collect();
        let is_stray =
            |facts: &CertificateFacts| strays.iter().any(|stray| std::ptr::eq(*stray, facts));
        let print = |facts: &CertificateFacts| *facts.fingerprint.as_bytes();
        let counting: BTreeSet<_> = all
            .iter()
            .enumerate()
            .filter(|(at, facts)| *at == 0 || !facts.self_issued && !is_stray(facts))
            .map(|(_, facts)| print(facts))
            .collect();
        let mut seen = BTreeSet::new();
        all.iter()
            .filter(|facts| seen.insert(print(facts)))
            .map(|facts| {
                let counts = counting.contains(&print(facts)) && !self.watched.superseded;
                (facts, counts)
            })
            .collect()
    }

    /// Whether its end has passed.
    #[must_use]
    pub fn is_over(&self, now: SystemTime) -> bool {
        self.not_after
            .is_some_and(|end| date::to_unix(now) > date::to_unix(end))
    }
}

/// All objects, what ends first first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Board {
    /// When they were judged; `None` before the first time.
    pub at: Option<SystemTime>,
    /// The objects.
    pub standings: Vec<Arc<Standing>>,
}

impl Board {
    pub(super) fn new(at: SystemTime, mut standings: Vec<Arc<Standing>>) -> Self {
        // What never ends comes last; names make the order the same every time.
        standings.sort_by(|one, other| {
            let key = |standing: &Standing| (standing.not_after.is_none(), standing.not_after);
            key(one)
                .cmp(&key(other))
                .then_with(|| one.watched.id.cmp(&other.watched.id))
        });
        Self {
            at: Some(at),
            standings,
        }
    }

    /// What is to end next, of what has not ended yet.
    #[must_use]
    pub fn next_end(&self, now: SystemTime) -> Option<&Standing> {
        let mut ahead = self
            .standings
            .iter()
            .filter(|standing| standing.not_after.is_some_and(|end| end >= now));
        ahead.next().map(AsRef::as_ref)
    }

    /// The worst of all.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        let all = self.standings.iter();
        all.filter_map(|standing| standing.severity()).max()
    }

    /// One object by its name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Arc<Standing>> {
        let mut all = self.standings.iter();
        all.find(|standing| standing.watched.id.as_str() == name)
    }
}
