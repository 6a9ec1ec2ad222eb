//! Who calls us: listeners, connections, HTTP routing, refusals.

pub mod admin;
pub mod bridge;
pub mod connection;
pub mod connections;
pub mod edge;
pub mod endpoints;
pub mod guard;
pub mod handshake;
pub mod hosts;
pub mod http;
pub mod listener;
mod pass;
pub mod passthrough;
pub mod peer;
pub mod plain;
pub mod recorder;
mod requests;
pub mod sessions;
mod supervise;
pub mod watch;
