//! The store.

use std::path::Path;
use std::time::Duration;

use crate::config::Store;
use crate::config::check::at::At;
use crate::config::check::rules::Bounds;
use crate::config::raw;
use crate::config::values;

/// Below the state directory.
const FILE: &str = "xspd.db";

const DAY: u64 = 24 * 60 * 60;

/// A support case is opened within weeks; personal data is kept for no longer than it serves.
const HISTORY: Bounds<Duration> = Bounds {
    default: Duration::from_secs(90 * DAY),
    low: Duration::from_secs(DAY),
    high: Duration::from_secs(3_650 * DAY),
};

pub(super) fn store(at: &At<'_>, raw: Option<&raw::Store>, state_dir: &Path) -> Store {
    let path = raw.and_then(|raw| raw.path.as_deref());
    let history = raw.and_then(|raw| raw.history.as_ref());
    Store {
        path: at
            .text("path", path, values::path)
            .unwrap_or_else(|| state_dir.join(FILE)),
        history: at.duration("history", history, &HISTORY),
    }
}
