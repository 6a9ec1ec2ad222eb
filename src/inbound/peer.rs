//! What is known of the other end of one connection, once its handshake is done.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::domain::auth::identity::Caller;

/// One connection's other end. Shared by all its requests.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// Name of the listener.
    pub listener: Arc<str>,
    /// TLS facts; `None` on a plaintext listener.
    pub tls: Option<TlsFacts>,
    /// The verified client certificate's owner.
    pub caller: Option<Caller>,
}

/// What the handshake settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFacts {
    /// Server name asked for, lower case; absent when the client sent none.
    pub server_name: Option<String>,
    /// Negotiated version, as in `TLSv1_3`.
    pub version: &'static str,
}
