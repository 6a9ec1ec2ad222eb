//! Who is calling, and why a handshake came to nothing.

pub mod handshake;
pub mod identity;
