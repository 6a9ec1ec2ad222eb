//! The calls to Cisco's Common Identity: a new service token, whose a user's token is, and the
//! list of identity providers. Each is one exchange; when to make it is decided elsewhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::header::ACCEPT;
use http::header::AUTHORIZATION;
use http::header::CONTENT_TYPE;
use http::header::InvalidHeaderValue;
use zeroize::Zeroizing;

use crate::config;
use crate::config::Environment;
use crate::config::TokenInfoFormat;
use crate::config::secret::Secret;
use crate::config::secret::SecretRef;
use crate::domain::auth::ci::grant;
use crate::domain::auth::ci::grant::Grant;
use crate::domain::auth::ci::grant::GrantFault;
use crate::outbound::OutboundError;
use crate::outbound::web::Limits;
use crate::outbound::web::WebAnswer;
use crate::outbound::web::WebClient;
use crate::outbound::web::WebFailure;
use crate::outbound::web::WebRequest;
use crate::outbound::web::WebUrl;
use crate::outbound::webex::form_encode;
use crate::outbound::webex::secret_value;
use crate::outbound::webex::trimmed;

/// The client.
pub struct CiClient {
    web: WebClient,
    token_url: WebUrl,
    token_info_url: WebUrl,
    federation_url: WebUrl,
    format: TokenInfoFormat,
    client_id: String,
    client_secret: SecretRef,
    refresh_token: SecretRef,
    answer_bytes: usize,
}

/// What proves us to CI. Read anew for each refresh, so that new ones in the files are used
/// without a restart.
pub struct CiSecrets {
    client: Secret,
    refresh_token: Secret,
}

/// Why there is no new service token, with what led to it.
#[derive(Debug, thiserror::Error)]
pub enum RefreshFailure {
    /// The answer grants nothing.
    #[error("{0}")]
    Fault(GrantFault),
    /// The secrets hold something that cannot be sent.
    #[error("a secret holds something that cannot be sent")]
    Secrets(#[source] InvalidHeaderValue),
    /// There is no answer.
    #[error("no answer from the issuer")]
    Web(#[source] WebFailure),
}

impl RefreshFailure {
    /// What the session needs to know of it.
    #[must_use]
    pub const fn fault(&self) -> GrantFault {
        match self {
            Self::Fault(fault) => *fault,
            Self::Secrets(_) => GrantFault::SecretUnreadable,
            Self::Web(WebFailure::TooLarge(_)) => GrantFault::ResponseTooLarge,
            Self::Web(
                WebFailure::Broken(_)
                | WebFailure::Connect(_)
                | WebFailure::Proxy { .. }
                | WebFailure::Status(_)
                | WebFailure::Timeout(_)
                | WebFailure::Tls(_),
            ) => GrantFault::Unreachable,
        }
    }
}

impl CiClient {
    /// A client for the configured identity provider. Reads the CA file, blocking; called at
    /// start and reload only.
    ///
    /// # Errors
    /// A URL cannot be called, the CA file not be used, or the environment names a proxy that
    /// cannot be.
    pub fn new(
        cisco: &config::Cisco,
        environment: &Environment,
        limits: Limits,
    ) -> Result<Self, OutboundError> {
        let issuer_url = parse(ISSUER_URL, &cisco.issuer_url)?;
        let token_url = issuer_url.below("/oauth2/v1/access_token");
        Ok(Self {
            web: WebClient::new(cisco.ca.as_deref(), environment, limits)?,
            token_url: token_url.map_err(|fault| OutboundError::WebUrl {
                key: ISSUER_URL,
                url: cisco.issuer_url.clone(),
                fault,
            })?,
            token_info_url: parse(TOKEN_INFO_URL, &cisco.token_info_url)?,
            federation_url: parse(FLS_URL, &cisco.federation.url)?,
            format: cisco.token_info_format,
            client_id: cisco.client_id.clone(),
            client_secret: cisco.client_secret.clone(),
            refresh_token: cisco.federation.refresh_token.clone(),
            answer_bytes: cisco.response_bytes,
        })
    }

    /// Reads the secrets. Blocks on the file system.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub fn secrets(&self) -> Result<CiSecrets, OutboundError> {
        let read = |key, secret: &SecretRef| {
            let trimmed = secret.read().and_then(|read| trimmed(secret, &read));
            trimmed.map_err(|fault| OutboundError::Secret { key, fault })
        };
        Ok(CiSecrets {
            client: read(CLIENT_SECRET, &self.client_secret)?,
            refresh_token: read(REFRESH_TOKEN, &self.refresh_token)?,
        })
    }

    /// Gets a new service token for the refresh token (RFC 6749 section 6). The client proves
    /// itself with Basic, as CI's own clients do.
    ///
    /// # Errors
    /// There is no new token.
    pub async fn refresh(&self, secrets: &CiSecrets) -> Result<Grant, RefreshFailure> {
        let mut pair = Zeroizing::new(self.client_id.clone().into_bytes());
        pair.reserve(1 + secrets.client.expose().len());
        pair.push(b':');
        pair.extend_from_slice(secrets.client.expose());
        let pair = Zeroizing::new(STANDARD.encode(&*pair));
        let mut headers = headers(FORM);
        headers.insert(
            AUTHORIZATION,
            secret_value("Basic", &pair).map_err(RefreshFailure::Secrets)?,
        );
        let mut form = b"grant_type=refresh_token&refresh_token=".to_vec();
        form_encode(secrets.refresh_token.expose(), &mut form);
        let answer = self
            .web
            .call(WebRequest {
                method: Method::POST,
                url: &self.token_url,
                headers,
                body: Bytes::from(form),
                answer_bytes: self.answer_bytes,
            })
            .await
            .map_err(RefreshFailure::Web)?;
        grant::read(answer.status, &answer.body).map_err(RefreshFailure::Fault)
    }

    /// Asks whose a user's token is. The service token proves us; both are sent to the configured
    /// host alone.
    ///
    /// # Errors
    /// There is no answer, or it is too large.
    pub async fn token_info(&self, service: &str, user: &str) -> Result<WebAnswer, WebFailure> {
        let (kind, body) = match self.format {
            TokenInfoFormat::IdpProxy => {
                // A token consists of characters that JSON takes as they are; escaping them all
                // the same keeps that from mattering.
                let document = serde_json::json!({ "token": user });
                (JSON, document.to_string().into_bytes())
            }
            TokenInfoFormat::Rfc7662 => {
                let mut form = b"token=".to_vec();
                form_encode(user.as_bytes(), &mut form);
                form.extend_from_slice(b"&token_type_hint=access_token");
                (FORM, form)
            }
        };
        let mut headers = headers(kind);
        headers.insert(AUTHORIZATION, bearer(service)?);
        self.web
            .call(WebRequest {
                method: Method::POST,
                url: &self.token_info_url,
                headers,
                body: Bytes::from(body),
                answer_bytes: self.answer_bytes,
            })
            .await
    }

    /// Gets the federation list.
    ///
    /// # Errors
    /// There is no answer, it is too large, or not a 200.
    pub async fn federation(&self, service: &str) -> Result<Bytes, WebFailure> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(JSON));
        headers.insert(AUTHORIZATION, bearer(service)?);
        let answer = self
            .web
            .call(WebRequest {
                method: Method::GET,
                url: &self.federation_url,
                headers,
                body: Bytes::new(),
                answer_bytes: self.answer_bytes,
            })
            .await?;
        match answer.status {
            StatusCode::OK => Ok(answer.body),
            status => Err(WebFailure::Status(status)),
        }
    }
}

impl CiSecrets {
    /// SHA-256 of the refresh token: tells it from its successor without keeping it.
    #[must_use]
    pub fn refresh_token_hash(&self) -> [u8; 32] {
        crate::outbound::webex::sha256(self.refresh_token.expose())
    }
}

const ISSUER_URL: &str = "auth-service.identity-providers.cisco.issuer-url";
const TOKEN_INFO_URL: &str = "auth-service.identity-providers.cisco.token-info-url";
const CLIENT_SECRET: &str = "auth-service.identity-providers.cisco.client-secret";
const FLS_URL: &str = "auth-service.identity-providers.cisco.federation.fls-url";
const REFRESH_TOKEN: &str = "auth-service.identity-providers.cisco.federation.refresh-token";

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

fn parse(key: &'static str, url: &str) -> Result<WebUrl, OutboundError> {
    WebUrl::parse(url).map_err(|fault| OutboundError::WebUrl {
        key,
        url: url.to_owned(),
        fault,
    })
}

fn headers(kind: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(ACCEPT, HeaderValue::from_static(JSON));
    headers
}

fn bearer(token: &str) -> Result<HeaderValue, WebFailure> {
    secret_value("Bearer", token).map_err(|error| WebFailure::Broken(Box::new(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_proves_us_shows_in_no_log() {
        let value = secret_value("Bearer", "abc").unwrap();
        assert!(!format!("{value:?}").contains("abc"));
        assert!(bearer("a\r\nb").is_err());
    }
}
