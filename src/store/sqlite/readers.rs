//! A few connections that read. Not sqlx's pool: it starts tasks and timers of its own.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::Connection;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteConnectOptions;
use tokio::sync::Semaphore;
use tokio::sync::SemaphorePermit;
use tokio::time::timeout;

use crate::store::StoreError;
use crate::store::sqlite::fault;

/// Reading at once: a few people and a scrape.
const CONNECTIONS: usize = 4;

/// How long a question waits for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// The connections.
pub(super) struct Readers {
    path: PathBuf,
    options: SqliteConnectOptions,
    places: Semaphore,
    idle: Mutex<Vec<SqliteConnection>>,
}

/// One of them, in use.
pub(super) struct Reader<'a> {
    readers: &'a Readers,
    connection: SqliteConnection,
    _place: SemaphorePermit<'a>,
}

impl Readers {
    pub(super) fn new(path: PathBuf, options: SqliteConnectOptions) -> Self {
        Self {
            path,
            options: options.pragma("query_only", "ON"),
            places: Semaphore::new(CONNECTIONS),
            idle: Mutex::default(),
        }
    }

    /// A connection that nobody else uses.
    pub(super) async fn take(&self) -> Result<Reader<'_>, StoreError> {
        let place = match timeout(PATIENCE, self.places.acquire()).await {
            Ok(Ok(place)) => place,
            Ok(Err(_closed)) => return Err(StoreError::Closed),
            Err(_late) => return Err(StoreError::Slow),
        };
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => {
                let connected = self.options.connect().await;
                connected.map_err(|error| fault::of(&self.path, &error))?
            }
        };
        Ok(Reader {
            readers: self,
            connection,
            _place: place,
        })
    }

    pub(super) async fn close(&self) {
        self.places.close();
        let idle = std::mem::take(&mut *self.idle());
        for connection in idle {
            // It only read: nothing is lost with it.
            drop(connection.close().await);
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader<'_> {
    pub(super) const fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    /// Gives it back; after a failure it is dropped instead, and the next question opens another.
    pub(super) fn back<T>(self, found: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        match found {
            Ok(found) => {
                if !self.readers.places.is_closed() {
                    self.readers.idle().push(self.connection);
                }
                Ok(found)
            }
            Err(error) => Err(fault::of(&self.readers.path, &error)),
        }
    }
}
