//! What the edge decides about a request: target, route, policy, limits, headers.

pub mod absence;
pub mod affinity;
pub mod authority;
pub mod cors;
pub mod credential;
pub mod ending;
pub mod guessing;
pub mod head;
pub mod headers;
pub mod policy;
pub mod rates;
pub mod reason;
pub mod routes;
pub mod session;
pub mod slots;
pub mod target;
