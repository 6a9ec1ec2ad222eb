//! The call to the provider's AuthenticationService: the IdP proxy shows its public key, gets a
//! token that only it can open, and opens it.

mod call;
mod jwe;
mod jws;

#[cfg(test)]
pub(super) use jwe::sealing;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::StatusCode;
use http::Uri;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use serde_json::Value;

use crate::lab::pki::Pair;
use crate::lab::webex::Setup;
use crate::lab::webex::WebexError;
use crate::lab::webex::identity::fetch::call::Answer;
use crate::lab::webex::identity::fetch::jwe::OwnKey;
use crate::lab::webex::identity::fetch::jwe::Unopened;
use crate::lab::webex::identity::fetch::jws::Unreadable;
use crate::lab::webex::identity::tls;

/// All of a call: an app's user waits.
const DEADLINE: Duration = Duration::from_secs(10);

/// How the provider knows Webex and the user.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// By the user's CI token, which it validates.
    Ci {
        /// The token.
        token: String,
    },
    /// By Webex's certificate and the user's own credentials.
    Mtls {
        /// BroadWorks user id.
        user: String,
        /// Password.
        password: String,
    },
}

/// Why there is no BroadWorks token.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchFailure {
    /// Credentials that no header can carry.
    #[error("the credentials cannot be put into a header")]
    Credentials,
    /// The answer is no encrypted token.
    #[error("the provider's answer cannot be opened: {0}")]
    NotEncrypted(#[from] Unopened),
    /// The token inside is not one that a client can read.
    #[error("what the provider encrypted is not a token that clients can read: {0}")]
    NotReadable(#[from] Unreadable),
    /// The provider said no.
    #[error(
        "the provider's AuthenticationService answered {status}{}{}",
        word.as_ref().map(|word| format!(" {word}")).unwrap_or_default(),
        description.as_ref().map(|text| format!(": {text}")).unwrap_or_default()
    )]
    Refused {
        /// The status.
        status: StatusCode,
        /// `error` in its body.
        word: Option<String>,
        /// `error_description` in its body.
        description: Option<String>,
    },
    /// No answer in time.
    #[error("the provider's AuthenticationService did not answer in 10 s")]
    Timeout,
    /// No connection, no TLS or no HTTP.
    #[error("the provider's AuthenticationService cannot be reached: {0}")]
    Unreachable(String),
}

impl FetchFailure {
    /// The provider's own word when it gave one.
    pub(super) fn word(&self) -> &str {
        match self {
            Self::Refused {
                word: Some(word), ..
            } => word,
            Self::Refused { word: None, .. } => "provider_refused",
            Self::Credentials => "invalid_credentials",
            Self::NotEncrypted(_) => "provider_answer_not_encrypted",
            Self::NotReadable(_) => "provider_token_not_readable",
            Self::Timeout => "provider_timeout",
            Self::Unreachable(_) => "provider_unreachable",
        }
    }
}

/// The provider, with the IdP proxy's own key.
pub(super) struct Provider {
    key: OwnKey,
    ci: Peer,
    mtls: Peer,
}

/// One address of the provider.
struct Peer {
    base: String,
    host: String,
    port: u16,
    name: ServerName<'static>,
    tls: Arc<ClientConfig>,
}

impl Provider {
    /// Makes the key and reads certificates.
    pub(super) fn new(setup: &Setup) -> Result<Self, WebexError> {
        Ok(Self {
            key: OwnKey::generate()?,
            ci: Peer::new(&setup.provider_ci, &setup.ca, None)?,
            mtls: Peer::new(&setup.provider_mtls, &setup.ca, Some(&setup.client))?,
        })
    }

    /// A token for the user, as clients read it.
    pub(super) async fn fetch(&self, route: &Route) -> Result<String, FetchFailure> {
        let (peer, credentials) = match route {
            Route::Ci { token } => (&self.ci, format!("Bearer {token}")),
            Route::Mtls { user, password } => {
                let pair = STANDARD.encode(format!("{user}:{password}"));
                (&self.mtls, format!("Basic {pair}"))
            }
        };
        let mut credentials =
            HeaderValue::try_from(credentials).map_err(|_| FetchFailure::Credentials)?;
        credentials.set_sensitive(true);
        let key = self.key.parameter();
        let path = format!("/authService/token?key={key}");
        let answer = tokio::time::timeout(DEADLINE, call::get(peer, &path, credentials))
            .await
            .map_err(|_| FetchFailure::Timeout)??;
        let token = self.key.open(&encrypted(answer)?)?;
        jws::check(&token)?;
        Ok(token)
    }
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider")
            .field("ci", &self.ci.base)
            .field("mtls", &self.mtls.base)
            .finish_non_exhaustive()
    }
}

impl Peer {
    fn new(base: &str, ca: &Path, own: Option<&Pair>) -> Result<Self, WebexError> {
        let wrong = || WebexError::Provider {
            url: base.to_owned(),
        };
        let uri: Uri = base.parse().map_err(|_| wrong())?;
        let host = match (uri.scheme_str(), uri.host()) {
            (Some("https"), Some(host)) if uri.path() == "/" => host.to_owned(),
            _ => return Err(wrong()),
        };
        Ok(Self {
            name: ServerName::try_from(host.clone()).map_err(|_| wrong())?,
            port: uri.port_u16().unwrap_or(443),
            base: base.to_owned(),
            host,
            tls: tls::client(ca, own)?,
        })
    }
}

/// The JWE of an answer: alone, or as member `token` of a JSON object. Which of the two the real
/// service sends is not published.
fn encrypted(answer: Answer) -> Result<String, FetchFailure> {
    let Answer { status, body } = answer;
    let document = serde_json::from_str::<Value>(&body).unwrap_or_default();
    let member = |name: &str| document.get(name).and_then(Value::as_str).map(short);
    if status != StatusCode::OK {
        return Err(FetchFailure::Refused {
            status,
            word: member("error"),
            description: member("error_description"),
        });
    }
    match document.get("token").and_then(Value::as_str) {
        Some(token) => Ok(token.to_owned()),
        None => Ok(body.trim().to_owned()),
    }
}

/// The provider's words, no longer than a person reads.
fn short(text: &str) -> String {
    text.chars().take(200).collect()
}
