//! Events seen lately, so that each is handed on once. A copy that was sent again keeps its id
//! (inferred, Xsi-Events field page 2.5).

use std::collections::HashSet;
use std::collections::VecDeque;
use std::time::Duration;
use std::time::Instant;

use crate::domain::events::ids::EventId;

/// How many are remembered: the busiest minute of a node that tracks 2,000 users.
const COUNT: usize = 4_096;

/// How long each is remembered; far longer than any notification time-out (30 s at most).
const LIFE: Duration = Duration::from_secs(600);

#[derive(Debug, Clone, Default)]
pub(super) struct Recent {
    seen: HashSet<EventId>,
    order: VecDeque<(Instant, EventId)>,
}

impl Recent {
    /// Whether it is new.
    pub(super) fn insert(&mut self, event: &EventId, now: Instant) -> bool {
        while let Some((at, _)) = self.order.front() {
            if self.order.len() < COUNT && now.saturating_duration_since(*at) < LIFE {
                break;
            }
            if let Some((_, old)) = self.order.pop_front() {
                self.seen.remove(&old);
            }
        }
        let new = self.seen.insert(event.clone());
        if new {
            self.order.push_back((now, event.clone()));
        }
        new
    }

    pub(super) fn check_invariants(&self) {
        assert_eq!(self.seen.len(), self.order.len(), "recent events");
        assert!(self.order.len() <= COUNT, "recent events are bounded");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::clock;

    #[test]
    fn an_event_is_new_once_until_it_is_forgotten() {
        let mut recent = Recent::default();
        let now = clock::now().mono;
        let event = EventId::new("a");
        assert!(recent.insert(&event, now));
        assert!(!recent.insert(&event, now + LIFE / 2));
        assert!(recent.insert(&event, now + LIFE));
        for index in 0..COUNT {
            recent.insert(&EventId::new(&index.to_string()), now + LIFE);
            recent.check_invariants();
        }
        assert!(recent.insert(&event, now + LIFE));
    }
}
