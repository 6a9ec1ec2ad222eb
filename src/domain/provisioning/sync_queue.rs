//! Directory syncs on an operator's word: one at a time in a BroadWorks cluster, the others wait
//! in the order in which they were asked for.
//!
//! Webex runs at most two syncs of a cluster at once, one of its own schedule and one on demand,
//! and answers a second one on demand with 429. What it answers so, or with a code that says that
//! the cluster is busy, goes back to the end of the line.

mod answer;
mod face;

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::time::Duration;
use std::time::Instant;

use crate::domain::machine::Machine;
use crate::domain::machine::Now;
use crate::domain::provisioning::ids::ClusterName;
use crate::domain::provisioning::ids::EnterpriseKey;
use crate::domain::provisioning::ids::Moment;

pub use answer::heard;
pub use face::Action;
pub use face::Full;
pub use face::Heard;
pub use face::Input;
pub use face::Standing;

/// Enterprises that may wait in one cluster: far more than an operator types, and a bound.
pub const WAITING: usize = 1_000;
/// Enterprises whose last outcome is kept.
pub const REMEMBERED: usize = 10_000;

/// First look at a sync that was triggered; each further one comes twice as late.
const FIRST_LOOK: Duration = Duration::from_secs(10);
/// Longest time between two looks.
const LAST_LOOK: Duration = Duration::from_secs(300);
/// A sync that still runs after that is left alone: Webex stops its own within a day.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// Before one that was put back is tried again, when Webex does not say how long.
const PAUSE: Duration = Duration::from_secs(60);
/// Longest pause that Webex may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// Questions in a row that may fail before a sync is given up.
const FAILURES: u32 = 5;

#[derive(Debug)]
struct Waiting {
    key: EnterpriseKey,
    put_back: u32,
    /// Not before.
    from: Instant,
}

#[derive(Debug)]
struct Running {
    key: EnterpriseKey,
    put_back: u32,
    began: Instant,
    since: Moment,
    phase: Phase,
    failures: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// An answer is due.
    Asked {
        /// Whether the sync has begun at Webex.
        begun: bool,
        /// What the next pause would be.
        pause: Duration,
    },
    /// The next question is.
    Pausing {
        at: Instant,
        /// Not before, whoever looks on.
        from: Instant,
        begun: bool,
        pause: Duration,
    },
}

#[derive(Debug, Default)]
struct Line {
    waiting: VecDeque<Waiting>,
    running: Option<Running>,
}

/// The lines of all clusters.
#[derive(Debug, Default)]
pub struct SyncQueue {
    lines: BTreeMap<ClusterName, Line>,
    /// Oldest first, for the bound.
    ended: VecDeque<EnterpriseKey>,
    outcomes: BTreeMap<EnterpriseKey, Standing>,
    actions: VecDeque<Action>,
}

impl SyncQueue {
    /// Whether one more would be taken.
    ///
    /// # Errors
    /// [`Full`].
    pub fn room(&self, cluster: &ClusterName) -> Result<(), Full> {
        let line = self.lines.get(cluster);
        match line {
            Some(line) if line.waiting.len() >= WAITING => Err(Full),
            Some(_) | None => Ok(()),
        }
    }

    /// How one stands; `None` when none was asked for.
    #[must_use]
    pub fn standing(&self, key: &EnterpriseKey) -> Option<Standing> {
        let line = self.lines.get(&key.cluster);
        if let Some(line) = line {
            if let Some(running) = line.running.as_ref().filter(|held| held.key == *key) {
                return Some(Standing::Running {
                    since: running.since,
                });
            }
            let at = line.waiting.iter().position(|held| held.key == *key);
            if let Some((before, held)) = at.and_then(|at| Some((at, line.waiting.get(at)?))) {
                return Some(Standing::Waiting {
                    before: before + usize::from(line.running.is_some()),
                    put_back: held.put_back,
                });
            }
        }
        self.outcomes.get(key).cloned()
    }

    /// Everybody of whom something is known, in order.
    #[must_use]
    pub fn all(&self) -> Vec<(EnterpriseKey, Standing)> {
        let mut keys: Vec<&EnterpriseKey> = self.outcomes.keys().collect();
        for line in self.lines.values() {
            keys.extend(line.running.iter().map(|held| &held.key));
            keys.extend(line.waiting.iter().map(|held| &held.key));
        }
        keys.sort();
        keys.dedup();
        let all = keys.into_iter();
        all.filter_map(|key| Some((key.clone(), self.standing(key)?)))
            .collect()
    }

    fn wanted(&mut self, key: EnterpriseKey, now: Now) {
        if self.room(&key.cluster).is_err() {
            return;
        }
        let line = self.lines.entry(key.cluster.clone()).or_default();
        let known = line.running.iter().any(|held| held.key == key)
            || line.waiting.iter().any(|held| held.key == key);
        if !known {
            line.waiting.push_back(Waiting {
                key: key.clone(),
                put_back: 0,
                from: now.mono,
            });
        }
        self.next(&key.cluster, now);
    }

    fn unwanted(&mut self, key: &EnterpriseKey, now: Now) {
        if let Some(line) = self.lines.get_mut(&key.cluster) {
            line.waiting.retain(|held| held.key != *key);
        }
        self.next(&key.cluster, now);
    }

    fn heard(&mut self, key: &EnterpriseKey, heard: Heard, now: Now) {
        let Some(line) = self.lines.get_mut(&key.cluster) else {
            return;
        };
        let Some(running) = line.running.as_mut().filter(|held| held.key == *key) else {
            return;
        };
        let Phase::Asked { begun, pause } = running.phase else {
            return;
        };
        let pausing = |begun, pause: Duration, from: Duration| Phase::Pausing {
            at: now.mono + pause,
            from: now.mono + from.min(pause),
            begun,
            pause: (pause * 2).min(LAST_LOOK),
        };
        match heard {
            // While it runs at Webex, a busy answer to a look is about the look.
            Heard::Busy { retry_after } if begun => {
                let pause = retry_after.unwrap_or(pause).min(LONGEST_PAUSE);
                running.phase = pausing(true, pause, pause);
            }
            Heard::Busy { retry_after } => {
                let from = now.mono + retry_after.unwrap_or(PAUSE).min(LONGEST_PAUSE);
                if let Some(Running { key, put_back, .. }) = line.running.take() {
                    line.waiting.push_back(Waiting {
                        key,
                        put_back: put_back.saturating_add(1),
                        from,
                    });
                }
            }
            Heard::Failed(text) => {
                running.failures += 1;
                if running.failures >= FAILURES {
                    self.end(key, false, text, now);
                } else {
                    running.phase = pausing(begun, pause, pause);
                }
            }
            Heard::Refused(text) => self.end(key, false, text, now),
            Heard::Running if now.mono.saturating_duration_since(running.began) >= LONGEST => {
                let text = "it still ran at Webex after a day and was left alone".to_owned();
                self.end(key, false, text, now);
            }
            Heard::Running => {
                running.failures = 0;
                running.phase = pausing(true, pause, FIRST_LOOK);
            }
            Heard::Settled { well, text } => self.end(key, well, text, now),
        }
        self.next(&key.cluster, now);
    }

    /// The next look at one that runs need not wait for its time, while somebody waits for it.
    fn watched(&mut self, key: &EnterpriseKey, now: Now) {
        let line = self.lines.get_mut(&key.cluster);
        let running = line.and_then(|line| line.running.as_mut());
        if let Some(running) = running.filter(|held| held.key == *key)
            && let Phase::Pausing { at, from, .. } = &mut running.phase
        {
            *at = (*at).min((*from).max(now.mono));
        }
    }

    fn end(&mut self, key: &EnterpriseKey, well: bool, text: String, now: Now) {
        if let Some(line) = self.lines.get_mut(&key.cluster) {
            line.running = None;
        }
        let at = Moment::of(now.wall);
        let standing = if well {
            Standing::Done { at, text }
        } else {
            Standing::Failed { at, text }
        };
        if self.outcomes.insert(key.clone(), standing).is_none() {
            self.ended.push_back(key.clone());
            while self.ended.len() > REMEMBERED {
                if let Some(oldest) = self.ended.pop_front() {
                    self.outcomes.remove(&oldest);
                }
            }
        }
    }

    /// Begins with the first that may be, if none runs.
    fn next(&mut self, cluster: &ClusterName, now: Now) {
        let Some(line) = self.lines.get_mut(cluster) else {
            return;
        };
        if line.running.is_none() {
            let due = line.waiting.iter().position(|held| held.from <= now.mono);
            if let Some(Waiting { key, put_back, .. }) = due.and_then(|at| line.waiting.remove(at))
            {
                self.actions.push_back(Action::Trigger(key.clone()));
                line.running = Some(Running {
                    key,
                    put_back,
                    began: now.mono,
                    since: Moment::of(now.wall),
                    phase: Phase::Asked {
                        begun: false,
                        pause: FIRST_LOOK,
                    },
                    failures: 0,
                });
            }
        }
        if line.running.is_none() && line.waiting.is_empty() {
            self.lines.remove(cluster);
        }
    }
}

impl Machine for SyncQueue {
    type Input = Input;
    type Action = Action;

    fn handle(&mut self, input: Input, now: Now) {
        match input {
            Input::Wanted(key) => self.wanted(key, now),
            Input::Unwanted(key) => self.unwanted(&key, now),
            Input::Heard(key, heard) => self.heard(&key, heard, now),
            Input::Watched(key) => self.watched(&key, now),
        }
    }

    fn handle_timeout(&mut self, now: Now) {
        let clusters: Vec<ClusterName> = self.lines.keys().cloned().collect();
        for cluster in clusters {
            if let Some(running) = self
                .lines
                .get_mut(&cluster)
                .and_then(|line| line.running.as_mut())
                && let Phase::Pausing {
                    at, begun, pause, ..
                } = running.phase
                && at <= now.mono
            {
                running.phase = Phase::Asked { begun, pause };
                let key = running.key.clone();
                // One whose trigger went unanswered may have begun: Webex says 429 then, or busy.
                self.actions.push_back(if begun {
                    Action::Look(key)
                } else {
                    Action::Trigger(key)
                });
            }
            self.next(&cluster, now);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let lines = self.lines.values();
        lines
            .filter_map(|line| match line.running.as_ref().map(|held| held.phase) {
                Some(Phase::Pausing { at, .. }) => Some(at),
                Some(Phase::Asked { .. }) => None,
                None => line.waiting.iter().map(|held| held.from).min(),
            })
            .min()
    }

    fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn check_invariants(&self) {
        for (cluster, line) in &self.lines {
            assert!(line.waiting.len() <= WAITING + 1, "the line is bounded");
            assert!(line.running.is_some() || !line.waiting.is_empty());
            let held = line.waiting.iter().map(|held| &held.key);
            let mut keys: Vec<_> = held.chain(line.running.iter().map(|r| &r.key)).collect();
            assert!(keys.iter().all(|key| key.cluster == *cluster));
            let all = keys.len();
            keys.sort();
            keys.dedup();
            assert_eq!(keys.len(), all, "nobody stands in a line twice");
        }
        assert!(self.outcomes.len() <= REMEMBERED);
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::domain::provisioning::ids::SpEnterpriseId;
    use crate::domain::provisioning::webex::CallFailure;
    use crate::domain::provisioning::webex::DirectorySync;
    use crate::domain::provisioning::webex::FailureKind;
    use crate::domain::provisioning::webex::SubscriberError;

    fn key(cluster: &str, enterprise: &str) -> EnterpriseKey {
        EnterpriseKey::new(
            ClusterName::parse(cluster).unwrap(),
            &SpEnterpriseId::parse(enterprise).unwrap(),
        )
    }

    struct Bench {
        queue: SyncQueue,
        now: Now,
    }

    impl Bench {
        #[expect(clippy::disallowed_methods, reason = "any instant will do")]
        fn new() -> Self {
            Self {
                queue: SyncQueue::default(),
                now: Now {
                    mono: Instant::now(),
                    wall: SystemTime::UNIX_EPOCH,
                },
            }
        }

        fn tell(&mut self, input: Input) -> Vec<Action> {
            self.queue.handle(input, self.now);
            self.drain()
        }

        fn hear(&mut self, key: &EnterpriseKey, heard: Heard) -> Vec<Action> {
            self.tell(Input::Heard(key.clone(), heard))
        }

        /// To the next deadline.
        fn wait(&mut self) -> Vec<Action> {
            let at = self.queue.deadline().unwrap();
            self.now.wall += at - self.now.mono;
            self.now.mono = at;
            self.queue.handle_timeout(self.now);
            self.drain()
        }

        fn drain(&mut self) -> Vec<Action> {
            self.queue.check_invariants();
            std::iter::from_fn(|| self.queue.poll_action()).collect()
        }
    }

    fn well() -> Heard {
        Heard::Settled {
            well: true,
            text: "COMPLETE".to_owned(),
        }
    }

    #[test]
    fn one_at_a_time_in_a_cluster_and_clusters_do_not_wait_for_each_other() {
        let (a, b, c) = (key("east", "a"), key("east", "b"), key("west", "c"));
        let mut bench = Bench::new();
        assert_eq!(
            bench.tell(Input::Wanted(a.clone())),
            [Action::Trigger(a.clone())]
        );
        assert_eq!(bench.tell(Input::Wanted(b.clone())), []);
        assert_eq!(bench.tell(Input::Wanted(b.clone())), []);
        assert_eq!(bench.tell(Input::Wanted(c.clone())), [Action::Trigger(c)]);
        let waits = Standing::Waiting {
            before: 1,
            put_back: 0,
        };
        assert_eq!(bench.queue.standing(&b), Some(waits));
        assert_eq!(bench.hear(&a, Heard::Running), []);
        assert_eq!(bench.wait(), [Action::Look(a.clone())]);
        assert_eq!(bench.hear(&a, well()), [Action::Trigger(b)]);
        assert!(matches!(
            bench.queue.standing(&a),
            Some(Standing::Done { .. })
        ));
    }

    #[test]
    fn a_busy_cluster_puts_a_sync_back_behind_the_others() {
        let (a, b) = (key("east", "a"), key("east", "b"));
        let mut bench = Bench::new();
        bench.tell(Input::Wanted(a.clone()));
        bench.tell(Input::Wanted(b.clone()));
        let busy = Heard::Busy {
            retry_after: Some(Duration::from_secs(7)),
        };
        assert_eq!(bench.hear(&a, busy), [Action::Trigger(b.clone())]);
        let waits = Standing::Waiting {
            before: 1,
            put_back: 1,
        };
        assert_eq!(bench.queue.standing(&a), Some(waits));
        // Its pause is not over when the other is done.
        assert_eq!(bench.hear(&b, well()), []);
        let before = bench.now.mono;
        assert_eq!(bench.wait(), [Action::Trigger(a)]);
        assert_eq!(bench.now.mono - before, Duration::from_secs(7));
    }

    #[test]
    fn looks_become_rarer_and_a_sync_that_never_ends_is_left_alone() {
        let a = key("east", "a");
        let mut bench = Bench::new();
        bench.tell(Input::Wanted(a.clone()));
        bench.hear(&a, Heard::Running);
        let mut pauses = Vec::new();
        loop {
            let before = bench.now.mono;
            assert_eq!(bench.wait(), [Action::Look(a.clone())]);
            pauses.push((bench.now.mono - before).as_secs());
            bench.hear(&a, Heard::Running);
            if let Some(Standing::Failed { text, .. }) = bench.queue.standing(&a) {
                assert!(text.contains("after a day"), "{text}");
                break;
            }
        }
        assert_eq!(pauses[..7], [10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(bench.queue.deadline(), None);
    }

    #[test]
    fn who_looks_on_hears_of_the_end_within_the_shortest_pause() {
        let a = key("east", "a");
        let mut bench = Bench::new();
        bench.tell(Input::Wanted(a.clone()));
        bench.hear(&a, Heard::Running);
        for _ in 0..3 {
            assert_eq!(bench.wait(), [Action::Look(a.clone())]);
            bench.hear(&a, Heard::Running);
        }
        // The next look would be in 80 s.
        for seconds in [3, 3, 3, 1] {
            let before = bench.queue.deadline().unwrap();
            assert_eq!(bench.tell(Input::Watched(a.clone())), []);
            assert!(bench.queue.deadline().unwrap() <= before);
            bench.now.mono += Duration::from_secs(seconds);
        }
        assert_eq!(bench.queue.deadline(), Some(bench.now.mono));
        assert_eq!(bench.wait(), [Action::Look(a.clone())]);
        // What Webex wants to be left alone for is left alone.
        let busy = Heard::Busy {
            retry_after: Some(Duration::from_secs(120)),
        };
        bench.hear(&a, busy);
        let before = bench.queue.deadline();
        bench.tell(Input::Watched(a));
        assert_eq!(bench.queue.deadline(), before);
    }

    #[test]
    fn what_fails_is_tried_again_a_few_times_and_what_is_refused_is_not() {
        let (a, b) = (key("east", "a"), key("east", "b"));
        let mut bench = Bench::new();
        bench.tell(Input::Wanted(a.clone()));
        for _ in 1..FAILURES {
            assert_eq!(bench.hear(&a, Heard::Failed("lost".to_owned())), []);
            assert_eq!(bench.wait(), [Action::Trigger(a.clone())]);
        }
        bench.hear(&a, Heard::Failed("lost".to_owned()));
        assert!(matches!(
            bench.queue.standing(&a),
            Some(Standing::Failed { .. })
        ));
        bench.tell(Input::Wanted(b.clone()));
        bench.hear(&b, Heard::Refused("600011".to_owned()));
        assert!(matches!(
            bench.queue.standing(&b),
            Some(Standing::Failed { .. })
        ));
        assert_eq!(bench.queue.all().len(), 2);
        // A late answer changes nothing.
        assert_eq!(bench.hear(&a, well()), []);
        assert!(matches!(
            bench.queue.standing(&a),
            Some(Standing::Failed { .. })
        ));
    }

    #[test]
    fn a_line_is_bounded_and_who_is_no_longer_wanted_leaves_it() {
        let mut bench = Bench::new();
        for n in 0..=WAITING + 3 {
            bench.tell(Input::Wanted(key("east", &format!("e{n}"))));
        }
        let east = ClusterName::parse("east").unwrap();
        assert_eq!(bench.queue.room(&east), Err(Full));
        bench.tell(Input::Unwanted(key("east", "e5")));
        assert_eq!(bench.queue.standing(&key("east", "e5")), None);
        assert_eq!(bench.queue.room(&east), Ok(()));
    }

    #[test]
    fn what_webex_says_is_understood() {
        let sync = |status: &str, codes: &[&str]| DirectorySync {
            status: Some(status.to_owned()),
            errors: codes
                .iter()
                .map(|code| SubscriberError {
                    code: Some((*code).to_owned()),
                    description: "why".to_owned(),
                })
                .collect(),
            ..DirectorySync::default()
        };
        let failure = |kind, code: Option<&str>| CallFailure {
            kind,
            code: code.map(str::to_owned),
            text: "why".to_owned(),
            ours: None,
            theirs: None,
            retry_after: None,
        };
        let busy = Heard::Busy { retry_after: None };
        for (answer, expected) in [
            (Ok(sync("IN_PROGRESS", &[])), Heard::Running),
            (Ok(sync("COMPLETE", &[])), well()),
            (
                Ok(sync("failed", &["600014"])),
                Heard::Settled {
                    well: false,
                    text: "failed; 600014 why".to_owned(),
                },
            ),
            (Ok(sync("FAILED", &["600009"])), busy.clone()),
            (Err(failure(FailureKind::Status(429), None)), busy.clone()),
            (Err(failure(FailureKind::Status(409), Some("600005"))), busy),
            (
                Err(failure(FailureKind::Status(409), Some("600011"))),
                Heard::Refused("600011 why".to_owned()),
            ),
            (
                Err(failure(FailureKind::Unanswered, None)),
                Heard::Failed("why".to_owned()),
            ),
        ] {
            assert_eq!(heard(&answer), expected, "{answer:?}");
        }
    }
}
