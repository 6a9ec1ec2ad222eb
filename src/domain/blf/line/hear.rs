//! What changes a line: events, and readings by Xsi-Actions.

use crate::domain::blf::board::FetchId;
use crate::domain::blf::board::Fetched;
use crate::domain::blf::board::LineEvent;
use crate::domain::blf::board::Rules;
use crate::domain::blf::line::feed::Feed;
use crate::domain::blf::line::feed::Order;
use crate::domain::blf::line::state::Fetch;
use crate::domain::blf::line::state::Heard;
use crate::domain::blf::line::state::Held;
use crate::domain::blf::line::state::Line;
use crate::domain::blf::line::state::MOST_CALLS;
use crate::domain::blf::line::state::MOST_TOMBSTONES;
use crate::domain::blf::line::state::rings;
use crate::domain::blf::notice::WithdrawReason;
use crate::domain::events::document::Call;
use crate::domain::events::document::CallState;
use crate::domain::events::document::EventData;
use crate::domain::events::document::HookStatus;
use crate::domain::events::document::Snapshot;
use crate::domain::events::subscriptions::Scope;
use std::time::Duration;
use std::time::Instant;

/// How old an event may be that a server sends again: the longest notification time-out, and the
/// longest grace for a set without channels (30 s each). A number tells how old it is, but a reading
/// has none.
const LATE: Duration = Duration::from_secs(60);

impl Line {
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

    pub(super) fn patience(&self, rules: &Rules) -> Duration {
        if rings(&self.call) {
            rules.ringing
        } else {
            rules.stuck
        }
    }
}
