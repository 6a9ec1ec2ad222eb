//! The heartbeats of one channel and their echoes. The XSP writes an echo on the stream for each
//! heartbeat that it accepts (field page, section 1.4); when heartbeats are accepted and no echo
//! comes, something between us and it holds bytes back, and events too.

use std::time::Duration;
use std::time::Instant;

/// One channel.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pulse {
    /// When a heartbeat passed last, and whose it was.
    last_beat: Option<(Instant, u64)>,
    last_echo: Option<Instant>,
    /// When the heartbeat was sent whose echo is waited for.
    waiting: Option<Instant>,
}

impl Pulse {
    /// A heartbeat of this caller wants to pass. Whoever knows the id of somebody else's channel
    /// may send one; the XSP refuses it, and it must not keep those of the owner away.
    ///
    /// # Errors
    /// The time to wait, when it comes sooner than `interval` after the caller's last one.
    pub fn beat(&mut self, now: Instant, interval: Duration, caller: u64) -> Result<(), Duration> {
        if let Some((last, whose)) = self.last_beat
            && whose == caller
        {
            let since = now.saturating_duration_since(last);
            if let Some(left) = interval.checked_sub(since)
                && left > Duration::ZERO
            {
                return Err(left);
            }
        }
        self.last_beat = Some((now, caller));
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
        assert_eq!(pulse.beat(start, second, 1), Ok(()));
        let soon = start + Duration::from_millis(400);
        let refused = pulse.beat(soon, second, 1);
        assert_eq!(refused, Err(Duration::from_millis(600)));
        assert_eq!(pulse.beat(start + second, second, 1), Ok(()));
        assert_eq!(pulse.beat(start + second, Duration::ZERO, 1), Ok(()));
    }

    #[test]
    fn a_strangers_heartbeats_do_not_keep_the_owners_away() {
        let start = a_moment();
        let mut pulse = Pulse::default();
        let second = Duration::from_secs(1);
        assert_eq!(pulse.beat(start, second, 666), Ok(()));
        assert_eq!(pulse.beat(start, second, 1), Ok(()));
        assert!(pulse.beat(start, second, 1).is_err());
    }
}
