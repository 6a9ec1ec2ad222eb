//! The acknowledgements of one channel: a few under way, the rest in line, none forgotten.

use std::collections::VecDeque;
use std::time::Duration;
use std::time::Instant;

use crate::domain::events::channel::Outcome;
use crate::domain::events::channel::Rules;
use crate::domain::events::document::requests::AckStatus;
use crate::domain::events::ids::EventId;

/// Tries of one acknowledgement. The longest notification time-out of the server is 30 s; after so
/// many tries it has sent the event elsewhere.
const TRIES: u8 = 5;

/// Pause before another try.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Clone)]
struct Ack {
    event: EventId,
    status: AckStatus,
    tries: u8,
    /// Under way: when it is given up. Waiting: not before.
    at: Instant,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Acks {
    running: Vec<Ack>,
    waiting: VecDeque<Ack>,
}

/// It cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    Failing,
    Overflow,
}

impl Acks {
    pub(super) fn push(
        &mut self,
        event: &EventId,
        status: AckStatus,
        rules: &Rules,
        now: Instant,
    ) -> Result<(), Trouble> {
        if self.waiting.len() >= rules.acks_waiting {
            return Err(Trouble::Overflow);
        }
        // A copy of an event whose acknowledgement is still to be sent needs no second one.
        if !self.waiting.iter().any(|ack| ack.event == *event) {
            self.waiting.push_back(Ack {
                event: event.clone(),
                status,
                tries: 0,
                at: now,
            });
        }
        Ok(())
    }

    /// The next one to send.
    pub(super) fn next(&mut self, rules: &Rules, now: Instant) -> Option<(EventId, AckStatus)> {
        if self.running.len() >= rules.acks_at_once {
            return None;
        }
        let place = self
            .waiting
            .iter()
            .position(|ack| ack.at <= now && !self.runs(&ack.event))?;
        let mut ack = self.waiting.remove(place)?;
        ack.tries += 1;
        ack.at = now + rules.patience;
        let out = (ack.event.clone(), ack.status);
        self.running.push(ack);
        Some(out)
    }

    /// One ended. 404 says that the server no longer waits for it.
    pub(super) fn ended(
        &mut self,
        event: &EventId,
        outcome: Outcome,
        now: Instant,
    ) -> Result<(), Trouble> {
        let Some(place) = self.running.iter().position(|ack| ack.event == *event) else {
            return Ok(());
        };
        let ack = self.running.swap_remove(place);
        match outcome {
            Outcome::Done | Outcome::Gone => Ok(()),
            Outcome::Failed => self.again(ack, now),
        }
    }

    /// Gives up those that take too long.
    pub(super) fn expire(&mut self, now: Instant) -> Result<(), Trouble> {
        while let Some(place) = self.running.iter().position(|ack| ack.at <= now) {
            let ack = self.running.swap_remove(place);
            self.again(ack, now)?;
        }
        Ok(())
    }

    fn again(&mut self, mut ack: Ack, now: Instant) -> Result<(), Trouble> {
        if ack.tries >= TRIES {
            return Err(Trouble::Failing);
        }
        // A copy came meanwhile, and its acknowledgement waits already.
        if !self.waiting.iter().any(|other| other.event == ack.event) {
            ack.at = now + PAUSE;
            self.waiting.push_front(ack);
        }
        Ok(())
    }

    fn runs(&self, event: &EventId) -> bool {
        self.running.iter().any(|ack| ack.event == *event)
    }

    pub(super) fn deadline(&self, rules: &Rules) -> Option<Instant> {
        let ends = self.running.iter().map(|ack| ack.at).min();
        let free = self.running.len() < rules.acks_at_once;
        let starts = self.waiting.iter().filter(|ack| !self.runs(&ack.event));
        let starts = starts.map(|ack| ack.at).min();
        ends.into_iter().chain(starts.filter(|_| free)).min()
    }

    pub(super) fn check_invariants(&self, rules: &Rules) {
        assert!(self.running.len() <= rules.acks_at_once, "acks at once");
        // Those that failed go back in line beside a full one.
        let most = rules.acks_waiting + rules.acks_at_once;
        assert!(self.waiting.len() <= most, "acks waiting");
    }
}
