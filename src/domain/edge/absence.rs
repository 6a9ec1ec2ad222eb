//! How long nobody has been there: says so once after a while and seldom again, and says when
//! somebody is back. Later alarms build on it.

use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use crate::domain::machine::Machine;
use crate::domain::machine::Now;

/// Between two reminders of one absence.
pub const REMINDER: Duration = Duration::from_secs(3600);

/// What may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// So many are there now.
    Open(usize),
    /// How long an absence is put up with, from now on.
    Patience(Duration),
}

/// What is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tidings {
    /// Somebody is there again after an absence that was told of.
    Back {
        /// How long nobody was there.
        absence: Duration,
    },
    /// Nobody has been there for too long.
    Missing {
        /// For how long.
        absence: Duration,
        /// When somebody last was; `None`: not since the start.
        last: Option<SystemTime>,
    },
}

/// The watch over one absence.
#[derive(Debug)]
pub struct Absence {
    state: State,
    patience: Duration,
    tidings: Option<Tidings>,
}

#[derive(Debug)]
enum State {
    Absent {
        since: Instant,
        last: Option<SystemTime>,
        /// When it was last told.
        told: Option<Instant>,
    },
    Present,
}

impl Absence {
    /// Nobody is there at the start, which counts as the begin of an absence.
    #[must_use]
    pub fn new(patience: Duration, now: Now) -> Self {
        Self {
            state: State::Absent {
                since: now.mono,
                last: None,
                told: None,
            },
            patience,
            tidings: None,
        }
    }
}

impl Machine for Absence {
    type Input = Seen;
    type Action = Tidings;

    fn handle(&mut self, input: Seen, now: Now) {
        match (input, &self.state) {
            (Seen::Patience(patience), _) => self.patience = patience,
            (Seen::Open(0), State::Absent { .. }) | (Seen::Open(1..), State::Present) => {}
            (Seen::Open(0), State::Present) => {
                self.state = State::Absent {
                    since: now.mono,
                    last: Some(now.wall),
                    told: None,
                };
            }
            (Seen::Open(1..), State::Absent { since, told, .. }) => {
                // An absence that nobody was told of ends in silence too.
                self.tidings = told.map(|_| Tidings::Back {
                    absence: now.mono.saturating_duration_since(*since),
                });
                self.state = State::Present;
            }
        }
    }

    fn handle_timeout(&mut self, now: Now) {
        if self.deadline().is_none_or(|deadline| now.mono < deadline) {
            return;
        }
        if let State::Absent { since, last, told } = &mut self.state {
            *told = Some(now.mono);
            self.tidings = Some(Tidings::Missing {
                absence: now.mono.saturating_duration_since(*since),
                last: *last,
            });
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Absent { since, told, .. } => Some(match told {
                Some(told) => *told + REMINDER,
                None => *since + self.patience,
            }),
            State::Present => None,
        }
    }

    fn poll_action(&mut self) -> Option<Tidings> {
        self.tidings.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(300);

    struct Scene {
        absence: Absence,
        now: Now,
    }

    impl Scene {
        #[expect(
            clippy::disallowed_methods,
            reason = "a test needs some moment to count from"
        )]
        fn new() -> Self {
            let now = Now {
                mono: Instant::now(),
                wall: SystemTime::UNIX_EPOCH,
            };
            Self {
                absence: Absence::new(PATIENCE, now),
                now,
            }
        }

        fn open(&mut self, count: usize) -> Option<Tidings> {
            self.absence.handle(Seen::Open(count), self.now);
            self.absence.poll_action()
        }

        fn after(&mut self, seconds: u64) -> Option<Tidings> {
            let step = Duration::from_secs(seconds);
            self.now.mono += step;
            self.now.wall += step;
            self.absence.handle_timeout(self.now);
            let told = self.absence.poll_action();
            // A second call changes nothing.
            self.absence.handle_timeout(self.now);
            assert_eq!(self.absence.poll_action(), None);
            told
        }
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn an_absence_is_told_after_the_patience_and_then_seldom() {
        let mut scene = Scene::new();
        let missing = |after, last| {
            Some(Tidings::Missing {
                absence: seconds(after),
                last,
            })
        };
        assert_eq!(scene.after(299), None);
        assert_eq!(scene.after(1), missing(300, None));
        assert_eq!(scene.after(3599), None);
        assert_eq!(scene.after(1), missing(3900, None));
        let back = Tidings::Back {
            absence: seconds(3900),
        };
        assert_eq!(scene.open(1), Some(back));
        assert_eq!(scene.open(2), None);
        assert_eq!(scene.after(100_000), None);
        assert_eq!(scene.open(0), None);
        let last = SystemTime::UNIX_EPOCH + seconds(103_900);
        assert_eq!(scene.after(300), missing(300, Some(last)));
    }

    #[test]
    fn a_short_absence_begins_and_ends_in_silence() {
        let mut scene = Scene::new();
        for _ in 0..10 {
            assert_eq!(scene.after(299), None);
            assert_eq!(scene.open(1), None);
            assert_eq!(scene.after(10_000), None);
            assert_eq!(scene.open(0), None);
            assert_eq!(scene.open(0), None);
        }
    }

    #[test]
    fn less_patience_counts_for_an_absence_that_has_begun() {
        let mut scene = Scene::new();
        assert_eq!(scene.after(100), None);
        scene.absence.handle(Seen::Patience(seconds(60)), scene.now);
        assert!(matches!(scene.after(0), Some(Tidings::Missing { .. })));
    }
}
