//! The pools against small fakes on real sockets.

pub(crate) mod fake;
mod lasting;
mod limits;
mod pools;
mod relay;
mod retry;
pub(crate) mod setup;
mod tls;
