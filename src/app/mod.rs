//! Wiring: the only room that knows all rooms.

pub mod application_server;
pub mod build;
mod certs;
pub mod drain;
pub mod error;
mod left;
pub mod logging;
pub mod material;
mod observed;
pub mod operations;
pub mod provisioning;
pub mod reload;
pub mod run;
mod urls;
mod wire;

pub use error::AppError;
pub use run::Daemon;
