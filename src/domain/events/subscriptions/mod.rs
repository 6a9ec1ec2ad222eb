//! Our own subscriptions: what is wanted against what exists (Xsi-Events field page, 2 and 4.3).
//!
//! One subscription per monitored user, or, above a configured number of users, one per configured
//! collection (service provider, group, system). Requests are paced, so that a start is no storm.

mod entry;
mod machine;
mod wants;
mod work;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use machine::Subscriptions;

use crate::domain::events::ids::SubscriptionId;
use crate::domain::events::ids::UserId;

/// The numbers of the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Requests per second, all kinds together.
    pub per_second: u32,
    /// Requests under way at once.
    pub at_once: usize,
    /// Seconds of life asked for.
    pub expires: u32,
    /// Users above which collections are subscribed instead; `None`: never.
    pub collections_above: Option<usize>,
    /// The collections, which together must hold every monitored user.
    pub collections: Vec<Collection>,
    /// How long a request may be without its result before it counts as failed.
    pub patience: Duration,
    /// Refreshes of one user wait so long for others to join.
    pub coalesce: Duration,
    /// Time between two refreshes of one user that were asked for.
    pub refresh_pause: Duration,
    /// Pause after a target was denied to us.
    pub denied_pause: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            per_second: 20,
            at_once: 16,
            expires: 86_400,
            collections_above: None,
            collections: Vec::new(),
            patience: Duration::from_secs(15),
            coalesce: Duration::from_secs(1),
            refresh_pause: Duration::from_secs(30),
            denied_pause: Duration::from_secs(300),
        }
    }
}

/// Several users at once. No initial event comes for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Collection {
    /// A group of a service provider or enterprise.
    Group {
        /// Service provider or enterprise.
        provider: Box<str>,
        /// Group.
        group: Box<str>,
    },
    /// A service provider or enterprise.
    ServiceProvider(Box<str>),
    /// Everybody.
    System,
}

/// What a subscription is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// Several users.
    Collection(Collection),
    /// One user.
    User(UserId),
}

impl Target {
    /// What its events are.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        match self {
            Self::Collection(_) => Scope::Collection,
            Self::User(_) => Scope::User,
        }
    }
}

/// Whether events of a subscription are about one user, in order and without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Numbers of several users are mixed; there is no snapshot.
    Collection,
    /// One user: a gap means loss, a refresh gives a snapshot.
    User,
}

/// A request, so that its result finds home. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The result of [`Action::Create`].
    Created(Ticket, Result<Granted, Fault>),
    /// The state of a user is in doubt.
    Refresh(UserId),
    /// Events flow (again).
    SourceBack,
    /// No event can come.
    SourceLost,
    /// The server ended a subscription.
    Terminated(SubscriptionId),
    /// A user is no longer wanted.
    Unwant(UserId),
    /// The result of [`Action::Update`]: the new `expires`.
    Updated(Ticket, Result<Option<u32>, Fault>),
    /// A user is wanted.
    Want(UserId),
}

/// A subscription that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// Its id.
    pub id: SubscriptionId,
    /// Seconds of life granted.
    pub expires: Option<u32>,
}

/// Why a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// 401 or 403 at creation: not allowed.
    Denied,
    /// No usable answer, 409, 5xx: worth another try.
    Failed,
    /// 404 at creation: no such target. 403, 404 or 410 at an update: the subscription is gone.
    Gone,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Subscribe.
    Create(Ticket, Target),
    /// End a subscription; the result does not matter.
    Delete(SubscriptionId),
    /// Read a user's calls by Xsi-Actions: his subscription gives no snapshot.
    Fetch(UserId),
    /// A subscription is over; its lines know nothing until they hear anew.
    Lost(SubscriptionId, Scope),
    /// No such user, or not for us: his line stays unknown.
    Refused(Target, Fault),
    /// Longer life, and for a user a new snapshot.
    Update(Ticket, SubscriptionId, u32),
}
