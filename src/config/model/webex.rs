//! Webex partner accounts.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::secret::SecretRef;

/// An account at Webex through which subscribers are provisioned.
#[derive(Debug, Clone, PartialEq)]
pub struct WebexPartner {
    /// Name used by templates, logs and metrics.
    pub name: String,
    /// URL below which the Webex APIs are, without a slash at its end.
    pub base_url: String,
    /// How access tokens are had.
    pub grant: WebexGrant,
    /// OAuth client id of the integration or service app.
    pub client_id: String,
    /// Its client secret.
    pub client_secret: SecretRef,
    /// Id of the partner's organisation, for reports to Cisco.
    pub org_id: Option<String>,
    /// The way to Webex.
    pub proxy: WebexProxy,
    /// PEM file with the CA certificates that are believed; absent: the public roots.
    pub ca: Option<PathBuf>,
    /// Time limit of TCP connect, TLS handshake and a proxy's consent, each.
    pub connect_timeout: Duration,
    /// Time limit from the request to the head of the answer.
    pub answer_timeout: Duration,
    /// Time limit of one request in all.
    pub total_timeout: Duration,
    /// Requests under way at once.
    pub in_flight: usize,
    /// Requests a second.
    pub requests_per_second: f64,
}

/// How access tokens are had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebexGrant {
    /// An integration that a partner administrator has authorised.
    Integration {
        /// The first refresh token.
        refresh_token: SecretRef,
    },
    /// A service app that the organisation has authorised.
    ServiceApp {
        /// Id of the app.
        application_id: String,
        /// Id of the organisation.
        target_org_id: String,
        /// The first refresh token, if there is one.
        refresh_token: Option<SecretRef>,
        /// Proves us when the app's tokens are made anew.
        application_token: Option<SecretRef>,
    },
}

/// The way to Webex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebexProxy {
    /// As `HTTPS_PROXY` and `NO_PROXY` say.
    Environment,
    /// Directly, whatever the environment says.
    None,
    /// Through this one.
    Through {
        /// `http://host:port`.
        url: String,
        /// `user:password`.
        credentials: Option<SecretRef>,
    },
}
