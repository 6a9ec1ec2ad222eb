//! What xspd answers itself instead of relaying it.

pub mod alarms;
pub mod auth_service;
pub mod blf;
pub mod events;
pub mod operations;
pub mod provisioning;
