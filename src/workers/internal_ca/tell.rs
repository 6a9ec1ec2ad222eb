//! What the internal CA means for the alarms. Each is said when it changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::alarms::AlarmKey;
use crate::domain::alarms::Condition;
use crate::domain::alarms::Observation;
use crate::domain::certs::own_ca;
use crate::workers::cert_desk::place::Place;
use crate::workers::internal_ca::Leaf;
use crate::workers::internal_ca::status::Status;

/// What was said last of each alarm.
#[derive(Default)]
pub(super) struct Teller(BTreeMap<AlarmKey, Condition>);

impl Teller {
    /// Says what changed; what is no longer spoken of is over.
    pub(super) fn say(
        &mut self,
        seen: Vec<Observation>,
        observe: &Arc<dyn Fn(Observation) + Send + Sync>,
    ) {
        let before = std::mem::take(&mut self.0);
        for observation in seen {
            let Observation { key, condition } = &observation;
            self.0.insert(key.clone(), condition.clone());
            if before.get(key) != Some(condition) {
                observe(observation);
            }
        }
        for (key, condition) in before {
            if condition != Condition::Absent && !self.0.contains_key(&key) {
                observe(Observation {
                    key,
                    condition: Condition::Absent,
                });
            }
        }
    }
}

/// Whether the last renewal of a bridge's certificate came to nothing.
pub(super) fn renewal(place: &Place, status: &Status, leaf: Option<&Leaf>) -> Observation {
    let failed = !status.problem.is_empty() && status.managed;
    let (file, ends) = (
        place.chain.display().to_string(),
        leaf.map(|leaf| leaf.facts.not_after),
    );
    let problem = failed.then_some(status.problem.as_str());
    own_ca::renewal(&place.name, &file, problem, ends)
}
