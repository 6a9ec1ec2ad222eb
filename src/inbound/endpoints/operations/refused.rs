//! Why an operator's request was not carried out, and answers in JSON.

use axum::body::Body;
use axum::response::Response;
use http::HeaderValue;
use http::StatusCode;
use http::header::ALLOW;
use http::header::CACHE_CONTROL;
use http::header::CONTENT_TYPE;
use http::header::WWW_AUTHENTICATE;
use serde_json::Value;
use serde_json::json;

/// A request that was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Status of the answer.
    pub status: StatusCode,
    /// One word for programs and the log.
    pub reason: &'static str,
    /// A sentence for people.
    pub text: String,
}

impl Refused {
    /// With all its parts.
    pub(in crate::inbound::endpoints) fn new(
        status: StatusCode,
        reason: &'static str,
        text: impl Into<String>,
    ) -> Self {
        let text = text.into();
        Self {
            status,
            reason,
            text,
        }
    }

    /// The request makes no sense.
    pub(in crate::inbound::endpoints) fn malformed(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", text)
    }

    /// There is no such thing.
    pub(in crate::inbound::endpoints) fn unknown(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "unknown", text)
    }

    /// It cannot be so.
    pub(in crate::inbound::endpoints) fn conflict(text: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", text)
    }

    /// It could be, but not now.
    pub(in crate::inbound::endpoints) fn unavailable(text: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", text)
    }

    /// As an answer.
    pub(in crate::inbound::endpoints) fn into_response(self) -> Response<Body> {
        let document = json!({"error": self.text, "reason": self.reason});
        let mut response = answered(self.status, &document);
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"xspd operators\"");
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(ALLOW, HeaderValue::from_static("GET, POST"));
        }
        response
    }
}

/// A document with its headers.
pub(in crate::inbound::endpoints) fn answered(
    status: StatusCode,
    document: &Value,
) -> Response<Body> {
    let mut response = Response::new(Body::from(document.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("application/json;charset=UTF-8");
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
