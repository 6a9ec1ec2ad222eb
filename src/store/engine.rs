//! What a database engine does for the store. SQLite is one; a farm will have another.
//!
//! An engine knows tables and transactions and decides nothing: what to write is worked out between
//! its reading and its writing, by `batch`.

use futures_util::future::BoxFuture;

use crate::domain::provisioning::ids::ClusterName;
use crate::domain::provisioning::ids::EnterpriseKey;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::UserKey;
use crate::domain::provisioning::intake::Held;
use crate::domain::provisioning::record::EnterpriseRecord;
use crate::domain::provisioning::record::Step;
use crate::store::StoreError;
use crate::store::query::AttentionGroup;
use crate::store::query::Cursor;
use crate::store::query::Filter;
use crate::store::query::Page;
use crate::store::query::StateCount;
use crate::store::query::UserRecord;

/// What has to be known before something about a user can be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The user.
    pub user: UserKey,
    /// The enterprise that is wished for; `None`: the one that the user is in.
    pub enterprise: Option<EnterpriseKey>,
    /// An e-mail address, in lower case, that no other user may have.
    pub email: Option<String>,
}

impl Ask {
    /// About a user, whatever enterprise it is in.
    #[must_use]
    pub const fn about(user: UserKey) -> Self {
        Self {
            user,
            enterprise: None,
            email: None,
        }
    }

    /// The address, with the cluster in which it must be the only one.
    pub(super) fn address(&self) -> Option<(ClusterName, String)> {
        Some((self.user.cluster.clone(), self.email.clone()?))
    }
}

/// What one transaction writes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delta {
    /// Each user once.
    pub users: Vec<UserWrite>,
    /// Each enterprise once.
    pub enterprises: Vec<EnterpriseRecord>,
    /// In their order; each of a user that is held or in `users`.
    pub steps: Vec<Step>,
}

impl Delta {
    /// Whether there is nothing to write.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.users.is_empty() && self.enterprises.is_empty() && self.steps.is_empty()
    }
}

/// A user as it is to be kept, and which halves of it are new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserWrite {
    /// Both halves.
    pub record: UserRecord,
    /// Whether the wish is new.
    pub wish: bool,
    /// Whether the job is.
    pub job: bool,
    /// When it changed.
    pub updated: Moment,
}

/// From what is held, one answer per question in their order, to what is written.
pub type Plan<'a> = Box<dyn FnOnce(Vec<Result<Held, StoreError>>) -> Delta + Send + 'a>;

/// A visitor of every user.
pub type Visit<'a> = dyn FnMut(UserRecord) + Send + 'a;

/// Tables and transactions.
pub trait Engine: Send + Sync + 'static {
    /// Reads what is asked, lets `plan` decide, and writes what it says: all of it or nothing, and
    /// durable when this returns.
    fn transact<'a>(
        &'a self,
        asks: Vec<Ask>,
        plan: Plan<'a>,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Shows every user that is not at its end, or every user, one after the other. Returns how
    /// many records could not be read.
    fn each<'a>(
        &'a self,
        open_only: bool,
        visit: &'a mut Visit<'_>,
    ) -> BoxFuture<'a, Result<u64, StoreError>>;

    /// A part of a list; `limit` is at least 1.
    fn page<'a>(
        &'a self,
        filter: &'a Filter,
        after: Option<&'a Cursor>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Page, StoreError>>;

    /// One user.
    fn user<'a>(
        &'a self,
        key: &'a UserKey,
    ) -> BoxFuture<'a, Result<Option<UserRecord>, StoreError>>;

    /// The newest steps of a user, oldest first.
    fn history<'a>(
        &'a self,
        key: &'a UserKey,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Step>, StoreError>>;

    /// One enterprise, or what can be told of it by a user whom Webex named it for.
    fn enterprise<'a>(
        &'a self,
        key: &'a EnterpriseKey,
    ) -> BoxFuture<'a, Result<Option<EnterpriseRecord>, StoreError>>;

    /// All enterprises, and what can be told of those that Webex named, in the same order.
    fn customers(&self) -> BoxFuture<'_, Result<Vec<EnterpriseRecord>, StoreError>>;

    /// All enterprises, in the order of cluster and name, and how many could not be read.
    fn enterprises(&self) -> BoxFuture<'_, Result<(Vec<EnterpriseRecord>, u64), StoreError>>;

    /// Users that wait for someone, in groups.
    fn attention(&self) -> BoxFuture<'_, Result<Vec<AttentionGroup>, StoreError>>;

    /// How many users are in each state; states without users are left out.
    fn counts(&self) -> BoxFuture<'_, Result<Vec<StateCount>, StoreError>>;

    /// Forgets the history, before a moment, of jobs that are over.
    fn prune_steps(&self, before: Moment) -> BoxFuture<'_, Result<u64, StoreError>>;

    /// Forgets users that have been gone from Webex since before a moment, and all their history.
    fn prune_users(&self, before: Moment) -> BoxFuture<'_, Result<u64, StoreError>>;

    /// Ends it in order; whatever is asked afterwards fails.
    fn close(&self) -> BoxFuture<'_, ()>;
}
