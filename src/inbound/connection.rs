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
use crate::telemetry::edge::FailedHandshake;

/// hyper's parser reserves room for this many fields without allocating.
const FIELDS_WITHOUT_ALLOCATION: usize = 100;
/// hyper refuses a smaller buffer.
const SMALLEST_BUFFER: usize = 8192;
/// An HTTP/2 peer that answers no ping for this long is gone.
const PING_PATIENCE: Duration = Duration::from_secs(20);

/// Serves one connection to its end.
pub async fn serve(stream: TcpStream, address: SocketAddr, shared: &Arc<Shared>) {
    let edge = shared.live.load_full();
    let Some((listener, hosts)) = edge.listener(&shared.name) else {
        return;
    };
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
        drop(edge);
        return http1_connection(stream, peer(None, None), shared, &limits, None).await;
    }
    // On the heap, so that an idle connection does not carry a handshake's state.
    let shaking = Box::pin(handshake::shake(stream, hosts));
    let shaken = timeout(limits.handshake_timeout, shaking).await;
    let late = |_| Err(Failed::new(HandshakeReason::Timeout, "not done in time"));
    let shaken = match shaken.unwrap_or_else(late) {
        Ok(shaken) => shaken,
        Err(failed) => {
            shared.metrics.handshake_failed(&FailedHandshake {
                peer: address,
                reason: failed.reason,
                subject: failed.subject.as_deref(),
                issuer: failed.issuer.as_deref(),
                detail: &failed.detail,
            });
            if let Some(mut stream) = failed.stream {
                plain::last_bytes(&mut stream, &failed.last_words).await;
            }
            return;
        }
    };
    // The old snapshot must not live as long as the connection.
    drop(edge);
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
    let peer = peer(Some(shaken.facts), caller);
    if shaken.http2 {
        http2_connection(shaken.stream, peer, shared, &limits, standing).await;
    } else {
        http1_connection(shaken.stream, peer, shared, &limits, standing).await;
    }
}

fn unix_seconds(wall: SystemTime) -> i64 {
    let since = wall
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

async fn http1_connection<S>(
    stream: S,
    peer: Arc<Peer>,
    shared: &Arc<Shared>,
    limits: &Limits,
    standing: Option<Standing>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let watch = Watch::new();
    let _entered = shared.connections.enter(&watch, standing);
    let head = HeadLimits {
        bytes: limits.header_bytes,
        fields: limits.header_count,
    };
    let io = TokioIo::new(Guard::new(stream, head, Arc::clone(&watch)));
    let service = service(&peer, shared, &watch);
    let mut builder = http1::Builder::new();
    builder
        .max_buf_size(limits.header_bytes.max(SMALLEST_BUFFER))
        .header_read_timeout(None);
    if limits.header_count > FIELDS_WITHOUT_ALLOCATION {
        builder.max_headers(limits.header_count);
    }
    let mut connection = builder.serve_connection(io, service);
    let end = supervise(&watch, waits(limits), |cx, drain| {
        if drain {
            Pin::new(&mut connection).graceful_shutdown();
        }
        Pin::new(&mut connection).poll(cx)
    })
    .await;
    let ending = match end {
        End::Finished(Ok(())) => None,
        End::Finished(Err(error)) => of_error(&error),
        End::Ended(ending) => Some(ending),
    };
    if let Some(ending) = ending {
        shared.metrics.ended(peer.address, ending);
    }
    let mut guard = connection.into_parts().io.into_inner();
    match (ending, watch.found_fault()) {
        (Some(Ending::HeadMalformed | Ending::HeadTooLarge), Some(fault)) => {
            let size = fault.is_size();
            let status = if size {
                LastStatus::HeadTooLarge
            } else {
                LastStatus::BadRequest
            };
            let words = plain::text(status, fault.sentence());
            plain::last_bytes(&mut guard.into_inner(), words.as_bytes()).await;
        }
        (Some(Ending::SlowHead), _) => {
            let sentence = "The request head took too long.";
            let words = plain::text(LastStatus::RequestTimeout, sentence);
            plain::last_bytes(&mut guard.into_inner(), words.as_bytes()).await;
        }
        // hyper has answered and closed; what the peer is still sending must not cost it the answer.
        (None | Some(Ending::HeadMalformed | Ending::HeadTooLarge), None) if !guard.at_end() => {
            plain::last_bytes(&mut guard, &[]).await;
        }
        _ => {}
    }
}

async fn http2_connection<S>(
    stream: S,
    peer: Arc<Peer>,
    shared: &Arc<Shared>,
    limits: &Limits,
    standing: Option<Standing>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let watch = Watch::new();
    let _entered = shared.connections.enter(&watch, standing);
    let service = service(&peer, shared, &watch);
    let mut builder = http2::Builder::new(Streams(shared.tasks.clone()));
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.http2_streams)
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .keep_alive_interval(limits.idle_timeout.min(PING_PATIENCE))
        .keep_alive_timeout(PING_PATIENCE);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let end = supervise(&watch, waits(limits), |cx, drain| {
        if drain {
            connection.as_mut().graceful_shutdown();
        }
        connection.as_mut().poll(cx)
    })
    .await;
    let ending = match end {
        End::Finished(Ok(())) => None,
        End::Finished(Err(error)) => of_error(&error),
        End::Ended(ending) => Some(ending),
    };
    if let Some(ending) = ending {
        shared.metrics.ended(peer.address, ending);
    }
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
            Ok(answer.map(|body| Tracked {
                body,
                _flight: flight,
            }))
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
    _flight: Flight,
}

impl Body for Tracked {
    type Data = Bytes;
    type Error = <AnswerBody as Body>::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(cx)
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
