//! A connected stream. It remembers whether it heard anything, and can stop behind the head of an
//! answer, so that what follows is read without hyper.

use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Buf as _;
use bytes::Bytes;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// A connected stream.
pub struct Stream {
    transport: Transport,
    ear: Arc<Ear>,
    head: HeadEnd,
    /// What came behind the head at which it stops.
    held: Option<Bytes>,
}

/// What carries the bytes.
pub(super) enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// What is known of a stream, and asked of it, while hyper has it.
#[derive(Default)]
pub(super) struct Ear {
    heard: AtomicBool,
    stops: AtomicBool,
    unflushed: AtomicBool,
}

impl Ear {
    /// Whether any byte of an answer has come since [`Ear::begin`].
    pub(super) fn heard(&self) -> bool {
        self.heard.load(Ordering::Relaxed)
    }

    /// A request is about to be written. With `stops` hyper gets the head of its answer and not
    /// one byte more, until [`Ear::go_on`].
    pub(super) fn begin(&self, stops: bool) {
        self.heard.store(false, Ordering::Relaxed);
        self.stops.store(stops, Ordering::Relaxed);
    }

    /// Lets hyper have what follows the head. The stream wakes nobody for it: it is to be polled.
    pub(super) fn go_on(&self) {
        self.stops.store(false, Ordering::Relaxed);
    }

    /// Whether bytes written may not have left.
    pub(super) fn is_unflushed(&self) -> bool {
        self.unflushed.load(Ordering::Relaxed)
    }

    fn note_unflushed(&self, unflushed: bool) {
        self.unflushed.store(unflushed, Ordering::Relaxed);
    }
}

impl Stream {
    pub(super) fn new(transport: Transport) -> Self {
        Self {
            transport,
            ear: Arc::default(),
            head: HeadEnd::default(),
            held: None,
        }
    }

    /// Bounds what waits inside of TLS for a peer that does not read, in bytes.
    pub(super) fn bound_buffers(&mut self, bytes: usize) {
        match &mut self.transport {
            Transport::Plain(_) => {}
            Transport::Tls(stream) => stream.get_mut().1.set_buffer_limit(Some(bytes)),
        }
    }

    /// What tells of it, and is told, from outside.
    pub(super) fn ear(&self) -> Arc<Ear> {
        Arc::clone(&self.ear)
    }

    /// What came behind the head, for the one who reads on.
    pub(super) fn take_held(&mut self) -> Bytes {
        self.ear.go_on();
        self.held.take().unwrap_or_default()
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let stops = this.ear.stops.load(Ordering::Relaxed);
        if let Some(held) = &mut this.held {
            if stops {
                return Poll::Pending;
            }
            let next = held.split_to(held.len().min(buffer.remaining()));
            if !held.has_remaining() {
                this.held = None;
            }
            if !next.is_empty() {
                buffer.put_slice(&next);
                return Poll::Ready(Ok(()));
            }
        }
        let before = buffer.filled().len();
        ready!(match &mut this.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Transport::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        })?;
        let fresh = buffer.filled().get(before..).unwrap_or_default();
        if !fresh.is_empty() {
            this.ear.heard.store(true, Ordering::Relaxed);
        }
        if stops && let Some(end) = this.head.feed(fresh) {
            let behind = fresh.get(end..).unwrap_or_default();
            this.held = Some(Bytes::copy_from_slice(behind));
            buffer.set_filled(before + end);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.ear.note_unflushed(true);
        match &mut this.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Transport::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.ear.note_unflushed(true);
        match &mut this.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Transport::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.transport {
            Transport::Plain(stream) => stream.is_write_vectored(),
            Transport::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(match &mut this.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Transport::Tls(stream) => Pin::new(stream).poll_flush(cx),
        })?;
        this.ear.note_unflushed(false);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().transport {
            Transport::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Transport::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// Finds the end of an answer's head as hyper's parser does: an empty line, with or without the
/// carriage return. Heads of interim answers (1xx) are passed over.
#[derive(Debug, Default)]
struct HeadEnd {
    /// Bytes of this head so far, up to the first digit of the status.
    at: u8,
    interim: bool,
    line_is_empty: bool,
}

impl HeadEnd {
    /// How many of these bytes belong to the head, once it ends among them; the next head begins
    /// anew.
    fn feed(&mut self, bytes: &[u8]) -> Option<usize> {
        /// `HTTP/1.1 ` stands before it.
        const STATUS: u8 = 9;
        for (place, byte) in (1..).zip(bytes) {
            if self.at == STATUS {
                self.interim = *byte == b'1';
            }
            self.at = self.at.saturating_add(1);
            match byte {
                b'\n' if self.line_is_empty => {
                    let interim = self.interim;
                    *self = Self::default();
                    if !interim {
                        return Some(place);
                    }
                }
                b'\n' => self.line_is_empty = true,
                b'\r' if self.line_is_empty => {}
                _ => self.line_is_empty = false,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_head_is_found_wherever_its_bytes_are_split() {
        for (head, behind) in [
            ("HTTP/1.1 200 OK\r\nA: 1\r\n\r\n", "5\r\nhello\r\n"),
            ("HTTP/1.1 200 OK\nA: 1\n\n", "\n\n"),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "x"),
            (
                "HTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.1 404 No\r\n\r\n",
                "",
            ),
        ] {
            let text = format!("{head}{behind}");
            for split in 0..=text.len() {
                let (first, second) = text.as_bytes().split_at(split);
                let mut end = HeadEnd::default();
                let found = match end.feed(first) {
                    Some(found) => Some(found),
                    None => end.feed(second).map(|found| split + found),
                };
                assert_eq!(found, Some(head.len()), "{text:?} at {split}");
            }
        }
    }

    #[test]
    fn a_head_without_an_end_has_none() {
        assert_eq!(
            HeadEnd::default().feed(b"HTTP/1.1 200 OK\r\nA: 1\r\n\rB: 2\r\n"),
            None
        );
    }
}
