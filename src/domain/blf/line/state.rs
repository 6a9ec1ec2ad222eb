//! The state of a line and what changes it.

use std::hash::DefaultHasher;
use std::hash::Hash;
use std::hash::Hasher;
use std::time::Instant;

use crate::domain::blf::board::FetchId;
use crate::domain::blf::board::Rules;
use crate::domain::blf::board::SourceId;
use crate::domain::blf::line::feed::Feed;
use crate::domain::blf::notice::WithdrawReason;
use crate::domain::blf::view::Lamp;
use crate::domain::events::document::Call;
use crate::domain::events::document::CallState;
use crate::domain::events::document::HookStatus;
use crate::domain::events::document::Party;
use crate::domain::events::document::Personality;
use crate::domain::events::ids::CallId;
use crate::domain::events::ids::SubscriptionId;

/// Calls that one line keeps; people have a handful. More of them change no lamp.
pub(super) const MOST_CALLS: usize = 64;

/// Ends of calls that one line keeps in mind.
pub(super) const MOST_TOMBSTONES: usize = 32;

/// A monitored line.
#[derive(Debug, Clone, Default)]
pub struct Line {
    pub(super) known: bool,
    pub(super) hook: Option<HookStatus>,
    pub(super) calls: Vec<Held>,
    pub(super) do_not_disturb: Option<bool>,
    pub(super) parked: Option<Box<Party>>,
    pub(super) feed: Option<Feed>,
    pub(super) tombstones: Vec<(CallId, Instant)>,
    pub(super) fetch: Option<Box<Fetch>>,
    /// Until then what was missed must be made good, or the line is unknown.
    pub(super) doubt: Option<Instant>,
    /// Until then a contradiction of hook and calls may stand.
    pub(super) reconcile: Option<Instant>,
    /// When to ask (again) for a line of which nothing is known.
    pub(super) ask: Option<Instant>,
    /// A reading made the line known: until then an event may be older than the reading.
    pub(super) verify: Option<Instant>,
}

/// A call that is kept.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) call: Call,
    /// Since when it has been ringing, or since when it is here.
    pub(super) since: Instant,
    /// When to have it checked.
    pub(super) check: Instant,
}

/// A reading that is under way.
#[derive(Debug, Clone)]
pub(super) struct Fetch {
    pub(super) id: FetchId,
    /// Calls of which was heard since it began; they go before the reading.
    pub(super) touched: Vec<CallId>,
    pub(super) hook: bool,
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

    pub(super) fn present(&self) -> impl Iterator<Item = &Call> {
        self.calls
            .iter()
            .map(|held| &held.call)
            .filter(|call| counts(call.state))
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

/// Called, and not yet answered.
pub(super) fn rings(call: &Call) -> bool {
    call.state == CallState::Alerting && call.personality == Personality::Terminator
}

const fn counts(state: CallState) -> bool {
    match state {
        CallState::Active | CallState::Alerting | CallState::Held | CallState::RemoteHeld => true,
        CallState::Detached | CallState::Idle | CallState::Released => false,
    }
}
