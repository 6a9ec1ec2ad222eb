//! Syslog (RFC 5424) over datagrams, TCP or TLS.
//!
//! Syslog has no answer. What can be known is: over TCP and TLS whether the receiver took the
//! connection and ended it in order after the message; of a datagram whether its port was shut.

mod message;

use std::io;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::BoxFuture;
use rustls_pki_types::ServerName;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::net::lookup_host;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::config;
use crate::config::SyslogFacility;
use crate::config::SyslogTransport;
use crate::domain::alarms::Notice;
use crate::outbound::alerts::Carrier;
use crate::outbound::alerts::SetupFault;
use crate::outbound::alerts::SinkError;
use crate::outbound::alerts::datagram;
use crate::tls::client::bridge_config;
use message::message;

/// Longest datagram that every receiver should take (RFC 5424, section 6.1).
const DATAGRAM: usize = 2_048;

/// Longest message that receivers over TLS should take (RFC 5425, section 4.3.1).
const STREAM: usize = 8_192;

/// The longest that the end of a connection is waited for.
const GOODBYE: Duration = Duration::from_secs(2);

/// Bytes of what a receiver says, which should be nothing.
const SAID: u64 = 4_096;

pub(super) struct Syslog {
    host: String,
    port: u16,
    facility: SyslogFacility,
    way: Way,
    /// For the end of a connection; a part of the time limit, or a message that was taken would
    /// count as lost.
    goodbye: Duration,
}

enum Way {
    Udp,
    Tcp,
    Tls(TlsConnector, ServerName<'static>),
}

impl Syslog {
    /// Reads certificates, blocking; called at start and reload only.
    pub(super) fn new(sink: &config::SyslogSink, limit: Duration) -> Result<Self, SetupFault> {
        let way = match (sink.transport, &sink.tls) {
            (SyslogTransport::Udp, _) => Way::Udp,
            (SyslogTransport::Tls, Some(tls)) => {
                let config =
                    bridge_config(tls).map_err(|fault| SetupFault::Tls(Box::new(fault)))?;
                let name = ServerName::try_from(tls.server_name.clone())
                    .map_err(|_| SetupFault::ServerName(tls.server_name.clone()))?;
                Way::Tls(TlsConnector::from(config), name)
            }
            (SyslogTransport::Tcp | SyslogTransport::Tls, _) => Way::Tcp,
        };
        Ok(Self {
            host: sink.host.clone(),
            port: sink.port,
            facility: sink.facility,
            way,
            goodbye: GOODBYE.min(limit / 4),
        })
    }

    async fn send(&self, notice: &Notice) -> Result<(), SinkError> {
        let most = match self.way {
            Way::Udp => DATAGRAM,
            Way::Tcp | Way::Tls(..) => STREAM,
        };
        let message = message(self.facility, notice, most);
        let failed = |word, error: &dyn std::fmt::Display| {
            let sentence = format!("{}:{}: {error}", self.host, self.port);
            SinkError::retry(word, &sentence)
        };
        match &self.way {
            Way::Udp => self
                .datagram(&message)
                .await
                .map_err(|error| failed("connect-failed", &error)),
            Way::Tcp => {
                let stream = self
                    .connect()
                    .await
                    .map_err(|error| failed("connect-failed", &error))?;
                hand_over(stream, &message, self.goodbye)
                    .await
                    .map_err(|error| failed("broken", &error))
            }
            Way::Tls(connector, name) => {
                let stream = self
                    .connect()
                    .await
                    .map_err(|error| failed("connect-failed", &error))?;
                let stream = connector
                    .connect(name.clone(), stream)
                    .await
                    .map_err(|error| failed("tls-failed", &error))?;
                hand_over(stream, &message, self.goodbye)
                    .await
                    .map_err(|error| failed("broken", &error))
            }
        }
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        TcpStream::connect((self.host.as_str(), self.port)).await
    }

    async fn datagram(&self, message: &[u8]) -> io::Result<()> {
        let mut found = lookup_host((self.host.as_str(), self.port)).await?;
        let target = found
            .next()
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address"))?;
        let local: SocketAddr = match target {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = datagram::connected(local, target).await?;
        datagram::send(&socket, message).await
    }
}

impl Carrier for Syslog {
    fn confirms(&self) -> bool {
        false
    }

    fn carry<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<(), SinkError>> {
        Box::pin(self.send(notice))
    }
}

/// Counts the octets (RFC 6587, section 3.4.1; RFC 5425, section 4.3), and sees the receiver off.
async fn hand_over<S>(mut stream: S, message: &[u8], goodbye: Duration) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut frame = format!("{} ", message.len()).into_bytes();
    frame.extend_from_slice(message);
    stream.write_all(&frame).await?;
    stream.flush().await?;
    stream.shutdown().await?;
    // A certificate that the receiver does not like, or a reset, shows only now. One that keeps the
    // connection open has the message as far as anybody can tell.
    let mut said = Vec::new();
    let mut reader = (&mut stream).take(SAID);
    match timeout(goodbye, reader.read_to_end(&mut said)).await {
        Err(_elapsed) => Ok(()),
        Ok(Ok(_)) => Ok(()),
        // The receiver ended TCP without ending TLS first, as many do.
        Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
        Ok(Err(error)) => Err(error),
    }
}
