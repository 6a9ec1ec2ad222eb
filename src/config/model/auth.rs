//! AuthService and what it stands on: the Application Server's OCI-P, Cisco's identity provider.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::ClientAuthentication;
use crate::config::ForeignBearer;
use crate::config::OcipLogin;
use crate::config::SigningAlgorithm;
use crate::config::TokenInfoFormat;
use crate::config::TokenResponse;
use crate::config::secret::SecretRef;
use crate::domain::provisioning::ids::ClusterName;

/// The Application Server as OCI-P clients see it.
#[derive(Debug, Clone, PartialEq)]
pub struct ApplicationServer {
    /// Host and port, in order of preference.
    pub addresses: Vec<(String, u16)>,
    /// The BroadWorks cluster that it belongs to; absent: the only one there is.
    pub cluster: Option<ClusterName>,
    /// TLS towards it; `None` speaks plain TCP.
    pub tls: Option<ApplicationServerTls>,
    /// Administrator id that logs in.
    pub user_id: String,
    /// Its password.
    pub password: SecretRef,
    /// Which login.
    pub login: OcipLogin,
    /// Requests a second, 0.1..=1000.
    pub requests_per_second: f64,
    /// Requests that may leave at once after a pause.
    pub burst: u32,
    /// Time limit of TCP connect and of the TLS handshake, each.
    pub connect_timeout: Duration,
    /// Time limit of one answer.
    pub response_timeout: Duration,
}

/// TLS towards the Application Server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationServerTls {
    /// PEM file with the CA certificates that may sign it.
    pub ca: PathBuf,
    /// Name checked in its certificate instead of the host of each address.
    pub server_name: Option<String>,
}

/// xspd as the AuthService. Absent: `/authService` is relayed.
#[derive(Debug, Clone, PartialEq)]
pub struct AuthService {
    /// How callers of `/authService/token` prove themselves.
    pub client_authentication: ClientAuthentication,
    /// Whether a BroadWorks user id and password are taken.
    pub basic: bool,
    /// Header that names the user on connections with a listed client certificate, lower case;
    /// absent: none is believed.
    pub asserted_user_header: Option<String>,
    /// Form of the answer when the client has no wish.
    pub response_format: TokenResponse,
    /// Whether RSA-OAEP with SHA-1 wraps keys, for old Java peers.
    pub rsa_oaep_sha1: bool,
    /// What becomes of bearer tokens on Xsi routes that are not ours.
    pub foreign_bearer: ForeignBearer,
    /// User ids, lower case, whose tokens open other users' paths too.
    pub administrators: Vec<String>,
    /// Bearer secret for revocation and introspection on the admin listener.
    pub operator_token: Option<SecretRef>,
    /// Certificate identities, lower case, that may introspect and read the key set.
    pub farm_identities: Vec<String>,
    /// Our tokens.
    pub tokens: TokenManagement,
    /// Our keys.
    pub keys: KeyManagement,
    /// Revocation as the Application Server tells it.
    pub revocation: Revocation,
    /// Login tokens that stand in for ours towards the XSP.
    pub login_tokens: LoginTokens,
    /// Cisco's Common Identity; always present unless `client_authentication` is `Mtls`.
    pub cisco: Option<Cisco>,
}

/// Our tokens (`AuthenticationService/TokenManagement`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenManagement {
    /// `tokenIssuer`.
    pub issuer: String,
    /// `tokenDurationInHours`, 1..=4320 hours.
    pub duration: Duration,
    /// Algorithm of new signatures.
    pub algorithm: SigningAlgorithm,
}

/// Our keys (`AuthenticationService/KeyManagement`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyManagement {
    /// Directory with `keys.json`.
    pub directory: PathBuf,
    /// `keyLengthInBits` of keys to be made: 2048, 3072 or 4096.
    pub length: u32,
}

/// Revocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// Age at which what is known of a user is asked anew.
    pub refresh: Duration,
    /// Age up to which it holds while the Application Server does not answer.
    pub stale_limit: Duration,
}

/// Login tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginTokens {
    /// How long one is used, up to 5 minutes; its real life is unpublished.
    pub cache: Duration,
    /// Users for which one is kept at once.
    pub users: usize,
}

/// `AuthenticationService/IdentityProviders/Cisco`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cisco {
    /// `issuerName`, compared with the token's `iss`.
    pub issuer_name: String,
    /// `issuerUrl`, without a trailing slash.
    pub issuer_url: String,
    /// `tokenInfoUrl`.
    pub token_info_url: String,
    /// Form of the call to it; unpublished, so a choice.
    pub token_info_format: TokenInfoFormat,
    /// The one organisation whose users sign in, when known.
    pub organization: Option<String>,
    /// `clientId`.
    pub client_id: String,
    /// `clientSecret`.
    pub client_secret: SecretRef,
    /// PEM file with the CA certificates of the identity provider; absent: public roots.
    pub ca: Option<PathBuf>,
    /// Scopes, any of which a user's token must have; `:` and `-` forms are one.
    pub scopes: Vec<String>,
    /// Member of the token-info answer that names the BroadWorks user.
    pub user_claim: Option<String>,
    /// `ciResponseBodyMaxSizeInBytes`.
    pub response_bytes: usize,
    /// The federation list.
    pub federation: Federation,
}

/// `AuthenticationService/IdentityProviders/Cisco/Federation`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Federation {
    /// `flsUrl`.
    pub url: String,
    /// `refreshPeriodInMinutes`.
    pub refresh: Duration,
    /// `refreshToken`; it ends after 60 unused days.
    pub refresh_token: SecretRef,
    /// `partnerName`, for the log only.
    pub partner: Option<String>,
}
