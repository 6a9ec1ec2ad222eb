//! The heartbeats of one channel and their echoes. The XSP writes an echo on the stream for each
//! heartbeat that it accepts (field page, section 1.4); when heartbeats are accepted and no echo
//! comes, something between us and it holds bytes back, and events too.

use std::time::Duration;
use std::time::Instant;

/// One channel.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pulse {
    last_beat: Option<Instant>,
    last_echo: Option<Instant>,
    /// When the heartbeat was sent whose echo is waited for.
    waiting: Option<Instant>,
}

impl Pulse {
    /// A heartbeat wants to pass.
    ///
    /// # Errors
    /// The time to wait, when it comes sooner than `interval` after the last one.
    pub fn beat(&mut self, now: Instant, interval: Duration) -> Result<(), Duration> {
        if let Some(last) = self.last_beat {
            let since = now.saturating_duration_since(last);
            if let Some(left) = interval.checked_sub(since)
                && left > Duration::ZERO
            {
                return Err(left);
            }
        }
        self.last_beat = Some(now);
        Ok(())
    }

    /// The heartbeat sent at `sent` was accepted.
    pub fn accepted(&mut self, sent: Instant) {
        // Its echo may have been faster than its answer.
        if self.last_echo.is_none_or(|echo| echo < sent) {
            self.waiting.get_or_insert(sent);
        }
    }

    /// An echo has passed.
    pub const fn echoed(&mut self, now: Instant) {
        self.last_echo = Some(now);
        self.waiting = None;
    }

    /// Whether an echo is overdue; told once for each heartbeat waited for.
    pub fn misses_echo(&mut self, now: Instant, patience: Duration) -> bool {
        let overdue = |sent| now.saturating_duration_since(sent) >= patience;
        let missing = self.waiting.is_some_and(overdue);
        if missing {
            self.waiting = None;
        }
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::events::tests::a_moment;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[test]
    fn a_missing_echo_is_told_once_for_each_heartbeat() {
        let start = a_moment();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut pulse = Pulse::default();
        pulse.accepted(at(0));
        assert!(!pulse.misses_echo(at(9), PATIENCE));
        assert!(pulse.misses_echo(at(10), PATIENCE));
        assert!(!pulse.misses_echo(at(11), PATIENCE));
        pulse.accepted(at(15));
        assert!(pulse.misses_echo(at(25), PATIENCE));
    }

    #[test]
    fn an_echo_before_or_after_the_answer_is_enough() {
        let start = a_moment();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut pulse = Pulse::default();
        pulse.echoed(at(1));
        pulse.accepted(at(0));
        assert!(!pulse.misses_echo(at(100), PATIENCE));
        pulse.accepted(at(101));
        pulse.echoed(at(102));
        assert!(!pulse.misses_echo(at(200), PATIENCE));
    }

    #[test]
    fn a_later_heartbeat_does_not_put_a_missing_echo_off() {
        let start = a_moment();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut pulse = Pulse::default();
        pulse.accepted(at(0));
        pulse.accepted(at(8));
        assert!(pulse.misses_echo(at(10), PATIENCE));
    }

    #[test]
    fn heartbeats_keep_their_distance() {
        let start = a_moment();
        let mut pulse = Pulse::default();
        let second = Duration::from_secs(1);
        assert_eq!(pulse.beat(start, second), Ok(()));
        let soon = start + Duration::from_millis(400);
        assert_eq!(pulse.beat(soon, second), Err(Duration::from_millis(600)));
        assert_eq!(pulse.beat(start + second, second), Ok(()));
        assert_eq!(pulse.beat(start + second, Duration::ZERO), Ok(()));
    }
}
