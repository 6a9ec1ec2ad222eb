//! The watch over what ends, while files come and go, certificates are replaced, and the clock jumps
//! by decades.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use xspd::domain::alarms::AlarmName;
use xspd::domain::alarms::Condition;
use xspd::domain::certs::date;
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
use xspd::domain::certs::watchlist::LONGEST_SLEEP;
use xspd::domain::certs::watchlist::Round;
use xspd::domain::certs::watchlist::Rules;
use xspd::domain::certs::watchlist::Scan;
use xspd::domain::certs::watchlist::Seen;
use xspd::domain::certs::watchlist::Sighting;
use xspd::domain::certs::watchlist::Timekeeping;
use xspd::domain::certs::watchlist::Watchlist;
use xspd::domain::machine::Machine as _;
use xspd::domain::machine::Now;

use super::Random;
use super::Simulator;
use super::World;

const DAY: Duration = Duration::from_secs(86_400);

/// The patience with a new time, and some more for a look that comes late.
const DOUBT: Duration = Duration::from_secs(1_000);

#[derive(Debug)]
struct File {
    end: SystemTime,
    readable: bool,
    configured: bool,
    /// Failed looks in a row, as the world counts them.
    failed: u32,
}

struct Disk {
    rules: Rules,
    files: Vec<File>,
    told: BTreeMap<(AlarmName, String), bool>,
    now: Now,
    /// The wall clock went another way than the other one.
    unnoticed: bool,
    /// When that was noticed at the latest.
    jumped: Option<Instant>,
    scanned: bool,
}

fn name(nth: usize) -> String {
    format!("file {nth}")
}

impl Disk {
    fn scan(&mut self) -> Input {
        let mut entries = BTreeMap::new();
        let mut sightings = Vec::new();
        for (nth, file) in self.files.iter_mut().enumerate() {
            if !file.configured {
                continue;
            }
            let entry: Arc<str> = format!("certificate.{nth}").into();
            entries.insert(Arc::clone(&entry), Absence::Lost);
            file.failed = if file.readable { 0 } else { file.failed + 1 };
            let id = ObjectId::new(&name(nth), "");
            let watched = Watched::new(id, &entry, Kind::ManualLeaf, Duty::Server);
            sightings.push(Sighting {
                watched: Arc::new(watched),
                place: Place::new(PlaceKind::File, name(nth)),
                seen: if file.readable {
                    Ok(Seen::Dates {
                        start: file.end.checked_sub(DAY * 90),
                        end: Some(file.end),
                    })
                } else {
                    Err(SourceFault::Missing)
                },
            });
        }
        self.scanned = true;
        Input::Scanned(Scan {
            round: Round::Files,
            entries,
            sightings,
        })
    }

    fn is_told(&self, alarm: AlarmName, nth: usize) -> bool {
        self.told.get(&(alarm, name(nth))).copied().unwrap_or(false)
    }
}

impl World<Watchlist> for Disk {
    fn surprise(&mut self, random: &mut Random, _: &Watchlist) -> (Duration, Input) {
        let nth = usize::try_from(random.below(3)).unwrap();
        let end = self.now.wall.checked_add(random.duration(DAY * 60));
        let file = &mut self.files[nth];
        match random.below(10) {
            0..=1 => file.readable = !file.readable,
            2 => file.end = end.unwrap_or(file.end),
            3 => {
                file.configured = !file.configured;
                file.failed = 0;
            }
            4 => {
                // What is configured still goes on as it is known.
                self.scanned = false;
                return (random.duration(DAY / 24), Input::Reloaded(self.rules));
            }
            5 => return (Duration::ZERO, Input::Time(Timekeeping::Kept)),
            _ => {}
        }
        let pause = random.duration(DAY / 8);
        (pause, self.scan())
    }

    fn act(&mut self, action: Action, _: Now, _: &mut Random) -> Option<(Duration, Input)> {
        match action {
            Action::Observe(observation) => {
                let key = (observation.key.name, observation.key.object.to_string());
                let present = matches!(observation.condition, Condition::Present(_));
                self.told.insert(key, present);
            }
            Action::Publish(board) => {
                let ends: Vec<_> = board.standings.iter().map(|held| held.not_after).collect();
                let mut sorted = ends.clone();
                sorted.sort_by_key(|end| (end.is_none(), *end));
                assert_eq!(ends, sorted, "what ends first stands first");
            }
        }
        None
    }

    fn judge(&mut self, machine: &Watchlist, now: Now) {
        let expected = self.now.wall + (now.mono - self.now.mono);
        let apart = expected
            .duration_since(now.wall)
            .unwrap_or_else(|error| error.duration());
        if apart > self.rules.clock_tolerance {
            self.unnoticed = true;
        }
        self.now = now;
        let wake = machine.deadline().expect("it always wakes again");
        assert!(wake <= now.mono + LONGEST_SLEEP, "it sleeps for too long");
        if !std::mem::take(&mut self.scanned) {
            return;
        }
        // Noticed by then, if not before; from now on patience counts.
        if std::mem::take(&mut self.unnoticed) {
            self.jumped = Some(now.mono);
        }
        let calm = self.jumped.is_none_or(|at| now.mono - at > DOUBT);
        for (nth, file) in self.files.iter().enumerate() {
            if !file.configured {
                let present =
                    |(key, present): (&(AlarmName, String), &bool)| key.1 == name(nth) && *present;
                let held = self.told.iter().find(|held| present(*held));
                assert_eq!(held, None, "an alarm of what is no longer watched");
                continue;
            }
            assert_eq!(
                self.is_told(AlarmName::CertificateSourceLost, nth),
                file.failed >= self.rules.lost_after,
                "{file:?}"
            );
            if calm && file.readable {
                let over = date::to_unix(now.wall) > date::to_unix(file.end);
                assert_eq!(
                    self.is_told(AlarmName::CertificateExpired, nth),
                    over,
                    "{file:?} at {:?}",
                    now.wall
                );
            }
        }
    }
}

#[test]
fn what_is_told_is_what_is_so_whatever_clock_and_disk_do() {
    Simulator::explore(200, 300, |random, now| {
        let rules = Rules::default();
        let file = |random: &mut Random| File {
            end: now.wall + random.duration(DAY * 60),
            readable: true,
            configured: true,
            failed: 0,
        };
        let world = Disk {
            rules,
            files: (0..3).map(|_| file(random)).collect(),
            told: BTreeMap::new(),
            now,
            unnoticed: false,
            jumped: None,
            scanned: false,
        };
        (Watchlist::new(rules, now), world)
    });
}
