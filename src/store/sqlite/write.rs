//! The one connection that writes.

use std::collections::HashMap;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use sqlx::ConnectOptions;
use sqlx::Connection;
use sqlx::Row;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::sqlite::SqliteRow;

use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::ids::EnterpriseKey;
use crate::domain::provisioning::ids::UserKey;
use crate::domain::provisioning::intake::Held;
use crate::store::StoreError;
use crate::store::batch;
use crate::store::engine::Ask;
use crate::store::engine::Delta;
use crate::store::engine::Plan;
use crate::store::engine::UserWrite;
use crate::store::sqlite::fault;
use crate::store::sqlite::open;
use crate::store::sqlite::rows;

/// Begins a transaction and reads what is held, for any number of questions. One text for both, and
/// one for all that is written with the commit: each text is a trip to the connection's thread, and
/// such a trip takes longer than the statements.
const BEGIN_AND_READ: &str = "\
    BEGIN IMMEDIATE; \
    SELECT a.key, u.id, d.wish, d.job, e.document, \
        (SELECT h.user_id FROM users h WHERE h.cluster = a.value ->> 0 \
         AND h.email = a.value ->> 3 AND h.user_id <> a.value ->> 1 LIMIT 1) \
    FROM json_each(?) a \
    LEFT JOIN users u ON u.cluster = a.value ->> 0 AND u.user_id = a.value ->> 1 \
    LEFT JOIN documents d ON d.id = u.id \
    LEFT JOIN enterprises e ON e.cluster = a.value ->> 0 \
        AND e.enterprise = COALESCE(a.value ->> 2, u.enterprise)";

/// Writes and commits; one list for each table, which may be empty.
const WRITE_AND_COMMIT: &str = "\
    INSERT INTO documents (id, wish) \
    SELECT value ->> 0, value ->> 1 FROM json_each(?) WHERE true \
    ON CONFLICT (id) DO UPDATE SET wish = excluded.wish; \
    UPDATE documents SET job = j.value ->> 1 FROM json_each(?) j \
    WHERE documents.id = j.value ->> 0; \
    INSERT INTO users (cluster, user_id, id, revision, request, template, enterprise, state, \
        since, updated, fault, email) \
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, \
        value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11 \
    FROM json_each(?) WHERE true \
    ON CONFLICT (cluster, user_id) DO UPDATE SET revision = excluded.revision, \
        request = excluded.request, template = excluded.template, \
        enterprise = excluded.enterprise, state = excluded.state, since = excluded.since, \
        updated = excluded.updated, fault = excluded.fault, email = excluded.email; \
    INSERT INTO enterprises (cluster, enterprise, template, state, document) \
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 \
    FROM json_each(?) WHERE true \
    ON CONFLICT (cluster, enterprise) DO UPDATE SET template = excluded.template, \
        state = excluded.state, document = excluded.document; \
    INSERT INTO steps (user, at, document) \
    SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?); \
    COMMIT";

/// The connection and what it has to know.
pub(super) struct Writer {
    /// `None` after a failure that it may not have got over; the next write opens another.
    connection: Option<SqliteConnection>,
    /// The last id of a document that was given out.
    last: i64,
    closed: bool,
}

impl Writer {
    pub(super) const fn new(connection: SqliteConnection, last: i64) -> Self {
        Self {
            connection: Some(connection),
            last,
            closed: false,
        }
    }

    /// Without a connection yet, and for no documents.
    pub(super) const fn unconnected() -> Self {
        Self {
            connection: None,
            last: 0,
            closed: false,
        }
    }

    pub(super) async fn transact(
        &mut self,
        path: &Path,
        options: SqliteConnectOptions,
        asks: Vec<Ask>,
        plan: Plan<'_>,
    ) -> Result<(), StoreError> {
        let mut connection = self.take(path, options).await?;
        let failed = |error: sqlx::Error| fault::of(path, &error);
        let outcome = match read(&mut connection, &asks).await.map_err(failed) {
            Ok((held, ids)) => {
                let delta = plan(held);
                self.write(path, &mut connection, delta, ids).await
            }
            Err(error) => Err(error),
        };
        self.give_back(connection, outcome.is_ok()).await;
        outcome
    }

    async fn write(
        &mut self,
        path: &Path,
        connection: &mut SqliteConnection,
        delta: Delta,
        mut ids: HashMap<UserKey, i64>,
    ) -> Result<(), StoreError> {
        let mut last = self.last;
        let lists = Lists::new(delta, |key| {
            *ids.entry(key.clone()).or_insert_with(|| {
                last += 1;
                last
            })
        })?;
        let failed = |error: sqlx::Error| fault::of(path, &error);
        let Some(lists) = lists else {
            // Nothing to keep: whoever asked knows what is held.
            let ended = sqlx::query("COMMIT").execute(connection).await;
            return ended.map(drop).map_err(failed);
        };
        let mut query = sqlx::query(WRITE_AND_COMMIT);
        for list in lists.0 {
            query = query.bind(list);
        }
        // Given out whatever becomes of it: a commit that seems to fail may be there all the same,
        // and another user under its id would take the place of its document.
        self.last = last;
        query.execute(connection).await.map_err(failed)?;
        Ok(())
    }

    pub(super) async fn take(
        &mut self,
        path: &Path,
        options: SqliteConnectOptions,
    ) -> Result<SqliteConnection, StoreError> {
        if self.closed {
            return Err(StoreError::Closed);
        }
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None => {
                let connected = open::writing(options).connect().await;
                connected.map_err(|error| fault::of(path, &error))
            }
        }
    }

    /// After a failure nothing of the transaction may be left. SQLite ends some by itself, and then
    /// there is none to roll back; when in doubt the connection goes, and its transaction with it.
    pub(super) async fn give_back(&mut self, mut connection: SqliteConnection, well: bool) {
        if well {
            self.connection = Some(connection);
            return;
        }
        match sqlx::query("ROLLBACK").execute(&mut connection).await {
            Ok(_) => self.connection = Some(connection),
            // Waiting for its end, so that its lock is gone before the next one wants it.
            Err(_) => drop(connection.close().await),
        }
    }

    pub(super) async fn close(&mut self) {
        self.closed = true;
        if let Some(connection) = self.connection.take() {
            // All that was promised is in the log, which the next start reads.
            drop(connection.close().await);
        }
    }
}

/// What is held of each question, in their order, and the ids of the users.
type Found = (Vec<Result<Held, StoreError>>, HashMap<UserKey, i64>);

async fn read(connection: &mut SqliteConnection, asks: &[Ask]) -> Result<Found, sqlx::Error> {
    let questions: Vec<_> = asks
        .iter()
        .map(|ask| {
            let enterprise = ask.enterprise.as_ref().map(EnterpriseKey::enterprise);
            json!([
                ask.user.cluster.as_str(),
                ask.user.user(),
                enterprise,
                ask.email
            ])
        })
        .collect();
    let rows = sqlx::query(BEGIN_AND_READ)
        .bind(Value::Array(questions).to_string())
        .fetch_all(connection)
        .await?;
    let (mut held, mut ids) = (Vec::with_capacity(asks.len()), HashMap::new());
    held.resize_with(asks.len(), || Ok(Held::default()));
    for row in &rows {
        let at: i64 = row.try_get(0)?;
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let (Some(place), Some(ask)) = (held.get_mut(at), asks.get(at)) else {
            continue;
        };
        if let Some(id) = row.try_get(1)? {
            ids.insert(ask.user.clone(), id);
        }
        *place = held_of(row, ask)?;
    }
    Ok((held, ids))
}

fn held_of(row: &SqliteRow, ask: &Ask) -> Result<Result<Held, StoreError>, sqlx::Error> {
    let wish: Option<&str> = row.try_get(2)?;
    let job: Option<&str> = row.try_get(3)?;
    let enterprise: Option<&str> = row.try_get(4)?;
    let holder: Option<&str> = row.try_get(5)?;
    // A stored key is one in lower case, which is its own key.
    let holder = holder.and_then(|user| BwUserId::parse(user).ok());
    let holder = holder.map(|user| UserKey::new(ask.user.cluster.clone(), &user));
    let held = || {
        Ok(Held {
            desired: wish.map(rows::parse).transpose()?,
            job: job.map(rows::parse).transpose()?,
            enterprise: enterprise.map(rows::parse).transpose()?,
            email_holder: holder,
        })
    };
    Ok(held())
}

/// What is bound to [`WRITE_AND_COMMIT`], in its order.
struct Lists([String; 5]);

impl Lists {
    /// `None` when there is nothing to write.
    fn new(
        delta: Delta,
        mut id_of: impl FnMut(&UserKey) -> i64,
    ) -> Result<Option<Self>, StoreError> {
        if delta.is_empty() {
            return Ok(None);
        }
        let (mut wishes, mut jobs, mut users) = (Vec::new(), Vec::new(), Vec::new());
        for user in delta.users {
            let id = id_of(user.record.key());
            users.push(columns(&user, id));
            if user.wish {
                wishes.push(json!([id, text(&user.record.desired)?]));
            }
            if let (true, Some(job)) = (user.job, &user.record.job) {
                jobs.push(json!([id, text(job)?]));
            }
        }
        let mut enterprises = Vec::new();
        for record in delta.enterprises {
            enterprises.push(json!([
                record.key.cluster.as_str(),
                record.key.enterprise(),
                record.template.as_str(),
                record.state.as_str(),
                text(&record)?,
            ]));
        }
        let mut steps = Vec::new();
        for step in delta.steps {
            steps.push(json!([
                id_of(&step.key),
                rows::stored(step.at),
                text(&step)?
            ]));
        }
        let lists = [wishes, jobs, users, enterprises, steps];
        Ok(Some(Self(lists.map(|list| Value::Array(list).to_string()))))
    }
}

fn columns(user: &UserWrite, id: i64) -> Value {
    let record = &user.record;
    let (desired, key) = (&record.desired, record.key());
    let enterprise = record.enterprise();
    let enterprise = enterprise.map(|name| EnterpriseKey::new(key.cluster.clone(), &name));
    let fault = record.job.as_ref().and_then(|job| job.fault.as_ref());
    let revision = i64::try_from(desired.revision).unwrap_or(i64::MAX);
    json!([
        key.cluster.as_str(),
        key.user(),
        id,
        revision,
        desired.request.as_str(),
        desired.template.as_str(),
        enterprise.as_ref().map(EnterpriseKey::enterprise),
        record.state().as_str(),
        rows::stored(record.since()),
        rows::stored(user.updated),
        fault.map(|fault| fault.code.as_str()),
        batch::email_of(desired),
    ])
}

fn text<T: Serialize>(record: &T) -> Result<String, StoreError> {
    serde_json::to_string(record).map_err(|error| StoreError::Unexpected {
        detail: format!("a record cannot be written: {error}"),
    })
}
