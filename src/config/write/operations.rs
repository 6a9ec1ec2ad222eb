//! What operators may do with provisioning, as written.

use crate::config;
use crate::config::raw;
use crate::config::raw::SecretText;
use crate::config::write::number;
use crate::config::write::time;

pub(super) fn operations(operations: &config::Operations) -> raw::Operations {
    let config::Operations {
        operator_token,
        reconcile_nightly,
        reconcile_hour,
        reconcile_pause,
        stuck_after,
    } = operations;
    raw::Operations {
        operator_token: operator_token
            .as_ref()
            .map(|token| SecretText(token.to_string())),
        reconcile_nightly: Some(*reconcile_nightly),
        reconcile_hour: number(*reconcile_hour),
        reconcile_pause: time(*reconcile_pause),
        stuck_after: time(*stuck_after),
    }
}
