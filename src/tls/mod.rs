//! All of rustls: provider, key material, client verification, server configurations.

pub mod authority;
pub mod challenge;
pub mod client;
pub mod error;
pub mod host;
pub mod issue;
pub mod pem;
pub mod probe;
pub mod provider;
pub mod said;
pub mod trust;
pub mod verify;
pub mod web;

pub use error::TlsError;
