//! The body of an answer that may last for weeks, read straight from its stream.
//!
//! hyper keeps two buffers of 8 KiB and a queue of as much with every connection, and takes three
//! turns for each piece that comes. A stream of events rests most of its life: here it holds no
//! buffer while it rests, and what comes is copied once.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use tokio::io::AsyncRead as _;
use tokio::io::ReadBuf;

use crate::outbound::chunks::Chunks;
use crate::outbound::chunks::Malformed;
use crate::outbound::chunks::Step;
use crate::outbound::stream::Stream;

/// Read at once: a TLS record.
const READ_BYTES: usize = 16 * 1024;

/// The rest of a chunked answer.
pub(super) struct Direct {
    stream: Stream,
    /// What has come and is not decoded yet.
    come: Bytes,
    chunks: Chunks,
}

/// Why it broke off.
#[derive(Debug, thiserror::Error)]
pub(super) enum DirectFault {
    /// The upstream closed before the end.
    #[error("the connection was closed before the end")]
    Closed,
    /// It does not keep to the framing.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Reading failed.
    #[error(transparent)]
    Read(#[from] io::Error),
}

impl Direct {
    /// Reads on behind the head; `come` has come already.
    pub(super) const fn new(stream: Stream, come: Bytes) -> Self {
        Self {
            stream,
            come,
            chunks: Chunks::new(),
        }
    }

    /// The next piece; `None` at the end.
    pub(super) fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, DirectFault>>> {
        loop {
            match self.chunks.step(&mut self.come) {
                Ok(Step::Data(data)) => return Poll::Ready(Some(Ok(data))),
                Ok(Step::End) => return Poll::Ready(None),
                Ok(Step::More) => {}
                Err(malformed) => return Poll::Ready(Some(Err(malformed.into()))),
            }
            // Used up, it would still keep the last piece in memory, for as long as the stream rests.
            self.come = Bytes::new();
            // On the stack, and not even zeroed: a stream that rests holds nothing.
            let mut space = [const { MaybeUninit::uninit() }; READ_BYTES];
            let mut buffer = ReadBuf::uninit(&mut space);
            if let Err(error) = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer)) {
                return Poll::Ready(Some(Err(error.into())));
            }
            if buffer.filled().is_empty() {
                return Poll::Ready(Some(Err(DirectFault::Closed)));
            }
            self.come = Bytes::copy_from_slice(buffer.filled());
        }
    }
}
