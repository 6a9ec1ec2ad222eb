//! The real daemon over real sockets.

mod broadworks_ocip;
mod drain;
mod input;
mod lab;
mod live;
mod mtls;
mod operator;
mod passthrough;
mod recorder;
mod relay;
mod stage;
