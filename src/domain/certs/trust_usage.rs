//! Which generations of a trust set still let clients in, and which can go: an old Webex chain may be
//! removed when the new one has let clients in for long enough and the old one none.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::Deserialize;
use serde::Serialize;

use crate::domain::certs::date;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// Days without a client after which a generation counts as unused. Webex's clients come each
/// minute; a month covers a node that was out of the farm.
pub const QUIET_DAYS: i64 = 30;

/// Generations that are remembered after their file is gone, in all; a set has sixteen at most.
const MOST: usize = 256;

/// What is remembered of one generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Generation {
    /// When its file was first seen, in seconds since 1970.
    pub first_seen: i64,
    /// When it was first seen to let a client in; `None` when never.
    #[serde(default)]
    pub first_used: Option<i64>,
    /// When it last let a client in, in seconds since 1970; `None` when never seen to.
    pub last_used: Option<i64>,
    /// Whether it came to a set that was known, while what was there before it is there still.
    #[serde(default)]
    pub new: bool,
}

impl Generation {
    /// Takes in when it was last used, by a clock that may have been set since.
    fn used(&mut self, last_used: Option<i64>, now: i64) {
        // A clock that was set back must not make it look unused.
        self.first_seen = self.first_seen.min(now);
        // What was kept by a clock that was ahead was not later than now; what comes from one is
        // in doubt altogether.
        let kept = self.last_used.map(|at| at.min(now));
        self.last_used = kept.max(last_used.filter(|at| *at <= now));
        let first = self.first_used.or(self.last_used);
        self.first_used = first.map(|at| at.min(now));
    }
}

/// Generations by trust set and file name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct TrustUsage {
    sets: BTreeMap<String, BTreeMap<String, Generation>>,
}

/// One generation as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    /// File name.
    pub name: String,
    /// When its last anchor ends; `None` when nobody looks at that.
    pub ends: Option<SystemTime>,
    /// When it last let a client in since the start, in seconds since 1970.
    pub last_used: Option<i64>,
}

/// What is to be said of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Its file came, and an older one is still there.
    New,
    /// A newer one is used and it has not been, since then, in seconds since 1970.
    Unused(i64),
    /// It is in use, or nothing can be said.
    Used,
}

/// What speaks for a generation when somebody wants to take it away; the later, the more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LastUse {
    /// Nothing: it was there for long enough, and let nobody in for as long.
    Quiet,
    /// Nobody remembers anything of it.
    Unknown,
    /// It let nobody in, but has been watched since then only, in seconds since 1970.
    Unseen(i64),
    /// It let a client in then.
    Lately(i64),
}

impl TrustUsage {
    /// What speaks for a generation.
    #[must_use]
    pub fn last_use(&self, set: &str, generation: &str, now: SystemTime) -> LastUse {
        let now = date::to_unix(now);
        let recently = |at: i64| now.saturating_sub(at) < QUIET_DAYS * DAY;
        match self.of(set, generation) {
            None => LastUse::Unknown,
            Some(kept) => match kept.last_used {
                Some(at) if recently(at) => LastUse::Lately(at),
                None if recently(kept.first_seen) => LastUse::Unseen(kept.first_seen),
                Some(_) | None => LastUse::Quiet,
            },
        }
    }

    /// Takes in what is there now, and says what is to be said of each, in their order. The first
    /// look at a set finds nothing new.
    pub fn look(&mut self, set: &str, present: &[Present], now: SystemTime) -> Vec<Verdict> {
        let now = date::to_unix(now);
        let known = self.sets.contains_key(set);
        let held = self.sets.entry(set.to_owned()).or_default();
        let mut fresh = Vec::new();
        for generation in present {
            let kept = held.entry(generation.name.clone()).or_insert_with(|| {
                fresh.push(generation.name.as_str());
                Generation {
                    first_seen: now,
                    first_used: None,
                    last_used: None,
                    new: known,
                }
            });
            kept.used(generation.last_used, now);
        }
        if held.len() > MOST {
            held.retain(|name, _| present.iter().any(|generation| generation.name == *name));
        }
        let has_old = present
            .iter()
            .any(|generation| held.get(&generation.name).is_some_and(|kept| !kept.new));
        for (name, kept) in held.iter_mut() {
            // The first look tells it in any case.
            kept.new &= has_old || fresh.contains(&name.as_str());
        }
        let verdict = |generation: &Present| {
            if let Some(since) = self.unused(set, generation, present, now) {
                return Verdict::Unused(since);
            }
            match self.of(set, &generation.name) {
                Some(kept) if kept.new => Verdict::New,
                Some(_) | None => Verdict::Used,
            }
        };
        present.iter().map(verdict).collect()
    }

    /// Since when a generation is unused although a newer one is used, and has been for as long: one
    /// handshake may be a test.
    fn unused(&self, set: &str, old: &Present, all: &[Present], now: i64) -> Option<i64> {
        let held = self.sets.get(set)?;
        let kept = held.get(&old.name)?;
        let since = kept.last_used.unwrap_or(kept.first_seen);
        let recently = |at: i64| now.saturating_sub(at) < QUIET_DAYS * DAY;
        let newer_is_used = all.iter().any(|new| {
            new.ends > old.ends
                && old.ends.is_some()
                && held.get(&new.name).is_some_and(|kept| {
                    kept.last_used.is_some_and(recently)
                        && kept.first_used.is_some_and(|at| !recently(at))
                })
        });
        (newer_is_used && !recently(since)).then_some(since)
    }

    /// Every set and generation that is remembered.
    pub fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        let sets = self.sets.iter();
        sets.flat_map(|(set, held)| held.keys().map(move |name| (set.as_str(), name.as_str())))
    }

    /// What is remembered of a generation.
    #[must_use]
    pub fn of(&self, set: &str, generation: &str) -> Option<Generation> {
        self.sets.get(set)?.get(generation).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: i64) -> SystemTime {
        date::from_unix(1_800_000_000 + number * DAY).unwrap()
    }

    fn present(name: &str, ends: i64, last_used: Option<i64>) -> Present {
        Present {
            name: name.to_owned(),
            ends: Some(day(ends)),
            last_used: last_used.map(|number| date::to_unix(day(number))),
        }
    }

    #[test]
    fn an_old_generation_can_go_when_the_new_one_is_used_and_it_is_not() {
        let mut usage = TrustUsage::default();
        let first = [present("2023.txt", 400, Some(0))];
        assert_eq!(usage.look("webex", &first, day(0)), [Verdict::Used]);
        let both = |old, new| {
            [
                present("2023.txt", 400, old),
                present("2027.txt", 4000, new),
            ]
        };
        let said = usage.look("webex", &both(Some(1), None), day(1));
        assert_eq!(said, [Verdict::Used, Verdict::New]);
        // After a restart nobody remembers but we.
        for used in [20, 31, 49] {
            let said = usage.look("webex", &both(None, Some(used)), day(used));
            assert_eq!(said, [Verdict::Used, Verdict::New], "{used}");
        }
        let said = usage.look("webex", &both(None, Some(50)), day(50));
        let since = date::to_unix(day(1));
        assert_eq!(said, [Verdict::Unused(since), Verdict::New]);
        // One handshake is enough to need it again.
        let said = usage.look("webex", &both(Some(51), Some(51)), day(51));
        assert_eq!(said, [Verdict::Used, Verdict::New]);
        let said = usage.look("webex", &both(None, None)[1..], day(52));
        assert_eq!(said, [Verdict::Used], "the old one is gone");
    }

    #[test]
    fn a_new_generation_is_told_until_the_old_one_is_gone_also_after_a_restart() {
        let mut usage = TrustUsage::default();
        let (old, new) = (present("a.txt", 400, None), present("b.txt", 4000, None));
        let both = [old, new.clone()];
        usage.look("webex", &both[..1], day(0));
        for number in 1..4 {
            let said = usage.look("webex", &both, day(number));
            assert_eq!(said, [Verdict::Used, Verdict::New]);
            let text = serde_json::to_string(&usage).unwrap();
            usage = serde_json::from_str(&text).unwrap();
        }
        assert_eq!(usage.look("webex", &both[1..], day(4)), [Verdict::Used]);
        // One that replaces what was there is told at least once.
        let next = [present("c.txt", 5000, None)];
        assert_eq!(usage.look("webex", &next, day(5)), [Verdict::New]);
        assert_eq!(usage.look("webex", &next, day(6)), [Verdict::Used]);
    }

    #[test]
    fn a_clock_that_was_ahead_makes_nothing_look_used_for_ever() {
        let mut usage = TrustUsage::default();
        let both = |old, new| [present("a.txt", 400, old), present("b.txt", 4000, new)];
        usage.look("webex", &both(Some(3_650), Some(3_650)), day(3_650));
        usage.look("webex", &both(Some(3_650), Some(3_650)), day(0));
        let kept = usage.of("webex", "a.txt").unwrap();
        assert_eq!(kept.last_used, Some(date::to_unix(day(0))));
        for number in 1..30 {
            let said = usage.look("webex", &both(Some(3_650), Some(number)), day(number));
            assert_eq!(said, [Verdict::Used, Verdict::Used], "{number}");
        }
        let said = usage.look("webex", &both(Some(3_650), Some(30)), day(30));
        let since = date::to_unix(day(0));
        assert_eq!(said, [Verdict::Unused(since), Verdict::Used]);
    }

    #[test]
    fn a_new_generation_that_webex_does_not_use_yet_is_never_called_unused() {
        let mut usage = TrustUsage::default();
        let both = |at| {
            [
                present("2023.txt", 400, Some(at)),
                present("2027.txt", 4000, None),
            ]
        };
        usage.look("webex", &both(0), day(0));
        let said = usage.look("webex", &both(200), day(200));
        assert_eq!(said, [Verdict::Used, Verdict::Used]);
    }

    #[test]
    fn nothing_is_said_while_no_client_comes_at_all() {
        let mut usage = TrustUsage::default();
        let none = [
            present("2023.txt", 400, None),
            present("2027.txt", 4000, None),
        ];
        usage.look("webex", &none, day(0));
        let said = usage.look("webex", &none, day(300));
        assert_eq!(said, [Verdict::Used, Verdict::Used]);
    }

    #[test]
    fn only_what_was_watched_for_long_and_let_nobody_in_may_go() {
        let mut usage = TrustUsage::default();
        let both = |old, new| [present("a.txt", 400, old), present("b.txt", 4000, new)];
        usage.look("webex", &both(Some(3), None), day(3));
        let of = |name, number| usage.last_use("webex", name, day(number));
        let at = date::to_unix(day(3));
        assert_eq!(of("a.txt", 32), LastUse::Lately(at));
        assert_eq!(of("a.txt", 33), LastUse::Quiet);
        assert_eq!(of("b.txt", 32), LastUse::Unseen(at));
        assert_eq!(of("b.txt", 33), LastUse::Quiet);
        assert_eq!(of("c.txt", 33), LastUse::Unknown);
        // By a clock that was set back it was just now.
        assert_eq!(of("a.txt", 0), LastUse::Lately(at));
    }

    #[test]
    fn what_is_kept_reads_back() {
        let mut usage = TrustUsage::default();
        usage.look("webex", &[present("2023.txt", 400, Some(3))], day(3));
        let text = serde_json::to_string(&usage).unwrap();
        assert_eq!(serde_json::from_str::<TrustUsage>(&text).unwrap(), usage);
        let kept = usage.of("webex", "2023.txt").unwrap();
        assert_eq!(kept.last_used, Some(date::to_unix(day(3))));
    }
}
