//! Answer bodies: streamed from an upstream, or read whole under a cap.

use std::error::Error;
use std::pin::Pin;
use std::pin::pin;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::task::ready;
use std::time::Duration;
use std::time::Instant;

use bytes::Buf;
use bytes::BufMut;
use bytes::Bytes;
use bytes::BytesMut;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::domain::upstream::Failure;
use crate::outbound::connection::Connection;
use crate::outbound::direct::Direct;
use crate::outbound::error::Causes;
use crate::outbound::upstream::Lease;
use crate::platform::clock;

/// The body of an upstream's answer.
///
/// Reads from the connection only when it is polled, so a slow client slows the upstream down. At
/// its end the connection goes back to its pool; dropped before, it is closed.
pub struct UpstreamBody {
    content: Content,
    /// What it still reads from; `None` when all of it has arrived.
    source: Option<Source>,
    idle_timeout: Duration,
    /// When the present pause is over.
    deadline: Option<Instant>,
}

enum Content {
    /// What hyper hands over.
    Framed(Incoming),
    /// What is read without it; boxed, because most answers are not.
    Direct(Box<Direct>),
    /// Nothing more.
    Ended,
}

struct Source {
    connection: Box<Connection>,
    lease: Lease,
    reuse: Reuse,
}

/// What becomes of a connection after the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reuse {
    /// It goes back to the pool.
    Keep,
    /// It is closed: an HTTP/1.0 peer would make hyper send the next request as HTTP/1.0.
    Close,
}

/// Why an answer's body broke off.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamBodyError {
    /// The upstream paused longer than the route allows.
    #[error("the upstream paused longer than {0:?} in its answer")]
    IdleTimeout(Duration),
    /// The connection ended, or what came does not keep to the framing.
    #[error("the upstream broke its answer off")]
    Lost(#[source] Box<dyn Error + Send + Sync>),
    /// The connection is gone without a word.
    #[error("the connection to the upstream is gone")]
    Gone,
}

impl UpstreamBody {
    pub(super) fn new(
        incoming: Incoming,
        connection: Box<Connection>,
        lease: Lease,
        idle_timeout: Duration,
        reuse: Reuse,
    ) -> Self {
        // A small answer has arrived together with its head: then the connection is free before
        // the client has seen a byte.
        let complete = incoming.is_end_stream() || connection.is_ready();
        let mut body = Self {
            content: Content::Framed(incoming),
            source: Some(Source {
                connection,
                lease,
                reuse,
            }),
            idle_timeout,
            deadline: None,
        };
        if complete {
            body.release();
        }
        body
    }

    /// One that is read straight from its stream. Its connection carries no other request.
    pub(super) fn direct(
        direct: Direct,
        connection: Box<Connection>,
        lease: Lease,
        idle_timeout: Duration,
    ) -> Self {
        Self {
            content: Content::Direct(Box::new(direct)),
            source: Some(Source {
                connection,
                lease,
                reuse: Reuse::Close,
            }),
            idle_timeout,
            deadline: None,
        }
    }

    /// It is a stream that may last for weeks: its connection no longer counts towards the cap of
    /// the pool. The caller has a limit of its own.
    pub fn leave_cap(&mut self) {
        if let Some(source) = &mut self.source {
            source.lease.leave_cap();
        }
    }

    /// All of it has arrived: the connection goes back, or ends if it cannot carry another
    /// request.
    fn release(&mut self) {
        if let Some(source) = self.source.take() {
            match source.reuse {
                Reuse::Keep => source.lease.give_back(source.connection),
                Reuse::Close => {}
            }
        }
    }

    fn fail(&mut self, failure: Failure, error: UpstreamBodyError) -> UpstreamBodyError {
        if let Some(source) = self.source.take() {
            source.lease.upstream().failed(failure, &Causes(&error));
        }
        error
    }

    /// What has arrived so far. Only driving the connection makes more arrive, so nobody needs to
    /// be woken here.
    fn arrived(&mut self) -> Poll<Option<Result<Frame<Bytes>, UpstreamBodyError>>> {
        let Content::Framed(incoming) = &mut self.content else {
            return Poll::Pending;
        };
        let mut quiet = Context::from_waker(Waker::noop());
        Pin::new(incoming)
            .poll_frame(&mut quiet)
            .map(|frame| match frame {
                Some(Ok(frame)) => {
                    self.deadline = None;
                    if self.is_end_stream() {
                        self.release();
                    }
                    Some(Ok(frame))
                }
                Some(Err(error)) => {
                    let error = UpstreamBodyError::Lost(error.into());
                    Some(Err(self.fail(Failure::ClosedDuringAnswer, error)))
                }
                None => {
                    self.release();
                    None
                }
            })
    }

    /// Moves the connection on and gives what has arrived then.
    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamBodyError>>> {
        match &mut self.content {
            Content::Framed(_) => {
                if let Some(source) = &mut self.source {
                    source.connection.drive(cx);
                }
                self.arrived()
            }
            Content::Direct(direct) => {
                let piece = ready!(direct.poll_piece(cx));
                self.deadline = None;
                if !matches!(piece, Some(Ok(_))) {
                    // Closes the stream.
                    self.content = Content::Ended;
                }
                Poll::Ready(match piece {
                    Some(Ok(data)) => Some(Ok(Frame::data(data))),
                    Some(Err(fault)) => {
                        let error = UpstreamBodyError::Lost(fault.into());
                        Some(Err(self.fail(Failure::ClosedDuringAnswer, error)))
                    }
                    None => {
                        self.release();
                        None
                    }
                })
            }
            Content::Ended => Poll::Ready(None),
        }
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = UpstreamBodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamBodyError>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = this.arrived() {
            return Poll::Ready(frame);
        }
        if let Poll::Ready(frame) = this.poll_next(cx) {
            return Poll::Ready(frame);
        }
        let Some(source) = &mut this.source else {
            return Poll::Ready(Some(Err(UpstreamBodyError::Gone)));
        };
        let deadline = *this
            .deadline
            .get_or_insert_with(|| clock::mono() + this.idle_timeout);
        source.connection.timer.poll(deadline, cx).map(|()| {
            let error = UpstreamBodyError::IdleTimeout(this.idle_timeout);
            Some(Err(this.fail(Failure::IdleTimeout, error)))
        })
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Framed(incoming) => incoming.is_end_stream(),
            Content::Direct(_) => false,
            Content::Ended => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Framed(incoming) => incoming.size_hint(),
            Content::Direct(_) => SizeHint::default(),
            Content::Ended => SizeHint::with_exact(0),
        }
    }
}

/// Why a body could not be read whole.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is larger than the cap.
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    /// It broke off.
    #[error("the body broke off")]
    Broken(#[source] Box<dyn Error + Send + Sync>),
}

/// Reads a body whole, up to `cap` bytes; trailers are dropped. The one home for doing so.
///
/// # Errors
///
/// When it is larger than `cap`, or breaks off.
pub async fn read_capped<B>(body: B, cap: usize) -> Result<Bytes, ReadError>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let mut body = pin!(body);
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| ReadError::Broken(error.into()))?;
        if let Ok(data) = frame.into_data() {
            if data.remaining() > cap - bytes.len() {
                return Err(ReadError::TooLarge(cap));
            }
            bytes.put(data);
        }
    }
    Ok(bytes.freeze())
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;

    use super::*;

    #[tokio::test]
    async fn a_body_up_to_the_cap_is_read_and_a_larger_one_refused() {
        let body = || Full::new(Bytes::from_static(b"12345"));
        assert_eq!(read_capped(body(), 5).await.unwrap(), "12345");
        assert!(matches!(
            read_capped(body(), 4).await,
            Err(ReadError::TooLarge(4))
        ));
    }
}
