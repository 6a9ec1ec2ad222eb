//! Automatic certificates as written.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::config::AcmeChallenge;
use crate::config::AcmeKey;
use crate::config::raw::SecretText;

/// Certificates that are ordered and renewed automatically (ACME, RFC 8555).
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Acme {
    /// Name used by verbs, logs and alarms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// URL of the CA's directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// PEM file with the CA certificates that the directory's server is judged by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// Whom the CA writes to: mailto:noc@example.com.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<Vec<String>>,
    /// Says that the CA's terms of service are agreed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terms_agreed: Option<bool>,
    /// Id of the external account, for commercial CAs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eab_key_id: Option<String>,
    /// Where the external account's key lies, base64url as the CA shows it: file:/path, env:NAME or
    /// cred:NAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eab_secret: Option<SecretText>,
    /// The CA's profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// How the CA makes sure that the names are ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub challenge: Option<AcmeChallenge>,
    /// Program that sets and removes TXT records, for dns-01.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_hook: Option<String>,
    /// The CA's domain in the TXT record of dns-persist-01.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_issuer: Option<String>,
    /// Names to be certified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    /// Listeners, or listener/host, whose files are written.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    pub places: Option<Vec<String>>,
    /// Kind of the certificate's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_type: Option<AcmeKey>,
    /// Most orders in a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orders_per_day: Option<i64>,
}
