//! Forgets what is old.

use std::path::Path;

use serde_json::json;
use sqlx::Connection;
use sqlx::Row;
use sqlx::SqliteConnection;
use tokio::sync::Mutex;

use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::record::JobState;
use crate::store::StoreError;
use crate::store::sqlite::fault;
use crate::store::sqlite::open;
use crate::store::sqlite::rows;
use crate::store::sqlite::write::Writer;

/// Lines looked at in one go when history is forgotten, so that writers wait for milliseconds.
const PRUNE: i64 = 1_000;

/// Forgets, in small steps between which others write, the history of jobs that are over.
pub(super) async fn prune_steps(
    writer: &Mutex<Writer>,
    path: &Path,
    before: Moment,
) -> Result<u64, StoreError> {
    let over = JobState::ALL.into_iter().filter(|state| state.is_final());
    let over: Vec<&str> = over.map(JobState::as_str).collect();
    let over = json!(over).to_string();
    let (mut gone, mut from) = (0, 0_i64);
    loop {
        let last = {
            let mut writer = writer.lock().await;
            let mut connection = writer.take(path, open::options(path)).await?;
            let outcome = prune_some(&mut connection, before, &over, from).await;
            writer.give_back(connection, outcome.is_ok()).await;
            let (some, last) = outcome.map_err(|error| fault::of(path, &error))?;
            gone += some;
            last
        };
        match last {
            Some(last) => from = last,
            None => return Ok(gone),
        }
    }
}

/// How many went, and where to go on; history is in the order of time, so that it ends with the
/// first group that has nothing old.
async fn prune_some(
    connection: &mut SqliteConnection,
    before: Moment,
    over: &str,
    from: i64,
) -> Result<(u64, Option<i64>), sqlx::Error> {
    let old = sqlx::query(
        "SELECT MAX(id) FROM (SELECT id, at FROM steps WHERE id > ? ORDER BY id LIMIT ?) \
         WHERE at < ?",
    )
    .bind(from)
    .bind(PRUNE)
    .bind(rows::stored(before))
    .fetch_one(&mut *connection)
    .await?;
    let Some(last) = old.try_get::<Option<i64>, _>(0)? else {
        return Ok((0, None));
    };
    let gone = sqlx::query(
        "DELETE FROM steps WHERE id > ? AND id <= ? AND at < ? AND user IN \
         (SELECT id FROM users WHERE state IN (SELECT value FROM json_each(?)))",
    )
    .bind(from)
    .bind(last)
    .bind(rows::stored(before))
    .bind(over.to_owned())
    .execute(connection)
    .await?;
    Ok((gone.rows_affected(), Some(last)))
}

/// Forgets users that are gone from Webex since before a moment.
pub(super) async fn prune_users(
    writer: &Mutex<Writer>,
    path: &Path,
    before: Moment,
) -> Result<u64, StoreError> {
    let mut writer = writer.lock().await;
    let mut connection = writer.take(path, open::options(path)).await?;
    let outcome = prune_gone(&mut connection, before).await;
    writer.give_back(connection, outcome.is_ok()).await;
    outcome.map_err(|error| fault::of(path, &error))
}

async fn prune_gone(connection: &mut SqliteConnection, before: Moment) -> Result<u64, sqlx::Error> {
    let gone = json!([JobState::Removed.as_str(), JobState::PersonDeleted.as_str()]).to_string();
    let before = rows::stored(before);
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let ids = sqlx::query(
        "SELECT json_group_array(id), COUNT(*) FROM users \
         WHERE state IN (SELECT value FROM json_each(?)) AND since < ?",
    )
    .bind(gone)
    .bind(before)
    .fetch_one(&mut *transaction)
    .await?;
    let (ids, count): (String, i64) = (ids.try_get(0)?, ids.try_get(1)?);
    for sql in [
        "DELETE FROM steps WHERE user IN (SELECT value FROM json_each(?))",
        "DELETE FROM users WHERE id IN (SELECT value FROM json_each(?))",
        "DELETE FROM documents WHERE id IN (SELECT value FROM json_each(?))",
    ] {
        let query = sqlx::query(sql).bind(ids.clone());
        query.execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(rows::count(count))
}
