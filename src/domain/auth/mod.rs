//! Who is calling, and why a handshake came to nothing.

pub mod ci;
pub mod handshake;
pub mod identity;
