//! A model of an Application Server: users with calls, and subscriptions to them.

use std::collections::BTreeMap;

use xspd::domain::blf::board::Fetched;
use xspd::domain::blf::view::Lamp;
use xspd::domain::events::channel::Attempt;
use xspd::domain::events::document::Call;
use xspd::domain::events::document::CallState;
use xspd::domain::events::document::Delivery;
use xspd::domain::events::document::Document;
use xspd::domain::events::document::EventData;
use xspd::domain::events::document::HookStatus;
use xspd::domain::events::document::Owner;
use xspd::domain::events::document::Party;
use xspd::domain::events::document::Personality;
use xspd::domain::events::document::Snapshot;
use xspd::domain::events::document::SubscriptionEvent;
use xspd::domain::events::document::requests::AckStatus;
use xspd::domain::events::ids::CallId;
use xspd::domain::events::ids::ChannelId;
use xspd::domain::events::ids::EventId;
use xspd::domain::events::ids::SubscriptionId;
use xspd::domain::events::ids::TrackingId;
use xspd::domain::events::ids::UserId;

use super::Random;
use super::name;

/// After it comes 1. Some subscriptions begin close to it.
const LAST: u32 = 2_147_483_647;

/// Tries of one event, five seconds apart.
const MOST_TRIES: u32 = 6;

#[derive(Default)]
pub(super) struct User {
    pub(super) calls: BTreeMap<CallId, Call>,
    off_hook: bool,
}

struct Subscription {
    /// `None`: everybody.
    user: Option<UserId>,
    sequence: u32,
}

struct Event {
    subscription: SubscriptionId,
    user: UserId,
    sequence: u32,
    data: EventData,
    on: Option<Attempt>,
    tries: u32,
}

pub(super) struct Server {
    users: BTreeMap<UserId, User>,
    subscriptions: BTreeMap<SubscriptionId, Subscription>,
    events: BTreeMap<EventId, Event>,
    said: Vec<EventId>,
    names: u64,
}

impl Server {
    pub(super) fn new(users: u64) -> Self {
        Self {
            users: (0..users)
                .map(|user| (name(user), User::default()))
                .collect(),
            subscriptions: BTreeMap::new(),
            events: BTreeMap::new(),
            said: Vec::new(),
            names: 0,
        }
    }

    const fn number(&mut self) -> u64 {
        self.names += 1;
        self.names
    }

    /// One per target: a second one replaces the first.
    pub(super) fn subscribe(&mut self, user: Option<UserId>) -> SubscriptionId {
        self.subscriptions.retain(|_, held| held.user != user);
        let number = self.number();
        let id = SubscriptionId::new(&format!("sub-{number}"));
        let sequence = if number.is_multiple_of(5) {
            LAST - 3
        } else {
            0
        };
        let subscription = Subscription {
            user: user.clone(),
            sequence,
        };
        self.subscriptions.insert(id.clone(), subscription);
        if let Some(user) = user {
            self.say_snapshot(&id, &user, false);
        }
        id
    }

    pub(super) fn unsubscribe(&mut self, id: &SubscriptionId) {
        self.subscriptions.remove(id);
    }

    /// A longer life; for a user a snapshot. False when it is gone.
    pub(super) fn refresh(&mut self, id: &SubscriptionId) -> bool {
        let Some(held) = self.subscriptions.get(id) else {
            return false;
        };
        if let Some(user) = held.user.clone() {
            self.say_snapshot(id, &user, false);
        }
        true
    }

    pub(super) fn resync(&mut self) {
        let all: Vec<_> = self
            .subscriptions
            .iter()
            .filter_map(|(id, held)| Some((id.clone(), held.user.clone()?)))
            .collect();
        for (id, user) in all {
            self.say_snapshot(&id, &user, true);
        }
    }

    /// After a fail-over the numbers begin anew; the server says so with a snapshot.
    pub(super) fn count_anew(&mut self) {
        for held in self.subscriptions.values_mut() {
            held.sequence = 0;
        }
        self.resync();
    }

    pub(super) fn end_one(&mut self, random: &mut Random, told: bool) {
        let count = self.subscriptions.len() as u64;
        if count == 0 {
            return;
        }
        let place = usize::try_from(random.below(count)).unwrap_or_default();
        let Some((id, held)) = self.subscriptions.iter().nth(place) else {
            return;
        };
        let (id, user) = (id.clone(), held.user.clone());
        if told {
            let user = user.unwrap_or_else(|| name(0));
            self.say(&id, &user, EventData::SubscriptionTerminated);
        }
        self.subscriptions.remove(&id);
    }

    fn say_snapshot(&mut self, id: &SubscriptionId, user: &UserId, resync: bool) {
        let read = self.read(user);
        let data = EventData::Snapshot(Snapshot {
            calls: read.calls,
            conference: false,
            hook: read.hook,
            resync,
        });
        self.say(id, user, data);
    }

    fn say(&mut self, id: &SubscriptionId, user: &UserId, data: EventData) {
        let Some(held) = self.subscriptions.get_mut(id) else {
            return;
        };
        held.sequence = if held.sequence >= LAST {
            1
        } else {
            held.sequence + 1
        };
        let event = Event {
            subscription: id.clone(),
            user: user.clone(),
            sequence: held.sequence,
            data,
            on: None,
            tries: 0,
        };
        let event_id = EventId::new(&format!("event-{}", self.number()));
        self.events.insert(event_id.clone(), event);
        self.said.push(event_id);
    }

    /// Tells all who subscribed to the user.
    fn tell(&mut self, user: &UserId, data: &EventData) {
        let ids: Vec<_> = self
            .subscriptions
            .iter()
            .filter(|(_, held)| held.user.as_ref().is_none_or(|held| held == user))
            .map(|(id, _)| id.clone())
            .collect();
        for id in ids {
            self.say(&id, user, data.clone());
        }
    }

    /// What there is to send, in order.
    pub(super) fn said(&mut self) -> Vec<EventId> {
        std::mem::take(&mut self.said)
    }

    pub(super) fn forget(&mut self, event: &EventId) {
        self.events.remove(event);
    }

    /// Whether it ends its subscription.
    pub(super) fn is_farewell(&self, event: &EventId) -> bool {
        let event = self.events.get(event);
        event.is_some_and(|event| event.data == EventData::SubscriptionTerminated)
    }

    /// Something that happens to everybody and changes no lamp.
    pub(super) fn greet(&mut self) {
        for user in self.users.keys().cloned().collect::<Vec<_>>() {
            self.tell(&user, &EventData::DoNotDisturb(Some(true)));
        }
    }

    /// Whether it is worth another try; it is given up after half a minute.
    pub(super) fn try_in_vain(&mut self, id: &EventId) -> bool {
        let Some(event) = self.events.get_mut(id) else {
            return false;
        };
        event.tries += 1;
        if event.tries > MOST_TRIES {
            self.forget(id);
            return false;
        }
        true
    }

    /// On which channel it was sent in vain.
    pub(super) fn unacknowledged(&self, event: &EventId) -> Option<Option<Attempt>> {
        self.events.get(event).map(|event| event.on)
    }

    pub(super) fn acknowledged(&mut self, event: &EventId, status: AckStatus) {
        let Some(event) = self.events.remove(event) else {
            return;
        };
        match status {
            AckStatus::Done => {}
            AckStatus::NoSuchSubscription => self.unsubscribe(&event.subscription),
        }
    }

    pub(super) fn document(
        &mut self,
        id: &EventId,
        on: Attempt,
        channel: &ChannelId,
    ) -> Option<Document> {
        let event = self.events.get_mut(id)?;
        event.on = Some(on);
        Some(Document::Event(Box::new(SubscriptionEvent {
            id: id.clone(),
            sequence: Some(event.sequence),
            owner: Some(Owner::User(UserId::new("admin"))),
            application: None,
            subscription: Some(event.subscription.clone()),
            shared: None,
            delivery: Some(Delivery::Channel(channel.clone())),
            target: Some(event.user.clone()),
            target_part: None,
            data: event.data.clone(),
        })))
    }

    /// A user's calls as Xsi-Actions tells them.
    pub(super) fn read(&self, user: &UserId) -> Fetched {
        let held = self.users.get(user);
        Fetched {
            calls: held
                .map(|held| held.calls.values().cloned().collect())
                .unwrap_or_default(),
            hook: Some(hook(held.is_some_and(|held| held.off_hook))),
        }
    }

    pub(super) fn user(&self, user: &UserId) -> Option<&User> {
        self.users.get(user)
    }

    /// The lamp by the table of the field page, and the calls that count.
    pub(super) fn truth(&self, user: &UserId) -> (Lamp, Vec<CallId>) {
        let Some(held) = self.users.get(user) else {
            return (Lamp::Unknown, Vec::new());
        };
        let counts = |call: &&Call| {
            matches!(
                call.state,
                CallState::Active | CallState::Alerting | CallState::Held | CallState::RemoteHeld
            )
        };
        let calls: Vec<_> = held.calls.values().filter(counts).collect();
        let others = calls.iter().filter(|call| !is_ringing(call)).count();
        let lamp = if calls.iter().any(|call| is_ringing(call)) {
            if others > 0 {
                Lamp::RingingBusy
            } else {
                Lamp::Ringing
            }
        } else if calls.iter().any(|call| call.state != CallState::Held) {
            Lamp::OnCall
        } else if !calls.is_empty() {
            Lamp::Held
        } else if held.off_hook {
            Lamp::Busy
        } else {
            Lamp::Idle
        };
        (
            lamp,
            calls.into_iter().map(|call| call.id.clone()).collect(),
        )
    }

    /// Something happens to calls.
    pub(super) fn place_calls(&mut self, random: &mut Random) {
        let caller = name(random.below(super::USERS));
        let all: Vec<_> = self
            .users
            .iter()
            .flat_map(|(user, held)| held.calls.keys().map(|id| (user.clone(), id.clone())))
            .collect();
        if all.is_empty() || random.below(3) == 0 {
            self.call(&caller, random);
            return;
        }
        let place = usize::try_from(random.below(all.len() as u64)).unwrap_or_default();
        let (user, id) = all[place].clone();
        let call = self.users[&user].calls[&id].clone();
        match (call.state, random.below(3)) {
            (CallState::Alerting, 0 | 1) if is_ringing(&call) => self.answer(&call),
            (CallState::Active, 0) => self.set(&user, &id, "CallHeldEvent", CallState::Held),
            (CallState::Held, 0 | 1) => {
                self.set(&user, &id, "CallRetrievedEvent", CallState::Active);
            }
            (CallState::Active, 1) => {
                self.set(&user, &id, "CallRedirectedEvent", CallState::Detached);
            }
            _ => self.release(&call),
        }
        self.hooks(random);
    }

    /// A call to one or more users: a hunt group has legs that share their tracking.
    fn call(&mut self, caller: &UserId, random: &mut Random) {
        let number = self.number();
        let tracking = TrackingId::new(&format!("track-{number}"));
        let mut called: Vec<_> = (0..=random.below(2))
            .map(|_| name(random.below(super::USERS)))
            .filter(|user| user != caller)
            .collect();
        called.sort();
        called.dedup();
        let leg = |user: &UserId, personality, remote: &UserId| Call {
            id: CallId::new(&format!("half-{number}-{user}")),
            tracking: Some(tracking.clone()),
            personality,
            state: CallState::Alerting,
            odd_state: false,
            remote: Party {
                user: Some(remote.clone()),
                ..Party::default()
            },
            answerable: false,
            started: Some(number),
            answered: None,
            held: None,
        };
        let Some(first) = called.first().cloned() else {
            return;
        };
        self.put(
            caller,
            "CallOriginatedEvent",
            leg(caller, Personality::Originator, &first),
        );
        for user in called {
            let ringing = leg(&user, Personality::Terminator, caller);
            self.put(&user, "CallReceivedEvent", ringing);
        }
        self.hooks(random);
    }

    fn legs(&self, of: &Call) -> Vec<(UserId, CallId)> {
        self.users
            .iter()
            .flat_map(|(user, held)| held.calls.values().map(move |call| (user, call)))
            .filter(|(_, call)| call.tracking == of.tracking)
            .map(|(user, call)| (user.clone(), call.id.clone()))
            .collect()
    }

    /// One leg answers: the caller talks, the other legs stop.
    fn answer(&mut self, call: &Call) {
        for (user, id) in self.legs(call) {
            let leg = &self.users[&user].calls[&id];
            if leg.id == call.id || leg.personality == Personality::Originator {
                self.set(&user, &id, "CallAnsweredEvent", CallState::Active);
            } else if is_ringing(leg) {
                self.set(&user, &id, "CallReleasedEvent", CallState::Released);
            }
        }
    }

    fn release(&mut self, call: &Call) {
        for (user, id) in self.legs(call) {
            self.set(&user, &id, "CallReleasedEvent", CallState::Released);
        }
    }

    fn set(&mut self, user: &UserId, id: &CallId, event: &str, state: CallState) {
        let held = self.users.get(user).and_then(|held| held.calls.get(id));
        if let Some(call) = held {
            let call = Call {
                state,
                ..call.clone()
            };
            self.put(user, event, call);
        }
    }

    fn put(&mut self, user: &UserId, event: &str, call: Call) {
        let data = EventData::Calls {
            name: event.into(),
            calls: vec![call.clone()],
        };
        if let Some(held) = self.users.get_mut(user) {
            if call.state == CallState::Released {
                held.calls.remove(&call.id);
            } else {
                held.calls.insert(call.id.clone(), call);
            }
        }
        self.tell(user, &data);
    }

    /// Receivers follow the calls, mostly.
    fn hooks(&mut self, random: &mut Random) {
        let users: Vec<_> = self.users.keys().cloned().collect();
        for user in users {
            let Some(held) = self.users.get_mut(&user) else {
                continue;
            };
            let busy = held.calls.values().any(|call| !is_ringing(call));
            if busy != held.off_hook && random.below(8) != 0 {
                held.off_hook = busy;
                self.tell(&user, &EventData::Hook(hook(busy)));
            }
        }
    }
}

const fn hook(off: bool) -> HookStatus {
    if off {
        HookStatus::OffHook
    } else {
        HookStatus::OnHook
    }
}

pub(super) fn is_ringing(call: &Call) -> bool {
    call.state == CallState::Alerting && call.personality == Personality::Terminator
}
