//! Who is calling, why a handshake came to nothing, and what AuthService decides.

pub mod access;
pub mod answer;
pub mod backoff;
pub mod handshake;
pub mod identity;
pub mod parameters;
pub mod standing;
pub mod validation;
