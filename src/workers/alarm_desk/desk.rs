//! The task that drives the board: looks and orders in, what became of them kept first and then
//! told.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::domain::alarms::Alarm;
use crate::domain::alarms::AlarmKey;
use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Board;
use crate::domain::alarms::Entry;
use crate::domain::alarms::Notice;
use crate::domain::alarms::Observation;
use crate::domain::alarms::Policy;
use crate::domain::alarms::Silence;
use crate::domain::alarms::board::Action;
use crate::domain::alarms::board::Change;
use crate::domain::alarms::board::Input;
use crate::domain::machine::Machine as _;
use crate::domain::machine::Now;
use crate::platform::clock;
use crate::store::alarms::AlarmDelta;
use crate::store::alarms::CLEAN;
use crate::store::alarms::IDENTIFIER;
use crate::workers::alarm_desk::Request;
use crate::workers::alarm_desk::Shown;
use crate::workers::alarm_desk::sinks::Shared;
use crate::workers::alarm_desk::sinks::Sinks;

/// Numbers left out after an end without order: so many notices may have gone out that could not be
/// written down.
const LEFT_OUT: u64 = 1_000;

/// Lines of history and of queues, and ends of alarms, that wait for a disk.
const UNKEPT: usize = 10_000;

/// Changes kept in one go: some kilobytes each.
const GROUP: usize = 500;

/// Between two attempts to write to a disk that did not take it.
const AGAIN: Duration = Duration::from_secs(15);

/// How long the end waits for what sinks write down; a save takes two seconds at most.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// How often sinks where alarms fade are told what is on: there an alarm lasts three hours at least.
const REFRESH: Duration = Duration::from_secs(3600);

/// The object of the alarm about our own store.
const STORE: &str = "alarm-store";

pub(super) struct Driver {
    board: Board,
    shared: Shared,
    sinks: Arc<Sinks>,
    unkept: Unkept,
    /// When sinks where alarms fade are told again.
    refresh: Instant,
}

/// What is to be written, or was and failed.
#[derive(Default)]
struct Unkept {
    /// As they are now; `None`: over.
    alarms: BTreeMap<AlarmKey, Option<Alarm>>,
    history: VecDeque<Entry>,
    queued: VecDeque<(String, u64)>,
    silences: Option<Vec<Silence>>,
    /// When it is tried again, after a failure.
    again: Option<Instant>,
}

impl Unkept {
    /// How an alarm is now. The end of one too many is left out: who reads that it is on finds out
    /// that nobody sees it any more. Those that are on are as many as the board holds.
    fn note(&mut self, key: AlarmKey, alarm: Option<Alarm>) {
        let more = alarm.is_none() && self.alarms.len() >= UNKEPT;
        if !more || self.alarms.contains_key(&key) {
            self.alarms.insert(key, alarm);
        }
    }
}

impl Driver {
    /// Reads what was kept. `policy` is what holds now.
    pub(super) async fn begin(policy: Policy, shared: Shared, sinks: Arc<Sinks>) -> Self {
        let now = clock::now();
        let durable = shared.store.is_durable();
        let kept = match shared.store.load().await {
            Ok(kept) => Some(kept),
            Err(error) => {
                shared.metrics.load_failed(&error);
                None
            }
        };
        let board = match kept {
            Some(kept) if durable => {
                let (alarms, waiting) = (kept.alarms.len(), kept.waiting.len());
                shared.metrics.loaded(alarms, waiting, kept.unreadable);
                let gone = sinks.resume(kept.waiting);
                let left_out = match (kept.identifier, kept.clean) {
                    (0, _) | (_, true) => 0,
                    (_, false) => LEFT_OUT,
                };
                let from = kept.identifier.saturating_add(left_out);
                let delta = AlarmDelta {
                    dropped: gone,
                    state: vec![(CLEAN.to_owned(), "no".to_owned())],
                    ..AlarmDelta::default()
                };
                // If not, the first alarm finds out.
                shared.store.save(delta).await.unwrap_or_default();
                Board::restore(policy.clone(), kept.alarms, kept.silences, from, now)
            }
            // Without memory no number comes twice as long as there is not one a second.
            Some(_) | None => {
                let since = now.wall.duration_since(std::time::SystemTime::UNIX_EPOCH);
                let from = since.map_or(0, |since| since.as_secs());
                Board::restore(policy.clone(), Vec::new(), Vec::new(), from, now)
            }
        };
        let mut driver = Self {
            board,
            shared,
            sinks,
            unkept: Unkept::default(),
            refresh: now.mono + REFRESH,
        };
        // What has been switched off since is over.
        driver.board.handle(Input::Policy(Box::new(policy)), now);
        driver.carry_out().await;
        driver
    }

    pub(super) async fn run(
        mut self,
        mut requests: mpsc::Receiver<Request>,
        stop: CancellationToken,
    ) {
        loop {
            // All may be dropped halfway without losing anything.
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                request = requests.recv() => match request {
                    Some(request) => self.answer(request).await,
                    None => break,
                },
                () = self.shared.queue.filled() => {}
                () = clock::passed(self.deadline()) => {}
            }
            self.look();
            self.carry_out().await;
            self.refresh();
        }
        self.look();
        self.carry_out().await;
        self.end().await;
    }

    fn deadline(&self) -> Option<Instant> {
        let all = [self.board.deadline(), self.unkept.again, Some(self.refresh)];
        all.into_iter().flatten().min()
    }

    fn look(&mut self) {
        let now = clock::now();
        let (seen, discarded) = self.shared.queue.take();
        for observation in seen {
            self.board.handle(Input::Observed(observation), now);
        }
        if discarded > 0 {
            self.board.handle(Input::Discarded(discarded), now);
        }
        if self.board.deadline().is_some_and(|at| at <= now.mono) {
            self.board.handle_timeout(now);
        }
        if cfg!(debug_assertions) {
            self.board.check_invariants();
        }
    }

    fn refresh(&mut self) {
        let now = clock::now();
        if self.refresh <= now.mono {
            self.refresh = now.mono + REFRESH;
            self.sinks.refresh(self.board.standing(now));
        }
    }

    async fn answer(&mut self, request: Request) {
        let now = clock::now();
        // Whoever asked may be gone.
        match request {
            Request::List(answer) => drop(answer.send(self.shown(now))),
            Request::Order(order, answer) => {
                let judged = self.board.judge(&order, now.wall);
                if judged.is_ok() {
                    self.board.handle(Input::Order(order), now);
                    self.carry_out().await;
                }
                drop(answer.send(judged));
            }
            Request::Policy(policy) => {
                self.board.handle(Input::Policy(policy), now);
            }
            Request::Silences(answer) => {
                drop(answer.send(self.board.silences().cloned().collect()));
            }
            Request::Test { sink, who, answer } => {
                drop(answer.send(self.board.test(&sink, &who, now)));
            }
        }
    }

    fn shown(&self, now: Now) -> Vec<Shown> {
        let policy = self.board.policy();
        let shown = |alarm: &Alarm| {
            let (impact, urgency) = policy.reach(alarm.key.name, alarm.severity);
            Shown {
                case: policy.case(alarm.key.name, alarm.severity),
                impact,
                urgency,
                runbook: policy.runbook(alarm.key.name).map(str::to_owned),
                silence: self.board.silence_of(alarm, now.wall).cloned(),
                alarm: alarm.clone(),
            }
        };
        self.board.alarms().map(shown).collect()
    }

    /// Keeps what has changed, then tells it.
    async fn carry_out(&mut self) {
        loop {
            let mut tell: Vec<(Vec<String>, Notice)> = Vec::new();
            let mut any = false;
            for _ in 0..GROUP {
                let Some(action) = self.board.poll_action() else {
                    break;
                };
                any = true;
                match action {
                    Action::Changed(change) => tell.extend(self.changed(*change)),
                    Action::Silences(silences) => self.unkept.silences = Some(silences),
                }
            }
            if any {
                let alarms = self.board.alarms().map(|alarm| alarm.severity);
                self.shared.metrics.counted(alarms);
                self.shared.metrics.discarded(self.board.discarded());
            }
            let due = self.unkept.again.is_none_or(|at| at <= clock::mono());
            if due {
                self.keep().await;
            }
            for (takers, notice) in tell {
                let notice = Arc::new(notice);
                for sink in takers {
                    self.sinks.push(&sink, &notice);
                }
            }
            if !any {
                return;
            }
        }
    }

    /// Writes a change down for the store and the log; returns whom it is told.
    fn changed(&mut self, change: Change) -> Option<(Vec<String>, Notice)> {
        let Change {
            key,
            alarm,
            entry,
            reach,
        } = change;
        self.unkept.note(key, alarm);
        let entry = entry?;
        let notice = entry.notice.clone();
        let takers = self.sinks.takers(&notice, reach);
        if !self.sinks.log(&takers) {
            let case = self.board.policy().case(notice.key.name, notice.severity);
            self.shared.metrics.told(&entry, case);
        }
        for sink in &takers {
            bounded(&mut self.unkept.queued, (sink.clone(), notice.identifier));
        }
        bounded(&mut self.unkept.history, entry);
        Some((takers, notice))
    }

    /// Writes what is unkept. What cannot be written stays, and is told all the same.
    async fn keep(&mut self) {
        let Unkept {
            alarms,
            history,
            queued,
            silences,
            again,
        } = &mut self.unkept;
        let attempts = self.shared.late().all();
        let nothing =
            alarms.is_empty() && history.is_empty() && silences.is_none() && attempts.is_empty();
        if nothing && again.is_none() {
            return;
        }
        let mut delta = AlarmDelta {
            history: history.iter().cloned().collect(),
            queued: queued.iter().cloned().collect(),
            // After the lines that they belong to.
            attempts: attempts.clone(),
            silences: silences.clone(),
            state: vec![(IDENTIFIER.to_owned(), self.board.identifier().to_string())],
            ..AlarmDelta::default()
        };
        for (key, alarm) in alarms.iter() {
            match alarm {
                Some(alarm) => delta.alarms.push(alarm.clone()),
                None => delta.over.push(key.clone()),
            }
        }
        match self.shared.store.save(delta).await {
            Ok(()) => {
                let failed = again.is_some();
                self.unkept = Unkept::default();
                let mut late = self.shared.late();
                late.written(&attempts);
                if !late.is_empty() {
                    self.shared.queue.poke();
                }
                drop(late);
                if failed {
                    self.shared.metrics.keeping_well();
                    let well = Observation::absent(AlarmName::SpoolFilling, STORE);
                    self.shared.queue.push(well);
                }
            }
            Err(error) => {
                let first = again.is_none();
                *again = Some(clock::mono() + AGAIN);
                self.shared.late().unkept = true;
                if first {
                    self.shared.metrics.keeping_failed(&error);
                }
                let text = format!(
                    "Alarms cannot be kept on disk ({error}); they are told all the same, and a \
                     restart would lose them."
                );
                let seen = Observation::present(AlarmName::SpoolFilling, STORE, text);
                self.shared.queue.push(seen);
            }
        }
    }

    /// Marks that the daemon ended in order.
    async fn end(&mut self) {
        // A sink that has just told something writes that down.
        self.shared.tellers.close();
        let ended = timeout(LAST_WORDS, self.shared.tellers.wait()).await;
        // Who takes longer tells it again after the next start.
        ended.unwrap_or_default();
        self.keep().await;
        let state = vec![
            (IDENTIFIER.to_owned(), self.board.identifier().to_string()),
            (CLEAN.to_owned(), "yes".to_owned()),
        ];
        let delta = AlarmDelta {
            state,
            ..AlarmDelta::default()
        };
        // If not, the next start leaves numbers out.
        self.shared.store.save(delta).await.unwrap_or_default();
        self.shared.store.close().await;
    }
}

fn bounded<T>(list: &mut VecDeque<T>, item: T) {
    if list.len() >= UNKEPT {
        list.pop_front();
    }
    list.push_back(item);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_alarms_that_no_disk_takes_are_bounded() {
        let mut unkept = Unkept::default();
        for number in 0..3 * UNKEPT {
            unkept.note(
                AlarmKey::new(AlarmName::CrlStale, &number.to_string()),
                None,
            );
        }
        assert_eq!(unkept.alarms.len(), UNKEPT);
    }
}
