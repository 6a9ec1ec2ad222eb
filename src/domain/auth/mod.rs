//! Who is calling, why a handshake came to nothing, and what Cisco says of its users.

pub mod ci;
pub mod handshake;
pub mod identity;
pub mod shape;
pub mod strict_json;
