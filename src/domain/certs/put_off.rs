//! An activation that was put off: when it is tried, when it is given up, and what is told of it.
//! Times are seconds since 1970.

use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Observation;
use crate::domain::alarms::Severity;
use crate::domain::alarms::key::AlarmKey;
use crate::domain::alarms::observation::Condition;
use crate::domain::alarms::observation::Present;
use crate::domain::certs::remedy;
use crate::domain::shell::quoted;

/// Seconds between two tries, when it is not the certificate that is refused.
const AGAIN: i64 = 60;

/// Seconds after its time in which it is tried: an operator has come back to it by then.
const LONGEST: i64 = 24 * 60 * 60;

/// Seconds after its time in which it is begun: a restart takes less, and a change window is hardly
/// shorter.
const LATE: i64 = 60 * 60;

/// What is to be done about it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It was begun in its time, and the day is over.
    GivenUp,
    /// It was not begun in its time.
    Missed,
    /// Try.
    Try,
    /// Nothing yet.
    Wait,
}

/// What is to be done about what is due at `due`, and was tried last at `tried`, be it before a
/// restart.
#[must_use]
pub fn turn(due: i64, tried: Option<i64>, now: i64) -> Turn {
    let late = now.saturating_sub(due);
    if late < 0 {
        return Turn::Wait;
    }
    match tried {
        None if late > LATE => Turn::Missed,
        Some(at) if (0..AGAIN).contains(&now.saturating_sub(at)) => Turn::Wait,
        Some(_) if late > LONGEST => Turn::GivenUp,
        None | Some(_) => Turn::Try,
    }
}

/// Whether a try that fails now was the last.
#[must_use]
pub fn is_last(due: i64, now: i64) -> bool {
    now.saturating_sub(due) >= LONGEST
}

/// It was not done at its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotDone {
    /// Why.
    pub problem: String,
    /// Whether what was meant is still staged: then it can be activated.
    pub staged: bool,
}

/// What that means for the alarms.
#[must_use]
pub fn observation(place: &str, not_done: Option<&NotDone>) -> Observation {
    let present = not_done.map(|NotDone { problem, staged }| {
        let mut present = Present {
            rule: "the time that was set for it".to_owned(),
            ..Present::new(
                Severity::Medium,
                format!(
                    "The certificate that is staged for {place} was not activated at the time that \
                     was set; what was served stays: {problem}"
                ),
            )
        };
        let command = match staged {
            true => format!("xspd certs activate {}", quoted(place)),
            // Whatever else lies there is not what was meant.
            false => "xspd certs staged".to_owned(),
        };
        remedy::paste(&mut present, command);
        present
    });
    Observation {
        key: AlarmKey::new(AlarmName::CertificateRenewalFailed, place),
        condition: present.map_or(Condition::Absent, Condition::Present),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUE: i64 = 1_800_000_000;
    const HOUR: i64 = 3_600;

    /// A daemon that looks every ten seconds while it is up, keeps on disk when it tried first, and
    /// always fails: when it tried, in seconds after the time that was set, and how it ended.
    fn life(up: impl Fn(i64) -> bool) -> (Vec<i64>, Option<(i64, Turn)>) {
        let (mut kept, mut memory, mut tries) = (None, None, Vec::new());
        for after in (-HOUR..LONGEST * 4).step_by(10) {
            if !up(after) {
                memory = None;
                continue;
            }
            match turn(DUE, memory.or(kept), DUE + after) {
                Turn::Wait => {}
                Turn::Try => {
                    tries.push(after);
                    kept = kept.or(Some(DUE + after));
                    memory = Some(DUE + after);
                    if is_last(DUE, DUE + after) {
                        return (tries, Some((after, Turn::Try)));
                    }
                }
                over @ (Turn::GivenUp | Turn::Missed) => return (tries, Some((after, over))),
            }
        }
        (tries, None)
    }

    #[test]
    fn what_was_begun_goes_on_after_a_restart_as_if_there_had_been_none() {
        let (always, end) = life(|_| true);
        assert_eq!(always.first(), Some(&0));
        assert!(always.windows(2).all(|two| two[1] - two[0] == AGAIN));
        assert_eq!(end, Some((LONGEST, Turn::Try)));
        // Down for less and for more than what would make a beginning too late.
        for down in [HOUR / 2, HOUR * 2, HOUR * 23] {
            let gap = HOUR / 2..HOUR / 2 + down;
            let (tries, end) = life(|after| !gap.contains(&after));
            assert_eq!(end, Some((LONGEST, Turn::Try)), "{down}");
            let without = always.iter().filter(|after| !gap.contains(after));
            assert!(tries.iter().eq(without), "{down}: {tries:?}");
        }
    }

    #[test]
    fn what_was_begun_is_given_up_by_a_daemon_that_comes_back_when_the_day_is_over() {
        for back in [LONGEST + 10, LONGEST * 3] {
            let (tries, end) = life(|after| after < HOUR || after >= back);
            assert!(tries.iter().all(|after| *after < HOUR));
            assert_eq!(end, Some((back, Turn::GivenUp)));
        }
    }

    #[test]
    fn what_was_not_begun_within_the_hour_is_missed() {
        for (back, missed) in [(HOUR, false), (HOUR + 10, true), (LONGEST * 3, true)] {
            let (tries, end) = life(|after| after < 0 || after >= back);
            assert_eq!(tries.is_empty(), missed, "{back}");
            assert_eq!(end == Some((back, Turn::Missed)), missed, "{back}");
        }
    }

    #[test]
    fn a_clock_that_is_set_back_makes_nobody_wait_for_the_last_try() {
        assert_eq!(turn(DUE, Some(DUE + HOUR), DUE + 10), Turn::Try);
        assert_eq!(turn(DUE, Some(DUE + HOUR), DUE - 10), Turn::Wait);
        assert_eq!(turn(i64::MAX, None, i64::MIN), Turn::Wait);
        assert_eq!(turn(i64::MIN, None, i64::MAX), Turn::Missed);
    }
}
