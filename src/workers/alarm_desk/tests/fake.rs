//! Fakes: sinks and a disk.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU16;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use prometheus_client::registry::Registry;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::domain::alarms::Appetite;
use crate::domain::alarms::Notice;
use crate::domain::alarms::Policy;
use crate::domain::alarms::QuietHours;
use crate::domain::alarms::Severity;
use crate::outbound::alerts::AlertSink;
use crate::outbound::alerts::SinkError;
use crate::platform::tasks::Tasks;
use crate::store::StoreError;
use crate::store::alarms::AlarmDelta;
use crate::store::alarms::AlarmEngine;
use crate::store::alarms::AlarmStore;
use crate::store::alarms::HistoryAsk;
use crate::store::alarms::HistoryRow;
use crate::store::alarms::KeptAlarms;
use crate::store::alarms::Memory;
use crate::telemetry::alarms::AlarmMetrics;
use crate::workers::alarm_desk::AlarmDesk;
use crate::workers::alarm_desk::MinuteOf;
use crate::workers::alarm_desk::Parts;

/// Virtual time after which a test gives up.
const BOUND: Duration = Duration::from_secs(30 * 24 * 3600);

/// The minute of the day, for quiet hours.
pub(super) static MINUTE: AtomicU16 = AtomicU16::new(0);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// It says 429, and when it may be asked again.
    Busy,
    Take,
    Hang,
    Refuse,
    Retry,
}

/// A sink.
pub(super) struct Fake {
    name: String,
    appetite: Appetite,
    fades: bool,
    answer: Mutex<Answer>,
    told: watch::Sender<Vec<Notice>>,
    tried: watch::Sender<usize>,
}

impl Fake {
    pub(super) fn new(name: &str, level: Severity) -> Arc<Self> {
        Self::with(name, Appetite { level, quiet: None }, false)
    }

    /// One where alarms fade.
    pub(super) fn fading(name: &str, level: Severity) -> Arc<Self> {
        Self::with(name, Appetite { level, quiet: None }, true)
    }

    pub(super) fn fading_at_night(name: &str, quiet: QuietHours) -> Arc<Self> {
        let appetite = Appetite {
            level: Severity::Informational,
            quiet: Some(quiet),
        };
        Self::with(name, appetite, true)
    }

    pub(super) fn quiet(name: &str, quiet: QuietHours) -> Arc<Self> {
        let appetite = Appetite {
            level: Severity::Informational,
            quiet: Some(quiet),
        };
        Self::with(name, appetite, false)
    }

    fn with(name: &str, appetite: Appetite, fades: bool) -> Arc<Self> {
        Arc::new(Self {
            name: name.to_owned(),
            appetite,
            fades,
            answer: Mutex::new(Answer::Take),
            told: watch::Sender::default(),
            tried: watch::Sender::default(),
        })
    }

    pub(super) fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    /// Waits until it has taken so many.
    pub(super) async fn heard(&self, count: usize) -> Vec<Notice> {
        let mut told = self.told.subscribe();
        let heard = timeout(BOUND, told.wait_for(|told| told.len() >= count)).await;
        match heard {
            Ok(heard) => heard.unwrap().clone(),
            Err(_) => panic!("{} heard only {:#?}", self.name, self.told()),
        }
    }

    /// Waits until it was tried so often.
    pub(super) async fn tried(&self, count: usize) {
        let mut tried = self.tried.subscribe();
        let tried = timeout(BOUND, tried.wait_for(|tried| *tried >= count)).await;
        drop(tried.expect("it is tried").unwrap());
    }

    /// How often it was tried.
    pub(super) fn tries(&self) -> usize {
        *self.tried.borrow()
    }

    pub(super) fn told(&self) -> Vec<Notice> {
        self.told.borrow().clone()
    }
}

impl AlertSink for Fake {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "fake"
    }

    fn appetite(&self) -> &Appetite {
        &self.appetite
    }

    fn fades(&self) -> bool {
        self.fades
    }

    fn deliver<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<(), SinkError>> {
        async move {
            self.tried.send_modify(|tried| *tried += 1);
            let answer = *self.answer.lock().unwrap();
            match answer {
                Answer::Busy => {
                    let hour = Duration::from_secs(3_600);
                    Err(SinkError::retry_after(
                        hour,
                        "asked-to-wait",
                        "It said 429.",
                    ))
                }
                Answer::Take => {
                    self.told.send_modify(|told| told.push(notice.clone()));
                    Ok(())
                }
                Answer::Hang => std::future::pending().await,
                Answer::Refuse => Err(SinkError::refused("status", "It said 400.")),
                Answer::Retry => Err(SinkError::retry("status", "It said 500.")),
            }
        }
        .boxed()
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Fault {
    #[default]
    None,
    Full,
    Hangs,
}

/// A disk that may fail.
#[derive(Default)]
pub(super) struct Disk {
    memory: Memory,
    fault: Mutex<Fault>,
    closed: AtomicU16,
}

impl Disk {
    /// How often it was closed.
    pub(super) fn closed(&self) -> u16 {
        self.closed.load(Ordering::Relaxed)
    }

    pub(super) fn fails(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }
}

impl AlarmEngine for Disk {
    fn load(&self) -> BoxFuture<'_, Result<KeptAlarms, StoreError>> {
        self.memory.load()
    }

    fn save(&self, delta: AlarmDelta) -> BoxFuture<'_, Result<(), StoreError>> {
        let fault = *self.fault.lock().unwrap();
        match fault {
            Fault::None => self.memory.save(delta),
            Fault::Full => {
                let error = StoreError::Full {
                    path: "/state/xspd.db".into(),
                    detail: "no room".to_owned(),
                };
                std::future::ready(Err(error)).boxed()
            }
            Fault::Hangs => std::future::pending().boxed(),
        }
    }

    fn history(&self, ask: HistoryAsk) -> BoxFuture<'_, Result<Vec<HistoryRow>, StoreError>> {
        self.memory.history(ask)
    }

    fn prune(&self, before: SystemTime, most: u64) -> BoxFuture<'_, Result<u64, StoreError>> {
        self.memory.prune(before, most)
    }

    /// Who starts again opens it again.
    fn close(&self) -> BoxFuture<'_, ()> {
        self.closed.fetch_add(1, Ordering::Relaxed);
        std::future::ready(()).boxed()
    }
}

/// A desk.
pub(super) struct Scene {
    pub(super) desk: AlarmDesk,
    tasks: Tasks,
}

impl Scene {
    pub(super) fn start(sinks: Vec<Arc<Fake>>, store: AlarmStore) -> Self {
        Self::with(sinks, store, QuietHours::minute)
    }

    pub(super) fn start_at(sinks: Vec<Arc<Fake>>, minute: MinuteOf) -> Self {
        Self::with(sinks, AlarmStore::in_memory(), minute)
    }

    fn with(sinks: Vec<Arc<Fake>>, store: AlarmStore, minute: MinuteOf) -> Self {
        let tasks = Tasks::new();
        let sinks = sinks.into_iter().map(|sink| sink as Arc<dyn AlertSink>);
        let parts = Parts {
            store,
            policy: Policy::default(),
            history: Duration::from_secs(90 * 24 * 3600),
            sinks: sinks.collect(),
            minute,
            metrics: AlarmMetrics::register(&mut Registry::default()),
        };
        Self {
            desk: AlarmDesk::start(parts, &tasks),
            tasks,
        }
    }

    /// Waits until everything that is under way has been looked at.
    pub(super) async fn settled(&self) {
        for _ in 0..3 {
            self.desk.list().await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    pub(super) async fn end(self) {
        self.tasks.stop().cancel();
        self.tasks.join().await;
    }
}
