//! The watch over everything that ends: takes what looks at files, listeners and peers showed, says
//! which alarms that means, and publishes absolute times.
//!
//! It never trusts one look. A place counts as lost after several failed looks in a row, served and
//! stored certificates may differ for a while, and after a jump of the clock dates are judged by the
//! time before it until the new time has lasted.

mod board;
mod clock;
mod deploy;
mod ending;
mod evaluate;
mod failing;
mod held;
mod hidden;
mod names;
mod phrases;
mod said;
#[cfg(test)]
mod tests;
mod unheld;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use crate::domain::alarms::AlarmKey;
use crate::domain::alarms::Observation;
use crate::domain::alarms::observation::Present;
use crate::domain::certs::automatic::Account;
use crate::domain::certs::crl::Crl;
use crate::domain::certs::inventory::ObjectId;
use crate::domain::certs::inventory::Watched;
use crate::domain::certs::judgement::ChainSeen;
use crate::domain::certs::source::Place;
use crate::domain::certs::source::SourceFault;
use crate::domain::certs::watchlist::clock::Clock;
use crate::domain::certs::watchlist::failing::Failing;
use crate::domain::certs::watchlist::held::Held;
use crate::domain::certs::watchlist::unheld::Unheld;
use crate::domain::machine::Machine;
use crate::domain::machine::Now;

pub use board::Board;
pub use board::PlaceState;
pub use board::Problem;
pub use board::Standing;
pub use board::UNSEEN;
pub use clock::Timekeeping;

/// Never longer without a look at the dates: a clock that was set must not hide an end.
pub const LONGEST_SLEEP: Duration = Duration::from_secs(3_600);

/// How patient the watch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Failed looks in a row that make a place lost.
    pub lost_after: u32,
    /// How long a listener may serve what is no longer in its file.
    pub deploy_grace: Duration,
    /// How long nodes of a farm may serve different certificates.
    pub nodes_grace: Duration,
    /// A jump of the clock that is told.
    pub clock_tolerance: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            lost_after: 3,
            deploy_grace: Duration::from_secs(120),
            nodes_grace: Duration::from_secs(3_600),
            clock_tolerance: Duration::from_secs(30),
        }
    }
}

/// Which places are looked at together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Round {
    /// Files and what the daemon keeps.
    Files,
    /// Listeners and peers.
    Probes,
}

/// What it means when an object is no longer among what a scan found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// It is gone on purpose: an anchor that was taken out of its set.
    Gone,
    /// It dropped out of sight.
    Lost,
    /// Nothing: this time not everything could be read.
    Unsaid,
}

/// What one look at one place showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// An account at a CA; it never ends.
    Account(Arc<Account>),
    /// A chain, or a certificate alone.
    Chain(Arc<ChainSeen>),
    /// A revocation list.
    Crl(Arc<Crl>),
    /// Nothing but dates. Without an end it never ends.
    Dates {
        /// Since when.
        start: Option<SystemTime>,
        /// Until when.
        end: Option<SystemTime>,
    },
}

/// One look at one place of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The object.
    pub watched: Arc<Watched>,
    /// The place.
    pub place: Place,
    /// What was there.
    pub seen: Result<Seen, SourceFault>,
}

/// Everything that one round found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// Which round.
    pub round: Round,
    /// Every entry of the inventory that belongs to this round, and what it means when one of its
    /// objects is not among the sightings.
    pub entries: BTreeMap<Arc<str>, Absence>,
    /// What was seen.
    pub sightings: Vec<Sighting>,
}

/// What may happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A person loaded the configuration again: what the next round that can read its place does not
    /// find was meant to go. Everything else stays as it is known.
    Reloaded(Rules),
    /// Alarms that were on before the start, before anything else. They stay on until somebody looked
    /// at what they are about, or every round has looked and found nothing of it.
    Restored(Vec<(AlarmKey, Present)>),
    /// A round is over.
    Scanned(Scan),
    /// Whether somebody keeps the clock.
    Time(Timekeeping),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Tell the alarms.
    Observe(Observation),
    /// Show this to whoever asks.
    Publish(Arc<Board>),
}

/// The machine.
#[derive(Debug)]
pub struct Watchlist {
    rules: Rules,
    objects: BTreeMap<ObjectId, Held>,
    unheld: Unheld,
    clock: Clock,
    /// Objects still to be judged since the last input; one at a time, so that a hundred thousand
    /// need no queue of a million observations.
    unjudged: VecDeque<ObjectId>,
    ready: VecDeque<Action>,
    /// By which time the unjudged are judged.
    now: Now,
    publish: bool,
    /// The earliest moment at which a date changes something.
    next: Option<SystemTime>,
    wake: Instant,
    ask: Option<Instant>,
}

impl Watchlist {
    /// Watches nothing yet.
    #[must_use]
    pub fn new(rules: Rules, now: Now) -> Self {
        Self {
            rules,
            objects: BTreeMap::new(),
            unheld: Unheld::default(),
            clock: Clock::new(now),
            unjudged: VecDeque::new(),
            ready: VecDeque::new(),
            now,
            publish: false,
            next: None,
            wake: now.mono + LONGEST_SLEEP,
            ask: None,
        }
    }

    /// When listeners and peers should be asked once more, whatever their round: what one of them
    /// serves is not what is stored, and by then it should be.
    #[must_use]
    pub const fn ask_at(&self) -> Option<Instant> {
        self.ask
    }

    /// How many objects are watched.
    #[must_use]
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether nothing is watched.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Everything is to be judged at `now`.
    fn judge_all(&mut self, now: Now) {
        let tidings = self.clock.tick(now, self.rules.clock_tolerance);
        self.ready.extend(tidings.into_iter().map(Action::Observe));
        self.now = Now {
            mono: now.mono,
            wall: self.clock.trusted(now),
        };
        if self.unheld.is_any_on() {
            let dark = self.objects.values().filter(|held| held.is_dark());
            let homes: BTreeSet<_> = dark.map(|held| held.watched().home.clone()).collect();
            self.unheld.darken(homes);
        }
        let all = self.objects.keys().chain(self.unheld.ids());
        self.unjudged = all.cloned().collect();
        self.publish = true;
        self.next = None;
        self.wake = now.mono + LONGEST_SLEEP.min(self.clock.again(now));
    }

    fn scanned(&mut self, scan: Scan, now: Now) {
        let Scan {
            round,
            entries,
            sightings,
        } = scan;
        let failing = Failing::of_all(&sightings);
        for held in self.objects.values_mut() {
            held.expect(round);
        }
        for sighting in sightings {
            let id = sighting.watched.id.clone();
            let held = self.objects.entry(id).or_insert_with_key(|id| {
                let told = self.unheld.take(id);
                Held::new(Arc::clone(&sighting.watched), told)
            });
            held.look(round, sighting, now);
        }
        let mut gone = Vec::new();
        for (id, held) in &mut self.objects {
            let absence = entries.get(&held.watched().entry).copied();
            if held.close(round, absence, &failing, now) {
                gone.push(id.clone());
            }
        }
        for id in gone {
            // It is no longer watched, so its alarms are over.
            if let Some(held) = self.objects.remove(&id) {
                self.unheld.let_go(id, held.into_told());
            }
        }
        self.unheld.looked(round);
    }

    fn reloaded(&mut self, rules: Rules) {
        self.rules = rules;
        self.unheld.reconfigured();
        for held in self.objects.values_mut() {
            held.may_go();
        }
    }

    fn restored(&mut self, alarms: Vec<(AlarmKey, Present)>) {
        for (key, present) in alarms {
            if !unheld::is_ours(&key) {
                continue;
            }
            let id = ObjectId::new(key.object.as_str(), "");
            match self.objects.get_mut(&id) {
                Some(held) => held.restore(key.name, present),
                None => self.unheld.restore(id, key.name, present),
            }
        }
    }

    fn judge_next(&mut self) -> bool {
        let Some(id) = self.unjudged.pop_front() else {
            return false;
        };
        let observations = match self.objects.get_mut(&id) {
            Some(held) => {
                let (observations, next) = held.judge(&self.rules, self.now);
                self.next = self.next.into_iter().chain(next).min();
                observations
            }
            None => self.unheld.judge(&id),
        };
        self.ready
            .extend(observations.into_iter().map(Action::Observe));
        true
    }

    /// All is judged: when to look again.
    fn settle(&mut self) {
        self.publish = false;
        let waiting = self
            .objects
            .values()
            .filter_map(|held| held.waits_until(&self.rules))
            .filter(|at| *at > self.now.mono)
            .min();
        let asked = self.objects.values();
        self.ask = asked.filter_map(|held| held.asks_at(&self.rules)).min();
        let dated = self
            .next
            .and_then(|next| next.duration_since(self.now.wall).ok())
            .and_then(|left| self.now.mono.checked_add(left));
        let earliest = waiting.into_iter().chain(dated).min();
        if let Some(earliest) = earliest {
            self.wake = self.wake.min(earliest);
        }
        let standings = self.objects.values().filter_map(Held::standing);
        let board = Board::new(self.now.wall, standings.collect());
        self.ready.push_back(Action::Publish(Arc::new(board)));
    }
}

impl Machine for Watchlist {
    type Input = Input;
    type Action = Action;

    fn handle(&mut self, input: Input, now: Now) {
        match input {
            Input::Reloaded(rules) => self.reloaded(rules),
            Input::Restored(alarms) => {
                self.restored(alarms);
                return;
            }
            Input::Scanned(scan) => self.scanned(scan, now),
            Input::Time(time) => {
                let tidings = self.clock.kept(time, now.mono);
                self.ready.extend(tidings.map(Action::Observe));
                return;
            }
        }
        self.judge_all(now);
    }

    fn handle_timeout(&mut self, now: Now) {
        if now.mono >= self.wake {
            self.judge_all(now);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        Some(self.wake)
    }

    fn poll_action(&mut self) -> Option<Action> {
        loop {
            if let Some(action) = self.ready.pop_front() {
                return Some(action);
            }
            if !self.judge_next() {
                if !self.publish {
                    return None;
                }
                self.settle();
            }
        }
    }

    fn check_invariants(&self) {
        assert!(
            self.wake <= self.now.mono + LONGEST_SLEEP,
            "it would sleep for longer than an hour"
        );
        for held in self.objects.values() {
            held.check_invariants();
        }
    }
}
