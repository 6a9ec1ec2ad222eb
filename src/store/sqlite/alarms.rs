//! Alarms in SQLite: a connection of their own to the file of the other tables, so that an alarm
//! does not wait behind the writes of provisioning.

mod history;

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use sqlx::Row;
use sqlx::SqliteConnection;
use tokio::sync::Mutex;

use crate::domain::alarms::Entry;
use crate::store::StoreError;
use crate::store::alarms::AlarmDelta;
use crate::store::alarms::AlarmEngine;
use crate::store::alarms::CLEAN;
use crate::store::alarms::HistoryAsk;
use crate::store::alarms::HistoryRow;
use crate::store::alarms::IDENTIFIER;
use crate::store::alarms::KeptAlarms;
use crate::store::alarms::Waiting;
use crate::store::sqlite::fault;
use crate::store::sqlite::open;
use crate::store::sqlite::readers::Readers;
use crate::store::sqlite::rows;
use crate::store::sqlite::write::Writer;

/// One list for each table, which may be empty. One text, because each is a trip to the
/// connection's thread.
const SAVE: &str = "\
    BEGIN IMMEDIATE; \
    DELETE FROM alarms WHERE (name, object) IN \
        (SELECT value ->> 0, value ->> 1 FROM json_each(?)); \
    INSERT INTO alarms (name, object, severity, since, document) \
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 \
    FROM json_each(?) WHERE true \
    ON CONFLICT (name, object) DO UPDATE SET severity = excluded.severity, \
        since = excluded.since, document = excluded.document; \
    INSERT INTO alarm_history (identifier, at, name, object, kind, severity, document) \
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, \
        value ->> 6 FROM json_each(?) WHERE true \
    ON CONFLICT (identifier) DO UPDATE SET document = excluded.document; \
    INSERT INTO alarm_outbox (sink, identifier, attempts, next_try) \
    SELECT value ->> 0, value ->> 1, 0, 0 FROM json_each(?) WHERE true \
    ON CONFLICT (sink, identifier) DO NOTHING; \
    UPDATE alarm_outbox SET attempts = j.value ->> 2, next_try = j.value ->> 3, \
        last_error = j.value ->> 4, delivered_at = j.value ->> 5 FROM json_each(?) j \
    WHERE sink = j.value ->> 0 AND identifier = j.value ->> 1; \
    DELETE FROM alarm_outbox WHERE (sink, identifier) IN \
        (SELECT value ->> 0, value ->> 1 FROM json_each(?)); \
    DELETE FROM alarm_silences WHERE ?; \
    INSERT INTO alarm_silences (id, document) \
    SELECT value ->> 0, value ->> 1 FROM json_each(?) WHERE true; \
    INSERT INTO node_state (key, value) SELECT value ->> 0, value ->> 1 FROM json_each(?) \
    WHERE true ON CONFLICT (key) DO UPDATE SET value = excluded.value; \
    COMMIT";

/// The engine.
pub struct SqliteAlarms {
    path: PathBuf,
    readers: Readers,
    writer: Mutex<Writer>,
    /// Says, for as long as it is held, that the file has its daemon.
    _lock: Arc<File>,
}

impl SqliteAlarms {
    /// Beside the other tables; connects when it is first used.
    pub(super) fn new(path: PathBuf, lock: Arc<File>) -> Self {
        Self {
            readers: Readers::new(path.clone(), open::options(&path)),
            writer: Mutex::new(Writer::unconnected()),
            path,
            _lock: lock,
        }
    }

    async fn write(&self, lists: Lists) -> Result<(), StoreError> {
        let mut writer = self.writer.lock().await;
        let mut connection = writer.take(&self.path, open::options(&self.path)).await?;
        let outcome = save(&mut connection, lists).await;
        writer.give_back(connection, outcome.is_ok()).await;
        outcome.map_err(|error| fault::of(&self.path, &error))
    }
}

impl AlarmEngine for SqliteAlarms {
    fn load(&self) -> BoxFuture<'_, Result<KeptAlarms, StoreError>> {
        async move {
            let mut reader = self.readers.take().await?;
            let found = load(reader.connection()).await;
            reader.back(found)
        }
        .boxed()
    }

    fn save(&self, delta: AlarmDelta) -> BoxFuture<'_, Result<(), StoreError>> {
        async move { self.write(Lists::new(delta)?).await }.boxed()
    }

    fn history(&self, ask: HistoryAsk) -> BoxFuture<'_, Result<Vec<HistoryRow>, StoreError>> {
        async move {
            let mut reader = self.readers.take().await?;
            let found = history::history(reader.connection(), ask).await;
            reader.back(found)
        }
        .boxed()
    }

    fn prune(&self, before: SystemTime, most: u64) -> BoxFuture<'_, Result<u64, StoreError>> {
        async move {
            let mut gone = 0;
            loop {
                let mut writer = self.writer.lock().await;
                let mut connection = writer.take(&self.path, open::options(&self.path)).await?;
                let outcome = history::prune(&mut connection, before, most).await;
                writer.give_back(connection, outcome.is_ok()).await;
                let some = outcome.map_err(|error| fault::of(&self.path, &error))?;
                if some == 0 {
                    return Ok(gone);
                }
                gone += some;
            }
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            self.readers.close().await;
            self.writer.lock().await.close().await;
        }
        .boxed()
    }
}

/// What is written, a JSON list for each table.
struct Lists {
    over: String,
    alarms: String,
    history: String,
    queued: String,
    attempts: String,
    dropped: String,
    silences: Option<String>,
    state: String,
}

impl Lists {
    fn new(delta: AlarmDelta) -> Result<Self, StoreError> {
        let mut alarms = Vec::new();
        for alarm in &delta.alarms {
            alarms.push(json!([
                alarm.key.name.word(),
                alarm.key.object.as_str(),
                alarm.severity.word(),
                millis(alarm.since),
                text(alarm)?,
            ]));
        }
        let mut history = Vec::new();
        for entry in &delta.history {
            let notice = &entry.notice;
            history.push(json!([
                number(notice.identifier),
                millis(notice.at),
                notice.key.name.word(),
                notice.key.object.as_str(),
                notice.kind.word(),
                notice.severity.word(),
                text(entry)?,
            ]));
        }
        let attempts = delta.attempts.iter().map(|attempt| {
            json!([
                attempt.sink,
                number(attempt.identifier),
                attempt.attempts,
                millis(attempt.next_try),
                attempt.error,
                attempt.delivered_at.map(millis),
            ])
        });
        let silences = match &delta.silences {
            Some(silences) => {
                let mut all = Vec::new();
                for silence in silences {
                    all.push(json!([number(silence.id), text(silence)?]));
                }
                Some(Value::Array(all).to_string())
            }
            None => None,
        };
        let over = delta.over.iter();
        let over = over.map(|key| json!([key.name.word(), key.object.as_str()]));
        let pairs = |held: &[(String, u64)]| {
            let held = held.iter();
            held.map(|(sink, identifier)| json!([sink, number(*identifier)]))
                .collect::<Value>()
                .to_string()
        };
        let state = delta.state.iter().map(|(key, value)| json!([key, value]));
        Ok(Self {
            over: over.collect::<Value>().to_string(),
            alarms: Value::Array(alarms).to_string(),
            history: Value::Array(history).to_string(),
            queued: pairs(&delta.queued),
            attempts: attempts.collect::<Value>().to_string(),
            dropped: pairs(&delta.dropped),
            silences,
            state: state.collect::<Value>().to_string(),
        })
    }
}

async fn save(connection: &mut SqliteConnection, lists: Lists) -> Result<(), sqlx::Error> {
    let renew = lists.silences.is_some();
    sqlx::query(SAVE)
        .bind(lists.over)
        .bind(lists.alarms)
        .bind(lists.history)
        .bind(lists.queued)
        .bind(lists.attempts)
        .bind(lists.dropped)
        .bind(renew)
        .bind(lists.silences.unwrap_or_else(|| "[]".to_owned()))
        .bind(lists.state)
        .execute(connection)
        .await
        .map(drop)
}

async fn load(connection: &mut SqliteConnection) -> Result<KeptAlarms, sqlx::Error> {
    let mut kept = KeptAlarms::default();
    let found = sqlx::query("SELECT document FROM alarms ORDER BY name, object")
        .fetch_all(&mut *connection)
        .await?;
    for row in &found {
        match rows::parse(row.try_get(0)?) {
            Ok(alarm) => kept.alarms.push(alarm),
            Err(_) => kept.unreadable += 1,
        }
    }
    let found = sqlx::query("SELECT document FROM alarm_silences ORDER BY id")
        .fetch_all(&mut *connection)
        .await?;
    for row in &found {
        match rows::parse(row.try_get(0)?) {
            Ok(silence) => kept.silences.push(silence),
            Err(_) => kept.unreadable += 1,
        }
    }
    let found = sqlx::query(
        "SELECT o.sink, o.attempts, o.next_try, h.document FROM alarm_outbox o \
         JOIN alarm_history h ON h.identifier = o.identifier \
         WHERE o.delivered_at IS NULL ORDER BY o.identifier, o.sink",
    )
    .fetch_all(&mut *connection)
    .await?;
    for row in &found {
        match rows::parse::<Entry>(row.try_get(3)?) {
            Ok(entry) => kept.waiting.push(Waiting {
                sink: row.try_get(0)?,
                notice: entry.notice,
                attempts: attempts(row.try_get(1)?),
                not_before: time(row.try_get(2)?),
            }),
            Err(_) => kept.unreadable += 1,
        }
    }
    // The history knows of notices whose number could not be written down.
    let newest: i64 = sqlx::query("SELECT COALESCE(MAX(identifier), 0) FROM alarm_history")
        .fetch_one(&mut *connection)
        .await?
        .try_get(0)?;
    let number = state(connection, IDENTIFIER).await?;
    let number = number.and_then(|text| text.parse().ok()).unwrap_or(0);
    kept.identifier = rows::count(newest).max(number);
    let clean = state(connection, CLEAN).await?;
    kept.clean = clean.is_some_and(|mark| mark == "yes");
    Ok(kept)
}

async fn state(
    connection: &mut SqliteConnection,
    key: &str,
) -> Result<Option<String>, sqlx::Error> {
    let found = sqlx::query("SELECT value FROM node_state WHERE key = ?")
        .bind(key)
        .fetch_optional(connection)
        .await?;
    found.map(|row| row.try_get(0)).transpose()
}

fn text(record: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(record).map_err(|error| StoreError::Unexpected {
        detail: error.to_string(),
    })
}

fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}

fn time(millis: i64) -> SystemTime {
    let since = Duration::from_millis(u64::try_from(millis).unwrap_or(0));
    SystemTime::UNIX_EPOCH
        .checked_add(since)
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn attempts(stored: i64) -> u32 {
    u32::try_from(stored).unwrap_or(u32::MAX)
}
