//! The rest after an operator went back to the certificate before. What was renewed did harm, and the
//! one before is due as a rule: without a rest it would be renewed again before anybody could look.

use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use crate::domain::certs::renewal::Renewal;
use crate::domain::machine::Now;

/// Long enough for somebody to find out what was wrong.
const LONGEST: Duration = Duration::from_secs(86_400);

/// Until when nothing is ordered after an operator went back to a certificate: for a day, but never
/// for more than half of what it has left.
#[must_use]
pub fn hold_until(ends: SystemTime, now: SystemTime) -> SystemTime {
    let left = ends.duration_since(now).unwrap_or(Duration::ZERO);
    now + (left / 2).min(LONGEST)
}

/// What was said of it, and when it is over.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hold(Option<Held>);

#[derive(Debug, Clone, Copy)]
struct Held {
    said: SystemTime,
    ends: Instant,
}

impl Hold {
    /// The date is heard again and again: only another one counts, so that a clock that is set back
    /// does not make it longer. Says whether it has begun with this.
    pub(super) fn hear(&mut self, until: Option<SystemTime>, now: Now) -> bool {
        if self.0.map(|held| held.said) == until {
            return false;
        }
        self.0 = until.map(|said| Held {
            said,
            ends: now.mono
                + said
                    .duration_since(now.wall)
                    .unwrap_or_default()
                    .min(LONGEST),
        });
        self.left(now.mono).is_some()
    }

    /// An operator wants it renewed after all.
    pub(super) fn lift(&mut self, now: Now) {
        if let Some(held) = &mut self.0 {
            held.ends = now.mono;
        }
    }

    /// The date that was said, as long as it lasts.
    pub(super) fn until(&self, mono: Instant) -> Option<SystemTime> {
        self.left(mono)?;
        self.0.map(|held| held.said)
    }

    /// How long it still lasts.
    pub(super) fn left(&self, mono: Instant) -> Option<Duration> {
        let left = self.0?.ends.saturating_duration_since(mono);
        (left > Duration::ZERO).then_some(left)
    }
}

impl Renewal {
    /// Until when nothing is ordered because an operator went back to the certificate before.
    #[must_use]
    pub fn held(&self) -> Option<SystemTime> {
        self.hold.until(self.last.mono)
    }

    /// What was ordered came while an operator went back, and is not used.
    pub(super) fn set_aside(&mut self, until: SystemTime, now: Now) {
        self.asked = false;
        self.hold.hear(Some(until), now);
        self.ordering = false;
        self.rest = None;
        self.recover();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_certificate_that_ends_soon_is_not_held_until_it_has_ended() {
        let now = SystemTime::UNIX_EPOCH + HOUR * 500_000;
        assert_eq!(hold_until(now + LONGEST * 30, now), now + LONGEST);
        assert_eq!(hold_until(now + HOUR * 10, now), now + HOUR * 5);
        assert_eq!(hold_until(now - HOUR, now), now);
    }
}
