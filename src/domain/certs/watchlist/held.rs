//! One object: what was last seen at each of its places, and what was told about it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use crate::domain::alarms::AlarmKey;
use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Condition;
use crate::domain::alarms::Observation;
use crate::domain::certs::facts::CertificateFacts;
use crate::domain::certs::inventory::Watched;
use crate::domain::certs::judgement;
use crate::domain::certs::judgement::ChainSeen;
use crate::domain::certs::judgement::Finding;
use crate::domain::certs::source::Place;
use crate::domain::certs::source::PlaceKind;
use crate::domain::certs::source::SourceFault;
use crate::domain::certs::watchlist::Absence;
use crate::domain::certs::watchlist::PlaceState;
use crate::domain::certs::watchlist::Round;
use crate::domain::certs::watchlist::Rules;
use crate::domain::certs::watchlist::Seen;
use crate::domain::certs::watchlist::Sighting;
use crate::domain::certs::watchlist::Standing;
use crate::domain::certs::watchlist::evaluate;
use crate::domain::certs::watchlist::evaluate::Verdict;
use crate::domain::certs::watchlist::hidden;
use crate::domain::certs::watchlist::names::names;
use crate::domain::ids::Fingerprint;
use crate::domain::machine::Now;

/// How often it is repeated that nothing is wrong: more than alarms hold back before they end.
const REPEATS: u8 = 3;

/// How long a lost purpose is told after a certificate was replaced.
const PURPOSE_TOLD: Duration = Duration::from_secs(14 * 86_400);

/// One place.
#[derive(Debug)]
pub(super) struct Looked {
    round: Round,
    /// Seen in the scan that is being taken in.
    fresh: bool,
    /// Failed looks in a row.
    fails: u32,
    fault: Option<SourceFault>,
    seen: Option<Seen>,
    /// Since when it fails, for people.
    pub(super) failing_since: Option<SystemTime>,
}

impl Looked {
    pub(super) const fn is_lost(&self, after: u32) -> bool {
        self.fails >= after
    }

    pub(super) fn leaf(&self) -> Option<Fingerprint> {
        self.chain()?.leaf().map(|leaf| leaf.fingerprint)
    }

    pub(super) const fn chain(&self) -> Option<&Arc<ChainSeen>> {
        match &self.seen {
            Some(Seen::Chain(chain)) => Some(chain),
            Some(Seen::Account(_) | Seen::Crl(_) | Seen::Dates { .. }) | None => None,
        }
    }

    pub(super) const fn seen(&self) -> Option<&Seen> {
        self.seen.as_ref()
    }

    pub(super) const fn fault(&self) -> Option<&SourceFault> {
        self.fault.as_ref()
    }

    fn fail(&mut self, fault: SourceFault, now: Now) {
        self.fails = self.fails.saturating_add(1);
        self.fault = Some(fault);
        self.failing_since.get_or_insert(now.wall);
        self.fresh = true;
    }
}

/// The certificate before the one in use, for what the new one lacks.
#[derive(Debug)]
struct Predecessor {
    finding: Finding,
    until: Instant,
}

#[derive(Debug)]
pub(super) struct Held {
    watched: Arc<Watched>,
    pub(super) places: BTreeMap<Place, Looked>,
    /// The leaf that counted when it was last judged.
    leaf: Option<(Fingerprint, CertificateFacts)>,
    predecessor: Option<Predecessor>,
    /// Since when what is served is not what is stored.
    pub(super) differs_since: Option<Instant>,
    /// Since when nodes differ.
    pub(super) nodes_differ_since: Option<Instant>,
    /// Since when an older file holds what ends soon.
    pub(super) files_differ_since: Option<Instant>,
    /// How often more each alarm is said to be over; `None` in the value: it is not.
    told: BTreeMap<AlarmName, Option<u8>>,
    standing: Option<Arc<Standing>>,
    /// Rounds whose next look may find it gone without a loss: somebody changed the configuration.
    may_go: Vec<Round>,
}

impl Held {
    pub(super) fn new(watched: Arc<Watched>) -> Self {
        Self {
            watched,
            places: BTreeMap::new(),
            leaf: None,
            predecessor: None,
            differs_since: None,
            nodes_differ_since: None,
            files_differ_since: None,
            told: BTreeMap::new(),
            standing: None,
            may_go: Vec::new(),
        }
    }

    /// Somebody changed the configuration: where it is not found next, it was meant to go.
    pub(super) fn may_go(&mut self) {
        self.may_go = vec![Round::Files, Round::Probes];
    }

    pub(super) const fn watched(&self) -> &Arc<Watched> {
        &self.watched
    }

    pub(super) fn standing(&self) -> Option<Arc<Standing>> {
        self.standing.clone()
    }

    /// A scan begins.
    pub(super) fn expect(&mut self, round: Round) {
        for looked in self.places.values_mut() {
            if looked.round == round {
                looked.fresh = false;
            }
        }
    }

    /// Takes one look.
    pub(super) fn look(&mut self, round: Round, sighting: Sighting, now: Now) {
        let Sighting {
            watched,
            place,
            seen,
        } = sighting;
        self.watched = watched;
        let looked = self.places.entry(place).or_insert(Looked {
            round,
            fresh: true,
            fails: 0,
            fault: None,
            seen: None,
            failing_since: None,
        });
        looked.round = round;
        match seen {
            Ok(seen) => {
                looked.seen = Some(seen);
                looked.fails = 0;
                looked.fault = None;
                looked.failing_since = None;
                looked.fresh = true;
            }
            Err(fault) => looked.fail(fault, now),
        }
    }

    /// The scan is over. Whether nothing is left of the object.
    pub(super) fn close(&mut self, round: Round, absence: Absence, now: Now) -> bool {
        let may_go = self.may_go.contains(&round);
        let absence = match absence {
            Absence::Lost if may_go => Absence::Gone,
            same @ (Absence::Gone | Absence::Lost | Absence::Unsaid) => same,
        };
        if absence != Absence::Unsaid {
            self.may_go.retain(|held| *held != round);
        }
        let of_round = |looked: &Looked| looked.round == round;
        let any_fresh = self
            .places
            .values()
            .any(|looked| of_round(looked) && looked.fresh);
        if absence == Absence::Unsaid {
            // What was not read may be there still.
        } else if any_fresh {
            // It moved from one file to another, or one of its nodes was taken out.
            self.places
                .retain(|_, looked| !of_round(looked) || looked.fresh);
        } else {
            match absence {
                Absence::Gone => self.places.retain(|_, looked| !of_round(looked)),
                Absence::Lost => {
                    for looked in self.places.values_mut().filter(|looked| of_round(looked)) {
                        looked.fail(SourceFault::Missing, now);
                    }
                }
                Absence::Unsaid => {}
            }
        }
        self.places.is_empty()
    }

    /// Whether every place of it is lost.
    pub(super) fn is_unseen(&self, after: u32) -> bool {
        self.places.values().all(|looked| looked.is_lost(after))
    }

    /// Everything that was told is over.
    pub(super) fn end_all(&mut self) -> Vec<Observation> {
        let told = std::mem::take(&mut self.told);
        let present = told.into_iter().filter(|(_, over)| over.is_none());
        present
            .map(|(name, _)| self.observation(name, Condition::Absent))
            .collect()
    }

    fn observation(&self, name: AlarmName, condition: Condition) -> Observation {
        Observation {
            key: AlarmKey::new(name, self.watched.id.as_str()),
            condition,
        }
    }

    /// What the object means now, and when a date next changes something.
    pub(super) fn judge(
        &mut self,
        rules: &Rules,
        now: Now,
    ) -> (Vec<Observation>, Option<SystemTime>) {
        self.compare(rules, now);
        let counting = evaluate::counting(&self.places, rules);
        let chain = counting.and_then(|counting| counting.chain).map(Arc::clone);
        self.replaced(chain.as_ref(), now);
        let lost_purpose = self
            .predecessor
            .as_ref()
            .filter(|before| now.mono < before.until)
            .map(|before| before.finding.clone());
        let counting = evaluate::counting(&self.places, rules);
        let unseen = counting.is_none();
        let verdict = evaluate::judge(self, counting, lost_purpose, rules, now);
        let Verdict {
            mut standing,
            present,
        } = verdict;
        standing.places = self.place_states(rules);
        let next = standing.next_step;
        self.standing = Some(Arc::new(standing));
        let mut observations = Vec::new();
        let mut said = present;
        for name in names(&self.watched) {
            match said.remove(name) {
                Some(present) => {
                    self.told.insert(*name, None);
                    observations.push(self.observation(*name, Condition::Present(present)));
                }
                // It may be as bad as it was before the start.
                None if unseen && !self.was_told_unseen(*name) => {}
                None => {
                    let left = self.told.entry(*name).or_insert(Some(REPEATS));
                    let left = left.get_or_insert(REPEATS);
                    if *left > 0 {
                        *left -= 1;
                        observations.push(self.observation(*name, Condition::Absent));
                    }
                }
            }
        }
        debug_assert!(said.is_empty(), "an alarm that its kind does not have");
        (observations, next)
    }

    /// Whether an alarm says nothing of the certificate itself, and something was said of it.
    fn was_told_unseen(&self, name: AlarmName) -> bool {
        let is_beside = matches!(
            name,
            AlarmName::CertificateRenewalFailed | AlarmName::CertificateSourceLost
        );
        is_beside && self.told.contains_key(&name)
    }

    /// Since when served and stored, and the nodes among each other, differ.
    fn compare(&mut self, rules: &Rules, now: Now) {
        let leaves = |is_of: &dyn Fn(PlaceKind) -> bool, lost_too: bool| {
            let places = self.places.iter();
            let mut leaves: Vec<Fingerprint> = places
                .filter(|(place, looked)| {
                    is_of(place.kind) && (lost_too || !looked.is_lost(rules.lost_after))
                })
                .filter_map(|(_, looked)| looked.leaf())
                .collect();
            leaves.sort_unstable_by_key(|leaf| *leaf.as_bytes());
            leaves.dedup();
            leaves
        };
        // What was last served is not over because nobody answers.
        let (stored, served) = (
            leaves(&|kind| kind == PlaceKind::File, false),
            leaves(&PlaceKind::is_served, true),
        );
        let differs = !stored.is_empty()
            && !served.is_empty()
            && served.iter().any(|leaf| !stored.contains(leaf));
        let nodes_differ = leaves(&|kind| kind == PlaceKind::Probe, false).len() > 1;
        let since = |before: Option<Instant>, now_differs: bool| {
            now_differs.then(|| before.unwrap_or(now.mono))
        };
        self.differs_since = since(self.differs_since, differs);
        self.nodes_differ_since = since(self.nodes_differ_since, nodes_differ);
        let hides = hidden::hidden(self, rules, now).next().is_some();
        self.files_differ_since = since(self.files_differ_since, hides);
    }

    /// Notes what a new certificate lacks that the one before it had.
    fn replaced(&mut self, chain: Option<&Arc<ChainSeen>>, now: Now) {
        let Some(leaf) = chain.and_then(|chain| chain.leaf()).cloned() else {
            return;
        };
        let before = self.leaf.as_ref();
        if before.is_some_and(|(fingerprint, _)| *fingerprint == leaf.fingerprint) {
            return;
        }
        let lost =
            before.and_then(|(_, old)| judgement::purpose_lost(old, &leaf, self.watched.duty));
        self.predecessor = lost.map(|finding| Predecessor {
            finding,
            until: now.mono + PURPOSE_TOLD,
        });
        self.leaf = Some((leaf.fingerprint, leaf));
    }

    fn place_states(&self, rules: &Rules) -> Vec<PlaceState> {
        let places = self.places.iter();
        places
            .map(|(place, looked)| PlaceState {
                place: place.clone(),
                up: looked.fails == 0,
                lost: looked.is_lost(rules.lost_after),
                fault: looked.fault.clone(),
                leaf: looked.leaf(),
            })
            .collect()
    }

    /// When patience with what differs ends.
    pub(super) fn waits_until(&self, rules: &Rules) -> Option<Instant> {
        let deploy = self.differs_since.map(|since| since + rules.deploy_grace);
        let nodes = self
            .nodes_differ_since
            .map(|since| since + rules.nodes_grace);
        let files = self
            .files_differ_since
            .map(|since| since + rules.nodes_grace);
        [deploy, nodes, files].into_iter().flatten().min()
    }

    pub(super) fn check_invariants(&self) {
        for looked in self.places.values() {
            assert_eq!(
                looked.fails == 0,
                looked.fault.is_none(),
                "a fault without a failed look, or the other way round"
            );
        }
    }
}
