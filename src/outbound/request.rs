//! A request on its way to an upstream: its body, and how far that has come.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Version;
use http::header::CONTENT_LENGTH;
use http::header::TRANSFER_ENCODING;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use http_body_util::BodyExt;

type BoxError = Box<dyn Error + Send + Sync>;

/// The body that every connection of every pool carries. Most requests have none, and then there
/// is nothing to allocate.
pub(super) enum RequestBody {
    Empty,
    Stream {
        body: Pin<Box<dyn Body<Data = Bytes, Error = BoxError> + Send>>,
        upload: Arc<Upload>,
    },
}

/// How far a request body has come; shared with the one who waits for the answer.
#[derive(Default)]
pub(super) struct Upload {
    pieces: AtomicU64,
    waits_for_client: AtomicBool,
    done: AtomicBool,
}

impl Upload {
    /// A number that changes with each piece.
    pub(super) fn pieces(&self) -> u64 {
        self.pieces.load(Ordering::Relaxed)
    }

    /// Whether all of it has been taken.
    pub(super) fn is_done(&self) -> bool {
        self.done.load(Ordering::Relaxed)
    }

    /// Whether the next piece is the client's to send; its pauses have a limit of their own.
    pub(super) fn waits_for_client(&self) -> bool {
        self.waits_for_client.load(Ordering::Relaxed)
    }
}

/// Makes a request fit for any connection: the body's type is erased, its framing agrees with its
/// headers, the version is ours.
pub(super) fn prepare<B>(
    request: Request<B>,
    empty: bool,
) -> (Request<RequestBody>, Option<Arc<Upload>>)
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let (mut parts, body) = request.into_parts();
    parts.version = Version::HTTP_11;
    if empty || body.is_end_stream() {
        // A length that no body follows would make the upstream take the next request for it.
        // Zero must be said where a body is usual: some containers answer 411 without it, and
        // HTTP/2 clients need not say it.
        let usual = matches!(parts.method, Method::POST | Method::PUT);
        if usual || parts.headers.contains_key(CONTENT_LENGTH) {
            let zero = HeaderValue::from_static("0");
            parts.headers.insert(CONTENT_LENGTH, zero);
        }
        return (Request::from_parts(parts, RequestBody::Empty), None);
    }
    // hyper sends no body of unknown length with GET and HEAD unless told to.
    let unframed = body.size_hint().exact().is_none()
        && !parts.headers.contains_key(CONTENT_LENGTH)
        && matches!(parts.method, Method::GET | Method::HEAD);
    if unframed {
        let chunked = HeaderValue::from_static("chunked");
        parts.headers.insert(TRANSFER_ENCODING, chunked);
    }
    let upload = Arc::new(Upload::default());
    let body = RequestBody::Stream {
        body: Box::pin(body.map_err(Into::into)),
        upload: Arc::clone(&upload),
    };
    (Request::from_parts(parts, body), Some(upload))
}

/// A second copy, when the request may be sent twice: only methods that change nothing, and
/// without a body. `calls/new` must not dial twice.
pub(super) fn repeatable_copy(request: &Request<RequestBody>) -> Option<Request<RequestBody>> {
    match (request.body(), request.method()) {
        (RequestBody::Empty, &Method::GET | &Method::HEAD | &Method::OPTIONS) => {
            let mut copy = Request::new(RequestBody::Empty);
            *copy.method_mut() = request.method().clone();
            *copy.uri_mut() = request.uri().clone();
            *copy.headers_mut() = request.headers().clone();
            Some(copy)
        }
        (RequestBody::Empty | RequestBody::Stream { .. }, _) => None,
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Stream { body, upload } => {
                upload.waits_for_client.store(true, Ordering::Relaxed);
                let frame = ready!(body.as_mut().poll_frame(cx));
                upload.waits_for_client.store(false, Ordering::Relaxed);
                upload.pieces.fetch_add(1, Ordering::Relaxed);
                // A body whose length is known is not asked for its end.
                let done = frame.is_none() || body.is_end_stream();
                upload.done.store(done, Ordering::Relaxed);
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Stream { body, .. } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Stream { body, .. } => body.size_hint(),
        }
    }
}
