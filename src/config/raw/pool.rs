//! Pools and upstreams as written.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::config::Affinity;
use crate::config::raw::CertificateFiles;
use crate::config::raw::DurationText;

/// A pool of upstreams that answer alike.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Pool {
    /// Name used by routes, logs and metrics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How requests are shared out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Affinity>,
    /// Time limit of TCP connect and TLS handshake, each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_timeout: Option<DurationText>,
    /// Longest time an idle connection is kept; below the XSP's own 4 s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_alive: Option<DurationText>,
    /// Connections to one upstream at once, idle ones included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections: Option<i64>,
    /// Active health check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<HealthCheck>,
    /// Passive ejection by failed requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ejection: Option<Ejection>,
    /// The XSPs of this pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<Vec<Upstream>>,
}

/// One XSP or ADP.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Upstream {
    /// Name used in logs and metrics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// http://host:port or https://host:port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Absolute path of a PEM file with the CA certificates that may sign it, for https.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// SHA-256 of the public key info in base64 or hex; one must match, for https.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spki_pins: Option<Vec<String>>,
    /// Name sent as SNI and checked in the certificate; by default the host of the url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// Our certificate for it, for https.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<CertificateFiles>,
    /// Host header sent instead of the client's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_header: Option<String>,
    /// Other names, host or host:port, by which it calls itself in Location.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aliases: Option<Vec<String>>,
}

/// Active health check.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct HealthCheck {
    /// Request target of the check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Time between two checks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<DurationText>,
    /// Time limit of one check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<DurationText>,
    /// Successes in a row that bring an upstream back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rise: Option<i64>,
    /// Failures in a row that take it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fall: Option<i64>,
}

/// Passive ejection.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Ejection {
    /// Failed requests in a row; 0 turns ejection off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failures: Option<i64>,
    /// How long an upstream stays out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<DurationText>,
}
