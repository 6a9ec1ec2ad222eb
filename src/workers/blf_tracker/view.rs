//! What the board shows to operators and the API: plain structs in kebab-case JSON.

use serde::Serialize;

pub use crate::domain::blf::notice::LineState;
pub use crate::domain::blf::view::Lamp;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct LineView {
    /// How it stands, in both views.
    #[serde(flatten)]
    pub state: LineState,
    /// Who watches it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub watchers: Vec<String>,
}

/// One watcher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct WatcherView {
    /// Its user id.
    pub user: String,
    /// Whether its list was ever read.
    pub list_known: bool,
    /// Its lines in the order of its list; empty where many watchers are listed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LineState>,
    /// Readers of its notices.
    pub readers: usize,
    /// Offers that stand.
    pub offers: usize,
}

/// A source of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SourceView {
    /// Name of the XSP.
    pub upstream: String,
    /// How our channel there stands: up, opening, waiting or stopped.
    pub state: &'static str,
    /// The channel's id while it is up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Seconds in this state.
    pub age_seconds: u64,
    /// Seconds since the last document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_document_seconds: Option<u64>,
    /// Why the last channel was lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_loss: Option<&'static str>,
    /// What an operator must look at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<&'static str>,
}

/// Numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Counts {
    /// Lines tracked.
    pub lines: usize,
    /// Lines by lamp of the full view.
    pub lamps: Vec<(Lamp, usize)>,
    /// Watchers tracked.
    pub watchers: usize,
    /// Readers of notices.
    pub readers: usize,
    /// Subscriptions wanted.
    pub subscriptions_wanted: usize,
    /// Subscriptions that exist.
    pub subscriptions_up: usize,
}

/// Everything at a glance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct BoardView {
    /// Sources.
    pub sources: Vec<SourceView>,
    /// Numbers.
    pub counts: Counts,
    /// Lines that are not idle, by user id.
    pub lines: Vec<LineView>,
}
