//! The bound: who finds a place, and who has to make room.

use crate::domain::alarms::board::Board;
use crate::domain::alarms::board::Claim;
use crate::domain::alarms::key::AlarmKey;
use crate::domain::alarms::name::AlarmName;
use crate::domain::alarms::observation::Observation;
use crate::domain::machine::Now;

/// Who ends what has to make room.
const CROWDED_OUT: (&str, &str) = ("xspd", "a worse alarm needs its place; it is not over");

/// The key of the board's own alarm.
pub(super) fn overflow() -> AlarmKey {
    AlarmKey::new(AlarmName::AlarmsDiscarded, "board")
}

impl Board {
    /// Whether a new key finds a place; what is only remembered makes room.
    pub(super) fn has_room(&mut self, key: &AlarmKey) -> bool {
        let own = overflow();
        if *key == own {
            return true;
        }
        let full = |board: &Self| {
            let own = usize::from(board.held.contains_key(&own));
            board.held.len() - own >= board.policy.bound
        };
        if full(self) && self.ghosts > 0 {
            let ghosts = self.held.iter().filter(|(_, held)| held.is_ghost());
            let ghosts: Vec<_> = ghosts.map(|(key, _)| key.clone()).collect();
            for ghost in ghosts {
                self.forget(&ghost);
            }
        }
        !full(self)
    }

    /// Lets the mildest alarm go for one that is worse. What is only suspected goes first.
    pub(super) fn make_room(&mut self, claim: &Claim, now: Now) -> bool {
        let own = overflow();
        // A flood of what is no worse must not look through all of them each time.
        if self
            .mildest
            .is_some_and(|mildest| claim.severity() <= mildest)
        {
            return false;
        }
        let others = self.held.iter().filter(|(key, _)| **key != own);
        let mildest = others.min_by_key(|(_, held)| (held.weight(), held.severity().is_some()));
        let Some((key, weight)) = mildest.map(|(key, held)| (key.clone(), held.weight())) else {
            return false;
        };
        self.mildest = Some(weight);
        if claim.severity() <= weight {
            return false;
        }
        if self.alarm(&key).is_some() {
            self.clear(&key, Some(CROWDED_OUT), now);
        }
        self.forget(&key);
        self.discard(&key, now);
        true
    }

    /// Something found no place.
    pub(super) fn discard(&mut self, key: &AlarmKey, now: Now) {
        let text = format!(
            "There are more than {} alarms; what came further was discarded, first {key}.",
            self.policy.bound
        );
        self.note_discarded(1, text, now);
    }

    /// Looks were lost before they came here.
    pub(super) fn lost(&mut self, looks: u64, now: Now) {
        if looks > 0 {
            let text = format!("{looks} looks at alarms came faster than they could be weighed.");
            self.note_discarded(looks, text, now);
        }
    }

    fn note_discarded(&mut self, looks: u64, text: String, now: Now) {
        self.discarded = self.discarded.saturating_add(looks);
        self.discard = Some(now.mono);
        let own = overflow();
        // The first one is told; the others are counted with it.
        let text = match self.alarm(&own) {
            Some(held) => held.text.clone(),
            None => text,
        };
        self.observe(
            Observation::present(own.name, own.object.as_str(), text),
            now,
        );
    }
}
