//! How a partner's access token is had: the refresh token of an integration or service app, or a
//! service app's tokens made anew. Each is one exchange; when to make it is decided elsewhere.

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::header::ACCEPT;
use http::header::AUTHORIZATION;
use http::header::CONTENT_TYPE;
use http::header::InvalidHeaderValue;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::config::secret::Secret;
use crate::config::secret::SecretRef;
use crate::domain::auth::ci::grant;
use crate::domain::auth::ci::grant::Grant;
use crate::domain::auth::ci::grant::GrantFault;
use crate::outbound::OutboundError;
use crate::outbound::web::KeptFailure;
use crate::outbound::web::WebFailure;
use crate::outbound::web::WebRequest;
use crate::outbound::webex::api::PartnerClient;
use crate::outbound::webex::form_encode;
use crate::outbound::webex::secret_value;

/// Bytes of an answer; two tokens of 16 KiB fit.
const ANSWER_BYTES: usize = 64 * 1024;

/// Characters of Webex's words that are told.
const WORDS: usize = 300;

/// What proves us to Webex.
pub struct Client<'a> {
    /// The client id.
    pub id: &'a str,
    /// The client secret.
    pub secret: &'a Secret,
}

/// Why there is no new access token.
#[derive(Debug, thiserror::Error)]
pub enum TokenFailure {
    /// The answer grants nothing.
    #[error("{fault}{words}")]
    Fault {
        /// What is wrong.
        fault: GrantFault,
        /// Webex's own words for it, after a colon; none when it grants and cannot be read.
        words: String,
    },
    /// A secret holds something that cannot be sent.
    #[error("a secret holds something that cannot be sent")]
    Secrets,
    /// A secret cannot be read.
    #[error(transparent)]
    Unreadable(#[from] OutboundError),
    /// There is no answer.
    #[error("no answer from Webex's token endpoint")]
    Web(#[source] KeptFailure),
}

impl TokenFailure {
    /// What the session needs to know of it.
    #[must_use]
    pub const fn fault(&self) -> GrantFault {
        match self {
            Self::Fault { fault, .. } => *fault,
            Self::Secrets | Self::Unreadable(_) => GrantFault::SecretUnreadable,
            Self::Web(failure) => match failure.failure() {
                WebFailure::TooLarge(_) => GrantFault::ResponseTooLarge,
                WebFailure::Broken(_)
                | WebFailure::Connect(_)
                | WebFailure::Proxy { .. }
                | WebFailure::Status(_)
                | WebFailure::Timeout(_)
                | WebFailure::Tls(_) => GrantFault::Unreachable,
            },
        }
    }
}

/// Reads a secret without the line end that editors put behind it. Blocks on the file system.
///
/// # Errors
/// It cannot be read, or is empty.
pub fn secret(key: &'static str, reference: &SecretRef) -> Result<Secret, OutboundError> {
    let read = reference.read();
    let trimmed = read.and_then(|read| crate::outbound::webex::trimmed(reference, &read));
    trimmed.map_err(|fault| OutboundError::Secret { key, fault })
}

impl PartnerClient {
    /// Gets a new access token for a refresh token (`POST /access_token`).
    ///
    /// # Errors
    /// There is no new token.
    pub async fn refresh(
        &self,
        client: &Client<'_>,
        refresh_token: &[u8],
    ) -> Result<Grant, TokenFailure> {
        let mut form = Zeroizing::new(b"grant_type=refresh_token".to_vec());
        for (name, value) in [
            ("client_id", client.id.as_bytes()),
            ("client_secret", client.secret.expose()),
            ("refresh_token", refresh_token),
        ] {
            form.extend_from_slice(b"&");
            form.extend_from_slice(name.as_bytes());
            form.extend_from_slice(b"=");
            form_encode(value, &mut form);
        }
        let kind = "application/x-www-form-urlencoded";
        self.token("/access_token", kind, None, &form).await
    }

    /// Makes the tokens of a service app anew (`POST /applications/{id}/token`). `proof` is an
    /// access token with the scope `spark:applications_token`.
    ///
    /// # Errors
    /// There is no new token.
    pub async fn service_app(
        &self,
        client: &Client<'_>,
        application: &str,
        target_org: &str,
        proof: &Secret,
    ) -> Result<Grant, TokenFailure> {
        let text = |secret: &Secret| {
            let text = std::str::from_utf8(secret.expose()).map(str::to_owned);
            text.map(Zeroizing::new).map_err(|_| TokenFailure::Secrets)
        };
        let secret = text(client.secret)?;
        let body = ServiceApp {
            client_id: client.id,
            client_secret: &secret,
            target_org_id: target_org,
        };
        let body = serde_json::to_vec(&body).map_err(|_| TokenFailure::Secrets)?;
        let body = Zeroizing::new(body);
        let proof = text(proof)?;
        let mut path = String::from("/applications/");
        let mut encoded = Vec::new();
        form_encode(application.as_bytes(), &mut encoded);
        path.push_str(&String::from_utf8_lossy(&encoded));
        path.push_str("/token");
        let kind = "application/json;charset=utf-8";
        self.token(&path, kind, Some(&proof), &body).await
    }

    async fn token(
        &self,
        path: &str,
        kind: &'static str,
        proof: Option<&str>,
        body: &[u8],
    ) -> Result<Grant, TokenFailure> {
        let url = self.url(path).ok_or(TokenFailure::Secrets)?;
        let headers = headers(kind, proof).map_err(|_| TokenFailure::Secrets)?;
        let request = WebRequest {
            method: Method::POST,
            url: &url,
            headers,
            body: Bytes::copy_from_slice(body),
            answer_bytes: ANSWER_BYTES,
        };
        let answer = self.exchange(&request).await.map_err(TokenFailure::Web)?;
        grant::read_partner(answer.status, &answer.body).map_err(|fault| TokenFailure::Fault {
            fault,
            words: words(answer.status.as_u16(), &answer.body),
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ServiceApp<'a> {
    client_id: &'a str,
    client_secret: &'a str,
    target_org_id: &'a str,
}

fn headers(kind: &'static str, proof: Option<&str>) -> Result<HeaderMap, InvalidHeaderValue> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    if let Some(proof) = proof {
        headers.insert(AUTHORIZATION, secret_value("Bearer", proof)?);
    }
    Ok(headers)
}

/// What a refusal says. The body of an answer that says well may hold tokens, and is not told.
fn words(status: u16, body: &[u8]) -> String {
    if status < 300 {
        return String::new();
    }
    let text = String::from_utf8_lossy(body.get(..WORDS * 4).unwrap_or(body));
    let text = text.chars().take(WORDS);
    let text: String = text.map(|c| if c.is_control() { ' ' } else { c }).collect();
    match text.trim() {
        "" => format!(": it answered {status}"),
        text => format!(": it answered {status}, {text}"),
    }
}
