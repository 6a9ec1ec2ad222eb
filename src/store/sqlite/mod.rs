//! SQLite: one file beside the other state, write-ahead log, every commit synced.
//!
//! sqlx gives each connection a thread of its own, so nothing here blocks the runtime. One
//! connection writes; a few others read, and go on while a write hangs.

mod fault;
mod open;
mod prune;
mod read;
mod readers;
mod rows;
mod write;

use std::fs::File;
use std::path::Path;
use std::path::PathBuf;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::sqlite::SqliteConnectOptions;
use tokio::sync::Mutex;

use crate::domain::provisioning::ids::EnterpriseKey;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::UserKey;
use crate::domain::provisioning::record::EnterpriseRecord;
use crate::domain::provisioning::record::Step;
use crate::platform::tasks;
use crate::store::StoreError;
use crate::store::engine::Ask;
use crate::store::engine::Engine;
use crate::store::engine::Plan;
use crate::store::engine::Visit;
use crate::store::query::AttentionGroup;
use crate::store::query::Cursor;
use crate::store::query::Filter;
use crate::store::query::Page;
use crate::store::query::StateCount;
use crate::store::query::UserRecord;
use crate::store::sqlite::readers::Readers;
use crate::store::sqlite::write::Writer;

/// The engine on one file.
pub struct Sqlite {
    path: PathBuf,
    readers: Readers,
    writer: Mutex<Writer>,
    /// Says, for as long as it is held, that the file has its daemon.
    _lock: File,
}

impl Sqlite {
    /// Opens the file, makes it if it is missing, and brings its tables up to date. Blocks.
    ///
    /// # Errors
    /// As [`crate::store::Store::open`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let lock = open::lock(path)?;
        open::prepare(path)?;
        let writer = tasks::wait_for(open::connect(path.to_owned()))
            .unwrap_or_else(|| Err(StoreError::Closed))?;
        open::settle(path)?;
        Ok(Self {
            path: path.to_owned(),
            readers: Readers::new(path.to_owned(), open::options(path)),
            writer: Mutex::new(writer),
            _lock: lock,
        })
    }

    /// What opening would find wrong.
    ///
    /// # Errors
    /// As [`crate::store::Store::prove`].
    pub fn prove(path: &Path) -> Result<(), StoreError> {
        open::prove(path)
    }

    fn options(&self) -> SqliteConnectOptions {
        open::options(&self.path)
    }
}

impl Engine for Sqlite {
    fn transact<'a>(
        &'a self,
        asks: Vec<Ask>,
        plan: Plan<'a>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            let mut writer = self.writer.lock().await;
            writer
                .transact(&self.path, self.options(), asks, plan)
                .await
        }
        .boxed()
    }

    fn each<'a>(
        &'a self,
        open_only: bool,
        visit: &'a mut Visit<'_>,
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        async move {
            let mut reader = self.readers.take().await?;
            let found = read::each(reader.connection(), open_only, visit).await;
            reader.back(found)
        }
        .boxed()
    }

    fn page<'a>(
        &'a self,
        filter: &'a Filter,
        after: Option<&'a Cursor>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        async move {
            let mut reader = self.readers.take().await?;
            let found = read::page(reader.connection(), filter, after, limit).await;
            reader.back(found)
        }
        .boxed()
    }

    fn user<'a>(
        &'a self,
        key: &'a UserKey,
    ) -> BoxFuture<'a, Result<Option<UserRecord>, StoreError>> {
        async move {
            let mut reader = self.readers.take().await?;
            let found = read::user(reader.connection(), key).await;
            reader.back(found)
        }
        .boxed()
    }

    fn history<'a>(
        &'a self,
        key: &'a UserKey,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Step>, StoreError>> {
        async move {
            let mut reader = self.readers.take().await?;
            let found = read::history(reader.connection(), key, limit).await;
            reader.back(found)
        }
        .boxed()
    }

    fn enterprise<'a>(
        &'a self,
        key: &'a EnterpriseKey,
    ) -> BoxFuture<'a, Result<Option<EnterpriseRecord>, StoreError>> {
        async move {
            let mut reader = self.readers.take().await?;
            let found = read::enterprise(reader.connection(), key).await;
            reader.back(found)
        }
        .boxed()
    }

    fn customers(&self) -> BoxFuture<'_, Result<Vec<EnterpriseRecord>, StoreError>> {
        async move {
            let mut reader = self.readers.take().await?;
            let found = read::customers(reader.connection()).await;
            reader.back(found)
        }
        .boxed()
    }

    fn enterprises(&self) -> BoxFuture<'_, Result<(Vec<EnterpriseRecord>, u64), StoreError>> {
        async move {
            let mut reader = self.readers.take().await?;
            let found = read::enterprises(reader.connection()).await;
            reader.back(found)
        }
        .boxed()
    }

    fn attention(&self) -> BoxFuture<'_, Result<Vec<AttentionGroup>, StoreError>> {
        async move {
            let mut reader = self.readers.take().await?;
            let found = read::attention(reader.connection()).await;
            reader.back(found)
        }
        .boxed()
    }

    fn counts(&self) -> BoxFuture<'_, Result<Vec<StateCount>, StoreError>> {
        async move {
            let mut reader = self.readers.take().await?;
            let found = read::counts(reader.connection()).await;
            reader.back(found)
        }
        .boxed()
    }

    fn prune_steps(&self, before: Moment) -> BoxFuture<'_, Result<u64, StoreError>> {
        prune::prune_steps(&self.writer, &self.path, before).boxed()
    }

    fn prune_users(&self, before: Moment) -> BoxFuture<'_, Result<u64, StoreError>> {
        prune::prune_users(&self.writer, &self.path, before).boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            self.readers.close().await;
            self.writer.lock().await.close().await;
        }
        .boxed()
    }
}
