//! The bridge of a CTI listener as written.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::config::raw::CertificateFiles;
use crate::config::raw::DurationText;

/// Where the sessions of a CTI listener go.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Bridge {
    /// XSPs, host:port each; the one with the least sessions is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstreams: Option<Vec<String>>,
    /// TLS towards them; false is plain TCP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<bool>,
    /// Absolute path of a PEM file with the CA certificates that may sign them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// SHA-256 of the public key info in base64 or hex; one must match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spki_pins: Option<Vec<String>>,
    /// Name sent as SNI and checked in the certificate; by default the host of each upstream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// Our certificate for them: its common name is a ClientIdentity of the Application Server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<CertificateFiles>,
    /// Time limit of TCP connect and TLS handshake, each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_timeout: Option<DurationText>,
    /// A session on which nothing moves for longer is ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<DurationText>,
    /// Sessions at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions: Option<i64>,
    /// Sessions from one peer address at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions_per_address: Option<i64>,
    /// How long no session may be open before the log says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub absence_warning: Option<DurationText>,
}
