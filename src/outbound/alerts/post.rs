//! A POST to a web service, and what its answer means for a notice.

use std::time::Duration;
use std::time::SystemTime;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::header::AUTHORIZATION;
use http::header::CONNECTION;
use http::header::CONTENT_TYPE;
use zeroize::Zeroizing;

use crate::config::Environment;
use crate::config::SinkWeb;
use crate::config::WebexProxy;
use crate::config::secret::Secret;
use crate::outbound::Causes;
use crate::outbound::alerts::SetupFault;
use crate::outbound::alerts::SinkError;
use crate::outbound::alerts::build::secret;
use crate::outbound::alerts::error::LONGEST_WAIT;
use crate::outbound::alerts::text::cut;
use crate::outbound::web::KeptAnswer;
use crate::outbound::web::KeptClient;
use crate::outbound::web::KeptLimits;
use crate::outbound::web::Way;
use crate::outbound::web::WebRequest;
use crate::outbound::web::WebUrl;
use crate::outbound::web::retry_after;

/// Bytes of an answer that are read; the longest that matter are a list of faults.
const ANSWER_BYTES: usize = 64 * 1024;

/// Bytes of an answer that are repeated to people.
const REPEATED: usize = 200;

/// Address and TCP, TLS, a proxy's consent, each.
const CONNECT: Duration = Duration::from_secs(3);

/// A client for the seldom calls of one sink; no connection is kept.
pub(super) struct Poster {
    client: KeptClient,
    /// What must not be repeated from an answer.
    hidden: Vec<Secret>,
}

impl Poster {
    /// Reads the files of the way there, blocking; called at start and reload only.
    pub(super) fn new(
        web: &SinkWeb,
        environment: &Environment,
        limit: Duration,
    ) -> Result<Self, SetupFault> {
        let credentials = match &web.proxy {
            WebexProxy::Through {
                credentials: Some(credentials),
                ..
            } => Some(secret(credentials, environment)?),
            WebexProxy::Environment | WebexProxy::None | WebexProxy::Through { .. } => None,
        };
        let way = match &web.proxy {
            WebexProxy::Environment => Way::Environment(environment),
            WebexProxy::None => Way::Direct,
            WebexProxy::Through { url, .. } => Way::Proxy {
                url,
                credentials: credentials.as_ref(),
            },
        };
        let limits = KeptLimits {
            connect: CONNECT.min(limit),
            answer: limit,
            total: limit,
        };
        let client = KeptClient::new(web.ca.as_deref(), way, limits, 1)
            .map_err(|fault| SetupFault::Web(Box::new(fault)))?;
        Ok(Self {
            client,
            hidden: Vec::new(),
        })
    }

    /// The same, and a text that its sentences never hold.
    pub(super) fn hiding(mut self, secret: &Secret) -> Self {
        self.hidden.push(Secret::new(secret.expose().to_vec()));
        self
    }

    /// Posts JSON. `now` is for a moment at which the service wants to be asked again.
    pub(super) async fn post(
        &self,
        url: &WebUrl,
        mut headers: HeaderMap,
        body: Bytes,
        now: SystemTime,
    ) -> Result<(), SinkError> {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        let request = WebRequest {
            method: Method::POST,
            url,
            headers,
            body,
            answer_bytes: ANSWER_BYTES,
        };
        match self.client.send(&request).await {
            Ok(answer) => self.judge(url, &answer, now),
            Err(failure) => {
                let failure = failure.failure();
                let sentence = format!("{}: {}", url.host(), Causes(failure));
                Err(SinkError::retry(failure.as_str(), &sentence))
            }
        }
    }

    /// What another day, another token or another receiver can change is tried again: people who
    /// mend a sink want the notices that it missed. Only what is too large stays so.
    fn judge(&self, url: &WebUrl, answer: &KeptAnswer, now: SystemTime) -> Result<(), SinkError> {
        let status = answer.status;
        if status.is_success() {
            return Ok(());
        }
        let sentence = format!("{} answered {status}{}", url.host(), self.repeated(answer));
        if let Some(after) = retry_after(&answer.headers, now, LONGEST_WAIT)
            && (status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error())
        {
            return Err(SinkError::retry_after(after, "asked-to-wait", &sentence));
        }
        Err(match status.as_u16() {
            401 | 403 => {
                let sentence = format!("{sentence}; check the secrets of this sink");
                SinkError::retry("not-allowed", &sentence)
            }
            404 | 407 => {
                let sentence = format!("{sentence}; check the address and the proxy of this sink");
                SinkError::retry("not-found", &sentence)
            }
            408 | 425 | 429 => SinkError::retry("asked-to-wait", &sentence),
            413 => SinkError::refused("too-large", &sentence),
            500.. => SinkError::retry("server-error", &sentence),
            300..=399 => {
                let sentence = format!("{sentence}; check the address of this sink");
                SinkError::retry("not-found", &sentence)
            }
            _ => SinkError::doubted("refused", &sentence),
        })
    }

    fn repeated(&self, answer: &KeptAnswer) -> String {
        let text = String::from_utf8_lossy(&answer.body);
        let text = cut(text.trim(), REPEATED);
        let holds = |secret: &Secret| {
            let secret = String::from_utf8_lossy(secret.expose());
            !secret.is_empty() && String::from_utf8_lossy(&answer.body).contains(&*secret)
        };
        match text.is_empty() || self.hidden.iter().any(holds) {
            true => String::new(),
            false => format!(": {text}"),
        }
    }
}

/// `Authorization: Bearer …`.
pub(super) fn bearer(token: &Secret) -> Result<HeaderValue, SetupFault> {
    authorization("Bearer", token.expose())
}

/// An `Authorization` that no log shows.
pub(super) fn authorization(scheme: &str, value: &[u8]) -> Result<HeaderValue, SetupFault> {
    let mut bytes = Zeroizing::new(format!("{scheme} ").into_bytes());
    bytes.extend_from_slice(value);
    let mut value = HeaderValue::from_bytes(&bytes).map_err(|_| SetupFault::Header)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Headers with an `Authorization`, where there is one.
pub(super) fn authorized(value: Option<&HeaderValue>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(value) = value {
        headers.insert(AUTHORIZATION, value.clone());
    }
    headers
}
