//! The store, as written.

use crate::config;
use crate::config::raw;
use crate::config::write::time;

pub(super) fn store(store: &config::Store) -> raw::Store {
    let config::Store { path, history } = store;
    raw::Store {
        path: Some(path.display().to_string()),
        history: time(*history),
    }
}
