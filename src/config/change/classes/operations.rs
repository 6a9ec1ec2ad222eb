//! The classes of what operators may do: what is under way keeps what it began with.

use crate::config::Operations;
use crate::config::change::At;
use crate::config::change::ChangeClass;
use crate::config::change::classes::compare;

pub(super) fn allowed(at: &mut At<'_>, old: &Operations, new: &Operations) {
    compare!(at, Operations, old, new;
        Live operator_token "operator-token",
        Live reconcile_nightly "reconcile-nightly",
        Live reconcile_hour "reconcile-hour",
        Live reconcile_pause "reconcile-pause",
        Live stuck_after "stuck-after",
    );
}
