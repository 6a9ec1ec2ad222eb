//! Who is calling, why a handshake came to nothing, what our tokens say, how their keys live, and
//! what AuthService decides.

pub mod access;
pub mod answer;
pub mod backoff;
pub mod handshake;
pub mod identity;
pub mod keys;
pub mod parameters;
pub mod standing;
mod strict_json;
pub mod token;
pub mod validation;
