//! What is published: for every object the absolute times, and what is wrong.

use std::sync::Arc;
use std::time::SystemTime;

use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Severity;
use crate::domain::certs::crl::Crl;
use crate::domain::certs::date;
use crate::domain::certs::inventory::Watched;
use crate::domain::certs::judgement::ChainSeen;
use crate::domain::certs::source::Place;
use crate::domain::certs::source::SourceFault;
use crate::domain::ids::Fingerprint;

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
