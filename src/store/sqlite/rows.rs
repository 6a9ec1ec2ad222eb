//! Records from columns, and the words that stand in them.

use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::record::JobState;
use crate::store::StoreError;
use crate::store::query::UserRecord;

/// A state from its word; `None`: of a later version.
pub(super) fn state(word: &str) -> Option<JobState> {
    JobState::ALL
        .into_iter()
        .find(|state| state.as_str() == word)
}

/// A date as SQLite holds it.
pub(super) fn stored(moment: Moment) -> i64 {
    i64::try_from(moment.0).unwrap_or(i64::MAX)
}

/// A date, from how SQLite holds it.
pub(super) fn moment(stored: i64) -> Moment {
    Moment(u64::try_from(stored).unwrap_or(0))
}

/// A count, from how SQLite holds it.
pub(super) fn count(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(0)
}

/// A record from its document.
pub(super) fn parse<T: DeserializeOwned>(document: &str) -> Result<T, StoreError> {
    serde_json::from_str(document).map_err(|error| StoreError::Unreadable {
        // Not the error's own text, which may quote what stands in the record.
        detail: format!("{:?} at column {}", error.classify(), error.column()),
    })
}

/// A user from the columns `wish` and `job`, in that order.
pub(super) fn user(
    row: &SqliteRow,
    first: usize,
) -> Result<Result<UserRecord, StoreError>, sqlx::Error> {
    let wish: &str = row.try_get(first)?;
    let job: Option<&str> = row.try_get(first + 1)?;
    let user = parse(wish).and_then(|desired| {
        let job = job.map(parse).transpose()?;
        Ok(UserRecord { desired, job })
    });
    Ok(user)
}
