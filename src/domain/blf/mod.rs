//! Busy lamp fields.

pub mod reading;
