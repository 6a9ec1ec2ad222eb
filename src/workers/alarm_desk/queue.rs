//! What watchers have seen and the desk has not looked at yet. A watcher never waits, and no raise
//! is lost to a later clear: what is bounded is the number of keys, and looks at each.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::PoisonError;

use tokio::sync::Notify;

use crate::domain::alarms::AlarmKey;
use crate::domain::alarms::Condition;
use crate::domain::alarms::Observation;

/// Keys at once: twice what the board keeps.
const KEYS: usize = 20_000;

/// Looks at one key that differ from each other; of more, those in the middle go.
const LOOKS: usize = 4;

/// Equal looks that count; who believes after more than these believes slowly.
const EQUAL: u32 = 16;

/// Looks, by key.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    filled: Notify,
}

#[derive(Default)]
struct Waiting {
    looks: BTreeMap<AlarmKey, VecDeque<(Condition, u32)>>,
    /// In the order of the first look at each.
    order: VecDeque<AlarmKey>,
    discarded: u64,
}

impl Queue {
    /// Takes a look in.
    pub(super) fn push(&self, observation: Observation) {
        let Observation { key, condition } = observation;
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if !waiting.looks.contains_key(&key) {
            if waiting.looks.len() >= KEYS {
                waiting.discarded = waiting.discarded.saturating_add(1);
                return;
            }
            waiting.order.push_back(key.clone());
        }
        let looks = waiting.looks.entry(key).or_default();
        match looks.back_mut() {
            // As the board weighs them.
            Some((last, times)) if last.gist() == condition.gist() => {
                *last = condition;
                *times = times.saturating_add(1).min(EQUAL);
            }
            Some(_) | None => {
                looks.push_back((condition, 1));
                if looks.len() > LOOKS {
                    looks.remove(LOOKS / 2);
                }
            }
        }
        drop(waiting);
        self.filled.notify_one();
    }

    /// Everything that waits, in the order in which it came, and how much was discarded since the
    /// last time.
    pub(super) fn take(&self) -> (Vec<Observation>, u64) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let Waiting {
            mut looks,
            order,
            discarded,
        } = std::mem::take(&mut *waiting);
        drop(waiting);
        let mut all = Vec::new();
        for key in order {
            for (condition, times) in looks.remove(&key).into_iter().flatten() {
                for _ in 0..times {
                    all.push(Observation {
                        key: key.clone(),
                        condition: condition.clone(),
                    });
                }
            }
        }
        (all, discarded)
    }

    /// Has the desk look at what else there is to do.
    pub(super) fn poke(&self) {
        self.filled.notify_one();
    }

    /// Resolves when something has come since it last did.
    pub(super) async fn filled(&self) {
        self.filled.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alarms::AlarmName;
    use crate::domain::alarms::Present;
    use crate::domain::alarms::Severity;

    fn look(object: &str, step: Option<&str>) -> Observation {
        let condition = match step {
            Some(step) => Condition::Present(Present {
                step: step.to_owned(),
                ..Present::new(Severity::Low, String::new())
            }),
            None => Condition::Absent,
        };
        Observation {
            key: AlarmKey::new(AlarmName::CrlStale, object),
            condition,
        }
    }

    #[test]
    fn a_raise_is_not_lost_to_the_clear_behind_it() {
        let queue = Queue::default();
        let looks = [look("a", Some("x")), look("a", None), look("b", None)];
        for look in &looks {
            queue.push(look.clone());
        }
        let (taken, discarded) = queue.take();
        assert_eq!((taken.as_slice(), discarded), (&looks[..], 0));
        assert_eq!(queue.take().0, []);
    }

    #[test]
    fn a_flood_at_one_key_keeps_its_beginning_and_its_end() {
        let queue = Queue::default();
        for n in 0..1_000 {
            queue.push(look("a", Some(&n.to_string())));
        }
        let (taken, _) = queue.take();
        assert_eq!(taken.len(), LOOKS);
        assert_eq!(taken[0], look("a", Some("0")));
        assert_eq!(taken[LOOKS - 1], look("a", Some("999")));
        for _ in 0..1_000 {
            queue.push(look("a", None));
        }
        assert_eq!(queue.take().0.len(), EQUAL as usize);
    }

    #[test]
    fn the_number_of_keys_is_bounded_and_the_rest_is_counted() {
        let queue = Queue::default();
        for n in 0..KEYS + 7 {
            queue.push(look(&n.to_string(), None));
        }
        let (taken, discarded) = queue.take();
        assert_eq!((taken.len(), discarded), (KEYS, 7));
    }
}
