//! Sits below hyper on an HTTP/1 connection: feeds every byte through the head scanner and stops
//! reading at the first fault, so that hyper never sees an ambiguous request.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;

use crate::domain::edge::head::HeadLimits;
use crate::domain::edge::head::HeadScanner;
use crate::inbound::watch::Watch;

/// A guarded byte stream.
pub struct Guard<S> {
    stream: S,
    scanner: HeadScanner,
    watch: Arc<Watch>,
    at_end: bool,
}

impl<S> Guard<S> {
    /// Guards a stream from its first byte.
    pub fn new(stream: S, limits: HeadLimits, watch: Arc<Watch>) -> Self {
        Self {
            stream,
            scanner: HeadScanner::new(limits),
            watch,
            at_end: false,
        }
    }

    /// Whether the peer has closed its sending side.
    pub fn at_end(&self) -> bool {
        self.at_end
    }

    /// The stream itself, for the last words.
    pub fn stream(&mut self) -> &mut S {
        &mut self.stream
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guard<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.watch.found_fault().is_some() {
            // The connection's task answers and closes; hyper gets no more bytes.
            return Poll::Pending;
        }
        let before = buf.filled().len();
        std::task::ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        let fresh = buf.filled().get(before..).unwrap_or_default();
        this.at_end |= fresh.is_empty();
        match this.scanner.feed(fresh) {
            Ok(()) => {
                this.watch.head(this.scanner.in_head());
                Poll::Ready(Ok(()))
            }
            Err(fault) => {
                buf.set_filled(before);
                this.watch.head(false);
                this.watch.fault(fault);
                Poll::Pending
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
