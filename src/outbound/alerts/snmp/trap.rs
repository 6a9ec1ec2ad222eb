//! The way of a trap: a datagram without an answer, from a socket that hears of a shut port. The
//! library's own socket serves many targets and hears of none.

use std::net::SocketAddr;

use async_snmp::Candidate;
use async_snmp::Error;
use async_snmp::RequestRegistration;
use async_snmp::Result;
use async_snmp::Transport;
use bytes::Bytes;
use tokio::net::UdpSocket;

use crate::outbound::alerts::datagram;

/// Largest trap in bytes: what goes over Ethernet in one piece, as the library has it for informs.
const LARGEST: usize = 1_472;

pub(super) struct Way {
    socket: UdpSocket,
    local: SocketAddr,
    target: SocketAddr,
}

impl Way {
    pub(super) async fn to(local: SocketAddr, target: SocketAddr) -> std::io::Result<Self> {
        let socket = datagram::connected(local, target).await?;
        let local = socket.local_addr()?;
        Ok(Self {
            socket,
            local,
            target,
        })
    }
}

impl Transport for Way {
    async fn send(&self, data: &[u8]) -> Result<()> {
        if data.len() > LARGEST {
            let (size, limit) = (data.len(), LARGEST);
            return Err(Error::OutboundMessageTooLarge { size, limit }.boxed());
        }
        let sent = datagram::send(&self.socket, data).await;
        let target = self.target;
        sent.map_err(|source| Error::Network { target, source }.boxed())
    }

    async fn request_with<T, F>(&self, _: &[u8], _: RequestRegistration, _: F) -> Result<T>
    where
        T: Send,
        F: FnMut(Bytes, SocketAddr) -> Result<Candidate<T>> + Send,
    {
        // A trap asks for nothing.
        let target = self.target;
        Err(Error::Closed { target }.boxed())
    }

    fn peer_addr(&self) -> SocketAddr {
        self.target
    }

    fn local_addr(&self) -> SocketAddr {
        self.local
    }

    fn is_reliable(&self) -> bool {
        false
    }

    fn send_capacity(&self) -> usize {
        LARGEST
    }
}
