//! Who calls us: listeners, connections, HTTP routing, refusals.

pub mod http;
pub mod peer;
