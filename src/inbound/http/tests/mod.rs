//! The front against scripted upstreams on real sockets, asked directly and through hyper.

mod auth_service;
mod browsers;
mod limits;
mod log;
mod refusals;
mod relay;
mod setup;
mod swap;
