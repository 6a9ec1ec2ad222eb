//! The alarm desk: takes in what watchers see, has alarms kept, and tells sinks of them.
//!
//! * [`AlarmDesk`]: the handle. [`AlarmDesk::observe`] never waits; whatever people ask does.
//! * `queue`: what was seen and not yet weighed, bounded by key.
//! * `desk`: the task that drives the board; what it says is kept first and then told.
//! * `sinks`: who is told; `sink`: the task of one; what waits for it and when it is told is for
//!   `domain::alarms::outbox`.
//!
//! When nothing can be kept on disk, alarms go on in memory and are told all the same.

mod desk;
mod queue;
mod sink;
mod sinks;
#[cfg(test)]
mod tests;
mod trust;

use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use crate::domain::alarms::Alarm;
use crate::domain::alarms::AlarmKey;
use crate::domain::alarms::CaseLevel;
use crate::domain::alarms::Notice;
use crate::domain::alarms::Observation;
use crate::domain::alarms::Policy;
use crate::domain::alarms::Silence;
use crate::domain::alarms::board::Order;
use crate::domain::alarms::board::OrderRefused;
use crate::domain::alarms::impact::Impact;
use crate::domain::alarms::impact::Urgency;
use crate::outbound::alerts::AlertSink;
use crate::outbound::alerts::SinkError;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::store::StoreError;
use crate::store::alarms::AlarmStore;
use crate::store::alarms::HistoryAsk;
use crate::store::alarms::HistoryRow;
use crate::telemetry::alarms::AlarmMetrics;
use crate::workers::alarm_desk::desk::Driver;
use crate::workers::alarm_desk::sinks::Shared;
use crate::workers::alarm_desk::sinks::Sinks;
use crate::workers::alarm_desk::trust::Trust;

pub use sinks::MinuteOf;
pub use sinks::SinkStanding;

/// People's requests that may wait: each takes milliseconds.
const REQUESTS: usize = 64;

/// Between two rounds that forget old history.
const FORGET: Duration = Duration::from_secs(3600);

/// Lines of history at most, whatever their age: some hundred megabytes.
const MOST_HISTORY: u64 = 100_000;

/// What the desk stands on.
pub struct Parts {
    /// Keeps alarms.
    pub store: AlarmStore,
    /// What the board goes by.
    pub policy: Policy,
    /// How long history is kept.
    pub history: Duration,
    /// Who is told.
    pub sinks: Vec<Arc<dyn AlertSink>>,
    /// Tells the time of day for quiet hours: [`crate::domain::alarms::QuietHours::minute`].
    pub minute: MinuteOf,
    /// Metrics.
    pub metrics: Arc<AlarmMetrics>,
}

/// The handle; clones share it.
#[derive(Clone)]
pub struct AlarmDesk(Arc<Inner>);

struct Inner {
    shared: Shared,
    sinks: Arc<Sinks>,
    requests: mpsc::Sender<Request>,
    history: ArcSwap<Duration>,
    tasks: Tasks,
}

enum Request {
    List(oneshot::Sender<Vec<Shown>>),
    Order(Order, oneshot::Sender<Result<(), OrderRefused>>),
    Policy(Box<Policy>),
    Silences(oneshot::Sender<Vec<Silence>>),
    Test {
        sink: String,
        who: String,
        answer: oneshot::Sender<Notice>,
    },
}

/// An alarm as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The alarm.
    pub alarm: Alarm,
    /// With which level a case is opened.
    pub case: CaseLevel,
    /// How much is affected.
    pub impact: Impact,
    /// How pressing it is.
    pub urgency: Urgency,
    /// The provider's own instructions.
    pub runbook: Option<String>,
    /// The silence that it is under.
    pub silence: Option<Silence>,
}

/// What came of trying a sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Number of the notice.
    pub identifier: u64,
    /// How long it took.
    pub took: Duration,
    /// Whether the sink said that it took it; else it is only known that it was sent.
    pub confirmed: bool,
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeskError {
    /// The daemon ends, or has too much to do.
    Busy,
    /// There is no such sink.
    NoSuchSink,
    /// It cannot be.
    Order(OrderRefused),
    /// The sink did not take it.
    Sink(SinkError),
    /// The store failed.
    Store(StoreError),
}

impl AlarmDesk {
    /// Starts the desk; what was kept is read by its task.
    #[must_use]
    pub fn start(parts: Parts, tasks: &Tasks) -> Self {
        let Parts {
            store,
            policy,
            history,
            sinks,
            minute,
            metrics,
        } = parts;
        let shared = Shared {
            queue: Arc::default(),
            store,
            metrics,
            minute,
            late: Arc::default(),
            tellers: TaskTracker::new(),
        };
        let (requests, received) = mpsc::channel(REQUESTS);
        let desk = Self(Arc::new(Inner {
            shared: shared.clone(),
            sinks: Arc::default(),
            requests,
            history: ArcSwap::from_pointee(history),
            tasks: tasks.clone(),
        }));
        desk.0.sinks.adopt(sinks, &shared, tasks);
        let (held, stop) = (Arc::clone(&desk.0.sinks), tasks.stop());
        tasks.worker("alarm-desk", async move {
            let driver = Driver::begin(policy, shared, held).await;
            driver.run(received, stop).await;
        });
        let (forgetful, stop) = (Arc::downgrade(&desk.0), tasks.stop());
        tasks.worker("alarm-history", async move {
            let mut trust = Trust::new(clock::now());
            loop {
                let Some(inner) = forgetful.upgrade() else {
                    return;
                };
                inner.forget(trust.holds(clock::now())).await;
                drop(inner);
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(FORGET) => {}
                }
            }
        });
        desk
    }

    /// Takes in what a watcher has seen. Never waits, and may be called from anywhere.
    pub fn observe(&self, observation: Observation) {
        self.0.shared.queue.push(observation);
    }

    /// Other rules, and other sinks, hold from now on.
    pub async fn adopt(&self, policy: Policy, history: Duration, sinks: Vec<Arc<dyn AlertSink>>) {
        let inner = &self.0;
        inner.history.store(Arc::new(history));
        inner.sinks.adopt(sinks, &inner.shared, &inner.tasks);
        // The daemon ends when nobody takes it.
        drop(inner.requests.send(Request::Policy(Box::new(policy))).await);
    }

    /// Every alarm that is on.
    ///
    /// # Errors
    /// [`DeskError::Busy`].
    pub async fn list(&self) -> Result<Vec<Shown>, DeskError> {
        self.ask(Request::List).await
    }

    /// One alarm.
    ///
    /// # Errors
    /// It is not there.
    pub async fn show(&self, key: &AlarmKey) -> Result<Shown, DeskError> {
        let mut all = self.list().await?.into_iter();
        let found = all.find(|shown| shown.alarm.key == *key);
        found.ok_or(DeskError::Order(OrderRefused::NoSuchAlarm))
    }

    /// All silences.
    ///
    /// # Errors
    /// [`DeskError::Busy`].
    pub async fn silences(&self) -> Result<Vec<Silence>, DeskError> {
        self.ask(Request::Silences).await
    }

    /// Carries out what a person wants; it is kept when this returns, if anything can be.
    ///
    /// # Errors
    /// Why not.
    pub async fn order(&self, order: Order) -> Result<(), DeskError> {
        let done = self.ask(|answer| Request::Order(order, answer)).await?;
        done.map_err(DeskError::Order)
    }

    /// A part of the history, newest first.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn history(&self, ask: HistoryAsk) -> Result<Vec<HistoryRow>, DeskError> {
        let found = self.0.shared.store.history(ask).await;
        found.map_err(DeskError::Store)
    }

    /// How the sinks stand.
    #[must_use]
    pub fn sinks(&self) -> Vec<SinkStanding> {
        self.0.sinks.standings()
    }

    /// Whether alarms are kept over restarts.
    #[must_use]
    pub fn is_durable(&self) -> bool {
        self.0.shared.store.is_durable()
    }

    /// Tries a sink, at once and once.
    ///
    /// # Errors
    /// There is no such sink, or it did not take it.
    pub async fn test(&self, sink: &str, who: &str) -> Result<Tried, DeskError> {
        let found = self.0.sinks.find(sink).ok_or(DeskError::NoSuchSink)?;
        let (sink, who) = (sink.to_owned(), who.to_owned());
        let notice = self
            .ask(|answer| Request::Test { sink, who, answer })
            .await?;
        let began = clock::mono();
        let told = sink::tell(found.as_ref(), &notice).await;
        told.map_err(DeskError::Sink)?;
        Ok(Tried {
            identifier: notice.identifier,
            took: clock::mono().saturating_duration_since(began),
            confirmed: found.confirms(),
        })
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<T>) -> Request,
    ) -> Result<T, DeskError> {
        let (answer, told) = oneshot::channel();
        let sent = self.0.requests.try_send(request(answer));
        sent.map_err(|_| DeskError::Busy)?;
        told.await.map_err(|_| DeskError::Busy)
    }
}

impl Inner {
    /// Without trust in the clock, by number alone.
    async fn forget(&self, trusted: bool) {
        let now = clock::wall();
        let age = **self.history.load();
        let before = now.checked_sub(age).filter(|_| trusted);
        let before = before.unwrap_or(SystemTime::UNIX_EPOCH);
        if let Err(error) = self.shared.store.prune(before, MOST_HISTORY).await {
            self.shared.metrics.prune_failed(&error);
        }
    }
}
