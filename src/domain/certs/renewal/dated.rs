//! Moments on both clocks, and wall clocks that jump.

use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use crate::domain::machine::Now;

/// Clocks that differ by less did not jump: the wall clock is slewed.
const JUMP: Duration = Duration::from_secs(60);

/// A moment on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dated {
    pub(super) mono: Instant,
    pub(super) wall: SystemTime,
}

impl Dated {
    pub(super) fn after(now: Now, span: Duration) -> Self {
        Self {
            mono: now.mono + span,
            wall: now.wall + span,
        }
    }
}

/// How far a wall clock has jumped.
pub(super) struct Leap {
    by: Duration,
    ahead: bool,
    now: SystemTime,
}

impl Leap {
    /// Between two readings of both clocks.
    pub(super) fn between(last: Now, now: Now) -> Option<Self> {
        let passed = now.mono.saturating_duration_since(last.mono);
        let expected = last.wall + passed;
        let (by, ahead) = match now.wall.duration_since(expected) {
            Ok(by) => (by, true),
            Err(back) => (back.duration(), false),
        };
        (by > JUMP).then_some(Self {
            by,
            ahead,
            now: now.wall,
        })
    }

    /// Takes a date along.
    pub(super) fn shift(&self, wall: &mut SystemTime) {
        let shifted = if self.ahead {
            wall.checked_add(self.by)
        } else {
            wall.checked_sub(self.by)
        };
        *wall = shifted.unwrap_or(self.now);
    }
}
