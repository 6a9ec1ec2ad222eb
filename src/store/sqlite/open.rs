//! Opening the file: its lock, its mode, its health, its schema.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::Permissions;
use std::fs::TryLockError;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::Row;
use sqlx::SqlSafeStr;
use sqlx::SqliteConnection;
use sqlx::migrate::MigrateError;
use sqlx::migrate::Migration;
use sqlx::migrate::MigrationType;
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::sqlite::SqliteJournalMode;
use sqlx::sqlite::SqliteSynchronous;

use crate::platform::files;
use crate::store::StoreError;
use crate::store::sqlite::fault;
use crate::store::sqlite::write::Writer;

/// The tables, one step each; a step that was released is never changed.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (
        1,
        "provisioning",
        include_str!("../migrations/0001_provisioning.sql"),
    ),
    (10, "alarms", include_str!("../migrations/0010_alarms.sql")),
];

/// Only we: it holds names, numbers and addresses.
const PRIVATE: u32 = 0o600;

/// How long a write waits for a program that holds the file. A wish waits for two of them at most,
/// the one under way and its own, and the AS must get its answer within 2 s.
const BUSY_TIMEOUT: Duration = Duration::from_millis(500);

/// The log is cut to this after a burst has made it long.
const LOG_BYTES: &str = "67108864";

/// Pages, of 4 KB each, after which the log is written back into the tables. That takes two more
/// syncs and a write of every page that has changed: four times SQLite's own 1,000 makes it rarer,
/// and the log is still a quarter of what it may be.
const LOG_PAGES: &str = "4000";

/// How every connection is made. The journal is set by the one that writes.
pub(super) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
        .thread_name(|id| format!("store-{id}"))
        // Statements would stand in the log at debug, with times that the metrics tell better.
        .disable_statement_logging()
}

/// How the one that writes is made: it returns from a commit when the disk has it.
pub(super) fn writing(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("journal_size_limit", LOG_BYTES)
        .pragma("wal_autocheckpoint", LOG_PAGES)
}

/// Takes the file for this process. The lock is a file of its own: closing any handle of the
/// database itself would take SQLite's locks from it.
pub(super) fn lock(path: &Path) -> Result<File, StoreError> {
    let beside = with_suffix(path, ".lock");
    let failed = |error| fault::of_io(&beside, &error);
    if let Some(directory) = path.parent() {
        files::create_private_dir(directory).map_err(failed)?;
    }
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(PRIVATE)
        .open(&beside)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse {
            path: path.to_owned(),
            lock: beside,
        }),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// Makes the file, if it is missing, with its mode; takes from others what they could read.
pub(super) fn prepare(path: &Path) -> Result<(), StoreError> {
    let failed = |error| fault::of_io(path, &error);
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(PRIVATE)
        .open(path);
    match made {
        Ok(file) => file.sync_all().map_err(failed)?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed(error)),
    }
    for file in [
        path.to_owned(),
        with_suffix(path, "-wal"),
        with_suffix(path, "-shm"),
    ] {
        match fs::set_permissions(&file, Permissions::from_mode(PRIVATE)) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(fault::of_io(&file, &error)),
        }
    }
    Ok(())
}

/// Makes the names of its files durable.
pub(super) fn settle(path: &Path) -> Result<(), StoreError> {
    match path.parent() {
        Some(directory) => {
            files::sync_directory(directory).map_err(|error| fault::of_io(directory, &error))
        }
        None => Ok(()),
    }
}

/// Opens it for writing, once it is found whole and its tables are ours.
pub(super) async fn connect(path: PathBuf) -> Result<Writer, StoreError> {
    let failed = |error: sqlx::Error| fault::of(&path, &error);
    let mut connection = writing(options(&path)).connect().await.map_err(failed)?;
    check(&path, &mut connection).await?;
    migrate(&path, &mut connection).await?;
    let row = sqlx::query("SELECT COALESCE(MAX(id), 0) FROM documents")
        .fetch_one(&mut connection)
        .await
        .map_err(failed)?;
    let last: i64 = row.try_get(0).map_err(failed)?;
    Ok(Writer::new(connection, last))
}

/// What a start would find wrong, as far as that can be seen without touching the file.
pub(super) fn prove(path: &Path) -> Result<(), StoreError> {
    let failed = |error| fault::of_io(path, &error);
    match fs::metadata(path) {
        Ok(found) if found.is_file() => {
            // Whether we may read and write it; SQLite's locks are another process's.
            let opened = OpenOptions::new().read(true).write(true).open(path);
            opened.map(drop).map_err(failed)
        }
        Ok(_) => Err(StoreError::Io {
            path: path.to_owned(),
            detail: "it is not a file".to_owned(),
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

async fn check(path: &Path, connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let found = sqlx::query("PRAGMA quick_check(1)")
        .fetch_one(connection)
        .await
        .and_then(|row| row.try_get::<String, _>(0))
        .map_err(|error| fault::of(path, &error))?;
    if found == "ok" {
        return Ok(());
    }
    Err(StoreError::Damaged {
        path: path.to_owned(),
        detail: found,
    })
}

async fn migrate(path: &Path, connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let known = MIGRATIONS.iter().map(|(version, ..)| *version).max();
    let known = known.unwrap_or(0);
    let steps = MIGRATIONS.iter().map(|(version, name, sql)| {
        Migration::new(
            *version,
            (*name).into(),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    });
    let migrator = Migrator::with_migrations(steps.collect());
    let outcome = migrator.run_direct(None, connection, false).await;
    outcome.map_err(|error| match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            fault::of(path, &error)
        }
        MigrateError::VersionMissing(found) => StoreError::Newer {
            path: path.to_owned(),
            found,
            known,
        },
        other => StoreError::Damaged {
            path: path.to_owned(),
            detail: other.to_string(),
        },
    })
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
