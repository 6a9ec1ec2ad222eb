//! What goes on by itself.

pub mod drive;
pub mod upstream_health;
