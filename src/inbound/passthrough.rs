//! A listener that reads the server name out of the TLS hello and passes every byte through, for
//! sites that keep mutual TLS on the XSP itself.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;
use std::time::Instant;

use rustls::server::Acceptor;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt as _;
use tokio::io::ReadBuf;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::config::PassthroughTarget;
use crate::domain::auth::handshake::HandshakeReason;
use crate::domain::edge::ending::Ending;
use crate::inbound::hosts::HostTable;
use crate::inbound::listener::Shared;
use crate::inbound::plain;
use crate::inbound::watch::Order;
use crate::inbound::watch::Watch;
use crate::platform::clock;
use crate::telemetry::edge::FailedHandshake;

/// A hello larger than one TLS record and a half is no hello.
const HELLO_LIMIT: usize = 24 * 1024;
/// Bytes under way in each direction; memory of a connection is twice this.
const COPY_BUFFER: usize = 16 * 1024;
/// Fatal alert `unrecognized_name` (RFC 6066, section 3), TLS 1.2 record.
const UNRECOGNIZED_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];
/// Spreads connections over equal upstreams.
static TURN: AtomicUsize = AtomicUsize::new(0);

/// Serves one connection to its end.
pub async fn serve(mut stream: TcpStream, address: SocketAddr, shared: &Arc<Shared>) {
    let edge = shared.live.load_full();
    let Some((listener, _)) = edge.listener(&shared.name) else {
        return;
    };
    let (targets, limits) = (listener.passthrough.clone(), listener.limits.clone());
    drop(edge);
    let refuse = |reason, detail: &dyn std::fmt::Display| {
        shared.metrics.handshake_failed(&FailedHandshake {
            peer: address,
            reason,
            subject: None,
            issuer: None,
            detail,
        });
    };
    let hello = match timeout(limits.handshake_timeout, read_hello(&mut stream)).await {
        Ok(Ok(hello)) => hello,
        Ok(Err(reason)) => return refuse(reason, &"no TLS hello"),
        Err(_) => return refuse(HandshakeReason::Timeout, &"no TLS hello in time"),
    };
    let table = HostTable::new(targets.iter().map(|target| target.names.as_slice()));
    let found = match &hello.server_name {
        None => targets
            .iter()
            .find(|target| target.names.iter().any(|name| name == "*")),
        named => table.find(named.as_deref()).and_then(|at| targets.get(at)),
    };
    let Some(target) = found else {
        refuse(
            HandshakeReason::UnknownServerName,
            &hello.server_name.unwrap_or_default(),
        );
        plain::last_bytes(&mut stream, &UNRECOGNIZED_NAME).await;
        return;
    };
    let Some(mut upstream) = connect(target).await else {
        return shared.metrics.ended(address, Ending::UpstreamUnreachable);
    };
    let watch = Watch::new();
    let _entered = shared.connections.enter(&watch, None);
    if upstream.write_all(&hello.bytes).await.is_err() {
        return shared.metrics.ended(address, Ending::UpstreamUnreachable);
    }
    if let Some(ending) = pass(stream, upstream, &watch, limits.idle_timeout).await {
        shared.metrics.ended(address, ending);
    }
}

struct Hello {
    bytes: Vec<u8>,
    server_name: Option<String>,
}

async fn read_hello(stream: &mut TcpStream) -> Result<Hello, HandshakeReason> {
    let mut acceptor = Acceptor::default();
    let mut bytes = Vec::with_capacity(2048);
    loop {
        let before = bytes.len();
        if before >= HELLO_LIMIT {
            return Err(HandshakeReason::Garbage);
        }
        match stream.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => return Err(HandshakeReason::Closed),
            Ok(_) => {}
        }
        let mut fresh = bytes.get(before..).unwrap_or_default();
        while !fresh.is_empty() {
            acceptor
                .read_tls(&mut fresh)
                .map_err(|_| HandshakeReason::Garbage)?;
        }
        match acceptor.accept() {
            Ok(None) => {}
            Ok(Some(accepted)) => {
                let name = accepted
                    .client_hello()
                    .server_name()
                    .map(str::to_ascii_lowercase);
                return Ok(Hello {
                    bytes,
                    server_name: name,
                });
            }
            Err(_) => return Err(HandshakeReason::Garbage),
        }
    }
}

async fn connect(target: &PassthroughTarget) -> Option<TcpStream> {
    let count = target.upstreams.len().max(1);
    let first = TURN.fetch_add(1, Ordering::Relaxed) % count;
    for upstream in target.upstreams.iter().cycle().skip(first).take(count) {
        if let Ok(Ok(stream)) = timeout(target.connect_timeout, TcpStream::connect(upstream)).await
        {
            drop(stream.set_nodelay(true));
            return Some(stream);
        }
    }
    None
}

/// Copies both ways until both sides are done, an order comes, or nothing moves for `idle`.
async fn pass(
    client: TcpStream,
    upstream: TcpStream,
    watch: &Watch,
    idle: Duration,
) -> Option<Ending> {
    let started = clock::mono();
    let moved = Arc::new(AtomicU64::new(0));
    let mut client = Moving {
        stream: client,
        started,
        moved: Arc::clone(&moved),
    };
    let mut upstream = upstream;
    let mut copy = pin!(tokio::io::copy_bidirectional_with_sizes(
        &mut client,
        &mut upstream,
        COPY_BUFFER,
        COPY_BUFFER
    ));
    let mut timer = pin!(tokio::time::sleep_until((started + idle).into()));
    std::future::poll_fn(|cx| {
        watch.register(cx.waker());
        // A passed-through connection has no point at which a request ends: a drain waits for
        // the peer until the drain's own deadline.
        if matches!(
            watch.ordered(),
            Order::CertificateEnded | Order::TrustRemoved
        ) {
            return Poll::Ready(Some(Ending::TrustRemoved));
        }
        if copy.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        loop {
            std::task::ready!(timer.as_mut().poll(cx));
            let last = started + Duration::from_millis(moved.load(Ordering::Relaxed));
            if clock::mono().duration_since(last) >= idle {
                return Poll::Ready(Some(Ending::Idle));
            }
            timer.as_mut().reset((last + idle).into());
        }
    })
    .await
}

/// Notes when bytes last moved, in either direction.
struct Moving {
    stream: TcpStream,
    started: Instant,
    moved: Arc<AtomicU64>,
}

impl Moving {
    fn note(&self) {
        let at = clock::mono().duration_since(self.started).as_millis();
        self.moved
            .store(u64::try_from(at).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl AsyncRead for Moving {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_read(cx, buf);
        if polled.is_ready() {
            this.note();
        }
        polled
    }
}

impl AsyncWrite for Moving {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write(cx, buf);
        if polled.is_ready() {
            this.note();
        }
        polled
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
