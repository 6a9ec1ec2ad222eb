//! Busy lamp fields.

pub mod outbox;
pub mod requirements;
