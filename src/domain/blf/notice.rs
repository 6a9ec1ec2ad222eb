//! What watchers are told. Plain values that serialise to the JSON of the API; the same value goes
//! to every watcher who may see the same.

use serde::Serialize;

use crate::domain::blf::view::Lamp;
use crate::domain::blf::view::WebexLamp;
use crate::domain::events::document::CallState;
use crate::domain::events::document::HookStatus;
use crate::domain::events::document::Party;
use crate::domain::events::document::Personality;
use crate::domain::events::ids::CallId;
use crate::domain::events::ids::TrackingId;
use crate::domain::events::ids::UserId;

/// Something that a watcher is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Notification {
    /// A call may be picked up.
    Offer(Offer),
    /// Everything: all lines and lit offers. What was told before no longer counts.
    Snapshot(Snapshot),
    /// All of one line.
    State(LineState),
    /// An offer is over.
    Withdraw(Withdraw),
}

impl Notification {
    /// The word of metrics and event streams.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Offer(_) => "offer",
            Self::Snapshot(_) => "snapshot",
            Self::State(_) => "state",
            Self::Withdraw(_) => "withdraw",
        }
    }
}

/// All of one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct LineState {
    /// Whose line.
    pub user: UserId,
    /// His name, as the list told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Box<str>>,
    /// His number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<Box<str>>,
    /// His extension.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extension: Option<Box<str>>,
    /// The full view.
    pub full: Lamp,
    /// The view of the Webex app.
    pub webex_compatible: WebexLamp,
    /// Calls that count.
    pub calls: Vec<CallView>,
    /// Who is parked against the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parked: Option<Party>,
    /// Whether Do Not Disturb is on, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub do_not_disturb: Option<bool>,
    /// The receiver, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hook: Option<HookStatus>,
}

/// One call of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct CallView {
    /// Its name.
    pub call: CallId,
    /// Which side the line is on.
    pub personality: Personality,
    /// How it stands.
    pub state: CallState,
    /// Milliseconds since 1970, BroadWorks' clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<u64>,
    /// Milliseconds since 1970, BroadWorks' clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered: Option<u64>,
    /// The other side, where it may be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote: Option<Party>,
}

/// A call that may be picked up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Offer {
    /// Its name; [`Withdraw`] repeats it.
    pub offer: u64,
    /// Where it rings.
    pub user: UserId,
    /// Number to pick up from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<Box<str>>,
    /// Extension to pick up from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extension: Option<Box<str>>,
    /// The call.
    pub call: CallId,
    /// What all its legs share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracking: Option<TrackingId>,
    /// Milliseconds since 1970, BroadWorks' clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<u64>,
    /// The caller, where it may be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller: Option<Party>,
}

/// An offer is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Withdraw {
    /// Its name.
    pub offer: u64,
    /// Where it rang.
    pub user: UserId,
    /// Why.
    pub reason: WithdrawReason,
}

/// Why an offer is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WithdrawReason {
    /// The line answered.
    AnsweredByLine,
    /// The call went elsewhere.
    Forwarded,
    /// The line left the watcher's list.
    ListChanged,
    /// Somebody picked it up, or answered at another line.
    PickedUp,
    /// The caller gave up, or it was declined.
    Released,
    /// Nothing certain is known of the line any more.
    SourceLost,
    /// The watcher left.
    WatcherLeft,
}

impl WithdrawReason {
    /// Every reason.
    pub const ALL: [Self; 7] = [
        Self::AnsweredByLine,
        Self::Forwarded,
        Self::ListChanged,
        Self::PickedUp,
        Self::Released,
        Self::SourceLost,
        Self::WatcherLeft,
    ];

    /// The word of metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AnsweredByLine => "answered-by-line",
            Self::Forwarded => "forwarded",
            Self::ListChanged => "list-changed",
            Self::PickedUp => "picked-up",
            Self::Released => "released",
            Self::SourceLost => "source-lost",
            Self::WatcherLeft => "watcher-left",
        }
    }

    /// Whether somebody talks to the caller now, so that no other leg is worth an offer.
    pub(super) const fn is_answered(self) -> bool {
        match self {
            Self::AnsweredByLine | Self::PickedUp => true,
            Self::Forwarded
            | Self::ListChanged
            | Self::Released
            | Self::SourceLost
            | Self::WatcherLeft => false,
        }
    }
}

/// Everything that a watcher sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Snapshot {
    /// The watcher.
    pub watcher: UserId,
    /// Whether his list is known; an empty one may be not yet read.
    pub list_known: bool,
    /// Whether it has more lines than the Webex app shows.
    pub long_list: bool,
    /// His lines in the order of the keys.
    pub lines: Vec<LineState>,
    /// Offers that are lit for him.
    pub offers: Vec<Offer>,
}
