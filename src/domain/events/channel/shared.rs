//! What the members of a set share.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::events::channel::Action;
use crate::domain::events::channel::Attempt;
use crate::domain::events::channel::Rules;
use crate::domain::events::channel::recent::Recent;

/// First and longest pause before another opening.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What the members of a set share.
pub(super) struct Shared<'a> {
    pub(super) rules: &'a Rules,
    pub(super) actions: &'a mut VecDeque<Action>,
    pub(super) recent: &'a mut Recent,
    pub(super) random: &'a mut u64,
    pub(super) attempts: &'a mut u64,
}

impl Shared<'_> {
    pub(super) fn act(&mut self, action: Action) {
        self.actions.push_back(action);
    }

    pub(super) const fn attempt(&mut self) -> Attempt {
        *self.attempts += 1;
        Attempt(*self.attempts)
    }

    /// A pause after so many failures in a row: twice as long each time, anywhere in its second
    /// half, so that nodes do not come back as one.
    pub(super) fn pause(&mut self, failures: u32) -> Duration {
        let doubled = 1_u32
            .checked_shl(failures.saturating_sub(1))
            .unwrap_or(u32::MAX);
        let longest = FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE);
        longest / 2 + self.below(longest / 2)
    }

    pub(super) fn below(&mut self, limit: Duration) -> Duration {
        let micros = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(next(self.random) % micros.max(1))
    }
}

/// splitmix64.
pub(super) const fn next(random: &mut u64) -> u64 {
    *random = random.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut value = *random;
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
