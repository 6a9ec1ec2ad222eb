//! What Webex answers: JSON.

use bytes::Bytes;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header;
use http_body_util::Full;
use serde_json::Value;
use serde_json::json;

/// Bytes on the wire.
pub(super) type Wire = Response<Full<Bytes>>;

/// A JSON document. Tokens are in most of them, so nothing is to be stored.
pub(super) fn document(status: StatusCode, document: &Value) -> Wire {
    text(status, document.to_string())
}

/// 200 with a JSON document.
pub(super) fn ok(value: &Value) -> Wire {
    document(StatusCode::OK, value)
}

/// An error as OAuth has it (RFC 6749 section 5.2).
pub(super) fn error(status: StatusCode, word: &str, description: &str) -> Wire {
    let body = json!({ "error": word, "error_description": description });
    let mut wire = document(status, &body);
    if status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Bearer");
        wire.headers_mut()
            .insert(header::WWW_AUTHENTICATE, challenge);
    }
    wire
}

/// Text that claims to be JSON.
pub(super) fn text(status: StatusCode, text: String) -> Wire {
    let mut wire = Response::new(Full::new(Bytes::from(text)));
    *wire.status_mut() = status;
    let headers = wire.headers_mut();
    let json = HeaderValue::from_static("application/json;charset=UTF-8");
    headers.insert(header::CONTENT_TYPE, json);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    wire
}
