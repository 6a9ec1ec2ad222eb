//! The board, by hand.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test looks for one thing among many and fails on the others"
)]

#[cfg(test)]
mod hazards;
#[cfg(test)]
mod offers;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod vectors;
#[cfg(test)]
mod watchers;

use std::time::Duration;

use super::*;
use crate::domain::blf::notice::LineState;
use crate::domain::blf::notice::Offer;
use crate::domain::blf::notice::Snapshot;
use crate::domain::blf::notice::Withdraw;
use crate::domain::blf::notice::WithdrawReason;
use crate::domain::events::document::CallState;
use crate::domain::events::document::MonitoredUser;
use crate::domain::events::document::Party;
use crate::domain::events::document::Personality;
use crate::domain::events::document::Snapshot as CallSnapshot;
use crate::domain::events::ids::CallId;
use crate::domain::events::ids::TrackingId;
use crate::domain::machine::Machine;
use crate::domain::machine::Now;
use crate::platform::clock;

const WATCHER: &str = "walt";

/// A board whose own source is up, and its time.
struct Bench {
    board: Board,
    now: Now,
    sequence: u32,
    sessions: u64,
    actions: Vec<Action>,
}

fn user(name: &str) -> UserId {
    UserId::new(name)
}

fn list(users: &[&str]) -> WatchList {
    let entry = |name: &&str| MonitoredUser {
        user: user(name),
        name: Some(Box::from(*name)),
        number: None,
        extension: Some("12".into()),
    };
    WatchList::new(users.iter().map(entry).collect())
}

fn call(id: &str, state: CallState) -> Call {
    Call {
        id: CallId::new(id),
        tracking: Some(TrackingId::new(&format!("track-{id}"))),
        personality: Personality::Terminator,
        state,
        odd_state: false,
        remote: Party {
            name: Some("Carol".into()),
            address: Some("tel:1003".into()),
            user: Some(user("carol")),
            privacy: false,
        },
        answerable: false,
        started: Some(1),
        answered: None,
        held: None,
    }
}

fn tracked(id: &str, tracking: &str, state: CallState) -> Call {
    Call {
        tracking: Some(TrackingId::new(tracking)),
        ..call(id, state)
    }
}

fn snapshot(calls: &[Call]) -> EventData {
    EventData::Snapshot(CallSnapshot {
        calls: calls.to_vec(),
        conference: false,
        hook: Some(HookStatus::OnHook),
        resync: false,
    })
}

fn calls(name: &str, calls: &[Call]) -> EventData {
    EventData::Calls {
        name: Box::from(name),
        calls: calls.to_vec(),
    }
}

impl Bench {
    fn new() -> Self {
        Self::with(Rules::default())
    }

    fn with(rules: Rules) -> Self {
        let mut bench = Self {
            board: Board::new(rules),
            now: clock::now(),
            sequence: 0,
            sessions: 0,
            actions: Vec::new(),
        };
        bench.tell(Input::SourceBack(SourceId::OWN));
        bench
    }

    /// A watcher with a session and a list whose lines are all idle.
    fn watching(users: &[&str]) -> (Self, SessionId) {
        let mut bench = Self::new();
        let session = bench.join(WATCHER, Wishes::default());
        bench.tell(Input::ListRead(user(WATCHER), list(users)));
        for name in users {
            bench.event(name, snapshot(&[]));
        }
        bench.actions.clear();
        (bench, session)
    }

    fn tell(&mut self, input: Input) {
        self.board.handle(input, self.now);
        self.settle();
    }

    fn settle(&mut self) {
        while let Some(action) = self.board.poll_action() {
            self.actions.push(action);
        }
        self.board.check_invariants();
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now.mono + time;
        while let Some(at) = self.board.deadline().filter(|at| *at <= end) {
            self.now.mono = at.max(self.now.mono);
            self.board.handle_timeout(self.now);
            self.settle();
        }
        self.now.mono = end;
    }

    fn join(&mut self, watcher: &str, wishes: Wishes) -> SessionId {
        self.sessions += 1;
        let session = SessionId(self.sessions);
        self.tell(Input::Joined {
            session,
            watcher: user(watcher),
            wishes,
        });
        session
    }

    fn event(&mut self, about: &str, data: EventData) {
        self.sequence += 1;
        let sequence = self.sequence;
        self.numbered(about, sequence, data);
    }

    /// Numbers are kept per user by naming the subscription after him; a bench that speaks of
    /// several users leaves gaps in none.
    fn numbered(&mut self, about: &str, sequence: u32, data: EventData) {
        self.tell(Input::Event(LineEvent {
            user: user(about),
            source: SourceId::OWN,
            subscription: Some(SubscriptionId::new(&format!("sub-{about}"))),
            sequence: (about == "bob").then_some(sequence),
            scope: Scope::User,
            data,
        }));
    }

    fn ring(&mut self, about: &str, id: &str) {
        let ringing = call(id, CallState::Alerting);
        self.event(about, calls("CallReceivedEvent", &[ringing]));
    }

    fn answer(&mut self, about: &str, id: &str) {
        let active = call(id, CallState::Active);
        self.event(about, calls("CallAnsweredEvent", &[active]));
    }

    fn release(&mut self, about: &str, id: &str) {
        let released = call(id, CallState::Released);
        self.event(about, calls("CallReleasedEvent", &[released]));
    }

    fn lamp(&self, name: &str) -> Option<Lamp> {
        self.board.lamp(&user(name))
    }

    /// What a session was told since the last look.
    fn told(&mut self, session: SessionId) -> Vec<Notification> {
        let told = self.actions.iter().filter_map(|action| match action {
            Action::Notify(notice) if notice.to.contains(&session) => Some((*notice.body).clone()),
            _ => None,
        });
        let told = told.collect();
        self.actions.clear();
        told
    }

    fn offers(&mut self, session: SessionId) -> (Vec<Offer>, Vec<Withdraw>) {
        let mut offers = Vec::new();
        let mut withdrawn = Vec::new();
        for told in self.told(session) {
            match told {
                Notification::Offer(offer) => offers.push(offer),
                Notification::Withdraw(withdraw) => withdrawn.push(withdraw),
                Notification::Snapshot(_) | Notification::State(_) => {}
            }
        }
        (offers, withdrawn)
    }

    fn states(&mut self, session: SessionId) -> Vec<LineState> {
        let told = self.told(session).into_iter();
        told.filter_map(|told| match told {
            Notification::State(state) => Some(state),
            Notification::Offer(_) | Notification::Snapshot(_) | Notification::Withdraw(_) => None,
        })
        .collect()
    }

    fn snapshots(&mut self, session: SessionId) -> Vec<Snapshot> {
        let told = self.told(session).into_iter();
        told.filter_map(|told| match told {
            Notification::Snapshot(snapshot) => Some(snapshot),
            Notification::Offer(_) | Notification::State(_) | Notification::Withdraw(_) => None,
        })
        .collect()
    }

    fn refreshes(&mut self) -> usize {
        let count = self
            .actions
            .iter()
            .filter(|action| matches!(action, Action::Refresh(_)))
            .count();
        self.actions.clear();
        count
    }
}
