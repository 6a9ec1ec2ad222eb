//! One HTTP/1.1 connection to an upstream.
//!
//! It has no task of its own: whoever waits for an answer or its body drives it. That saves two
//! wake-ups of another task per request, and a connection taken from the idle ones is looked at
//! for its end in the same step in which the request would go out. The price: an upload goes on
//! beside an early answer only while somebody reads that answer.

use std::future::Future;
use std::future::poll_fn;
use std::pin::Pin;
use std::pin::pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::task::ready;
use std::time::Duration;
use std::time::Instant;

use bytes::BytesMut;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header::CONTENT_LENGTH;
use http::header::TRANSFER_ENCODING;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::task::unconstrained;
use tokio::time::Sleep;
use tokio::time::sleep_until;

use crate::outbound::SendFailure;
use crate::outbound::direct::Direct;
use crate::outbound::error::Causes;
use crate::outbound::request::RequestBody;
use crate::outbound::request::Upload;
use crate::outbound::stream::Ear;
use crate::outbound::stream::Stream;
use crate::platform::clock;
use crate::telemetry::upstream::UpstreamSeries;

/// Bytes of an answer's head. XSP heads are below 2 KiB; anything near this is not an XSP.
/// The number of header fields stays at hyper's 100, which it parses without allocating.
const HEAD_BYTES: usize = 64 * 1024;

/// Bytes read ahead of a slow client; hyper would take 400 KB.
const READ_BYTES: usize = HEAD_BYTES;

/// hyper's part; boxed, because a stream that is read without hyper outlives it for weeks.
type Link = Box<http1::Connection<TokioIo<Stream>, RequestBody>>;

/// A connection; boxed, because it moves between the idle ones, a waiting request and a body.
pub(super) struct Connection {
    /// `None` once hyper has nothing more to do.
    sender: Option<http1::SendRequest<RequestBody>>,
    /// `None` once it has ended.
    link: Option<Link>,
    ear: Arc<Ear>,
    pub(super) timer: Timer,
    series: Arc<UpstreamSeries>,
    resting: bool,
}

/// What is known of an answer beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// It has an end in sight.
    Ends,
    /// It may be a stream that rests most of its time.
    MayLast,
}

/// Why a request got no answer head on this connection.
pub(super) enum Broken {
    /// Not one byte of it was written; here it is again.
    Unsent(Box<Request<RequestBody>>),
    /// It was, or may have been, written.
    Sent(Breach),
}

/// What ended an exchange after the request was written.
pub(super) struct Breach {
    kind: BreachKind,
    /// Whether any byte of an answer had come.
    pub(super) heard: bool,
    /// The error in words.
    pub(super) detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BreachKind {
    BadResponse,
    Closed,
    RequestBody,
    Timeout,
}

impl Breach {
    /// Whether the connection just ended, so that a harmless request may be sent again.
    pub(super) fn is_silent_close(&self) -> bool {
        self.kind == BreachKind::Closed && !self.heard
    }

    pub(super) const fn of(&self, upstream: Arc<str>) -> SendFailure {
        match self.kind {
            BreachKind::BadResponse => SendFailure::BadResponse { upstream },
            BreachKind::Closed => SendFailure::ClosedBeforeAnswer { upstream },
            BreachKind::RequestBody => SendFailure::RequestBody { upstream },
            BreachKind::Timeout => SendFailure::ResponseTimeout { upstream },
        }
    }
}

impl Connection {
    /// Starts HTTP/1.1 on a fresh stream.
    pub(super) async fn open(
        stream: Stream,
        series: Arc<UpstreamSeries>,
    ) -> Result<Box<Self>, hyper::Error> {
        let ear = stream.ear();
        let (sender, link) = http1::Builder::new()
            .max_header_size(HEAD_BYTES)
            .max_buf_size(READ_BYTES)
            .handshake(TokioIo::new(stream))
            .await?;
        series.connection_opened();
        Ok(Box::new(Self {
            sender: Some(sender),
            link: Some(Box::new(link)),
            ear,
            timer: Timer(None),
            series,
            resting: false,
        }))
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// `limit` runs from the last piece of the request body, or from now without one; it stands
    /// still while the next piece is the client's to send.
    pub(super) async fn exchange(
        &mut self,
        request: Request<RequestBody>,
        upload: Option<&Upload>,
        limit: Duration,
        answer: Answer,
    ) -> Result<Response<Incoming>, Broken> {
        let Some(sender) = &mut self.sender else {
            return Err(Broken::Unsent(Box::new(request)));
        };
        self.ear.begin(answer == Answer::MayLast);
        // Unconstrained, because it is polled with a waker that does nothing: only driving the
        // link can finish it, and an exhausted task budget would look like a missing answer.
        let mut answer = pin!(unconstrained(sender.try_send_request(request)));
        let mut silence = Silence::new(limit, upload);
        let outcome = poll_fn(|cx| {
            drive(&mut self.link, cx);
            let mut quiet = Context::from_waker(Waker::noop());
            match answer.as_mut().poll(&mut quiet) {
                Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
                Poll::Pending => silence.poll(&mut self.timer, cx).map(|()| None),
            }
        })
        .await;
        match outcome {
            Some(Ok(response)) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                let detail = "it switched protocols unasked".to_owned();
                Err(self.breach(BreachKind::BadResponse, detail))
            }
            Some(Ok(response)) => Ok(response),
            Some(Err(mut error)) => Err(match error.take_message() {
                Some(request) => Broken::Unsent(Box::new(request)),
                None => self.breach(kind_of(error.error()), Causes(error.error()).to_string()),
            }),
            None => {
                let detail = format!("no answer within {limit:?}");
                Err(self.breach(BreachKind::Timeout, detail))
            }
        }
    }

    fn breach(&self, kind: BreachKind, detail: String) -> Broken {
        Broken::Sent(Breach {
            kind,
            heard: self.ear.heard(),
            detail,
        })
    }

    /// Moves bytes both ways as far as they go now.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) {
        drive(&mut self.link, cx);
    }

    /// Takes over the rest of an answer that hyper was to have the head of only: when it is
    /// chunked and nothing of the request is left to be sent. Otherwise hyper goes on.
    pub(super) fn take_over(
        &mut self,
        head: &Response<Incoming>,
        upload: Option<&Upload>,
    ) -> Option<Direct> {
        let fit = is_chunked(head)
            && upload.is_none_or(Upload::is_done)
            && !self.ear.is_unflushed()
            && self.link.is_some();
        if !fit {
            self.ear.go_on();
            return None;
        }
        let parts = self.link.take()?.into_parts();
        // Its queue of requests goes with it.
        self.sender = None;
        let mut stream = parts.io.into_inner();
        let mut come = BytesMut::from(parts.read_buf);
        come.extend_from_slice(&stream.take_held());
        Some(Direct::new(stream, come.freeze()))
    }

    /// Whether hyper is ready for the next request; a hint that costs nothing.
    pub(super) fn is_ready(&self) -> bool {
        self.link.is_some() && self.sender.as_ref().is_some_and(|sender| sender.is_ready())
    }

    /// Makes it wait for its next request without waking anybody; `false` when it cannot carry
    /// another one.
    pub(super) fn rest(&mut self) -> bool {
        self.drive(&mut Context::from_waker(Waker::noop()));
        let fit = self.is_ready();
        if fit && !self.resting {
            self.resting = true;
            self.series.connection_rested();
        }
        fit
    }

    /// Ends its rest.
    pub(super) fn take(&mut self) {
        if self.resting {
            self.resting = false;
            self.series.connection_taken();
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.resting {
            self.series.idle_connection_closed();
        } else {
            self.series.active_connection_closed();
        }
    }
}

/// Apart from the connection, because a request under way borrows the rest of it.
fn drive(link: &mut Option<Link>, cx: &mut Context<'_>) {
    if let Some(running) = link
        && Pin::new(&mut **running).poll(cx).is_ready()
    {
        // Dropping it hands every error, and every request not yet sent, to its owner.
        *link = None;
    }
}

/// Whether chunks, and nothing else, tell where the body ends.
fn is_chunked(head: &Response<Incoming>) -> bool {
    let headers = head.headers();
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let coding = codings.next();
    head.status() == StatusCode::OK
        && coding.is_some_and(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
        && codings.next().is_none()
        && !headers.contains_key(CONTENT_LENGTH)
}

fn kind_of(error: &hyper::Error) -> BreachKind {
    if error.is_user() {
        BreachKind::RequestBody
    } else if error.is_parse() {
        BreachKind::BadResponse
    } else {
        BreachKind::Closed
    }
}

/// The wait for an answer head.
struct Silence<'a> {
    limit: Duration,
    upload: Option<&'a Upload>,
    pieces: u64,
    deadline: Option<Instant>,
}

impl<'a> Silence<'a> {
    const fn new(limit: Duration, upload: Option<&'a Upload>) -> Self {
        Self {
            limit,
            upload,
            pieces: 0,
            deadline: None,
        }
    }

    /// Ready when it has lasted too long.
    fn poll(&mut self, timer: &mut Timer, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(upload) = self.upload {
            let pieces = upload.pieces();
            if pieces != self.pieces {
                self.pieces = pieces;
                self.deadline = None;
            }
            if upload.waits_for_client() {
                self.deadline = None;
                return Poll::Pending;
            }
        }
        let deadline = *self
            .deadline
            .get_or_insert_with(|| clock::mono() + self.limit);
        timer.poll(deadline, cx)
    }
}

/// One timer for the whole life of a connection. A wait that ends in time leaves it armed, and the
/// next wait moves it only when it would come too late, or when it has fired: a busy connection
/// touches the timer wheel about once per time limit instead of twice per request.
pub(super) struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    /// Ready once `deadline` has passed.
    pub(super) fn poll(&mut self, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = deadline.into();
        let sleep = self
            .0
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
    }
}
