//! The body of a channel's answer: every piece passes at once and untouched, and is looked into on
//! the way.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;

use crate::domain::events::ending::StreamEnding;
use crate::outbound::UpstreamBody;
use crate::outbound::UpstreamBodyError;
use crate::platform::clock;
use crate::workers::event_hub::Held;
use crate::workers::event_hub::Looker;
use crate::workers::event_hub::OpenStream;

/// The stream of a channel.
pub(in crate::inbound::http) struct EventStream {
    body: UpstreamBody,
    held: Held,
    looker: Looker,
    /// A piece was handed over that may not have been written yet.
    unwritten: bool,
    /// Why it breaks off, once what came before has been written.
    broken: Option<UpstreamBodyError>,
}

impl EventStream {
    pub(super) const fn new(body: UpstreamBody, held: Held, window: usize) -> Self {
        Self {
            body,
            held,
            looker: Looker::new(window),
            unwritten: false,
            broken: None,
        }
    }

    /// What the hub knows of it.
    pub(in crate::inbound::http) const fn stream(&self) -> &Arc<OpenStream> {
        self.held.stream()
    }
}

impl Body for EventStream {
    type Data = Bytes;
    type Error = UpstreamBodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamBodyError>>> {
        let this = self.get_mut();
        if let Some(error) = this.broken.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) else {
            this.unwritten = false;
            this.held.waits_for_upstream();
            return Poll::Pending;
        };
        match frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    let now = clock::mono();
                    this.looker.look(data, this.held.stream(), now);
                    this.held.handed_over(data.len(), now);
                    this.unwritten = true;
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => {
                this.held.ends(match error {
                    UpstreamBodyError::IdleTimeout(_) => StreamEnding::UpstreamIdle,
                    UpstreamBodyError::Lost(_) | UpstreamBodyError::Gone => {
                        StreamEnding::UpstreamLost
                    }
                });
                if !this.unwritten {
                    return Poll::Ready(Some(Err(error)));
                }
                // hyper drops what it has not written when a body fails: it gets a turn to write
                // first, so that the client sees everything that came.
                this.unwritten = false;
                this.broken = Some(error);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            None => {
                this.held.ends(StreamEnding::UpstreamEnded);
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        // The end must be polled, so that it is counted as what it is.
        false
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
