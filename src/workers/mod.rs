//! What goes on by itself.

pub mod auth_desk;
pub mod ci;
pub mod drive;
pub mod event_hub;
pub mod file_watch;
pub mod upstream_health;
