//! Listeners and their hosts as written.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::config::ClientCertificates;
use crate::config::Group;
use crate::config::IdentityMode;
use crate::config::ListenerKind;
use crate::config::PostQuantum;
use crate::config::TlsVersion;
use crate::config::raw::Bridge;
use crate::config::raw::CertificateFiles;
use crate::config::raw::DurationText;
use crate::config::raw::SizeText;

/// One listener: some addresses with one set of rules.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Listener {
    /// Name used in logs and metrics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the listener does with bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<ListenerKind>,
    /// Addresses and ports to bind; an IPv6 address is bound for IPv6 only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Vec<String>>,
    /// Plain HTTP without TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plaintext: Option<bool>,
    /// Offer HTTP/2 by ALPN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http2: Option<bool>,
    /// Default for every host: whether clients are asked for a certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificates: Option<ClientCertificates>,
    /// Default for every host: name of the trust set that client certificates must end at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust: Option<String>,
    /// Default for every host: identities let in: first SAN dNSName, else the common name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_identities: Option<Vec<String>>,
    /// Default for every host: what a client gets whose identity is not on the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_mode: Option<IdentityMode>,
    /// Default for every host: refuse a certificate without the clientAuth purpose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_client_auth_eku: Option<bool>,
    /// Default for every host: names of the routes served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routes: Option<Vec<String>>,
    /// TLS parameters shared by the hosts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsParameters>,
    /// Addresses and networks that may call, for the kind provisioning; empty: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<Vec<String>>,
    /// Limits of every connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// Hosts by server name, for the kinds http and cti.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<Vec<Host>>,
    /// Server names and their targets, for the kind passthrough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passthrough: Option<Vec<PassthroughTarget>>,
    /// The XSPs and the way to them, for the kind cti.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bridge: Option<Bridge>,
}

/// One server name, or several, with its certificates and rules.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Host {
    /// Server names; *.example.com matches one label, * is the default host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    /// Certificates; the first whose key type the client supports is presented. None: a self-signed one is generated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificates: Option<Vec<CertificateFiles>>,
    /// Whether clients are asked for a certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificates: Option<ClientCertificates>,
    /// Name of the trust set that client certificates must end at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust: Option<String>,
    /// Identities let in: first SAN dNSName, else the common name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_identities: Option<Vec<String>>,
    /// What a client gets whose identity is not on the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_mode: Option<IdentityMode>,
    /// Refuse a certificate without the clientAuth purpose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_client_auth_eku: Option<bool>,
    /// Names of the routes served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routes: Option<Vec<String>>,
}

/// Where a passed-through connection goes.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct PassthroughTarget {
    /// Server names; *.example.com matches one label, * matches all and no name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    /// host:port of each upstream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstreams: Option<Vec<String>>,
    /// Time limit of the TCP connect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_timeout: Option<DurationText>,
}

/// TLS parameters.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TlsParameters {
    /// Lowest TLS version spoken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum: Option<TlsVersion>,
    /// Cipher suites by IANA name, in server order; an empty list is every suite we have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cipher_suites: Option<Vec<String>>,
    /// Classical key-exchange groups, in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<Group>>,
    /// Place of the hybrid group X25519MLKEM768.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_quantum: Option<PostQuantum>,
}

/// Limits of one listener.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// Time for the TLS hello and handshake together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handshake_timeout: Option<DurationText>,
    /// Time for a request head.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_timeout: Option<DurationText>,
    /// Size of a request head.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_bytes: Option<SizeText>,
    /// Number of header fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_count: Option<i64>,
    /// Size of a request body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_bytes: Option<SizeText>,
    /// Longest pause between two pieces of a request body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_timeout: Option<DurationText>,
    /// Longest wait between requests on a kept connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<DurationText>,
    /// Connections on this listener at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections: Option<i64>,
    /// Connections from one peer address at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections_per_address: Option<i64>,
    /// Request bodies that one client address may be sending at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uploads_per_address: Option<i64>,
    /// Concurrent HTTP/2 streams of one connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http2_streams: Option<i64>,
}
