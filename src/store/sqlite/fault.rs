//! What an error of SQLite means to an operator.

use std::io;
use std::io::ErrorKind;
use std::path::Path;

use crate::store::StoreError;

/// Primary result codes of SQLite (sqlite.org/rescode.html).
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READONLY: i32 = 8;
const IOERR: i32 = 10;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANTOPEN: i32 = 14;
const NOTADB: i32 = 26;

/// Extended: the shared memory file could not grow; on a full disk that comes before `FULL`.
const IOERR_SHMSIZE: i32 = IOERR | (19 << 8);

/// What it means.
pub(super) fn of(path: &Path, error: &sqlx::Error) -> StoreError {
    let path = path.to_owned();
    match error {
        sqlx::Error::Database(database) => {
            let code = database.code().and_then(|code| code.parse::<i32>().ok());
            let detail = database.message().to_owned();
            let Some(code) = code else {
                return StoreError::Unexpected { detail };
            };
            match code & 0xff {
                _ if code == IOERR_SHMSIZE => StoreError::Full { path, detail },
                BUSY | LOCKED => StoreError::Locked { path, detail },
                READONLY => StoreError::ReadOnly { path, detail },
                IOERR | CANTOPEN => StoreError::Io { path, detail },
                CORRUPT | NOTADB => StoreError::Damaged { path, detail },
                FULL => StoreError::Full { path, detail },
                _ => StoreError::Unexpected {
                    detail: format!("{detail} (SQLite code {code})"),
                },
            }
        }
        sqlx::Error::Io(error) => of_io(&path, error),
        other => StoreError::Unexpected {
            detail: other.to_string(),
        },
    }
}

/// What an error of the system means.
pub(super) fn of_io(path: &Path, error: &io::Error) -> StoreError {
    let (path, detail) = (path.to_owned(), error.to_string());
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            StoreError::Full { path, detail }
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            StoreError::ReadOnly { path, detail }
        }
        _ => StoreError::Io { path, detail },
    }
}
