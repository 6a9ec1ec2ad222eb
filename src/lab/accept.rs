//! The next connection of a lab's listener, with its place among those open.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

/// Pause after a failed accept: most often the process is out of file descriptors.
pub(in crate::lab) const BREATHER: Duration = Duration::from_millis(100);

/// A connection, who made it, and its slot. Cancel-safe: an unused slot is given back.
pub(in crate::lab) async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots)
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, slot))
}
