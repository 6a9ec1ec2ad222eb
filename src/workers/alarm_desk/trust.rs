//! Whether the wall clock can be believed: a clock that is ten years ahead for an hour must not make
//! all history old.

use std::time::Duration;

use crate::domain::machine::Now;

/// So long the clock has to go without a jump.
const DAY: Duration = Duration::from_secs(86_400);

/// A step of less is a correction.
const JUMP: Duration = Duration::from_secs(3_600);

/// Since when the clock has gone evenly, as far as is known; before the start nothing is.
#[derive(Debug)]
pub(super) struct Trust {
    since: Now,
    last: Now,
}

impl Trust {
    pub(super) const fn new(now: Now) -> Self {
        Self {
            since: now,
            last: now,
        }
    }

    /// Whether it has gone evenly for a day.
    pub(super) fn holds(&mut self, now: Now) -> bool {
        let gone = now.mono.saturating_duration_since(self.last.mono);
        let expected = self.last.wall + gone;
        let apart = now
            .wall
            .duration_since(expected)
            .unwrap_or_else(|error| error.duration());
        if apart >= JUMP {
            self.since = now;
        }
        self.last = now;
        now.mono.saturating_duration_since(self.since.mono) >= DAY
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::clock;

    #[test]
    fn a_clock_that_jumps_is_believed_again_a_day_after_it_is_right() {
        const HOUR: Duration = Duration::from_secs(3_600);
        const YEARS: Duration = Duration::from_secs(10 * 365 * 86_400);
        let mut now = clock::now();
        let mut trust = Trust::new(now);
        let mut pass = |jump: Duration, back: bool| {
            now.mono += HOUR;
            now.wall += HOUR;
            now.wall = match back {
                true => now.wall - jump,
                false => now.wall + jump,
            };
            trust.holds(now)
        };
        assert!((0..23).all(|_| !pass(Duration::ZERO, false)));
        assert!(pass(Duration::ZERO, false));
        assert!(pass(Duration::from_secs(60), true), "a correction");
        assert!(!pass(YEARS, false));
        assert!(!pass(YEARS, true));
        assert!((0..23).all(|_| !pass(Duration::ZERO, false)));
        assert!(pass(Duration::ZERO, false));
    }
}
