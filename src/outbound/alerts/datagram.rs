//! Datagrams. Nobody confirms one: all that can be known is that its port is shut.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::timeout;

/// The longest that news of a shut port is waited for: a notice that was taken waits as long.
const SHUT: Duration = Duration::from_millis(50);

/// A socket that the kernel tells of what comes back from its target.
pub(super) async fn connected(local: SocketAddr, target: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(local).await?;
    socket.connect(target).await?;
    Ok(socket)
}

/// Sends one, and waits a moment for news that nobody listens there.
pub(super) async fn send(socket: &UdpSocket, datagram: &[u8]) -> io::Result<()> {
    socket.send(datagram).await?;
    match timeout(SHUT, socket.recv(&mut [0; 1])).await {
        Ok(Err(error)) => Err(error),
        // An answer, which says nothing to us.
        Ok(Ok(_)) => Ok(()),
        // On a slow machine the time may be over before anybody has looked.
        Err(_elapsed) => socket.take_error()?.map_or(Ok(()), Err),
    }
}
