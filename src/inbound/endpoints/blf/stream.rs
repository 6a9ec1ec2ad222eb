//! One stream of server-sent events: the full state, what follows it, signs of life, and a last
//! event that says why it ends and when to come back.
//!
//! Polled by the connection, without a task of its own, and with one timer for everything: an idle
//! stream costs little more than its connection.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::inbound::endpoints::blf::seats::Seat;
use crate::platform::clock;
use crate::telemetry::blf_api::BlfApiMetrics;
use crate::telemetry::blf_api::StreamEnd;
use crate::workers::blf_gate::Admitted;
use crate::workers::blf_gate::Again;
use crate::workers::blf_gate::Gate;
use crate::workers::blf_tracker::Shown;
use crate::workers::blf_tracker::Subscription;

/// A comment line, which every client passes over.
const ALIVE: Bytes = Bytes::from_static(b": keep-alive\n\n");

/// Streams that end together come back over this time, or a restart would be a storm.
const COME_BACK: u64 = 4_000;

/// And no sooner than this.
const PAUSE: u64 = 1_000;

/// What a stream rests on.
pub(super) struct Ground {
    pub(super) gate: Arc<Gate>,
    pub(super) admitted: Admitted,
    pub(super) seat: Seat,
    pub(super) ends: CancellationToken,
    pub(super) metrics: Arc<BlfApiMetrics>,
    pub(super) keep_alive: Duration,
    pub(super) re_check: Duration,
    pub(super) write_stall: Duration,
    pub(super) shown: Shown,
}

/// The stream.
pub struct LampStream {
    subscription: Subscription,
    shown: Shown,
    begun: bool,
    gate: Arc<Gate>,
    /// Away while a question about it is under way.
    admitted: Option<Admitted>,
    checking: Option<BoxFuture<'static, (Admitted, Again)>>,
    ends: Pin<Box<WaitForCancellationFutureOwned>>,
    metrics: Arc<BlfApiMetrics>,
    keep_alive: Duration,
    re_check: Duration,
    write_stall: Duration,
    timer: Pin<Box<Sleep>>,
    check_at: Instant,
    last_sent: Instant,
    end: StreamEnd,
    ended: bool,
    _seat: Seat,
}

impl LampStream {
    pub(super) fn new(subscription: Subscription, ground: Ground) -> Self {
        let now = clock::mono();
        let Ground {
            gate,
            admitted,
            seat,
            ends,
            metrics,
            keep_alive,
            re_check,
            write_stall,
            shown,
        } = ground;
        metrics.stream_began();
        let first = now + keep_alive.min(re_check);
        Self {
            subscription,
            shown,
            begun: false,
            gate,
            admitted: Some(admitted),
            checking: None,
            ends: Box::pin(ends.cancelled_owned()),
            metrics,
            keep_alive,
            re_check,
            write_stall,
            timer: Box::pin(tokio::time::sleep_until(first.into())),
            check_at: now + re_check,
            last_sent: now,
            end: StreamEnd::ClientLeft,
            ended: false,
            _seat: seat,
        }
    }

    /// Whether nothing follows.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        self.ended
    }

    /// How long it may wait for its reader.
    #[must_use]
    pub const fn write_stall(&self) -> Duration {
        self.write_stall
    }

    /// The next bytes; `None` at the end.
    pub fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if !self.begun {
            self.begun = true;
            self.metrics.delivered();
            return Poll::Ready(Some(self.first()));
        }
        match self.subscription.notices.poll_next(cx) {
            Poll::Ready(Some(notice)) => {
                self.last_sent = clock::mono();
                self.metrics.delivered();
                return Poll::Ready(Some(notice.sse(self.shown)));
            }
            Poll::Ready(None) => return self.finish(StreamEnd::TrackerGone, "tracker-gone"),
            Poll::Pending => {}
        }
        if self.ends.as_mut().poll(cx).is_ready() {
            return self.finish(StreamEnd::Draining, "draining");
        }
        if let Poll::Ready(Some(why)) = self.poll_right(cx) {
            return self.finish(StreamEnd::RightEnded, why);
        }
        self.poll_timer(cx)
    }

    fn first(&self) -> Bytes {
        let snapshot = &self.subscription.snapshot;
        let retry = format!("retry: {}\n", come_back(snapshot.id));
        let event = snapshot.sse(self.shown);
        let mut first = Vec::with_capacity(retry.len() + event.len());
        first.extend_from_slice(retry.as_bytes());
        first.extend_from_slice(&event);
        first.into()
    }

    /// The word of the reason when the right to this stream has ended.
    fn poll_right(&mut self, cx: &mut Context<'_>) -> Poll<Option<&'static str>> {
        let now = clock::mono();
        if self.checking.is_none()
            && self.check_at <= now
            && let Some(mut admitted) = self.admitted.take()
        {
            let gate = Arc::clone(&self.gate);
            self.checking = Some(Box::pin(async move {
                let again = gate.again(&mut admitted).await;
                (admitted, again)
            }));
        }
        let Some(checking) = &mut self.checking else {
            return Poll::Pending;
        };
        let (admitted, again) = std::task::ready!(checking.as_mut().poll(cx));
        self.checking = None;
        self.admitted = Some(admitted);
        self.check_at = now + self.re_check;
        match again {
            Again::Stays => Poll::Ready(None),
            Again::Ends(reason) => Poll::Ready(Some(reason.as_str())),
        }
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            let now = clock::mono();
            let mut next = self.last_sent + self.keep_alive;
            if next <= now {
                self.last_sent = now;
                return Poll::Ready(Some(ALIVE));
            }
            if self.checking.is_none() {
                if self.check_at <= now {
                    // It came due just now.
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                next = next.min(self.check_at);
            }
            if self.timer.as_mut().poll(cx).is_pending() && self.timer.deadline() <= next.into() {
                return Poll::Pending;
            }
            self.timer.as_mut().reset(next.into());
        }
    }

    fn finish(&mut self, end: StreamEnd, why: &str) -> Poll<Option<Bytes>> {
        self.end = end;
        self.ended = true;
        let retry = come_back(self.subscription.snapshot.id);
        let last = format!(
            "event: end\nretry: {retry}\ndata: {{\"kind\":\"end\",\"reason\":\"{why}\"}}\n\n"
        );
        Poll::Ready(Some(last.into()))
    }
}

impl Drop for LampStream {
    fn drop(&mut self) {
        self.metrics.stream_ended(self.end);
    }
}

/// Milliseconds after which a client should come back; another for each stream.
const fn come_back(id: u64) -> u64 {
    // Multiplicative hashing (Knuth): neighbours land far apart.
    PAUSE + (id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) % COME_BACK
}
