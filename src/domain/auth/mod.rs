//! Who is calling, why a handshake came to nothing, what our tokens and Cisco's say, how our keys
//! live, and what AuthService decides.

pub mod access;
pub mod answer;
pub mod backoff;
pub mod ci;
pub mod handshake;
pub mod identity;
pub mod keys;
pub mod parameters;
pub mod shape;
pub mod standing;
pub mod strict_json;
pub mod token;
pub mod validation;
