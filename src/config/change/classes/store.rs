//! The classes of the store: an open file is not changed for another.

use crate::config::Store;
use crate::config::change::At;
use crate::config::change::ChangeClass;
use crate::config::change::classes::compare;

pub(super) fn store(at: &mut At<'_>, old: &Store, new: &Store) {
    compare!(at, Store, old, new;
        Restart path "path",
        Live history "history",
    );
}
