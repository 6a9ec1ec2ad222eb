//! Where events come from, and what becomes of lines when none come.

use std::time::Instant;

use crate::domain::blf::board::Board;
use crate::domain::blf::board::SourceId;
use crate::domain::blf::board::machine::Due;
use crate::domain::blf::board::slot::FeedKey;
use crate::domain::blf::line::Heard;
use crate::domain::blf::notice::WithdrawReason;
use crate::domain::events::ids::SubscriptionId;
use crate::domain::events::subscriptions::Scope;

/// A source that is not listed is a tapped stream, and up as long as it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SourceState {
    /// Nothing comes and nothing is believed.
    Down,
    /// Lost, and hoped for until then.
    Grace(Instant),
    /// Events flow.
    Up,
}

impl Board {
    pub(super) fn source_back(&mut self, source: SourceId, now: Instant) {
        if source != SourceId::OWN {
            return;
        }
        let before = self.sources.insert(source, SourceState::Up);
        match before {
            Some(SourceState::Up) => {}
            Some(SourceState::Grace(until)) => {
                self.due.remove(&(until, Due::Grace(source)));
                // What happened meanwhile is not known: each state must be confirmed.
                for at in self.lines_from(source) {
                    self.touch(at, WithdrawReason::SourceLost, now, |line, rules| {
                        line.doubt_until(now + rules.confirm);
                        Heard::default()
                    });
                }
            }
            Some(SourceState::Down) | None => {}
        }
        let wanted: Vec<_> = self
            .by_user
            .values()
            .copied()
            .filter(|at| {
                let slot = self.slot(*at);
                slot.is_some_and(|slot| !slot.watchers.is_empty() && !slot.line.is_known())
            })
            .collect();
        for at in wanted {
            self.touch(at, WithdrawReason::SourceLost, now, |line, rules| {
                line.plan_ask(rules, now);
                Heard::default()
            });
        }
    }

    pub(super) fn source_lost(&mut self, source: SourceId, returns: bool, now: Instant) {
        if source != SourceId::OWN {
            self.lose_source(source, now);
            return;
        }
        match self.sources.get(&source) {
            Some(SourceState::Up) | None => {}
            Some(SourceState::Grace(until)) => {
                if returns {
                    return;
                }
                let due = (*until, Due::Grace(source));
                self.due.remove(&due);
            }
            Some(SourceState::Down) => return,
        }
        if returns {
            let until = now + self.rules.grace;
            self.sources.insert(source, SourceState::Grace(until));
            self.due.insert((until, Due::Grace(source)));
        } else {
            self.sources.insert(source, SourceState::Down);
            self.lose_source(source, now);
        }
    }

    pub(super) fn grace_ends(&mut self, source: SourceId, now: Instant) {
        self.sources.insert(source, SourceState::Down);
        self.lose_source(source, now);
    }

    fn lose_source(&mut self, source: SourceId, now: Instant) {
        for at in self.lines_from(source) {
            self.lose_feed(at, now);
        }
    }

    pub(super) fn subscription_lost(&mut self, id: SubscriptionId, scope: Scope, now: Instant) {
        let mut lines = self.lines_of_feed(&(SourceId::OWN, Some(id)));
        if scope == Scope::Collection {
            // Read by Xsi-Actions, and now without events to keep them true.
            lines.extend(self.lines_of_feed(&(SourceId::OWN, None)));
        }
        for at in lines {
            self.lose_feed(at, now);
            self.touch(at, WithdrawReason::SourceLost, now, |line, rules| {
                line.plan_ask(rules, now);
                Heard::default()
            });
        }
    }

    fn lines_of_feed(&self, feed: &FeedKey) -> Vec<u32> {
        let lines = self.fed.get(feed);
        lines.into_iter().flatten().copied().collect()
    }

    fn lines_from(&self, source: SourceId) -> Vec<u32> {
        self.fed
            .range((source, None)..)
            .take_while(|((held, _), _)| *held == source)
            .flat_map(|(_, lines)| lines.iter().copied())
            .collect()
    }

    pub(super) fn unfeed(&mut self, feed: &FeedKey, at: u32) {
        if let Some(lines) = self.fed.get_mut(feed) {
            lines.remove(&at);
            if lines.is_empty() {
                self.fed.remove(feed);
            }
        }
    }
}
