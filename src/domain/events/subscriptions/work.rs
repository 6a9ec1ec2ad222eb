//! Requests, at the pace that is allowed.

use crate::domain::events::subscriptions::Action;
use crate::domain::events::subscriptions::Fault;
use crate::domain::events::subscriptions::Target;
use crate::domain::events::subscriptions::Ticket;
use crate::domain::events::subscriptions::entry::Due;
use crate::domain::events::subscriptions::entry::Entry;
use crate::domain::events::subscriptions::entry::Stand;
use crate::domain::events::subscriptions::machine::Subscriptions;
use std::time::Duration;
use std::time::Instant;

impl Subscriptions {
    /// Does what is due, at the pace that is allowed.
    pub(super) fn work(&mut self, now: Instant) {
        while let Some((at, target)) = self.due.first().cloned() {
            if at > now {
                break;
            }
            let due = self.entries.get(&target).and_then(Entry::due);
            match due {
                Some((_, Due::Expire(ticket))) => self.expire(ticket, now),
                Some((_, due @ (Due::Create | Due::Update(_)))) => {
                    if !self.may_send(now) {
                        break;
                    }
                    self.begin(&target, due, now);
                }
                None => {
                    self.due.pop_first();
                }
            }
        }
        // What is still due may hide a lost result behind it.
        let lost: Vec<_> = self
            .by_ticket
            .iter()
            .filter_map(|(ticket, target)| {
                let (at, _) = self.entries.get(target)?.due()?;
                (at <= now).then_some(*ticket)
            })
            .collect();
        for ticket in lost {
            self.expire(ticket, now);
        }
        while let Some((at, _)) = self.fetches.first() {
            if *at > now || !self.may_send(now) {
                break;
            }
            if let Some((_, user)) = self.fetches.pop_first() {
                self.take(now);
                self.planned.remove(&user);
                self.fetched.insert(user.clone(), now);
                self.actions.push_back(Action::Fetch(user));
            }
        }
    }

    fn may_send(&self, now: Instant) -> bool {
        self.up && self.next_free <= now && self.by_ticket.len() < self.rules.at_once
    }

    fn take(&mut self, now: Instant) {
        let gap = Duration::from_secs(1) / self.rules.per_second.max(1);
        self.next_free = self.next_free.max(now) + gap;
    }

    fn begin(&mut self, target: &Target, due: Due, now: Instant) {
        self.take(now);
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        let expires = self.rules.expires;
        let action = match &due {
            Due::Create => Action::Create(ticket, target.clone()),
            Due::Update(id) => Action::Update(ticket, id.clone(), expires),
            Due::Expire(_) => return,
        };
        self.change(target, |entry, rules| {
            let until = now + rules.patience;
            entry.begun = Some(now);
            entry.stand = match due {
                Due::Update(id) => Stand::Updating {
                    id,
                    ticket,
                    until,
                    again: None,
                },
                Due::Create | Due::Expire(_) => Stand::Creating { ticket, until },
            };
        });
        self.actions.push_back(action);
    }

    fn expire(&mut self, ticket: Ticket, now: Instant) {
        let Some(target) = self.by_ticket.get(&ticket) else {
            return;
        };
        match self.entries.get(target).map(|entry| &entry.stand) {
            Some(Stand::Creating { .. }) => self.created(ticket, Err(Fault::Failed), now),
            Some(Stand::Updating { .. }) => self.updated(ticket, Err(Fault::Failed), now),
            Some(Stand::Absent { .. } | Stand::Live { .. }) | None => {}
        }
    }
}
