//! What always holds, whatever clients do.

use crate::lab::broadworks::events::machine::Events;
use crate::lab::broadworks::events::machine::Route;
use crate::lab::broadworks::events::machine::Stage;

impl Events {
    /// Panics when the state contradicts itself.
    pub(super) fn check(&self) {
        for (id, channel) in &self.channels {
            let set = self.sets.get(&channel.set);
            assert!(
                set.is_some_and(|set| set.channels.contains(id)),
                "the set of a channel knows it"
            );
        }
        for (key, set) in &self.sets {
            assert!(
                set.channels.iter().all(|id| self.channels.contains_key(id)),
                "the channels of a set are there"
            );
            assert_eq!(
                set.channels.is_empty(),
                set.forgotten.is_some(),
                "a set without channels is forgotten at some time, another is not"
            );
            assert!(
                set.grace.is_none() || !set.channels.is_empty(),
                "only channels are unresponsive"
            );
            assert_eq!(
                set.outstanding,
                self.events_for(key).len(),
                "the outstanding events of a set are counted"
            );
        }
        for (id, held) in &self.subscriptions {
            let about = self.by_target.get(&held.target);
            assert!(about.is_some_and(|about| about.contains(id)));
            if let Route::Set(key) = &held.route {
                assert!(self.sets.contains_key(key), "a subscription has its set");
            }
        }
        let indexed: usize = self
            .by_target
            .values()
            .map(std::collections::BTreeSet::len)
            .sum();
        assert_eq!(indexed, self.subscriptions.len());
        assert_eq!(self.by_event.len(), self.outstanding.len());
        for held in self.outstanding.values() {
            match (&held.route, held.stage) {
                (Route::Set(key), Stage::Delivered { channel, .. }) => {
                    let on = self.channels.get(&channel);
                    assert!(
                        on.is_some_and(|on| on.set == *key),
                        "events are on live channels"
                    );
                    assert!(!held.tried.contains(&channel));
                }
                (Route::Set(key), Stage::Waiting) => {
                    let set = self.sets.get(key);
                    assert!(set.is_none_or(|set| set.channels.is_empty()));
                }
                (Route::Set(key), Stage::Exhausted) => {
                    let set = self.sets.get(key);
                    assert!(set.is_some_and(|set| set.grace.is_some()));
                }
                (Route::Contact(_), Stage::Paused(_) | Stage::Posting | Stage::Waiting) => {}
                (Route::Set(_), Stage::Paused(_) | Stage::Posting)
                | (Route::Contact(_), Stage::Delivered { .. } | Stage::Exhausted) => {
                    unreachable!("an event stands where its kind cannot");
                }
            }
        }
    }
}
