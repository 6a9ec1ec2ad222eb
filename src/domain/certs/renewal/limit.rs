//! How many orders of a day are left. CAs lock out who orders too often, so nobody gets more, and who
//! asks is told at once when the next one can be had.

use std::time::SystemTime;

use crate::domain::certs::renewal::DAY;
use crate::domain::certs::renewal::Renewal;
use crate::domain::machine::Now;

/// There is no order left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsedUp {
    /// Orders of the last day.
    pub made: usize,
    /// The first of them.
    pub since: SystemTime,
    /// When there is one again.
    pub next: SystemTime,
}

/// Whether a day's orders are used up, by the times of those that were made.
#[must_use]
pub fn used_up(
    orders: impl IntoIterator<Item = SystemTime>,
    orders_per_day: usize,
    now: SystemTime,
) -> Option<UsedUp> {
    // One of the future was made before the clock was set back: when, nobody knows.
    let orders = orders.into_iter().map(|order| order.min(now));
    let mut counted: Vec<_> = orders.filter(|order| *order + DAY > now).collect();
    counted.sort_unstable();
    let over = counted.len().checked_sub(orders_per_day.max(1))?;
    Some(UsedUp {
        made: counted.len(),
        since: *counted.first()?,
        next: *counted.get(over)? + DAY,
    })
}

impl Renewal {
    /// Whether one may be placed now. What cannot be ordered now is not asked for either.
    pub(super) fn has_order_left(&mut self, now: Now) -> bool {
        self.orders.retain(|order| order.mono > now.mono);
        self.orders.len() < self.orders_per_day
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn there_is_one_again_a_day_after_the_first_that_counts() {
        let hour = Duration::from_secs(3600);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let ago = |hours: u32| now - hour * hours;
        let orders = [ago(30), ago(2), ago(20), ago(23)];
        assert_eq!(used_up(orders, 4, now), None, "one was the day before");
        let three = UsedUp {
            made: 3,
            since: ago(23),
            next: now + hour,
        };
        assert_eq!(used_up(orders, 3, now), Some(three));
        // With a limit that was lowered more of them have to pass first.
        let two = UsedUp {
            next: now + hour * 4,
            ..three
        };
        assert_eq!(used_up(orders, 2, now), Some(two));
        assert_eq!(used_up([ago(24)], 1, now), None);
        assert_eq!(used_up([], 1, now), None);
        let ahead = used_up([now + DAY * 3650], 1, now).unwrap();
        assert_eq!((ahead.since, ahead.next), (now, now + DAY));
    }
}
