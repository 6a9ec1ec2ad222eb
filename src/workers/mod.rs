//! What goes on by itself.

pub mod auth_desk;
pub mod blf_tracker;
pub mod ci;
pub mod drive;
pub mod file_watch;
pub mod upstream_health;
