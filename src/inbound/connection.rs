//! One connection of a terminating listener: handshake, then HTTP/1 or HTTP/2 by what ALPN chose,
//! and the last words when it ends.

use std::future::Future as _;
use std::net::SocketAddr;
use std::pin::Pin;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hyper::server::conn::http1;
use hyper::server::conn::http2;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use crate::config::Limits;
use crate::domain::auth::handshake::HandshakeReason;
use crate::domain::auth::identity::Caller;
use crate::domain::certs::date;
use crate::domain::edge::ending::Ending;
use crate::domain::edge::head::HeadLimits;
use crate::inbound::connections::Standing;
use crate::inbound::edge::ListenerEdge;
use crate::inbound::guard::Guard;
use crate::inbound::handshake;
use crate::inbound::handshake::Failed;
use crate::inbound::handshake::Shaken;
use crate::inbound::listener::Shared;
use crate::inbound::peer::Peer;
use crate::inbound::plain;
use crate::inbound::plain::LastStatus;
use crate::inbound::requests::Streams;
use crate::inbound::requests::service;
use crate::inbound::supervise::supervise;
use crate::inbound::watch::Waits;
use crate::inbound::watch::Watch;
use crate::platform::clock;
use crate::telemetry::edge::FailedHandshake;
use crate::tls::verify::Admitted;

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

/// Presents our certificate to ourselves, which counts nowhere.
pub(super) async fn glance(stream: TcpStream, shared: &Shared) {
    let edge = shared.live.load_full();
    if let Some((listener, hosts)) = edge.listener(&shared.name)
        && listener.terminates_tls()
    {
        let patience = listener.limits.handshake_timeout;
        drop(timeout(patience, handshake::shake(stream, hosts)).await);
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
    let peer = |tls, caller| {
        Arc::new(Peer {
            address,
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
    let shaken = shake_hands(stream, address, hosts, &limits, shared).await?;
    let (caller, standing) = shaken
        .admitted
        .map(|(admitted, trust)| standing(admitted, trust, address, shared))
        .unzip();
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

/// Shakes hands in time; `None` when it came to nothing, which is then counted and told.
pub(super) async fn shake_hands(
    stream: TcpStream,
    address: SocketAddr,
    hosts: &ListenerEdge,
    limits: &Limits,
    shared: &Shared,
) -> Option<Shaken> {
    let shaken = timeout(limits.handshake_timeout, handshake::shake(stream, hosts)).await;
    let late = |_| Err(Failed::new(HandshakeReason::Timeout, "not done in time"));
    match shaken.unwrap_or_else(late) {
        Ok(shaken) => {
            shared.metrics.handshake_done(shaken.facts.version);
            Some(shaken)
        }
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
            None
        }
    }
}

/// Notes who was let in, and on what that rests.
pub(super) fn standing(
    admitted: Admitted,
    trust: Arc<str>,
    address: SocketAddr,
    shared: &Shared,
) -> (Caller, Standing) {
    let Admitted { caller, generation } = admitted;
    let at = date::to_unix(clock::wall());
    shared
        .metrics
        .admitted(address, &caller, &trust, &generation, at);
    let standing = Standing {
        trust,
        anchor: caller.anchor,
        not_after: caller.not_after,
    };
    (caller, standing)
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
    let mut connection = builder.serve_connection(io, service(&peer, shared, &watch));
    let (waits, metrics) = (waits(&limits), shared.metrics.clone());
    Box::pin(async move {
        let _entered = entered;
        let end = supervise(&watch, waits, |cx, drain| {
            if drain {
                Pin::new(&mut connection).graceful_shutdown();
            }
            Pin::new(&mut connection).poll(cx)
        })
        .await;
        let ending = end.reason(&watch);
        if let Some(ending) = ending {
            metrics.ended(peer.address, ending);
        }
        let guard = connection.into_parts().io.into_inner();
        // On the heap, so that an idle connection does not carry it.
        Box::pin(say_goodbye(guard, ending, &watch)).await;
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
        (None | Some(Ending::Drained | Ending::HeadMalformed | Ending::HeadTooLarge), None)
            if !guard.at_end() =>
        {
            String::new()
        }
        _ => return,
    };
    plain::last_bytes(guard.stream(), words.as_bytes()).await;
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
        if let Some(ending) = end.reason(&watch) {
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
