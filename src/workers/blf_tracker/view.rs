//! What the board shows to operators and the API: plain structs in kebab-case JSON.

use serde::Serialize;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct LineView {
    /// Its user id.
    pub user: String,
    /// Name as the lists have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Extension or number as the lists have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
    /// The lamp, full view: unknown, idle, ringing, ringing-busy, on-call, held or busy.
    pub lamp: &'static str,
    /// Calls that count.
    pub calls: usize,
    /// Whether do-not-disturb is on, as far as known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub do_not_disturb: Option<bool>,
    /// Whether a call is parked against it.
    pub parked: bool,
    /// How many watch it.
    pub watchers: usize,
}

/// One watcher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct WatcherView {
    /// Its user id.
    pub user: String,
    /// How its list stands.
    pub list: ListState,
    /// Its lines in the order of its list.
    pub lines: Vec<String>,
    /// Readers of its notices.
    pub readers: usize,
    /// Offers that stand.
    pub offers: usize,
}

/// How a list stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ListState {
    /// It was read.
    Read,
    /// It was read once, but not the last time.
    Stale,
    /// It was never read.
    Unread,
}

/// A source of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SourceView {
    /// Name of the XSP.
    pub upstream: String,
    /// up, opening, waiting or stopped; `passive` for the tap of relayed streams.
    pub state: &'static str,
    /// The channel's id while it is up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Seconds in this state.
    pub age_seconds: u64,
    /// Seconds since the last document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_event_seconds: Option<u64>,
    /// Why the last channel was lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_loss: Option<String>,
}

/// Numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Counts {
    /// Lines tracked.
    pub lines: usize,
    /// Lines whose state is unknown.
    pub unknown: usize,
    /// Watchers tracked.
    pub watchers: usize,
    /// Readers of notices.
    pub readers: usize,
    /// Subscriptions wanted.
    pub subscriptions_wanted: usize,
    /// Subscriptions that exist.
    pub subscriptions_up: usize,
    /// Offers that stand.
    pub offers: usize,
}

/// Everything at a glance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct BoardView {
    /// Sources.
    pub sources: Vec<SourceView>,
    /// Numbers.
    pub counts: Counts,
    /// Lines that are not idle.
    pub lines: Vec<LineView>,
}
