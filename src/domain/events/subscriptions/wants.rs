//! Who is wanted, and whether one by one or all together.

use std::time::Instant;

use crate::domain::events::ids::UserId;
use crate::domain::events::subscriptions::Target;
use crate::domain::events::subscriptions::machine::Subscriptions;

impl Subscriptions {
    /// One way above the threshold, back below three quarters of it.
    fn choose(&mut self, now: Instant) {
        let Some(above) = self.rules.collections_above else {
            return;
        };
        let count = self.wanted.len();
        if !self.collective && count > above && !self.rules.collections.is_empty() {
            self.collective = true;
            for user in self.wanted.clone() {
                self.remove(&Target::User(user));
            }
            for collection in self.rules.collections.clone() {
                self.add(Target::Collection(collection), now);
            }
        } else if self.collective && count < above - above / 4 {
            self.collective = false;
            self.fetches.clear();
            self.planned.clear();
            for collection in self.rules.collections.clone() {
                self.remove(&Target::Collection(collection));
            }
            for user in self.wanted.clone() {
                self.add(Target::User(user), now);
            }
        }
    }

    pub(super) fn want(&mut self, user: UserId, now: Instant) {
        if !self.wanted.insert(user.clone()) {
            return;
        }
        if self.collective {
            self.plan_fetch(user, now);
        } else {
            self.add(Target::User(user), now);
        }
        self.choose(now);
    }

    pub(super) fn unwant(&mut self, user: &UserId, now: Instant) {
        self.wanted.remove(user);
        self.fetched.remove(user);
        if let Some(at) = self.planned.remove(user) {
            self.fetches.remove(&(at, user.clone()));
        }
        self.remove(&Target::User(user.clone()));
        self.choose(now);
    }

    pub(super) fn plan_fetch(&mut self, user: UserId, now: Instant) {
        if self.planned.contains_key(&user) {
            return;
        }
        let last = self.fetched.get(&user);
        let apart = last.map_or(now, |last| *last + self.rules.refresh_pause);
        let at = apart.max(now + self.rules.coalesce);
        self.planned.insert(user.clone(), at);
        self.fetches.insert((at, user));
    }

    pub(super) fn refresh(&mut self, user: UserId, now: Instant) {
        if !self.wanted.contains(&user) {
            return;
        }
        if self.collective {
            self.plan_fetch(user, now);
        } else {
            self.change(&Target::User(user), |entry, rules| entry.ask(rules, now));
        }
    }
}
