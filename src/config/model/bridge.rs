//! The bridge of a CTI listener: the XSPs behind it and how they are spoken to.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::CertificateFiles;
use crate::config::UpstreamTls;

/// Where the sessions of a CTI listener go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bridge {
    /// The XSPs; the one with the least sessions is taken.
    pub upstreams: Vec<BridgeUpstream>,
    /// TLS towards them, or plain TCP.
    pub tls: Option<BridgeTls>,
    /// Time limit of TCP connect and TLS handshake, each.
    pub connect_timeout: Duration,
    /// A session on which nothing moves for longer is ended.
    pub idle_timeout: Duration,
    /// Sessions at once.
    pub sessions: usize,
    /// Sessions from one peer address at once.
    pub sessions_per_address: usize,
    /// How long no session may be open before the log says so.
    pub absence_warning: Duration,
}

/// The CTI interface of one XSP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BridgeUpstream {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// TLS towards the XSPs of a bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BridgeTls {
    /// PEM file with the CA certificates that may sign them; absent only with pins.
    pub ca: Option<PathBuf>,
    /// SHA-256 of the SubjectPublicKeyInfo, any of which must match when not empty.
    pub pins: Vec<[u8; 32]>,
    /// Name sent as SNI and checked in the certificate; absent: the host of each upstream.
    pub server_name: Option<String>,
    /// Our certificate for them.
    pub client_certificate: Option<CertificateFiles>,
}

impl BridgeUpstream {
    /// `host:port`, as logs and lists show it.
    #[must_use]
    pub fn address(&self) -> String {
        let Self { host, port } = self;
        if host.contains(':') {
            format!("[{host}]:{port}")
        } else {
            format!("{host}:{port}")
        }
    }
}

impl BridgeTls {
    /// The same in the form that pools have, towards one host.
    #[must_use]
    pub fn towards(&self, host: &str) -> UpstreamTls {
        UpstreamTls {
            ca: self.ca.clone(),
            pins: self.pins.clone(),
            server_name: self.server_name.clone().unwrap_or_else(|| host.to_owned()),
            client_certificate: self.client_certificate.clone(),
        }
    }
}
