//! Whoever hears of everything: the receiver of the webhook. One state for each line, told once
//! however many watch it, and offers with those who got them.

use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;
use tokio::sync::mpsc;

use crate::domain::blf::board::Notice;
use crate::domain::blf::notice::LineState;
use crate::domain::blf::notice::Notification;
use crate::domain::blf::outbox::Letter;
use crate::domain::blf::outbox::Subject;
use crate::domain::events::ids::UserId;
use crate::workers::blf_tracker::tracker::Tracker;

/// Where letters go. What does not fit is made up for by the state of every line, soon.
#[derive(Default)]
pub(in crate::workers::blf_tracker) struct Observer {
    letters: Option<mpsc::Sender<Vec<Letter>>>,
    behind: bool,
}

impl Observer {
    fn send(&mut self, letters: Vec<Letter>) {
        let Some(sender) = &self.letters else { return };
        match sender.try_send(letters) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => self.behind = true,
            Err(mpsc::error::TrySendError::Closed(_)) => self.letters = None,
        }
    }
}

impl Tracker {
    /// From now on letters go there, the state of every line first.
    pub(super) fn observed_by(&mut self, letters: mpsc::Sender<Vec<Letter>>) {
        self.observer.letters = Some(letters);
        self.observer.behind = true;
        self.catch_observer_up();
    }

    /// Tells the state of every line to an observer that has missed something.
    pub(super) fn catch_observer_up(&mut self) {
        if !std::mem::take(&mut self.observer.behind) {
            return;
        }
        let caller = self.shows_caller();
        let lines = self.machines.board().lines(caller);
        let letters = lines.map(|line| letter_of(None, &line)).collect();
        self.observer.send(letters);
    }

    /// Passes on what a notice tells.
    pub(super) fn observe(&mut self, notice: &Notice) {
        if self.observer.letters.is_none() {
            return;
        }
        let letter = match &*notice.body {
            // Each line has told its state before.
            Notification::Snapshot(_) => return,
            // Watchers who may not see the caller are told so apart; this is one and the same.
            Notification::State(state) => {
                let line = self.machines.board().line(&state.user, self.shows_caller());
                let Some((line, _)) = line else { return };
                letter_of(Some(notice.id), &line)
            }
            Notification::Offer(_) | Notification::Withdraw(_) => {
                let watchers: BTreeSet<&str> = self
                    .sessions
                    .watchers(&notice.to)
                    .map(UserId::as_str)
                    .collect();
                let document = serde_json::to_value(&*notice.body);
                let more = [
                    ("id", Value::from(notice.id)),
                    ("watchers", json!(watchers)),
                ];
                Letter {
                    subject: Subject::Happening,
                    body: with(document, more).to_string().into(),
                }
            }
        };
        self.observer.send(vec![letter]);
    }

    fn shows_caller(&self) -> bool {
        self.settings.load().config.notification.display_caller
    }
}

fn letter_of(id: Option<u64>, line: &LineState) -> Letter {
    let id = id.map(|id| ("id", Value::from(id)));
    let more = [("kind", Value::from("state"))].into_iter().chain(id);
    let document = with(serde_json::to_value(line), more);
    Letter {
        subject: Subject::Line(line.user.as_str().into()),
        body: document.to_string().into(),
    }
}

/// A document with more members. Plain structs always can be written.
fn with(
    document: serde_json::Result<Value>,
    more: impl IntoIterator<Item = (&'static str, Value)>,
) -> Value {
    let mut document = document.unwrap_or_default();
    if let Some(members) = document.as_object_mut() {
        members.extend(
            more.into_iter()
                .map(|(name, value)| (name.to_owned(), value)),
        );
    }
    document
}
