//! Which of the receivers of one sink have a notice already.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::domain::alarms::outbox::MOST_WAITING;

/// Notices of which is remembered who has them, so that one dead receiver does not make the others
/// get everything again and again: all that can wait, and some tests by hand.
const REMEMBERED: usize = MOST_WAITING + 24;

/// Who has what.
#[derive(Default)]
pub(super) struct Told(Mutex<VecDeque<Known>>);

struct Known {
    identifier: u64,
    receivers: Vec<usize>,
}

impl Told {
    pub(super) fn who_has(&self, identifier: u64) -> Vec<usize> {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = told.iter().find(|known| known.identifier == identifier);
        known.map_or_else(Vec::new, |known| known.receivers.clone())
    }

    pub(super) fn remember(&self, identifier: u64, receiver: usize) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = told.iter_mut().find(|known| known.identifier == identifier) {
            known.receivers.push(receiver);
            return;
        }
        if told.len() >= REMEMBERED {
            told.pop_front();
        }
        told.push_back(Known {
            identifier,
            receivers: vec![receiver],
        });
    }

    /// All have it; who sends it once more wants it told once more.
    pub(super) fn forget(&self, identifier: u64) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|known| known.identifier != identifier);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_any_of_all_that_can_wait_is_remembered() {
        let told = Told::default();
        let most = u64::try_from(MOST_WAITING).unwrap();
        for identifier in 0..most {
            told.remember(identifier, 1);
        }
        assert!((0..most).all(|identifier| told.who_has(identifier) == [1]));
        told.forget(7);
        assert!(told.who_has(7).is_empty());
    }
}
