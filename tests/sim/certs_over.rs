//! The watch over what ends, over reloads, faults, removals and restarts, while words about it go
//! lost: an alarm is on exactly if its trouble stood when it was last looked at, whoever cannot see
//! it since, and it ends when what it is about is gone.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use xspd::domain::alarms::AlarmKey;
use xspd::domain::alarms::AlarmName;
use xspd::domain::alarms::Condition;
use xspd::domain::alarms::Observation;
use xspd::domain::alarms::Severity;
use xspd::domain::alarms::observation::Present;
use xspd::domain::certs::inventory::Duty;
use xspd::domain::certs::inventory::Kind;
use xspd::domain::certs::inventory::ObjectId;
use xspd::domain::certs::inventory::Watched;
use xspd::domain::certs::source::Place;
use xspd::domain::certs::source::PlaceKind;
use xspd::domain::certs::source::SourceFault;
use xspd::domain::certs::watchlist::Absence;
use xspd::domain::certs::watchlist::Action;
use xspd::domain::certs::watchlist::Input;
use xspd::domain::certs::watchlist::Round;
use xspd::domain::certs::watchlist::Rules;
use xspd::domain::certs::watchlist::Scan;
use xspd::domain::certs::watchlist::Seen;
use xspd::domain::certs::watchlist::Sighting;
use xspd::domain::certs::watchlist::Watchlist;
use xspd::domain::machine::Machine as _;
use xspd::domain::machine::Now;
use xspd::platform::clock;

use super::Random;

const DAY: Duration = Duration::from_secs(86_400);
const MINUTE: Duration = Duration::from_secs(60);
const BOTH: [Round; 2] = [Round::Files, Round::Probes];

/// Words that go lost in a row at most: one of three comes through.
const LOST: u8 = 2;

const EXPIRED: AlarmName = AlarmName::CertificateExpired;
const SOURCE: AlarmName = AlarmName::CertificateSourceLost;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// One file, one object.
    File,
    /// A pattern; each file has an object by the name in it.
    Farm,
    /// One peer.
    Peer,
}

#[derive(Debug, Clone)]
struct Thing {
    expired: bool,
    exists: bool,
    readable: bool,
    /// Whether the watch holds it.
    held: bool,
    /// Whether it had ended when it was last looked at.
    on: bool,
}

/// One entry of the configuration.
#[derive(Debug, Clone)]
struct Entry {
    name: &'static str,
    source: Source,
    configured: bool,
    /// Whether the pattern as a whole can be read.
    pattern: bool,
    may_go: bool,
    /// Whether something of it could not be read at the last look.
    dark: bool,
    things: Vec<Thing>,
}

impl Entry {
    fn new(name: &'static str, source: Source, things: usize) -> Self {
        let thing = Thing {
            expired: true,
            exists: true,
            readable: true,
            held: false,
            on: false,
        };
        Self {
            name,
            source,
            configured: true,
            pattern: true,
            may_go: false,
            dark: false,
            things: vec![thing; things],
        }
    }

    const fn round(&self) -> Round {
        match self.source {
            Source::Farm | Source::File => Round::Files,
            Source::Peer => Round::Probes,
        }
    }

    fn object(&self, nth: usize) -> ObjectId {
        let own = format!("host{nth}");
        match self.source {
            Source::Farm => ObjectId::new(self.name, &own),
            Source::File | Source::Peer => ObjectId::new(self.name, ""),
        }
    }

    /// Whether a look would find something of it that cannot be read.
    fn is_dark(&self) -> bool {
        let unread = |thing: &Thing| thing.exists && !thing.readable;
        self.configured && (!self.pattern || self.things.iter().any(unread))
    }

    fn sighting(&self, id: ObjectId, name: &str, seen: Option<bool>, now: Now) -> Sighting {
        let passing = seen.is_none() && self.source == Source::Farm;
        let entry = if passing {
            format!("{} (unread)", self.name)
        } else {
            self.name.to_owned()
        };
        let home = ObjectId::new(self.name, "");
        let mut watched = Watched::new(home, &entry.into(), Kind::ManualLeaf, Duty::Server);
        watched.id = id;
        let kind = match self.source {
            Source::Farm | Source::File => PlaceKind::File,
            Source::Peer => PlaceKind::Probe,
        };
        let dates = |expired: bool| Seen::Dates {
            start: now.wall.checked_sub(DAY * 100),
            end: if expired {
                now.wall.checked_sub(DAY)
            } else {
                now.wall.checked_add(DAY * 400)
            },
        };
        Sighting {
            watched: Arc::new(watched),
            place: Place::new(kind, name),
            seen: seen.map(dates).ok_or(SourceFault::Directory),
        }
    }

    /// What a round shows of it.
    fn look(&self, scan: &mut Scan, now: Now) {
        if !self.configured || self.round() != scan.round {
            return;
        }
        let name: Arc<str> = self.name.into();
        let absence = match self.source {
            Source::Farm if !self.pattern => Absence::Unsaid,
            Source::Farm | Source::File => Absence::Lost,
            Source::Peer => Absence::Gone,
        };
        scan.entries.insert(name, absence);
        if !self.pattern {
            let id = ObjectId::new(self.name, "");
            scan.sightings.push(self.sighting(id, "/*.pem", None, now));
            return;
        }
        for (nth, thing) in self.things.iter().enumerate() {
            let path = format!("/{}/{nth}.pem", self.name);
            let seen = thing.readable.then_some(thing.expired);
            let id = match (seen, self.source) {
                (None, Source::Farm) => ObjectId::new(self.name, &format!("{nth}.pem")),
                (Some(_), _) | (None, Source::File | Source::Peer) => self.object(nth),
            };
            if thing.exists {
                scan.sightings.push(self.sighting(id, &path, seen, now));
            }
        }
    }

    /// What is known once a round has looked.
    fn looked(&mut self, round: Round) {
        if round != self.round() {
            return;
        }
        self.dark = self.is_dark();
        if !self.configured {
            for thing in self.things.iter_mut().filter(|thing| thing.held) {
                (thing.held, thing.on) = (false, false);
            }
            self.may_go = false;
            return;
        }
        if !self.pattern {
            return;
        }
        for thing in &mut self.things {
            match (thing.exists, thing.readable) {
                (true, true) => (thing.held, thing.on) = (true, thing.expired),
                (true, false) => thing.held |= self.source != Source::Farm,
                (false, _) if thing.held && self.may_go => {
                    (thing.held, thing.on) = (false, false);
                }
                (false, _) => {}
            }
        }
        self.may_go = false;
    }

    /// Every round has looked: what nobody holds and nothing can hide is gone.
    fn settled(&mut self) {
        if !self.dark {
            for thing in self.things.iter_mut().filter(|thing| !thing.held) {
                thing.on = false;
            }
        }
    }
}

struct Node {
    list: Watchlist,
    entries: Vec<Entry>,
    now: Now,
    random: Random,
    ran: BTreeSet<Round>,
    /// What is on at the alarms.
    told: BTreeMap<AlarmKey, Present>,
    /// Words that went lost in a row.
    lost: BTreeMap<AlarmKey, u8>,
}

impl Node {
    fn new(seed: u64) -> Self {
        let now = clock::now();
        Self {
            list: Watchlist::new(Rules::default(), now),
            entries: vec![
                Entry::new("short", Source::File, 1),
                Entry::new("long", Source::File, 1),
                Entry::new("farm", Source::Farm, 4),
                Entry::new("cucm", Source::Peer, 1),
            ],
            now,
            random: Random::new(seed),
            ran: BTreeSet::new(),
            told: BTreeMap::new(),
            lost: BTreeMap::new(),
        }
    }

    fn handle(&mut self, input: Input) {
        self.now.mono += MINUTE * 5;
        self.now.wall += MINUTE * 5;
        self.list.handle(input, self.now);
        self.list.check_invariants();
        while let Some(action) = self.list.poll_action() {
            match action {
                Action::Observe(observation) => self.hear(observation),
                Action::Publish(_) => {}
            }
        }
        self.list.check_invariants();
    }

    fn hear(&mut self, observation: Observation) {
        let Observation { key, condition } = observation;
        assert_ne!(key, foreign(), "another one's alarm");
        let standing = self.entries.iter().any(|entry| {
            let mut things = entry.things.iter().enumerate();
            things.any(|(nth, thing)| thing.on && entry.object(nth).as_str() == key.object.as_str())
        });
        match condition {
            Condition::Present(present) => {
                assert!(key.name != EXPIRED || standing, "{key} is on for nothing");
                self.lost.remove(&key);
                self.told.insert(key, present);
            }
            Condition::Absent => {
                assert!(key.name != EXPIRED || !standing, "{key} ends and stands");
                let lost = self.lost.entry(key.clone()).or_default();
                if *lost < LOST && self.random.below(3) == 0 {
                    *lost += 1;
                } else {
                    *lost = 0;
                    self.told.remove(&key);
                }
            }
        }
    }

    fn scan(&mut self, round: Round) {
        let mut scan = Scan {
            round,
            entries: BTreeMap::new(),
            sightings: Vec::new(),
        };
        for entry in &mut self.entries {
            entry.look(&mut scan, self.now);
            entry.looked(round);
        }
        self.ran.insert(round);
        if BOTH.iter().all(|round| self.ran.contains(round)) {
            self.entries.iter_mut().for_each(Entry::settled);
        }
        self.handle(Input::Scanned(scan));
    }

    fn reload(&mut self) {
        self.ran.clear();
        for entry in &mut self.entries {
            entry.may_go = true;
        }
        self.handle(Input::Reloaded(Rules::default()));
    }

    fn restart(&mut self) {
        self.list = Watchlist::new(Rules::default(), self.now);
        self.ran.clear();
        self.lost.clear();
        for entry in &mut self.entries {
            (entry.may_go, entry.dark) = (false, false);
            for nth in 0..entry.things.len() {
                let key = AlarmKey::new(EXPIRED, entry.object(nth).as_str());
                let thing = &mut entry.things[nth];
                thing.held = false;
                thing.on = self.told.contains_key(&key);
            }
        }
        let mut known = self.told.clone();
        known.insert(
            foreign(),
            Present::new(Severity::Medium, "renewals".to_owned()),
        );
        self.handle(Input::Restored(known.into_iter().collect()));
    }

    fn step(&mut self) {
        let which = usize::try_from(self.random.below(4)).unwrap_or_default();
        let nth = usize::try_from(self.random.below(4)).unwrap_or_default();
        let what = self.random.below(14);
        let entry = &mut self.entries[which];
        let nth = nth % entry.things.len();
        let thing = &mut entry.things[nth];
        match what {
            0..=2 => self.scan(Round::Files),
            3..=4 => self.scan(Round::Probes),
            5..=6 => thing.readable = !thing.readable,
            7 => thing.exists = entry.source != Source::Farm || !thing.exists,
            8..=9 => thing.expired = !thing.expired,
            10 => entry.pattern = entry.source != Source::Farm || !entry.pattern,
            11 => self.reload(),
            12 => {
                entry.configured = !entry.configured;
                self.reload();
            }
            _ => self.restart(),
        }
    }

    /// Nothing happens for a while: everything is as it is.
    fn rest(&mut self) {
        for _ in 0..4 {
            self.scan(Round::Files);
            self.scan(Round::Probes);
        }
        let is_on = |name, object: &str| self.told.contains_key(&AlarmKey::new(name, object));
        let mut sources = BTreeSet::new();
        for entry in &self.entries {
            for (nth, thing) in entry.things.iter().enumerate() {
                let id = entry.object(nth);
                assert_eq!(is_on(EXPIRED, id.as_str()), thing.on, "{id}: {entry:?}");
                let seen = thing.exists && thing.readable;
                let lost = entry.configured && entry.pattern && thing.held && !seen;
                if lost {
                    assert!(is_on(SOURCE, id.as_str()), "{id}: {entry:?}");
                }
                // What can only be hidden is as it was.
                if lost || entry.is_dark() && !(thing.held && entry.pattern && seen) {
                    sources.insert(id.as_str().to_owned());
                }
                if entry.source == Source::Farm && entry.is_dark() {
                    sources.insert(format!("{} {nth}.pem", entry.name));
                }
            }
            if entry.is_dark() {
                sources.insert(entry.name.to_owned());
            }
        }
        let stray = self
            .told
            .keys()
            .find(|key| key.name == SOURCE && !sources.contains(key.object.as_str()));
        assert_eq!(
            stray, None,
            "it can be read, or is gone: {:#?}",
            self.entries
        );
    }
}

/// An alarm that another watcher has.
fn foreign() -> AlarmKey {
    AlarmKey::new(AlarmName::CertificateRenewalFailed, "acme le")
}

#[test]
fn an_alarm_is_on_exactly_if_its_trouble_stands_or_was_not_seen_to_end() {
    for seed in 0..300 {
        let run = || {
            let mut node = Node::new(seed);
            for step in 1..=200 {
                node.step();
                if step % 20 == 0 {
                    node.rest();
                }
            }
        };
        if let Err(panic) = std::panic::catch_unwind(run) {
            eprintln!("The simulation failed with seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}
