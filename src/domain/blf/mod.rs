//! Busy lamp fields.

pub mod requirements;
