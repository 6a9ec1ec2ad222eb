//! Sinks: each has a task that tells it what waits, at least once, with pauses that grow.

use std::collections::BTreeMap;
use std::hash::BuildHasher as _;
use std::hash::RandomState;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use tokio::sync::Notify;
use tokio::time::sleep_until;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::domain::alarms::AlarmKey;
use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Condition;
use crate::domain::alarms::Notice;
use crate::domain::alarms::NoticeKind;
use crate::domain::alarms::Observation;
use crate::domain::alarms::Present;
use crate::domain::alarms::QuietHours;
use crate::domain::alarms::Severity;
use crate::domain::alarms::catalogue;
use crate::outbound::alerts::AlertSink;
use crate::outbound::alerts::Outlook;
use crate::outbound::alerts::SinkError;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::store::alarms::AlarmDelta;
use crate::store::alarms::AlarmStore;
use crate::store::alarms::Attempt;
use crate::store::alarms::Waiting;
use crate::telemetry::alarms::AlarmMetrics;
use crate::workers::alarm_desk::outbox::Next;
use crate::workers::alarm_desk::outbox::Outbox;
use crate::workers::alarm_desk::queue::Queue;

/// Longest delivery, whatever the sink's own limits are.
const LONGEST: Duration = Duration::from_secs(60);

/// A sink that fails for as long, and as often, is an alarm.
const FAILING: Duration = Duration::from_secs(60);
const FAILURES: u32 = 3;

/// The kind of the sink that writes the log.
const JOURNAL: &str = "journal";

/// How long nothing must have been discarded before that is over; also the longest sleep.
const HOUR: Duration = Duration::from_secs(3600);

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

/// What every sink needs.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) queue: Arc<Queue>,
    pub(super) store: AlarmStore,
    pub(super) metrics: Arc<AlarmMetrics>,
    pub(super) minute: MinuteOf,
}

/// One sink.
struct Desk {
    name: String,
    held: Mutex<Held>,
    changed: Notify,
    stop: CancellationToken,
    shared: Shared,
}

struct Held {
    sink: Arc<dyn AlertSink>,
    outbox: Outbox,
    error: Option<String>,
    delivered: Option<SystemTime>,
    discarded: u64,
    discard: Option<Instant>,
    /// What is not told any more, and not yet written down as that.
    gone: Vec<u64>,
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
            shared
                .queue
                .push(absent(AlarmName::AlarmSinkFailing, &name));
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
        desks.any(|desk| desk.held().sink.kind() == JOURNAL)
    }

    /// Hands a notice to a sink.
    pub(super) fn push(&self, sink: &str, notice: &Arc<Notice>) {
        let desk = self.held().get(sink).cloned();
        if let Some(desk) = desk {
            desk.push(Arc::clone(notice), 0);
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

/// Tells a sink something outside of its queue.
pub(super) async fn tell(sink: &dyn AlertSink, notice: &Notice) -> Result<(), SinkError> {
    match timeout(LONGEST, sink.deliver(notice)).await {
        Ok(outcome) => outcome,
        Err(_late) => Err(SinkError::retry(
            "timeout",
            "it did not say within a minute whether it took the notice",
        )),
    }
}

impl Desk {
    fn start(sink: Arc<dyn AlertSink>, shared: Shared, tasks: &Tasks) -> Arc<Self> {
        let desk = Arc::new(Self {
            name: sink.name().to_owned(),
            held: Mutex::new(Held {
                sink,
                outbox: Outbox::default(),
                error: None,
                delivered: None,
                discarded: 0,
                discard: None,
                gone: Vec::new(),
            }),
            changed: Notify::new(),
            stop: tasks.stop().child_token(),
            shared,
        });
        desk.shared.metrics.sink(&desk.name);
        let running = Arc::clone(&desk);
        tasks.worker("alarm-sink", async move { running.run().await });
        desk
    }

    fn push(&self, notice: Arc<Notice>, attempts: u32) {
        let (gone, waiting) = {
            let mut held = self.held();
            let reminder = notice.kind == NoticeKind::Reminded;
            let before = held.outbox.len();
            let gone = held.outbox.push(notice, attempts);
            // One reminder in the place of another is no loss.
            let lost = if reminder && held.outbox.len() == before && gone.len() == 1 {
                0
            } else {
                gone.len()
            };
            if lost > 0 {
                held.discarded = held.discarded.saturating_add(lost as u64);
                held.discard = Some(clock::mono());
            }
            held.gone.extend_from_slice(&gone);
            (gone, held.outbox.len())
        };
        self.shared.metrics.waiting(&self.name, waiting);
        if !gone.is_empty() {
            self.discarded(&gone);
        }
        self.changed.notify_one();
    }

    fn discarded(&self, gone: &[u64]) {
        for number in gone {
            self.shared.metrics.notice_discarded(&self.name, *number);
        }
        let total = self.held().discarded;
        if total > 0 {
            let text = format!(
                "The sink {} takes too few notices: {total} of them were discarded since the start, \
                 reminders first.",
                self.name
            );
            let object = format!("sink:{}", self.name);
            self.shared
                .queue
                .push(present(AlarmName::AlarmsDiscarded, &object, text));
        }
    }

    async fn run(&self) {
        loop {
            let next = {
                let held = self.held();
                let wall = clock::wall();
                let appetite = held.sink.appetite();
                let quiet = |notice: &Notice| match &appetite.quiet {
                    Some(quiet) if notice.severity <= quiet.level => {
                        let minute = (self.shared.minute)(quiet, wall);
                        Duration::from_secs(60 * u64::from(quiet.left(minute)))
                    }
                    Some(_) | None => Duration::ZERO,
                };
                held.outbox.next(clock::mono(), quiet)
            };
            let until = match next {
                Next::Tell(notice, attempts) => {
                    let sink = Arc::clone(&self.held().sink);
                    tokio::select! {
                        biased;
                        // What was under way is told again after the next start.
                        () = self.stop.cancelled() => return,
                        outcome = tell(sink.as_ref(), &notice) => {
                            self.ended(&notice, attempts, outcome).await;
                        }
                    }
                    continue;
                }
                Next::Wait(until) => until,
                Next::Idle => clock::mono() + HOUR,
            };
            // All may be dropped halfway without losing anything.
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                () = self.changed.notified() => {}
                () = sleep_until(until.into()) => self.settle(),
            }
        }
    }

    /// What was discarded long ago is no alarm any more.
    fn settle(&self) {
        let mut held = self.held();
        let now = clock::mono();
        let quiet = |last: Instant| now.saturating_duration_since(last) >= HOUR;
        if held.discard.is_some_and(quiet) {
            held.discard = None;
            let object = format!("sink:{}", self.name);
            self.shared
                .queue
                .push(absent(AlarmName::AlarmsDiscarded, &object));
        }
    }

    async fn ended(&self, notice: &Notice, attempts: u32, outcome: Result<(), SinkError>) {
        let (now, number) = (clock::now(), notice.identifier);
        let metrics = &self.shared.metrics;
        let mut attempt = Attempt {
            sink: self.name.clone(),
            identifier: number,
            attempts: attempts.saturating_add(1),
            next_try: now.wall,
            error: None,
            delivered_at: None,
        };
        let waiting = match outcome {
            Ok(()) => {
                metrics.delivered(&self.name, number);
                attempt.delivered_at = Some(now.wall);
                let mut held = self.held();
                held.outbox.taken(number);
                held.error = None;
                held.delivered = Some(now.wall);
                held.outbox.len()
            }
            Err(error) => {
                let (word, detail) = (error.as_str(), error.to_string());
                attempt.error = Some(format!("{word}: {detail}"));
                let mut held = self.held();
                held.error.clone_from(&attempt.error);
                let at_least = match error.outlook() {
                    Outlook::Refused => {
                        held.outbox.refused(number, now.mono);
                        attempt.delivered_at = Some(now.wall);
                        metrics.refused(&self.name, number, word, &detail);
                        None
                    }
                    Outlook::Retry => Some(None),
                    Outlook::RetryAfter(wait) => Some(Some(wait)),
                };
                if let Some(at_least) = at_least {
                    let jitter = RandomState::new().hash_one(());
                    let pause = held.outbox.failed(number, at_least, jitter, now.mono);
                    attempt.next_try = now.wall + pause;
                    metrics.retried(&self.name, number, word, &detail, pause);
                }
                held.outbox.len()
            }
        };
        metrics.waiting(&self.name, waiting);
        self.report(now.mono);
        let gone = std::mem::take(&mut self.held().gone);
        let dropped = gone.into_iter().map(|number| (self.name.clone(), number));
        let delta = AlarmDelta {
            attempts: vec![attempt],
            dropped: dropped.collect(),
            ..AlarmDelta::default()
        };
        // When that cannot be kept, the sink is told once more after a restart.
        self.shared.store.save(delta).await.unwrap_or_default();
    }

    /// Says how the sink stands, to everybody but itself.
    fn report(&self, now: Instant) {
        let held = self.held();
        let observation = match held.outbox.failing() {
            None => absent(AlarmName::AlarmSinkFailing, &self.name),
            Some((since, failures))
                if failures >= FAILURES && now.saturating_duration_since(since) >= FAILING =>
            {
                let last = held.error.clone().unwrap_or_default();
                let text = format!(
                    "The sink {} ({}) has not taken a notice in {failures} attempts; {} wait. Last: \
                     {last}",
                    self.name,
                    held.sink.kind(),
                    held.outbox.len(),
                );
                present(AlarmName::AlarmSinkFailing, &self.name, text)
            }
            // It may pass.
            Some(_) => return,
        };
        drop(held);
        self.shared.queue.push(observation);
    }

    fn standing(&self) -> SinkStanding {
        let held = self.held();
        SinkStanding {
            name: self.name.clone(),
            kind: held.sink.kind(),
            level: held.sink.appetite().level,
            waiting: held.outbox.len(),
            error: held.error.clone(),
            delivered: held.delivered,
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something is wrong, as badly as the catalogue says.
pub(super) fn present(name: AlarmName, object: &str, text: String) -> Observation {
    Observation {
        key: AlarmKey::new(name, object),
        condition: Condition::Present(Present {
            severity: catalogue::entry(name).severity,
            step: String::new(),
            text,
            rule: String::new(),
            ends: None,
            details: Vec::new(),
        }),
    }
}

/// Nothing is.
pub(super) fn absent(name: AlarmName, object: &str) -> Observation {
    Observation {
        key: AlarmKey::new(name, object),
        condition: Condition::Absent,
    }
}
