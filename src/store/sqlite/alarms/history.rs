//! The history of alarms: asked for, and forgotten.

use std::time::SystemTime;

use serde_json::json;
use sqlx::AssertSqlSafe;
use sqlx::Row;
use sqlx::SqliteConnection;

use crate::domain::alarms::Entry;
use crate::store::alarms::Delivery;
use crate::store::alarms::HistoryAsk;
use crate::store::alarms::HistoryRow;
use crate::store::sqlite::alarms::attempts;
use crate::store::sqlite::alarms::millis;
use crate::store::sqlite::alarms::number;
use crate::store::sqlite::alarms::time;
use crate::store::sqlite::rows;

/// Lines forgotten in one go, so that writers wait for milliseconds.
const PRUNE: i64 = 1_000;

pub(super) async fn history(
    connection: &mut SqliteConnection,
    ask: HistoryAsk,
) -> Result<Vec<HistoryRow>, sqlx::Error> {
    // Only constants go into the text; values are bound, in the same order.
    let mut sql = String::from("SELECT identifier, document FROM alarm_history WHERE true");
    if ask.name.is_some() {
        sql.push_str(" AND name = ?");
    }
    if ask.object.is_some() {
        sql.push_str(" AND object = ?");
    }
    if ask.since.is_some() {
        sql.push_str(" AND at >= ?");
    }
    if ask.before.is_some() {
        sql.push_str(" AND identifier < ?");
    }
    sql.push_str(" ORDER BY identifier DESC LIMIT ?");
    let mut query = sqlx::query(AssertSqlSafe(sql));
    if let Some(name) = ask.name {
        query = query.bind(name.word());
    }
    if let Some(object) = ask.object {
        query = query.bind(object);
    }
    if let Some(since) = ask.since {
        query = query.bind(millis(since));
    }
    if let Some(before) = ask.before {
        query = query.bind(number(before));
    }
    let found = query
        .bind(i64::from(ask.limit))
        .fetch_all(&mut *connection)
        .await?;
    let (mut lines, mut numbers) = (Vec::new(), Vec::new());
    for row in &found {
        let identifier: i64 = row.try_get(0)?;
        // One that a later version wrote hides no other one.
        if let Ok(entry) = rows::parse::<Entry>(row.try_get(1)?) {
            numbers.push(identifier);
            lines.push(HistoryRow {
                entry,
                deliveries: Vec::new(),
            });
        }
    }
    let told = sqlx::query(
        "SELECT identifier, sink, attempts, last_error, delivered_at FROM alarm_outbox \
         WHERE identifier IN (SELECT value FROM json_each(?)) ORDER BY identifier, sink",
    )
    .bind(json!(numbers).to_string())
    .fetch_all(connection)
    .await?;
    for row in &told {
        let identifier: i64 = row.try_get(0)?;
        let at = numbers.iter().position(|held| *held == identifier);
        let Some(line) = at.and_then(|at| lines.get_mut(at)) else {
            continue;
        };
        let delivered: Option<i64> = row.try_get(4)?;
        line.deliveries.push(Delivery {
            sink: row.try_get(1)?,
            attempts: attempts(row.try_get(2)?),
            error: row.try_get(3)?,
            delivered_at: delivered.map(time),
        });
    }
    Ok(lines)
}

pub(super) async fn prune(
    connection: &mut SqliteConnection,
    before: SystemTime,
    most: u64,
) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query(
        "DELETE FROM alarm_history WHERE identifier IN (SELECT identifier FROM alarm_history \
         WHERE (at < ? OR identifier <= COALESCE((SELECT identifier FROM alarm_history \
             ORDER BY identifier DESC LIMIT 1 OFFSET ?), 0)) \
         AND identifier NOT IN \
             (SELECT identifier FROM alarm_outbox WHERE delivered_at IS NULL) \
         ORDER BY identifier LIMIT ?)",
    )
    .bind(millis(before))
    .bind(number(most))
    .bind(PRUNE)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "DELETE FROM alarm_outbox WHERE identifier NOT IN (SELECT identifier FROM alarm_history)",
    )
    .execute(connection)
    .await?;
    Ok(gone.rows_affected())
}
