//! Who is calling, why a handshake came to nothing, and our tokens and keys.

pub mod ci;
pub mod handshake;
pub mod identity;
pub mod keys;
pub mod strict_json;
pub mod token;
