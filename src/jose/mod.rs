//! Tokens and keys as JOSE writes them: JWS to sign and verify, JWE to hand a token to a client,
//! JWK for keys. Pure computation on aws-lc-rs: no files, no clock, no network.
//!
//! The reading is strict on purpose: what is ambiguous (duplicate members, base64 that is not
//! canonical, keys named by the token itself) is refused, never repaired.

mod base64url;
mod client_key;
mod der;
mod error;
mod jwe;
mod jws;
mod numbers;
mod ring;
mod signing;
mod transfer;

pub use client_key::ClientKey;
pub use client_key::ClientKeyFault;
pub use error::JoseError;
pub use error::KeysNotReady;
pub use jwe::KeyWrap;
pub use jwe::encrypt;
pub use ring::KeyRing;
pub use signing::SigningKey;
pub use signing::VerifyingKey;
pub use transfer::Opening;
pub use transfer::Sealing;
pub use transfer::TransferFault;
pub use transfer::open_keys;
pub use transfer::private_key;
pub use transfer::seal_keys;

#[cfg(test)]
mod tests;
