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
use crate::domain::alarms::observation::Present;
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
use crate::domain::certs::watchlist::deploy;
use crate::domain::certs::watchlist::evaluate;
use crate::domain::certs::watchlist::evaluate::Verdict;
use crate::domain::certs::watchlist::failing::Failing;
use crate::domain::certs::watchlist::hidden;
use crate::domain::certs::watchlist::names::names;
use crate::domain::certs::watchlist::said::Told;
use crate::domain::ids::Fingerprint;
use crate::domain::machine::Now;

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
    /// When it was last looked at, whatever came of it.
    pub(super) asked: Instant,
    /// Whether the last scan named it, though it could not be read.
    named: bool,
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
        self.asked = now.mono;
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
    told: Told,
    standing: Option<Arc<Standing>>,
    /// Rounds whose next look may find it gone without a loss: somebody changed the configuration.
    may_go: Vec<Round>,
}

impl Held {
    /// With what was said of it before.
    pub(super) fn new(watched: Arc<Watched>, told: Told) -> Self {
        Self {
            watched,
            places: BTreeMap::new(),
            leaf: None,
            predecessor: None,
            differs_since: None,
            nodes_differ_since: None,
            files_differ_since: None,
            told,
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
            asked: now.mono,
            named: true,
        });
        looked.round = round;
        looked.asked = now.mono;
        looked.named = true;
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

    /// The scan is over. Whether nothing is left of the object. `absence` is of its entry, when the
    /// scan has that; `failing` is all that the scan could not read.
    pub(super) fn close(
        &mut self,
        round: Round,
        absence: Option<Absence>,
        failing: &Failing,
        now: Now,
    ) -> bool {
        if absence == Some(Absence::Unsaid) {
            // What was not read may be there still.
            return self.places.is_empty();
        }
        let was_meant = self.may_go.contains(&round);
        self.may_go.retain(|held| *held != round);
        let of_round = |looked: &Looked| looked.round == round;
        let is_fresh = |looked: &Looked| of_round(looked) && looked.fresh;
        if absence == Some(Absence::Lost) && !self.places.values().any(is_fresh) {
            for (place, looked) in &mut self.places {
                if !of_round(looked) {
                    continue;
                }
                looked.named = false;
                // What cannot be read stands in the scan under the name of its file.
                if let Some(fault) = failing.of(&self.watched.home, place) {
                    looked.fail(fault.clone(), now);
                    looked.named = true;
                } else if !was_meant {
                    looked.fail(SourceFault::Missing, now);
                }
            }
        }
        // Of those that are left out here it moved from one file to another, or one of its nodes was
        // taken out, or it was meant to go.
        self.places
            .retain(|_, looked| !of_round(looked) || looked.fresh);
        self.places.is_empty()
    }

    /// Whether something of it cannot be read that the last scan named.
    pub(super) fn is_dark(&self) -> bool {
        let mut places = self.places.values();
        places.any(|looked| looked.named && looked.fault.is_some())
    }

    /// It was on before the start.
    pub(super) fn restore(&mut self, name: AlarmName, present: Present) {
        self.told.restore(name, present);
    }

    /// It is held no longer: what was said of it.
    pub(super) fn into_told(self) -> Told {
        self.told
    }

    /// Whether something is on of what nobody has seen since the start. That it cannot be seen does
    /// not count.
    pub(super) fn is_from_before(&self) -> bool {
        let names = names(&self.watched).iter();
        let mut others = names.filter(|name| **name != AlarmName::CertificateSourceLost);
        others.any(|name| self.told.is_on(*name))
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
        let mut present = present;
        let names = names(&self.watched);
        for name in names {
            let said = match present.remove(name) {
                Some(found) => Some(self.told.on(*name, found)),
                // Failed renewals are known without a look at the certificate.
                None if unseen
                    && (*name != AlarmName::CertificateRenewalFailed
                        || !self.told.knows(*name)) =>
                {
                    self.told.again(*name)
                }
                None => self.told.over(*name),
            };
            observations.extend(said.map(|said| self.observation(*name, said)));
        }
        debug_assert!(present.is_empty(), "an alarm that its kind does not have");
        // It was of another kind before.
        for name in self.told.besides(names) {
            let said = self.told.over(name);
            observations.extend(said.map(|said| self.observation(name, said)));
        }
        (observations, next)
    }

    /// Since when served and stored, and the nodes among each other, differ.
    fn compare(&mut self, rules: &Rules, now: Now) {
        let differs = deploy::undeployed(self, rules).next().is_some();
        let is_node = |place: &Place, looked: &Looked| {
            place.kind == PlaceKind::Probe && !looked.is_lost(rules.lost_after)
        };
        let nodes = self.places.iter();
        let nodes = nodes.filter(|(place, looked)| is_node(place, looked));
        let mut leaves = nodes.filter_map(|(_, looked)| looked.leaf());
        let first = leaves.next();
        let nodes_differ = leaves.any(|leaf| Some(leaf) != first);
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

    /// When what is served is to be asked once more, to see whether it is what is stored.
    pub(super) fn asks_at(&self, rules: &Rules) -> Option<Instant> {
        let due = deploy::due(self, rules)?;
        (!deploy::has_lasted(self, rules)).then_some(due)
    }

    /// When patience with other differences ends.
    pub(super) fn waits_until(&self, rules: &Rules) -> Option<Instant> {
        let nodes = self
            .nodes_differ_since
            .map(|since| since + rules.nodes_grace);
        let files = self
            .files_differ_since
            .map(|since| since + rules.nodes_grace);
        [nodes, files].into_iter().flatten().min()
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
