//! Whom we call: the pools of XSPs and ADPs, and the Application Server.
//!
//! A small HTTP/1.1 client of our own on hyper's connection type, because the relay path needs
//! four things together that no ready pool has: no reuse after the XSP's short keep-alive, a
//! request that was never sent is told apart from one that may have been carried out, no task and
//! no timer per request, and a connection that goes back by itself when the answer has passed.
//!
//! * [`Pools`] and [`Pool`]: by name, built from the configuration; [`Pool::send`] relays a request.
//! * `upstream`: one XSP, its idle connections, counters and health as last announced.
//! * `connection`: one connection, driven by whoever waits for it.
//! * `connect`: address, TCP, TLS.
//! * [`UpstreamBody`]: the streamed answer; `direct` and `chunks` read one that may last for weeks.
//! * [`alerts`]: sinks that tell people and their systems of alarms.
//! * [`broadworks::ocip`]: the Application Server over OCI-P.
//! * [`bridge`]: the CTI interfaces of the XSPs, for bytes.
//! * [`web`]: a second, smaller client for the few calls to services on the Internet.
//! * [`webex`]: what Webex is asked through it.
//! * [`webhook`]: signed notifications of busy lamps.
//!
//! Health checks are started by `workers::upstream_health`.

pub mod alerts;
mod body;
pub mod bridge;
pub mod broadworks;
mod check;
mod chunks;
mod connect;
mod connection;
mod direct;
mod error;
mod pool;
mod pools;
mod request;
mod standing;
mod stream;
#[cfg(test)]
pub(crate) mod tests;
mod upstream;
pub mod web;
pub mod webex;
pub mod webhook;

pub use body::ReadError;
pub use body::UpstreamBody;
pub use body::UpstreamBodyError;
pub use body::read_capped;
pub use connect::keep_alive;
pub(crate) use error::Causes;
pub use error::OutboundError;
pub use error::SendFailure;
pub use pool::Aim;
pub use pool::Pool;
pub use pool::SendPlan;
pub use pool::Sent;
pub use pools::Pools;
pub use stream::Stream;
pub use upstream::Upstream;
