//! One connection of a terminating listener: handshake, then HTTP/1 or HTTP/2 by what ALPN chose,
//! with one lazy timer for slow heads and idleness.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::pin::pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use hyper::Request;
use hyper::Response;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::http1;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use crate::config::Limits;
use crate::domain::auth::handshake::HandshakeReason;
use crate::domain::edge::ending::Ending;
use crate::domain::edge::head::HeadLimits;
use crate::inbound::connections::Standing;
use crate::inbound::guard::Guard;
use crate::inbound::handshake;
use crate::inbound::handshake::Failed;
use crate::inbound::http::AnswerBody;
use crate::inbound::listener::Shared;
use crate::inbound::peer::Peer;
use crate::inbound::plain;
use crate::inbound::plain::LastStatus;
use crate::inbound::watch::Flight;
use crate::inbound::watch::Order;
use crate::inbound::watch::Waits;
use crate::inbound::watch::Watch;
use crate::platform::clock;
use crate::platform::tasks::Tasks;

/// hyper's parser reserves room for this many fields without allocating.
const FIELDS_WITHOUT_ALLOCATION: usize = 100;
/// hyper refuses a smaller buffer.
const SMALLEST_BUFFER: usize = 8192;
/// Bytes of an answer that wait for an HTTP/2 peer to read, by stream: hyper's 400 KB times all
/// streams of a connection would let a few peers that read nothing fill the memory.
const SEND_BUFFER: usize = 16 * 1024;
/// An HTTP/2 peer that answers no ping for this long is gone.
const PING_PATIENCE: Duration = Duration::from_secs(20);

/// Serves one connection to its end.
pub async fn serve(stream: TcpStream, address: SocketAddr, shared: &Arc<Shared>) {
    // Each stage has its own allocation: an idle connection carries neither the state of its
    // handshake nor room for the protocol that it does not speak.
    let Some(ready) = Box::pin(prepare(stream, address, shared)).await else {
        return;
    };
    match ready.stream {
        Stream::Http1(stream) => http1_connection(*stream, ready.rest, shared).await,
        Stream::Http2(stream) => http2_connection(*stream, ready.rest, shared).await,
        Stream::Plain(stream) => http1_connection(stream, ready.rest, shared).await,
    }
}

/// A connection that is ready for requests.
struct Ready {
    stream: Stream,
    rest: Rest,
}

enum Stream {
    Http1(Box<TlsStream<TcpStream>>),
    Http2(Box<TlsStream<TcpStream>>),
    Plain(TcpStream),
}

/// What a connection needs besides its stream.
struct Rest {
    peer: Arc<Peer>,
    limits: Limits,
    standing: Option<Standing>,
}

async fn prepare(stream: TcpStream, address: SocketAddr, shared: &Arc<Shared>) -> Option<Ready> {
    let edge = shared.live.load_full();
    let (listener, hosts) = edge.listener(&shared.name)?;
    let limits = listener.limits.clone();
    let local = stream.local_addr().unwrap_or(address);
    let peer = |tls, caller| {
        Arc::new(Peer {
            address,
            local,
            listener: Arc::clone(&shared.name),
            tls,
            caller,
        })
    };
    if listener.plaintext {
        let rest = Rest {
            peer: peer(None, None),
            limits,
            standing: None,
        };
        return Some(Ready {
            stream: Stream::Plain(stream),
            rest,
        });
    }
    let shaken = timeout(limits.handshake_timeout, handshake::shake(stream, hosts)).await;
    let late = |_| Err(Failed::new(HandshakeReason::Timeout, "not done in time"));
    let shaken = match shaken.unwrap_or_else(late) {
        Ok(shaken) => shaken,
        Err(failed) => {
            let subject = failed.subject.as_deref();
            shared
                .metrics
                .handshake_failed(address, failed.reason, subject, &failed.detail);
            if let Some(mut stream) = failed.stream {
                plain::last_bytes(&mut stream, &failed.last_words).await;
            }
            return None;
        }
    };
    shared.metrics.handshake_done(shaken.facts.version);
    let (caller, standing) = match shaken.admitted {
        None => (None, None),
        Some((admitted, trust)) => {
            let at = unix_seconds(clock::wall());
            shared
                .metrics
                .admitted(address, &admitted.caller, &trust, &admitted.generation, at);
            let standing = Standing {
                trust,
                anchor: admitted.caller.anchor,
                not_after: admitted.caller.not_after,
            };
            (Some(admitted.caller), Some(standing))
        }
    };
    let rest = Rest {
        peer: peer(Some(shaken.facts), caller),
        limits,
        standing,
    };
    let stream = Box::new(shaken.stream);
    let stream = if shaken.http2 {
        Stream::Http2(stream)
    } else {
        Stream::Http1(stream)
    };
    Some(Ready { stream, rest })
}

fn unix_seconds(wall: SystemTime) -> i64 {
    let since = wall
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn http1_connection<S>(stream: S, rest: Rest, shared: &Arc<Shared>) -> BoxFuture<'static, ()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Rest {
        peer,
        limits,
        standing,
    } = rest;
    let watch = Watch::new();
    let entered = shared.connections.enter(&watch, standing);
    let head = HeadLimits {
        bytes: limits.header_bytes,
        fields: limits.header_count,
    };
    let io = TokioIo::new(Guard::new(stream, head, Arc::clone(&watch)));
    let mut builder = http1::Builder::new();
    builder
        .max_buf_size(limits.header_bytes.max(SMALLEST_BUFFER))
        .header_read_timeout(None);
    if limits.header_count > FIELDS_WITHOUT_ALLOCATION {
        builder.max_headers(limits.header_count);
    }
    let connection = builder.serve_connection(io, service(&peer, shared, &watch));
    let (waits, metrics) = (waits(&limits), shared.metrics.clone());
    Box::pin(async move {
        let _entered = entered;
        let mut connection = connection;
        let end = supervise(&watch, waits, |cx, drain| {
            if drain {
                Pin::new(&mut connection).graceful_shutdown();
            }
            Pin::new(&mut connection).poll(cx)
        })
        .await;
        let ending = ending_of(end);
        if let Some(ending) = ending {
            metrics.ended(peer.address, ending);
        }
        let guard = connection.into_parts().io.into_inner();
        say_goodbye(guard, ending, &watch).await;
    })
}

/// Sees to it that the peer hears why, or at least gets the answer that was already written.
async fn say_goodbye<S>(mut guard: Guard<S>, ending: Option<Ending>, watch: &Watch)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let words = match (ending, watch.found_fault()) {
        (Some(Ending::HeadMalformed | Ending::HeadTooLarge), Some(fault)) => {
            let size = fault.is_size();
            let status = if size {
                LastStatus::HeadTooLarge
            } else {
                LastStatus::BadRequest
            };
            plain::text(status, fault.sentence())
        }
        (Some(Ending::SlowHead), _) => plain::text(
            LastStatus::RequestTimeout,
            "The request head took too long.",
        ),
        // hyper has answered and closed; what the peer is still sending must not cost it the
        // answer.
        (None | Some(Ending::HeadMalformed | Ending::HeadTooLarge), None) if !guard.at_end() => {
            String::new()
        }
        _ => return,
    };
    plain::last_bytes(guard.stream(), words.as_bytes()).await;
}

fn ending_of(end: End) -> Option<Ending> {
    match end {
        End::Finished(Ok(())) => None,
        End::Finished(Err(error)) => of_error(&error),
        End::Ended(ending) => Some(ending),
    }
}

fn http2_connection<S>(stream: S, rest: Rest, shared: &Arc<Shared>) -> BoxFuture<'static, ()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Rest {
        peer,
        limits,
        standing,
    } = rest;
    let watch = Watch::new();
    let entered = shared.connections.enter(&watch, standing);
    let mut builder = http2::Builder::new(Streams(shared.tasks.clone()));
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.http2_streams)
        .max_send_buf_size(SEND_BUFFER)
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .keep_alive_interval(limits.idle_timeout.min(PING_PATIENCE))
        .keep_alive_timeout(PING_PATIENCE);
    let connection = builder.serve_connection(TokioIo::new(stream), service(&peer, shared, &watch));
    let (waits, metrics) = (waits(&limits), shared.metrics.clone());
    Box::pin(async move {
        let _entered = entered;
        let mut connection = pin!(connection);
        let end = supervise(&watch, waits, |cx, drain| {
            if drain {
                connection.as_mut().graceful_shutdown();
            }
            connection.as_mut().poll(cx)
        })
        .await;
        if let Some(ending) = ending_of(end) {
            metrics.ended(peer.address, ending);
        }
    })
}

fn waits(limits: &Limits) -> Waits {
    Waits {
        head: limits.header_timeout,
        idle: limits.idle_timeout,
    }
}

fn of_error(error: &hyper::Error) -> Option<Ending> {
    if error.is_parse_too_large() {
        Some(Ending::HeadTooLarge)
    } else if error.is_parse() {
        Some(Ending::HeadMalformed)
    } else {
        Some(Ending::PeerGone)
    }
}

enum End {
    Finished(hyper::Result<()>),
    Ended(Ending),
}

/// Drives a connection until it finishes, is told to end, or waits too long.
async fn supervise(
    watch: &Watch,
    waits: Waits,
    mut poll: impl FnMut(&mut Context<'_>, bool) -> Poll<hyper::Result<()>>,
) -> End {
    let mut draining = false;
    let first = watch.deadline(waits).map_or_else(clock::mono, |(at, _)| at);
    let mut armed = first;
    let mut timer: Pin<&mut Sleep> = pin!(tokio::time::sleep_until(first.into()));
    std::future::poll_fn(|cx| {
        watch.register(cx.waker());
        let order = watch.ordered();
        let drain_now = order == Order::Drain && !draining;
        draining |= drain_now;
        match order {
            Order::None | Order::Drain => {}
            Order::CertificateEnded => return Poll::Ready(End::Ended(Ending::CertificateEnded)),
            Order::TrustRemoved => return Poll::Ready(End::Ended(Ending::TrustRemoved)),
        }
        if let Poll::Ready(result) = poll(cx, drain_now) {
            return Poll::Ready(End::Finished(result));
        }
        if let Some(fault) = watch.found_fault()
            && watch.in_flight() == 0
        {
            let ending = if fault.is_size() {
                Ending::HeadTooLarge
            } else {
                Ending::HeadMalformed
            };
            return Poll::Ready(End::Ended(ending));
        }
        loop {
            if let Some((at, _)) = watch.deadline(waits)
                && at < armed
            {
                rearm(&mut timer, &mut armed, at);
            }
            std::task::ready!(timer.as_mut().poll(cx));
            let now = clock::mono();
            match watch.deadline(waits) {
                Some((at, ending)) if at <= now => return Poll::Ready(End::Ended(ending)),
                Some((at, _)) => rearm(&mut timer, &mut armed, at),
                None if watch.has_slow_reader(waits.idle) => {
                    return Poll::Ready(End::Ended(Ending::SlowReader));
                }
                // Requests are in flight; nothing is due before a whole idle time from now.
                None => rearm(&mut timer, &mut armed, now + waits.idle),
            }
        }
    })
    .await
}

fn rearm(timer: &mut Pin<&mut Sleep>, armed: &mut Instant, at: Instant) {
    *armed = at;
    timer.as_mut().reset(at.into());
}

fn service(
    peer: &Arc<Peer>,
    shared: &Arc<Shared>,
    watch: &Arc<Watch>,
) -> impl hyper::service::Service<
    Request<Incoming>,
    Response = Response<Tracked>,
    Error = Gone,
    Future: Future<Output = Result<Response<Tracked>, Gone>> + Send + 'static,
> + use<> {
    let (peer, shared, watch) = (Arc::clone(peer), Arc::clone(shared), Arc::clone(watch));
    service_fn(move |request| {
        let flight = watch.begin();
        let edge = shared.live.load_full();
        let peer = Arc::clone(&peer);
        async move {
            let answer = edge.answer(request, &peer).await.ok_or(Gone)?;
            flight.handed_over();
            Ok(answer.map(|body| Tracked { body, flight }))
        }
    })
}

/// The listener is no longer part of the configuration.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the listener is gone")]
pub struct Gone;

/// An answer's body that keeps its request in flight until it is sent.
pub struct Tracked {
    body: AnswerBody,
    flight: Flight,
}

impl Body for Tracked {
    type Data = Bytes;
    type Error = <AnswerBody as Body>::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        match polled {
            Poll::Pending => this.flight.waits_for_upstream(),
            Poll::Ready(_) => this.flight.handed_over(),
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Runs the streams of an HTTP/2 connection.
#[derive(Clone)]
struct Streams(Tasks);

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        self.0.connection(stream);
    }
}
