//! Questions in SQL.

use futures_util::TryStreamExt;
use sqlx::AssertSqlSafe;
use sqlx::Row;
use sqlx::SqliteConnection;

use crate::domain::provisioning::ids::EnterpriseKey;
use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::ids::UserKey;
use crate::domain::provisioning::record::EnterpriseRecord;
use crate::domain::provisioning::record::EnterpriseState;
use crate::domain::provisioning::record::JobState;
use crate::domain::provisioning::record::Owner;
use crate::domain::provisioning::record::Step;
use crate::store::query::AttentionGroup;
use crate::store::query::Cursor;
use crate::store::query::Filter;
use crate::store::query::Page;
use crate::store::query::StateCount;
use crate::store::query::UserRecord;
use crate::store::sqlite::rows;

pub(super) async fn each(
    connection: &mut SqliteConnection,
    open_only: bool,
    visit: &mut (dyn FnMut(UserRecord) + Send),
) -> Result<u64, sqlx::Error> {
    let sql = if open_only {
        "SELECT d.wish, d.job FROM users u JOIN documents d ON d.id = u.id \
         WHERE u.state NOT IN (SELECT value FROM json_each(?))"
    } else {
        "SELECT d.wish, d.job FROM users u JOIN documents d ON d.id = u.id \
         WHERE ? IS NOT NULL ORDER BY u.cluster, u.user_id"
    };
    let over = words(JobState::ALL.into_iter().filter(|state| state.is_final()));
    let mut found = sqlx::query(sql).bind(over).fetch(connection);
    let mut unreadable = 0;
    while let Some(row) = found.try_next().await? {
        match rows::user(&row, 0)? {
            Ok(user) => visit(user),
            Err(_) => unreadable += 1,
        }
    }
    Ok(unreadable)
}

/// Each state by itself: a list would be looked up anew for each of all users.
const fn one_of(at: usize, all: usize) -> &'static str {
    match (at == 0, at + 1 == all) {
        (true, true) => " AND u.state IN (?)",
        (true, false) => " AND u.state IN (?",
        (false, false) => ", ?",
        (false, true) => ", ?)",
    }
}

pub(super) async fn page(
    connection: &mut SqliteConnection,
    filter: &Filter,
    after: Option<&Cursor>,
    limit: u32,
) -> Result<Page, sqlx::Error> {
    let mut sql = String::from(
        "SELECT d.wish, d.job, u.cluster, u.user_id \
         FROM users u JOIN documents d ON d.id = u.id WHERE true",
    );
    // Only constants go into the text; values are bound, in the same order.
    let mut conditions: Vec<(&str, String)> = Vec::new();
    if let Some(after) = after {
        // The pair is what the primary key is ordered by.
        sql.push_str(" AND (u.cluster, u.user_id) > (?, ?)");
        conditions.push(("", after.cluster.clone()));
        conditions.push(("", after.user.clone()));
    }
    for (at, state) in filter.states.iter().enumerate() {
        let condition = one_of(at, filter.states.len());
        conditions.push((condition, state.as_str().to_owned()));
    }
    if let Some(template) = &filter.template {
        conditions.push((" AND u.template = ?", template.to_string()));
    }
    if let Some(cluster) = &filter.cluster {
        conditions.push((" AND u.cluster = ?", cluster.to_string()));
    }
    if let Some(key) = &filter.enterprise {
        conditions.push((" AND u.cluster = ?", key.cluster.to_string()));
        conditions.push((" AND u.enterprise = ?", key.enterprise().to_owned()));
    }
    if let Some(prefix) = &filter.user_prefix {
        let prefix = prefix.trim().to_lowercase();
        conditions.push((" AND u.user_id >= ?", prefix.clone()));
        conditions.push((" AND substr(u.user_id, 1, length(?)) = ?", prefix.clone()));
        conditions.push(("", prefix));
    }
    if let Some(request) = &filter.request {
        conditions.push((" AND u.request = ?", request.to_string()));
    }
    for (condition, _) in &conditions {
        sql.push_str(condition);
    }
    if filter.since.is_some() {
        sql.push_str(" AND u.updated >= ?");
    }
    sql.push_str(" ORDER BY u.cluster, u.user_id LIMIT ?");
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for (_, value) in conditions {
        query = query.bind(value);
    }
    if let Some(since) = filter.since {
        query = query.bind(rows::stored(since));
    }
    // One more tells whether there is another page.
    let found = query
        .bind(i64::from(limit) + 1)
        .fetch_all(connection)
        .await?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > most;
    let mut page = Page::default();
    for row in found.iter().take(most) {
        match rows::user(row, 0)? {
            Ok(user) => page.users.push(user),
            Err(_) => page.unreadable += 1,
        }
        if more {
            page.next = Some(Cursor {
                cluster: row.try_get(2)?,
                user: row.try_get(3)?,
            });
        }
    }
    Ok(page)
}

pub(super) async fn user(
    connection: &mut SqliteConnection,
    key: &UserKey,
) -> Result<Option<UserRecord>, sqlx::Error> {
    let found = sqlx::query(
        "SELECT d.wish, d.job FROM users u JOIN documents d ON d.id = u.id \
         WHERE u.cluster = ? AND u.user_id = ?",
    )
    .bind(key.cluster.as_str().to_owned())
    .bind(key.user().to_owned())
    .fetch_optional(connection)
    .await?;
    match found {
        Some(row) => Ok(Some(rows::user(&row, 0)?.map_err(unreadable)?)),
        None => Ok(None),
    }
}

pub(super) async fn history(
    connection: &mut SqliteConnection,
    key: &UserKey,
    limit: u32,
) -> Result<Vec<Step>, sqlx::Error> {
    let found = sqlx::query(
        "SELECT document FROM steps \
         WHERE user = (SELECT id FROM users WHERE cluster = ? AND user_id = ?) \
         ORDER BY id DESC LIMIT ?",
    )
    .bind(key.cluster.as_str().to_owned())
    .bind(key.user().to_owned())
    .bind(i64::from(limit))
    .fetch_all(connection)
    .await?;
    let steps = found.iter().rev().map(|row| {
        let document: &str = row.try_get(0)?;
        rows::parse(document).map_err(unreadable)
    });
    steps.collect()
}

pub(super) async fn enterprise(
    connection: &mut SqliteConnection,
    key: &EnterpriseKey,
) -> Result<Option<EnterpriseRecord>, sqlx::Error> {
    let found =
        sqlx::query("SELECT document FROM enterprises WHERE cluster = ? AND enterprise = ?")
            .bind(key.cluster.as_str().to_owned())
            .bind(key.enterprise().to_owned())
            .fetch_optional(&mut *connection)
            .await?;
    let Some(row) = found else {
        return learnt_of(connection, key).await;
    };
    let document: &str = row.try_get(0)?;
    rows::parse(document).map(Some).map_err(unreadable)
}

/// A customer that Webex's bridge began, as far as one of its users tells.
async fn learnt_of(
    connection: &mut SqliteConnection,
    key: &EnterpriseKey,
) -> Result<Option<EnterpriseRecord>, sqlx::Error> {
    let found = sqlx::query(
        "SELECT d.wish, d.job FROM users u JOIN documents d ON d.id = u.id \
         WHERE u.cluster = ? AND u.enterprise = ? ORDER BY u.user_id LIMIT 1",
    )
    .bind(key.cluster.as_str().to_owned())
    .bind(key.enterprise().to_owned())
    .fetch_optional(connection)
    .await?;
    match found {
        Some(row) => Ok(rows::user(&row, 0)?.ok().and_then(|user| learnt(&user))),
        None => Ok(None),
    }
}

fn learnt(user: &UserRecord) -> Option<EnterpriseRecord> {
    let sent_as = user.enterprise()?;
    Some(EnterpriseRecord {
        key: EnterpriseKey::new(user.key().cluster.clone(), &sent_as),
        sent_as,
        template: user.desired.template.clone(),
        // It has a user that Webex knows.
        state: EnterpriseState::Ready,
        since: user.since(),
        first_user: None,
        webex: None,
        org: None,
        knocked: None,
    })
}

pub(super) async fn customers(
    connection: &mut SqliteConnection,
) -> Result<Vec<EnterpriseRecord>, sqlx::Error> {
    let (mut all, _unreadable) = enterprises(&mut *connection).await?;
    let found = sqlx::query(
        "SELECT d.wish, d.job FROM (SELECT MIN(u.id) AS id FROM users u \
         WHERE u.enterprise IS NOT NULL AND NOT EXISTS (SELECT 1 FROM enterprises e \
             WHERE e.cluster = u.cluster AND e.enterprise = u.enterprise) \
         GROUP BY u.cluster, u.enterprise) one JOIN documents d ON d.id = one.id",
    )
    .fetch_all(connection)
    .await?;
    for row in &found {
        all.extend(rows::user(row, 0)?.ok().and_then(|user| learnt(&user)));
    }
    all.sort_by(|a, b| {
        let place = |record: &EnterpriseRecord| {
            let key = &record.key;
            (key.cluster.as_str().to_owned(), key.enterprise().to_owned())
        };
        place(a).cmp(&place(b))
    });
    Ok(all)
}

pub(super) async fn enterprises(
    connection: &mut SqliteConnection,
) -> Result<(Vec<EnterpriseRecord>, u64), sqlx::Error> {
    let found = sqlx::query("SELECT document FROM enterprises ORDER BY cluster, enterprise")
        .fetch_all(connection)
        .await?;
    let mut records = Vec::with_capacity(found.len());
    let mut unreadable = 0;
    for row in &found {
        let document: &str = row.try_get(0)?;
        match rows::parse(document) {
            Ok(record) => records.push(record),
            Err(_) => unreadable += 1,
        }
    }
    Ok((records, unreadable))
}

pub(super) async fn attention(
    connection: &mut SqliteConnection,
) -> Result<Vec<AttentionGroup>, sqlx::Error> {
    let found = sqlx::query(
        "SELECT state, fault, template, COUNT(*), MIN(since) FROM users \
         WHERE state IN (SELECT value FROM json_each(?)) \
         GROUP BY state, fault, template ORDER BY COUNT(*) DESC, state, fault, template",
    )
    .bind(words(
        JobState::ALL.into_iter().filter(|state| waits(*state)),
    ))
    .fetch_all(connection)
    .await?;
    let mut groups = Vec::new();
    for row in &found {
        let (word, template): (&str, &str) = (row.try_get(0)?, row.try_get(2)?);
        let (Some(state), Ok(template)) = (rows::state(word), TemplateKey::parse(template)) else {
            continue;
        };
        groups.push(AttentionGroup {
            state,
            fault: row.try_get(1)?,
            template,
            users: rows::count(row.try_get(3)?),
            oldest: rows::moment(row.try_get(4)?),
        });
    }
    Ok(groups)
}

pub(super) async fn counts(
    connection: &mut SqliteConnection,
) -> Result<Vec<StateCount>, sqlx::Error> {
    let found = sqlx::query("SELECT state, COUNT(*), MIN(since) FROM users GROUP BY state")
        .fetch_all(connection)
        .await?;
    let mut counts = Vec::new();
    for row in &found {
        let Some(state) = rows::state(row.try_get(0)?) else {
            continue;
        };
        counts.push(StateCount {
            state,
            users: rows::count(row.try_get(1)?),
            oldest: rows::moment(row.try_get(2)?),
        });
    }
    Ok(counts)
}

/// Whether someone other than us has to move, or Webex is late.
fn waits(state: JobState) -> bool {
    match state.owner() {
        Owner::CustomerAdministrator | Owner::Operator | Owner::User => true,
        Owner::Webex => state == JobState::Stalled,
        Owner::Nobody | Owner::Us => false,
    }
}

fn words(states: impl Iterator<Item = JobState>) -> String {
    let words: Vec<&str> = states.map(JobState::as_str).collect();
    serde_json::json!(words).to_string()
}

fn unreadable(error: crate::store::StoreError) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}
