//! How long things are waited for: polling plans, deadlines, pauses after failures.

use std::time::Duration;
use std::time::Instant;

use crate::domain::provisioning::conductor::job::Way;
use crate::domain::provisioning::policy::Rules;
use crate::domain::provisioning::record::JobState;

/// What a job in a waiting state does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// It is asked for at this time.
    Until(Instant),
    /// It takes longer than it should.
    Stalls,
    /// Somebody has to look at it.
    Over,
}

/// How long a state is waited out.
pub(super) fn wait(way: &Way, first: bool, listed: bool, rules: &Rules, now: Instant) -> Wait {
    let elapsed = now.saturating_duration_since(way.entered);
    match way.record.state {
        JobState::WaitingWebex => {
            let within = if first {
                rules.settle_first_within
            } else {
                rules.settle_within
            };
            if elapsed >= within {
                return Wait::Stalls;
            }
            let next = if listed {
                now + rules.list_fallback
            } else {
                let mut plan = rules.poll_plan.iter();
                let offset = plan.find(|offset| **offset > elapsed);
                offset.map_or(now + rules.poll_every, |offset| way.entered + *offset)
            };
            Wait::Until(next.min(way.entered + within))
        }
        JobState::Stalled => {
            if elapsed >= rules.stalled_for {
                return Wait::Over;
            }
            let next = now + rules.stalled_every;
            Wait::Until(next.min(way.entered + rules.stalled_for))
        }
        JobState::WaitingEmailInput
        | JobState::WaitingEmailValidation
        | JobState::WaitingConsent => {
            let mut plan = rules.waiting_plan.iter();
            match plan.find(|(age, _)| *age > elapsed) {
                Some((_, every)) => Wait::Until(now + *every),
                None => Wait::Over,
            }
        }
        JobState::Queued
        | JobState::WaitingFirstUser
        | JobState::WaitingCustomerAdmin
        | JobState::Prechecking
        | JobState::Submitting
        | JobState::Removing
        | JobState::DeletingPerson
        | JobState::Attention
        | JobState::Provisioned
        | JobState::NoChange
        | JobState::Removed
        | JobState::PersonDeleted
        | JobState::Cancelled
        | JobState::Superseded => Wait::Until(now + rules.poll_every),
    }
}

/// The pause after so many failures in a row.
pub(super) fn pause(attempt: u32, rules: &Rules) -> Duration {
    let doublings = attempt.saturating_sub(1).min(20);
    let pause = rules.retry_first.saturating_mul(1 << doublings);
    pause.min(rules.retry_longest)
}
