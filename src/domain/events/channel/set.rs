//! The set: its channels, and what they share.

use std::collections::VecDeque;
use std::time::Duration;
use std::time::Instant;

use crate::domain::events::channel::Action;
use crate::domain::events::channel::Attempt;
use crate::domain::events::channel::Change;
use crate::domain::events::channel::ChannelState;
use crate::domain::events::channel::Input;
use crate::domain::events::channel::Rules;
use crate::domain::events::channel::Xsp;
use crate::domain::events::channel::member::Member;
use crate::domain::events::channel::member::State;
use crate::domain::events::channel::recent::Recent;
use crate::domain::events::channel::shared::Shared;
use crate::domain::events::channel::shared::next;
use crate::domain::machine::Machine;
use crate::domain::machine::Now;

/// First openings are spread over so much time.
const START_SPREAD: Duration = Duration::from_secs(1);

/// The machine: all our channels.
#[derive(Debug, Clone)]
pub struct ChannelSet {
    rules: Rules,
    members: Vec<Member>,
    recent: Recent,
    random: u64,
    attempts: u64,
    /// Whether events flow, as announced.
    flows: bool,
    leaving: Leaving,
    actions: VecDeque<Action>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaving {
    No,
    Asked,
    Told,
}

impl ChannelSet {
    /// A set with a channel at each of `xsps` XSPs. The seed makes the pauses of nodes differ.
    #[must_use]
    pub fn new(rules: Rules, xsps: u16, seed: u64, now: Now) -> Self {
        let mut random = seed;
        Self {
            rules,
            members: members(xsps, &mut random, now.mono),
            recent: Recent::default(),
            random,
            attempts: 0,
            flows: false,
            leaving: Leaving::No,
            actions: VecDeque::new(),
        }
    }

    /// How each channel stands.
    pub fn channels(&self) -> impl Iterator<Item = (Xsp, ChannelState)> {
        self.members.iter().map(|member| {
            let state = match &member.state {
                State::Waiting { .. } => ChannelState::Waiting,
                State::Opening { .. } => ChannelState::Opening,
                State::Up(up) => ChannelState::Up(up.channel.clone()),
                State::Stopped => ChannelState::Stopped,
            };
            (member.xsp, state)
        })
    }

    /// Whether events flow.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.members.iter().any(Member::is_up)
    }

    /// The XSP of an attempt that is under way.
    #[must_use]
    pub fn xsp_of(&self, attempt: Attempt) -> Option<Xsp> {
        let of = |member: &&Member| member.attempt() == Some(attempt);
        self.members.iter().find(of).map(|member| member.xsp)
    }

    fn each(&mut self, mut act: impl FnMut(&mut Member, &mut Shared<'_>)) {
        let mut shared = Shared {
            rules: &self.rules,
            actions: &mut self.actions,
            recent: &mut self.recent,
            random: &mut self.random,
            attempts: &mut self.attempts,
        };
        for member in &mut self.members {
            act(member, &mut shared);
        }
        self.announce();
    }

    fn announce(&mut self) {
        let flows = self.is_up();
        if flows != self.flows {
            self.flows = flows;
            let returns =
                self.leaving == Leaving::No && !self.members.iter().all(Member::is_stopped);
            let change = if flows {
                Change::SourceBack
            } else {
                Change::SourceLost { returns }
            };
            self.actions.push_back(Action::Announce(change));
        }
        if self.leaving == Leaving::Asked && self.members.iter().all(Member::is_stopped) {
            self.leaving = Leaving::Told;
            self.actions.push_back(Action::Drained);
        }
    }
}

/// New members, whose first openings are spread.
fn members(xsps: u16, random: &mut u64, now: Instant) -> Vec<Member> {
    let spread = u64::try_from(START_SPREAD.as_micros()).unwrap_or(1);
    let member = |place| {
        let after = Duration::from_micros(next(random) % spread);
        Member::new(Xsp(place), now + after)
    };
    (0..xsps).map(member).collect()
}

impl Machine for ChannelSet {
    type Input = Input;
    type Action = Action;

    fn handle(&mut self, input: Input, now: Now) {
        match input {
            Input::Drain => {
                if self.leaving == Leaving::No {
                    self.leaving = Leaving::Asked;
                }
                self.each(|member, shared| member.drain(shared, now.mono));
            }
            Input::Xsps(xsps) => {
                if self.leaving == Leaving::No {
                    self.each(|member, shared| member.give_up(shared, now.mono));
                    self.members = members(xsps, &mut self.random, now.mono);
                }
            }
            Input::On(attempt, happening) => {
                let mut happening = Some(happening);
                self.each(|member, shared| {
                    if member.attempt() == Some(attempt)
                        && let Some(happening) = happening.take()
                    {
                        member.handle(happening, shared, now.mono);
                    }
                });
            }
        }
    }

    fn handle_timeout(&mut self, now: Now) {
        if self.deadline().is_none_or(|at| now.mono < at) {
            return;
        }
        self.each(|member, shared| {
            if member
                .deadline(shared.rules)
                .is_some_and(|at| at <= now.mono)
            {
                member.timeout(shared, now.mono);
            }
        });
    }

    fn deadline(&self) -> Option<Instant> {
        let of = |member: &Member| member.deadline(&self.rules);
        self.members.iter().filter_map(of).min()
    }

    fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn check_invariants(&self) {
        self.recent.check_invariants();
        for member in &self.members {
            member.check_invariants(&self.rules);
        }
        assert_eq!(self.flows, self.is_up(), "what was announced holds");
        if self.leaving == Leaving::Told {
            assert!(self.members.iter().all(Member::is_stopped), "drained");
        }
    }
}
