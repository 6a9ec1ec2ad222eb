//! What must survive the daemon of its alarms: those that are on, silences, history, what sinks
//! have still to be told, and the number of the newest notice.
//!
//! * [`AlarmStore`]: the handle.
//! * [`AlarmEngine`]: what a database has to do. SQLite does it in the file of the other tables,
//!   `memory` where no file can be written.

mod memory;

use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use futures_util::future::BoxFuture;
use tokio::time::timeout;

use crate::domain::alarms::Alarm;
use crate::domain::alarms::AlarmKey;
use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Entry;
use crate::domain::alarms::Notice;
use crate::domain::alarms::Silence;
use crate::store::StoreError;

pub use memory::Memory;

/// How long a question or a save waits: what is told of an alarm must not wait for a disk.
const PATIENCE: Duration = Duration::from_secs(2);

/// Lines of history in one answer.
pub const MOST_HISTORY: u32 = 1_000;

/// Key in `node_state`: number of the newest notice.
pub const IDENTIFIER: &str = "alarm-identifier";

/// Key in `node_state`: whether the daemon ended in order, so that the number above is exact.
pub const CLEAN: &str = "alarm-clean";

/// What was kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptAlarms {
    /// Those that are on.
    pub alarms: Vec<Alarm>,
    /// Silences.
    pub silences: Vec<Silence>,
    /// What sinks have still to be told, oldest first.
    pub waiting: Vec<Waiting>,
    /// Number of the newest notice.
    pub identifier: u64,
    /// Whether the daemon ended in order.
    pub clean: bool,
    /// Records that cannot be read.
    pub unreadable: u64,
}

/// What a sink has still to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Which sink.
    pub sink: String,
    /// What.
    pub notice: Notice,
    /// Attempts so far.
    pub attempts: u32,
    /// Before when the sink does not want to be asked again.
    pub not_before: SystemTime,
}

/// What one transaction writes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlarmDelta {
    /// Alarms as they are now, each once.
    pub alarms: Vec<Alarm>,
    /// Alarms that are over.
    pub over: Vec<AlarmKey>,
    /// New lines of history.
    pub history: Vec<Entry>,
    /// What sinks are to be told: sink and number.
    pub queued: Vec<(String, u64)>,
    /// What became of attempts.
    pub attempts: Vec<Attempt>,
    /// What sinks will not be told any more: sink and number.
    pub dropped: Vec<(String, u64)>,
    /// All silences, where they changed.
    pub silences: Option<Vec<Silence>>,
    /// The number of the newest notice, and the mark of an end in order.
    pub state: Vec<(String, String)>,
}

/// What became of an attempt to tell a sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Which sink.
    pub sink: String,
    /// Number of the notice.
    pub identifier: u64,
    /// Attempts so far.
    pub attempts: u32,
    /// Before when the sink does not want to be asked again, over a restart too; the time of the
    /// attempt where it said nothing of the kind.
    pub next_try: SystemTime,
    /// What went wrong.
    pub error: Option<String>,
    /// When it was taken, or given up: then `error` says why.
    pub delivered_at: Option<SystemTime>,
}

/// Which part of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryAsk {
    /// Of one name.
    pub name: Option<AlarmName>,
    /// Of one object.
    pub object: Option<String>,
    /// Of what happened since then.
    pub since: Option<SystemTime>,
    /// Older than this number.
    pub before: Option<u64>,
    /// So many lines, between 1 and [`MOST_HISTORY`].
    pub limit: u32,
}

/// A line of the history, and who was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRow {
    /// What happened.
    pub entry: Entry,
    /// Who was told, by sink.
    pub deliveries: Vec<Delivery>,
}

/// How far a notice has come with one sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Which sink.
    pub sink: String,
    /// Attempts.
    pub attempts: u32,
    /// What the last one said, if it failed.
    pub error: Option<String>,
    /// When it was over.
    pub delivered_at: Option<SystemTime>,
}

/// What a database does for alarms.
pub trait AlarmEngine: Send + Sync + 'static {
    /// Everything that a start needs.
    fn load(&self) -> BoxFuture<'_, Result<KeptAlarms, StoreError>>;

    /// Writes all of it or nothing; durable when this returns. Writing the same twice is writing
    /// it once.
    fn save(&self, delta: AlarmDelta) -> BoxFuture<'_, Result<(), StoreError>>;

    /// A part of the history, newest first.
    fn history(&self, ask: HistoryAsk) -> BoxFuture<'_, Result<Vec<HistoryRow>, StoreError>>;

    /// Forgets history from before a moment, and what is beyond the newest `most` lines, but not
    /// what a sink has still to be told.
    fn prune(&self, before: SystemTime, most: u64) -> BoxFuture<'_, Result<u64, StoreError>>;

    /// Ends it in order.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// The handle; clones share it.
#[derive(Clone)]
pub struct AlarmStore {
    engine: Arc<dyn AlarmEngine>,
    durable: bool,
}

impl AlarmStore {
    /// On an engine that keeps what it is given over restarts.
    #[must_use]
    pub fn on(engine: Arc<dyn AlarmEngine>) -> Self {
        Self {
            engine,
            durable: true,
        }
    }

    /// In memory, until the end of the process.
    #[must_use]
    pub fn in_memory() -> Self {
        Self {
            engine: Arc::new(Memory::default()),
            durable: false,
        }
    }

    /// Whether what is kept is there after a restart.
    #[must_use]
    pub const fn is_durable(&self) -> bool {
        self.durable
    }

    /// Everything that a start needs. There is no limit to the wait.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn load(&self) -> Result<KeptAlarms, StoreError> {
        self.engine.load().await
    }

    /// Writes all of it or nothing.
    ///
    /// # Errors
    /// Nothing was written, but for [`StoreError::Slow`]: then it may be, later.
    pub async fn save(&self, delta: AlarmDelta) -> Result<(), StoreError> {
        in_time(self.engine.save(delta)).await
    }

    /// A part of the history, newest first.
    ///
    /// # Errors
    /// It cannot be read in time.
    pub async fn history(&self, ask: HistoryAsk) -> Result<Vec<HistoryRow>, StoreError> {
        let limit = ask.limit.clamp(1, MOST_HISTORY);
        in_time(self.engine.history(HistoryAsk { limit, ..ask })).await
    }

    /// Forgets old history. There is no limit to the wait.
    ///
    /// # Errors
    /// It cannot be written.
    pub async fn prune(&self, before: SystemTime, most: u64) -> Result<u64, StoreError> {
        self.engine.prune(before, most).await
    }

    /// Ends it in order; whatever is asked afterwards fails.
    pub async fn close(&self) {
        self.engine.close().await;
    }
}

async fn in_time<T>(
    asked: impl Future<Output = Result<T, StoreError>> + Send,
) -> Result<T, StoreError> {
    let answer = timeout(PATIENCE, asked).await;
    answer.unwrap_or(Err(StoreError::Slow))
}
