//! The body of a channel's answer: documents as they come, each in a chunk of its own.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use tokio::sync::mpsc;

use crate::lab::broadworks::events::desk::EventDesk;
use crate::lab::broadworks::events::ids::ChannelId;

/// Documents that may wait for a slow client; it is cut when there are more.
pub(super) const QUEUE: usize = 256;

/// What goes over a stream.
#[derive(Debug)]
pub(super) enum Part {
    /// A document, or a part of one before the stream breaks.
    Document(Bytes),
    /// The end in order: the terminating chunk follows.
    End,
}

/// The XSP breaks the stream off.
#[derive(Debug, thiserror::Error)]
#[error("the XSP cut the channel")]
pub struct Cut;

/// The documents of a channel. Dropped when the client is gone.
#[derive(Debug)]
pub struct ChannelBody {
    parts: mpsc::Receiver<Part>,
    flushed: bool,
    over: bool,
    guard: Guard,
}

/// Tells the desk when nothing can be written any more.
struct Guard {
    desk: Arc<EventDesk>,
    channel: ChannelId,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.channel.fmt(f)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.desk.lost(self.channel);
    }
}

impl ChannelBody {
    pub(super) const fn new(
        parts: mpsc::Receiver<Part>,
        desk: Arc<EventDesk>,
        channel: ChannelId,
    ) -> Self {
        Self {
            parts,
            flushed: false,
            over: false,
            guard: Guard { desk, channel },
        }
    }

    /// The channel whose stream it is.
    #[must_use]
    pub const fn channel(&self) -> ChannelId {
        self.guard.channel
    }

    /// The next document; `None` when the channel has ended or was cut.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        match self.parts.recv().await {
            Some(Part::Document(document)) => Some(document),
            Some(Part::End) | None => None,
        }
    }
}

impl Body for ChannelBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if self.over {
            return Poll::Ready(None);
        }
        match self.parts.poll_recv(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Part::Document(document))) => {
                Poll::Ready(Some(Ok(Frame::data(document))))
            }
            Poll::Ready(Some(Part::End)) => {
                self.over = true;
                Poll::Ready(None)
            }
            Poll::Ready(None) => {
                // hyper throws away what it has not flushed when a body fails.
                if self.flushed {
                    self.over = true;
                    return Poll::Ready(Some(Err(Cut)));
                }
                self.flushed = true;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}
