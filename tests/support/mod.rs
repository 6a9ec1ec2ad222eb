//! What end-to-end tests stand on: the real binary, real sockets, certificates minted on the spot.

pub(crate) mod accepting;
pub(crate) mod client;
pub(crate) mod daemon;
pub(crate) mod event_xsp;
pub(crate) mod lab;
pub(crate) mod openapi;
pub(crate) mod pebble;
pub(crate) mod pki;
pub(crate) mod process;
pub(crate) mod upstream;
pub(crate) mod verb;
pub(crate) mod wire;

use std::time::Duration;

/// Longest wait for anything on loopback. Generous, because it only decides how long a failing
/// test takes; a passing one never waits for it.
pub(crate) const BOUND: Duration = Duration::from_secs(20);
