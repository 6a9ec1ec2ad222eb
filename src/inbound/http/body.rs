//! The request's body on its way to the XSP: counted, capped, and ended when it pauses too long.
//! Bytes pass untouched; trailers are dropped.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use tokio::time::Sleep;

use crate::domain::edge::reason::Reason;
use crate::inbound::connections::Place;
use crate::platform::clock;

/// Any error of a body that we did not make.
pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// Why a request body broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyFault {
    /// The client's connection or framing broke.
    #[error("the request body broke off")]
    Broken,
    /// A longer pause than allowed.
    #[error("the request body paused too long")]
    Stalled,
    /// More bytes than allowed.
    #[error("the request body is too large")]
    TooLarge,
}

impl BodyFault {
    /// The refusal that it leads to.
    pub(super) const fn reason(self) -> Reason {
        match self {
            Self::Broken => Reason::BodyBroken,
            Self::Stalled => Reason::BodyStalled,
            Self::TooLarge => Reason::BodyTooLarge,
        }
    }
}

/// What became of a body, for those who no longer hold it.
#[derive(Debug, Default)]
pub(super) struct Tally {
    bytes: AtomicU64,
    fault: AtomicU8,
}

impl Tally {
    /// Bytes that went through.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Why it broke off, if it did.
    pub(super) fn fault(&self) -> Option<BodyFault> {
        match self.fault.load(Ordering::Relaxed) {
            1 => Some(BodyFault::Broken),
            2 => Some(BodyFault::Stalled),
            3 => Some(BodyFault::TooLarge),
            _ => None,
        }
    }

    fn record(&self, fault: BodyFault) {
        let code = match fault {
            BodyFault::Broken => 1,
            BodyFault::Stalled => 2,
            BodyFault::TooLarge => 3,
        };
        self.fault.store(code, Ordering::Relaxed);
    }
}

/// Bytes that earn a second of waiting. A body holds a connection to the XSP, so one byte before
/// each pause is over must not hold it for hours; no client that is alive is slower than this.
const BYTES_A_SECOND: u64 = 500;

/// Limits of one body.
#[derive(Debug, Clone, Copy)]
pub(super) struct BodyLimits {
    /// Bytes.
    pub(super) bytes: u64,
    /// Longest pause between two pieces, and of all pauses together but for what
    /// [`BYTES_A_SECOND`] earns.
    pub(super) pause: Duration,
}

/// A body under limits. No timer exists until the client lets us wait.
pub(super) struct LimitedBody<B> {
    inner: B,
    left: u64,
    pause: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    /// When the present pause began; the timer runs for it.
    pausing: Option<Instant>,
    /// All pauses before it. Time in which the XSP takes nothing is not the client's.
    waited: Duration,
    /// Whether it may pause for ever, a little at a time.
    steady: bool,
    tally: Arc<Tally>,
    /// Counts as an upload of its client until it is gone.
    _place: Option<Place>,
}

impl<B> LimitedBody<B> {
    pub(super) const fn new(
        inner: B,
        limits: BodyLimits,
        tally: Arc<Tally>,
        place: Option<Place>,
    ) -> Self {
        Self {
            inner,
            left: limits.bytes,
            pause: limits.pause,
            timer: None,
            pausing: None,
            waited: Duration::ZERO,
            steady: false,
            tally,
            _place: place,
        }
    }

    /// Lets it pause as often as it likes, for a body that goes on as long as its answer.
    pub(super) const fn steady(mut self) -> Self {
        self.steady = true;
        self
    }

    /// How long the next pause may be.
    fn patience(&self) -> Duration {
        if self.steady {
            return self.pause;
        }
        let earned = Duration::from_secs(self.tally.bytes() / BYTES_A_SECOND);
        let left = self.pause.saturating_add(earned);
        left.saturating_sub(self.waited).min(self.pause)
    }

    fn fail(&self, fault: BodyFault) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        self.tally.record(fault);
        Poll::Ready(Some(Err(fault)))
    }

    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.pausing.is_none() {
            let now = clock::mono();
            let end = tokio::time::Instant::from_std(now + self.patience());
            match &mut self.timer {
                Some(timer) => timer.as_mut().reset(end),
                None => self.timer = Some(Box::pin(tokio::time::sleep_until(end))),
            }
            self.pausing = Some(now);
        }
        match &mut self.timer {
            Some(timer) => timer.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

impl<B> Body for LimitedBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let this = self.get_mut();
        let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) else {
            ready!(this.poll_pause(cx));
            return this.fail(BodyFault::Stalled);
        };
        if let Some(since) = this.pausing.take() {
            let pause = clock::mono().saturating_duration_since(since);
            this.waited = this.waited.saturating_add(pause);
        }
        let data = match frame {
            Some(Ok(frame)) => frame.into_data(),
            Some(Err(_broken)) => return this.fail(BodyFault::Broken),
            None => return Poll::Ready(None),
        };
        let Ok(data) = data else {
            // Trailers come last.
            return Poll::Ready(None);
        };
        let length = data.len() as u64;
        let Some(left) = this.left.checked_sub(length) else {
            return this.fail(BodyFault::TooLarge);
        };
        this.left = left;
        this.tally.bytes.fetch_add(length, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;
    use http_body_util::BodyExt;
    use http_body_util::StreamBody;
    use tokio::sync::mpsc;

    type Piece = Result<Frame<Bytes>, std::io::Error>;

    fn limited(
        cap: u64,
    ) -> (
        mpsc::Sender<Piece>,
        impl Body<Data = Bytes, Error = BodyFault>,
        Arc<Tally>,
    ) {
        let (sender, mut receiver) = mpsc::channel(8);
        let stream = futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx));
        let tally = Arc::new(Tally::default());
        let limits = BodyLimits {
            bytes: cap,
            pause: Duration::from_secs(10),
        };
        let body = LimitedBody::new(StreamBody::new(stream), limits, Arc::clone(&tally), None);
        (sender, body, tally)
    }

    fn piece(text: &'static str) -> Piece {
        Ok(Frame::data(Bytes::from_static(text.as_bytes())))
    }

    #[tokio::test]
    async fn bytes_pass_and_are_counted_and_trailers_are_dropped() {
        let (sender, mut body, tally) = limited(10);
        for text in ["12345", "67890"] {
            sender.send(piece(text)).await.unwrap();
        }
        sender
            .send(Ok(Frame::trailers(HeaderMap::new())))
            .await
            .unwrap();
        drop(sender);
        let mut passed = Vec::new();
        while let Some(frame) = body.frame().await {
            passed.extend_from_slice(&frame.unwrap().into_data().unwrap());
        }
        assert_eq!(passed, b"1234567890");
        assert_eq!((tally.bytes(), tally.fault()), (10, None));
    }

    #[tokio::test]
    async fn one_byte_over_the_cap_ends_it() {
        let (sender, mut body, tally) = limited(9);
        sender.send(piece("12345")).await.unwrap();
        sender.send(piece("67890")).await.unwrap();
        assert!(body.frame().await.unwrap().is_ok());
        assert_eq!(
            body.frame().await.unwrap().unwrap_err(),
            BodyFault::TooLarge
        );
        assert_eq!(
            tally.fault().map(BodyFault::reason),
            Some(Reason::BodyTooLarge)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn each_pause_is_measured_by_itself() {
        const LONG: &str = match std::str::from_utf8(&[b'x'; 5000]) {
            Ok(text) => text,
            Err(_) => "",
        };
        let (sender, mut body, tally) = limited(15_000);
        let begin = clock::mono();
        for _ in 0..3 {
            tokio::join!(
                async {
                    tokio::time::sleep(Duration::from_secs(9)).await;
                    sender.send(piece(LONG)).await.unwrap();
                },
                async { assert!(body.frame().await.unwrap().is_ok()) }
            );
        }
        assert_eq!(body.frame().await.unwrap().unwrap_err(), BodyFault::Stalled);
        assert_eq!(clock::mono() - begin, Duration::from_secs(9 * 3 + 10));
        assert_eq!(
            tally.fault().map(BodyFault::reason),
            Some(Reason::BodyStalled)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_byte_before_each_pause_is_over_does_not_hold_on_for_ever() {
        let (sender, mut body, tally) = limited(100);
        let begin = clock::mono();
        let drip = async {
            while sender.send(piece("x")).await.is_ok() {
                tokio::time::sleep(Duration::from_secs(4)).await;
            }
        };
        let read = async {
            loop {
                if let Err(fault) = body.frame().await.unwrap() {
                    return fault;
                }
            }
        };
        let fault = tokio::select! {
            fault = read => fault,
            () = drip => BodyFault::Broken,
        };
        assert_eq!(fault, BodyFault::Stalled);
        assert_eq!(clock::mono() - begin, Duration::from_secs(10));
        assert_eq!(tally.bytes(), 3);
    }

    #[tokio::test]
    async fn a_broken_body_is_told_as_such() {
        let (sender, mut body, tally) = limited(100);
        sender
            .send(Err(std::io::Error::other("reset")))
            .await
            .unwrap();
        assert_eq!(body.frame().await.unwrap().unwrap_err(), BodyFault::Broken);
        assert_eq!(tally.fault(), Some(BodyFault::Broken));
    }
}
