//! What must survive the daemon: the wishes, jobs, customers and histories of provisioning, and
//! alarms.
//!
//! * [`Store`]: the handle. [`Store::accept`] and [`Store::save`] return when what they wrote is
//!   durable and not before; the rest asks.
//! * `writer`: the one task that writes. What waits while it commits goes into its next commit.
//! * `batch`: several writes in one transaction, each seeing the ones before it.
//! * [`Engine`]: what a database has to do; `sqlite` is the one there is.
//! * [`query`]: what is asked and answered.
//! * [`alarms`]: alarms, what is told of them, and what the node knows of itself.

pub mod alarms;
mod batch;
mod engine;
mod error;
pub mod query;
mod sqlite;
#[cfg(test)]
mod tests;
mod writer;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::config;
use crate::domain::provisioning::ids::EnterpriseKey;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::UserKey;
use crate::domain::provisioning::record::EnterpriseRecord;
use crate::domain::provisioning::record::Step;
use crate::platform::tasks::Tasks;
use crate::store::batch::Batch;
use crate::store::batch::Decide;
use crate::store::batch::Work;
use crate::store::batch::Write;
use crate::store::query::AttentionGroup;
use crate::store::query::Cursor;
use crate::store::query::Filter;
use crate::store::query::HISTORY;
use crate::store::query::PAGE;
use crate::store::query::Page;
use crate::store::query::Pruned;
use crate::store::query::StateCount;
use crate::store::query::UserRecord;

pub use crate::domain::provisioning::conductor::Change;
pub use crate::domain::provisioning::intake::Held;
pub use crate::store::batch::Accepted;
pub use crate::store::batch::Keep;
pub use crate::store::engine::Ask;
pub use crate::store::engine::Delta;
pub use crate::store::engine::Engine;
pub use crate::store::engine::Plan;
pub use crate::store::engine::UserWrite;
pub use crate::store::engine::Visit;
pub use crate::store::error::StoreError;
pub use crate::store::sqlite::Sqlite;
pub use crate::store::sqlite::SqliteAlarms;

/// Writes that may wait. A commit takes a millisecond or a few, for all that wait together; whoever
/// comes when so many do is better told to come again.
const QUEUE: usize = 1_024;

/// How long a wish waits for its commit: the AS must get its answer within 2 s.
const PATIENCE: Duration = Duration::from_millis(1_800);

/// How long a question waits. Lists are for people.
const READ_PATIENCE: Duration = Duration::from_secs(10);

/// Wishes that are durable and wait to be taken in by whoever drives them, which takes microseconds
/// each; the writer waits when there are more.
const FEED: usize = 1_024;

/// Every wish, in the order in which they became durable. Dropped, they are only kept.
pub type Feed = mpsc::Receiver<Accepted>;

/// The handle; clones share it.
#[derive(Clone)]
pub struct Store {
    engine: Arc<dyn Engine>,
    writes: mpsc::Sender<Write>,
}

impl Store {
    /// Opens the store of the configuration and starts its writer, which ends when `stop` of
    /// `tasks` fires and what waited then is written. Blocks on the disk: for the start.
    ///
    /// # Errors
    /// The file belongs to another process, is damaged, was written by a later version, or cannot
    /// be read or written.
    pub fn open(plan: &config::Store, tasks: &Tasks) -> Result<(Self, Feed), StoreError> {
        let engine = Sqlite::open(&plan.path)?;
        Ok(Self::on(Arc::new(engine), tasks))
    }

    /// What opening would find wrong, without an effect on what is there.
    ///
    /// # Errors
    /// As [`Store::open`], but that another process has it is no problem.
    pub fn prove(plan: &config::Store) -> Result<(), StoreError> {
        Sqlite::prove(&plan.path)
    }

    /// A store on an engine.
    #[must_use]
    pub fn on(engine: Arc<dyn Engine>, tasks: &Tasks) -> (Self, Feed) {
        let (writes, waiting) = mpsc::channel(QUEUE);
        let (feed, accepted) = mpsc::channel(FEED);
        let writer = writer::run(Arc::clone(&engine), waiting, feed, tasks.stop());
        tasks.worker("store-writer", writer);
        (Self { engine, writes }, accepted)
    }

    /// Takes a wish in. `decide` sees what is held, in the transaction that then keeps what it
    /// says; what it returns comes back when that is durable.
    ///
    /// # Errors
    /// Nothing was kept, but for [`StoreError::Slow`]: then it may be kept later all the same.
    pub async fn accept<T: Send + 'static>(
        &self,
        ask: Ask,
        decide: impl FnOnce(&Held) -> (T, Keep) + Send + 'static,
    ) -> Result<T, StoreError> {
        let (decide, slot) = noted(decide);
        let (answer, told) = oneshot::channel();
        let work = Work::Accept { ask, decide };
        self.submit(Write { work, answer })?;
        match timeout(PATIENCE, told).await {
            Ok(Ok(outcome)) => outcome?,
            Ok(Err(_gone)) => return Err(StoreError::Closed),
            Err(_late) => return Err(StoreError::Slow),
        }
        verdict(&slot)
    }

    /// Decides about wishes in their order, each seeing what would be held after the ones before it,
    /// as [`Store::accept`] does, and keeps nothing. What comes back is in the same order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn rehearse<T, D>(
        &self,
        wishes: Vec<(Ask, D)>,
    ) -> Result<Vec<Result<T, StoreError>>, StoreError>
    where
        T: Send + 'static,
        D: FnOnce(&Held) -> (T, Keep) + Send + 'static,
    {
        let (mut asks, mut works) = (Vec::new(), Vec::new());
        for (ask, decide) in wishes {
            let (decide, slot) = noted(decide);
            asks.push(ask.clone());
            works.push((Work::Accept { ask, decide }, slot));
        }
        let questions = asks.clone();
        let mut verdicts = Vec::with_capacity(works.len());
        let said = &mut verdicts;
        let plan = Box::new(move |found| {
            let mut batch = Batch::new(&asks, found);
            let decided = works.into_iter().map(|(work, slot)| {
                batch.take(work)?;
                verdict(&slot)
            });
            said.extend(decided);
            // Nothing of it is written.
            Delta::default()
        });
        self.engine.transact(questions, plan).await?;
        Ok(verdicts)
    }

    /// Keeps what the machine says, all of it or nothing. There is no limit to the wait.
    ///
    /// # Errors
    /// Nothing was kept.
    pub async fn save(&self, changes: Vec<Change>) -> Result<(), StoreError> {
        let (answer, told) = oneshot::channel();
        let work = Work::Save { changes };
        self.submit(Write { work, answer })?;
        told.await.unwrap_or(Err(StoreError::Closed))
    }

    fn submit(&self, write: Write) -> Result<(), StoreError> {
        self.writes
            .try_send(write)
            .map_err(|refused| match refused {
                mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
                mpsc::error::TrySendError::Full(_) => StoreError::Busy,
            })
    }

    /// Shows every user that is not at its end, for the start; returns how many records could not
    /// be read. There is no limit to the wait.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn load(&self, mut visit: impl FnMut(UserRecord) + Send) -> Result<u64, StoreError> {
        self.engine.each(true, &mut visit).await
    }

    /// Shows every user, for exports and comparisons. There is no limit to the wait.
    ///
    /// # Errors
    /// As [`Store::load`].
    pub async fn each(&self, mut visit: impl FnMut(UserRecord) + Send) -> Result<u64, StoreError> {
        self.engine.each(false, &mut visit).await
    }

    /// A part of a list; `limit` is held between 1 and [`PAGE`].
    ///
    /// # Errors
    /// When the store cannot be read, or takes too long.
    pub async fn page(
        &self,
        filter: &Filter,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page, StoreError> {
        let limit = limit.clamp(1, PAGE);
        in_time(self.engine.page(filter, after, limit)).await
    }

    /// One user.
    ///
    /// # Errors
    /// As [`Store::page`].
    pub async fn user(&self, key: &UserKey) -> Result<Option<UserRecord>, StoreError> {
        in_time(self.engine.user(key)).await
    }

    /// The newest steps of a user, oldest first.
    ///
    /// # Errors
    /// As [`Store::page`].
    pub async fn history(&self, key: &UserKey) -> Result<Vec<Step>, StoreError> {
        in_time(self.engine.history(key, HISTORY)).await
    }

    /// One enterprise; one that was only learned from Webex, as [`Store::customers`] has it.
    ///
    /// # Errors
    /// As [`Store::page`].
    pub async fn enterprise(
        &self,
        key: &EnterpriseKey,
    ) -> Result<Option<EnterpriseRecord>, StoreError> {
        in_time(self.engine.enterprise(key)).await
    }

    /// All enterprises: those that were begun here, and those that Webex named for users whom its
    /// bridge provisions; in the order of cluster and name. For whoever looks.
    ///
    /// # Errors
    /// As [`Store::page`].
    pub async fn customers(&self) -> Result<Vec<EnterpriseRecord>, StoreError> {
        in_time(self.engine.customers()).await
    }

    /// All enterprises, in the order of cluster and name; those that cannot be read are left out.
    ///
    /// # Errors
    /// As [`Store::page`].
    pub async fn enterprises(&self) -> Result<Vec<EnterpriseRecord>, StoreError> {
        let (records, _unreadable) = in_time(self.engine.enterprises()).await?;
        Ok(records)
    }

    /// All enterprises, for the start, and how many records could not be read. There is no limit
    /// to the wait.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn load_enterprises(&self) -> Result<(Vec<EnterpriseRecord>, u64), StoreError> {
        self.engine.enterprises().await
    }

    /// Users that wait for someone, grouped by what for; the largest group first.
    ///
    /// # Errors
    /// As [`Store::page`].
    pub async fn attention(&self) -> Result<Vec<AttentionGroup>, StoreError> {
        in_time(self.engine.attention()).await
    }

    /// How many users are in each state; states without users are left out.
    ///
    /// # Errors
    /// As [`Store::page`].
    pub async fn counts(&self) -> Result<Vec<StateCount>, StoreError> {
        in_time(self.engine.counts()).await
    }

    /// Forgets the history, before a moment, of jobs that are over.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn prune_steps(&self, before: Moment) -> Result<u64, StoreError> {
        self.engine.prune_steps(before).await
    }

    /// Forgets the history, before a moment, of jobs that are over, and the users that have been
    /// gone from Webex for as long. For the start, before [`Store::load`]: nobody may be at work
    /// with those users.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn prune(&self, before: Moment) -> Result<Pruned, StoreError> {
        let users = self.engine.prune_users(before).await?;
        let steps = self.engine.prune_steps(before).await?;
        Ok(Pruned { steps, users })
    }
}

/// Where a decision leaves its verdict.
type Slot<T> = Arc<Mutex<Option<T>>>;

fn noted<T: Send + 'static>(
    decide: impl FnOnce(&Held) -> (T, Keep) + Send + 'static,
) -> (Decide, Slot<T>) {
    let slot = Arc::new(Mutex::new(None));
    let filled = Arc::clone(&slot);
    let decide = Box::new(move |held: Held| {
        let (verdict, keep) = decide(&held);
        *filled.lock().unwrap_or_else(PoisonError::into_inner) = Some(verdict);
        keep
    });
    (decide, slot)
}

fn verdict<T>(slot: &Slot<T>) -> Result<T, StoreError> {
    let verdict = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    verdict.ok_or_else(|| StoreError::Unexpected {
        detail: "a wish was decided without a verdict".to_owned(),
    })
}

async fn in_time<T>(
    asked: impl Future<Output = Result<T, StoreError>> + Send,
) -> Result<T, StoreError> {
    let answer = timeout(READ_PATIENCE, asked).await;
    answer.unwrap_or(Err(StoreError::Slow))
}
