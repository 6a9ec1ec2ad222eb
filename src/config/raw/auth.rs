//! AuthService, the Application Server and Cisco's identity provider as written.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::config::ClientAuthentication;
use crate::config::ForeignBearer;
use crate::config::OcipLogin;
use crate::config::SigningAlgorithm;
use crate::config::TokenInfoFormat;
use crate::config::TokenResponse;
use crate::config::raw::DurationText;
use crate::config::raw::SecretText;

/// OCI-P towards the Application Server.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ApplicationServer {
    /// host or host:port, in order of preference; 2209 with TLS, 2208 without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Vec<String>>,
    /// Speak TLS; without it only to loopback, or with allow-plaintext.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<bool>,
    /// The BroadWorks cluster that it belongs to, as templates call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// Let OCI-P go in clear to other than loopback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_plaintext: Option<bool>,
    /// Absolute path of a PEM file with the CA certificates that may sign it, for TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// Name checked in its certificate; by default the host of each address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// Administrator id that logs in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Where its password lies: file:/path, env:NAME or cred:NAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretText>,
    /// Which login.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<OcipLogin>,
    /// Requests a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_second: Option<f64>,
    /// Requests that may leave at once after a pause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<i64>,
    /// Time limit of TCP connect and TLS handshake, each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_timeout: Option<DurationText>,
    /// Time limit of one answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_timeout: Option<DurationText>,
}

/// Who is the AuthService.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AuthServiceMode {
    /// xspd is.
    Native,
    /// The XSP is; its requests are relayed.
    Relay,
}

/// The AuthService: relayed to the XSP, or xspd itself.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct AuthService {
    /// Who is the AuthService.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<AuthServiceMode>,
    /// How callers of /authService/token prove themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_authentication: Option<ClientAuthentication>,
    /// Take a BroadWorks user id and password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basic: Option<bool>,
    /// Header that names the user on connections with a listed client certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asserted_user_header: Option<String>,
    /// Form of a token answer when the client has no wish.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_format: Option<TokenResponse>,
    /// Encrypt by RSA-OAEP with SHA-1 for clients that cannot do more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_rsa_oaep_sha1: Option<bool>,
    /// What becomes of bearer tokens on Xsi routes that are not ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub foreign_bearer: Option<ForeignBearer>,
    /// User ids whose tokens open other users' paths too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub administrators: Option<Vec<String>>,
    /// Where the bearer secret for revocation on the admin listener lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator_token: Option<SecretText>,
    /// Certificate identities that may introspect tokens and read the key set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub farm_identities: Option<Vec<String>>,
    /// Our tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_management: Option<TokenManagement>,
    /// Our keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_management: Option<KeyManagement>,
    /// Revocation as the Application Server tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation: Option<Revocation>,
    /// Login tokens that stand in for ours towards the XSP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login_token: Option<LoginToken>,
    /// Identity providers that confirm users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_providers: Option<IdentityProviders>,
}

/// Our tokens.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TokenManagement {
    /// The `iss` of a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_issuer: Option<String>,
    /// Life of a token in hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_duration_in_hours: Option<i64>,
    /// Algorithm of new signatures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_algorithm: Option<SigningAlgorithm>,
}

/// Our keys.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct KeyManagement {
    /// Absolute path of the directory with keys.json.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// Length of keys to be made: 2048, 3072 or 4096.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_length_in_bits: Option<i64>,
}

/// Revocation.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Revocation {
    /// Age at which what is known of a user is asked anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh: Option<DurationText>,
    /// Age up to which it holds while the Application Server does not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale_limit: Option<DurationText>,
}

/// Login tokens.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct LoginToken {
    /// How long one is used; 0s asks for one each time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<DurationText>,
    /// Users for which one is kept at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<i64>,
}

/// Identity providers.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct IdentityProviders {
    /// Cisco's Common Identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cisco: Option<Cisco>,
}

/// Cisco's Common Identity.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Cisco {
    /// Whether it is asked at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// CI cluster of the organisation, which gives issuer-name and issuer-url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ci_cluster: Option<String>,
    /// Teams cluster of the organisation, which gives token-info-url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub teams_cluster: Option<String>,
    /// Issuer that user tokens name; by default the issuer-url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer_name: Option<String>,
    /// https URL of the issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer_url: Option<String>,
    /// https URL that confirms user tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_info_url: Option<String>,
    /// Form of the call to token-info-url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_info_format: Option<TokenInfoFormat>,
    /// Id of the one organisation whose users sign in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organizations: Option<Vec<String>>,
    /// OAuth client id from Cisco.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Where the OAuth client secret lies: file:/path, env:NAME or cred:NAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<SecretText>,
    /// Absolute path of a PEM file with its CA certificates; by default the public roots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// Scopes, one of which a user's token must have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// Member of the token-info answer that names the BroadWorks user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_claim: Option<String>,
    /// Largest answer taken, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ci_response_body_max_size_in_bytes: Option<i64>,
    /// The federation list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub federation: Option<Federation>,
}

/// The federation list.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Federation {
    /// https URL of the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fls_url: Option<String>,
    /// Minutes between two reads of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_period_in_minutes: Option<i64>,
    /// Where the OAuth refresh token lies: file:/path, env:NAME or cred:NAME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<SecretText>,
    /// Name of the partner, for the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner_name: Option<String>,
}
