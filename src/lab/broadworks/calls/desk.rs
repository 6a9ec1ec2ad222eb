//! Runs the engine on real time: one command at a time, timers by a worker, and what is to be
//! remembered into the store.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::debug;
use tracing::warn;

use crate::domain::machine::Machine;
use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::calls::Calls;
use crate::lab::broadworks::calls::command::Action;
use crate::lab::broadworks::calls::command::CallRecord;
use crate::lab::broadworks::calls::command::Command;
use crate::lab::broadworks::calls::command::Input;
use crate::lab::broadworks::calls::command::Message;
use crate::lab::broadworks::calls::command::Refusal;
use crate::lab::broadworks::calls::command::Reply;
use crate::lab::broadworks::calls::record;
use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::error::LabError;
use crate::lab::broadworks::events::EventDesk;
use crate::lab::broadworks::password::random;
use crate::lab::broadworks::store::Store;
use crate::platform::clock;
use crate::platform::tasks::Tasks;

/// The engine and when it wants to be woken.
pub(in crate::lab::broadworks) struct CallDesk {
    calls: Mutex<Calls>,
    events: Arc<EventDesk>,
    deadline: watch::Sender<Option<Instant>>,
}

/// Pause after timers that could not be run.
const BREATHER: Duration = Duration::from_secs(1);

/// What outlives a call.
enum Memory {
    Call(Box<CallRecord>),
    Message(Message),
}

impl CallDesk {
    /// Without calls.
    pub(in crate::lab::broadworks) fn new(
        directory: Arc<Directory>,
        events: Arc<EventDesk>,
    ) -> Self {
        Self {
            calls: Mutex::new(Calls::new(directory)),
            events,
            deadline: watch::Sender::new(None),
        }
    }

    /// Carries out a command of a user. Blocks on the disk when a call ends.
    pub(in crate::lab::broadworks) fn command(
        &self,
        store: &Store,
        user: &str,
        command: Command,
    ) -> Result<Reply, Refusal> {
        let input = Input {
            user: user.to_owned(),
            command,
        };
        let reply = self.step(store, Some(input));
        // The engine answers every command; this is what it would say of a call it lost.
        reply.unwrap_or(Err(Refusal::UnknownCall))
    }

    /// Reads the engine.
    pub(in crate::lab::broadworks) fn read<T>(&self, read: impl FnOnce(&Calls) -> T) -> T {
        read(&self.lock())
    }

    /// Runs what is due, then the input, and remembers what came of both.
    fn step(&self, store: &Store, input: Option<Input>) -> Option<Result<Reply, Refusal>> {
        let mut reply = None;
        let mut memories = Vec::new();
        {
            let mut calls = self.lock();
            let directory = store.read();
            calls.look_up(Arc::clone(&directory));
            let now = clock::now();
            calls.handle_timeout(now);
            if let Some(input) = input {
                calls.handle(input, now);
            }
            if cfg!(debug_assertions) {
                calls.check_invariants();
            }
            let mut told = Vec::new();
            while let Some(action) = calls.poll_action() {
                match action {
                    Action::Log(record) => memories.push(Memory::Call(record)),
                    Action::Message(message) => memories.push(Memory::Message(message)),
                    Action::Reply(said) => reply = Some(said),
                    Action::Arrival { .. }
                    | Action::Conference { .. }
                    | Action::Hook { .. }
                    | Action::Leg { .. }
                    | Action::Park { .. } => {
                        narrate(&action);
                        told.push(action);
                    }
                }
            }
            self.events.calls_changed(&told, &directory);
            let deadline = calls.deadline();
            self.deadline.send_if_modified(|held| {
                let changed = *held != deadline;
                *held = deadline;
                changed
            });
        }
        remember(store, &memories);
        reply
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs the timers of the calls until `stop` fires.
pub(in crate::lab::broadworks) async fn run_timers(
    lab: Arc<BroadWorks>,
    stop: CancellationToken,
    tasks: Tasks,
) {
    let mut deadline = lab.calls.deadline.subscribe();
    loop {
        let next = *deadline.borrow_and_update();
        // All branches may be dropped halfway without losing anything.
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            changed = deadline.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            () = clock::passed(next) => {
                let lab = Arc::clone(&lab);
                let ran = tasks
                    .blocking(move || {
                        lab.calls.step(&lab.store, None);
                    })
                    .await;
                if ran.is_none() {
                    // It panicked and is due again at once.
                    tokio::time::sleep(BREATHER).await;
                }
            }
        }
    }
}

fn narrate(action: &Action) {
    match action {
        Action::Arrival { user, arrival, leg } => {
            debug!(%user, call = %leg.id, ?arrival, "A call arrived.");
        }
        Action::Conference { user, conference } => {
            let calls = conference
                .as_ref()
                .map_or(0, |held| held.participants.len());
            debug!(%user, calls, "A conference changed.");
        }
        Action::Hook { user, off } => debug!(%user, off, "A phone was taken up or put down."),
        Action::Leg { user, change, leg } => {
            let (change, state) = (change.as_str(), leg.state.as_str());
            debug!(%user, call = %leg.id, change, state, "A call changed.");
        }
        Action::Park { user, parked } => {
            debug!(%user, parked = parked.is_some(), "A parking place changed.");
        }
        Action::Log(_) | Action::Message(_) | Action::Reply(_) => {}
    }
}

/// Writes what outlives the calls, all at once. A call is over whether or not the disk works, so
/// a failure is only told.
fn remember(store: &Store, memories: &[Memory]) {
    if memories.is_empty() {
        return;
    }
    let outcome = store.update(|directory| {
        for memory in memories {
            match memory {
                Memory::Call(record) => record::write(directory, record),
                Memory::Message(message) => {
                    if !record::deposit(directory, message_id()?, message) {
                        debug!(mailbox = %message.mailbox, "A mailbox takes no more messages.");
                    }
                }
            }
        }
        Ok::<(), LabError>(())
    });
    if let Err(error) = outcome {
        warn!(%error, "A call log entry or voice message could not be written.");
    }
}

/// A version 4 UUID, the form of real message ids.
fn message_id() -> Result<String, LabError> {
    let number = u128::from_be_bytes(random::<16>()?);
    let number = number & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{number:032x}");
    let parts =
        [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| hex.get(range).unwrap_or_default());
    Ok(parts.join("-"))
}
