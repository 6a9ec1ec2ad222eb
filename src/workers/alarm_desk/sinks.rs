//! All sinks: who is told what.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::SystemTime;

use tokio_util::task::TaskTracker;

use crate::config::AlarmSinkKind;
use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Notice;
use crate::domain::alarms::Observation;
use crate::domain::alarms::QuietHours;
use crate::domain::alarms::Severity;
use crate::outbound::alerts::AlertSink;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::store::alarms::AlarmDelta;
use crate::store::alarms::AlarmStore;
use crate::store::alarms::Attempt;
use crate::store::alarms::Waiting;
use crate::telemetry::alarms::AlarmMetrics;
use crate::workers::alarm_desk::queue::Queue;
use crate::workers::alarm_desk::sink::Desk;
use crate::workers::alarm_desk::sink::untold;

/// Attempts that wait for a disk: as many as lines of history do.
const LATE: usize = 10_000;

/// Minute of the day, in the zone of quiet hours, at a time.
pub type MinuteOf = fn(&QuietHours, SystemTime) -> u16;

/// How a sink stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkStanding {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: &'static str,
    /// From which severity it is told.
    pub level: Severity,
    /// Notices that wait for it.
    pub waiting: usize,
    /// What its last attempt said, if that failed.
    pub error: Option<String>,
    /// When it last took a notice; `None`: not since the start.
    pub delivered: Option<SystemTime>,
}

/// All sinks.
#[derive(Default)]
pub(super) struct Sinks(Mutex<BTreeMap<String, Arc<Desk>>>);

/// Attempts that are not written down: a disk did not take them, or not yet the notice.
#[derive(Debug, Default)]
pub(super) struct Late {
    /// Notices are told that are not written down.
    pub(super) unkept: bool,
    attempts: BTreeMap<(String, u64), Attempt>,
}

impl Late {
    /// Only the last attempt counts.
    pub(super) fn add(&mut self, attempt: Attempt) {
        if self.attempts.len() >= LATE {
            self.attempts.pop_first();
        }
        let key = (attempt.sink.clone(), attempt.identifier);
        self.attempts.insert(key, attempt);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.attempts.is_empty()
    }

    pub(super) fn all(&self) -> Vec<Attempt> {
        self.attempts.values().cloned().collect()
    }

    /// These are written down; what came since is not.
    pub(super) fn written(&mut self, attempts: &[Attempt]) {
        for attempt in attempts {
            let key = (attempt.sink.clone(), attempt.identifier);
            if self.attempts.get(&key) == Some(attempt) {
                self.attempts.remove(&key);
            }
        }
        self.unkept = !self.attempts.is_empty();
    }
}

/// What every sink needs.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) queue: Arc<Queue>,
    pub(super) store: AlarmStore,
    pub(super) metrics: Arc<AlarmMetrics>,
    pub(super) minute: MinuteOf,
    pub(super) late: Arc<Mutex<Late>>,
    /// The tasks of sinks that have not ended.
    pub(super) tellers: TaskTracker,
}

impl Shared {
    pub(super) fn late(&self) -> MutexGuard<'_, Late> {
        self.late.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sinks {
    /// Puts these in force. One of the same name goes on with what waits for it.
    pub(super) fn adopt(&self, sinks: Vec<Arc<dyn AlertSink>>, shared: &Shared, tasks: &Tasks) {
        let mut held = self.held();
        let mut fresh = BTreeMap::new();
        for sink in sinks {
            let name = sink.name().to_owned();
            let desk = match held.remove(&name) {
                Some(desk) => {
                    desk.held().sink = sink;
                    desk.changed.notify_one();
                    desk
                }
                None => Desk::start(sink, shared.clone(), tasks),
            };
            fresh.insert(name, desk);
        }
        for (name, desk) in std::mem::replace(&mut *held, fresh) {
            desk.stop.cancel();
            let numbers = desk.held().outbox.numbers();
            shared.metrics.sink_gone(&name, numbers.len());
            for (alarm, object) in [
                (AlarmName::AlarmSinkFailing, &name),
                (AlarmName::AlarmsDiscarded, &untold(&name)),
            ] {
                shared.queue.push(Observation::absent(alarm, object));
            }
            let dropped = numbers.into_iter().map(|number| (name.clone(), number));
            let delta = AlarmDelta {
                dropped: dropped.collect(),
                ..AlarmDelta::default()
            };
            let store = shared.store.clone();
            // When it cannot be written, the next start forgets them.
            tasks.connection(async move { store.save(delta).await.unwrap_or_default() });
        }
    }

    /// Takes up what waited before a restart. Returns what waits for sinks that are gone.
    pub(super) fn resume(&self, waiting: Vec<Waiting>) -> Vec<(String, u64)> {
        let held = self.held();
        let now = clock::wall();
        // Before any of it can be told.
        for waiting in &waiting {
            let wait = waiting.not_before.duration_since(now).unwrap_or_default();
            if let Some(desk) = held.get(&waiting.sink) {
                desk.hold(wait);
            }
        }
        let mut gone = Vec::new();
        for waiting in waiting {
            match held.get(&waiting.sink) {
                Some(desk) => desk.push(Arc::new(waiting.notice), waiting.attempts),
                None => gone.push((waiting.sink, waiting.notice.identifier)),
            }
        }
        gone
    }

    /// Which sinks are told of a notice.
    pub(super) fn takers(&self, notice: &Notice, reach: Option<Severity>) -> Vec<String> {
        let Some(reach) = reach else {
            return Vec::new();
        };
        let held = self.held();
        let takes = |desk: &&Arc<Desk>| {
            // A sink that fails is not told that it fails.
            let own = notice.key.name == AlarmName::AlarmSinkFailing
                && notice.key.object.as_str() == desk.name;
            !own && desk.held().sink.appetite().level <= reach
        };
        let takers = held.values().filter(takes);
        takers.map(|desk| desk.name.clone()).collect()
    }

    /// Whether one of these writes the log.
    pub(super) fn log(&self, takers: &[String]) -> bool {
        let held = self.held();
        let mut desks = takers.iter().filter_map(|name| held.get(name));
        desks.any(|desk| desk.held().sink.kind() == AlarmSinkKind::Journal.word())
    }

    /// Hands a notice to a sink.
    pub(super) fn push(&self, sink: &str, notice: &Arc<Notice>) {
        let desk = self.held().get(sink).cloned();
        if let Some(desk) = desk {
            desk.push(Arc::clone(notice), 0);
        }
    }

    /// Has what stands told again where it would fade; each with the worst severity told of it.
    pub(super) fn refresh(&self, standing: Vec<(Notice, Severity)>) {
        let standing = standing.into_iter();
        let standing = standing.map(|(notice, worst)| (Arc::new(notice), worst));
        let standing: Vec<_> = standing.collect();
        for desk in self.held().values() {
            desk.refresh(&standing);
        }
    }

    /// A sink by its name, for a test.
    pub(super) fn find(&self, name: &str) -> Option<Arc<dyn AlertSink>> {
        let desk = self.held().get(name).cloned()?;
        let sink = Arc::clone(&desk.held().sink);
        Some(sink)
    }

    pub(super) fn standings(&self) -> Vec<SinkStanding> {
        let desks: Vec<_> = self.held().values().cloned().collect();
        desks.iter().map(|desk| desk.standing()).collect()
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Desk>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
