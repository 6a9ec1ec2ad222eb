//! The state of a line and what changes it.

use std::hash::DefaultHasher;
use std::hash::Hash;
use std::hash::Hasher;
use std::time::Duration;
use std::time::Instant;

use crate::domain::blf::board::FetchId;
use crate::domain::blf::board::Fetched;
use crate::domain::blf::board::LineEvent;
use crate::domain::blf::board::Rules;
use crate::domain::blf::board::SourceId;
use crate::domain::blf::line::feed::Feed;
use crate::domain::blf::line::feed::Order;
use crate::domain::blf::notice::WithdrawReason;
use crate::domain::blf::view::Lamp;
use crate::domain::events::document::Call;
use crate::domain::events::document::CallState;
use crate::domain::events::document::EventData;
use crate::domain::events::document::HookStatus;
use crate::domain::events::document::Party;
use crate::domain::events::document::Personality;
use crate::domain::events::document::Snapshot;
use crate::domain::events::ids::CallId;
use crate::domain::events::ids::SubscriptionId;
use crate::domain::events::subscriptions::Scope;

/// Calls that one line keeps; people have a handful. More of them change no lamp.
const MOST_CALLS: usize = 64;

/// Ends of calls that one line keeps in mind.
const MOST_TOMBSTONES: usize = 32;

/// How old an event may be that a server sends again: the longest notification time-out, and the
/// longest grace for a set without channels (30 s each). A number tells how old it is, but a reading
/// has none.
const LATE: Duration = Duration::from_secs(60);

/// A monitored line.
#[derive(Debug, Clone, Default)]
pub struct Line {
    known: bool,
    hook: Option<HookStatus>,
    calls: Vec<Held>,
    do_not_disturb: Option<bool>,
    parked: Option<Box<Party>>,
    feed: Option<Feed>,
    tombstones: Vec<(CallId, Instant)>,
    fetch: Option<Box<Fetch>>,
    /// Until then what was missed must be made good, or the line is unknown.
    doubt: Option<Instant>,
    /// Until then a contradiction of hook and calls may stand.
    reconcile: Option<Instant>,
    /// When to ask (again) for a line of which nothing is known.
    ask: Option<Instant>,
    /// A reading made the line known: until then an event may be older than the reading.
    verify: Option<Instant>,
}

/// A call that is kept.
#[derive(Debug, Clone)]
struct Held {
    call: Call,
    /// Since when it has been ringing, or since when it is here.
    since: Instant,
    /// When to have it checked.
    check: Instant,
}

/// A reading that is under way.
#[derive(Debug, Clone)]
struct Fetch {
    id: FetchId,
    /// Calls of which was heard since it began; they go before the reading.
    touched: Vec<CallId>,
    hook: bool,
}

/// What became of an input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Heard {
    /// It is the line's subscription that spoke, in order.
    pub applied: bool,
    /// It was news of a call or the hook, not a snapshot and not mere ringing: what the Webex
    /// app would have learnt.
    pub news: bool,
    /// The state is in doubt: a refresh is needed.
    pub ask: bool,
    /// Why calls that were ringing no longer do, where the event tells more than their states.
    pub ended: Option<WithdrawReason>,
}

impl Line {
    /// The lamp.
    #[must_use]
    pub fn lamp(&self) -> Lamp {
        if !self.known {
            return Lamp::Unknown;
        }
        let mut ringing = false;
        let mut held = false;
        let mut talking = false;
        for call in self.present() {
            match (call.state, call.personality) {
                (CallState::Alerting, Personality::Terminator) => ringing = true,
                (CallState::Alerting | CallState::Active | CallState::RemoteHeld, _) => {
                    talking = true;
                }
                (CallState::Held, _) => held = true,
                (CallState::Detached | CallState::Released | CallState::Idle, _) => {}
            }
        }
        match (ringing, talking, held) {
            (true, false, false) => Lamp::Ringing,
            (true, _, _) => Lamp::RingingBusy,
            (false, true, _) => Lamp::OnCall,
            (false, false, true) => Lamp::Held,
            (false, false, false) if self.hook == Some(HookStatus::OffHook) => Lamp::Busy,
            (false, false, false) => Lamp::Idle,
        }
    }

    /// Calls that count; none where nothing is certain.
    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.present().filter(|_| self.known)
    }

    /// Calls that ring here, and since when.
    pub fn ringing(&self) -> impl Iterator<Item = (&Call, Instant)> {
        self.calls
            .iter()
            .filter(|held| self.known && rings(&held.call))
            .map(|held| (&held.call, held.since))
    }

    /// A call that is kept, by its name.
    #[must_use]
    pub fn call(&self, id: &CallId) -> Option<&Call> {
        let held = self.calls.iter().find(|held| held.call.id == *id)?;
        Some(&held.call)
    }

    /// The receiver.
    #[must_use]
    pub const fn hook(&self) -> Option<HookStatus> {
        if self.known { self.hook } else { None }
    }

    /// Whether Do Not Disturb is on.
    #[must_use]
    pub const fn do_not_disturb(&self) -> Option<bool> {
        if self.known {
            self.do_not_disturb
        } else {
            None
        }
    }

    /// Who is parked against the line.
    #[must_use]
    pub fn parked(&self) -> Option<&Party> {
        self.parked.as_deref().filter(|_| self.known)
    }

    /// Whether something certain is known.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        self.known
    }

    /// The source and subscription that it believes.
    #[must_use]
    pub fn believes(&self) -> Option<(SourceId, Option<SubscriptionId>)> {
        let feed = self.feed.as_ref()?;
        Some((feed.source, feed.subscription.clone()))
    }

    /// A number that changes with everything that is shown.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.known.hash(&mut hasher);
        if self.known {
            self.hook.hash(&mut hasher);
            self.do_not_disturb.hash(&mut hasher);
            self.parked.hash(&mut hasher);
            for call in self.present() {
                call.id.hash(&mut hasher);
                call.personality.hash(&mut hasher);
                call.state.hash(&mut hasher);
                call.remote.hash(&mut hasher);
                call.started.hash(&mut hasher);
                call.answered.hash(&mut hasher);
            }
        }
        hasher.finish()
    }

    fn present(&self) -> impl Iterator<Item = &Call> {
        self.calls
            .iter()
            .map(|held| &held.call)
            .filter(|call| counts(call.state))
    }

    /// Takes an event.
    pub fn hear(&mut self, event: LineEvent, rules: &Rules, now: Instant) -> Heard {
        let snapshot = matches!(event.data, EventData::Snapshot(_));
        let order = match &mut self.feed {
            Some(feed) if feed.is_of(&event) => feed.place(event.sequence),
            Some(feed) if !feed.yields_to(&event, snapshot) => {
                return Heard {
                    ask: feed.source == event.source,
                    ..Heard::default()
                };
            }
            Some(_) | None => {
                let mut feed = Feed::of(&event);
                let order = feed.place(event.sequence);
                let old = self.feed.replace(feed);
                self.known &= snapshot || old.is_none_or(|old| old.is_placeholder());
                order
            }
        };
        let mut heard = Heard {
            applied: true,
            ..Heard::default()
        };
        match order {
            Order::Next => {}
            Order::Gap => {
                heard.ask = true;
                self.doubt.get_or_insert(now + rules.doubt);
            }
            Order::Restart => {
                self.known = false;
                heard.ask = true;
            }
            // Copies of one event never come here: this one has the number of another.
            Order::Repeat | Order::Old => {
                return Heard {
                    ask: true,
                    ..Heard::default()
                };
            }
        }
        // A call without a hook event is usual where no desk phone takes part, and no contradiction.
        let hook_on = event.data == EventData::Hook(HookStatus::OnHook);
        self.take(event.data, event.scope, &mut heard, rules, now);
        self.check_hook(hook_on, rules, now);
        if heard.ask {
            self.plan_ask(rules, now);
        }
        heard
    }

    fn take(
        &mut self,
        data: EventData,
        scope: Scope,
        heard: &mut Heard,
        rules: &Rules,
        now: Instant,
    ) {
        match data {
            EventData::Calls { name, calls } => {
                heard.ended = match &*name {
                    "CallPickedUpEvent" => Some(WithdrawReason::PickedUp),
                    "CallForwardedEvent" | "CallRedirectedEvent" => Some(WithdrawReason::Forwarded),
                    _ => None,
                };
                heard.news = calls.iter().any(|call| !rings(call));
                let over = calls
                    .iter()
                    .any(|call| matches!(call.state, CallState::Released));
                for call in calls {
                    self.upsert(call, rules, now);
                }
                heard.ask |= self.verify.is_some_and(|until| now < until);
                self.learn(scope, over);
            }
            EventData::DoNotDisturb(active) => self.do_not_disturb = active,
            EventData::Hook(hook) => {
                heard.news = true;
                self.hook = Some(hook);
                if let Some(fetch) = &mut self.fetch {
                    fetch.hook = true;
                }
                self.learn(scope, hook == HookStatus::OnHook);
            }
            EventData::Other { .. } => {}
            EventData::Parked(party) => self.parked = party.map(Box::new),
            EventData::Snapshot(snapshot) => {
                heard.ask = false;
                self.replace(snapshot, rules, now);
            }
            EventData::SubscriptionTerminated => {
                self.forget();
                self.feed = None;
            }
            EventData::Unreadable { .. } => {
                heard.ask = true;
                self.doubt.get_or_insert(now + rules.doubt);
            }
        }
    }

    /// What a collection's event says of a line that was unknown: that it is in use, or that it no
    /// longer is. A single user's line waits for its snapshot.
    fn learn(&mut self, scope: Scope, over: bool) {
        match scope {
            Scope::User => {}
            Scope::Collection if self.known => {}
            Scope::Collection => {
                let free = self.present().next().is_none();
                let off_hook = self.hook == Some(HookStatus::OffHook);
                self.known = !free || off_hook || over;
            }
        }
    }

    fn upsert(&mut self, call: Call, rules: &Rules, now: Instant) {
        if let Some(fetch) = &mut self.fetch
            && fetch.touched.len() < MOST_CALLS
            && !fetch.touched.contains(&call.id)
        {
            fetch.touched.push(call.id.clone());
        }
        self.tombstones.retain(|(_, until)| *until > now);
        if self.tombstones.iter().any(|(id, _)| *id == call.id) {
            return;
        }
        let place = self.calls.iter().position(|held| held.call.id == call.id);
        if call.state == CallState::Released {
            if let Some(place) = place {
                self.calls.remove(place);
            }
            if self.tombstones.len() >= MOST_TOMBSTONES {
                self.tombstones.remove(0);
            }
            self.tombstones.push((call.id, now + rules.tombstone));
            return;
        }
        let room = self.calls.len() < MOST_CALLS;
        match place.and_then(|place| self.calls.get_mut(place)) {
            Some(held) => held.renew(call, rules, now),
            None if room => self.calls.push(Held::new(call, rules, now)),
            None => {}
        }
    }

    fn replace(&mut self, snapshot: Snapshot, rules: &Rules, now: Instant) {
        let before = std::mem::take(&mut self.calls);
        for call in snapshot.calls {
            self.keep(call, &before, rules, now);
        }
        self.hook = snapshot.hook.or(self.hook);
        // An event is newer than any reading that began before it.
        self.fetch = None;
        self.verify = None;
        self.tombstones.clear();
        self.make_known();
    }

    fn keep(&mut self, call: Call, before: &[Held], rules: &Rules, now: Instant) {
        let twice = self.calls.iter().any(|held| held.call.id == call.id);
        if call.state == CallState::Released || twice || self.calls.len() >= MOST_CALLS {
            return;
        }
        let old = before.iter().find(|held| held.call.id == call.id);
        let mut held = Held::new(call, rules, now);
        if let Some(old) = old
            && rings(&old.call) == rings(&held.call)
        {
            held.since = old.since;
        }
        self.calls.push(held);
    }

    const fn make_known(&mut self) {
        self.known = true;
        self.doubt = None;
        self.ask = None;
        self.reconcile = None;
    }

    /// A reading by Xsi-Actions begins.
    pub fn fetch_begins(&mut self, id: FetchId) {
        self.fetch = Some(Box::new(Fetch {
            id,
            touched: Vec::new(),
            hook: false,
        }));
    }

    /// A reading ended. Whatever was heard since it began goes before it. A reading makes a line
    /// known only when events keep it so (`fed`).
    pub fn fetched(
        &mut self,
        id: FetchId,
        fetched: Option<Fetched>,
        fed: bool,
        rules: &Rules,
        now: Instant,
    ) {
        if self.fetch.as_ref().is_none_or(|fetch| fetch.id != id) {
            return;
        }
        let Some(fetch) = self.fetch.take() else {
            return;
        };
        let Some(fetched) = fetched.filter(|_| fed) else {
            self.plan_ask(rules, now);
            return;
        };
        self.tombstones.retain(|(_, until)| *until > now);
        let before = std::mem::take(&mut self.calls);
        let (newer, older): (Vec<_>, Vec<_>) = before
            .into_iter()
            .partition(|held| fetch.touched.contains(&held.call.id));
        self.calls = newer;
        for call in fetched.calls {
            let heard_of = fetch.touched.contains(&call.id);
            let over = self.tombstones.iter().any(|(ended, _)| *ended == call.id);
            if !heard_of && !over {
                self.keep(call, &older, rules, now);
            }
        }
        if !fetch.hook {
            self.hook = fetched.hook.or(self.hook);
        }
        self.feed.get_or_insert_with(Feed::placeholder);
        if !self.known {
            self.verify = Some(now + LATE);
        }
        self.make_known();
    }

    /// Nothing is certain any more.
    pub fn forget(&mut self) {
        self.known = false;
        self.doubt = None;
        self.reconcile = None;
        self.calls.clear();
        self.tombstones.clear();
        self.hook = None;
        self.fetch = None;
    }

    /// Its subscription or source is over.
    pub fn lose_feed(&mut self) {
        self.forget();
        self.feed = None;
        self.ask = None;
    }

    /// Its state must be confirmed by then.
    pub fn doubt_until(&mut self, until: Instant) {
        if self.known {
            self.doubt = Some(self.doubt.map_or(until, |before| before.min(until)));
        }
    }

    /// Asks for a line of which nothing is known, unless that is planned already.
    pub fn plan_ask(&mut self, rules: &Rules, now: Instant) {
        self.ask.get_or_insert(now + rules.ask_again);
    }

    /// On hook beside a call: one of the two is wrong, or about to follow the other.
    fn check_hook(&mut self, went_on: bool, rules: &Rules, now: Instant) {
        let on_hook = self.known && self.hook == Some(HookStatus::OnHook);
        let in_call = self.present().any(|call| call.state != CallState::Alerting);
        if !on_hook || !in_call {
            self.reconcile = None;
        } else if went_on {
            self.reconcile = Some(now + rules.reconcile);
        }
    }

    /// What time has brought; true when a refresh is needed.
    pub fn timeout(&mut self, rules: &Rules, now: Instant) -> bool {
        let mut ask = false;
        if self.doubt.is_some_and(|at| at <= now) {
            self.forget();
            self.plan_ask(rules, now);
            ask = true;
        }
        if self.reconcile.is_some_and(|at| at <= now) {
            // Asked once; another contradiction arms it anew.
            self.reconcile = None;
            ask = true;
        }
        if self.ask.is_some_and(|at| at <= now) {
            self.ask = Some(now + rules.ask_again);
            ask = true;
        }
        for held in &mut self.calls {
            if held.check <= now {
                held.check = now + held.patience(rules);
                ask = true;
            }
        }
        ask
    }

    /// When [`Line::timeout`] has something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let checks = self.calls.iter().map(|held| held.check).min();
        [self.doubt, self.reconcile, self.ask, checks]
            .into_iter()
            .flatten()
            .min()
    }

    /// Panics when the state contradicts itself.
    pub fn check_invariants(&self) {
        assert!(self.calls.len() <= MOST_CALLS, "calls are bounded");
        assert!(self.tombstones.len() <= MOST_TOMBSTONES, "tombstones");
        assert!(!self.known || self.feed.is_some(), "known without a feed");
        let released = |held: &Held| held.call.state == CallState::Released;
        assert!(!self.calls.iter().any(released), "a released call is kept");
    }
}

impl Held {
    fn new(call: Call, rules: &Rules, now: Instant) -> Self {
        let mut held = Self {
            call,
            since: now,
            check: now,
        };
        held.check = now + held.patience(rules);
        held
    }

    fn renew(&mut self, call: Call, rules: &Rules, now: Instant) {
        let rang = rings(&self.call);
        self.call = call;
        if rings(&self.call) != rang {
            self.since = now;
            self.check = now + self.patience(rules);
        } else if rang {
            self.check = now + self.patience(rules);
        }
    }

    fn patience(&self, rules: &Rules) -> Duration {
        if rings(&self.call) {
            rules.ringing
        } else {
            rules.stuck
        }
    }
}

/// Called, and not yet answered.
fn rings(call: &Call) -> bool {
    call.state == CallState::Alerting && call.personality == Personality::Terminator
}

const fn counts(state: CallState) -> bool {
    match state {
        CallState::Active | CallState::Alerting | CallState::Held | CallState::RemoteHeld => true,
        CallState::Detached | CallState::Idle | CallState::Released => false,
    }
}
