//! One sink: a task tells it what waits, at least once, with pauses that grow.

mod again;

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

use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Notice;
use crate::domain::alarms::NoticeKind;
use crate::domain::alarms::Observation;
use crate::domain::alarms::outbox::Next;
use crate::domain::alarms::outbox::Outbox;
use crate::outbound::alerts::AlertSink;
use crate::outbound::alerts::Outlook;
use crate::outbound::alerts::SinkError;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::store::alarms::AlarmDelta;
use crate::store::alarms::Attempt;
use crate::workers::alarm_desk::sinks::Shared;
use crate::workers::alarm_desk::sinks::SinkStanding;

/// Longest delivery, whatever the sink's own limits are.
const LONGEST: Duration = Duration::from_secs(60);

/// A sink that fails for as long, and as often, is an alarm; one that refuses is at once.
const FAILING: Duration = Duration::from_secs(60);
const FAILURES: u32 = 3;

/// How long nothing must have been discarded before that is over; also the longest sleep.
const HOUR: Duration = Duration::from_secs(3600);

/// The object of the alarm about what a sink was not told.
pub(super) fn untold(sink: &str) -> String {
    format!("sink:{sink}")
}

/// One sink.
pub(super) struct Desk {
    pub(super) name: String,
    pub(super) held: Mutex<Held>,
    pub(super) changed: Notify,
    pub(super) stop: CancellationToken,
    pub(super) shared: Shared,
}

pub(super) struct Held {
    pub(super) sink: Arc<dyn AlertSink>,
    pub(super) outbox: Outbox,
    error: Option<String>,
    delivered: Option<SystemTime>,
    discarded: u64,
    discard: Option<Instant>,
    /// It refused a notice for good, and has taken none since.
    refusing: bool,
    /// What is not told any more, and not yet written down as that.
    gone: Vec<u64>,
    /// What it knows and is told again, because alarms fade there; of every alarm at most one.
    again: Vec<Arc<Notice>>,
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

impl Held {
    /// Returns when it is tried again; `None`: never.
    fn failed(&mut self, number: u64, outlook: Outlook, now: Instant) -> Option<Duration> {
        let jitter = RandomState::new().hash_one(());
        let outbox = &mut self.outbox;
        match outlook {
            Outlook::Refused => {
                outbox.refused(number, now);
                None
            }
            Outlook::Doubted => outbox.doubted(number, jitter, now),
            Outlook::Partly => {
                let (pause, gone) = outbox.partly(number, jitter, now);
                self.gone.extend(gone);
                Some(pause)
            }
            Outlook::Retry => Some(outbox.failed(number, None, jitter, now)),
            Outlook::RetryAfter(wait) => Some(outbox.failed(number, Some(wait), jitter, now)),
        }
    }
}

impl Desk {
    pub(super) fn start(sink: Arc<dyn AlertSink>, shared: Shared, tasks: &Tasks) -> Arc<Self> {
        let desk = Arc::new(Self {
            name: sink.name().to_owned(),
            held: Mutex::new(Held {
                sink,
                outbox: Outbox::default(),
                error: None,
                delivered: None,
                discarded: 0,
                discard: None,
                refusing: false,
                gone: Vec::new(),
                again: Vec::new(),
            }),
            changed: Notify::new(),
            stop: tasks.stop().child_token(),
            shared,
        });
        desk.shared.metrics.sink(&desk.name);
        let (running, teller) = (Arc::clone(&desk), desk.shared.tellers.token());
        tasks.worker("alarm-sink", async move {
            running.run().await;
            drop(teller);
        });
        desk
    }

    pub(super) fn push(&self, notice: Arc<Notice>, attempts: u32) {
        let (gone, lost, waiting) = {
            let mut held = self.held();
            // News come after what is told again, or in its place.
            held.again.retain(|known| known.key != notice.key);
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
            (gone, lost, held.outbox.len())
        };
        self.shared.metrics.waiting(&self.name, waiting);
        for number in gone {
            self.shared.metrics.notice_discarded(&self.name, number);
        }
        if lost > 0 {
            self.discarded();
        }
        self.changed.notify_one();
    }

    /// It asked before a restart to hear nothing for so long.
    pub(super) fn hold(&self, wait: Duration) {
        if !wait.is_zero() {
            // A clock that was set does not make it wait for longer than a receiver can ask for.
            let until = clock::mono() + wait.min(HOUR);
            self.held().outbox.hold(until);
        }
    }

    fn discarded(&self) {
        let total = self.held().discarded;
        let text = format!(
            "The sink {} takes too few notices: {total} of them were discarded since the start, \
             reminders first.",
            self.name
        );
        let name = AlarmName::AlarmsDiscarded;
        let seen = Observation::present(name, &untold(&self.name), text);
        self.shared.queue.push(seen);
    }

    async fn run(&self) {
        loop {
            let quiet_at = self.settle();
            let until = match self.next() {
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
            if let Some((sink, notice)) = self.known() {
                self.tell_again(sink.as_ref(), &notice).await;
                continue;
            }
            // All may be dropped halfway without losing anything.
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                () = self.changed.notified() => {}
                () = sleep_until(until.min(quiet_at.unwrap_or(until)).into()) => {}
            }
        }
    }

    /// What is to be told now, or until when there is nothing.
    fn next(&self) -> Next {
        let held = self.held();
        let appetite = held.sink.appetite();
        let wall = clock::wall();
        let minute = |quiet| (self.shared.minute)(quiet, wall);
        let minute = appetite.quiet.as_ref().map_or(0, minute);
        let quiet = |notice: &Notice| {
            let minutes = appetite.held_for(notice, minute);
            Duration::from_secs(60 * u64::from(minutes))
        };
        held.outbox.next(clock::mono(), quiet)
    }

    /// What was discarded long ago is no alarm any more. Returns when that is so.
    fn settle(&self) -> Option<Instant> {
        let mut held = self.held();
        let quiet_at = held.discard? + HOUR;
        if quiet_at > clock::mono() {
            return Some(quiet_at);
        }
        held.discard = None;
        drop(held);
        let name = AlarmName::AlarmsDiscarded;
        let seen = Observation::absent(name, &untold(&self.name));
        self.shared.queue.push(seen);
        None
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
                let gone = held.outbox.taken(number);
                held.gone.extend(gone);
                held.error = None;
                held.refusing = false;
                held.delivered = Some(now.wall);
                held.outbox.len()
            }
            Err(error) => {
                let (word, detail) = (error.as_str(), error.to_string());
                attempt.error = Some(format!("{word}: {detail}"));
                let mut held = self.held();
                held.error.clone_from(&attempt.error);
                match held.failed(number, error.outlook(), now.mono) {
                    None => {
                        held.refusing = true;
                        attempt.delivered_at = Some(now.wall);
                        metrics.refused(&self.name, number, word, &detail);
                    }
                    Some(pause) => {
                        // A pause of our own need not outlive a restart: somebody mended something.
                        if let Outlook::RetryAfter(_) = error.outlook() {
                            attempt.next_try = now.wall + pause;
                        }
                        metrics.retried(&self.name, number, word, &detail, pause);
                    }
                }
                held.outbox.len()
            }
        };
        metrics.waiting(&self.name, waiting);
        self.report(now.mono);
        self.write_down(attempt).await;
    }

    /// What cannot be written, or not before its notice, is left to the desk.
    async fn write_down(&self, attempt: Attempt) {
        {
            let mut late = self.shared.late();
            if late.unkept {
                late.add(attempt.clone());
            }
        }
        let gone = std::mem::take(&mut self.held().gone);
        let dropped = gone.iter().map(|number| (self.name.clone(), *number));
        let delta = AlarmDelta {
            attempts: vec![attempt.clone()],
            dropped: dropped.collect(),
            ..AlarmDelta::default()
        };
        if self.shared.store.save(delta).await.is_err() {
            self.shared.late().add(attempt);
            self.held().gone.extend(gone);
            self.shared.queue.poke();
        }
    }

    /// Says how the sink stands, to everybody but itself. Of one that is gone nothing is said any
    /// more: that was taken back.
    fn report(&self, now: Instant) {
        if self.stop.is_cancelled() {
            return;
        }
        let held = self.held();
        let observation = match held.outbox.failing() {
            None => Observation::absent(AlarmName::AlarmSinkFailing, &self.name),
            Some((since, failures))
                if held.refusing
                    || failures >= FAILURES && now.saturating_duration_since(since) >= FAILING =>
            {
                let last = held.error.clone().unwrap_or_default();
                let text = format!(
                    "The sink {} ({}) has not taken a notice, or not for all of its receivers, in \
                     {failures} attempts; {} wait. Last: {last}",
                    self.name,
                    held.sink.kind(),
                    held.outbox.len(),
                );
                Observation::present(AlarmName::AlarmSinkFailing, &self.name, text)
            }
            // It may pass.
            Some(_) => return,
        };
        drop(held);
        self.shared.queue.push(observation);
    }

    pub(super) fn standing(&self) -> SinkStanding {
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

    pub(super) fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
