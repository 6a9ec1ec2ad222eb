//! Reports that were seen before: after a reconnection the Application Server sends its backlog,
//! which may hold what had arrived already.

use std::collections::HashSet;
use std::collections::VecDeque;
use std::collections::hash_map::DefaultHasher;
use std::hash::Hash as _;
use std::hash::Hasher as _;
use std::time::Duration;
use std::time::Instant;

/// Reports that are remembered: a minute of the busiest administration, and little memory.
const MOST: usize = 4096;

/// How long. Ids may begin anew when the Application Server restarts, so an old one proves nothing.
const WHILE: Duration = Duration::from_secs(15 * 60);

/// The last reports.
#[derive(Debug, Default)]
pub struct Recent {
    order: VecDeque<(Instant, u64)>,
    held: HashSet<u64>,
}

impl Recent {
    /// Notes a report; whether it is new. The same id with another content is another report.
    pub fn is_new(&mut self, id: &str, text: &str, now: Instant) -> bool {
        while let Some((at, key)) = self.order.front() {
            let old = now.saturating_duration_since(*at) >= WHILE;
            if self.order.len() < MOST && !old {
                break;
            }
            self.held.remove(key);
            self.order.pop_front();
        }
        let mut hasher = DefaultHasher::new();
        (id, text).hash(&mut hasher);
        let key = hasher.finish();
        let new = self.held.insert(key);
        if new {
            self.order.push_back((now, key));
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(
        clippy::disallowed_methods,
        reason = "a test needs some moment to count from"
    )]
    fn a_moment() -> Instant {
        Instant::now()
    }

    #[test]
    fn a_report_that_comes_again_is_known_for_a_while() {
        let (mut recent, now) = (Recent::default(), a_moment());
        assert!(recent.is_new("write1", "a", now));
        assert!(!recent.is_new("write1", "a", now + WHILE / 2));
        assert!(recent.is_new("write1", "b", now), "another content");
        assert!(recent.is_new("write2", "a", now), "another id");
        assert!(recent.is_new("write1", "a", now + WHILE));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (mut recent, now) = (Recent::default(), a_moment());
        for id in 0..2 * MOST {
            assert!(recent.is_new(&id.to_string(), "", now));
        }
        assert_eq!((recent.held.len(), recent.order.len()), (MOST, MOST));
        assert!(!recent.is_new(&(2 * MOST - 1).to_string(), "", now));
        assert!(recent.is_new("0", "", now));
    }
}
