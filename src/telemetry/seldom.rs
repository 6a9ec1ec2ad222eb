//! Lets a few lines of one kind through in a while and counts the others, so that a stranger who
//! causes them cannot fill a disk, and an operator still sees why somebody is refused.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

/// How long one line stands for all of its kind.
const WHILE: Duration = Duration::from_secs(60);

/// Lines let through in a while when each tells of someone else: a scanner's refusals must not
/// hide Webex's.
const LINES: usize = 3;

/// Whether to write a line of one kind.
#[derive(Debug, Default)]
pub struct Seldom {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    since: Option<Instant>,
    told: Vec<String>,
    unwritten: u64,
}

impl Seldom {
    /// Whether to write a line about `who`, which is empty when nobody is known: then how many of
    /// the kind went unwritten since the last line.
    pub fn pass(&self, who: &str, now: Instant) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let over = state
            .since
            .is_none_or(|since| now.saturating_duration_since(since) >= WHILE);
        if over {
            state.since = Some(now);
            state.told.clear();
        }
        if state.told.len() < LINES && !state.told.iter().any(|told| told == who) {
            state.told.push(who.to_owned());
            Some(std::mem::take(&mut state.unwritten))
        } else {
            state.unwritten = state.unwritten.saturating_add(1);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::clock;

    #[test]
    fn one_line_a_minute_stands_for_all_and_the_next_one_counts_them() {
        let (seldom, start) = (Seldom::default(), clock::mono());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(seldom.pass("", at(0)), Some(0));
        for second in 1..60 {
            assert_eq!(seldom.pass("", at(second)), None);
        }
        assert_eq!(seldom.pass("", at(60)), Some(59));
        assert_eq!(seldom.pass("", at(61)), None);
        assert_eq!(seldom.pass("", at(200)), Some(1));
    }

    #[test]
    fn somebody_else_is_told_too_but_not_without_end() {
        let (seldom, now) = (Seldom::default(), clock::mono());
        let told = |who| seldom.pass(who, now).is_some();
        assert!(told("CN=scanner"));
        assert!(!told("CN=scanner"));
        assert!(told("CN=bwcticlient.webex.com"));
        assert!(told("CN=third"));
        assert!(!told("CN=fourth"));
        assert!(!told("CN=bwcticlient.webex.com"));
    }

    #[test]
    fn a_clock_that_stands_still_or_goes_back_lets_nothing_more_through() {
        let (seldom, now) = (Seldom::default(), clock::mono());
        assert_eq!(seldom.pass("", now + WHILE), Some(0));
        assert_eq!(seldom.pass("", now), None);
    }
}
