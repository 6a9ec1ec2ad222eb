//! Who is calling, why a handshake came to nothing, what our tokens and Cisco's say, and how our
//! keys live.

pub mod ci;
pub mod handshake;
pub mod identity;
pub mod keys;
pub mod shape;
pub mod strict_json;
pub mod token;
