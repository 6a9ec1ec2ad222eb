//! What watchers of certificates saw, told where everything else is: in the log.

use tracing::info;
use tracing::warn;

use crate::domain::alarms::Condition;
use crate::domain::alarms::Observation;

/// Writes an observation down, in the words of the alarm that it is for.
pub(super) fn told(observation: &Observation) {
    let key = &observation.key;
    match &observation.condition {
        Condition::Absent => info!(alarm = %key, "Over."),
        Condition::Present(present) => warn!(
            alarm = %key, severity = %present.severity, rule = present.rule, "{}", present.text
        ),
    }
}
