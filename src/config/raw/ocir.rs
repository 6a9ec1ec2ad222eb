//! OCI-R towards Application Servers, as written.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::config::raw::DurationText;

/// OCI-R: what administrators change, as Application Servers report it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Ocir {
    /// Pause before a connection is opened again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reconnect: Option<DurationText>,
    /// Silence after which a connection counts as lost; above the Application Server's
    /// connectionPingIntervalSeconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silence: Option<DurationText>,
    /// Time limit of TCP connect and TLS handshake, each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_timeout: Option<DurationText>,
    /// How long an Application Server may be away before a warning is logged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub down_warning: Option<DurationText>,
    /// The Application Servers, one connection each.
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    pub servers: Option<Vec<OcirServer>>,
}

/// One Application Server that reports.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct OcirServer {
    /// Name used by logs and metrics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The BroadWorks cluster that it belongs to, as templates call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// host or host:port; 8025 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Speak TLS (secure of the Application Server's OCI reporting); without it only to loopback,
    /// or with allow-plaintext.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<bool>,
    /// Let reports come in clear from other than loopback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_plaintext: Option<bool>,
    /// Absolute path of a PEM file with the CA certificates that may sign it, for TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// Name checked in its certificate; by default the host of the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
}
