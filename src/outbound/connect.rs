//! From an upstream's name to a stream: address, TCP, TLS, each under the connect time limit.

use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use socket2::SockRef;
use socket2::TcpKeepalive;
use tokio::net::TcpStream;
use tokio::net::lookup_host;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::outbound::SendFailure;
use crate::outbound::stream::Stream;
use crate::outbound::stream::Transport;
use crate::platform::clock;

/// Where an upstream is and how it is spoken to.
pub(super) struct Target {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    /// Time limit of address and TCP together, and of the TLS handshake.
    limit: Duration,
}

/// Why there is no stream.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("the host name could not be resolved")]
    Resolve(#[source] io::Error),
    #[error("the host name has no address")]
    NoAddress,
    #[error("{address} could not be connected")]
    Tcp {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("no address answered within {0:?}")]
    Timeout(Duration),
    #[error("the TLS handshake failed")]
    Tls(#[source] io::Error),
    #[error("the TLS handshake took longer than {0:?}")]
    TlsTimeout(Duration),
}

impl ConnectError {
    pub(super) fn of(&self, upstream: Arc<str>) -> SendFailure {
        match self {
            Self::NoAddress | Self::Resolve(_) | Self::Tcp { .. } => {
                SendFailure::ConnectFailed { upstream }
            }
            Self::Timeout(_) => SendFailure::ConnectTimeout { upstream },
            Self::Tls(_) | Self::TlsTimeout(_) => SendFailure::TlsFailed { upstream },
        }
    }
}

impl Target {
    pub(super) fn new(
        host: &str,
        port: u16,
        tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
        limit: Duration,
    ) -> Self {
        Self {
            host: bare(host).to_owned(),
            port,
            tls: tls.map(|(config, name)| (TlsConnector::from(config), name)),
            limit,
        }
    }

    /// Connects; the flag of the stream is set whenever bytes arrive.
    pub(super) async fn connect(&self) -> Result<Stream, ConnectError> {
        let tcp = self.connect_tcp().await?;
        let transport = match &self.tls {
            None => Transport::Plain(tcp),
            Some((connector, name)) => {
                let handshake = connector.connect(name.clone(), tcp);
                let stream = timeout(self.limit, handshake)
                    .await
                    .map_err(|_| ConnectError::TlsTimeout(self.limit))?
                    .map_err(ConnectError::Tls)?;
                Transport::Tls(Box::new(stream))
            }
        };
        Ok(Stream::new(transport))
    }

    /// Tries each address; the time that is left is shared out among those that are left, so that
    /// one silent address does not use up the time of the next.
    async fn connect_tcp(&self) -> Result<TcpStream, ConnectError> {
        let until = clock::mono() + self.limit;
        let addresses = self.addresses().await?;
        let mut left = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
        let mut last = ConnectError::NoAddress;
        for address in addresses {
            let share = remaining(until) / left.max(1);
            left = left.saturating_sub(1);
            match timeout(share, connect_to(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(source)) => last = ConnectError::Tcp { address, source },
                Err(_elapsed) => last = ConnectError::Timeout(self.limit),
            }
        }
        Err(last)
    }

    async fn addresses(&self) -> Result<Vec<SocketAddr>, ConnectError> {
        if let Ok(address) = self.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, self.port)]);
        }
        let lookup = lookup_host((self.host.as_str(), self.port));
        let found = timeout(self.limit, lookup)
            .await
            .map_err(|_| ConnectError::Timeout(self.limit))?
            .map_err(ConnectError::Resolve)?;
        Ok(found.take(MAX_ADDRESSES).collect())
    }
}

async fn connect_to(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    // Requests are written in one piece; waiting for more would only add delay.
    stream.set_nodelay(true)?;
    keep_alive(&stream)?;
    Ok(stream)
}

/// Has the kernel ask a silent peer whether it is still there: an event channel or a CTI session
/// is quiet for hours, and a dead XSP must show all the same.
///
/// # Errors
/// When the kernel refuses.
pub fn keep_alive(stream: &TcpStream) -> io::Result<()> {
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE)
        .with_interval(KEEPALIVE / 4);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

/// Silence after which the kernel asks whether the upstream is still there.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Addresses tried of one name. More only make the share of time of each too short to be of use.
const MAX_ADDRESSES: usize = 8;

fn remaining(until: Instant) -> Duration {
    until.saturating_duration_since(clock::mono())
}

/// An address without the brackets of its URL form.
pub(super) fn bare(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}
