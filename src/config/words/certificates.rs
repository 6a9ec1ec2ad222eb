//! Words of the watch over certificates.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// What a certificate is used as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateRole {
    /// It issues others.
    Ca,
    /// It is shown to servers.
    Client,
    /// It is shown to clients.
    Server,
    /// Others are believed by it.
    TrustAnchor,
}
