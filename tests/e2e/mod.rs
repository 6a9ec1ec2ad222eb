//! The real daemon over real sockets.

mod drain;
mod input;
mod live;
mod mtls;
mod operator;
mod passthrough;
mod relay;
mod stage;
