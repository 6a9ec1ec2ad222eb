//! What the edge decides about a request: target, route, policy, limits, headers.

pub mod authority;
pub mod policy;
pub mod reason;
pub mod routes;
pub mod target;
