//! All of rustls.

pub mod client;
