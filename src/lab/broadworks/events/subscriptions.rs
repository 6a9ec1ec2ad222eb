//! Subscriptions: made, prolonged, ended; and who is told of what happens.

use std::sync::Arc;
use std::time::Instant;

use crate::lab::broadworks::events::channels::left;
use crate::lab::broadworks::events::command::Destination;
use crate::lab::broadworks::events::command::DropReason;
use crate::lab::broadworks::events::command::Occurrence;
use crate::lab::broadworks::events::command::Owner;
use crate::lab::broadworks::events::command::Refusal;
use crate::lab::broadworks::events::command::Reply;
use crate::lab::broadworks::events::command::Subscribe;
use crate::lab::broadworks::events::command::Target;
use crate::lab::broadworks::events::envelope::EventData;
use crate::lab::broadworks::events::envelope::Heading;
use crate::lab::broadworks::events::ids::SubscriptionId;
use crate::lab::broadworks::events::machine::Events;
use crate::lab::broadworks::events::machine::Route;
use crate::lab::broadworks::events::machine::SetKey;
use crate::lab::broadworks::events::machine::Subscription;
use crate::lab::broadworks::events::package::Packages;
use crate::lab::broadworks::events::settings::CONTACTS;
use crate::lab::broadworks::events::settings::SUBSCRIPTIONS;
use crate::lab::broadworks::events::view::SubscriptionView;

impl Events {
    /// Makes a subscription in place of an equal one, and tells it the state of its target.
    pub(super) fn subscribe(
        &mut self,
        by: &Owner,
        ask: Subscribe,
        now: Instant,
    ) -> Result<Reply, Refusal> {
        let route = self.route(by, &ask.route)?;
        for equal in self.overwritten(by, &ask, &route) {
            self.discard_subscription(equal);
        }
        if self.subscriptions.len() >= SUBSCRIPTIONS {
            return Err(Refusal::Full("subscriptions"));
        }
        let id = SubscriptionId(self.ids.next());
        let (expires, end) = self.grant(ask.expires, now);
        let target_sub = match &ask.target {
            Target::User { sub, .. } => sub.clone(),
            Target::Group { .. } | Target::Provider(_) | Target::System => None,
        };
        let subscription = Subscription {
            heading: Arc::new(Heading {
                subscription: id,
                owner: by.clone(),
                application: ask.application,
                shared: ask.shared,
                target_sub,
            }),
            target: ask.target.clone(),
            packages: ask.packages,
            list: ask.list,
            route,
            expires: end,
            sequence: 0,
        };
        self.subscriptions.insert(id, subscription);
        let about = self.by_target.entry(ask.target).or_default();
        about.insert(id);
        self.tell_state(id, ask.state, now);
        Ok(Reply::Subscribed {
            subscription: id,
            expires,
        })
    }

    fn route(&self, by: &Owner, route: &Destination) -> Result<Route, Refusal> {
        match route {
            Destination::ChannelSet(set) => {
                let key = (by.clone(), set.clone());
                let live = |key| {
                    self.sets
                        .get(key)
                        .is_some_and(|set| !set.channels.is_empty())
                };
                if live(&key) {
                    Ok(Route::Set(key))
                } else {
                    Err(Refusal::NoChannel)
                }
            }
            Destination::Contact(uri) => {
                let contact = |held: &&Subscription| matches!(held.route, Route::Contact(_));
                if self.subscriptions.values().filter(contact).count() >= CONTACTS {
                    return Err(Refusal::Full("HTTP contacts"));
                }
                Ok(Route::Contact(uri.clone()))
            }
        }
    }

    /// The subscriptions that a new one replaces: of the same owner, target, package and
    /// application; lists of the same owner and target. Shared ones stand side by side, one for
    /// each set. (The key is inferred from what the schema says of overwriting.)
    fn overwritten(&self, by: &Owner, ask: &Subscribe, route: &Route) -> Vec<SubscriptionId> {
        let about = self.by_target.get(&ask.target).into_iter().flatten();
        let equal = |id: &&SubscriptionId| {
            self.subscriptions.get(id).is_some_and(|held| {
                let same = held.heading.owner == *by && held.list == ask.list;
                let named = held.packages == ask.packages
                    && held.heading.application == ask.application
                    && held.heading.shared == ask.shared;
                let beside = ask.shared.is_some() && held.route != *route;
                ask.replaces && same && (ask.list || named) && !beside
            })
        };
        about.filter(equal).copied().collect()
    }

    /// A subscription, when the asker may touch it; `None` may touch all.
    pub(super) fn known(
        &mut self,
        by: Option<&Owner>,
        id: SubscriptionId,
    ) -> Result<&mut Subscription, Refusal> {
        let held = self.subscriptions.get_mut(&id);
        held.filter(|held| by.is_none_or(|by| held.heading.owner == *by))
            .ok_or(Refusal::UnknownSubscription)
    }

    pub(super) fn prolong_subscription(
        &mut self,
        by: Option<&Owner>,
        id: SubscriptionId,
        expires: u32,
        state: Vec<EventData>,
        now: Instant,
    ) -> Result<Reply, Refusal> {
        let (granted, end) = self.grant(expires, now);
        self.known(by, id)?.expires = end;
        self.tell_state(id, state, now);
        Ok(Reply::Subscribed {
            subscription: id,
            expires: granted,
        })
    }

    /// Ends a subscription and says so on it.
    pub(super) fn terminate_subscription(&mut self, id: SubscriptionId, now: Instant) {
        let end = EventData::new("SubscriptionTerminatedEvent", |_| {});
        let subject = match self.subscriptions.get(&id).map(|held| &held.target) {
            Some(Target::User { user, .. }) => Some(user.clone()),
            Some(Target::Group { .. } | Target::Provider(_) | Target::System) | None => None,
        };
        self.notify(id, subject, end, now);
        self.forget(id);
    }

    /// Takes a subscription away with all that it still had to say.
    pub(super) fn discard_subscription(&mut self, id: SubscriptionId) {
        self.forget(id);
        let theirs = self.events_of(id);
        for serial in theirs {
            self.drop_event(serial, DropReason::Subscription);
        }
    }

    fn forget(&mut self, id: SubscriptionId) {
        let Some(held) = self.subscriptions.remove(&id) else {
            return;
        };
        if let Some(about) = self.by_target.get_mut(&held.target) {
            about.remove(&id);
            if about.is_empty() {
                self.by_target.remove(&held.target);
            }
        }
    }

    /// Whether a set has subscriptions.
    pub(super) fn has_subscriptions(&self, key: &SetKey) -> bool {
        let mut all = self.subscriptions.values();
        all.any(|held| matches!(&held.route, Route::Set(set) if set == key))
    }

    /// A set has been without channels for too long.
    pub(super) fn forget_set(&mut self, key: &SetKey) {
        let own = |held: &Subscription| matches!(&held.route, Route::Set(set) if set == key);
        let theirs: Vec<SubscriptionId> = self
            .subscriptions
            .iter()
            .filter(|(_, held)| own(held))
            .map(|(id, _)| *id)
            .collect();
        for id in theirs {
            self.forget(id);
        }
        for serial in self.events_for(key) {
            self.drop_event(serial, DropReason::Expired);
        }
        self.sets.remove(key);
    }

    fn tell_state(&mut self, id: SubscriptionId, state: Vec<EventData>, now: Instant) {
        let target = self.subscriptions.get(&id).map(|held| held.target.clone());
        // Only the smallest scope is told its state.
        if let Some(Target::User { user, .. }) = target {
            for data in state {
                self.notify(id, Some(user.clone()), data, now);
            }
        }
    }

    /// Tells everybody who is subscribed.
    pub(super) fn occurred(&mut self, occurrence: &Occurrence, now: Instant) {
        let targets = [
            Target::User {
                user: occurrence.user.clone(),
                sub: None,
            },
            Target::Group {
                provider: occurrence.provider.clone(),
                group: occurrence.group.clone(),
            },
            Target::Provider(occurrence.provider.clone()),
            Target::System,
        ];
        let about: Vec<SubscriptionId> = targets
            .iter()
            .filter_map(|target| self.by_target.get(target))
            .flat_map(|about| self.one_of_shared(about.iter().copied()))
            .collect();
        for (packages, data) in &occurrence.told {
            for id in &about {
                let wanted = self.subscriptions.get(id);
                if wanted.is_some_and(|held| held.packages.meets(*packages)) {
                    let subject = Some(occurrence.user.clone());
                    self.notify(*id, subject, data.clone(), now);
                }
            }
        }
    }

    /// Of subscriptions to one target, those that share an id and their packages count once: the
    /// first that has a channel, or else the first.
    fn one_of_shared(&self, about: impl Iterator<Item = SubscriptionId>) -> Vec<SubscriptionId> {
        let mut chosen: Vec<Candidate<'_>> = Vec::new();
        for id in about {
            let Some(held) = self.subscriptions.get(&id) else {
                continue;
            };
            let shared = held.heading.shared.as_deref();
            let shared = shared.map(|shared| (shared, held.packages));
            let reached = match &held.route {
                Route::Contact(_) => true,
                Route::Set(key) => self
                    .sets
                    .get(key)
                    .is_some_and(|set| !set.channels.is_empty()),
            };
            let equal = |one: &&mut Candidate<'_>| shared.is_some() && one.1 == shared;
            match chosen.iter_mut().find(equal) {
                Some(other) => {
                    if reached && !other.2 {
                        *other = (id, shared, reached);
                    }
                }
                None => chosen.push((id, shared, reached)),
            }
        }
        chosen.into_iter().map(|(id, ..)| id).collect()
    }

    /// A subscription as it stands.
    #[must_use]
    pub fn subscription(&self, id: SubscriptionId, now: Instant) -> Option<SubscriptionView> {
        let held = self.subscriptions.get(&id)?;
        Some(SubscriptionView {
            id,
            owner: held.heading.owner.clone(),
            target: held.target.clone(),
            packages: held.packages.iter().collect(),
            list: held.list,
            expires: left(held.expires, now),
            route: match &held.route {
                Route::Contact(uri) => Destination::Contact(uri.clone()),
                Route::Set((_, set)) => Destination::ChannelSet(set.clone()),
            },
            application: held.heading.application.clone(),
            shared: held.heading.shared.clone(),
        })
    }

    /// All subscriptions.
    #[must_use]
    pub fn all_subscriptions(&self, now: Instant) -> Vec<SubscriptionView> {
        let ids = self.subscriptions.keys();
        ids.filter_map(|id| self.subscription(*id, now)).collect()
    }

    /// What a subscription is about.
    #[must_use]
    pub(in crate::lab::broadworks) fn interest(
        &self,
        id: SubscriptionId,
    ) -> Option<(Target, Packages)> {
        let held = self.subscriptions.get(&id)?;
        Some((held.target.clone(), held.packages))
    }
}

/// A subscription that may be told something, what it shares with others, whether it is reached.
type Candidate<'a> = (SubscriptionId, Option<(&'a str, Packages)>, bool);
