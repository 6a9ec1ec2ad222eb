//! Answers of the busy lamp API: never kept by anybody, refusals in JSON.

use bytes::Bytes;
use http::HeaderName;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header;
use serde_json::Value;
use serde_json::json;

use crate::domain::edge::reason::Reason;
use crate::inbound::endpoints::blf::stream::LampStream;

/// Tells nginx and its like to pass every event on at once.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=UTF-8");

/// What is sent.
pub enum Content {
    /// Events as they come.
    Stream(Box<LampStream>),
    /// A document.
    Whole(Bytes),
}

/// An answer.
pub struct Reply {
    status: StatusCode,
    content_type: HeaderValue,
    content: Content,
}

impl Reply {
    pub(super) fn json(document: &Value) -> Self {
        Self::text(document.to_string().into())
    }

    /// JSON that is written already.
    pub(super) const fn text(document: Bytes) -> Self {
        Self {
            status: StatusCode::OK,
            content_type: JSON,
            content: Content::Whole(document),
        }
    }

    pub(super) fn stream(stream: LampStream) -> Self {
        Self {
            status: StatusCode::OK,
            content_type: HeaderValue::from_static("text/event-stream"),
            content: Content::Stream(Box::new(stream)),
        }
    }

    /// With its headers.
    #[must_use]
    pub fn into_response(self) -> Response<Content> {
        let mut response = Response::new(self.content);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, self.content_type);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
        response
    }
}

/// The document of a refusal.
#[must_use]
pub fn error(reason: Reason, tracking_id: &str) -> Bytes {
    let document = json!({
        "error": reason.sentence(),
        "reason": reason.as_str(),
        "trackingId": tracking_id,
    });
    document.to_string().into()
}
