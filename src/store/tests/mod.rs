//! The store on a real file.

mod alarms;
pub(super) mod conformance;
pub(super) mod made;
mod on_sqlite;
