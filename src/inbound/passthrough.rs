//! A listener that reads the server name out of the TLS hello and passes every byte through, for
//! sites that keep mutual TLS on the XSP itself.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use prometheus_client::metrics::counter::Counter;
use rustls::server::Acceptor;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::config::PassthroughTarget;
use crate::domain::auth::handshake::HandshakeReason;
use crate::domain::edge::ending::Ending;
use crate::inbound::hosts::HostTable;
use crate::inbound::listener::Shared;
use crate::inbound::pass::Passed;
use crate::inbound::pass::Tally;
use crate::inbound::pass::pass;
use crate::inbound::plain;
use crate::inbound::watch::Watch;
use crate::outbound::keep_alive;
use crate::telemetry::edge::FailedHandshake;

/// A hello larger than one TLS record and a half is no hello.
const HELLO_LIMIT: usize = 24 * 1024;
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
    let tally = Tally::new(Counter::default(), Counter::default());
    let passing = pass(
        &mut stream,
        &mut upstream,
        &watch,
        limits.idle_timeout,
        &tally,
    );
    match passing.await {
        Passed::Closed(_) | Passed::Lost(..) => {}
        Passed::Idle => shared.metrics.ended(address, Ending::Idle),
        Passed::Ordered(_) => shared.metrics.ended(address, Ending::TrustRemoved),
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
            drop(keep_alive(&stream));
            return Some(stream);
        }
    }
    None
}
