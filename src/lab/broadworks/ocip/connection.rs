//! One connection: messages in, answers out, in order.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::ocip::faults::End;
use crate::lab::broadworks::ocip::frame::Framer;
use crate::lab::broadworks::ocip::operator;
use crate::lab::broadworks::ocip::session::Sessions;
use crate::platform::clock;
use crate::platform::tasks::Tasks;

/// Longest TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Longest pause of a client that is logged in and has sent whole messages. Clients keep their
/// connection between requests.
const IDLE: Duration = Duration::from_secs(15 * 60);

/// Longest pause of any other client, and longest time for one message to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// Longest time for a client to take an answer.
const WRITE: Duration = Duration::from_secs(30);

/// Read at once.
const PIECE: usize = 16 * 1024;

/// What ends a connection from our side.
pub(super) struct Stops {
    /// The lab ends.
    pub(super) stop: CancellationToken,
    /// A test cuts connections.
    pub(super) cut: CancellationToken,
}

/// Serves a connection until it ends, is cut, or the lab stops.
pub(super) async fn serve(
    lab: Arc<BroadWorks>,
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    stops: Stops,
    tasks: Tasks,
) {
    let clear = operator::may_see_passwords(tls.is_some(), peer);
    let sessions = Sessions::new(lab, tasks, clear);
    let served = async {
        stream.set_nodelay(true)?;
        match tls {
            None => converse(stream, sessions).await,
            Some(tls) => {
                let stream = timeout(HANDSHAKE, tls.accept(stream)).await??;
                converse(stream, sessions).await
            }
        }
    };
    let outcome = tokio::select! {
        biased;
        () = stops.stop.cancelled() => return,
        () = stops.cut.cancelled() => return,
        outcome = served => outcome,
    };
    if let Err(error) = outcome {
        debug!(%error, %peer, "An OCI-P connection to the lab ended early.");
    }
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    mut sessions: Sessions,
) -> io::Result<()> {
    let mut framer = Framer::default();
    let mut piece = vec![0; PIECE];
    let mut begun: Option<Instant> = None;
    loop {
        while let Some(message) = framer.message().map_err(io::Error::other)? {
            let (answer, treatment) = sessions.answer(&message).await;
            if !treatment.delay.is_zero() {
                tokio::time::sleep(treatment.delay).await;
            }
            match treatment.end {
                End::Whole => send(&mut stream, &answer).await?,
                End::Torn => {
                    let half = answer.get(..answer.len() / 2).unwrap_or_default();
                    send(&mut stream, half).await?;
                    return stream.shutdown().await;
                }
                End::Silent => {}
            }
        }
        let patience = if framer.is_empty() {
            begun = None;
            if sessions.is_in_use() { IDLE } else { PATIENCE }
        } else {
            let now = clock::mono();
            PATIENCE.saturating_sub(now.duration_since(*begun.get_or_insert(now)))
        };
        let read = timeout(patience, stream.read(&mut piece)).await??;
        if read == 0 {
            return stream.shutdown().await;
        }
        framer.push(piece.get(..read).unwrap_or_default());
    }
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    timeout(WRITE, async {
        stream.write_all(bytes).await?;
        stream.flush().await
    })
    .await?
}
