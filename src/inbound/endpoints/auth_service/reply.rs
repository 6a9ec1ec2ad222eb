//! Answers of AuthService: never kept by anybody, refusals in JSON.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderName;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header;
use serde_json::Value;

use crate::domain::auth::answer::AuthReason;
use crate::domain::auth::answer::Refused;
use crate::domain::auth::answer::document;
use crate::inbound::endpoints::auth_service::Ask;
use crate::inbound::endpoints::auth_service::endpoint::Endpoint;
use crate::inbound::endpoints::auth_service::token::TokenForm;

/// A client that says so wants 401 without a challenge, or a browser would show its own dialogue.
pub const NO_CHALLENGE: HeaderName = HeaderName::from_static("x-broadworks-no-authchallenge");

/// How callers of `token` may prove themselves.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"BroadWorks\", Bearer");

/// How operators do.
const OPERATORS_CHALLENGE: HeaderValue =
    HeaderValue::from_static("Bearer realm=\"xspd operators\"");

const JSON: &str = "application/json;charset=UTF-8";

/// When to try again after a 503 that says nothing else.
const UNAVAILABLE: Duration = Duration::from_secs(5);

/// An answer.
#[derive(Debug)]
pub struct Reply {
    /// Status.
    pub status: StatusCode,
    /// Why not, if not.
    pub reason: Option<AuthReason>,
    content_type: Option<&'static str>,
    body: Bytes,
    allow: Option<&'static str>,
    challenge: Option<HeaderValue>,
    retry_after: Option<Duration>,
}

impl Reply {
    pub(super) const fn empty(status: StatusCode) -> Self {
        Self {
            status,
            reason: None,
            content_type: None,
            body: Bytes::new(),
            allow: None,
            challenge: None,
            retry_after: None,
        }
    }

    pub(super) fn json(status: StatusCode, body: &Value) -> Self {
        Self {
            content_type: Some(JSON),
            body: body.to_string().into(),
            ..Self::empty(status)
        }
    }

    pub(super) fn key_set(keys: String) -> Self {
        Self {
            content_type: Some("application/jwk-set+json"),
            body: keys.into(),
            ..Self::empty(StatusCode::OK)
        }
    }

    pub(super) fn token(token: &str, form: TokenForm) -> Self {
        let (content_type, body) = match form {
            TokenForm::Jose => ("application/jose", token.to_owned()),
            // A compact JWE needs no escapes.
            TokenForm::Json => (JSON, format!("{{\"token\":\"{token}\"}}")),
            TokenForm::Text => ("text/plain;charset=UTF-8", token.to_owned()),
        };
        Self {
            content_type: Some(content_type),
            body: body.into(),
            ..Self::empty(StatusCode::OK)
        }
    }

    /// The answer to OPTIONS: 200, not 204, as for preflights.
    pub(super) fn methods(endpoint: Endpoint) -> Self {
        Self {
            allow: Some(endpoint.methods()),
            ..Self::empty(StatusCode::OK)
        }
    }

    pub(super) fn refused(refused: &Refused, endpoint: Option<Endpoint>, ask: &Ask<'_>) -> Self {
        let reason = refused.reason;
        let status = reason.status();
        let sentence = refused.detail.as_deref().unwrap_or(reason.sentence());
        let challenge = if reason == AuthReason::OperatorTokenWrong {
            OPERATORS_CHALLENGE
        } else {
            CHALLENGE
        };
        let wanted = status == StatusCode::UNAUTHORIZED && !declines_challenge(ask.headers);
        let allow = endpoint.map(Endpoint::methods);
        Self {
            reason: Some(reason),
            content_type: Some(JSON),
            body: document(reason.error(), sentence, ask.tracking_id).into(),
            allow: allow.filter(|_| status == StatusCode::METHOD_NOT_ALLOWED),
            challenge: wanted.then_some(challenge),
            retry_after: refused
                .retry_after
                .or_else(|| (status == StatusCode::SERVICE_UNAVAILABLE).then_some(UNAVAILABLE)),
            ..Self::empty(status)
        }
    }

    /// The answer with its headers, all but those that every answer of ours has.
    #[must_use]
    pub fn into_response(self) -> Response<Bytes> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if let Some(content_type) = self.content_type {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
        if let Some(methods) = self.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(methods));
        }
        if let Some(challenge) = self.challenge {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(wait) = self.retry_after {
            // Rounded up: a client that waits as told must get in.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, seconds.max(1).into());
        }
        response
    }
}

/// Whether a client wants its 401 without a challenge.
#[must_use]
pub fn declines_challenge(headers: &http::HeaderMap) -> bool {
    let value = headers.get(NO_CHALLENGE);
    value.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"))
}
