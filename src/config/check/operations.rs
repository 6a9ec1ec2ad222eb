//! What operators may do with provisioning.

use std::time::Duration;

use crate::config::Operations;
use crate::config::check::at::At;
use crate::config::check::rules::Bounds;
use crate::config::raw;

/// When the fewest users are moved.
const HOUR: Bounds<u32> = Bounds {
    default: 2,
    low: 0,
    high: 23,
};

/// One question a second leaves the jobs their share of what Webex lets a partner ask.
const PAUSE: Bounds<Duration> = Bounds {
    default: Duration::from_secs(1),
    low: Duration::from_millis(10),
    high: Duration::from_secs(60),
};

/// By then a user has seen the mail, or never will.
const STUCK: Bounds<Duration> = Bounds {
    default: Duration::from_secs(7 * 86_400),
    low: Duration::from_secs(60),
    high: Duration::from_secs(365 * 86_400),
};

pub(super) fn operations(at: &At<'_>, raw: Option<&raw::Operations>) -> Operations {
    let silent = raw::Operations::default();
    let raw = raw.unwrap_or(&silent);
    Operations {
        operator_token: at.secret("operator-token", raw.operator_token.as_ref()),
        reconcile_nightly: raw.reconcile_nightly.unwrap_or(false),
        reconcile_hour: at.count("reconcile-hour", raw.reconcile_hour, &HOUR),
        reconcile_pause: at.duration("reconcile-pause", raw.reconcile_pause.as_ref(), &PAUSE),
        stuck_after: at.duration("stuck-after", raw.stuck_after.as_ref(), &STUCK),
    }
}
