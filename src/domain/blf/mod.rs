//! Busy lamp fields.
