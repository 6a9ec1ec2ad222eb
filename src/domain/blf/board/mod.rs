//! The board: all lines and all watchers, one machine.
//!
//! Work per event is proportional to the audience of its own line. A notice is made once for all
//! who may see the same; the worker renders each [`Notice`] once and shares the bytes.

mod lines;
mod lists;
mod machine;
mod offers;
mod slot;
mod sources;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

pub use machine::Board;

use crate::domain::blf::list::WatchList;
use crate::domain::blf::notice::Notification;
use crate::domain::blf::view::Lamp;
use crate::domain::blf::watcher::SessionId;
use crate::domain::blf::watcher::Wishes;
use crate::domain::events::document::Call;
use crate::domain::events::document::EventData;
use crate::domain::events::document::HookStatus;
use crate::domain::events::ids::SubscriptionId;
use crate::domain::events::ids::UserId;
use crate::domain::events::subscriptions::Scope;

/// The numbers of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// After the source was lost: how long states are kept in the hope that it comes back.
    pub grace: Duration,
    /// After it came back: how long a state may stand without being confirmed by a snapshot.
    pub confirm: Duration,
    /// How long a state may stand after an event was missed.
    pub doubt: Duration,
    /// A line about which nothing is known is asked for at this pace.
    pub ask_again: Duration,
    /// On hook beside a call: how long the two may contradict each other.
    pub reconcile: Duration,
    /// A call of this age is checked.
    pub stuck: Duration,
    /// Ringing of this age, without an event, is checked.
    pub ringing: Duration,
    /// How long the end of a call outlives news that were under way.
    pub tombstone: Duration,
    /// Talking and holding that change faster are told as one.
    pub debounce: Duration,
    /// How long an absent watcher's list is kept.
    pub linger: Duration,
    /// Open sessions of one watcher.
    pub sessions_per_watcher: usize,
    /// Open sessions in all.
    pub sessions: usize,
    /// Lines that nobody watches but a tapped stream tells of; 0: none is kept.
    pub passive_lines: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            grace: Duration::from_secs(30),
            confirm: Duration::from_secs(120),
            doubt: Duration::from_secs(5),
            ask_again: Duration::from_secs(60),
            reconcile: Duration::from_secs(5),
            stuck: Duration::from_secs(4 * 3_600),
            ringing: Duration::from_secs(180),
            tombstone: Duration::from_secs(30),
            debounce: Duration::from_millis(250),
            linger: Duration::from_secs(60),
            sessions_per_watcher: 8,
            sessions: 20_000,
            passive_lines: 0,
        }
    }
}

/// Where events come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub u64);

impl SourceId {
    /// Our own subscriptions. It is lost until [`Input::SourceBack`] says otherwise.
    pub const OWN: Self = Self(0);
}

/// A reading of a user's calls by Xsi-Actions. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FetchId(pub u64);

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The result of [`Action::FetchCalls`]; `None` when it failed.
    CallsFetched(FetchId, UserId, Option<Fetched>),
    /// An event, acknowledged and not seen before.
    Event(LineEvent),
    /// A user's calls should be read: his subscription gives no snapshot.
    Fetch(UserId),
    /// A watcher came.
    Joined {
        /// His session.
        session: SessionId,
        /// Who he is; the caller has checked that he may watch.
        watcher: UserId,
        /// What he wishes.
        wishes: Wishes,
    },
    /// A session ended.
    Left(SessionId),
    /// The watcher has no list (any more). A reading that merely failed is not told here.
    ListLost(UserId),
    /// A watcher's list was read.
    ListRead(UserId, WatchList),
    /// Events flow (again) from a source.
    SourceBack(SourceId),
    /// No event comes from a source.
    SourceLost {
        /// Which.
        source: SourceId,
        /// Whether it may come back by itself, so that states are kept for a while.
        returns: bool,
    },
    /// A subscription is over.
    SubscriptionLost(SubscriptionId, Scope),
    /// A monitored user does not exist, or is not for us.
    UserDeleted(UserId),
}

/// An event about one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineEvent {
    /// Whom it is about.
    pub user: UserId,
    /// Where it came from.
    pub source: SourceId,
    /// Its subscription.
    pub subscription: Option<SubscriptionId>,
    /// Its number.
    pub sequence: Option<u32>,
    /// Whether the numbers are those of this line alone.
    pub scope: Scope,
    /// What happened.
    pub data: EventData,
}

/// A user's calls, read by Xsi-Actions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// All of them.
    pub calls: Vec<Call>,
    /// The receiver.
    pub hook: Option<HookStatus>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Read a user's calls by Xsi-Actions now; events from now on go before what it says.
    FetchCalls(FetchId, UserId),
    /// A lamp changed; for metrics and logs.
    Lamp {
        /// Whose.
        user: UserId,
        /// Before.
        from: Lamp,
        /// Now.
        to: Lamp,
    },
    /// Tell sessions.
    Notify(Notice),
    /// Read a watcher's list, now and then again until he is dropped.
    ReadList(UserId),
    /// The state of a line is in doubt: refresh its subscription.
    Refresh(UserId),
    /// A session cannot be taken.
    Refuse(SessionId, Refusal),
    /// A watcher's list is no longer needed.
    StopList(UserId),
    /// Nobody watches the user any more.
    Unwant(UserId),
    /// Somebody watches the user.
    Want(UserId),
}

/// One notification and who hears it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Grows by at least one from notice to notice of the whole board.
    pub id: u64,
    /// Who hears it.
    pub to: Arc<[SessionId]>,
    /// What.
    pub body: Arc<Notification>,
}

/// Why a session is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// [`Rules::sessions`] are open.
    TooManySessions,
    /// [`Rules::sessions_per_watcher`] are open.
    TooManySessionsOfWatcher,
}
