//! The answer to a CA that looks whether a name is ours (http-01).

use bytes::Bytes;
use http::HeaderValue;
use http::Method;
use http::Response;
use http::StatusCode;
use http::header;

use crate::inbound::http::AnswerBody;
use crate::inbound::http::answer::Ledger;
use crate::inbound::http::rescue::SERVER;
use crate::platform::clock;

/// The text that the CA waits for (RFC 8555, section 8.3).
pub(in crate::inbound) fn challenge(text: String, method: &Method) -> Response<AnswerBody> {
    let mut ledger = Ledger::open(None, clock::mono(), method, None);
    let (status, text) = if method == Method::GET {
        (StatusCode::OK, Bytes::from(text))
    } else {
        (StatusCode::METHOD_NOT_ALLOWED, Bytes::new())
    };
    ledger.status = Some(status);
    let mut response = Response::new(AnswerBody::own(text, ledger));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let form = HeaderValue::from_static("application/octet-stream");
    headers.insert(header::CONTENT_TYPE, form);
    headers.insert(header::SERVER, SERVER);
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
