//! Asks a peer with a handshake what it presents.

use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpSocket;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::domain::certs::source::SourceFault;
use crate::tls::probe::Presented;
use crate::tls::probe::Probe;
use crate::workers::cert_watch::glances::Glance;
use crate::workers::cert_watch::glances::Glances;

/// Most bytes that a peer may send before it has shown its certificates: what rustls takes in one
/// message of a handshake, and some more.
const MOST_BYTES: usize = 256 * 1024;

/// Read at once.
const READ: usize = 4 * 1024;

/// How far a handshake goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// To its end, so that peers have nothing to complain about.
    Complete,
    /// Until the certificate is there. A listener that asks for client certificates would count
    /// the rest as a client that it refused.
    Glance,
}

/// Whom to ask for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
    /// The name to ask for; an address asks for none.
    pub(super) name: String,
    pub(super) manner: Manner,
}

impl Target {
    /// `host:port`, as people write it.
    pub(super) fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// What a peer presents, within `patience`.
pub(super) async fn ask(
    target: &Target,
    glances: &Glances,
    patience: Duration,
) -> Result<Presented, SourceFault> {
    match timeout(patience, shake(target, glances)).await {
        Ok(result) => result,
        Err(_elapsed) => Err(SourceFault::Timeout),
    }
}

async fn shake(target: &Target, glances: &Glances) -> Result<Presented, SourceFault> {
    let (mut stream, _glance) = connect(target, glances)
        .await
        .map_err(|error| fault(&error))?;
    let mut probe = Probe::new(&target.name).map_err(|_| SourceFault::HostUnknown)?;
    let mut buffer = vec![0; READ];
    let mut taken = 0;
    loop {
        let presented = probe.presented();
        let done = match target.manner {
            Manner::Complete => !probe.connection.is_handshaking(),
            Manner::Glance => true,
        };
        if let (Some(presented), true) = (&presented, done) {
            if target.manner == Manner::Complete {
                farewell(&mut probe, &mut stream).await;
            }
            return Ok(presented.clone());
        }
        match step(&mut probe, &mut stream, &mut buffer).await {
            Ok(0) => break,
            Ok(more) => taken += more,
            // A peer that wants a certificate of ours, or that rustls does not like, has shown its
            // own by then.
            Err(_) => break,
        }
        if taken > MOST_BYTES {
            break;
        }
    }
    probe.presented().ok_or(SourceFault::NoHandshake)
}

/// A connection, and that it is our own when it is to ourselves.
async fn connect(target: &Target, glances: &Glances) -> io::Result<(TcpStream, Option<Glance>)> {
    let host = target.host.as_str();
    let Ok(ip) = host.parse::<IpAddr>() else {
        return Ok((TcpStream::connect((host, target.port)).await?, None));
    };
    let address = SocketAddr::new(ip, target.port);
    if target.manner == Manner::Complete {
        return Ok((TcpStream::connect(address).await?, None));
    }
    let socket = if ip.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // From the address of the listener itself, which is one of this machine.
    socket.bind(SocketAddr::new(ip, 0))?;
    let glance = glances.begin(socket.local_addr()?);
    Ok((socket.connect(address).await?, Some(glance)))
}

/// One turn of the handshake; how many bytes came.
async fn step(probe: &mut Probe, stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    let mut out = Vec::new();
    while probe.connection.wants_write() {
        probe.connection.write_tls(&mut out)?;
    }
    stream.write_all(&out).await?;
    let count = stream.read(buffer).await?;
    let mut come = buffer.get(..count).unwrap_or_default();
    while !come.is_empty() {
        probe.connection.read_tls(&mut come)?;
        let state = probe.connection.process_new_packets();
        state.map_err(io::Error::other)?;
    }
    Ok(count)
}

/// The last message of the handshake and a close, if the peer takes them; all is seen by now.
async fn farewell(probe: &mut Probe, stream: &mut TcpStream) {
    probe.connection.send_close_notify();
    let mut out = Vec::new();
    while probe.connection.wants_write() {
        if probe.connection.write_tls(&mut out).is_err() {
            return;
        }
    }
    if stream.write_all(&out).await.is_ok() {
        drop(stream.shutdown().await);
    }
}

fn fault(error: &io::Error) -> SourceFault {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => SourceFault::ConnectionRefused,
        io::ErrorKind::TimedOut => SourceFault::Timeout,
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => {
            SourceFault::NoHandshake
        }
        // The resolver has no kind of its own.
        _ if error.raw_os_error().is_none() => SourceFault::HostUnknown,
        _ => SourceFault::Unreadable,
    }
}
