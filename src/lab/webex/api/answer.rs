//! Answers: JSON documents, whole or cut off.

use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use serde_json::Value;
use serde_json::json;
use tokio::time::Sleep;

/// An answer on its way.
pub(in crate::lab::webex) type Wire = Response<Out>;

/// The connection is to end without a further byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cut, as was asked for")]
pub(in crate::lab::webex) struct Cut;

/// Between the last byte of a cut answer and the end, so that the byte leaves.
const LINGER: Duration = Duration::from_millis(20);

/// A body.
#[derive(Debug)]
pub(in crate::lab::webex) struct Out {
    bytes: Option<Bytes>,
    /// What is announced.
    size: u64,
    /// When it ends before that.
    cut: Option<Pin<Box<Sleep>>>,
}

impl Out {
    fn whole(bytes: Bytes) -> Self {
        Self {
            size: bytes.len() as u64,
            bytes: Some(bytes),
            cut: None,
        }
    }

    /// The same, of which only the first bytes are sent.
    pub(in crate::lab::webex) fn cut_after(self, most: usize) -> Self {
        let bytes = self.bytes.unwrap_or_default();
        if most >= bytes.len() {
            return Self::whole(bytes);
        }
        Self {
            size: self.size,
            bytes: Some(bytes.slice(..most)),
            cut: Some(Box::pin(tokio::time::sleep(LINGER))),
        }
    }
}

impl Body for Out {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if let Some(bytes) = self.bytes.take().filter(|bytes| !bytes.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match &mut self.cut {
            Some(cut) => match cut.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(Some(Err(Cut))),
                Poll::Pending => Poll::Pending,
            },
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.size == 0 || (self.cut.is_none() && self.bytes.is_none())
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.size)
    }
}

/// A JSON document.
pub(in crate::lab::webex) fn document(status: StatusCode, document: &Value) -> Wire {
    let json = "application/json;charset=UTF-8";
    text(status, json, document.to_string())
}

/// Text of any kind.
pub(in crate::lab::webex) fn text(status: StatusCode, kind: &'static str, text: String) -> Wire {
    let mut wire = Response::new(Out::whole(Bytes::from(text)));
    *wire.status_mut() = status;
    let headers = wire.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    wire
}

/// 204.
pub(in crate::lab::webex) fn nothing() -> Wire {
    let mut wire = Response::new(Out::whole(Bytes::new()));
    *wire.status_mut() = StatusCode::NO_CONTENT;
    wire
}

/// An error as Webex writes it; the code is absent where Webex knows none.
pub(in crate::lab::webex) fn error(
    status: StatusCode,
    code: Option<u64>,
    text: &str,
    tracking: &str,
) -> Wire {
    let error = match code {
        Some(code) => json!({ "errorCode": code, "description": text }),
        None => json!({ "description": text }),
    };
    let body = json!({ "message": text, "errors": [error], "trackingId": tracking });
    document(status, &body)
}
