//! The OCI-P interface over real sockets.

mod faults;
mod framing;
mod logins;
mod messaging;
mod people;
mod system;
mod verification;
mod wire;
