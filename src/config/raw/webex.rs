//! Webex partner accounts as written.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::config::WebexAuth;
use crate::config::raw::DurationText;
use crate::config::raw::SecretText;

/// An account at Webex through which subscribers are provisioned.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct WebexPartner {
    /// Name used by templates, logs and metrics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// URL below which the Webex APIs are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// How access tokens are had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<WebexAuth>,
    /// OAuth client id of the integration or service app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Where its client secret lies: file:/path, env:NAME or cred:NAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<SecretText>,
    /// Where the first refresh token lies: file:/path, env:NAME or cred:NAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<SecretText>,
    /// Id of the service app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_id: Option<String>,
    /// Id of the organisation for which the service app is authorised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_org_id: Option<String>,
    /// Where an access token with the scope spark:applications_token lies, for service apps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_token: Option<SecretText>,
    /// Id of the partner's organisation, for reports to Cisco.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_id: Option<String>,
    /// http://host:port of the proxy, or "none"; by default as the environment says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// Where user:password for the proxy lies: file:/path, env:NAME or cred:NAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_credentials: Option<SecretText>,
    /// Absolute path of a PEM file with the CA certificates; by default the public roots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// Time limit of TCP connect, TLS handshake and a proxy's consent, each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_timeout: Option<DurationText>,
    /// Time limit from the request to the head of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_timeout: Option<DurationText>,
    /// Time limit of one request in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_timeout: Option<DurationText>,
    /// Requests under way at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<i64>,
    /// Requests a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_second: Option<f64>,
}
