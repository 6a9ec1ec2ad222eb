//! Listeners, their hosts and limits.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::Bridge;
use crate::config::ClientCertificates;
use crate::config::Group;
use crate::config::IdentityMode;
use crate::config::ListenerKind;
use crate::config::PostQuantum;
use crate::config::TlsVersion;
use crate::config::model::provisioning::lets_in;
use crate::config::secret::SecretRef;

/// One listener: some addresses with one set of rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Listener {
    /// Name used in logs and metrics.
    pub name: String,
    /// Terminating or passing through.
    pub kind: ListenerKind,
    /// Addresses to bind; an IPv6 address is bound for IPv6 only.
    pub addresses: Vec<SocketAddr>,
    /// Plain HTTP without TLS, only when the operator says so.
    pub plaintext: bool,
    /// Whether HTTP/2 is offered by ALPN.
    pub http2: bool,
    /// TLS parameters shared by the hosts.
    pub tls: TlsParameters,
    /// Hosts by server name. For `passthrough`, see `passthrough`.
    pub hosts: Vec<Host>,
    /// SNI patterns and their targets, for the kind `passthrough`.
    pub passthrough: Vec<PassthroughTarget>,
    /// The XSPs and the way to them, for the kind `cti` and for no other.
    pub bridge: Option<Bridge>,
    /// Networks that may call, for the kind `provisioning`; empty: all.
    pub allow: Vec<ipnet::IpNet>,
    /// Limits of every connection.
    pub limits: Limits,
}

impl Listener {
    /// Whether TLS ends on this listener.
    #[must_use]
    pub const fn terminates_tls(&self) -> bool {
        match self.kind {
            ListenerKind::Cti | ListenerKind::Provisioning => true,
            ListenerKind::Http => !self.plaintext,
            ListenerKind::Passthrough => false,
        }
    }

    /// Whether a call from this address is let in, as far as the listener says who may call.
    #[must_use]
    pub fn lets_in(&self, address: IpAddr) -> bool {
        lets_in(&self.allow, address)
    }
}

/// Where a passed-through connection goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassthroughTarget {
    /// Server names, lower case; `*.example.com` matches one label; `*` matches all and no name.
    pub names: Vec<String>,
    /// `host:port` of each upstream; tried in order starting at the least used.
    pub upstreams: Vec<String>,
    /// Time limit of the TCP connect.
    pub connect_timeout: Duration,
}

/// TLS parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsParameters {
    /// Lowest version spoken.
    pub minimum: TlsVersion,
    /// Cipher suites in server order, already resolved to rustls' own.
    pub suites: Vec<rustls::CipherSuite>,
    /// Classical groups in order.
    pub groups: Vec<Group>,
    /// Where the hybrid group stands.
    pub post_quantum: PostQuantum,
}

/// Rules for client certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientAuth {
    /// Whether a certificate is asked for.
    pub certificates: ClientCertificates,
    /// Name of the trust set; always present unless `certificates` is `None`.
    pub trust: Option<String>,
    /// Identities let in, lower case.
    pub identities: Vec<String>,
    /// What an unlisted identity gets.
    pub mode: IdentityMode,
    /// Refuse a leaf without the clientAuth purpose (rustls alone would accept one without EKU).
    pub require_eku: bool,
}

/// One server name (or several) with its certificates and rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Server names, lower case; `*.example.com` matches one label; `*` is the default host.
    pub names: Vec<String>,
    /// Certificates; the first whose key type the client supports is presented.
    /// Empty: a self-signed one is generated and kept in the state directory.
    pub certificates: Vec<CertificateFiles>,
    /// Rules for client certificates.
    pub client_auth: ClientAuth,
    /// Names of the routes served.
    pub routes: Vec<String>,
}

/// A certificate chain and its key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CertificateFiles {
    /// PEM file: leaf first, then intermediates.
    pub chain: PathBuf,
    /// Private key, PKCS#8, PKCS#1 or SEC1 PEM.
    pub key: SecretRef,
}

/// Limits of one listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Time for the TLS hello and handshake together.
    pub handshake_timeout: Duration,
    /// Time from the first byte of a request head to its end, and for the first request at all.
    pub header_timeout: Duration,
    /// Size of a request head in bytes.
    pub header_bytes: usize,
    /// Number of header fields.
    pub header_count: usize,
    /// Size of a request body in bytes.
    pub body_bytes: u64,
    /// Longest pause between two pieces of a request body; all together may last as long, and a
    /// second longer for each 500 bytes.
    pub body_timeout: Duration,
    /// Longest wait between requests on a kept connection.
    pub idle_timeout: Duration,
    /// Connections on this listener at once.
    pub connections: usize,
    /// Connections from one peer address at once.
    pub connections_per_address: usize,
    /// Request bodies that one client address may be sending at once. Each holds a connection to
    /// the XSP, so a slow sender must not get them all.
    pub uploads_per_address: usize,
    /// Concurrent HTTP/2 streams of one connection.
    pub http2_streams: u32,
}
