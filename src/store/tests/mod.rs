//! The store on a real file.

pub(super) mod conformance;
pub(super) mod made;
mod on_sqlite;
