//! Wiring: the only room that knows all rooms.

pub mod alarms;
pub mod application_server;
pub mod build;
mod certificates;
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
mod sockets;
mod urls;
mod watchers;
mod wire;

pub use error::AppError;
pub use run::Daemon;
