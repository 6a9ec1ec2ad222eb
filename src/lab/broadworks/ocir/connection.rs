//! One connection: we speak, the other side listens.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio::time::sleep_until;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::ocir::desk::Next;
use crate::lab::broadworks::ocir::document;
use crate::platform::clock;

/// Longest TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Longest time for a client to take a document.
const WRITE: Duration = Duration::from_secs(30);

/// Serves a connection until it ends, is cut, or the lab stops.
pub(super) async fn serve(
    lab: &Arc<BroadWorks>,
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    stop: &CancellationToken,
) {
    let Some(cut) = lab.ocir.connected(peer.ip().to_canonical()) else {
        debug!(%peer, "A host that is not in the access list connected to OCI-R.");
        return;
    };
    let served = async {
        stream.set_nodelay(true)?;
        match tls {
            None => speak(lab, stream, peer).await,
            Some(tls) => {
                let stream = timeout(HANDSHAKE, tls.accept(stream)).await??;
                speak(lab, stream, peer).await
            }
        }
    };
    let outcome = tokio::select! {
        biased;
        () = stop.cancelled() => return,
        () = cut.cancelled() => return,
        outcome = served => outcome,
    };
    if let Err(error) = outcome {
        debug!(%error, %peer, "An OCI-R connection to the lab ended early.");
    }
}

async fn speak(
    lab: &Arc<BroadWorks>,
    stream: impl AsyncRead + AsyncWrite,
    peer: SocketAddr,
) -> io::Result<()> {
    let host = peer.ip().to_canonical();
    let (mut read, mut write) = tokio::io::split(stream);
    let mut scrap = [0; 1024];
    let mut ping = Instant::from_std(clock::mono());
    loop {
        // Before the desk is asked, so that no news is missed.
        let news = lab.ocir.news.notified();
        let settings = lab.ocir.settings();
        let silent = match lab.ocir.next(host) {
            Next::Document(bytes) => {
                send(&mut write, &bytes, settings.split).await?;
                continue;
            }
            Next::Ping => false,
            Next::Silence => true,
        };
        // Each branch may be dropped halfway without losing anything.
        tokio::select! {
            read = read.read(&mut scrap) => if read? == 0 {
                return write.shutdown().await;
            },
            () = news => {}
            () = sleep_until(ping), if !silent => {
                let bytes = document::body(document::PING).into_bytes();
                send(&mut write, &bytes, settings.split).await?;
                ping = Instant::from_std(clock::mono()) + settings.ping();
            }
        }
    }
}

async fn send(
    stream: &mut (impl AsyncWrite + Unpin),
    document: &[u8],
    split: bool,
) -> io::Result<()> {
    let piece = if split { 1 } else { document.len().max(1) };
    timeout(WRITE, async {
        for piece in document.chunks(piece) {
            stream.write_all(piece).await?;
            stream.flush().await?;
        }
        stream.write_all(b"\n").await?;
        stream.flush().await
    })
    .await?
}
