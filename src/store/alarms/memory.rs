//! The engine without a file: what it keeps lasts as long as the process.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::SystemTime;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::future::ready;

use crate::domain::alarms::Alarm;
use crate::domain::alarms::AlarmKey;
use crate::domain::alarms::Entry;
use crate::domain::alarms::Silence;
use crate::store::StoreError;
use crate::store::alarms::AlarmDelta;
use crate::store::alarms::AlarmEngine;
use crate::store::alarms::CLEAN;
use crate::store::alarms::Delivery;
use crate::store::alarms::HistoryAsk;
use crate::store::alarms::HistoryRow;
use crate::store::alarms::IDENTIFIER;
use crate::store::alarms::KeptAlarms;
use crate::store::alarms::Waiting;

/// Lines of history; some kilobytes each at most.
const HISTORY: usize = 2_000;

/// The engine.
#[derive(Default)]
pub struct Memory(Mutex<Held>);

#[derive(Default)]
struct Held {
    alarms: BTreeMap<AlarmKey, Alarm>,
    history: BTreeMap<u64, Entry>,
    /// By number and sink.
    outbox: BTreeMap<(u64, String), Queued>,
    silences: Vec<Silence>,
    state: BTreeMap<String, String>,
    closed: bool,
}

struct Queued {
    delivery: Delivery,
    not_before: SystemTime,
}

impl Memory {
    fn held(&self) -> Result<MutexGuard<'_, Held>, StoreError> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.closed {
            return Err(StoreError::Closed);
        }
        Ok(held)
    }
}

impl Held {
    fn save(&mut self, delta: AlarmDelta) {
        for key in delta.over {
            self.alarms.remove(&key);
        }
        for alarm in delta.alarms {
            self.alarms.insert(alarm.key.clone(), alarm);
        }
        for entry in delta.history {
            self.history.insert(entry.notice.identifier, entry);
        }
        for (sink, identifier) in delta.queued {
            let fresh = Queued {
                delivery: Delivery {
                    sink: sink.clone(),
                    attempts: 0,
                    error: None,
                    delivered_at: None,
                },
                not_before: SystemTime::UNIX_EPOCH,
            };
            self.outbox.entry((identifier, sink)).or_insert(fresh);
        }
        for attempt in delta.attempts {
            let key = (attempt.identifier, attempt.sink);
            if let Some(held) = self.outbox.get_mut(&key) {
                held.delivery.attempts = attempt.attempts;
                held.delivery.error = attempt.error;
                held.delivery.delivered_at = attempt.delivered_at;
                held.not_before = attempt.next_try;
            }
        }
        for (sink, identifier) in delta.dropped {
            self.outbox.remove(&(identifier, sink));
        }
        if let Some(silences) = delta.silences {
            self.silences = silences;
        }
        self.state.extend(delta.state);
        self.forget(SystemTime::UNIX_EPOCH, HISTORY);
    }

    fn forget(&mut self, before: SystemTime, most: usize) -> u64 {
        let waiting = |identifier: u64, held: &Self| {
            let range = (identifier, String::new())..(identifier.saturating_add(1), String::new());
            let mut told = held.outbox.range(range);
            told.any(|(_, held)| held.delivery.delivered_at.is_none())
        };
        let over = self.history.len().saturating_sub(most);
        let old: Vec<u64> = self
            .history
            .iter()
            .enumerate()
            .filter(|(n, (_, entry))| *n < over || entry.notice.at < before)
            .map(|(_, (identifier, _))| *identifier)
            .filter(|identifier| !waiting(*identifier, self))
            .collect();
        for identifier in &old {
            self.history.remove(identifier);
        }
        let Self {
            outbox, history, ..
        } = self;
        outbox.retain(|(identifier, _), _| history.contains_key(identifier));
        u64::try_from(old.len()).unwrap_or(u64::MAX)
    }

    fn kept(&self) -> KeptAlarms {
        let waiting = self.outbox.iter().filter_map(|((identifier, sink), held)| {
            let entry = self.history.get(identifier)?;
            held.delivery.delivered_at.is_none().then(|| Waiting {
                sink: sink.clone(),
                notice: entry.notice.clone(),
                attempts: held.delivery.attempts,
                not_before: held.not_before,
            })
        });
        let number = self.state.get(IDENTIFIER);
        KeptAlarms {
            alarms: self.alarms.values().cloned().collect(),
            silences: self.silences.clone(),
            waiting: waiting.collect(),
            identifier: number.and_then(|text| text.parse().ok()).unwrap_or(0),
            clean: self.state.get(CLEAN).is_some_and(|mark| mark == "yes"),
            unreadable: 0,
        }
    }

    fn history(&self, ask: &HistoryAsk) -> Vec<HistoryRow> {
        let before = ask.before.unwrap_or(u64::MAX);
        let fits = |entry: &&Entry| {
            let notice = &entry.notice;
            ask.name.is_none_or(|name| notice.key.name == name)
                && ask
                    .object
                    .as_ref()
                    .is_none_or(|object| notice.key.object.as_str() == object)
                && ask.since.is_none_or(|since| notice.at >= since)
        };
        let found = self.history.range(..before).rev().map(|(_, entry)| entry);
        let found = found.filter(fits).take(ask.limit as usize);
        let row = |entry: &Entry| {
            let identifier = entry.notice.identifier;
            let range = (identifier, String::new())..(identifier.saturating_add(1), String::new());
            let told = self.outbox.range(range);
            HistoryRow {
                entry: entry.clone(),
                deliveries: told.map(|(_, held)| held.delivery.clone()).collect(),
            }
        };
        found.map(row).collect()
    }
}

impl AlarmEngine for Memory {
    fn load(&self) -> BoxFuture<'_, Result<KeptAlarms, StoreError>> {
        ready(self.held().map(|held| held.kept())).boxed()
    }

    fn save(&self, delta: AlarmDelta) -> BoxFuture<'_, Result<(), StoreError>> {
        ready(self.held().map(|mut held| held.save(delta))).boxed()
    }

    fn history(&self, ask: HistoryAsk) -> BoxFuture<'_, Result<Vec<HistoryRow>, StoreError>> {
        ready(self.held().map(|held| held.history(&ask))).boxed()
    }

    fn prune(&self, before: SystemTime, most: u64) -> BoxFuture<'_, Result<u64, StoreError>> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        ready(self.held().map(|mut held| held.forget(before, most))).boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        if let Ok(mut held) = self.held() {
            held.closed = true;
        }
        ready(()).boxed()
    }
}
