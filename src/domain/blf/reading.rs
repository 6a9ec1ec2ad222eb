//! When watchers' lists are read: at once, by timer, soon after somebody changed one; paced, and
//! less often where it fails.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::time::Duration;
use std::time::Instant;

use crate::domain::events::ids::UserId;
use crate::domain::machine::Machine;
use crate::domain::machine::Now;

/// The numbers of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Time between two readings of one list.
    pub refresh: Duration,
    /// Readings a second, of all lists.
    pub per_second: u32,
    /// Readings under way at once.
    pub at_once: usize,
    /// How long after a change a list is read: the Application Server may take a moment, and a
    /// portal changes a list in several steps.
    pub settle: Duration,
    /// How long a reading may be without its result before it counts as failed.
    pub patience: Duration,
}

/// First pause after a failure; each further one is twice as long, up to the refresh.
const FIRST_PAUSE: Duration = Duration::from_secs(2);

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input<'a> {
    /// Somebody changed the list of a watcher.
    Changed(&'a UserId),
    /// A reading ended.
    Read(&'a UserId, Outcome),
    /// The time between two readings is another now.
    Refresh(Duration),
    /// The list of a watcher need not be read any more.
    Unwant(&'a UserId),
    /// The list of a watcher is to be read, now and again.
    Want(&'a UserId),
}

/// How a reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The list is known.
    Done,
    /// No usable answer.
    Failed,
    /// There is no such watcher, or it is none of ours: asked again by timer only.
    Refused,
}

/// The schedule. Its only action is to read the list of a watcher.
#[derive(Debug, Clone)]
pub struct Reading {
    rules: Rules,
    lists: BTreeMap<UserId, List>,
    due: BTreeSet<(Instant, UserId)>,
    running: usize,
    next_free: Option<Instant>,
    actions: VecDeque<UserId>,
}

#[derive(Debug, Clone, Copy)]
struct List {
    state: State,
    failures: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running { until: Instant, changed: bool },
    Waiting { due: Instant },
}

impl State {
    const fn at(self) -> Instant {
        match self {
            Self::Running { until, .. } => until,
            Self::Waiting { due } => due,
        }
    }
}

impl Reading {
    /// Nothing to read yet.
    #[must_use]
    pub const fn new(rules: Rules) -> Self {
        Self {
            rules,
            lists: BTreeMap::new(),
            due: BTreeSet::new(),
            running: 0,
            next_free: None,
            actions: VecDeque::new(),
        }
    }

    /// Lists that are to be read.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lists.len()
    }

    fn plan(&mut self, user: &UserId, list: List) {
        if let Some(old) = self.lists.insert(user.clone(), list) {
            self.due.remove(&(old.state.at(), user.clone()));
            self.running -= usize::from(matches!(old.state, State::Running { .. }));
        }
        self.due.insert((list.state.at(), user.clone()));
        self.running += usize::from(matches!(list.state, State::Running { .. }));
    }

    fn forget(&mut self, user: &UserId) {
        if let Some(old) = self.lists.remove(user) {
            self.due.remove(&(old.state.at(), user.clone()));
            self.running -= usize::from(matches!(old.state, State::Running { .. }));
        }
    }

    fn changed(&mut self, user: &UserId, now: Instant) {
        let Some(mut list) = self.lists.get(user).copied() else {
            return;
        };
        let soon = now + self.rules.settle;
        list.state = match list.state {
            State::Running { until, .. } => State::Running {
                until,
                changed: true,
            },
            State::Waiting { due } => State::Waiting { due: due.min(soon) },
        };
        self.plan(user, list);
    }

    fn read(&mut self, user: &UserId, outcome: Outcome, now: Instant) {
        let Some(List {
            state: State::Running { changed, .. },
            failures,
        }) = self.lists.get(user).copied()
        else {
            return;
        };
        let failures = match outcome {
            Outcome::Done | Outcome::Refused => 0,
            Outcome::Failed => failures.saturating_add(1),
        };
        let pause = match outcome {
            Outcome::Done if changed => self.rules.settle,
            Outcome::Done | Outcome::Refused => self.rules.refresh,
            Outcome::Failed => self.pause(failures),
        };
        let state = State::Waiting { due: now + pause };
        self.plan(user, List { state, failures });
    }

    fn pause(&self, failures: u32) -> Duration {
        let doubled = 1_u32
            .checked_shl(failures.saturating_sub(1))
            .unwrap_or(u32::MAX);
        FIRST_PAUSE.saturating_mul(doubled).min(self.rules.refresh)
    }

    fn may_begin(&self, now: Instant) -> bool {
        self.running < self.rules.at_once && self.next_free.is_none_or(|free| free <= now)
    }

    fn work(&mut self, now: Instant) {
        let due: Vec<_> = self.due.range(..=(now, last())).cloned().collect();
        for (_, user) in due {
            let Some(list) = self.lists.get(&user).copied() else {
                continue;
            };
            match list.state {
                State::Running { .. } => self.read(&user, Outcome::Failed, now),
                State::Waiting { .. } if self.may_begin(now) => {
                    let gap = Duration::from_secs(1) / self.rules.per_second.max(1);
                    self.next_free = Some(now + gap);
                    let until = now + self.rules.patience;
                    let changed = false;
                    let state = State::Running { until, changed };
                    self.plan(&user, List { state, ..list });
                    self.actions.push_back(user);
                }
                State::Waiting { .. } => {}
            }
        }
    }
}

/// Sorts behind every user id.
fn last() -> UserId {
    UserId::new("\u{10ffff}")
}

impl Reading {
    /// As [`Machine::handle`], for inputs that borrow.
    pub fn take(&mut self, input: Input<'_>, now: Now) {
        match input {
            Input::Changed(user) => self.changed(user, now.mono),
            Input::Read(user, outcome) => self.read(user, outcome, now.mono),
            Input::Refresh(refresh) => {
                self.rules.refresh = refresh;
                let latest = now.mono + refresh;
                for (user, mut list) in self.lists.clone() {
                    if let State::Waiting { due } = list.state
                        && due > latest
                    {
                        list.state = State::Waiting { due: latest };
                        self.plan(&user, list);
                    }
                }
            }
            Input::Unwant(user) => self.forget(user),
            Input::Want(user) => {
                if !self.lists.contains_key(user) {
                    let state = State::Waiting { due: now.mono };
                    self.plan(user, List { state, failures: 0 });
                }
            }
        }
        self.work(now.mono);
    }
}

impl Machine for Reading {
    type Input = (UserId, Outcome);
    type Action = UserId;

    fn handle(&mut self, (user, outcome): Self::Input, now: Now) {
        self.take(Input::Read(&user, outcome), now);
    }

    fn handle_timeout(&mut self, now: Now) {
        self.work(now.mono);
    }

    fn deadline(&self) -> Option<Instant> {
        let first = self.due.first().map(|(at, _)| *at)?;
        // While nothing may begin, only what runs out counts.
        if self.running >= self.rules.at_once {
            let running = self.lists.values().filter_map(|list| match list.state {
                State::Running { until, .. } => Some(until),
                State::Waiting { .. } => None,
            });
            return running.min();
        }
        Some(self.next_free.map_or(first, |free| first.max(free)))
    }

    fn poll_action(&mut self) -> Option<UserId> {
        self.actions.pop_front()
    }

    fn check_invariants(&self) {
        assert_eq!(self.lists.len(), self.due.len(), "every list has its time");
        let running = |list: &&List| matches!(list.state, State::Running { .. });
        let count = self.lists.values().filter(running).count();
        assert_eq!(count, self.running, "readings under way");
        assert!(count <= self.rules.at_once, "readings are bounded");
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::platform::clock;

    const RULES: Rules = Rules {
        refresh: Duration::from_secs(600),
        per_second: 10,
        at_once: 2,
        settle: Duration::from_secs(2),
        patience: Duration::from_secs(30),
    };

    struct Bench {
        reading: Reading,
        now: Instant,
    }

    impl Bench {
        fn new() -> Self {
            Self {
                reading: Reading::new(RULES),
                now: clock::now().mono,
            }
        }

        fn now(&self) -> Now {
            Now {
                mono: self.now,
                wall: SystemTime::UNIX_EPOCH,
            }
        }

        fn tell(&mut self, input: Input<'_>) {
            let now = self.now();
            self.reading.take(input, now);
            self.reading.check_invariants();
        }

        fn begun(&mut self) -> Vec<String> {
            let begun = std::iter::from_fn(|| self.reading.poll_action());
            begun.map(|user| user.to_string()).collect()
        }

        /// Lets time pass, doing what falls due.
        fn pass(&mut self, time: Duration) -> Vec<String> {
            let end = self.now + time;
            let mut begun = self.begun();
            while let Some(at) = self.reading.deadline().filter(|at| *at <= end) {
                self.now = self.now.max(at);
                let now = self.now();
                self.reading.handle_timeout(now);
                self.reading.check_invariants();
                begun.extend(self.begun());
            }
            self.now = end;
            begun
        }
    }

    fn user(name: &str) -> UserId {
        UserId::new(name)
    }

    #[test]
    fn lists_are_read_at_once_at_the_pace_and_not_too_many_together() {
        let mut bench = Bench::new();
        for name in ["a", "b", "c"] {
            bench.tell(Input::Want(&user(name)));
        }
        assert_eq!(bench.begun(), ["a"]);
        assert_eq!(bench.pass(Duration::from_millis(99)), [""; 0]);
        assert_eq!(bench.pass(Duration::from_millis(1)), ["b"]);
        assert_eq!(bench.pass(Duration::from_secs(10)), [""; 0]);
        bench.tell(Input::Read(&user("a"), Outcome::Done));
        assert_eq!(bench.begun(), ["c"]);
    }

    #[test]
    fn a_list_is_read_again_by_timer_and_soon_after_a_change() {
        let mut bench = Bench::new();
        let a = user("a");
        bench.tell(Input::Want(&a));
        assert_eq!(bench.begun(), ["a"]);
        bench.tell(Input::Read(&a, Outcome::Done));
        assert_eq!(bench.pass(Duration::from_secs(599)), [""; 0]);
        assert_eq!(bench.pass(Duration::from_secs(1)), ["a"]);
        bench.tell(Input::Read(&a, Outcome::Done));
        bench.tell(Input::Changed(&a));
        bench.tell(Input::Changed(&a));
        assert_eq!(bench.pass(Duration::from_secs(2)), ["a"]);
        // Changed while it is read: what was read may be the old one.
        bench.tell(Input::Changed(&a));
        bench.tell(Input::Read(&a, Outcome::Done));
        assert_eq!(bench.pass(Duration::from_secs(2)), ["a"]);
    }

    #[test]
    fn failures_are_tried_again_less_and_less_often_and_refusals_by_timer() {
        let mut bench = Bench::new();
        let a = user("a");
        bench.tell(Input::Want(&a));
        assert_eq!(bench.begun(), ["a"]);
        for pause in [2, 4, 8] {
            bench.tell(Input::Read(&a, Outcome::Failed));
            assert_eq!(bench.pass(Duration::from_secs(pause - 1)), [""; 0]);
            assert_eq!(bench.pass(Duration::from_secs(1)), ["a"]);
        }
        bench.tell(Input::Read(&a, Outcome::Refused));
        assert_eq!(bench.pass(Duration::from_secs(599)), [""; 0]);
        assert_eq!(bench.pass(Duration::from_secs(1)), ["a"]);
    }

    #[test]
    fn a_lost_result_counts_as_failed_and_a_late_one_changes_nothing() {
        let mut bench = Bench::new();
        let a = user("a");
        bench.tell(Input::Want(&a));
        bench.begun();
        assert_eq!(bench.pass(Duration::from_secs(32)), ["a"]);
        bench.tell(Input::Unwant(&a));
        bench.tell(Input::Read(&a, Outcome::Done));
        bench.tell(Input::Changed(&a));
        assert_eq!(bench.pass(Duration::from_secs(3600)), [""; 0]);
        assert_eq!(bench.reading.count(), 0);
        assert_eq!(bench.reading.deadline(), None);
    }

    #[test]
    fn a_shorter_refresh_counts_at_once() {
        let mut bench = Bench::new();
        let a = user("a");
        bench.tell(Input::Want(&a));
        bench.begun();
        bench.tell(Input::Read(&a, Outcome::Done));
        bench.tell(Input::Refresh(Duration::from_secs(5)));
        assert_eq!(bench.pass(Duration::from_secs(5)), ["a"]);
    }
}
