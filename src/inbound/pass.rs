//! Bytes both ways between two streams until both are done: the end of one side's sending goes on
//! to the other while the opposite direction flows on. What a reader does not take makes the
//! other side wait, so memory is bounded by the buffers.

use std::io;
use std::pin::Pin;
use std::pin::pin;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;
use std::time::Instant;

use prometheus_client::metrics::counter::Counter;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;

use crate::inbound::watch::Order;
use crate::inbound::watch::Watch;
use crate::platform::clock;

/// Bytes under way in each direction; memory of a connection is twice this.
const COPY_BUFFER: usize = 16 * 1024;

/// One of the two ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Upstream,
}

/// How it ended.
#[derive(Debug)]
pub(super) enum Passed {
    /// Both sides closed in order, this one first.
    Closed(Side),
    /// Nothing moved for longer than the idle timeout.
    Idle,
    /// This side broke off.
    Lost(Side, io::Error),
    /// Somebody else wants it to end; never a drain, for nothing here has a point at which it
    /// ends by itself: it goes on until the drain's own deadline.
    Ordered(Order),
}

/// What has moved; may be looked at meanwhile.
pub(super) struct Tally {
    started: Instant,
    /// Milliseconds since `started` when bytes last moved, in either direction.
    moved: AtomicU64,
    from: [Direction; 2],
    first_closed: OnceLock<Side>,
    lost: OnceLock<Side>,
}

struct Direction {
    bytes: AtomicU64,
    counter: Counter,
}

impl Tally {
    /// Counts from now on, and into these counters too: of bytes from the client, and from the
    /// upstream.
    pub(super) fn new(from_client: Counter, from_upstream: Counter) -> Self {
        let direction = |counter| Direction {
            bytes: AtomicU64::new(0),
            counter,
        };
        Self {
            started: clock::mono(),
            moved: AtomicU64::new(0),
            from: [direction(from_client), direction(from_upstream)],
            first_closed: OnceLock::new(),
            lost: OnceLock::new(),
        }
    }

    /// Bytes that came from this side.
    pub(super) fn bytes_from(&self, side: Side) -> u64 {
        self.direction(side).bytes.load(Ordering::Relaxed)
    }

    /// For how long nothing has moved.
    pub(super) fn quiet(&self) -> Duration {
        clock::mono().saturating_duration_since(self.last_moved())
    }

    fn last_moved(&self) -> Instant {
        self.started + Duration::from_millis(self.moved.load(Ordering::Relaxed))
    }

    fn direction(&self, side: Side) -> &Direction {
        let [client, upstream] = &self.from;
        match side {
            Side::Client => client,
            Side::Upstream => upstream,
        }
    }

    fn note(&self) {
        let at = clock::mono().duration_since(self.started).as_millis();
        self.moved
            .store(u64::try_from(at).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn received(&self, side: Side, bytes: usize) {
        let direction = self.direction(side);
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        direction.bytes.fetch_add(bytes, Ordering::Relaxed);
        direction.counter.inc_by(bytes);
        self.note();
    }
}

/// Passes bytes both ways until both sides are done, one is lost, an order comes, or nothing moves
/// for `idle`.
pub(super) async fn pass<C, U>(
    client: &mut C,
    upstream: &mut U,
    watch: &Watch,
    idle: Duration,
    tally: &Tally,
) -> Passed
where
    C: AsyncRead + AsyncWrite + Unpin,
    U: AsyncRead + AsyncWrite + Unpin,
{
    let mut client = Counted {
        stream: client,
        side: Side::Client,
        tally,
    };
    let mut upstream = Counted {
        stream: upstream,
        side: Side::Upstream,
        tally,
    };
    let mut copy = pin!(tokio::io::copy_bidirectional_with_sizes(
        &mut client,
        &mut upstream,
        COPY_BUFFER,
        COPY_BUFFER
    ));
    let mut timer = pin!(tokio::time::sleep_until((clock::mono() + idle).into()));
    std::future::poll_fn(|cx| {
        watch.register(cx.waker());
        match watch.ordered() {
            Order::None | Order::Drain => {}
            order @ (Order::CertificateEnded
            | Order::Cut
            | Order::IdentityUnlisted
            | Order::SlowReader
            | Order::TrustRemoved) => {
                return Poll::Ready(Passed::Ordered(order));
            }
        }
        match copy.as_mut().poll(cx) {
            Poll::Pending => {}
            Poll::Ready(Ok(_)) => {
                let first = tally.first_closed.get().copied();
                return Poll::Ready(Passed::Closed(first.unwrap_or(Side::Client)));
            }
            Poll::Ready(Err(error)) => {
                let lost = tally.lost.get().copied().unwrap_or(Side::Client);
                // A side that had closed in order and then took no more has not broken off.
                return Poll::Ready(if tally.first_closed.get() == Some(&lost) {
                    Passed::Closed(lost)
                } else {
                    Passed::Lost(lost, error)
                });
            }
        }
        loop {
            std::task::ready!(timer.as_mut().poll(cx));
            if tally.quiet() >= idle {
                return Poll::Ready(Passed::Idle);
            }
            timer.as_mut().reset((tally.last_moved() + idle).into());
        }
    })
    .await
}

/// A side whose bytes are counted, and of whose end is known who made it.
struct Counted<'a, S> {
    stream: &'a mut S,
    side: Side,
    tally: &'a Tally,
}

impl<S> Counted<'_, S> {
    fn judge<T>(&self, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if let Poll::Ready(Err(_)) = &polled {
            self.tally.lost.set(self.side).ok();
        }
        polled
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<'_, S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let polled = Pin::new(&mut *this.stream).poll_read(cx, buf);
        if let Poll::Ready(Ok(())) = &polled {
            match buf.filled().len() - before {
                0 => {
                    this.tally.first_closed.set(this.side).ok();
                    this.tally.note();
                }
                bytes => this.tally.received(this.side, bytes),
            }
        }
        this.judge(polled)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<'_, S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut *this.stream).poll_write(cx, buf);
        if let Poll::Ready(Ok(1..)) = &polled {
            this.tally.note();
        }
        this.judge(polled)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut *this.stream).poll_flush(cx);
        this.judge(polled)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut *this.stream).poll_shutdown(cx);
        this.judge(polled)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;
    use tokio::io::AsyncWriteExt as _;
    use tokio::io::DuplexStream;
    use tokio::io::duplex;

    use super::*;

    const IDLE: Duration = Duration::from_secs(60);

    fn tally() -> Tally {
        Tally::new(Counter::default(), Counter::default())
    }

    /// The two outer ends, and a task between the inner ones.
    async fn between(
        work: impl AsyncFnOnce(DuplexStream, DuplexStream, &Tally, &Watch),
    ) -> (Passed, u64, u64) {
        let (outer_client, mut client) = duplex(1024);
        let (outer_upstream, mut upstream) = duplex(1024);
        let (watch, tally) = (Watch::new(), tally());
        let (passed, ()) = tokio::join!(
            pass(&mut client, &mut upstream, &watch, IDLE, &tally),
            work(outer_client, outer_upstream, &tally, &watch)
        );
        let bytes = (
            tally.bytes_from(Side::Client),
            tally.bytes_from(Side::Upstream),
        );
        (passed, bytes.0, bytes.1)
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_one_sides_sending_reaches_the_other_which_may_go_on() {
        let (passed, up, down) = between(async |mut client, mut upstream, _, _| {
            client.write_all(b"last words").await.unwrap();
            client.shutdown().await.unwrap();
            let mut heard = String::new();
            upstream.read_to_string(&mut heard).await.unwrap();
            assert_eq!(heard, "last words");
            upstream.write_all(b"and more").await.unwrap();
            drop(upstream);
            heard.clear();
            client.read_to_string(&mut heard).await.unwrap();
            assert_eq!(heard, "and more");
        })
        .await;
        assert!(matches!(passed, Passed::Closed(Side::Client)), "{passed:?}");
        assert_eq!((up, down), (10, 8));
    }

    #[tokio::test(start_paused = true)]
    async fn a_side_that_closes_and_takes_no_more_has_closed() {
        let (passed, ..) = between(async |client, mut upstream, _, _| {
            drop(client);
            upstream.write_all(b"anybody?").await.unwrap();
        })
        .await;
        assert!(matches!(passed, Passed::Closed(Side::Client)), "{passed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_it_and_every_byte_puts_that_off() {
        let started = clock::mono();
        let (passed, ..) = between(async |mut client, mut upstream, tally, _| {
            for _ in 0..3 {
                tokio::time::sleep(IDLE - Duration::from_secs(1)).await;
                upstream.write_all(b".").await.unwrap();
                client.read_u8().await.unwrap();
            }
            assert!(tally.quiet() < Duration::from_secs(1));
            tokio::time::sleep(IDLE * 2).await;
        })
        .await;
        assert!(matches!(passed, Passed::Idle), "{passed:?}");
        assert!(clock::mono() - started >= IDLE * 4 - Duration::from_secs(3));
    }

    #[tokio::test(start_paused = true)]
    async fn an_order_ends_it_and_a_drain_does_not() {
        let (passed, ..) = between(async |_client, _upstream, _, watch| {
            watch.order(Order::Drain);
            tokio::time::sleep(IDLE / 2).await;
            watch.order(Order::TrustRemoved);
            tokio::time::sleep(IDLE).await;
        })
        .await;
        assert!(
            matches!(passed, Passed::Ordered(Order::TrustRemoved)),
            "{passed:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_takes_nothing_makes_the_writer_wait() {
        let (passed, up, _) = between(async |mut client, upstream, tally, _| {
            let chunk = [0; 1024];
            let mut written = 0;
            let much = async {
                loop {
                    written += client.write(&chunk).await.unwrap();
                }
            };
            let stuck = tokio::time::timeout(IDLE / 2, much).await;
            assert!(stuck.is_err());
            let most = COPY_BUFFER + 4 * chunk.len();
            assert!(written <= most, "{written} of at most {most}");
            assert!(tally.bytes_from(Side::Client) > 0);
            tokio::time::sleep(IDLE).await;
            drop(upstream);
        })
        .await;
        assert!(matches!(passed, Passed::Idle), "{passed:?}");
        assert!(up <= u64::try_from(COPY_BUFFER + 4096).unwrap());
    }
}
